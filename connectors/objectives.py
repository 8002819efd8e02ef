"""From a catalogue's objectives to what judges them: the events, buckets and values of each slice of time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from capacity import provenance
from capacity.catalog import Catalog, Objective
from capacity.catalog_load import load_catalog
from capacity.errors import CapacityError, NoData, NotHeld, ParameterError, did_you_mean
from capacity.frames import Skipped, duration, instant
from capacity.measured import PARTS, Asked, Measured, questions
from capacity.units import to_base, unit
from connectors.base import Duration, Progress, When

if TYPE_CHECKING:
    from connectors.base import Source

__all__ = ["measure"]


def measure(
    source: Source,
    catalog: Catalog | str | Path,
    *,
    objectives: str | Iterable[str] | None = None,
    as_of: When | None = None,
    window: Duration = "90d",
    progress: Progress | None = None,
) -> Measured:
    """Bring what a catalogue's objectives are judged by.

    Parameters
    ----------
    source : Source
    catalog : Catalog, name of a built-in one, or path
    objectives : names, or one text with commas; optional
        None, or an empty text: all of them.
    as_of : str or Timestamp, optional
        What comes after it is not asked for. None, or one past it: the last hour that the source has finished.
    window : str or Timedelta
        How much history, before ``as_of``.
    progress : callable, optional
        ``progress(done, total, what)``, once an objective.

    Returns
    -------
    Measured
        In base units. What a source has no data for, or does not hold, is in ``skipped``.

    Raises
    ------
    ParameterError
        An objective that the catalogue does not have, a window or an ``as_of`` that cannot be read.
    NoData
        No objective has any data.
    SourceError
        The server is away, lets nobody in, or rejects a query; the message names the objective.
    """
    described = catalog if isinstance(catalog, Catalog) else load_catalog(catalog)
    wanted = chosen(described, objectives)
    length = duration(window, name="window")
    last = source.finished("1h")
    end = last if as_of in (None, "") else min(last, instant(as_of, name="as_of"))
    asking = _Asking(source, end, length)
    frames: dict[str, dict[str, pd.DataFrame]] = {}
    skipped: list[Skipped] = []
    for number, objective in enumerate(wanted, start=1):
        found = _brought(asking, objective, described, skipped)
        if found is not None:
            frames[objective.name] = found
        if progress is not None:
            progress(number, len(wanted), objective.name)
    if not frames:
        raise NoData(
            f"{source.name} has no data for any objective of catalogue {described.name!r}.",
            source=source.name,
            hint=skipped[0].detail if skipped else "Check the catalogue's queries and the window.",
        )
    return Measured(frames, end, length, described.name, tuple(skipped))


def chosen(catalog: Catalog, objectives: str | Iterable[str] | None) -> list[Objective]:
    """Return the objectives that are asked for, in the catalogue's order.

    Raises
    ------
    ParameterError
        One of them is not in the catalogue, or the catalogue has none.
    """
    names = objectives.split(",") if isinstance(objectives, str) else list(objectives or ())
    asked = {name.strip() for name in names if name.strip()}
    for name in sorted(asked - set(catalog.objectives)):
        raise ParameterError(
            f"catalogue {catalog.name!r} has no objective {name!r}.{did_you_mean(name, catalog.objectives)}",
            hint=f"It has {', '.join(catalog.objectives) or 'none'}.",
        )
    if not catalog.objectives:
        raise ParameterError(
            f"catalogue {catalog.name!r} has no objectives.",
            hint="Add [objectives.NAME] tables, or read them from OpenSLO (capacity.slo.read_openslo).",
        )
    return [objective for name, objective in catalog.objectives.items() if not asked or name in asked]


class _Asking:
    """Asks each question once: objectives that share a histogram share its buckets."""

    def __init__(self, source: Source, end: pd.Timestamp, window: pd.Timedelta) -> None:
        self.source, self.end, self.window = source, end, window
        self._answers: dict[Asked, pd.DataFrame] = {}

    def ask(self, objective: Objective, asked: Asked) -> pd.DataFrame:
        """Return the answer in its base unit; parts are asked for over the objective's own window alone."""
        if asked not in self._answers:
            length = min(self.window, objective.window) if asked.role.startswith(PARTS) else self.window
            frame = self.source.range(
                asked.query,
                start=self.end - length,
                end=self.end,
                step=asked.step,
                aggregate=asked.aggregate,
                name=asked.role.removeprefix(PARTS),
                resolution=min(pd.Timedelta(minutes=1), asked.step) if asked.aggregate else None,
            )
            converted: pd.DataFrame = to_base(frame.copy(deep=False), asked.unit)
            converted.attrs = dict(frame.attrs)
            metric = str(frame.columns.get_level_values(0)[0])
            self._answers[asked] = provenance.attach(converted, metric, unit=unit(asked.unit).base)
        return self._answers[asked]


def _brought(
    asking: _Asking, objective: Objective, catalog: Catalog, skipped: list[Skipped]
) -> dict[str, pd.DataFrame] | None:
    """Return the frames of an objective by role; None, and why in ``skipped``, where it cannot be judged."""
    found: dict[str, pd.DataFrame] = {}
    for asked in questions(objective, catalog):
        try:
            found[asked.role] = asking.ask(objective, asked)
        except (NoData, NotHeld) as error:
            if asked.optional:
                continue
            if asked.role == "bad":  # a failure that was never counted is none; the other counter must be there
                continue
            skipped.append(Skipped(objective.name, "no data", error.message, resource=objective.name))
            return None
        except CapacityError as error:
            error.message = f"objective {objective.name!r}: {error.message}"
            error.args = (error.message,)
            raise
    return found
