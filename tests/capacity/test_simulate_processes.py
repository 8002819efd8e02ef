"""Processes: what each part of them does, worked out by hand, and that a draw does not depend on how it is read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.simulate.clock import BLOCK_MINUTES, Timeline, busy, local_clock, timeline
from capacity.simulate.noise import ar1, generator, spread
from capacity.simulate.processes import Drawn, Incident, Process, Step, bend

AS_OF = pd.Timestamp("2026-11-01T00:00Z")
AXIS = timeline(AS_OF, history_days=40, later_days=20)
QUIET = Process(level=100.0, noise=0.0, jitter=0.0, moods=0.0)


def drawn(process: Process, *, axis: Timeline = AXIS, seed: int = 0, zone: str = "UTC") -> Drawn:
    return Drawn(process, axis, zone, seed, ("metric", "node"))


def at(process: Process, day: float) -> float:
    """Return the value ``day`` days after `AS_OF`."""
    minute = AXIS.shown + round(day * 1440) - 1
    return float(drawn(process).minutes(minute // BLOCK_MINUTES)[minute % BLOCK_MINUTES])


def with_parts(**parts: object) -> Process:
    return Process(**{**vars_of(QUIET), **parts})  # type: ignore[arg-type]


def vars_of(process: Process) -> dict[str, object]:
    return {name: getattr(process, name) for name in process.__dataclass_fields__}


def test_level_is_the_value_at_as_of() -> None:
    """A process with nothing in it stays at its level."""
    assert at(QUIET, -39) == at(QUIET, 0) == at(QUIET, 19) == 100.0


def test_growth_is_a_share_of_the_level_each_30_days() -> None:
    """30 % in 30 days: 70 a month before `as_of`, 110 ten days after it."""
    grows = with_parts(growth=0.3)
    assert at(grows, -30) == pytest.approx(70.0)
    assert at(grows, 10) == pytest.approx(110.0)


def test_growth_begins_when_it_is_said_to() -> None:
    """A leak of 30 % in 30 days since the tenth day before: flat at 90, then 100 at `as_of`."""
    leaks = with_parts(growth=0.3, since=-10.0)
    assert at(leaks, -35) == pytest.approx(90.0)
    assert at(leaks, -10) == pytest.approx(90.0)
    assert at(leaks, -5) == pytest.approx(95.0)


def test_a_step_stays() -> None:
    """A step of half the level ten days ago: 50 before it, 100 after, and on."""
    steps = with_parts(steps=(Step(day=-10.0, size=0.5, hours=6.0),))
    assert at(steps, -11) == pytest.approx(50.0)
    assert at(steps, -10 + 3 / 24) == pytest.approx(75.0)
    assert at(steps, -9) == at(steps, 15) == pytest.approx(100.0)


def test_a_step_to_come_is_on_top_of_the_level() -> None:
    """A step that is still to come leaves the level at `as_of` alone."""
    steps = with_parts(steps=(Step(day=5.0, size=0.5),))
    assert at(steps, 4) == pytest.approx(100.0)
    assert at(steps, 6) == pytest.approx(150.0)


def test_an_incident_passes() -> None:
    """For three hours the value is half of what it would have been, and then it is as before."""
    struck = with_parts(incidents=(Incident(day=-2.0, hours=3.0, factor=0.5),))
    assert at(struck, -2 + 1.5 / 24) == pytest.approx(50.0)
    assert at(struck, -2 + 4 / 24) == at(struck, -3) == pytest.approx(100.0)


def test_a_hard_ceiling_cuts_and_a_soft_one_bends() -> None:
    """Neither is ever passed; the soft one takes something off below it, and next to nothing far below."""
    assert at(with_parts(ceiling=80.0), 0) == 80.0
    assert bend(np.array([50.0]), 100.0)[0] == pytest.approx(50.0, rel=1e-4)
    near = bend(np.array([90.0, 100.0, 1e6]), 100.0)
    assert near[0] < 90.0
    assert near[1] == pytest.approx(100.0 / 2 ** (1 / 12))
    assert near[2] <= 100.0


def test_values_are_counted_in_quanta() -> None:
    """A process counted in sevens has whole multiples of seven."""
    values = drawn(with_parts(growth=0.3, quantum=7.0)).minutes(0)
    assert np.allclose(values % 7.0, 0.0)


def test_the_busiest_hour_is_half_past_two_by_the_local_clock() -> None:
    """Winter time or summer time: the peak stays at 14:30 in New York, which is not one hour of UTC."""
    zone = "America/New_York"
    shape = busy(AXIS, zone)
    hour, weekday, day = local_clock(AXIS, zone)
    for one in np.unique(day)[1:-1]:
        inside = np.flatnonzero((day == one) & (weekday < 5))
        if inside.size:
            assert hour[inside[np.argmax(shape[inside])]] == pytest.approx(14.5, abs=0.5)


def test_a_weekend_is_quieter_than_a_weekday() -> None:
    """On Saturday a third of the busy hours is left, on Sunday less."""
    shape = busy(AXIS, "UTC")
    _, weekday, _ = local_clock(AXIS, "UTC")
    assert shape[weekday == 0].max() == 1.0
    assert shape[weekday == 5].max() == pytest.approx(0.35)
    assert shape[weekday == 6].max() < 0.35


def test_the_season_adds_its_share_at_the_busiest_hour() -> None:
    """A season of 1.5 makes the busiest hour two and a half times the small hours' level."""
    values = np.concatenate([drawn(with_parts(season=1.5)).minutes(block) for block in range(4)])
    assert values.max() == pytest.approx(250.0)
    assert values.min() == pytest.approx(100.0, rel=0.05)


