"""What the notebook ``capacity_overview`` calls: one function a section, each showing its chart and what it says.

`read` connects, pulls and plans; the others only show. Words beneath a chart are made from the plan, so that they can
never tell another story than the chart does.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display

import capacity
import connectors
from capacity._version import __version__
from capacity.catalog_load import load_catalog
from capacity.frames import instant, series_labels, series_name
from capacity.plan import Plan
from capacity.provenance import UNKNOWN, MetricProvenance
from capacity.tables import html_table, text_table
from capacity.units import human
from reports import charts, formatters, judged, renderer, telling, words
from reports import cover as covers
from reports import summary as summaries
from reports.rows import Row, leading, rows

__all__ = [
    "Story",
    "calibration",
    "cover",
    "growth",
    "probability",
    "projections",
    "read",
    "runway",
    "skipped",
    "sources",
    "summary",
]

NAME = "capacity_overview"
MOST_SKIPPED = 50
EXACT = (0.1, 0.5, 0.9)
USUAL: Mapping[str, object] = {
    "resources": "", "window": "120d", "horizon": "90d", "model": "auto", "owner": "", "seed": 0, "title": "",
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A plan with what a reader of it needs to know: its title, where the telemetry is, how to make it again."""

    plan: Plan
    title: str
    source: str
    command: str

    @property
    def titles(self) -> Mapping[str, str]:
        """What each resource is called."""
        return {name: resource.title for name, resource in self.plan.catalog.resources.items()}

    def __repr__(self) -> str:
        """Return the finding."""
        return self.plan.finding


def read(
    source: str,
    *,
    catalog: str = "dwcp",
    resources: str = "",
    as_of: str = "",
    window: str = "120d",
    horizon: str = "90d",
    model: str = "auto",
    seed: int = 0,
    title: str = "",
    owner: str = "",
    where: str = "",
) -> Story:
    """Pull what the catalogue asks for and plan it; also puts the charts' theme and the formatters in use.

    Parameters
    ----------
    source : str
        ``"demo:"``, ``"snapshot:FOLDER"``, ``"http://HOST:PORT"``, ``"prometheus+http://HOST:PORT"``.
    resources : str
        Names, separated by commas; empty: all.
    as_of : str
        The instant that counts as now; empty: the last finished step of the telemetry.
    owner : str
        Only the resources of this owner; empty: all.
    where : str
        Only series with these labels, as in ``"region=eu-west,node=node-3"``; empty: all.

    Raises
    ------
    CapacityError
        The source cannot be read, or an argument cannot be used.
    """
    renderer.enable()
    formatters.register()
    loaded, labels = load_catalog(catalog), judged.labels(where)
    names = tuple(name.strip() for name in resources.split(",") if name.strip())
    wanted = judged.owned_by(loaded, owner, names) if owner else names
    with connectors.connect(source) as opened:
        judged.check_as_of(instant(as_of, name="as_of") if as_of else None, opened)
        pulled = opened.pull(loaded, resources=wanted or None, as_of=as_of or None, window=window)
        name = opened.name
    plan = capacity.plan(pulled, loaded, horizon=horizon, model=model, seed=seed)
    plan = judged.narrowed(plan, owner=owner, where=labels)
    given = {"resources": resources, "window": window, "horizon": horizon, "model": model, "owner": owner}
    told = [("--where", f"{label}={value}") for label, value in labels.items()]
    told += [("-p", f"{key}={value}") for key, value in {"seed": seed, "title": title}.items() if value != USUAL[key]]
    command = _command(name, catalog, pulled.as_of, given, told)
    return Story(plan=plan, title=title or loaded.title or loaded.name, source=name, command=command)


def _command(
    source: str, catalog: str, as_of: pd.Timestamp, given: Mapping[str, str], more: Sequence[tuple[str, str]]
) -> str:
    """Write the command that makes the same report again; what is as by default is left out, but for the date."""
    options = [("--source", source), ("--catalog", catalog), ("--as-of", f"{as_of:%Y-%m-%dT%H:%MZ}")]
    options += [(f"--{name}", value) for name, value in given.items() if value != USUAL[name]]
    return shlex.join(["capacity", "report", NAME, *(word for option in (*options, *more) for word in option)])


def cover(story: Story) -> None:
    """Show the first page: what runs out first, when, and how sure that is."""
    _put(covers.bundle(story.plan, title=story.title, source=story.source, command=story.command))


