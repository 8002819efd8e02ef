"""Writing samples to VictoriaMetrics so that each arrives once.

The server answers 204 even to what it drops, and a line that is sent twice is stored twice. So nothing is sent again
before it has been looked for: verified means read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

from capacity.errors import SourceError, WriteUnverified
from capacity.frames import EPOCH, METRIC, check, series_labels
from connectors.decode import Floats, Key, key_of
from connectors.http import Client

__all__ = ["PATIENCE_S", "Held", "write"]

PATIENCE_S = 15.0
"""How long is waited for samples to become visible; the server shows them within 4 to 11 s."""

LINE_SAMPLES = 10_000
BODY_BYTES = 8 << 20
TOLERANCE = 1e-9
"""Relative to the series' largest value: the server keeps 12 to 15 digits of it."""

_INFINITE = {np.inf: orjson.Fragment(b"1e999"), -np.inf: orjson.Fragment(b"-1e999")}
"""The one way to write an infinity that is a JSON number, and that all versions read."""

Samples = Mapping[Key, tuple[npt.NDArray[np.int64], Floats]]
"""By series: times in ms, and values."""

Held = Callable[[list[Key], int, int], Samples]
"""What the server holds of some series between two times in ms, both included."""


def write(frame: pd.DataFrame, *, client: Client, held: Held, name: str, verify: bool, patience_s: float) -> int:
    """Send a wide frame's samples and return how many; NaN is left out, ±Inf is kept.

    Raises
    ------
    WriteUnverified
        Samples are not there after the time allowed. What was answered with success is not sent again.
    SourceError
        The server does not take them.
    """
    wanted = _by_series(check(frame))
    count = sum(len(stamps) for stamps, _ in wanted.values())
    missing, error = wanted, _sent(client, wanted)
    if not verify or not count:
        if error is not None:
            raise error
        return count
    missing = _awaited(missing, held=held, patience_s=patience_s)
    if missing and error is not None:
        # The first sending broke and time has shown what of it did not arrive: that, and only that, is sent again.
        error = _sent(client, missing)
        missing = _awaited(missing, held=held, patience_s=patience_s)
    if missing:
        raise _unverified(missing, count=count, name=name, error=error)
    return count


def _by_series(frame: pd.DataFrame) -> Samples:
    """Return the samples that a frame holds, with the metric as ``__name__``."""
    stamps = ((pd.DatetimeIndex(frame.index) - EPOCH) // pd.Timedelta(1, unit="ms")).to_numpy(dtype=np.int64)
    values = frame.to_numpy(dtype=float)
    found = {}
    for at, (metric, labels) in enumerate(
        zip(frame.columns.get_level_values(METRIC), series_labels(frame), strict=True)
    ):
        kept = ~np.isnan(values[:, at])
        if kept.any():
            found[key_of({"__name__": metric, **labels})] = (stamps[kept], values[kept, at])
    return found


def _bodies(samples: Samples) -> Iterator[bytes]:
    """Give the samples as JSON lines, in bodies of bounded size."""
    lines: list[bytes] = []
    size = 0
    for key, (stamps, values) in samples.items():
        for at in range(0, len(stamps), LINE_SAMPLES):
            part = slice(at, at + LINE_SAMPLES)
            numbers = [_INFINITE.get(value, value) for value in values[part].tolist()]
            line = orjson.dumps({"metric": dict(key), "values": numbers, "timestamps": stamps[part].tolist()})
            lines.append(line)
            size += len(line)
            if size > BODY_BYTES:
                yield b"\n".join(lines)
                lines, size = [], 0
    if lines:
        yield b"\n".join(lines)


def _sent(client: Client, samples: Samples) -> SourceError | None:
    """Send everything once; an error after which it is open what arrived is returned, any other raised."""
    try:
        for body in _bodies(samples):
            client.hand_in("/api/v1/import", body)
    except SourceError as error:
        if not error.retryable:
            raise
        return error
    return None


def _awaited(samples: Samples, *, held: Held, patience_s: float) -> Samples:
    """Look for samples until all are there or time is up; returns what is missing."""
    until = time.monotonic() + patience_s
    pause = 0.1
    while True:
        with suppress(SourceError):  # a server that is away now may be back in time
            samples = _missing(samples, held)
        if not samples or time.monotonic() + pause > until:
            return samples
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)


def _missing(samples: Samples, held: Held) -> Samples:
    """Return the samples that the server does not hold."""
    if not samples:
        return samples
    first = min(int(stamps.min()) for stamps, _ in samples.values())
    last = max(int(stamps.max()) for stamps, _ in samples.values())
    there = held(list(samples), first, last)
    missing = {}
    for key, (stamps, values) in samples.items():
        lacking = ~_found(stamps, values, *there[key]) if key in there else np.ones(len(stamps), dtype=bool)
        if lacking.any():
            missing[key] = (stamps[lacking], values[lacking])
    return missing


def _found(
    stamps: npt.NDArray[np.int64], values: Floats, there_at: npt.NDArray[np.int64], there: Floats
) -> npt.NDArray[np.bool_]:
    """Say of each sample whether one at its time and with its value is held; at one time there may be several."""
    finite = np.abs(values[np.isfinite(values)])
    near = TOLERANCE * float(finite.max()) if len(finite) else 0.0
    wanted = pd.DataFrame({"at": stamps, "value": values, "number": np.arange(len(stamps))})
    pairs = wanted.merge(pd.DataFrame({"at": there_at, "held": there}), on="at")
    with np.errstate(invalid="ignore"):
        same = (pairs["value"] == pairs["held"]) | ((pairs["value"] - pairs["held"]).abs() <= near)
    return np.isin(wanted["number"].to_numpy(), pairs.loc[same, "number"].to_numpy())


def _unverified(missing: Samples, *, count: int, name: str, error: SourceError | None) -> WriteUnverified:
    """Return the error that says how much is missing, and of which series."""
    lacking = sum(len(stamps) for stamps, _ in missing.values())
    key = dict(next(iter(missing)))
    metric = key.pop("__name__", "")
    why = f" ({error.message})" if error is not None else ""
    return WriteUnverified(
        f"{lacking} of {count} samples, in {len(missing)} series such as {metric}{key}, cannot be read back "
        f"from {name}{why}.",
        source=name,
        hint="Look into the server's log before sending them again: what arrives twice is stored twice.",
    )
