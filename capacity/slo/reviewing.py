"""The review: every objective of a catalogue from what was measured to one table by urgency, and one sentence."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from capacity import tables
from capacity.catalog import Catalog, Objective, matches
from capacity.errors import CapacityError, FrameError, HistoryTooShort, ParameterError
from capacity.frames import Skipped, duration, series_labels
from capacity.measured import Measured
from capacity.provenance import Provenance
from capacity.slo.budgets import Budget, budget
from capacity.slo.contributions import Drivers, drivers
from capacity.slo.firing import Burn, burned
from capacity.slo.indicator import Sli, sli
from capacity.slo.knees import Saturation, saturation
from capacity.slo.projecting import Projection, projection
from capacity.slo.promises import STATUSES, compliance
from capacity.slo.spending import Exhaustion, exhaustion
from capacity.slo.telling import finding, review_rows

__all__ = ["Review", "Reviewed", "failing", "narrowed", "review"]

_LOG = logging.getLogger(__name__)
Progress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class Reviewed:
    """All that is known of one objective; what could not be had is None, and stands in the review's ``skipped``."""

    measured: Sli = field(repr=False)
    budget: Budget
    burn: Burn
    drivers: Drivers
    exhaustion: Exhaustion | None
    projection: Projection | None
    saturation: Saturation | None


@dataclass(frozen=True)
class Review:
    """Everything that a report on objectives shows.

    Attributes
    ----------
    table : DataFrame, a row a series over all objectives, the most urgent first
        The columns of `capacity.slo.compliance`; ``owner``; ``exhausted`` (probability that the budget is exhausted
        before its window ends) and ``exhausted_p50``; ``breach`` (the probability that the indicator is past its target
        within the horizon, by its own forecast) and ``breach_p50``; ``saturated`` (the same by its load) and
        ``saturated_p50``. NaN and NaT: no answer, or not within the window or horizon.
    objectives : mapping of name to Reviewed
    skipped : tuple of Skipped
    finding : str
        The one sentence.
    """

    catalog: Catalog = field(repr=False)
    as_of: pd.Timestamp
    horizon: pd.Timedelta
    table: pd.DataFrame
    objectives: Mapping[str, Reviewed] = field(repr=False)
    skipped: tuple[Skipped, ...]
    finding: str
    provenance: Provenance = field(repr=False)

    def __repr__(self) -> str:
        """Return a line: how many objectives, and the finding."""
        return f"Review({len(self.objectives)} objectives, {len(self.table)} series): {self.finding}"

    def _repr_html_(self) -> str:
        return tables.html_table(review_rows(self), caption=repr(self))