def runway(story: Story) -> None:
    """Show when each of the most urgent series runs out, and by when to order."""
    _show(charts.runway(story.plan))
    _say(_due_words(rows(story.plan)))
    telling.exact("Every series", story.plan.table.drop(columns="labels").reset_index(drop=True))


def _due_words(found: Sequence[Row]) -> str:
    """Say what has to be done today, by whom; else when the next order is due."""
    past = [row for row in found if row.verdict == "past" and not row.accepted]
    due = [row for row in found if row.verdict == "order now" and not row.accepted]
    if not past and not due:
        later = sorted((row for row in found if words.known(row.order_by)), key=lambda row: row.order_by)
        nearest = f" The next one is due by {words.day(later[0].order_by)}: {later[0].name}." if later else ""
        return f"Nothing needs an order today.{nearest}"
    told = (
        [f"{words.plural(len(past), 'series is', 'series are')} past usable capacity ({past[0].name})"] if past else []
    )
    told += (
        [f"{words.plural(len(due), 'series needs', 'series need')} an order now ({due[0].name} first)"] if due else []
    )
    owners = sorted({row.owner for row in (*past, *due) if row.owner})
    return f"{'; '.join(told)}." + (f" Owners: {', '.join(owners)}." if owners else "")


def probability(story: Story) -> None:
    """Show how the chance of having run out rises over the horizon."""
    _show(charts.probability(story.plan))
    _say(
        "A curve is the share of simulated futures that have met the limit by a date. It never falls, "
        "and it ends where the history can carry no further."
    )


def growth(story: Story) -> None:
    """Show how fast each resource grows."""
    _show(charts.growth(story.plan.growths, titles=story.titles))
    _say(" ".join(_growth_words(story)) or "No series has the two weeks of history that a rate of growth needs.")


def _growth_words(story: Story) -> Sequence[str]:
    """Say a sentence a resource: how many series grow, and what the middle one does in a month."""
    found = []
    for name, one in story.plan.growths.items():
        if len(one.table):
            growing = int((one.table["direction"] == "growing").sum())
            middle = f"{100 * float(one.table['relative_30d'].median()):+.1f} % in 30 d".replace("-", "−")
            told = f"{story.titles.get(name, name)}: {growing} of {len(one.table)} grow, median {middle}"
            found.append(f"{told}{_stepped(one.table)}.{_costs(story, name)}")
    return found


def _stepped(table: pd.DataFrame) -> str:
    """Name the largest step change: what came at once is no growth."""
    steps = table[table["steps"] > 0]
    if steps.empty:
        return ""
    place = int((steps["step"] / steps["now"]).abs().argmax())
    first = steps.iloc[place]
    name = series_name(series_labels(steps.index)[place])  # type: ignore[arg-type]
    size = f"{100 * first['step'] / first['now']:+.0f} %".replace("-", "−")
    return f"; a step of {size} on {name}, {words.day(first['stepped_at'])}, is no growth"


def _costs(story: Story, name: str) -> str:
    """Say what a unit of the driver costs, of the series that drifts most."""
    found = story.plan.unit_costs.get(name)
    if found is None or found.table.empty:
        return ""
    base = story.plan.catalog.resources[name].base
    row = found.table.iloc[int(found.table["drift_30d"].abs().fillna(0).argmax())]
    drift, low, high = (f"{100 * row[key]:+.1f}".replace("-", "−") for key in ("drift_30d", "low", "high"))
    cost = human(row["unit_cost"], base)
    return f" A unit of its driver costs {cost}, {drift} % in 30 d (80 %: {low} to {high}): {row['direction']}."


def projections(story: Story) -> None:
    """Show the most urgent series of each resource: history, what is likely to come, and the limit."""
    drawable = [row for row in leading(rows(story.plan)) if row.outlook is not None]
    for row in drawable:
        _show(charts.forecast(row.source.forecast, row.source, row.position, title=row.name))
        told = f"{row.title} on {row.explained}" if row.explained else f"{row.name}: {row.reason}."
        _say(f"{told} {_explained(row)}")
        telling.exact(row.name, _figures(row))
    if not drawable:
        _say("No series could be projected.")


