"""The law of a forecast: marginals that paths have exactly, and coherence along the horizon."""

from __future__ import annotations

from math import erf, exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.calibration import GRID
from capacity.copula import WHITE, Copula, Process, fit_copula, latent_ranks
from capacity.grids import Seasons
from capacity.links import Link
from capacity.paths import Law, shape_at

# Quantiles of the standard normal at the lower half of GRID, from its table.
NORMAL = np.array([-2.326, -1.960, -1.645, -1.282, -1.036, -0.842, -0.674, -0.524, -0.385, -0.253, -0.126, 0.0])
NORMAL = np.concatenate([NORMAL, -NORMAL[-2::-1]])
BROWNIAN = Copula((Process("wander", 0.5),), (1.0,))


def law(
    centre: np.ndarray, scale: np.ndarray, copula: Copula = BROWNIAN, link: Link | None = None, seed: int = 0
) -> Law:
    series = centre.shape[1]
    return Law(
        centre=centre,
        scale=scale,
        shape=np.tile(NORMAL, (series, 1, 1)),
        segment=np.zeros(len(centre), dtype=np.int64),
        link=link or Link(np.full(series, -np.inf), np.full(series, np.inf)),
        kinds=np.zeros(series, dtype=np.int64),
        copulas=(copula,),
        keys=tuple(f"series {place}" for place in range(series)),
        seed=seed,
    )


def walk(horizon: int, series: int = 1, drift: float = 0.0) -> Law:
    ahead = np.arange(1, horizon + 1)[:, None] * np.ones(series)
    return law(drift * ahead, np.sqrt(ahead))


def all_paths(made: Law, n: int, block: int = 64) -> np.ndarray:
    return np.concatenate([values for _, values in made.blocks(n, block=block)], axis=2)


def passage(distance: float, drift: float, time: float) -> float:
    """P(T ≤ t) of Brownian motion with a deviation of 1 a step, corrected for a grid of spacing 1."""
    a = distance + 0.583
    below = [(drift * time - a) / sqrt(time), -(a + drift * time) / sqrt(time)]
    phi = [0.5 * (1 + erf(x / sqrt(2))) for x in below]
    return phi[0] + exp(2 * drift * a) * phi[1]


@pytest.mark.parametrize("drift", [0.0, 0.05, -0.03])
def test_first_passage_of_brownian_paths_is_that_of_the_formula(drift: float) -> None:
    """The share of paths that ever met a level is the inverse-Gaussian law's; the marginal share is half of it."""
    paths = all_paths(walk(200, drift=drift), 20_000)[:, :, 0]
    for level in (10.0, 20.0):
        touched = (paths >= level).any(axis=1).mean()
        assert touched == pytest.approx(passage(level, drift, 200), abs=0.015)
    if drift == 0:
        assert (paths >= 10).any(axis=1).mean() == pytest.approx(2 * (paths[:, -1] >= 10.583).mean(), abs=0.02)


def test_the_block_does_not_change_a_number() -> None:
    """Any block size gives the same bytes."""
    made = walk(30, series=7)
    assert all_paths(made, 50, block=1).tobytes() == all_paths(made, 50, block=3).tobytes()
    assert all_paths(made, 50, block=1).tobytes() == all_paths(made, 50, block=100).tobytes()


def test_the_law_of_some_series_draws_their_paths() -> None:
    """Two of seven, in any order and twice over: the same paths as among all."""
    made = walk(30, series=7)
    some = made.only(np.array([5, 2, 5]))
    assert np.array_equal(all_paths(some, 50), all_paths(made, 50)[:, :, [5, 2, 5]])


def test_series_have_paths_of_their_own() -> None:
    """Two series of a kind are not moved by the same path: they are as good as uncorrelated."""
    paths = all_paths(walk(30, series=2), 2000)[:, -1]
    assert abs(np.corrcoef(paths.T)[0, 1]) < 0.08


def test_a_series_draws_by_its_name_not_by_its_place() -> None:
    """Without its neighbour a series has the same paths."""
    both, alone = walk(20, series=2), walk(20, series=1)
    assert np.array_equal(all_paths(both, 40)[:, :, 0], all_paths(alone, 40)[:, :, 0])


def test_paths_have_the_marginals_of_the_quantiles() -> None:
    """At every step the share of paths below the 0.9 quantile is 0.9, up to one path."""
    made = walk(100)
    below = (all_paths(made, 1000)[:, :, 0] <= made.quantile(0.9)[:, 0]).mean(axis=0)
    assert np.abs(below - 0.9).max() <= 0.0011


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=6))
def test_quantiles_never_cross(levels: list[float]) -> None:
    """A higher level is never a lower value, in the tails too."""
    values = shape_at(NORMAL, np.sort(np.array(levels)))
    assert (np.diff(values) >= -1e-12).all()


def test_stored_levels_are_read_as_they_are_and_tails_go_on() -> None:
    """At the stored levels the stored quantiles; past them an exponential tail through 0.01 and 0.05."""
    assert shape_at(NORMAL, GRID) == pytest.approx(NORMAL)
    step = (NORMAL[2] - NORMAL[0]) / np.log(5)
    assert shape_at(NORMAL, np.array([0.001]))[0] == pytest.approx(NORMAL[0] + step * np.log(0.1))
    assert shape_at(NORMAL, np.array([0.999]))[0] == pytest.approx(-NORMAL[0] - step * np.log(0.1))


