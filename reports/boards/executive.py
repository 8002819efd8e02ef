"""The executive overview: eight panels, from consensus latency to streams by mode, each with one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from capacity.frames import series_labels
from capacity.growth import growth
from capacity.naming import series_names
from capacity.units import human
from reports import charts, telling, theme, words
from reports.boards import board as boards
from reports.boards.board import DAY, Board, Figure

__all__ = ["BREAKERS", "accuracy", "bandwidth", "breakers", "budget", "latency", "migrations", "read", "streams"]

NAMES = ("latency", "migrated", "not_migrated", "budget", "bandwidth", "breakers", "accuracy", "streams")
BREAKERS = {0: ("closed", theme.GREEN), 1: ("half-open", theme.ORANGE), 2: ("open", theme.VERMILLION)}
LEAST_BUDGET = 0.05
"""DWCP's alert ErrorBudgetExhausted: less than a twentieth is left."""


def read(source: str, **given: str) -> Board:
    """Ask for the eight panels: see `reports.boards.board.read`."""
    return boards.read(source, NAMES, _figures, name="executive_overview", **given)


def _figures(board: Board) -> Sequence[Figure]:
    """Return the key figures of the last day, of those panels that there are."""
    found = []
    target = board.target("consensus_latency_p95")
    if "latency" in board.frames and target is not None:
        value = float(board.quantile("latency", 0.95, over=DAY).iloc[-1].max())
        found.append(_below("Consensus latency P95, 24 h", value, target, "seconds"))
    target = board.target("migration_success")
    if {"migrated", "not_migrated"} <= board.frames.keys() and target is not None:
        good, bad = (float(board.last_day(one).sum().sum()) for one in ("migrated", "not_migrated"))
        share = good / (good + bad) if good + bad else math.nan
        found.append(_above("Migrations that succeed, 24 h", share, target))
    if "budget" in board.frames:
        found.append(
            _above("Least error budget left", float(board.frames["budget"].ffill().iloc[-1].min()), LEAST_BUDGET)
        )
    target = board.target("bandwidth_prediction_accuracy")
    if "accuracy" in board.frames and target is not None:
        found.append(_above("Bandwidth prediction, 24 h", float(board.last_day("accuracy").mean().min()), target))
    if "breakers" in board.frames:
        now = board.frames["breakers"].ffill().iloc[-1]
        found.append(
            Figure("Breakers open now", f"{int((now >= 2).sum())} of {len(now)}", "none open", not (now >= 2).any())
        )
    return found


def _below(name: str, value: float, target: float, unit: str) -> Figure:
    return Figure(name, human(value, unit), f"below {human(target, unit)}", value < target)


def _above(name: str, value: float, target: float) -> Figure:
    return Figure(name, f"{100 * value:.4g} %", f"above {100 * target:g} %", value > target)


def latency(board: Board) -> None:
    """Show P95 of consensus latency by region against its objective."""

    def shown(_: pd.DataFrame) -> None:
        target = board.target("consensus_latency_p95")
        by_region = board.quantile("latency", 0.95, by=["region"])
        over = float((by_region > target).to_numpy().mean()) if target is not None else 0.0
        levels = {
            f"P{level * 100:g}": board.quantile("latency", level, over=board.window).iloc[-1].max()
            for level in (0.5, 0.95, 0.99, 0.999)
        }
        told = ", ".join(f"{name} {human(float(value), 'seconds')}" for name, value in levels.items())
        chart = charts.lines(
            by_region, unit="seconds", title="Consensus latency P95 by region", limit=target, limit_name="objective"
        )
        telling.show(
            chart,
            f"Over the whole window: {told}. {words.percent(over)} of the hours are past the objective.",
            data=by_region,
        )

    board.show("latency", how=shown)


