"""What the notebook ``growth`` calls: how fast demand grows, how sure that is, and what it would mean if it went on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

import capacity
import connectors
from capacity._version import __version__
from capacity.catalog import Catalog, matches
from capacity.catalog_load import load_catalog
from capacity.errors import HistoryTooShort
from capacity.frames import duration_text, instant, series_labels
from capacity.growth import Growth
from capacity.naming import series_names
from capacity.units import human
from reports import charts, formatters, judged, renderer, telling, words
from reports.cover import plain
from reports.pages import SUMMARY

__all__ = ["Story", "cover", "doubling", "histories", "rates", "read", "skipped", "sources", "summary"]

NAME = "growth"
MOST = 12
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Story:
    """The growth of each resource that was pulled, with its history."""

    title: str
    source: str
    command: str
    catalog: Catalog
    as_of: pd.Timestamp
    window: pd.Timedelta
    history: Mapping[str, pd.DataFrame]
    growths: Mapping[str, Growth]

    @property
    def titles(self) -> Mapping[str, str]:
        """What each resource is called."""
        return {name: self.catalog.resources[name].title for name in self.history}

    @property
    def table(self) -> pd.DataFrame:
        """Every series of every resource, the fastest first, with ``resource``, ``title``, ``series`` and ``base``."""
        found = []
        for name, one in self.growths.items():
            assert isinstance(one.table.index, pd.MultiIndex)
            base = next(iter(one.units.values()), "")
            series = series_names(series_labels(one.table.index))
            found.append(
                one.table.assign(resource=name, title=self.titles[name], series=series, base=base).reset_index(
                    drop=True
                )
            )
        whole = pd.concat(found, ignore_index=True)
        return whole.sort_values("relative_30d", ascending=False, kind="stable", ignore_index=True)

    @property
    def finding(self) -> str:
        """How many grow, and which one fastest, in one sentence."""
        table = self.table
        growing = table[table["direction"] == "growing"]
        if not len(growing):
            return f"None of {words.plural(len(table), 'series', 'series')} grows beyond doubt."
        first = growing.iloc[0]
        pace = f"{100 * first['relative_30d']:.3g} % in 30 d"
        twice = (
            f", which doubles it in {words.since(first['doubling_time'])}" if pd.notna(first["doubling_time"]) else ""
        )
        return (
            f"{len(growing)} of {words.plural(len(table), 'series', 'series')} grow; fastest is {first['title']} on "
            f"{first['series'] or 'the whole'}: {pace}{twice}."
        )

    def __repr__(self) -> str:
        """Return the finding."""
        return self.finding


def read(
    source: str,
    *,
    catalog: str = "dwcp",
    resources: str = "",
    as_of: str = "",
    window: str = "120d",
    where: str = "",
    title: str = "",
) -> Story:
    """Pull what the catalogue asks for and measure its growth; also puts the charts' theme and the formatters in use.

    Parameters
    ----------
    source : str
        ``"demo:"``, ``"snapshot:FOLDER"``, ``"http://HOST:PORT"``, ``"prometheus+http://HOST:PORT"``.
    resources : str
        Names, separated by commas; empty: all.
    where : str
        Only series with these labels, as in ``"region=eu-west,node=node-3"``; empty: all.

    Raises
    ------
    HistoryTooShort
        No series has the two weeks that a rate of growth needs.
    CapacityError
        The source cannot be read, or an argument cannot be used.
    """
    renderer.enable()
    formatters.register()
    loaded, labels = load_catalog(catalog), judged.labels(where)
    names = tuple(name.strip() for name in resources.split(",") if name.strip())
    with connectors.connect(source) as opened:
        judged.check_as_of(instant(as_of, name="as_of") if as_of else None, opened)
        pulled = opened.pull(loaded, resources=names or None, as_of=as_of or None, window=window)
        told = opened.name
    history = {name: _narrowed(frame, labels) for name, frame in pulled.demand.items()}
    history = {name: frame for name, frame in history.items() if frame.shape[1]}
    growths = {name: capacity.growth(frame, as_of=pulled.as_of) for name, frame in history.items()}
    if not any(len(one.table) for one in growths.values()):
        raise HistoryTooShort("no series has the two weeks of history that a rate of growth needs.")
    given = {"--source": told, "--catalog": catalog, "--as-of": f"{pulled.as_of:%Y-%m-%dT%H:%MZ}", "--window": window}
    given |= {"--resources": ",".join(names)} if names else {}
    given |= {"--where": where} if where else {}
    return Story(
        title=title or loaded.title or loaded.name,
        source=told,
        command=shlex.join(["capacity", "report", NAME, *(word for pair in given.items() for word in pair)]),
        catalog=loaded,
        as_of=pulled.as_of,
        window=pulled.window,
        history=history,
        growths=growths,
    )


def _narrowed(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    kept = [matches(labels, own) for own in series_labels(frame.columns)]  # type: ignore[arg-type]
    return frame.loc[:, kept]


def cover(story: Story) -> None:
    """Show the first page: the finding, and the fastest series."""
    kicker = f"{story.title} · as of {words.day(story.as_of)} · last {words.since(story.window)}"
    told = f"From {story.source}. Made by capacity-workbench {__version__}."
    plain.show(kicker, story.finding, told=told, command=story.command)


def rates(story: Story) -> None:
    """Show the fastest series of each resource, with their intervals."""
    shown = {name: one for name, one in story.growths.items() if len(one.table)}
    found = [
        f"{story.titles[name]}: {int((one.table['direction'] == 'growing').sum())} of {len(one.table)} grow, "
        f"median {_share(float(one.table['relative_30d'].median()))} in 30 d"
        for name, one in shown.items()
    ]
    telling.show(charts.growth(shown, titles=story.titles), f"{'. '.join(found)}.", data=story.table, name="Growth")


def doubling(story: Story) -> None:
    """List the fastest series: now, rate with its interval, change against the period before, time to double."""
    rows = [
        {
            "series": f"{row['title']} · {row['series']}" if row["series"] else row["title"],
            "now": human(row["now"], row["base"]),
            "a day": "{} ({} to {})".format(*(human(row[key], row["base"]) for key in ("rate_per_day", "low", "high"))),
            "in 30 d": _share(row["relative_30d"]),
            "doubles in": words.since(row["doubling_time"]) if pd.notna(row["doubling_time"]) else "–",
        }
        for row in story.table.head(MOST).to_dict("records")
    ]
    telling.table(rows)
    telling.say(
        "The interval holds the rate in eight cases of ten; a dash: the interval does not exclude standing still."
    )


def histories(story: Story) -> None:
    """Show each resource's daily mean, in which the day's and the week's rhythm is least."""
    for name, frame in story.history.items():
        one = story.growths[name]
        if not len(one.table):
            continue
        daily = frame.resample(DAY, closed="right", label="right").mean()
        base = next(iter(one.units.values()), "")
        growing = int((one.table["direction"] == "growing").sum())
        total = one.table["now"].sum(), one.table["rate_per_day"].sum()
        together = f"{human(float(total[0]), base)}, {_signed(float(total[1]), base)} a day"
        told = f"{growing} of {len(one.table)} grow; together {together}."
        telling.show(charts.lines(daily, unit=base, title=story.titles[name], height=150), told, data=daily)


