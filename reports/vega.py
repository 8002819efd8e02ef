"""Charts on their way into a page: Vega-Lite becomes Vega once, at export, and equal data are kept once, by columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
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
    """The page's charts, and the data that they share: each data set once, and each column of them once."""

    charts: list[Spec] = field(default_factory=list)
    columns: list[Any] = field(default_factory=list)
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
        whole = {"charts": self.charts, "columns": self.columns, "store": self.store}
        return canonical(whole).replace('"__proto__"', '"\u200b__proto__"')

    def _put(self, rows: list[Any]) -> int:
        return self._once(rows, self.store, self._by_columns)

    def _once(self, value: list[Any], shelf: list[Any], form: Callable[[list[Any]], Any]) -> int:
        """Put a value on a shelf in its form if it is not there yet; return its place."""
        text = f"{id(shelf)} {json.dumps(value, separators=(',', ':'))}"
        key = hashlib.sha256(text.encode("utf-8")).hexdigest()
        if key not in self._places:
            self._places[key] = len(shelf)
            shelf.append(form(value))
        return self._places[key]

    def _by_columns(self, rows: list[Any]) -> Spec:
        """Turn rows of the same keys into columns: half the text, and gzip likes neighbours that are alike."""
        names = list(rows[0]) if rows and isinstance(rows[0], dict) else []
        if not names or any(not isinstance(row, dict) or list(row) != names for row in rows):
            return {"rows": rows}
        columns = {name: self._once([row[name] for row in rows], self.columns, stepped) for name in names}
        return {"columns": columns, "length": len(rows)}


FEW, DECIMALS, MOST = 12, 6, 2**40
"""Columns below ``FEW`` values stay as they are; figures of more decimals, or beyond ``MOST`` of their last, do too."""


def stepped(column: list[Any]) -> Any:
    """Return a column of figures as steps from one to the next, in units of their last decimal, else the column itself.

    ``{"by": 100, "steps": [1234, 2, null, -1]}`` is 12.34, 12.36, a hole, 12.35. Nothing is lost: only figures that
    come back to the last bit are written so. Steps are small where a line is smooth, and that is what gzip shortens.
    """
    figures = [value for value in column if value is not None]
    if len(column) < FEW or not figures or any(type(value) not in (int, float) for value in figures):
        return column
    for decimals in range(DECIMALS + 1):
        by = 10**decimals
        whole = [round(value * by) if abs(value) * by < MOST else None for value in figures]
        if all(one is not None and one / by == value for one, value in zip(whole, figures, strict=True)):
            break
    else:
        return column
    steps, last = iter(whole), 0
    found: list[int | None] = []
    for value in column:
        if value is None:
            found.append(None)
            continue
        now = int(next(steps) or 0)
        found.append(now - last)
        last = now
    return {"by": by, "steps": found}


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
