"""Links: the scale on which a series is forecast, so that what is bounded stays within its bounds.

A series bounded on both sides is forecast on a softened logit scale: nearly straight in the middle, bent at the ends,
so that an error near a bound is read as an error near a bound. Everything else is forecast as it is. Bounds are
enforced on every value that comes back, whatever the link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Link"]

FloatArray = npt.NDArray[np.float64]

# How far beyond its bounds the logit's own range reaches, as a share of it. 0 would send a sample on the bound to
# infinity; at 0.1 the scale is bent four to one between the bound and the middle.
SOFTNESS = 0.1


@dataclass(frozen=True)
class Link:
    """One link for each series: ``lower`` and ``upper`` have shape (series,), infinite where there is no bound."""

    lower: FloatArray
    upper: FloatArray

    @property
    def bent(self) -> npt.NDArray[np.bool_]:
        """Which series are forecast on the logit scale."""
        return np.isfinite(self.lower) & np.isfinite(self.upper)

    def forward(self, values: FloatArray) -> FloatArray:
        """Take values of shape (…, series) to the forecasting scale."""
        bent = self.bent
        if not bent.any():
            return values
        out = np.array(values, dtype=float)
        width = self.upper[bent] - self.lower[bent]
        share = np.clip((values[..., bent] - self.lower[bent]) / width, 0.0, 1.0)
        soft = (share + SOFTNESS) / (1 + 2 * SOFTNESS)
        out[..., bent] = np.log(soft / (1 - soft))
        return out

    def back(self, values: FloatArray) -> FloatArray:
        """Take values of shape (…, series) back to the data's own scale, within their bounds."""
        bent = self.bent
        if not bent.any():
            held = np.maximum(values, self.lower) if np.isfinite(self.lower).any() else values
            return np.minimum(held, self.upper) if np.isfinite(self.upper).any() else held
        out = np.array(values, dtype=float)
        width = self.upper[bent] - self.lower[bent]
        # Beyond 40 the logistic is 0 or 1 to the last bit.
        soft = 1 / (1 + np.exp(-np.clip(values[..., bent], -40.0, 40.0)))
        out[..., bent] = self.lower[bent] + width * ((1 + 2 * SOFTNESS) * soft - SOFTNESS)
        return np.clip(out, self.lower, self.upper, out=out)

    def of(self, series: int | slice) -> Link:
        """Return the link of some of the series."""
        where = slice(series, series + 1) if isinstance(series, int) else series
        return Link(self.lower[where], self.upper[where])
