"""What the notebook ``slo_breach`` calls: one function a section, each showing its chart or table and what it says.

`read` connects, measures and reviews; the others only show. Words beneath a chart are made from the review, so that
they can never tell another story than the chart does.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from IPython.display import display

import connectors
from capacity import slo
from capacity._version import __version__
from capacity.catalog_load import load_catalog
from capacity.frames import duration_text, instant
from capacity.measured import PARTS
from capacity.provenance import UNKNOWN
from capacity.slo import Review
from capacity.tables import html_table, text_table
from capacity.units import human
from reports import breach_rows as said
from reports import charts, formatters, judged, renderer, words
from reports.cover import objectives as covers
from reports.summary import MIME

__all__ = [
    "Story",
    "budgets",
    "burn",
    "compliance",
    "cover",
    "drivers",
    "exhaustion",
    "knee",
    "projections",
    "read",
    "skipped",
    "sources",
    "summary",
]

NAME = "slo_breach"
MOST_CURVES, MOST_PROJECTED, MOST_DRIVERS = 5, 3, 8
USUAL: Mapping[str, object] = {
    "objectives": "", "window": "90d", "horizon": "90d", "model": "auto", "owner": "", "seed": 0, "title": "",
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A review with what a reader of it needs to know: its title, where the telemetry is, how to make it again."""

    review: Review
    title: str
    source: str
    command: str

    def __repr__(self) -> str:
        """Return the finding."""
        return self.review.finding


def read(
    source: str,
    *,
    catalog: str = "dwcp",
    objectives: str = "",
    as_of: str = "",
    window: str = "90d",
    horizon: str = "90d",
    model: str = "auto",
    seed: int = 0,
    title: str = "",
    owner: str = "",
    where: str = "",
) -> Story:
    """Measure what the catalogue promises and review it; also puts the charts' theme and the formatters in use.

    Parameters
    ----------
    source : str
        ``"demo:"``, ``"snapshot:FOLDER"``, ``"http://HOST:PORT"``, ``"prometheus+http://HOST:PORT"``.
    objectives : str
        Names, separated by commas; empty: all.
    as_of : str
        The instant that counts as now; empty: the last finished hour of the telemetry.
    owner : str
        Only the objectives of this owner; empty: all.
    where : str
        Only series with these labels, as in ``"region=eu-west"``; empty: all.

    Raises
    ------
    CapacityError
        The source cannot be read, or an argument cannot be used.
    """
    renderer.enable()
    formatters.register()
    loaded, labels = load_catalog(catalog), judged.labels(where)
    with connectors.connect(source) as opened:
        judged.check_as_of(instant(as_of, name="as_of") if as_of else None, opened)
        measured = opened.measure(loaded, objectives=objectives, as_of=as_of or None, window=window)
        name = opened.name
    found = slo.review(measured, loaded, horizon=horizon, model=model, seed=seed)
    found = slo.narrowed(found, owner=owner, where=labels)
    given = {"objectives": objectives, "window": window, "horizon": horizon, "model": model, "owner": owner}
    more = {**given, "seed": seed, "title": title, "where": where}
    options = [("--source", name), ("--catalog", catalog), ("--as-of", f"{measured.as_of:%Y-%m-%dT%H:%MZ}")]
    options += [("-p", f"{key}={value}") for key, value in more.items() if value != USUAL.get(key, "")]
    command = shlex.join(["capacity", "report", NAME, *(word for option in options for word in option)])
    return Story(review=found, title=title or loaded.title or loaded.name, source=name, command=command)


def cover(story: Story) -> None:
    """Show the first page: what is broken, and what will be."""
    _put(covers.bundle(story.review, title=story.title, source=story.source, command=story.command))


def compliance(story: Story) -> None:
    """Show the whole table: every series of every objective."""
    later = ("exhausted", "breach", "saturates")
    rows = slo.review_rows(story.review)
    _table([{name: text for name, text in row.items() if name not in later} for row in rows])
    bounds = story.review.table.dropna(subset=["lower"])
    if len(bounds):
        row = bounds.assign(width=(bounds["upper"] - bounds["lower"]) / bounds["value"]).sort_values("width").iloc[-1]
        between = f"{human(row['lower'], row['unit'], digits=4)} and {human(row['upper'], row['unit'], digits=4)}"
        _say(
            "A quantile is read off buckets, and lies somewhere in its own: the least certain here is "
            f"{row['title']} ({row['series']}), between {between}. No data is never taken for a number."
        )


