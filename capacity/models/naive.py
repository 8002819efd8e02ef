"""Seasonal naive: what was measured one season ago. The model that every other one has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.models.base import Answer, FloatArray, Problem, filled

__all__ = ["SeasonalNaive", "repeat_season"]


def repeat_season(filled_values: FloatArray, *, lag: int, horizon: int) -> FloatArray:
    """Repeat the last ``lag`` rows over the horizon; shape (horizon, series)."""
    last = filled_values[-lag:] if len(filled_values) >= lag else filled_values[-1:]
    return last[np.arange(horizon) % len(last)]


class SeasonalNaive:
    """Repeats the last week; the last day where the history has no two weeks; the last value where no two days."""

    name = "naive"
    batched = True

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff; a gap is filled from the season before it."""
        lag = problem.seasons.lag
        answers = [
            repeat_season(filled(problem.values[:cutoff], lag=lag), lag=lag, horizon=problem.horizon)
            for cutoff in cutoffs
        ]
        season = {problem.seasons.week: "the last week", problem.seasons.day: "the last day"}
        note = f"{season.get(lag, 'the last value')} repeated"
        return Answer(np.stack(answers), (note,) * problem.series)
