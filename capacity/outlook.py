"""The outlook: when a resource runs out, as a distribution, and by when to decide.

Read off the forecast's sample paths by first passage, never off the edge of a band, and blended with what the past
would have done: for each series the chance of having met the event by each instant of the horizon. Dates, order-by date
and verdict are read off that curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import decided, passage, pooling, precedents, sizing, tables, verdicts
from capacity import limits as lim
from capacity.blockers import blind, blockers_of
from capacity.catalog import Cost, Reserve
from capacity.chances import breach_chances
from capacity.decision import Question, decide
from capacity.errors import ParameterError
from capacity.forecast import Forecast
from capacity.frames import Skipped, duration, duration_text, series_labels, series_name
from capacity.leadtime import LeadTimeLike
from capacity.leadtime import lead_time as read_lead
from capacity.provenance import UNKNOWN, Provenance

__all__ = ["PATHS", "Outlook", "outlook"]

# A thousand paths: the standard error of a probability of 10 % is one per cent.
PATHS = 1000
# Sizing asks some twenty times for the chance of a breach: for those that somebody will read about.
SIZED = 25

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class Outlook:
    """When each series runs out.

    Attributes
    ----------
    forecast : Forecast
    question : Question
        The event, and what is to be decided.
    table : DataFrame, a row a series, in the forecast's order
        ``now`` (the event's aggregate at the cutoff), ``limit``, ``reserve`` and ``buffer`` (what they take of it),
        ``usable``, ``headroom`` (usable − now, or now − usable where less is worse), all in the base unit;
        ``utilisation`` (now ÷ limit); ``probability`` of a breach within ``carried`` (the horizon, or what the history
        carries of it; NaN: it cannot be judged); ``breach_p10``, ``_p50``, ``_p90`` (NaT: not within what is carried);
        ``order_by`` (a calendar date of the region; NaT: nothing to order within what is carried);
        ``risk_ordered_today``, ``risk_ordered_30d`` (the chance of a breach that is left when it is ordered then: one
        before the order arrives); ``verdict``, ``reason``, ``model``, ``score`` (MASE over the folds), ``coverage`` (of
        the 80 % interval, over the folds).
    curve : DataFrame, horizon × series
        P(breach by t), never falling: the share of paths that have met the event, blended with what the past would
        have done (`capacity.precedents`); NaN past what the history carries, and for a series that cannot be judged.
    skipped : tuple of Skipped
        The forecast's own, the series without a limit, and those whose forecast is not to be believed.
    limits : Limits
        Over the history and the horizon; `limit` and `usable` show them as frames.
    timezones : mapping of region to IANA name
        Whose calendar dates are read in.
    """

    forecast: Forecast
    question: Question
    table: pd.DataFrame
    curve: pd.DataFrame
    skipped: tuple[Skipped, ...]
    limits: lim.Limits = field(repr=False)
    timezones: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def direction(self) -> lim.Direction:
        """The side of the limit that is a breach."""
        return self.question.direction

    @property
    def lead_time(self) -> pd.Timedelta:
        """From deciding to having more: the median."""
        return self.question.lead.median

    @property
    def risk(self) -> float:
        """The probability of a breach before the order arrives that is put up with."""
        return self.question.risk

    @property
    def provenance(self) -> Provenance:
        """Where the demand comes from."""
        return self.forecast.provenance

    @cached_property
    def limit(self) -> pd.DataFrame:
        """The limit of each series over history and horizon; NaN where there is none."""
        return self._over_time(self.limits.of(slice(None)))

    @cached_property
    def usable(self) -> pd.DataFrame:
        """What may be used of the limit, over history and horizon: less the reserve, then less the buffer."""
        return self._over_time(self.question.usable(self.limits))

    def probability(self, by: str | pd.Timedelta = "30d") -> pd.Series:
        """Return P(breach within ``by`` of the cutoff), by series; NaN past what the history carries.

        Raises
        ------
        ParameterError
            ``by`` is past the horizon.
        """
        within = duration(by, name="by")
        horizon = self.curve.index[-1] - self.forecast.cutoff
        if within > horizon:
            raise ParameterError(
                f"{duration_text(within)} is past the horizon of {duration_text(horizon)}.", hint="Forecast further."
            )
        steps = within // self.forecast.step
        chance = self.curve.iloc[steps - 1] if steps else (self.table["verdict"] == "past").astype(float)
        return chance.rename("probability")

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """What to add to the limit of each series at risk: see `size`. The `SIZED` most urgent ones, no more."""
        return self.size(self.at_risk[:SIZED])

    @property
    def at_risk(self) -> list[int]:
        """The positions of the series whose chance of a breach exceeds the risk, the most urgent first."""
        table = self.table.reset_index(drop=True)
        some = table[(table["probability"] > self.risk) & (table["verdict"] != verdicts.CANNOT_JUDGE)]
        rank = some["verdict"].map(lambda word: verdicts.VERDICTS[word].rank)
        keys = some.assign(rank=rank, unlikely=-some["probability"])[["rank", "breach_p50", "breach_p10", "unlikely"]]
        order = keys.sort_values(by=keys.columns.tolist(), na_position="last", kind="stable").index
        return [int(place) for place in order]

    def size(self, series: object = None, *, risk: float | None = None) -> pd.DataFrame:
        """Return how much to add so that the chance of a breach within the horizon is no more than the risk.

        As if it were there today: what happens before an order arrives, no size can help.

        Parameters
        ----------
        series
            Columns, names or positions, one or a list of them; None: those at risk.
        risk : float, optional
            None: the risk that is put up with.

        Returns
        -------
        DataFrame, a row a series
            ``add`` (to the limit, in the base unit, in whole units where it is sold by them), ``units``, ``add_share``
            (÷ limit), ``least_regret`` (where costs are stated; below 0: less is enough). NaN: it cannot be judged.
        """
        wanted = self.at_risk if series is None else list(series) if isinstance(series, list) else [series]
        places = [self.forecast.place(one) for one in wanted]
        judged = [place for place in places if np.isfinite(self.table["probability"].iloc[place])]
        found = sizing.sizes(
            self.forecast,
            self.question,
            limits=self.limits,
            now=self.table["now"].to_numpy(dtype=float),
            places=judged,
            risk=self.risk if risk is None else risk,
            cost=self.question.cost,
            unit_size=self.question.unit_size,
        )
        return found.reindex(self.forecast.columns[places])

    def explain(self, series: object) -> str:
        """Say in one sentence of numbers what is decided on a series and why.

        ``series`` is a column, a name (``"eu-west/node-3"``) or a position.
        """
        place = self.forecast.place(series)
        return self.told(place, self.size([place]).iloc[0])

    def told(self, place: int, size: pd.Series) -> str:
        """Say the sentence of `explain` on the series at a position, with its row of `size`."""
        base = self.forecast.units.get(str(self.forecast.columns[place][0]), "")
        labels = series_labels(self.forecast.columns[place : place + 1])[0]
        return decided.sentence(
            series_name(labels),
            self.table.iloc[place],
            size,
            question=self.question,
            base="" if base == UNKNOWN else base,
            zone=self.timezones.get(labels.get("region", ""), "UTC"),
        )

    def __repr__(self) -> str:
        """Return a line: how many series, and how many of each verdict."""
        return tables.counted("Outlook", self.table["verdict"])

    def _repr_html_(self) -> str:
        return tables.outlook_html(self)

    def _over_time(self, values: Array) -> pd.DataFrame:
        return pd.DataFrame(values, index=_times(self.forecast), columns=self.forecast.columns)


def outlook(
    forecast: Forecast,
    *,
    limit: lim.LimitLike,
    direction: lim.Direction = "above",
    sustained: str | pd.Timedelta = "1h",
    aggregate: str = "mean",
    reserve: Reserve | tuple[int, int] | None = None,
    buffer: float = 0.0,
    lead_time: LeadTimeLike = "21d",
    risk: float = 0.1,
    domains: npt.NDArray[np.intp] | None = None,
    unit_size: float | None = None,
    cost: Cost | tuple[float, float] | None = None,
    paths: int = PATHS,
    bounds: tuple[float | None, float | None] | None = None,
    as_of: pd.Timestamp | None = None,
    timezones: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Outlook:
    """Return when each series of a forecast is past its usable capacity, with what probability, and by when to decide.

    Parameters
    ----------
    forecast : Forecast
    limit : number, Series by labels, wide frame over time, or pairs of (instant, value)
        In the demand's base unit; see `capacity.limits.match`. After the cutoff it is a plan: what is stated for the
        future counts.
    direction : {"above", "below"}
        The side of the limit that is a breach.
    sustained, aggregate
        The event at t: this aggregate of demand over (t − sustained, t] is past usable capacity. A step that is longer
        than ``sustained`` is one window.
    reserve : Reserve or (n, k), optional
        Of ``n`` failure domains ``k`` may be lost. A reserve that has no ``n`` counts the values of its label
        (`capacity.pooling.domains`).
    buffer : float
        Share of what the reserve leaves that is kept free.
    lead_time : duration, or mapping of quantiles such as ``{"p50": "21d", "p90": "35d"}``
        From deciding to having more.
    risk : float
        The probability of a breach before the order arrives that is put up with.
    domains : ndarray of int, shape (series,), optional
        How many failure domains each series has, where they were counted already.
    unit_size : float, optional
        What more is sold by, in the base unit; None: by any amount.
    cost : Cost or (short, idle), optional
        What a unit of capacity costs where it is missed, and where it is not needed, for `Outlook.size`.
    paths : int
        How many sample paths to draw.
    bounds : (lower, upper), optional
        Physical bounds of demand. A series whose usable capacity lies at or past one cannot be judged.
    as_of : Timestamp, optional
        When it is judged, where that is later than the cutoff: a series that has been silent since cannot be judged.
    timezones : mapping of region to IANA name, optional
        Whose calendar the order-by date is read in (by the label ``region``; UTC otherwise).
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Raises
    ------
    ParameterError
        An argument cannot be used as it is.
    """
    question = Question(
        direction=direction,
        sustained=duration(sustained, name="sustained"),
        aggregate=aggregate,
        reserve=lim.as_reserve(reserve),
        buffer=buffer,
        lead=read_lead(lead_time),
        risk=risk,
        paths=paths,
        unit_size=unit_size,
        cost=Cost(*cost) if isinstance(cost, tuple) else cost,
    )
    limits = lim.match(forecast.columns, limit, times=_times(forecast), cutoff=forecast.cutoff)
    limits = replace(limits, domains=_domains(forecast, question.reserve, domains))
    recent = _recent(forecast, question)
    usable = question.taken(limits, -len(forecast.index) - 1)[-1]
    blockers = blockers_of(
        forecast, limits=limits, usable=usable, direction=question.direction, bounds=bounds, as_of=as_of
    )
    past = passage.past(question.aggregated(recent), usable, question.direction) & ~blind(blockers)
    blocked = np.array([each is not None for each in blockers])
    curve, drawn = _curve(
        forecast, question, limits=limits, recent=recent, past=past, blocked=blocked, progress=progress
    )
    table = decide(
        forecast,
        question,
        limits=limits,
        blockers=blockers,
        recent=recent,
        past=past,
        curve=curve,
        drawn=drawn,
        habit=precedents.passed(
            forecast.history,
            usable,
            window=question.window(forecast.step),
            aggregate=question.aggregate,
            direction=question.direction,
        ),
        timezones=timezones or {},
    )
    return Outlook(
        forecast=forecast,
        question=question,
        table=table,
        curve=curve,
        skipped=(*forecast.skipped, *(each for each in blockers if each is not None)),
        limits=limits,
        timezones=timezones or {},
    )


def _domains(
    forecast: Forecast, reserve: Reserve | None, counted: npt.NDArray[np.intp] | None
) -> npt.NDArray[np.intp] | None:
    if reserve is None or reserve.n is not None or counted is not None:
        return counted
    return pooling.domains(series_labels(forecast.columns), reserve.per or "")


def _times(forecast: Forecast) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(forecast.history.index.append(forecast.index), name=forecast.history.index.name)


def _recent(forecast: Forecast, question: Question) -> Array:
    """Return the window that ends at the cutoff, shape (window, series); a gap holds the value before it."""
    window = question.window(forecast.step)
    last = forecast.history.iloc[-window:]
    if last.isna().to_numpy().any():
        last = forecast.history.ffill().iloc[-window:].bfill()
    held = last.to_numpy(dtype=float)
    return np.concatenate([np.repeat(held[:1], window - len(held), axis=0), held])


def _curve(
    forecast: Forecast,
    question: Question,
    *,
    limits: lim.Limits,
    recent: Array,
    past: npt.NDArray[np.bool_],
    blocked: npt.NDArray[np.bool_],
    progress: Progress | None,
) -> tuple[pd.DataFrame, Array]:
    """Return P(breach by t), horizon × series, and the paths' own share in the end, by series.

    The curve is 1 throughout where it is true already, and NaN past what is carried.
    """
    horizon = len(forecast.index)

    def room(where: slice) -> Array:
        return question.usable(limits, where, slice(-horizon, None))

    values, drawn = breach_chances(forecast, question, room=room, recent=recent, progress=progress)
    ahead = (forecast.index - forecast.cutoff).to_numpy()
    values[ahead[:, None] > forecast.carried.to_numpy()[None, :]] = np.nan
    values[:, blocked] = np.nan
    values[:, past] = 1.0
    return pd.DataFrame(values, index=forecast.index, columns=forecast.columns, copy=False), drawn