def budgets(story: Story) -> None:
    """Show how much of each error budget is left, and how it got there."""
    _show(charts.budgets(story.review))
    first = str(story.review.table.sort_values("left", kind="stable")["objective"].iloc[0])
    one = story.review.objectives[first]
    _show(charts.burned(one))
    row = story.review.table.sort_values("left", kind="stable").iloc[0]
    spent = one.budget.table["bad"].sum()
    noun = "events" if one.measured.objective.indicator == "ratio" else "slices of time"
    _say(
        f"Least is left to {row['title']} ({row['series']}): {said.share(row['left'])} of what {said.window_of(one)} "
        f"allows. In all, {spent:,.0f} {noun} of it were bad."
    )


def burn(story: Story) -> None:
    """Show when multi-window burn-rate alerts would have fired."""
    _show(charts.firings(story.review))
    rows = [said.fired(one) for one in story.review.objectives.values() if len(one.burn.fired)]
    if rows:
        _table(rows)
    _say(
        "A burn rate of 1 spends exactly the budget of the window. A condition holds while the burn is past its factor "
        "over both of its windows."
    )


def exhaustion(story: Story) -> None:
    """Show when what is left of each budget will be spent."""
    curves: dict[str, pd.Series] = {}
    for _, row in story.review.table.sort_values("exhausted", ascending=False, kind="stable").iterrows():
        one = story.review.objectives[str(row["objective"])].exhaustion
        if one is None or row["status"] == "broken" or not row["exhausted"] >= said.LEAST or len(curves) >= MOST_CURVES:
            continue
        curves[f"{row['title']} · {row['series']}"] = _curve(one.curve, one.table, row)
    _show(charts.chances(curves, as_of=story.review.as_of, title="Chance that the budget is exhausted"))
    _table(said.exhausted(story.review))
    _say(
        "Traffic and the share of it that fails are both forecast, and tied as they were in history. The last column "
        "is what an alert that takes the last day's burn to go on would say."
    )


def projections(story: Story) -> None:
    """Show when indicators themselves will be past their targets."""
    rows, below = [], 0
    for one in story.review.objectives.values():
        if one.projection is None:
            continue
        for _, row in one.projection.table.iterrows():
            chance = {span: "now" if row["past"] else words.chance(row[span]) for span in slo.SPANS}
            if not (row["past"] or row[list(slo.SPANS)].max() >= said.LEAST):
                below += 1
                continue
            rows.append({"objective": one.measured.objective.title, "series": str(row["series"]), **chance})
    ranked = story.review.table.sort_values("breach", ascending=False, kind="stable").drop_duplicates("objective")
    for _, row in ranked.head(MOST_PROJECTED).iterrows():
        projected = story.review.objectives[str(row["objective"])].projection
        if projected is None or not row["breach"] >= said.LEAST:
            continue
        place = list(projected.table["series"]).index(row["series"])
        name = f"{row['title']} · {row['series']}"
        _show(charts.forecast(projected.outlook.forecast, projected.outlook, place, title=name))
        _say(said.projected(name, projected.table.iloc[place]))
    if rows:
        _table(rows)
    many = words.plural(below, "series has", "series have")
    _say(f"{many} a chance below {words.percent(said.LEAST)} within the horizon.")


def knee(story: Story) -> None:
    """Show where load ends what is promised, and when demand gets there."""
    curves: dict[str, pd.Series] = {}
    shown = False
    for one in story.review.objectives.values():
        found = one.saturation
        if found is None:
            continue
        shown = True
        objective = one.measured.objective
        place = int(found.table["headroom_ratio"].fillna(math.inf).to_numpy().argmin())
        title = f"{objective.title} by load: {found.table['series'].iloc[place]}"
        unit = said.base_of(objective.load_unit)
        _show(charts.knee(found, place, latency_unit=objective.base, load_unit=unit, title=title))
        _table([said.saturated(row, unit) for _, row in found.table.iterrows()])
        names = [f"{objective.title} · {name}" for name in found.table["series"]]
        curves |= {name: found.curve.iloc[:, at] for at, name in enumerate(names)}
    if not shown:
        _say("No objective names a load (load = …), so no knee can be read off telemetry.")
        return
    likely = {name: curve for name, curve in curves.items() if curve.max() >= said.LEAST}
    if likely:
        _show(charts.chances(likely, as_of=story.review.as_of, title="Chance that load breaks the promise"))
    else:
        _say("Within the horizon no future of the load comes to where the latency would break the promise.")


