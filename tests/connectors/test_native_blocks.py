"""The decoder of the native stream, against an encoder that works one value at a time."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import ResultTruncated, SourceError, Unsupported
from connectors import native_fast
from connectors.decode import STALE as STALE_NAN
from connectors.native import MANY_ROWS, decode
from connectors.native_varint import Summed, summed, unsigned, zigzag
from tests.support import native_stream as wire
from tests.support.native_stream import Block

HOUR_MS = 3_600_000
CPU = {"__name__": "cpu", "node": "a"}

integers = st.one_of(
    st.integers(-200, 200),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([wire.STALE, wire.PLUS, wire.MINUS, wire.STALE - 1, wire.MINUS + 1]),
)
changing_kinds = st.sampled_from([wire.SECOND, wire.FIRST, wire.PLAIN_SECOND, wire.PLAIN_FIRST])


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Draw a block of any kind: times that ascend (some twice), any integers; constants and constant steps as such."""
    rows = draw(st.integers(1, 40))
    begin = draw(st.integers(0, 100)) * 1000
    times = begin + np.cumsum(draw(st.lists(st.integers(0, 3000), min_size=rows, max_size=rows)))
    values = draw(st.lists(integers, min_size=rows, max_size=rows))
    time_kind, value_kind = draw(changing_kinds), draw(changing_kinds)
    shape = draw(st.sampled_from(["any", "constant", "constant step"]))
    if shape == "constant":
        values, value_kind = values[:1] * rows, wire.CONSTANT
    elif shape == "constant step" and rows > 1:
        step = draw(integers)
        values = [wire.wrapped(values[0] + i * step) for i in range(rows)]
        times, time_kind, value_kind = begin + 500 * np.arange(rows), wire.CONSTANT_STEP, wire.CONSTANT_STEP
    scale = draw(st.integers(-20, 20))
    return Block([int(time) for time in times], values, scale, time_kind, value_kind)


def number(integer: int, scale: int) -> float:
    """Return a value as the server computes it; powers of ten up to 22 are exact, so the last bit is known."""
    special = {wire.PLUS: math.inf, wire.MINUS: -math.inf, wire.STALE: STALE_NAN}
    if integer in special:
        return special[integer]
    return float(integer) / 10.0**-scale if scale < 0 else float(integer) * 10.0**scale


def wanted(parts: Iterable[Block], *, stale: bool, first: int = 0, last: int = 2**45) -> dict[int, float]:
    """Work out the samples of a series the slow way: of one instant the biggest, a number before a marker."""
    found: dict[int, float] = {}
    for part in parts:
        for time, integer in zip(part.times, part.integers, strict=True):
            value = number(integer, part.scale)
            before = found.get(time, math.nan)
            if first <= time <= last and (math.isnan(before) or value > before):
                found[time] = value
    return {time: found[time] for time in sorted(found) if stale or not math.isnan(found[time])}


def bits(values: Iterable[float]) -> list[int]:
    return np.array(list(values), dtype=float).view(np.int64).tolist()