def test_a_share_follows_its_region() -> None:
    """Of a region that grows, a node with a quarter has a quarter."""
    region = drawn(with_parts(growth=0.3))
    node = Drawn(with_parts(level=0.25), AXIS, "UTC", 0, ("metric", "node", "a"), region)
    assert np.allclose(node.minutes(0), region.minutes(0) / 4)


NOISY = Process(level=50.0, growth=0.2, drift=0.5, wander=0.1, season=1.0, noise=0.1, jitter=0.1)


def test_a_block_is_the_same_however_it_is_read() -> None:
    """Blocks read backwards, alone, or twice, are those that were read in order."""
    whole = [drawn(NOISY).minutes(block) for block in range(6)]
    again = drawn(NOISY)
    for block in (5, 0, 3, 3):
        np.testing.assert_array_equal(again.minutes(block), whole[block])


def test_history_does_not_depend_on_what_is_drawn_after_it() -> None:
    """A longer continuation changes no sample of the history, nor of the shorter continuation."""
    longer = timeline(AS_OF, history_days=40, later_days=80)
    for block in range(6):
        np.testing.assert_array_equal(drawn(NOISY).minutes(block), drawn(NOISY, axis=longer).minutes(block))


def test_a_seed_is_a_draw_of_its_own() -> None:
    """The same seed draws the same, another seed another."""
    np.testing.assert_array_equal(drawn(NOISY, seed=3).minutes(2), drawn(NOISY, seed=3).minutes(2))
    assert not np.allclose(drawn(NOISY, seed=3).minutes(2), drawn(NOISY, seed=4).minutes(2))
    assert 2.0 < spread(0, "a", low=2.0, high=3.0) < 3.0
    assert spread(0, "a", low=2.0, high=3.0) != spread(1, "a", low=2.0, high=3.0)


def test_blocks_do_not_meet_with_a_jump() -> None:
    """Where two blocks meet, a smooth process goes on smoothly: by what ten minutes' growth is, over ten."""
    process = drawn(with_parts(growth=0.3))
    seam = process.minutes(1)[0] - process.minutes(0)[-1]
    assert seam == pytest.approx(100 * 0.3 / 30 / 1440)


def test_noise_has_unit_variance_and_the_memory_that_it_is_given() -> None:
    """200,000 values: variance 1, correlation 1/e after the memory; the first value like all others."""
    noise = ar1(generator(0, "test").standard_normal(200_000), memory=20.0)
    assert noise.std() == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(noise[:-20], noise[20:])[0, 1] == pytest.approx(np.exp(-1), abs=0.03)
    first = [ar1(generator(seed, "first").standard_normal(5), memory=20.0)[0] for seed in range(2000)]
    assert np.std(first) == pytest.approx(1.0, abs=0.06)


def test_no_memory_is_white_noise() -> None:
    """Without a memory the shocks are left as they are."""
    shocks = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(ar1(shocks, memory=0.0), shocks)