def drivers(story: Story) -> None:
    """Show who spends the budgets that are most spent."""
    ranked = story.review.table.sort_values("left", kind="stable").drop_duplicates("objective")
    told = 0
    for _, row in ranked.iterrows():
        one = story.review.objectives[str(row["objective"])]
        table = one.drivers.table
        if told >= 2 or not table["bad"].sum() > 0:
            continue
        told += 1
        rest = table.iloc[MOST_DRIVERS:]
        rows = [said.driver(part, one.drivers.labels) for _, part in table.head(MOST_DRIVERS).iterrows()]
        if len(rest):
            summed = rest[["bad", "share", "traffic", "spent"]].sum(min_count=1)
            rows.append(said.driver(summed, one.drivers.labels, name=f"{len(rest)} more"))
        whole = table[["bad", "share", "traffic", "spent"]].sum(min_count=1)
        rows.append(said.driver(whole, one.drivers.labels, name="all"))
        _say(f"{one.measured.objective.title}, {said.window_of(one)}:")
        _table(rows)
    if not told:
        _say("No budget was spent: there is nobody to name.")


def skipped(story: Story) -> None:
    """Show what has no answer, and why: nothing is left out in silence."""
    found = [{"objective": one.series, "why": f"{one.reason}: {one.detail}"} for one in story.review.skipped]
    notes = [
        {"objective": one.measured.objective.title, "why": note}
        for one in story.review.objectives.values()
        for note in one.measured.notes
    ]
    if found or notes:
        _table([*found, *notes])
    else:
        _say("Nothing was skipped: every objective could be measured.")


def sources(story: Story) -> None:
    """Show where every number comes from."""
    rows = []
    for name, one in story.review.objectives.items():
        objective = one.measured.objective
        known = [entry for entry in one.measured.provenance.metrics if entry.query != UNKNOWN]
        known = [entry for entry in known if not entry.metric.startswith(PARTS)]
        asked = ", ".join(dict.fromkeys(entry.query for entry in known))
        came = [f"slices of {duration_text(objective.slice)}", said.window_of(one)]
        came.append(f"{100 * objective.objective:.4g} % promised")
        rows.append({"objective": name, "queries": asked, "how": ", ".join(came)})
    _table(rows)
    found = story.review
    _say(
        f"Catalogue {found.catalog.name} (sha256 {found.catalog.sha256[:12]}), as of {found.as_of:%Y-%m-%d %H:%M} UTC, "
        f"capacity-workbench {__version__}. To make it again: {story.command}"
    )


def summary(story: Story) -> None:
    """Put out the answer for programs; a report without it has not succeeded."""
    _put({MIME: said.summary(story.review, title=story.title), "text/plain": story.review.finding})


FIGURE = re.compile(r"(\d|[✖!▲✔?]) (%|ms|s|d|h|/s|broken|burning|at risk|kept|no data)(?![a-z])")


def _curve(curve: pd.DataFrame, table: pd.DataFrame, row: pd.Series) -> pd.Series:
    place = list(table["series"]).index(row["series"])
    found: pd.Series = curve.iloc[:, place]
    return found


def _show(chart: Any) -> None:
    display(chart)  # type: ignore[no-untyped-call]


def _say(text: str) -> None:
    """Put out a sentence or two; whatever stands in it is text, never markup."""
    _put({"text/html": f'<p class="cw-words">{escape(text)}</p>', "text/plain": text})


def _table(found: list[dict[str, str]]) -> None:
    # a figure and its unit stay together
    kept = [{name: FIGURE.sub("\\1\u00a0\\2", text) for name, text in row.items()} for row in found]
    _put({"text/html": html_table(kept), "text/plain": text_table(found)})


def _put(bundle: Mapping[str, Any]) -> None:
    display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]