def skipped(story: Story) -> None:
    """Show what has no rate, and why."""
    rows = [
        {"resource": story.titles[name], "series": one.series, "why": f"{one.reason}: {one.detail}"}
        for name, made in story.growths.items()
        for one in made.skipped
    ]
    if rows:
        telling.say(f"{words.plural(len(rows), 'series has', 'series have')} no rate of growth.")
        telling.table(rows)
    else:
        telling.say("Every series has a rate of growth.")


def sources(story: Story) -> None:
    """Show where every number comes from."""
    rows = []
    for name, frame in story.history.items():
        resource = story.catalog.resources[name]
        series = words.plural(frame.shape[1], "series", "series")
        came = f"{resource.aggregate} of each {duration_text(resource.step)}, {series}"
        rows.append({"resource": resource.title, "query": resource.query, "what came": came})
    telling.table(rows)
    telling.say(f"From {story.source}, as of {story.as_of:%Y-%m-%d %H:%M} UTC. To make it again: {story.command}")


def summary(story: Story) -> None:
    """Put out the answer for programs; a report without it has not succeeded."""
    columns = ["resource", "series", "now", "rate_per_day", "low", "high", "relative_30d", "direction"]
    records = story.table[columns].astype(object).where(story.table[columns].notna(), None).to_dict("records")
    telling.put(
        {
            SUMMARY: {
                "title": story.title,
                "finding": story.finding,
                "as_of": f"{story.as_of:%Y-%m-%dT%H:%M:%SZ}",
                "growth": records,
            },
            "text/plain": story.finding,
        }
    )


def _share(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−")


def _signed(value: float, base: str) -> str:
    return f"{'+' if value > 0 else ''}{human(value, base)}"
