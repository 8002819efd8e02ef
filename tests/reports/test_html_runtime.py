"""The charts' runtime that every report carries: pinned, licensed, without eval, of the Vega that altair writes for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import altair
import pytest
import vl_convert

from reports.vega import MIME, VEGALITE, transforms
from tests.support.checkout import ROOT

ASSETS = ROOT / "reports" / "assets"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """Return the bundle's manifest."""
    found: dict[str, Any] = json.loads((ASSETS / "runtime.json").read_text())
    return found


def test_charts_are_compiled_as_what_they_are_written_in() -> None:
    """One Vega-Lite from end to end: altair's schema, the compiler's newest, and the MIME type's number."""
    assert f"v{VEGALITE}." in f"{altair.SCHEMA_VERSION}."
    newest = max(vl_convert.get_vegalite_versions(), key=lambda version: [int(part) for part in version.split(".")])
    assert newest == VEGALITE
    assert f".v{VEGALITE.split('.')[0]}+json" in MIME


def test_the_runtime_draws_what_the_compiler_makes(manifest: dict[str, Any]) -> None:
    """Compiler and runtime are of the same Vega: parser and view are of the major that Vega 6 is made of."""
    assert vl_convert.get_vega_version().split(".")[0] == "6"
    majors = {
        name: manifest["packages"][name].split(".")[0] for name in ("vega-parser", "vega-view", "vega-transforms")
    }
    assert majors == {"vega-parser": "7", "vega-view": "6", "vega-transforms": "5"}


def test_the_bundle_is_the_one_that_the_manifest_names(manifest: dict[str, Any]) -> None:
    """A changed byte in the committed bundle is seen."""
    code = (ASSETS / "runtime.js").read_bytes()
    assert hashlib.sha256(code).hexdigest() == manifest["sha256"]
    assert len(code) == manifest["bytes"]


def test_every_package_is_pinned_and_licensed(manifest: dict[str, Any]) -> None:
    """What is bundled is what is pinned, one exact version each, and its licence is told."""
    pinned = json.loads((ASSETS / "runtime" / "package.json").read_text())["dependencies"]
    assert manifest["packages"] == {name: version for name, version in pinned.items() if name != "esbuild"}
    assert manifest["esbuild"] == pinned["esbuild"]
    licences = (ASSETS / "RUNTIME-LICENSES.txt").read_text()
    assert [name for name, version in manifest["packages"].items() if f"{name} {version} (" not in licences] == []


def test_the_bundle_makes_no_code_from_text() -> None:
    """It runs under a policy without unsafe-eval, because it has nothing that would need it."""
    code = (ASSETS / "runtime.js").read_text()
    assert [word for word in ("eval(", "new Function", "importScripts", "</script") if word in code] == []


def test_the_labs_bundle_is_the_one_that_its_manifest_names() -> None:
    """What JupyterLab draws with is pinned, licensed and unchanged, and writes the Vega-Lite that altair does."""
    manifest = json.loads((ASSETS / "lab.json").read_text())
    code = (ROOT / "reports/labextensions/capacity-workbench/static/vega.js").read_bytes()
    assert (hashlib.sha256(code).hexdigest(), len(code)) == (manifest["sha256"], manifest["bytes"])
    pinned = json.loads((ASSETS / "lab" / "package.json").read_text())["dependencies"]
    assert manifest["packages"] == {name: version for name, version in pinned.items() if name != "esbuild"}
    licences = (ASSETS / "LAB-LICENSES.txt").read_text()
    assert [name for name, version in manifest["packages"].items() if f"{name} {version} (" not in licences] == []
    assert pinned["vega-lite"].startswith(f"{VEGALITE}.")


def test_the_transforms_that_charts_are_made_of_are_there() -> None:
    """What Vega-Lite compiles bands, stacks, bins, windows and time units to."""
    assert {"aggregate", "bin", "formula", "impute", "joinaggregate", "stack", "timeunit", "window"} <= transforms()
