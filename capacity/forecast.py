"""The forecast of a fleet: one shell for every model.

A model gives points (`capacity.models`). The shell cuts the history (`capacity.prepare`), runs the model at rolling
folds (`capacity.folds`), learns from their errors how wide to be (`capacity.calibration`) and how errors hang together
(`capacity.copula`), and hands out quantiles and coherent paths (`capacity.paths`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Event
from capacity.errors import CapacityError, ParameterError, UnitError
from capacity.frames import Skipped, duration, series_labels, series_name
from capacity.links import Link
from capacity.paths import Law
from capacity.prepare import Prepared, prepare
from capacity.provenance import Provenance
from capacity.shell import Fit, fit
from capacity.units import unit

__all__ = ["LEVELS", "Forecast", "forecast"]

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[float | None, float | None]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975)
BLOCK = 64


@dataclass(frozen=True)
class Forecast:
    """A fleet's future as coherent sample paths; quantiles are read off the same law.

    Attributes
    ----------
    history : DataFrame
        What the models saw: the series that are forecast, up to the cutoff; NaN is missing.
    index : DatetimeIndex
        The horizon: one instant a step, the first one step after the cutoff.
    columns : MultiIndex
        The series, as in ``history``.
    cutoff, step : Timestamp, Timedelta
    units : dict
        Base unit of each metric; "unknown" where the provenance does not say.
    model : Series of str, per series
        The model that made it; of ``"auto"`` the one that was chosen.
    levels : tuple of float
        The quantile levels asked for; `quantile` answers between the first and the last.
    skipped : tuple of Skipped
    provenance : Provenance
    seed : int
    carried : Series of Timedelta, per series
        How far ahead the history can carry a probability: its own span.
    scores : DataFrame, per series
        Of its own folds: ``mase``, ``naive_mase`` (seasonal naive on the same folds), ``coverage80`` (of the interval
        0.1 to 0.9, each fold calibrated by the others), ``bias`` (in units of the naive error), ``folds``.
    notes : Series of str, per series
        What the forecast is made of.
    """

    history: pd.DataFrame = field(repr=False)
    index: pd.DatetimeIndex = field(repr=False)
    cutoff: pd.Timestamp
    step: pd.Timedelta
    units: Mapping[str, str]
    model: pd.Series = field(repr=False)
    levels: tuple[float, ...]
    skipped: tuple[Skipped, ...]
    provenance: Provenance = field(repr=False)
    seed: int
    carried: pd.Series = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    notes: pd.Series = field(repr=False)
    law: Law = field(repr=False)

    @property
    def columns(self) -> pd.MultiIndex:
        """The series that are forecast."""
        columns = self.history.columns
        assert isinstance(columns, pd.MultiIndex)
        return columns

    def quantile(self, level: float) -> pd.DataFrame:
        """Return one quantile as a wide frame, horizon × series.

        Raises
        ------
        ParameterError
            The level lies outside ``levels``: what was not calibrated is not told.
        """
        if not self.levels[0] <= level <= self.levels[-1]:
            raise ParameterError(
                f"quantile level {level!r} lies outside {self.levels[0]} … {self.levels[-1]}.",
                hint="Ask for it in forecast(quantiles=…).",
            )
        return self._frame(self.law.quantile(float(level)))

    def paths(self, n: int) -> FloatArray:
        """Return ``n`` coherent sample paths, shape (n, horizon, series).

        All in memory at once: for a fleet use `iter_paths`.
        """
        out = np.empty((_count(n), self.law.horizon, self.law.series))
        for columns, values in self.iter_paths(n):
            out[:, :, columns] = values
        return out

    def iter_paths(self, n: int, *, block: int = BLOCK) -> Iterator[tuple[slice, FloatArray]]:
        """Yield ``(columns, paths)``, ``block`` series at a time, paths of shape (n, horizon, k).

        The numbers are those of `paths`, whatever the block.
        """
        return self.law.blocks(_count(n), block=max(1, int(block)))

    def explain(self, series: object) -> str:
        """Say in one sentence what a series' forecast is made of, and how good it was on its folds.

        ``series`` is a column of the forecast, a series' name (``"eu-west/node-3"``) or its position.
        """
        place = self._place(series)
        score = self.scores.iloc[place]
        name = series_name(series_labels(self.columns)[place])
        folds = int(score["folds"])
        if not folds:
            return f"{name}: {self.model.iloc[place]}, {self.notes.iloc[place]}; too short for a fold of its own."
        return (
            f"{name}: {self.model.iloc[place]}, {self.notes.iloc[place]}; on {folds} folds its error was "
            f"{score['mase'] / score['naive_mase'] if score['naive_mase'] else 1.0:.2f} × seasonal naive's, and "
            f"{100 * score['coverage80']:.0f} % of what came lay within the 80 % band."
        )

    def _place(self, series: object) -> int:
        if isinstance(series, int | np.integer) and 0 <= series < len(self.columns):
            return int(series)
        names = [series_name(labels) for labels in series_labels(self.columns)]
        for known in (list(self.columns), names):
            if series in known:
                return known.index(series)  # type: ignore[arg-type]
        raise ParameterError(f"there is no series {series!r} in this forecast.", hint=f"For example {names[:3]}.")

    def _frame(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.index, columns=self.columns)


def forecast(
    history: pd.DataFrame,
    *,
    horizon: str | pd.Timedelta = "28d",
    as_of: str | pd.Timestamp | None = None,
    model: str = "auto",
    quantiles: Sequence[float] = LEVELS,
    bounds: Bounds | None = None,
    events: Iterable[Event] | None = None,
    seed: int = 0,
    kind: str | Sequence[str] | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> Forecast:
    """Forecast every series of a history.

    Parameters
    ----------
    history : DataFrame
        A wide frame of the contract (`capacity.frames`).
    horizon : duration
        How far ahead, from the cutoff.
    as_of : instant, optional
        Everything after it is dropped first; the last step left is the cutoff.
    model : str
        A name of `capacity.models`, or ``"auto"``: the fleet model, and seasonal naive for a series whose folds it
        does not win.
    quantiles : sequence of float
        Levels; what lies between the lowest and the highest can be asked for.
    bounds : (lower, upper), optional
        Physical bounds in the data's unit, None for none. Without it a metric that never was negative stays so.
    events : optional
        Known events, as the catalogue lists them: windows that make history unfit to learn from (`prepare.UNFIT`) are
        left out. Other kinds are not used yet.
    seed : int
        Same data, same cutoff, same seed: the same numbers.
    kind : str or one a series, optional
        What sort of metric it is: series of a kind share what their folds taught. By default the metric's name.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Raises
    ------
    ParameterError
        An argument cannot be used; the message says what to type.
    HistoryTooShort
        No series can be forecast; the message says why.
    """
    ahead = duration(horizon, name="horizon")
    levels = _levels(quantiles)
    prepared = prepare(history, as_of=as_of, events=events)
    steps = _steps(ahead, prepared.step)
    kinds = _kinds(prepared, kind)
    link = _link(prepared, bounds)
    fitted = fit(prepared, horizon=steps, model=model, link=link, kinds=kinds, seed=_seed(seed), progress=progress)
    return _result(prepared, fitted, levels=levels, seed=int(seed))


def _result(prepared: Prepared, fitted: Fit, *, levels: tuple[float, ...], seed: int) -> Forecast:
    columns = prepared.frame.columns
    start = prepared.cutoff + prepared.step
    spans = (len(prepared.frame) - prepared.first) * prepared.step.to_timedelta64()
    return Forecast(
        history=prepared.frame,
        index=pd.date_range(start, periods=fitted.law.horizon, freq=prepared.step, name="time", unit="us"),
        cutoff=prepared.cutoff,
        step=prepared.step,
        units=_units(prepared),
        model=pd.Series(fitted.models, index=columns, name="model", dtype=object),
        levels=levels,
        skipped=prepared.skipped,
        provenance=prepared.provenance,
        seed=seed,
        carried=pd.Series(pd.to_timedelta(spans), index=columns, name="carried"),
        scores=pd.DataFrame(fitted.scores, index=columns),
        notes=pd.Series(fitted.notes, index=columns, name="notes", dtype=object),
        law=fitted.law,
    )


def _units(prepared: Prepared) -> dict[str, str]:
    units = {}
    for metric in prepared.frame.columns.get_level_values(0).unique():
        stated = prepared.provenance[str(metric)].unit
        try:
            units[str(metric)] = unit(stated).base
        except UnitError:
            units[str(metric)] = stated
    return units


def _levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    levels = tuple(sorted({float(level) for level in quantiles}))
    if not levels or not 0 < levels[0] <= levels[-1] < 1:
        raise ParameterError(f"quantiles must lie between 0 and 1, not {tuple(quantiles)!r}.")
    return levels


def _steps(ahead: pd.Timedelta, step: pd.Timedelta) -> int:
    steps = int(ahead // step)
    if steps < 1:
        raise ParameterError(f"the horizon {ahead} is shorter than one step of the history ({step}).")
    return steps


def _kinds(prepared: Prepared, kind: str | Sequence[str] | None) -> npt.NDArray[np.int64]:
    names = list(prepared.frame.columns.get_level_values(0)) if kind is None else kind
    if isinstance(names, str):
        names = [names] * prepared.frame.shape[1]
    if len(names) != prepared.frame.shape[1]:
        raise ParameterError(f"{len(names)} kinds were given for {prepared.frame.shape[1]} series.")
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def _link(prepared: Prepared, bounds: Bounds | None) -> Link:
    values = prepared.values
    series = values.shape[1]
    if bounds is None:
        lowest = np.min(np.where(np.isfinite(values), values, np.inf), axis=0)
        return Link(np.where(lowest >= 0, 0.0, -np.inf), np.full(series, np.inf))
    lower = -np.inf if bounds[0] is None else float(bounds[0])
    upper = np.inf if bounds[1] is None else float(bounds[1])
    if not lower < upper:
        raise ParameterError(f"bounds {bounds!r} leave no room: the lower one must be below the upper one.")
    return Link(np.full(series, lower), np.full(series, upper))


def _seed(seed: int) -> int:
    try:
        return int(seed)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"seed {seed!r} is not a whole number.") from error


def _count(n: int) -> int:
    if int(n) < 1:
        raise CapacityError(f"{n} paths are none.", hint="Ask for at least 1, say 1000.")
    return int(n)