def _figures(row: Row) -> pd.DataFrame:
    """Return a series' history and the quantiles ahead, in base units, as they are."""
    forecast, at = row.source.forecast, row.position
    law = forecast.law.only(np.array([at], dtype=np.intp))
    ahead = {f"quantile {level:g}": law.quantile(level)[:, 0] for level in EXACT}
    past = forecast.history.iloc[:, at].rename("history").rename_axis("time")
    return past.to_frame().join(pd.DataFrame(ahead, index=forecast.index).rename_axis("time"), how="outer")


def _explained(row: Row) -> str:
    told = row.source.forecast.explain(row.position)
    return f"Forecast by {told.partition(': ')[2] or told}"


def skipped(story: Story) -> None:
    """Show what has no answer, and why: nothing is left out in silence."""
    unknown = [row for row in rows(story.plan) if row.verdict == "cannot judge"]
    if not unknown:
        _say("Nothing was skipped: every series could be judged.")
        return
    _say(f"{words.plural(len(unknown), 'series has', 'series have')} no answer.")
    _table([{"resource": row.title, "series": row.series, "why": row.reason} for row in unknown[:MOST_SKIPPED]])


def calibration(story: Story) -> None:
    """Show how good the forecasts were where the answer is known: on cutoffs in the past."""
    _show(charts.coverage(story.plan.forecasts, titles=story.titles))
    _show(charts.skill(story.plan.forecasts, titles=story.titles))
    told = [made.breaches for made in story.plan.forecasts.values() if made.breaches is not None and len(made.breaches)]
    if told:
        _show(charts.reliability(charts.tenths(pd.concat(told))))
        _say(_kept(pd.concat(told)))
    _say(covers.calibrated(story.plan))


def _kept(claims: pd.DataFrame) -> str:
    """Say in one sentence how chances claimed at cutoffs in the past were kept."""
    likely = claims["claimed"] >= 0.5
    parts = []
    for name, part in (("one half and more", claims[likely]), ("less", claims[~likely])):
        count = part["count"].sum()
        if count:
            claimed, came = ((part[what] * part["count"]).sum() / count for what in ("claimed", "happened"))
            parts.append(f"chances of {name} said {words.percent(claimed)} on average and {words.percent(came)} came")
    return (
        "Of limits about the highest and lowest points of the folds, "
        + "; ".join(parts)
        + ". Each fold was claimed by "
        "what the others taught; folds overlap, so they are fewer than they seem."
    )


def sources(story: Story) -> None:
    """Show where every number comes from."""
    _table([_origin(entry) for entry in story.plan.provenance.metrics])
    plan = story.plan
    _say(
        f"Catalogue {plan.catalog.name} (sha256 {plan.catalog.sha256[:12]}), as of {plan.as_of:%Y-%m-%d %H:%M} UTC, "
        f"capacity-workbench {__version__}. To make it again: {story.command}"
    )


def _origin(entry: MetricProvenance) -> dict[str, str]:
    """Return a row on one query: what was asked of whom, over which window, and what was wrong with the answer."""
    aggregate = entry.aggregate if entry.aggregate not in ("", UNKNOWN) else "value"
    server = "" if entry.server in ("", UNKNOWN) else f" ({entry.server})"
    counted = {"gap": entry.gaps, "dropped sample": entry.dropped, "duplicate": entry.duplicates}
    parts = [
        f"{aggregate} of each {entry.step} in {entry.unit}",
        f"{entry.start[:10]} – {entry.end[:10]}",
        words.plural(entry.series, "series", "series"),
        *(words.plural(count, name) for name, count in counted.items() if count),
        f"from {entry.source}{server}",
        *entry.seams,
        *entry.notes,
    ]
    return {"metric": entry.metric, "query": entry.query, "what came": ", ".join(parts)}


def summary(story: Story) -> None:
    """Put out the answer for programs; a report without it has not succeeded."""
    _put(summaries.bundle(story.plan, title=story.title))


def _show(chart: Any) -> None:
    display(chart)  # type: ignore[no-untyped-call]


def _say(text: str) -> None:
    """Put out a sentence or two; whatever stands in it is text, never markup."""
    _put({"text/html": f'<p class="cw-words">{escape(text)}</p>', "text/plain": text})


def _table(found: list[dict[str, str]]) -> None:
    _put({"text/html": html_table(found), "text/plain": text_table(found)})


def _put(bundle: Mapping[str, Any]) -> None:
    display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]
