"""The performance deep dive: the latency heatmap, partitions, resources, Byzantine faults, the six components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from capacity.frames import series_labels
from capacity.naming import series_names
from capacity.units import human
from reports import charts, telling, words
from reports.boards import board as boards
from reports.boards import executive
from reports.boards.board import DAY, Board, Figure

__all__ = [
    "byzantine",
    "component_table",
    "components",
    "heatmap",
    "partition_times",
    "partitions",
    "read",
    "resources",
]

NAMES = (
    "latency", "partitions", "detection", "healing", "cpu", "memory", "disk_read", "disk_write",
    "byzantine", "requests", "failures", "budget", "breakers", "models",
)  # fmt: skip
SMALL = 150
MULTIPLES = (
    ("cpu", "ratio", "CPU, busiest node"),
    ("memory", "bytes", "Memory in use"),
    ("disk_read", "bits_per_second", "Read from disk"),
    ("disk_write", "bits_per_second", "Written to disk"),
)


def read(source: str, **given: str) -> Board:
    """Ask for the panels: see `reports.boards.board.read`."""
    return boards.read(source, NAMES, _figures, name="performance_deep_dive", **given)


def _figures(board: Board) -> Sequence[Figure]:
    found = []
    for level, objective in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p999")):
        target = board.target(f"consensus_latency_{objective}")
        if "latency" in board.frames and target is not None:
            value = float(board.quantile("latency", level, over=board.window).iloc[-1].max())
            name = f"Consensus latency {objective.upper()}"
            found.append(Figure(name, human(value, "seconds"), f"below {human(target, 'seconds')}", value < target))
    target = board.target("partition_detection")
    if "detection" in board.frames and target is not None:
        value = float(board.quantile("detection", 0.95, over=board.window).iloc[-1].max())
        against = f"below {human(target, 'seconds')}"
        found.append(Figure("Partition detection P95", human(value, "seconds"), against, value < target))
    return found


def heatmap(board: Board) -> None:
    """Show where consensus latencies fell, hour by hour."""

    def shown(counted: pd.DataFrame) -> None:
        levels = (0.5, 0.95, 0.99, 0.999)
        read = {f"P{100 * level:g}": board.quantile("latency", level, over=DAY) for level in levels}
        highest = max(read["P99"].iloc[:, 0].dropna().items(), key=lambda pair: pair[1])
        told = f"P99 was highest on the day to {boards.day_of(highest[0])}: {human(float(highest[1]), 'seconds')}."
        chart = charts.heatmap(counted, unit="seconds", title="Consensus latency")
        telling.show(
            chart,
            told,
            data=pd.concat({name: one.iloc[:, 0] for name, one in read.items()}, axis=1),
            name="Consensus latency by day",
        )

    board.show("latency", how=shown)


def partitions(board: Board) -> None:
    """Show when the network was parted."""

    def shown(counted: pd.DataFrame) -> None:
        names = series_names(series_labels(counted.columns))  # type: ignore[arg-type]
        told = ", ".join(f"{name} {total:,.0f}" for name, total in zip(names, counted.sum(), strict=True))
        chart = charts.events(counted, title="Network partitions", what="partitions")
        telling.show(chart, f"By region: {told}.", data=counted)

    board.show("partitions", how=shown)


def partition_times(board: Board) -> None:
    """Show how soon partitions were noticed, and how soon they were over."""

    def shown(*_: pd.DataFrame) -> None:
        for panel, title, objective in (
            ("detection", "Until a partition is noticed, P95", "partition_detection"),
            ("healing", "Until a partition is healed, P95", ""),
        ):
            daily = board.quantile(panel, 0.95, over=DAY)
            target = board.target(objective) if objective else None
            chart = charts.lines(daily, unit="seconds", title=title, limit=target, limit_name="objective", height=SMALL)
            worst = daily.iloc[:, 0]
            said = (
                f"Worst day: {human(float(worst.max()), 'seconds')}, to {boards.day_of(worst.idxmax())}."
                if worst.notna().any()
                else "There was no partition."
            )
            telling.show(chart, said, data=daily)

    board.show("detection", "healing", how=shown)


def resources(board: Board) -> None:
    """Show CPU, memory and disk I/O by region, one small chart each."""
    for panel, unit, title in MULTIPLES:
        board.show(panel, how=lambda frame, unit=unit, title=title: _small(frame, unit, title))


def _small(frame: pd.DataFrame, unit: str, title: str) -> None:
    peak = frame.max()
    names = series_names(series_labels(frame.columns))  # type: ignore[arg-type]
    at = int(peak.to_numpy().argmax())
    told = f"Highest in {names[at]}: {human(float(peak.iloc[at]), unit)}, {boards.day_of(frame.iloc[:, at].idxmax())}."
    telling.show(charts.lines(frame, unit=unit, title=title, height=SMALL), told, data=frame)


def byzantine(board: Board) -> None:
    """Show Byzantine faults by region."""

    def shown(counted: pd.DataFrame) -> None:
        total = float(counted.sum().sum())
        days = max(1.0, board.window / DAY)
        told = f"{total:,.0f} faults, {total / days:.1f} a day." if total else "There was no Byzantine fault."
        telling.show(charts.events(counted, title="Byzantine faults", what="faults"), told, data=counted)

    board.show("byzantine", how=shown)


def components(board: Board) -> None:
    """Show the share of requests that failed, by component, and the states of their breakers."""

    def shown(asked: pd.DataFrame, failed: pd.DataFrame) -> None:
        share = failed.set_axis(asked.columns, axis=1) / asked.where(asked > 0)
        names = series_names(series_labels(share.columns))  # type: ignore[arg-type]
        worst = share.max()
        at = int(worst.to_numpy().argmax())
        when = boards.day_of(share.iloc[:, at].idxmax())
        told = f"The worst hour: {100 * float(worst.iloc[at]):.3g} % of the requests to {names[at]}, {when}."
        telling.show(charts.lines(share, unit="ratio", title="Requests that fail, by component"), told, data=share)

    board.show("requests", "failures", how=shown)
    executive.breakers(board)


def component_table(board: Board) -> None:
    """List the six components with what each did over the whole window."""

    def shown(asked: pd.DataFrame, failed: pd.DataFrame) -> None:
        names = series_names(series_labels(asked.columns))  # type: ignore[arg-type]
        rows = []
        for at, name in enumerate(names):
            total, bad = float(asked.iloc[:, at].sum()), float(failed.iloc[:, at].sum())
            rows.append(
                {
                    "component": name,
                    "requests": f"{total:,.0f}",
                    "failed": f"{100 * bad / total:.3g} %" if total else "–",
                    "budget left": _last(board, "budget", name),
                    "model accuracy": _last(board, "models", name),
                }
            )
        telling.table(rows)

    board.show("requests", "failures", how=shown)


def _last(board: Board, panel: str, name: str) -> str:
    """Return a component's last value in a panel of shares; a dash where there is none."""
    frame: Any = board.frames.get(panel)
    if frame is None:
        return "–"
    found = [at for at, own in enumerate(series_labels(frame.columns)) if own.get("component") == name]
    return words.percent(float(frame.ffill().iloc[-1, found[0]])) if found else "–"
