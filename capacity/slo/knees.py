"""Saturation: how much load a service carries within its objective, and when demand will ask for more.

The relation of latency to load is read off telemetry (`capacity.slo.congestion`); a thousand futures of the load are
carried through draws of it. So a breach is seen while the latency itself is flat yet: that is what queues do, until
shortly before their knee.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.errors import HistoryTooShort, ParameterError
from capacity.forecast import Forecast, forecast
from capacity.frames import Skipped, check, duration, instant, series_labels
from capacity.naming import series_names
from capacity.passage import rolling, window_steps
from capacity.slo.congestion import binned, choose, fitted
from capacity.slo.headroom import DRAWS, Relation, headrooms
from capacity.slo.indicator import Sli

__all__ = ["Relation", "Saturation", "saturate", "saturation"]

Array = npt.NDArray[np.float64]

HOUR = pd.Timedelta(hours=1)
DAY_HOURS = 24
PATHS = 1000
# With fewer hours no fold can be held back: two weeks.
LEAST_HOURS = 336
# The highest load seen has to be this many times the lowest: of less no curve can be read.
LEAST_RANGE = 1.05


@dataclass(frozen=True)
class Saturation:
    """When load passes what can be served within the objective.

    Attributes
    ----------
    target : float
        The latency that is promised, in its base unit.
    table : DataFrame, a row a series
        ``load`` (the busiest hour of the last week), ``reach`` (of all that was seen), ``usable_p10``, ``_p50``,
        ``_p90`` (the load at which latency meets the target; ∞: not within what is known), ``knee_p10`` …,
        ``headroom`` (usable_p50 − load) and ``headroom_ratio`` (of usable_p50), ``rise`` (latency at the highest load
        ÷ at the lowest), ``family``, ``probability`` (of a breach within ``carried``), ``breach_p10``, ``_p50``,
        ``_p90`` (NaT: not within it), ``seen`` (whether telemetry shows where the knee lies), ``reason``.
    curve : DataFrame, horizon × series
        P(latency past the target by t); NaN past what the history carries.
    relations : tuple of Relation, one a series
    demand : Forecast
        Of the load.
    skipped : tuple of Skipped
    """

    target: float
    as_of: pd.Timestamp
    table: pd.DataFrame
    curve: pd.DataFrame
    relations: tuple[Relation, ...] = field(repr=False)
    demand: Forecast = field(repr=False)
    skipped: tuple[Skipped, ...] = ()


def saturation(measured: Sli, **how: Any) -> Saturation:
    """Return when an objective's latency breaks because of its load; options are those of `saturate`.

    Raises
    ------
    ParameterError
        The objective is not a latency that has to stay below its target, or names no load.
    """
    objective = measured.objective
    if measured.load is None:
        raise ParameterError(f"objective {objective.name!r} has no load.", hint='Say what drives it: load = "PromQL".')
    if objective.direction != "above" or objective.indicator == "ratio":
        raise ParameterError(f"objective {objective.name!r} is no latency that has to stay below its target.")
    step = max(HOUR, objective.slice)
    load = measured.load.groupby(pd.DatetimeIndex(measured.load.index).ceil(step)).mean()
    return saturate(load, measured.each(step), target=objective.target, **how)


def saturate(
    load: pd.DataFrame,
    latency: pd.DataFrame,
    *,
    target: float,
    horizon: str | pd.Timedelta = "90d",
    as_of: str | pd.Timestamp | None = None,
    sustained: str | pd.Timedelta = "1h",
    model: str = "auto",
    kind: str | Sequence[str] | None = None,
    paths: int = PATHS,
    seed: int = 0,
) -> Saturation:
    """Return when load will have driven latency past ``target``.

    Parameters
    ----------
    load, latency : DataFrame
        Wide frames of the contract on one step, with the same labels; what has no counterpart is skipped.
    target : float
        In the unit of ``latency``.
    horizon, as_of, model, kind, seed
        As for `capacity.forecast.forecast`, of the load.
    sustained : duration
        The mean latency over this long has to be past the target.
    paths : int
        Futures of the load; each goes through a draw of the curve, and the noise around it through days that were seen.

    Raises
    ------
    HistoryTooShort
        No series has enough hours with a load and a latency.
    """
    at, given, seen = _paired(load, latency, as_of)
    whole = [place for place in range(given.shape[1]) if _hours(given, seen, place) >= LEAST_HOURS]
    skipped = [
        Skipped(name, "too short", f"{_hours(given, seen, place)} hours of a load that varies; it takes {LEAST_HOURS}")
        for place, name in enumerate(series_names(series_labels(given)))
        if place not in whole
    ]
    if not whole:
        raise HistoryTooShort(
            "no series has two weeks of both a load that varies and a latency.", hint=skipped[0].detail or None
        )
    kinds = kind if kind is None or isinstance(kind, str) else [kind[place] for place in whole]
    demand = forecast(given.iloc[:, whole], horizon=horizon, as_of=at, model=model, kind=kinds, seed=seed)
    matched = seen[[_column(seen, column) for column in demand.columns]]
    history = given[demand.columns]
    relations = tuple(
        _relation(history.iloc[:, place].to_numpy(), matched.iloc[:, place].to_numpy(), seed + place)
        for place in range(len(demand.columns))
    )
    window = window_steps(duration(sustained, name="sustained"), demand.step)
    curve = _chances(demand, relations, history, matched, target=target, window=window, paths=paths, seed=seed)
    ahead = (demand.index - demand.cutoff).to_numpy()
    curve = curve.mask(ahead[:, None] > demand.carried.to_numpy()[None, :])
    table = headrooms(demand, relations, curve, target)
    return Saturation(target, at, table, curve, relations, demand, (*skipped, *demand.skipped))


def _paired(
    load: pd.DataFrame, latency: pd.DataFrame, as_of: str | pd.Timestamp | None
) -> tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame]:
    """Return ``as_of``, and the two frames up to it on one grid."""
    given, seen = check(load), check(latency)
    at = instant(given.index[-1] if as_of is None else as_of, name="as_of")
    given = given.loc[:at]
    by_labels = {frozenset(labels.items()): place for place, labels in enumerate(series_labels(seen))}
    kept = [place for place, labels in enumerate(series_labels(given)) if frozenset(labels.items()) in by_labels]
    if not kept:
        raise ParameterError(
            f"no series of load {list(load.columns.names)[1:]} has the labels of one of latency "
            f"{list(latency.columns.names)[1:]}.",
            hint="Aggregate both by the same labels.",
        )
    given = given.iloc[:, kept]
    return at, given, seen.reindex(given.index)


def _column(frame: pd.DataFrame, like: Any) -> Any:
    return next(column for column in frame.columns if column[1:] == like[1:])


def _hours(load: pd.DataFrame, latency: pd.DataFrame, place: int) -> int:
    column = load.columns[place]
    given, seen = load.iloc[:, place].to_numpy(dtype=float), latency[_column(latency, column)].to_numpy(dtype=float)
    both = (given > 0) & (seen > 0) & np.isfinite(given) & np.isfinite(seen)
    # a load that never varies shows nothing of what more of it would do
    return int(np.count_nonzero(both)) if both.any() and given[both].max() > LEAST_RANGE * given[both].min() else 0


def _relation(load: Array, latency: Array, seed: int) -> Relation:
    families, errors = choose(load, latency)
    seen = binned(load, latency)
    return Relation(seen, fitted(seen, families, draws=DRAWS, seed=seed), errors)


def _noise(relation: Relation, load: Array, latency: Array) -> Array:
    """Return how far each hour's latency lay from the curve, as a logarithm, by whole days: shape (day, hour).

    Bounded at three deviations: an incident is no saturation. A missing hour lies on the curve.
    """
    middle = np.median(np.stack([relation.curves.at(draw, load) for draw in range(0, DRAWS, 8)]), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.log(latency) - np.log(middle)
    bound = 3.0 * relation.seen.noise
    rest = np.clip(np.where(np.isfinite(rest), rest, 0.0), -bound, bound)
    days = len(rest) // DAY_HOURS
    return np.asarray(rest[len(rest) - days * DAY_HOURS :].reshape(days, DAY_HOURS), dtype=float)


def _chances(
    demand: Forecast,
    relations: Sequence[Relation],
    load: pd.DataFrame,
    latency: pd.DataFrame,
    *,
    target: float,
    window: int,
    paths: int,
    seed: int,
) -> pd.DataFrame:
    """Return the share of futures whose latency has been past the target by each step."""
    steps = len(demand.index)
    random = np.random.Generator(np.random.Philox(key=[seed % 2**64, 66]))
    noises = [
        _noise(relation, load.iloc[:, place].to_numpy(), latency.iloc[:, place].to_numpy())
        for place, relation in enumerate(relations)
    ]
    shares = np.zeros((steps, len(relations)))
    for columns, drawn in demand.iter_paths(paths, block=1):
        place = columns.start
        noise = noises[place]
        days = random.integers(0, len(noise), size=(paths, -(-steps // DAY_HOURS)))
        factor = np.exp(noise[days].reshape(paths, -1)[:, :steps])
        curves = relations[place].curves
        tail = latency.iloc[len(latency) - (window - 1) :, place].ffill().fillna(0.0).to_numpy() if window > 1 else None
        for path in range(paths):
            values = curves.at(path % DRAWS, drawn[path, :, 0]) * factor[path]
            if tail is not None:
                values = rolling(np.concatenate([tail, values])[None, :, None], window)[0, :, 0]
            past = values > target
            if past.any():
                shares[past.argmax() :, place] += 1.0
    return pd.DataFrame(shares / paths, index=demand.index, columns=demand.columns)
