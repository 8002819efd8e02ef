"""Fleets with a known chance: the same by seed, gone on with from where they are, within their bounds."""

from __future__ import annotations

import numpy as np
import pytest

from capacity.errors import ParameterError
from capacity.simulate.known import KINDS, known

SMALL = {"series": 6, "days": 14, "ahead_days": 2, "futures": 40}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fleet_is_the_same_by_seed(kind: str) -> None:
    """Drawn twice it is one fleet, to the bit; another seed is another one; so many futures leave the past alone."""
    one, again, other = (known(kind, seed=seed, **SMALL) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.futures, again.futures)
    assert not np.isclose(one.history, other.history).all(axis=0).any()
    fewer = known(kind, seed=0, **{**SMALL, "futures": 3})
    np.testing.assert_array_equal(one.history, fewer.history)
    assert one.history.shape == (14 * 24, 6)
    assert one.futures.shape == (40, 48, 6)


@pytest.mark.parametrize("kind", ["disk", "traffic", "processor"])
def test_futures_go_on_from_where_the_history_ends(kind: str) -> None:
    """At midnight, where the season stands still, the first hours differ from the last one as hours in history do."""
    fleet = known(kind, **SMALL)
    apart = np.abs(fleet.futures[:, 0] - fleet.history[-1]).mean(axis=0)
    usual = np.abs(np.diff(fleet.history, axis=0)).max(axis=0)
    assert (apart < usual).all()


def test_futures_part_as_time_goes_on() -> None:
    """A disk whose pace varies: two days on its futures lie wider apart than an hour on."""
    fleet = known("disk", **SMALL)
    first, last = fleet.futures[:, 0].std(axis=0), fleet.futures[:, -1].std(axis=0)
    assert (last > 1.5 * first).all()


def test_each_kind_keeps_within_its_bounds() -> None:
    """A queue and a disk are never negative, a processor lies within 0 and 100 %, and each of them moves."""
    for kind in KINDS:
        fleet = known(kind, **SMALL)
        assert fleet.futures.min() >= 0
        assert (fleet.futures.std(axis=1) > 0).all()
    busy = known("processor", **SMALL)
    assert max(busy.history.max(), busy.futures.max()) < 100


def test_a_kind_that_there_is_not() -> None:
    """It is refused, with what was meant."""
    with pytest.raises(ParameterError, match="Did you mean 'disk'"):
        known("dsik")