def pieces(body: bytes, size: int) -> Iterable[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@given(st.lists(blocks(), min_size=1, max_size=4), st.booleans(), st.booleans(), st.integers(1, 500))
def test_any_block_is_read_bit_for_bit(parts: Sequence[Block], new: bool, stale: bool, size: int) -> None:
    """Every kind, both layouts, wrap-around, infinities, markers, blocks that overlap, pieces of any size."""
    body = wire.stream([(CPU, part) for part in parts], new=new)
    expected = wanted(parts, stale=stale)
    found = decode(pieces(body, size), stale=stale)
    assert len(found) == bool(expected)
    for key, times, values in found:
        assert key == (("__name__", "cpu"), ("node", "a"))
        assert times.tolist() == list(expected)
        assert bits(values) == bits(expected.values())


@given(st.lists(blocks(), min_size=1, max_size=3), st.integers(0, 200_000), st.integers(0, 200_000))
def test_rows_outside_of_the_window_are_left_out(parts: Sequence[Block], one: int, other: int) -> None:
    """Blocks come whole: what lies before or after the window in the stream's head is dropped."""
    first, last = min(one, other), max(one, other)
    body = wire.stream([(CPU, part) for part in parts], first=first, last=last)
    expected = wanted(parts, stale=False, first=first, last=last)
    found = decode([body])
    assert [time for _, times, _ in found for time in times] == list(expected)
    assert bits(value for _, _, values in found for value in values) == bits(expected.values())


@given(st.lists(blocks(), min_size=1, max_size=3), st.booleans(), st.data())
def test_a_stream_that_is_cut_is_an_error(parts: Sequence[Block], new: bool, data: st.DataObject) -> None:
    """Wherever it is cut, except behind a block, which only the framing around it can tell."""
    whole = wire.stream([(CPU, part) for part in parts], new=new)
    borders, at = [16], 16
    for part in parts:
        at += len(wire.framed(wire.name(CPU))) + len(wire.framed(wire.block(part, new=new)))
        borders.append(at)
    cut = data.draw(st.integers(0, len(whole) - 1).filter(lambda at: at not in borders))
    with pytest.raises(ResultTruncated, match="ended its export"):
        decode([whole[:cut]])


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("end", ["last", "first"])
def test_lengths_must_use_a_block_up(new: bool, change: int, end: str) -> None:
    """A byte more or less in a block is a layout that is not known: never samples."""
    whole = wire.block(Block([0, 1000, 2500], [1, 2, 300]), new=new)
    changed = {
        ("last", 1): whole + b"\x00",
        ("last", -1): whole[:-1],
        ("first", 1): b"\x02" + whole,
        ("first", -1): whole[1:],
    }[end, change]
    with pytest.raises(Unsupported, match="layout that is not known"):
        decode([wire.head(0, HOUR_MS) + wire.framed(wire.name(CPU)) + wire.framed(changed)])


@pytest.mark.parametrize(
    "said",
    [
        b'remoteAddr: "127.0.0.1:1"; error during exporting data: timeout exceeded while fetching data block #3\n',
        "cannot fetch: höhe\n".encode(),
        b"no",
    ],
)
@pytest.mark.parametrize("before", [b"", wire.head(0, HOUR_MS), wire.stream([(CPU, Block([0, 5], [1, 2]))])])
def test_a_server_that_gives_up_is_quoted(said: bytes, before: bytes) -> None:
    """Its words stand where the next block should: an error with these words, whatever came before."""
    with pytest.raises(ResultTruncated, match=said.decode().strip()[:20]):
        decode([before, said])


@pytest.mark.parametrize("body", [b'{"metric":{"__name__":"m"}}', b"<html>Log in</html>", bytes(range(200, 256)) * 3])
def test_what_is_no_native_stream_is_left_to_the_fallback(body: bytes) -> None:
    """JSON, a page, or other bytes: not truncated, but a form that is not known."""
    with pytest.raises(Unsupported):
        decode([body])


def test_a_name_keeps_every_character() -> None:
    """Bytes 0, 1 and 2 in values and names, empty metrics, other scripts: as they were written."""
    odd = {"__name__": "odd", "ctrl": "x\x01y\x00z\x02\x00" + "0", "utf8": "höhe-日本", "a\x01b": "v"}
    body = wire.stream([(odd, Block([1], [2])), ({"only": "label"}, Block([1], [3]))])
    assert [dict(key) for key, *_ in decode([body])] == [odd, {"only": "label"}]


def test_series_of_one_grid_share_their_times() -> None:
    """Scraped together, decoded once: the arrays are the same object, which cannot be written to."""
    grid = [1000 * i for i in range(50)]
    body = wire.stream([({"__name__": "m", "n": str(i)}, Block(grid, [i] * 50)) for i in range(3)])
    (_, one, _), (_, two, _), (_, three, _) = decode([body])
    assert one is two is three
    assert not one.flags.writeable


def test_times_without_all_their_digits_are_put_in_order_as_the_server_does() -> None:
    """With a precision below 64 bits they may fall back or run past the end: never below one before, nor past it."""
    # Kept: 0, 90, 80, 200 of a block from 0 to 150.
    lossy = Block([0, 90, 80, 200], [1, 2, 3, 4], precision=8)
    raw = wire.block(lossy).replace(wire.signed(200), wire.signed(150), 1)
    body = wire.head(0, HOUR_MS) + wire.framed(wire.name(CPU)) + wire.framed(raw)
    ((_, times, values),) = decode([body])
    assert times.tolist() == [0, 90, 150]
    assert values.tolist() == [1, 3, 4]


@pytest.mark.parametrize(("scale", "value"), [(-308, 5e-308), (300, 5e300), (-31, 5e-31), (-330, 0.0)])
def test_powers_of_ten_far_out(scale: int, value: float) -> None:
    """The ends of the range of doubles; below it the server gives zero, and so does this."""
    ((_, _, values),) = decode([wire.stream([(CPU, Block([1], [5], scale))])])
    assert values.tolist() == [value]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.integers(0, 63))
