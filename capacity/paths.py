"""The law of a forecast: marginal quantiles, and coherent sample paths that have exactly these marginals.

A path is ``centre + scale × shape(rank)``: ranks come from the copula of the series' kind (`capacity.copula`), in an
order of the series' own; the shape turns a rank into a standardised error. All of a kind share one set of rank
trajectories, so ten thousand series cost a gather each, not a simulation each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from capacity.calibration import GRID
from capacity.copula import Copula, latent_ranks
from capacity.links import Link

__all__ = ["Law"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Law:
    """The distribution of a fleet's future.

    Attributes
    ----------
    centre, scale : ndarray, shape (horizon, series), on the link's scale
    shape : ndarray, shape (series, segment, level)
    segment : ndarray of int, shape (horizon,)
    link : Link
    kinds : ndarray of int, shape (series,)
    copulas : tuple of Copula, one a kind
    keys : tuple of str, one a series
        Names from which, with ``seed``, each series draws; so a series' paths do not depend on its neighbours.
    seed : int
    """

    centre: FloatArray
    scale: FloatArray
    shape: FloatArray
    segment: IntArray
    link: Link
    kinds: IntArray
    copulas: tuple[Copula, ...]
    keys: tuple[str, ...]
    seed: int

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return int(self.centre.shape[0])

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.centre.shape[1])

    def quantile(self, level: float) -> FloatArray:
        """Return the quantile at ``level``, shape (horizon, series), in the data's unit."""
        standard = shape_at(self.shape, np.array([level]))[:, :, 0]
        return self.link.back(self.centre + self.scale * standard[:, self.segment].T)

    def blocks(self, paths: int, *, block: int) -> Iterator[tuple[slice, FloatArray]]:
        """Yield ``(columns, paths)`` block by block; each array has shape (paths, horizon, k)."""
        ranks: dict[int, IntArray] = {}
        for start in range(0, self.series, block):
            columns = slice(start, min(start + block, self.series))
            out = np.empty((columns.stop - columns.start, paths, self.horizon))
            for column in range(columns.start, columns.stop):
                kind = int(self.kinds[column])
                if kind not in ranks:
                    ranks[kind] = self._ranks(kind, paths)
                out[column - start] = self._paths_of(column, ranks[kind])
            yield columns, out.transpose(1, 2, 0)

    def _ranks(self, kind: int, paths: int) -> IntArray:
        """Rank trajectories of a kind, ready to index a flattened (segment, rank) table."""
        generator = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, kind]))
        ranks = latent_ranks(self.copulas[kind], horizon=self.horizon, paths=paths, generator=generator)
        return ranks + self.segment[None, :] * paths

    def _paths_of(self, column: int, flat: IntArray) -> FloatArray:
        """Sample paths of one series, shape (paths, horizon)."""
        paths = len(flat)
        levels = (np.arange(paths) + 0.5) / paths
        table = shape_at(self.shape[column : column + 1], levels)[0]
        order = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, self._key(column)])).permutation(paths)
        errors = table.ravel()[flat[order]]
        values = self.centre[:, column] + self.scale[:, column] * errors
        return self.link.of(column).back(values[..., None])[..., 0]

    def _key(self, column: int) -> int:
        return self._keys[column]

    @cached_property
    def _keys(self) -> list[int]:
        return [int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") for key in self.keys]


def shape_at(shape: FloatArray, levels: FloatArray) -> FloatArray:
    """Read quantiles off stored ones at `GRID`: straight between, exponential beyond; (…, grid) → (…, level).

    The tail's scale is that of the outermost stored stretch: an exponential tail passes through both its ends.
    """
    inside = np.clip(levels, GRID[0], GRID[-1])
    right = np.clip(np.searchsorted(GRID, inside, side="left"), 1, len(GRID) - 1)
    share = (inside - GRID[right - 1]) / (GRID[right] - GRID[right - 1])
    out = np.asarray((1 - share) * shape[..., right - 1] + share * shape[..., right])
    ratio = np.log(GRID[2] / GRID[0])
    low = np.log(np.minimum(levels / GRID[0], 1.0)) / ratio
    high = np.log(np.minimum((1 - levels) / GRID[0], 1.0)) / ratio
    out += low * (shape[..., 2:3] - shape[..., 0:1])
    out -= high * (shape[..., -1:] - shape[..., -3:-2])
    return out
