"""Lead times: from deciding to having more, as a number or as a distribution.

A supplier's three weeks are three weeks at best. Stated as quantiles, the logarithm of a lead time is a straight line
between them over normal deviates, and beyond them goes on as it came: two quantiles make a lognormal distribution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from capacity.errors import ParameterError
from capacity.frames import duration, duration_text

__all__ = ["DRAWS", "LATE", "LeadTime", "LeadTimeLike", "lead_time"]

LeadTimeLike: TypeAlias = "str | pd.Timedelta | Mapping[str, str | pd.Timedelta] | LeadTime"

# Equally likely lead times that stand for the distribution: each is 2.5 %, finer than any risk that is put up with.
DRAWS = 40
# A careful planner's lead time: one order in ten takes longer.
LATE = 0.9
_LEVEL = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_HOW = 'Give "21d", or quantiles like {"p50": "21d", "p90": "35d"}.'


@dataclass(frozen=True)
class LeadTime:
    """A lead time's quantiles, ascending pairs of (level, duration); a single one is a lead time without doubt."""

    quantiles: tuple[tuple[float, pd.Timedelta], ...]

    def __post_init__(self) -> None:
        levels = [level for level, _ in self.quantiles]
        spans = [span for _, span in self.quantiles]
        if not levels or sorted(set(levels)) != levels or sorted(set(spans)) != spans:
            told = ", ".join(f"p{100 * level:g} = {duration_text(span)}" for level, span in self.quantiles)
            raise ParameterError(f"quantiles of a lead time have to rise with their level, not {told}.", hint=_HOW)

    @property
    def fixed(self) -> bool:
        """Whether it is known to the day."""
        return len(self.quantiles) == 1

    @cached_property
    def median(self) -> pd.Timedelta:
        """Half of the orders take longer."""
        return self.at(0.5)

    @cached_property
    def late(self) -> pd.Timedelta:
        """One order in ten takes longer."""
        return self.at(LATE)

    @cached_property
    def draws(self) -> pd.TimedeltaIndex:
        """Return equally likely lead times, ascending; one where there is no doubt."""
        count = 1 if self.fixed else DRAWS
        return pd.TimedeltaIndex(self._at((np.arange(count) + 0.5) / count)).as_unit("us")

    def at(self, level: float) -> pd.Timedelta:
        """Return the lead time that orders exceed with probability 1 − ``level``."""
        return pd.Timedelta(self._at(np.array([level]))[0])

    def __str__(self) -> str:
        """Write it for a person: ``"21d"``, ``"21d (in one case of ten more than 35d)"``."""
        if self.fixed:
            return duration_text(self.median)
        middle, late = (span.round("D") if span >= pd.Timedelta(days=2) else span for span in (self.median, self.late))
        return f"{duration_text(middle)} (in one case of ten more than {duration_text(late)})"

    def _at(self, levels: npt.NDArray[np.float64]) -> npt.NDArray[np.timedelta64]:
        spans = np.array([span / pd.Timedelta(1, unit="us") for _, span in self.quantiles])
        if self.fixed:
            return np.full(len(levels), round(spans[0])).astype("timedelta64[us]")
        known, asked = ndtri([level for level, _ in self.quantiles]), ndtri(levels)
        part = np.clip(np.searchsorted(known, asked) - 1, 0, len(known) - 2)
        share = (asked - known[part]) / (known[part + 1] - known[part])
        logs = np.log(spans)
        return np.asarray(np.exp(logs[part] + share * (logs[part + 1] - logs[part])).round().astype("timedelta64[us]"))


def lead_time(given: LeadTimeLike, *, name: str = "lead_time") -> LeadTime:
    """Read a lead time: a duration, or a mapping of quantiles such as ``{"p50": "21d", "p90": "35d"}``.

    Raises
    ------
    ParameterError
        A level is none, there is but one, or a later one is not longer.
    """
    if isinstance(given, LeadTime):
        return given
    if not isinstance(given, Mapping):
        return LeadTime(((0.5, duration(given, name=name)),))
    pairs = sorted((_level(key, name), duration(span, name=f"{name}.{key}")) for key, span in given.items())
    if len(pairs) < 2:
        raise ParameterError(f"{name} has {len(pairs)} quantile(s), and a distribution needs two.", hint=_HOW)
    return LeadTime(tuple(pairs))


def _level(key: object, name: str) -> float:
    matched = _LEVEL.fullmatch(str(key))
    level = float(matched[1]) / 100 if matched else 0.0
    if not 0 < level < 1:
        raise ParameterError(f"{name}: {key!r} is no quantile.", hint=_HOW)
    return level