def migrations(board: Board) -> None:
    """Show the share of migrations that succeed, over the day before each hour."""

    def shown(good: pd.DataFrame, bad: pd.DataFrame) -> None:
        good, bad = (one.rolling(24).sum() for one in (good, bad))
        share = good / (good + bad.set_axis(good.columns, axis=1))
        target = board.target("migration_success")
        worst = share.min()
        where = series_names(series_labels(share.columns))[int(worst.to_numpy().argmin())]  # type: ignore[arg-type]
        when = boards.day_of(share.min(axis=1).idxmin())
        told = f"The worst day: {100 * float(worst.min()):.4g} % in {where}, up to {when}."
        below = (
            ""
            if target is None
            else f" {words.percent(float((share < target).to_numpy().mean()))} of the time it is below the promise."
        )
        chart = charts.lines(
            share, unit="ratio", title="Migrations that succeed, 24 h", limit=target, limit_name="promise"
        )
        telling.show(chart, told + below, data=share)

    board.show("migrated", "not_migrated", how=shown)


def budget(board: Board) -> None:
    """Show the error budget that each component has left."""

    def shown(left: pd.DataFrame) -> None:
        last = left.ffill().iloc[-1]
        name = series_names(series_labels(left.columns))[int(last.to_numpy().argmin())]  # type: ignore[arg-type]
        spent = left.columns[(left < LEAST_BUDGET).any()]
        told = f"{name} has least left: {words.percent(float(last.min()))}. "
        told += f"{len(spent)} of {left.shape[1]} components fell below {words.percent(LEAST_BUDGET)} at some time."
        telling.show(charts.lines(left, unit="ratio", title="Error budget left, by component"), told, data=left)

    board.show("budget", how=shown)


def bandwidth(board: Board) -> None:
    """Show the bandwidth of each region and how it grows."""

    def shown(used: pd.DataFrame) -> None:
        grown = growth(used)
        rates = [
            f"{100 * float(row['relative_30d']):+.1f} % in 30 d".replace("-", "−") for _, row in grown.table.iterrows()
        ]
        names = series_names(series_labels(grown.table.index))  # type: ignore[arg-type]
        told = "; ".join(f"{name} {rate}" for name, rate in zip(names, rates, strict=True)) or "too short for a trend"
        chart = charts.lines(used, unit="bits_per_second", title="Bandwidth by region, busiest minute of each hour")
        telling.show(chart, f"Growth of the daily mean: {told}.", data=used)

    board.show("bandwidth", how=shown)


def breakers(board: Board) -> None:
    """Show each component's circuit breaker: closed, half-open, open."""

    def shown(state: pd.DataFrame) -> None:
        open_hours = (state >= 2).sum()
        names = series_names(series_labels(state.columns))  # type: ignore[arg-type]
        opened = [f"{name} {int(hours)} h" for name, hours in zip(names, open_hours, strict=True) if hours]
        told = (
            f"Hours in which a breaker was open: {', '.join(opened)}." if opened else "No breaker was open at any time."
        )
        telling.show(charts.states(state, BREAKERS, title="Circuit breakers, worst state"), told, data=state)

    board.show("breakers", how=shown)


def accuracy(board: Board) -> None:
    """Show how well bandwidth is predicted, against its objective."""

    def shown(share: pd.DataFrame) -> None:
        target = board.target("bandwidth_prediction_accuracy")
        low = float(share.min().min())
        high, mean = float(share.max().max()), float(share.mean().mean())
        told = f"Between {words.percent(low)} and {words.percent(high)}; mean {words.percent(mean)}."
        chart = charts.lines(
            share, unit="ratio", title="Accuracy of the bandwidth prediction", limit=target, limit_name="objective"
        )
        telling.show(chart, told, data=share)

    board.show("accuracy", how=shown)


def streams(board: Board) -> None:
    """Show the open transfer streams by the network that they cross."""

    def shown(opened: pd.DataFrame) -> None:
        peaks = opened.max()
        names = series_names(series_labels(opened.columns))  # type: ignore[arg-type]
        told = ", ".join(f"{name} {peak:,.0f}" for name, peak in zip(names, peaks, strict=True))
        chart = charts.lines(opened, unit="count", title="Active streams by mode")
        telling.show(chart, f"Most at once: {told}.", data=opened)

    board.show("streams", how=shown)