def review(
    measured: Measured,
    catalog: Catalog,
    *,
    horizon: str | pd.Timedelta = "90d",
    model: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Review:
    """Return how every objective that was measured is kept, how its budget burns, and when it will break.

    Parameters
    ----------
    measured : Measured
        What a source brought (``source.measure(catalog)``).
    catalog : Catalog
    horizon : duration
        How far ahead indicators and loads are looked at.
    model, seed
        As in `capacity.forecast`.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Raises
    ------
    ParameterError
        An argument cannot be used, or the catalogue does not know an objective that was measured.
    HistoryTooShort
        No objective can be judged.
    """
    ahead = duration(horizon, name="horizon")
    skipped = list(measured.skipped)
    found: dict[str, Reviewed] = {}
    parts: list[pd.DataFrame] = []
    for place, (name, frames) in enumerate(measured.frames.items(), start=1):
        if name not in catalog.objectives:
            raise ParameterError(f"{name!r} was measured, and the catalogue {catalog.name!r} has no such objective.")
        one = catalog.objectives[name]
        try:
            made = _reviewed(sli(one, frames), measured.as_of, ahead, model, seed, skipped)
        except FrameError as error:
            skipped.append(Skipped(name, "no data", error.message, resource=name))
            continue
        found[name] = made
        parts.append(_rows(one, made))
        if progress is not None:
            progress(place, len(measured.frames), name)
    if not parts:
        raise HistoryTooShort("no objective can be judged.", hint=skipped[0].detail if skipped else None)
    table = _ranked(parts)
    return Review(
        catalog, measured.as_of, ahead, table, found, tuple(skipped), finding(table, catalog), measured.provenance
    )


def narrowed(found: Review, *, owner: str | None = None, where: Mapping[str, str] | None = None) -> Review:
    """Return the review with only the objectives of an owner, and series with these labels; its finding follows.

    Raises
    ------
    ParameterError
        No series is left: an answer about nothing must not pass for a good one.
    """
    if not owner and not where:
        return found
    keep = [
        (not owner or row["owner"] == owner) and matches(where or {}, row["labels"])
        for row in found.table.to_dict("records")
    ]
    if not any(keep):
        asked = [f"{key}={value!r}" for key, value in (where or {}).items()]
        asked += [f"the owner {owner!r}"] if owner else []
        raise ParameterError(f"no series has {' and '.join(asked)}.")
    table = found.table[keep].reset_index(drop=True)
    left = {name: one for name, one in found.objectives.items() if name in set(table["objective"])}
    told = finding(table, found.catalog)
    return Review(found.catalog, found.as_of, found.horizon, table, left, found.skipped, told, found.provenance)


def failing(found: Review, *, within: pd.Timedelta, risk: float) -> pd.DataFrame:
    """Return the rows that are broken, or whose breach or exhaustion ``within`` that time is likelier than ``risk``.

    Returns
    -------
    DataFrame
        Rows of the review's table with a column ``chance``: the highest that anything is known to have; NaN: none.
    """
    chances = [_chance(found, row, within) for _, row in found.table.iterrows()]
    rows = found.table.assign(chance=chances)
    return rows[(rows["status"] == "broken") | (rows["chance"] > risk)]


def _chance(found: Review, row: pd.Series, within: pd.Timedelta) -> float:
    one = found.objectives[str(row["objective"])]
    curves = [result.curve for result in (one.exhaustion, one.saturation) if result is not None]
    curves += [] if one.projection is None else [one.projection.outlook.curve]
    known = []
    for curve in curves:
        labels = series_labels(curve)
        if row["labels"] in labels:
            told = curve[curve.index <= found.as_of + within].iloc[:, labels.index(row["labels"])].max()
            known += [] if pd.isna(told) else [float(told)]
    return max(known, default=math.nan)


def _reviewed(
    measured: Sli, as_of: pd.Timestamp, horizon: pd.Timedelta, model: str, seed: int, skipped: list[Skipped]
) -> Reviewed:
    spent, name = budget(measured, as_of=as_of), measured.objective.name

    def tried(what: str, make: Callable[[], Any]) -> Any:
        """Return an answer, or None with the reason in ``skipped``: one that fails takes no other down with it."""
        try:
            return make()
        except CapacityError as error:
            skipped.append(Skipped(name, "too short", f"{what}: {error.message}"))
        except Exception as error:  # a defect in one answer must not cost all the others
            _LOG.warning("%s: no %s, because of an error that was not expected", name, what, exc_info=True)
            skipped.append(Skipped(name, "model failed", f"{what}: {type(error).__name__}: {error}"))
        return None

    how: dict[str, Any] = {"model": model, "seed": seed}
    sees = measured.load is not None and measured.objective.direction == "above"
    sees &= measured.objective.indicator != "ratio"
    return Reviewed(
        measured=measured,
        budget=spent,
        burn=burned(measured),
        drivers=drivers(measured, spent),
        exhaustion=tried("exhaustion", lambda: exhaustion(measured, as_of=as_of, **how)),
        projection=tried("projection", lambda: projection(measured, as_of=as_of, horizon=horizon, **how)),
        saturation=tried("saturation", lambda: saturation(measured, as_of=as_of, horizon=horizon, **how))
        if sees
        else None,
    )


def _rows(objective: Objective, made: Reviewed) -> pd.DataFrame:
    table = compliance(made.measured, made.budget, made.burn).assign(owner=objective.owner)
    parts = {
        ("exhausted", "exhausted_p50"): (made.exhaustion, "probability", "exhausted_p50"),
        ("breach", "breach_p50"): (made.projection, "", "breach_p50"),
        ("saturated", "saturated_p50"): (made.saturation, "probability", "breach_p50"),
    }
    for (chance, date), (result, column, when) in parts.items():
        told = None if result is None else result.table.reindex(table.index)
        table[date] = pd.NaT if told is None else told[when]
        if told is None:
            table[chance] = math.nan
        elif column:
            table[chance] = told[column]
        else:
            table[chance] = result.outlook.table["probability"].reindex(table.index)  # type: ignore[union-attr]
    return table


def _ranked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the rows in one table, the most urgent first: by status, then by what is likeliest to break."""
    whole = pd.concat([table.reset_index(drop=True) for table in parts], ignore_index=True)
    risk = whole[["exhausted", "breach", "saturated"]].max(axis=1).fillna(0.0)
    ranks = [STATUSES[word].rank for word in whole["status"]]
    keys = pd.DataFrame({"rank": ranks, "risk": -risk, "left": whole["left"]})
    return whole.loc[keys.sort_values(["rank", "risk", "left"], kind="stable").index].reset_index(drop=True)
