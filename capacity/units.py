"""Units: values travel in a base unit; only charts, tables and sentences scale them.

A base is what can be added and compared without a thought: bytes, seconds, a ratio of 0 to 1. A catalogue names the
unit that a query answers in; `to_base` brings it home, `human` and `axis` take it out again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from capacity.errors import UnitError, did_you_mean

__all__ = ["BASES", "Unit", "axis", "human", "to_base", "unit"]

BASES = ("bytes", "bytes_per_second", "bits_per_second", "seconds", "ratio", "per_second", "count")

_KIBI = 1024.0
_BYTES = {
    "bytes": 1.0, "byte": 1.0, "b": 1.0,
    "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15,
    "kib": _KIBI, "mib": _KIBI**2, "gib": _KIBI**3, "tib": _KIBI**4, "pib": _KIBI**5,
}  # fmt: skip
_BYTE_RATES = {
    "bytes_per_second": 1.0, "b/s": 1.0, "kb/s": 1e3, "mb/s": 1e6, "gb/s": 1e9,
    "kib/s": _KIBI, "mib/s": _KIBI**2, "gib/s": _KIBI**3,
}  # fmt: skip
_BIT_RATES = {
    "bits_per_second": 1.0, "bps": 1.0, "bit/s": 1.0,
    "kbps": 1e3, "mbps": 1e6, "gbps": 1e9, "tbps": 1e12,
    "kbit/s": 1e3, "mbit/s": 1e6, "gbit/s": 1e9, "tbit/s": 1e12,
}  # fmt: skip
_SECONDS = {
    "seconds": 1.0, "second": 1.0, "s": 1.0, "milliseconds": 1e-3, "ms": 1e-3, "microseconds": 1e-6, "us": 1e-6,
    "minutes": 60.0, "min": 60.0, "hours": 3600.0, "h": 3600.0, "days": 86400.0, "d": 86400.0,
}  # fmt: skip
_RATIOS = {"ratio": 1.0, "percent": 0.01, "%": 0.01, "permille": 0.001, "ppm": 1e-6}
_RATES = {"per_second": 1.0, "1/s": 1.0, "/s": 1.0, "rps": 1.0, "qps": 1.0, "ops": 1.0, "per_minute": 1 / 60.0}
_COUNTS = {"count": 1.0, "": 1.0, "none": 1.0, "short": 1.0, "cores": 1.0}

_NAMES: dict[str, tuple[str, float]] = {
    name: (base, factor)
    for base, names in zip(BASES, (_BYTES, _BYTE_RATES, _BIT_RATES, _SECONDS, _RATIOS, _RATES, _COUNTS), strict=True)
    for name, factor in names.items()
}

# Where a number becomes easier to read in the next unit: (size in the base unit, its sign), ascending.
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "bytes": ((1, "B"), (_KIBI, "KiB"), (_KIBI**2, "MiB"), (_KIBI**3, "GiB"), (_KIBI**4, "TiB"), (_KIBI**5, "PiB")),
    "bytes_per_second": ((1, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s"), (1e12, "TB/s")),
    "bits_per_second": ((1, "bit/s"), (1e3, "kbit/s"), (1e6, "Mbit/s"), (1e9, "Gbit/s"), (1e12, "Tbit/s")),
    "seconds": ((1e-6, "µs"), (1e-3, "ms"), (1, "s"), (3600, "h"), (86400, "d")),
    "ratio": ((0.01, "%"),),
    "per_second": ((1, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")),
    "count": ((1, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A named unit: ``value × factor`` is the value in ``base``."""

    name: str
    base: str
    factor: float


def unit(name: str) -> Unit:
    """Look a unit up by name, whatever its case.

    Raises
    ------
    UnitError
        The name is not known; the message names the nearest one.
    """
    found = _NAMES.get(name.strip().lower())
    if found is None:
        raise UnitError(
            f"unknown unit {name!r}.{did_you_mean(name.lower(), _NAMES)}",
            hint=f"Known bases: {', '.join(BASES)}; also percent, ms, GiB, mbps and their like.",
        )
    return Unit(name, *found)


def to_base(values: Any, name: str) -> Any:
    """Return ``values`` (a number, an array or a frame in unit ``name``) in that unit's base."""
    factor = unit(name).factor
    return values if factor == 1.0 else values * factor


def axis(base: str, largest: float) -> tuple[float, str]:
    """Return ``(divisor, sign)`` so that values up to ``largest`` read well: ``(2**30, "GiB")``.

    A base that is not known is shown as it is: ``(1.0, base)``.
    """
    scales = _SCALES.get(base)
    if scales is None:
        return 1.0, base
    size = abs(largest) if math.isfinite(largest) else 0.0
    fitting = [scale for scale in scales if scale[0] <= size * (1 + 1e-9)]
    smallest = scales[0] if size else next((scale for scale in scales if scale[0] >= 1), scales[0])
    divisor, sign = fitting[-1] if fitting else smallest
    return float(divisor), sign


def human(value: float, base: str, *, digits: int = 3) -> str:
    """Write ``value`` (in ``base``) for a person: ``"1.5 TiB"``, ``"83 %"``, ``"45 ms"``; NaN is ``"–"``."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    divisor, sign = axis(base, value)
    scaled = value / divisor
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(scaled)))) if scaled else 0
    text = f"{scaled:,.{min(decimals, 6)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{'0' if text in ('-0', '0') else text.replace('-', '−')} {sign}".strip()
