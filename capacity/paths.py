"""The law of a forecast: marginal quantiles, and coherent sample paths that have exactly these marginals.

A path is ``centre + scale × shape(rank)``: ranks come from the copula of the series' kind (`capacity.copula`), in an
order of the series' own; the shape turns a rank into a standardised error. All of a kind share one set of rank
trajectories, so ten thousand series cost a gather each, not a simulation each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from capacity import threads
from capacity.calibration import GRID
from capacity.copula import Copula, latent_ranks
from capacity.links import Link
from capacity.odds import Odds

__all__ = ["Law"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Ranks = npt.NDArray[Any]


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
    odds : tuple of pairs of Odds, one a kind
        How the share of paths that are ever above a limit, or below one, is made a chance; empty: it is the chance.
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
    odds: tuple[tuple[Odds, Odds], ...] = ()

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return int(self.centre.shape[0])

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.centre.shape[1])

    def only(self, where: slice | npt.NDArray[np.intp]) -> Law:
        """Return the law of some of the series: the same quantiles, and the same paths."""
        places = np.arange(self.series)[where]
        return replace(
            self,
            centre=self.centre[:, where],
            scale=self.scale[:, where],
            shape=self.shape[where],
            link=Link(self.link.lower[where], self.link.upper[where]),
            kinds=self.kinds[where],
            keys=tuple(self.keys[place] for place in places),
        )

    def quantile(self, level: float) -> FloatArray:
        """Return the quantile at ``level``, shape (horizon, series), in the data's unit."""
        standard = shape_at(self.shape, np.array([level]))[:, :, 0]
        out = np.ascontiguousarray(standard.T)[self.segment]
        out *= self.scale
        out += self.centre
        return self.link.back(out)

    def blocks(self, paths: int, *, block: int) -> Iterator[tuple[slice, FloatArray]]:
        """Yield ``(columns, paths)`` block by block; each array has shape (paths, horizon, k)."""
        ranks: dict[int, IntArray] = {}
        for start in range(0, self.series, block):
            columns = slice(start, min(start + block, self.series))
            out = np.empty((columns.stop - columns.start, paths, self.horizon))
            for column in range(columns.start, columns.stop):
                kind = int(self.kinds[column])
                if kind not in ranks:
                    ranks[kind] = self.ranks(kind, paths) + (self.segment * paths).astype(np.int32)
                out[column - start] = self._paths_of(column, ranks[kind])
            yield columns, out.transpose(1, 2, 0)

    def chance(self, share: FloatArray, *, paths: int, above: bool = True, block: int = 256) -> FloatArray:
        """Return the chance behind a share of so many paths, both (horizon, series), by the odds of each kind."""
        found = share.copy()

        def move(where: slice) -> None:
            kinds = self.kinds[where]
            for kind in np.unique(kinds):
                own = where.start + np.flatnonzero(kinds == kind)
                found[:, own] = self.odds[kind][0 if above else 1].of(share[:, own], paths=paths)

        if self.odds:
            list(threads.each(move, threads.blocks(self.series, block)))
        return found

    def ranks(self, kind: int, paths: int) -> Ranks:
        """Rank trajectories of a kind, shape (paths, horizon)."""
        return kind_ranks(self.copulas[kind], self.horizon, paths, self.seed % 2**64, kind)

    def _paths_of(self, column: int, flat: Ranks) -> FloatArray:
        """Sample paths of one series, shape (paths, horizon); ``flat`` are places in a flat (segment, rank) table."""
        paths = len(flat)
        table = shape_at(self.shape[column : column + 1], _levels(paths))[0]
        order = np.random.Generator(np.random.Philox(key=[self.seed % 2**64, self._key(column)])).permutation(paths)
        errors = np.take(table.ravel(), flat[order], mode="clip")
        errors *= self.scale[:, column]
        errors += self.centre[:, column]
        return self.link.of(column).back(errors[..., None])[..., 0]

    def reached(
        self, room: Callable[[slice], FloatArray], *, paths: int, above: bool = True, block: int = 256
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Yield ``(columns, share of paths that were past room by each step)``, shares of shape (horizon, k).

        The same shares as counting the paths of `blocks` would give, without drawing them: at every step a path is
        past ``room`` where its rank is at or past the first rank that is, and a kind's ranks are drawn once. NaN where
        ``room`` (of a slice of the series; shape (horizon, k), in the data's unit) is.
        """
        ranks = {int(kind): self.ranks(int(kind), paths) for kind in np.unique(self.kinds)}
        if not above:
            # Below is above upside down: what was the lowest rank is the highest.
            ranks = {kind: paths - 1 - one for kind, one in ranks.items()}
        drawn = {kind: one.astype(np.int16 if paths < 2**15 else np.int32) for kind, one in ranks.items()}
        where = threads.blocks(self.series, block)
        shares = threads.each(lambda one: self._reached(one, room(one), drawn, paths, above), where)
        yield from zip(where, shares, strict=True)

    @staticmethod
    def farthest(paths: int, *, above: bool) -> float:
        """Return the level of the highest (or lowest) of so many paths at every step."""
        return float(_levels(paths)[-1 if above else 0])

    def _reached(
        self, columns: slice, room: FloatArray, ranks: dict[int, Ranks], paths: int, above: bool
    ) -> FloatArray:
        part, out = self._some(columns), np.zeros(room.shape)
        past = np.greater if above else np.less
        some = past(part.quantile(self.farthest(paths, above=above)), room)
        touched = np.flatnonzero(some.any(axis=0))
        if len(touched):
            # Most series of a healthy fleet are not: only of these every path counts.
            part, some, room_of = part._some(touched), some[:, touched], room[:, touched]
            first = part._first_past(room_of, some, paths, above)
            first[past(part.quantile(self.farthest(paths, above=not above)), room_of)] = 0
            for place, kind in enumerate(part.kinds):
                out[:, touched[place]] = _share_past(ranks[int(kind)], first[:, place])
        out[:, np.isnan(room).any(axis=0)] = np.nan
        return out

    def _some(self, columns: slice | npt.NDArray[np.intp]) -> Law:
        """Return the law of some of the series; it draws no paths, having no copulas and keys."""
        link = Link(self.link.lower[columns], self.link.upper[columns])
        centre, scale, shape = self.centre[:, columns], self.scale[:, columns], self.shape[columns]
        return Law(centre, scale, shape, self.segment, link, self.kinds[columns], (), (), self.seed)

    def _first_past(self, room: FloatArray, some: npt.NDArray[np.bool_], paths: int, above: bool) -> IntArray:
        """Return the first rank past ``room`` where ``some`` are, counted from the far side; ``paths`` elsewhere."""
        table = shape_at(self.shape, _levels(paths))
        with np.errstate(divide="ignore", invalid="ignore"):
            standard = (self.link.forward(room) - self.centre) / self.scale
        first = np.full(room.shape, paths, dtype=np.int64)
        for place, one in enumerate(table):
            for segment, quantiles in enumerate(one):
                rows = np.flatnonzero(some[:, place] & (self.segment == segment))
                # Past means beyond, not at: ranks whose quantile is at the room are not past it.
                found = np.searchsorted(quantiles, standard[rows, place], side="right" if above else "left")
                first[rows, place] = found if above else paths - found
        return first

    def _key(self, column: int) -> int:
        return self._keys[column]

    @cached_property
    def _keys(self) -> list[int]:
        return [int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") for key in self.keys]


@lru_cache(maxsize=8)
def kind_ranks(copula: Copula, horizon: int, paths: int, seed: int, kind: int) -> Ranks:
    """Rank trajectories of a kind, shape (paths, horizon); kept, as every question of a forecast asks for the same."""
    generator = np.random.Generator(np.random.Philox(key=[seed, kind]))
    ranks = latent_ranks(copula, horizon=horizon, paths=paths, generator=generator)
    ranks.setflags(write=False)
    return ranks


def _share_past(ranks: Ranks, first: IntArray) -> FloatArray:
    """Return the share of paths, (paths, horizon), that had reached the first rank past at any step until each."""
    paths = len(ranks)
    active = np.flatnonzero(first < paths)
    if not len(active):
        return np.zeros(len(first))
    rows = slice(active[0], active[-1] + 1)
    met = ranks[:, rows] >= first[rows].astype(ranks.dtype)
    step = met.argmax(axis=1)
    step = step[met[np.arange(paths), step]] + active[0]
    return np.asarray(np.bincount(step, minlength=len(first)).cumsum() / paths)


def error_paths(shape: FloatArray, segment: IntArray, ranks: Ranks) -> FloatArray:
    """Return standardised errors along paths, (path, step, series), of shapes (series, segment, level)."""
    table = shape_at(shape, _levels(len(ranks)))
    return np.stack([one[segment[None, :], ranks] for one in table], axis=2)


def _levels(paths: int) -> FloatArray:
    return (np.arange(paths) + 0.5) / paths


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
