"""The forecast of a fleet: one shell for every model.

A model gives points (`capacity.models`). The shell cuts the history (`capacity.prepare`), runs the model at rolling
folds (`capacity.folds`), learns from their errors how wide to be (`capacity.calibration`) and how errors hang together
(`capacity.copula`), and hands out quantiles and coherent paths (`capacity.paths`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import asked
from capacity import events as known_events
from capacity.calendar import wall_clock, zones
from capacity.components import components, parts_of
from capacity.errors import CapacityError, ParameterError
from capacity.events import Applied, EventsLike
from capacity.explain import Facts, sentence
from capacity.frames import Skipped, duration, duration_text, series_labels, series_name
from capacity.paths import Law
from capacity.prepare import Prepared, prepare
from capacity.provenance import UNKNOWN, Provenance
from capacity.shell import Fit, fit

__all__ = ["LEVELS", "Forecast", "forecast"]

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[float | None, float | None]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975)
BLOCK = 64
# Past what folds have seen, the growth of errors is carried on by a power law: to twice as far, no more.
BEYOND = 2


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
        How far ahead the history can carry a probability: its own span, and no more than `BEYOND` times as far as the
        folds have looked.
    scores : DataFrame, per series
        Of its own folds: ``mase``, ``naive_mase`` (seasonal naive on the same folds), ``coverage80`` (of the interval
        0.1 to 0.9, each fold calibrated by the others), ``bias`` (in units of the naive error), ``folds``.
    notes : Series of str, per series
        What the forecast is made of.
    since : Series of Timestamp, per series, or None
        When it last jumped to another level, as far as it was found or declared; NaT: it did not.
    left_out : Series of int, per series, or None
        Samples within a declared outlier window.
    breaches : DataFrame or None, a row a tenth of claims
        What its own folds claimed of being past a limit, and what happened, all series together, each fold claimed by
        what the others taught: mean ``claimed``, share that ``happened``, ``count``.
    applied : Applied or None
        What known events did; None without any.
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
    since: pd.Series | None = field(default=None, repr=False)
    left_out: pd.Series | None = field(default=None, repr=False)
    breaches: pd.DataFrame | None = field(default=None, repr=False)
    applied: Applied | None = field(default=None, repr=False)

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

    def components(self, series: object) -> pd.DataFrame:
        """Return what a series and its forecast are made of, over history and horizon.

        Columns: ``value`` (measured, then the median) and its parts ``level``, ``day``, ``week``, ``events`` and
        ``rest``, which add up to it. ``series`` is as for `explain`.
        """
        place = self.place(series)
        added = np.zeros(len(self.index)) if self.applied is None else self.applied.added[:, place]
        past = self.history.to_numpy()[:, place]
        index = self.history.index.append(self.index)
        assert isinstance(index, pd.DatetimeIndex)
        return components(past, self.law.quantile(0.5)[:, place], added, index=index, step=self.step)

    def explain(self, series: object) -> str:
        """Say in one sentence what a series' forecast is made of, and how good it was on its folds.

        ``series`` is a column of the forecast, a series' name (``"eu-west/node-3"``) or its position.
        """
        place = self.place(series)
        seen = np.isfinite(self.history.to_numpy()[:, place])
        link = self.law.link
        facts = Facts(
            name=series_name(series_labels(self.columns)[place]),
            model=str(self.model.iloc[place]),
            note=str(self.notes.iloc[place]),
            parts=parts_of(self.components(place), history=len(self.history), step=self.step),
            unit=_known_unit(self.units.get(str(self.columns[place][0]), "")),
            bounds=(float(link.lower[place]), float(link.upper[place])) if link.bent[place] else None,
            missing=int((~seen[seen.argmax() :]).sum()),
            left_out=0 if self.left_out is None else int(self.left_out.iloc[place]),
            events="" if self.applied is None else self.applied.notes[place],
            score=self.scores.iloc[place],
        )
        return sentence(facts)

    def place(self, series: object) -> int:
        """Return the position of a series: a column, a series' name (``"eu-west/node-3"``) or its position itself.

        Raises
        ------
        ParameterError
            There is no such series.
        """
        if isinstance(series, int | np.integer) and 0 <= series < len(self.columns):
            return int(series)
        names = [series_name(labels) for labels in series_labels(self.columns)]
        for known in (list(self.columns), names):
            if series in known:
                return known.index(series)  # type: ignore[arg-type]
        raise ParameterError(f"there is no series {series!r} in this forecast.", hint=f"For example {names[:3]}.")

    def only(self, where: slice) -> Forecast:
        """Return the forecast of some of the series; their numbers are the same."""
        return replace(
            self,
            history=self.history.iloc[:, where],
            model=self.model.iloc[where],
            carried=self.carried.iloc[where],
            scores=self.scores.iloc[where],
            notes=self.notes.iloc[where],
            law=self.law.only(where),
            since=None if self.since is None else self.since.iloc[where],
            left_out=None if self.left_out is None else self.left_out.iloc[where],
            applied=None if self.applied is None else self.applied.only(where),
        )

    def __repr__(self) -> str:
        """Return a line: how many series, how far, from when, by which models."""
        models = ", ".join(f"{count} {name}" for name, count in self.model.value_counts().items())
        ahead = duration_text(self.index[-1] - self.cutoff)
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"Forecast({len(self.columns)} series: {models}{skipped}; {ahead} from {self.cutoff:%Y-%m-%d %H:%M} UTC)"

    def _frame(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.index, columns=self.columns, copy=False)


def forecast(
    history: pd.DataFrame,
    *,
    horizon: str | pd.Timedelta = "28d",
    as_of: str | pd.Timestamp | None = None,
    model: str = "auto",
    quantiles: Sequence[float] = LEVELS,
    bounds: Bounds | None = None,
    events: EventsLike = None,
    timezones: Mapping[str, str] | str | None = None,
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
    events : Catalog, events or a frame, optional
        Known events (`capacity.events`): windows unfit to learn from are left out, level shifts and launches restart
        the level, announced demand is added from its start, holidays are days of their own. A catalogue brings its
        regions' holidays and time zones along; a frame has the columns ``kind``, ``start``, ``end``, ``effect``.
    timezones : str, or mapping of region to str, optional
        Where series live (``"Europe/Berlin"``): across a change of clocks their season is one of local time.
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
    levels = asked.levels(quantiles)
    listed = known_events.known(events)
    prepared = prepare(history, as_of=as_of, unfit=[one.event for one in listed if one.action == "unfit"])
    steps = asked.steps(ahead, prepared.step)
    kinds = asked.kinds(prepared, kind)
    link = asked.link_of(prepared, bounds)
    where = zones(prepared.frame, timezones if timezones is not None else known_events.timezones_of(events))
    applied = asked.take_events(prepared, listed, events, where, asked.instants_ahead(prepared, steps))
    clock = wall_clock(asked.times(prepared), asked.instants_ahead(prepared, steps), prepared.step, where)
    given = replace(prepared, adjusted=asked.adjusted(prepared, applied, clock))
    fitted = fit(given, horizon=steps, model=model, link=link, kinds=kinds, seed=asked.seed(seed), progress=progress)
    told = replace(fitted, law=asked.told(fitted.law, applied, clock))
    return _result(prepared, told, applied, levels=levels, seed=int(seed))


def _result(
    prepared: Prepared, fitted: Fit, applied: Applied | None, *, levels: tuple[float, ...], seed: int
) -> Forecast:
    columns = prepared.frame.columns
    since = fitted.since if applied is None else np.maximum(fitted.since, applied.since)
    instants = prepared.frame.index.to_numpy(dtype="datetime64[us]")
    jumped = np.where(since > 0, instants[np.maximum(since, 0)], np.datetime64("NaT"))
    spans = np.minimum(len(prepared.frame) - prepared.first, BEYOND * fitted.tested) * prepared.step.to_timedelta64()
    return Forecast(
        history=prepared.frame,
        index=asked.instants_ahead(prepared, fitted.law.horizon),
        cutoff=prepared.cutoff,
        step=prepared.step,
        units=asked.units(prepared),
        model=pd.Series(fitted.models, index=columns, name="model", dtype=object),
        levels=levels,
        skipped=prepared.skipped,
        provenance=prepared.provenance,
        seed=seed,
        carried=pd.Series(pd.to_timedelta(spans), index=columns, name="carried"),
        scores=pd.DataFrame(fitted.scores, index=columns),
        notes=pd.Series(fitted.notes, index=columns, name="notes", dtype=object),
        law=fitted.law,
        since=pd.Series(pd.DatetimeIndex(jumped, tz="UTC"), index=columns, name="since"),
        left_out=pd.Series(prepared.left_out, index=columns, name="left_out"),
        breaches=_breaches(fitted.breaches),
        applied=applied,
    )


def _breaches(told: FloatArray) -> pd.DataFrame:
    """Return means of what was claimed and happened by tenths, without those in which nothing was claimed."""
    seen = told[told[:, 2] > 0]
    means = np.column_stack([seen[:, :2] / seen[:, 2:], seen[:, 2]])
    return pd.DataFrame(means, columns=["claimed", "happened", "count"])


def _count(n: int) -> int:
    if int(n) < 1:
        raise CapacityError(f"{n} paths are none.", hint="Ask for at least 1, say 1000.")
    return int(n)


def _known_unit(base: str) -> str:
    return "" if base == UNKNOWN else base