def test_varints_of_every_size(numbers: Sequence[int], shift: int) -> None:
    """One to ten bytes, alone or mixed."""
    numbers = [number >> shift for number in numbers]
    assert zigzag(b"".join(map(wire.signed, numbers)), len(numbers)).tolist() == numbers


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (b"\x80", 1),
        (b"\x01\x80", 1),
        (b"\x01\x02", 1),
        (b"\x01", 2),
        (b"", 1),
        (b"\x80" * 10 + b"\x01", 1),
        (b"\x01", 0),
    ],
)
def test_varints_must_use_their_payload_up(payload: bytes, count: int) -> None:
    """Cut short, too many, too few, longer than 64 bits."""
    with pytest.raises(ValueError, match="varint"):
        unsigned(payload, count)


def answer(sums: Summed, payload: bytes, first: int, rows: int, second: bool) -> list[int] | None:
    """Return the integers; None: refused."""
    try:
        return sums(payload, first, rows, second).tolist()
    except ValueError:
        return None


@given(st.lists(integers, min_size=1, max_size=60), st.sampled_from([wire.PLAIN_SECOND, wire.PLAIN_FIRST]))
def test_the_compiled_loop_reads_the_same(numbers: Sequence[int], kind: int) -> None:
    """Numpy and numba: the integers that were written, whatever their size, also where sums wrap around."""
    payload, second = wire.payload(numbers, kind), kind == wire.PLAIN_SECOND
    for sums in (summed, native_fast.summed):
        assert answer(sums, payload, numbers[0], len(numbers), second) == numbers


@given(st.binary(max_size=40), st.integers(1, 12), st.booleans())
def test_the_compiled_loop_refuses_the_same(payload: bytes, rows: int, second: bool) -> None:
    """Of any bytes both make the same integers, or none."""
    assert answer(summed, payload, 5, rows, second) == answer(native_fast.summed, payload, 5, rows, second)


READ = """
import sys
if sys.argv[2] == "without":
    sys.modules["numba"] = None
from pathlib import Path
from connectors.native import read
for _ in range(int(sys.argv[4])):
    raw = read([Path(sys.argv[1]).read_bytes()])
print(len(raw.values), "numba" in sys.modules and sys.modules["numba"] is not None)
Path(sys.argv[3]).write_bytes(raw.values.tobytes() + b"".join(times.tobytes() for times in raw.times))
"""


@pytest.mark.parametrize("many", [True, False])
def test_a_stream_is_the_same_with_and_without_numba(tmp_path: Path, many: bool) -> None:
    """It is loaded once much has been read, and only then; where it cannot be, the samples are the same."""
    draw = np.random.default_rng(3)
    rows = 60_000
    one = Block(
        np.arange(0, 1000 * rows, 1000).tolist(),
        draw.integers(-(2**50), 2**50, rows).tolist(),
        -15,
        value_kind=wire.FIRST,
    )
    series = [({"__name__": "m", "n": str(number)}, one) for number in range(4)]
    (tmp_path / "stream").write_bytes(wire.stream(series))
    times = MANY_ROWS // (rows * len(series)) + 1 if many else 1
    for how, loaded in (("with", many), ("without", False)):
        command = [sys.executable, "-c", READ, str(tmp_path / "stream"), how, str(tmp_path / how), str(times)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        assert said.stdout.split() == [str(rows * len(series)), str(loaded)]
    assert (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()


def test_a_payload_that_claims_to_be_huge_is_not_unpacked() -> None:
    """A frame of zstd that would give 100 MB for three rows is refused before memory is asked for."""
    import zstandard

    bomb = zstandard.compress(bytes(100_000_000))
    good = Block([0, 1000, 2000], [1, 2, 4], value_kind=wire.FIRST)
    packed = wire.payload(good.integers, wire.FIRST)
    raw = wire.block(good)
    raw = raw.removesuffix(wire.varint(len(packed)) + packed) + wire.varint(len(bomb)) + bomb
    with pytest.raises(SourceError, match="larger than its rows"):
        decode([wire.head(0, HOUR_MS) + wire.framed(wire.name(CPU)) + wire.framed(raw)])