@given(st.floats(0, 1))
def test_a_link_and_back_is_where_one_was(share: float) -> None:
    """Within the bounds the link is undone to rounding."""
    link = Link(np.array([-3.0]), np.array([5.0]))
    value = np.array([[-3 + 8 * share]])
    assert link.back(link.forward(value)) == pytest.approx(value, abs=1e-9)


def test_bounds_hold_however_wide_the_law() -> None:
    """A two-sided and a one-sided bound both hold on every path, however wide the law."""
    link = Link(np.array([0.0, 0.0]), np.array([1.0, np.inf]))
    paths = all_paths(law(np.zeros((20, 2)), np.full((20, 2), 1e3), link=link), 200)
    assert paths.min() >= 0
    assert paths[:, :, 0].max() <= 1


def test_ranks_are_permutations() -> None:
    """At every step each rank occurs once."""
    ranks = latent_ranks(BROWNIAN, horizon=5, paths=40, generator=np.random.default_rng(0))
    assert (np.sort(ranks, axis=0) == np.arange(40)[:, None]).all()


@pytest.mark.parametrize(
    ("process", "lag", "expected"),
    [
        (Process("decay", 0.9), 3, 0.729),
        (Process("wander", 0.5), 50, sqrt(50 / 100)),
        (Process("echo", 0.8, 24), 48, 0.64),
        (Process("echo", 0.8, 24), 11, 0.0),
        # An hour beside the echo, where hours hang together by 0.6; the other side of the day is far.
        (Process("echo", 0.8, 24, 0.6), 25, 0.8 * 0.6 + 0.8**2 * 0.6**23),
    ],
)
def test_processes_have_the_correlation_they_claim(process: Process, lag: int, expected: float) -> None:
    """What a process runs is what its correlation says, and it has unit variance."""
    run = process.run(np.random.default_rng(1).standard_normal((100, 20_000)))
    # Step 100 ahead against the one ``lag`` before it.
    assert np.corrcoef(run[99], run[99 - lag])[0, 1] == pytest.approx(expected, abs=0.02)
    assert process.correlation(np.array([100.0 - lag]), np.array([100.0]))[0] == pytest.approx(expected)
    assert run[99].std() == pytest.approx(1.0, abs=0.02)


def test_the_copula_is_found_again() -> None:
    """Trajectories of slow decay and white noise, half each: the fit says half of the variance is white."""
    random = np.random.default_rng(2)
    slow = Process("decay", float(np.exp(-1 / 72))).run(random.standard_normal((300, 400)))
    mixed = (slow + random.standard_normal((300, 400))) / sqrt(2)
    fitted = fit_copula(mixed.T[:, :, None], seasons=Seasons(3600, 24, 168))
    white = sum(w for p, w in zip(fitted.processes, fitted.weights, strict=True) if p.keep == 0)
    assert white == pytest.approx(0.5, abs=0.1)
    assert sum(fitted.weights) == pytest.approx(1.0)


@pytest.mark.parametrize("unrest", [0.0, 0.6])
def test_the_unrest_of_trajectories_is_found_again(unrest: float) -> None:
    """White noise times a factor of each trajectory's own: the fit finds how unlike they are, and no other unrest."""
    random = np.random.default_rng(3)
    wild = np.exp(unrest * random.standard_normal(500)) * random.standard_normal((60, 500))
    found = fit_copula((wild / wild.std()).T[:, :, None], seasons=Seasons(3600, 24, 168)).unrest
    assert found == pytest.approx(unrest, abs=0.12)


def test_unrest_gathers_the_high_points_in_few_paths() -> None:
    """Every step keeps its share of high ranks, and fewer paths have any of them."""
    still, wild = (
        latent_ranks(Copula((WHITE,), (1.0,), unrest), horizon=200, paths=400, generator=np.random.default_rng(0))
        >= 396
        for unrest in (0.0, 1.0)
    )
    assert (still.mean(axis=0) == wild.mean(axis=0)).all()
    assert wild.any(axis=1).mean() < 0.6 < 0.8 < still.any(axis=1).mean()


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("level", [-3.0, 0.0, 4.0, 1e9])
def test_counting_ranks_is_counting_paths(level: float, above: bool) -> None:
    """The share of paths past a level by each step is the same, whether paths are drawn or not."""
    bounded = Link(np.full(3, 0.0), np.full(3, np.inf))
    centre = np.tile([[-1.0, 0.5, 2.0]], (50, 1))
    for link in (None, bounded):
        made = law(centre, np.ones((50, 3)), link=link)
        drawn = all_paths(made, 200)
        met = np.maximum.accumulate(drawn > level if above else drawn < level, axis=1).mean(axis=0)
        (_, share), *_ = made.reached(lambda where: np.full((50, where.stop), level), paths=200, above=above)
        assert share == pytest.approx(met)


def test_a_certain_forecast_at_its_limit_is_not_past_it() -> None:
    """Without noise and at 42, a limit of 42 is never passed and one of 41 at once."""
    made = law(np.full((5, 1), 42.0), np.zeros((5, 1)))
    for level, share in ((42.0, 0.0), (41.0, 1.0)):
        (_, found), *_ = made.reached(lambda where, room=level: np.full((5, where.stop), room), paths=50)
        assert (found == share).all()
