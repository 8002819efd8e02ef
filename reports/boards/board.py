"""A dashboard's panels as they were pulled, what they are held against, and what is shown of all of them together."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

import connectors
from capacity._version import __version__
from capacity.catalog import Catalog, matches
from capacity.catalog_load import load_catalog
from capacity.errors import NoData, NotHeld
from capacity.frames import duration, duration_text, instant, series_labels
from capacity.panels import PANELS, STEP
from capacity.slo.buckets import histogram_quantile
from capacity.units import to_base, unit
from reports import formatters, judged, renderer, telling, words
from reports.cover import plain
from reports.cover.markup import joined, tag
from reports.pages import SUMMARY

__all__ = ["DAY", "Board", "Figure", "cover", "day_of", "read", "sources", "summary"]

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Figure:
    """A key figure: its name, its value as text, what it is held against, and whether it keeps that."""

    name: str
    value: str
    against: str
    good: bool


@dataclass(frozen=True)
class Board:
    """The panels of a dashboard, in base units, hour by hour; ``missing`` tells why a panel has no frame."""

    name: str
    title: str
    source: str
    as_of: pd.Timestamp
    window: pd.Timedelta
    catalog: Catalog
    frames: Mapping[str, pd.DataFrame]
    missing: Mapping[str, str]
    command: str
    figures: tuple[Figure, ...] = field(default=())

    @property
    def finding(self) -> str:
        """What misses what it is held against, in one sentence."""
        missed = [figure for figure in self.figures if not figure.good]
        span = f"in the {words.since(self.window)} to {words.day(self.as_of)}"
        if not self.figures:
            return f"Nothing could be judged {span}."
        if not missed:
            return f"All {len(self.figures)} key figures keep what is promised {span}."
        told = "; ".join(f"{figure.name} {figure.value} ({figure.against})" for figure in missed)
        return f"{len(missed)} of {len(self.figures)} key figures miss what is promised: {told}."

    def __repr__(self) -> str:
        """Return the finding."""
        return self.finding

    def target(self, objective: str) -> float | None:
        """Return what the catalogue promises, in the base unit; None: it has no such objective."""
        found = self.catalog.objectives.get(objective)
        return None if found is None or found.target is None else float(to_base(found.target, found.unit))

    def show(self, *panels: str, how: Callable[..., None]) -> None:
        """Call ``how`` with the panels' frames, or say which of them are missing, and why."""
        lacking = [name for name in panels if name not in self.frames]
        if lacking:
            told = (f"{name.replace('_', ' ')}: {self.missing[name]}" for name in lacking)
            telling.say(f"No data. {'; '.join(told)}")
        else:
            how(*(self.frames[name] for name in panels))

    def last_day(self, panel: str) -> pd.DataFrame:
        """Return the last day of a panel."""
        return self.frames[panel].loc[self.as_of - DAY :].iloc[1:]

    def quantile(self, panel: str, level: float, *, by: Sequence[str] = (), over: pd.Timedelta = STEP) -> pd.DataFrame:
        """Return a quantile of a histogram's panel, by labels, over stretches of time."""
        frame = self.frames[panel]
        keep = [name for name in ("metric", *by, "le") if name in frame.columns.names]
        counted = frame.T.groupby(level=keep).sum(min_count=1).T
        if over > STEP:
            counted = counted.resample(over, closed="right", label="right", origin=self.as_of).sum(min_count=1)
        return histogram_quantile(level, counted).value


