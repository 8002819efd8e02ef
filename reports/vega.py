"""Charts on their way into a page: Vega-Lite becomes Vega once, at export, and equal data are kept once, by columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from capacity.errors import ReportError
from reports.pack import canonical

__all__ = ["MIME", "VEGALITE", "Shelf", "compiled", "transforms"]

VEGALITE = "6.4"
"""The Vega-Lite that charts are written in (altair's) and compiled by (vl-convert's); a test holds the two together."""

MIME = "application/vnd.vegalite.v6+json"

PAGE_COLOURS = {
    "black": "var(--ink)",
    "#000": "var(--ink)",
    "#000000": "var(--ink)",
    "white": "var(--page)",
    "#fff": "var(--page)",
}
"""Colours that vanish on one of the page's two themes, and what stands for them there."""

Spec = dict[str, Any]


@dataclass
class Shelf:
    """The page's charts, and the data that they share, each data set once."""

    charts: list[Spec] = field(default_factory=list)
    store: list[Spec] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, chart: Spec, *, name: str) -> int:
        """Compile a Vega-Lite chart, put its data into the store, and return its number.

        Raises
        ------
        ReportError
            The chart (told by ``name``) cannot be compiled, or needs what a report does not carry.
        """
        spec = compiled(chart, name=name)
        for data in spec.get("data", []):
            if isinstance(data.get("values"), list):
                data["stored"] = self._put(data.pop("values"))
        self.charts.append(spec)
        return len(self.charts) - 1

    def text(self) -> str:
        """Return charts and store as JSON, safe to be used as keys by a script that keeps values in objects."""
        return canonical({"charts": self.charts, "store": self.store}).replace('"__proto__"', '"\u200b__proto__"')

    def _put(self, rows: list[Any]) -> int:
        text = json.dumps(rows, separators=(",", ":"))
        key = hashlib.sha256(text.encode("utf-8")).hexdigest()
        if key not in self._places:
            self._places[key] = len(self.store)
            self.store.append(_by_columns(rows))
        return self._places[key]


def _by_columns(rows: list[Any]) -> Spec:
    """Turn rows of the same keys into columns: half the text, and gzip likes neighbours that are alike."""
    names = list(rows[0]) if rows and isinstance(rows[0], dict) else []
    if not names or any(not isinstance(row, dict) or list(row) != names for row in rows):
        return {"rows": rows}
    return {"columns": {name: [row[name] for row in rows] for name in names}, "length": len(rows)}


def compiled(chart: Spec, *, name: str) -> Spec:
    """Return a Vega-Lite chart as Vega that fits its container's width and the page's two themes.

    Raises
    ------
    ReportError
        It cannot be compiled, loads something, or needs a transform that the page's runtime lacks.
    """
    import vl_convert

    try:
        spec: Spec = vl_convert.vegalite_to_vega(_fluid(chart), vl_version=VEGALITE)
    except ValueError as error:
        raise ReportError(f"The chart {name!r} cannot be compiled: {_first_words(str(error))}") from error
    _check(spec, name)
    _recolour(spec)
    spec |= {"background": "transparent", "padding": {"left": 0, "right": 2, "top": 4, "bottom": 2}}
    return spec


def _first_words(said: str) -> str:
    """Return the start of what the compiler said, up to its own stack, on one line."""
    return " ".join(said.split("\n    at ")[0].split())[:300]


def _fluid(chart: Spec) -> Spec:
    """Let a single or layered chart that states no width take that of the page."""
    single = "mark" in chart or "layer" in chart
    return chart | {"width": "container"} if single and "width" not in chart else chart


def _check(spec: Spec, name: str) -> None:
    """Refuse what would fail in the reader's browser, while somebody who can mend it is looking."""
    for part in _parts(spec):
        if "url" in part and ("name" in part or part.get("type") == "image"):
            raise ReportError(
                f"The chart {name!r} loads {part['url']!r}.", hint="A report loads nothing: hand the chart its rows."
            )
        for step in part.get("transform", ()) if isinstance(part.get("transform"), list) else ():
            if step.get("type") not in transforms():
                raise ReportError(
                    f"The chart {name!r} needs the transform {step.get('type')!r}, which the report's runtime lacks.",
                    hint="Compute it in Python and draw the result.",
                )
        if part.get("type") in ("image", "shape") and "encode" in part:
            raise ReportError(f"The chart {name!r} has {part['type']} marks, which a report cannot draw.")
    if "projections" in spec:
        raise ReportError(f"The chart {name!r} is a map, which a report cannot draw.")


def _recolour(spec: Spec) -> None:
    for part in _parts(spec):
        for channel in ("fill", "stroke", "color"):
            stated = part.get(channel)
            if isinstance(stated, dict) and isinstance(colour := stated.get("value"), str):
                stated["value"] = PAGE_COLOURS.get(colour.lower(), colour)


def _parts(value: Any) -> Iterator[Spec]:
    """Every object of a specification, rows of data left out."""
    if isinstance(value, dict):
        yield value
        for key, inner in value.items():
            if key != "values":
                yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


@cache
def transforms() -> frozenset[str]:
    """Return the names of the transforms that the page's runtime knows."""
    text = resources.files("reports").joinpath("assets/runtime.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["transforms"])
