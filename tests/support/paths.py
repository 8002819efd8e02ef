"""A forecast whose sample paths are given, so that what is read off them can be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.forecast import LEVELS, Forecast
from capacity.frames import wide
from capacity.paths import Law
from capacity.provenance import Provenance

Array = npt.NDArray[np.float64]

CUTOFF = pd.Timestamp("2026-11-01T00:00Z").as_unit("us")


@dataclass(frozen=True)
class KnownLaw:
    """A law that is its own sample: shape (paths, horizon, series)."""

    values: Array

    @property
    def horizon(self) -> int:
        return int(self.values.shape[1])

    @property
    def series(self) -> int:
        return int(self.values.shape[2])

    def only(self, columns: npt.NDArray[np.intp]) -> KnownLaw:
        return KnownLaw(self.values[:, :, columns])

    def quantile(self, level: float) -> Array:
        return np.asarray(np.quantile(self.values, level, axis=0))

    def blocks(self, paths: int, *, block: int) -> Iterator[tuple[slice, Array]]:
        for start in range(0, self.series, block):
            where = slice(start, min(start + block, self.series))
            yield where, self.values[:paths, :, where]


def known_forecast(
    paths: npt.ArrayLike,
    *,
    history: npt.ArrayLike,
    step: str = "1h",
    series: Sequence[Mapping[str, str]] | None = None,
    metric: str = "demand",
    carried: str | None = None,
    **changed: Any,
) -> Forecast:
    """Return a forecast with these paths (paths, horizon, series) after this history (times, series)."""
    values = np.asarray(paths, dtype=float)
    samples = np.asarray(history, dtype=float)
    spacing = pd.Timedelta(step).as_unit("us")
    labels = series or [{"node": f"n{place}"} for place in range(values.shape[2])]
    times = pd.date_range(end=CUTOFF, periods=len(samples), freq=spacing, unit="us")
    frame = wide(samples, times=times, series=labels, metric=metric)
    columns = frame.columns
    reach = pd.Timedelta(carried).as_unit("us") if carried else 10_000 * pd.Timedelta(1, "D")
    scores = {"mase": 0.8, "naive_mase": 1.0, "coverage80": 0.8, "bias": 0.0, "folds": 4}
    fields: dict[str, Any] = {
        "history": frame,
        "index": pd.date_range(CUTOFF + spacing, periods=values.shape[1], freq=spacing, name="time", unit="us"),
        "cutoff": CUTOFF,
        "step": spacing,
        "units": {metric: "count"},
        "model": pd.Series("fleet", index=columns, dtype=object),
        "levels": LEVELS,
        "skipped": (),
        "provenance": Provenance(),
        "seed": 0,
        "carried": pd.Series(reach, index=columns),
        "scores": pd.DataFrame(scores, index=columns),
        "notes": pd.Series("known", index=columns, dtype=object),
        "law": cast(Law, KnownLaw(values)),
    }
    return Forecast(**{**fields, **changed})


def walks(*, count: int, steps: int, drift: float, deviation: float, seed: int) -> Array:
    """Return random walks from 0, shape (count, steps, 1): drift and deviation are those of one step."""
    rng = np.random.default_rng(seed)
    return np.cumsum(drift + deviation * rng.standard_normal((count, steps, 1)), axis=1)