def read(
    source: str,
    panels: Sequence[str],
    figures: Callable[[Board], Sequence[Figure]],
    *,
    name: str,
    catalog: str = "dwcp",
    as_of: str = "",
    window: str = "30d",
    where: str = "",
    title: str = "",
) -> Board:
    """Ask for panels and work out the key figures; also puts the charts' theme and the formatters in use.

    Parameters
    ----------
    source : str
        ``"demo:"``, ``"snapshot:FOLDER"``, ``"http://HOST:PORT"``, ``"prometheus+http://HOST:PORT"``.
    panels : sequence of str
        Names in `capacity.panels.PANELS`.
    figures : callable
        Works out the key figures from the panels that there are.

    Raises
    ------
    NoData
        The source has none of the panels.
    CapacityError
        The source cannot be read, or an argument cannot be used.
    """
    renderer.enable()
    formatters.register()
    loaded, labels, length = load_catalog(catalog), judged.labels(where), duration(window, name="window")
    frames: dict[str, pd.DataFrame] = {}
    missing: dict[str, str] = {}
    with connectors.connect(source) as opened:
        asked = instant(as_of, name="as_of") if as_of else None
        judged.check_as_of(asked, opened)
        end = min(opened.finished(STEP), asked) if asked is not None else opened.finished(STEP)
        for one in panels:
            try:
                frames[one] = _narrowed(_asked(opened, one, end, length), labels)
            except (NoData, NotHeld) as error:
                missing[one] = error.message
        told = opened.name
    if not frames:
        raise NoData(f"{told} has none of the dashboard's panels: {next(iter(missing.values()), '')}", source=told)
    given = {
        "--source": told,
        "--catalog": catalog,
        "--as-of": f"{end:%Y-%m-%dT%H:%MZ}",
        "--window": duration_text(length),
    }
    if where:
        given["--where"] = where
    command = shlex.join(["capacity", "report", name, *(word for pair in given.items() for word in pair)])
    board = Board(name, title or loaded.title or loaded.name, told, end, length, loaded, frames, missing, command)
    return Board(**{**vars(board), "figures": tuple(figures(board))})


def _asked(source: connectors.Source, name: str, end: pd.Timestamp, length: pd.Timedelta) -> pd.DataFrame:
    panel = PANELS[name]
    frame = source.range(
        panel.query,
        start=end - length,
        end=end,
        step=STEP,
        aggregate=panel.aggregate,
        name=name,
        resolution=panel.resolution,
    )
    converted: pd.DataFrame = to_base(frame, panel.unit)
    return converted


def _narrowed(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Keep the series that have these labels; a panel that was brought together without a label keeps all."""
    kept = [
        matches({name: value for name, value in labels.items() if name in own}, own)
        for own in series_labels(frame.columns)  # type: ignore[arg-type]
    ]
    return frame.loc[:, kept] if any(kept) else frame


def day_of(when: object) -> str:
    """Write the day of an entry of a frame's index."""
    return words.day(pd.Timestamp(str(when)))


def cover(board: Board) -> None:
    """Show the first page: the finding, the key figures, and where they come from."""
    cards = joined(
        *(
            tag(
                "li",
                tag("span", figure.name, class_="cw-figure-name"),
                tag("strong", figure.value, class_="cw-figure-value"),
                tag(
                    "span",
                    f"{'✔' if figure.good else '✖'} {figure.against}",
                    class_=f"cw-figure-{'good' if figure.good else 'bad'}",
                ),
                class_="cw-figure",
            )
            for figure in board.figures
        )
    )
    kicker = f"{board.title} · as of {words.day(board.as_of)} · last {words.since(board.window)}"
    lacking = f"; no data for {', '.join(board.missing)}" if board.missing else ""
    told = f"{len(board.frames)} panels from {board.source}{lacking}. Made by capacity-workbench {__version__}."
    body = tag("ul", cards, class_="cw-figures", aria_label="Key figures")
    plain.show(kicker, board.finding, body, told=told, command=board.command)


def sources(board: Board) -> None:
    """Show where every number comes from."""
    rows = []
    for name, frame in board.frames.items():
        panel = PANELS[name]
        rolled = f"{panel.aggregate} of each hour" if panel.aggregate else "of each hour"
        gaps = words.percent(float(frame.isna().to_numpy().mean()))
        came = (
            f"{rolled}, {words.plural(frame.shape[1], 'series', 'series')}, {gaps} missing, in {unit(panel.unit).base}"
        )
        rows.append({"panel": name.replace("_", " "), "query": panel.query, "what came": came})
    telling.table(rows)


def summary(board: Board) -> None:
    """Put out the answer for programs; a report without it has not succeeded."""
    telling.put(
        {
            SUMMARY: {
                "title": board.title,
                "finding": board.finding,
                "as_of": f"{board.as_of:%Y-%m-%dT%H:%M:%SZ}",
                "window": duration_text(board.window),
                "figures": [vars(figure) for figure in board.figures],
                "missing": dict(board.missing),
                "version": __version__,
            },
            "text/plain": board.finding,
        }
    )
