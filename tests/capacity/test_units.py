"""Units come home to a base, and go out for a person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import units
from capacity.errors import UnitError


@pytest.mark.parametrize(
    ("value", "name", "base"),
    [(85.0, "percent", 0.85), (2.0, "GiB", 2 * 1024**3), (10.0, "mbps", 10e6), (50.0, "ms", 0.05), (3.0, "count", 3.0)],
)
def test_named_units_come_home_to_their_base(value: float, name: str, base: float) -> None:
    """A percentage becomes a ratio, gibibytes bytes, megabits bits, milliseconds seconds."""
    assert units.to_base(value, name) == pytest.approx(base)


def test_an_unknown_unit_names_the_nearest() -> None:
    """A slip of the pen is answered with the unit that was meant."""
    with pytest.raises(UnitError, match=r"'precent'.*Did you mean 'percent'"):
        units.unit("precent")


@pytest.mark.parametrize(
    ("value", "base", "text"),
    [
        (1.5 * 1024**4, "bytes", "1.5 TiB"),
        (0.834, "ratio", "83.4 %"),
        (0.045, "seconds", "45 ms"),
        (1.25e9, "bits_per_second", "1.25 Gbit/s"),
        (-2048.0, "bytes", "−2 KiB"),
        (0.0, "bytes", "0 B"),
        (0.0, "seconds", "0 s"),
        (9.9e-7, "seconds", "0.99 µs"),
        (1000.0, "bytes", "1,000 B"),
        (float("nan"), "bytes", "–"),
        (float("inf"), "ratio", "∞"),
        (7.0, "count", "7"),
    ],
)
def test_a_person_reads_three_digits_and_a_sign(value: float, base: str, text: str) -> None:
    """Numbers are written with the prefix that keeps them short; what is missing is a dash, never a zero."""
    assert units.human(value, base) == text


@given(st.sampled_from(sorted(units._NAMES)), st.floats(-1e12, 1e12))
def test_every_unit_makes_the_round_trip(name: str, value: float) -> None:
    """Into the base and back is where one began."""
    factor = units.unit(name).factor
    assert units.to_base(value, name) / factor == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_arrays_are_scaled_whole() -> None:
    """An array keeps its missing values and its shape."""
    got = units.to_base(np.array([[50.0, np.nan]]), "percent")
    np.testing.assert_allclose(got, [[0.5, np.nan]])


def test_an_axis_takes_the_sign_of_its_largest_value() -> None:
    """An axis up to 3 GiB is divided by 2^30; an unknown base is shown as it stands."""
    assert units.axis("bytes", 3 * 1024**3) == (1024.0**3, "GiB")
    assert units.axis("ratio", 0.4) == (0.01, "%")
    assert units.axis("widgets", 5) == (1.0, "widgets")
