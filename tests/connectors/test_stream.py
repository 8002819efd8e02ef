"""Decoding while the answer arrives: the same numbers and the same errors as reading the whole of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import PartialResult, QueryRejected, ResultTruncated
from connectors import decode, stream
from connectors.decode import Floats, Key

START_S = 1_732_237_200

labels = st.dictionaries(
    st.sampled_from(["__name__", "values", "node", "é"]),
    st.text(max_size=6) | st.sampled_from(['"]]}', ',"values":[[', '{"metric":', "\\", '"']),
    max_size=3,
)
numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**6), 10**6).map(float),
    st.sampled_from([0.1, 1e-300, 1.7976931348623157e308, 5e-324, 123456789012345.6]),
)


def text_of(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value).removesuffix(".0")


def body_of(series: list[tuple[dict[str, str], list[tuple[float, str]]]]) -> bytes:
    result = [{"metric": metric, "values": [[at, value] for at, value in points]} for metric, points in series]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}, "stats": {"n": "1"}}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


def times_of(count: int, step_s: float) -> pd.DatetimeIndex:
    return pd.date_range(pd.Timestamp(START_S, unit="s", tz="UTC"), periods=count, freq=pd.Timedelta(seconds=step_s))


def read(body: bytes, times: pd.DatetimeIndex, *, size: int = 7) -> dict[Key, Floats]:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return dict(stream.matrix(pieces, times, source="s", query="q"))


def whole(body: bytes, times: pd.DatetimeIndex) -> dict[Key, Floats]:
    return decode.matrix(decode.document(body, source="s", query="q"), times, source="s", query="q")


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, pd.DatetimeIndex]:
    step_s, count = draw(st.sampled_from([1, 60, 3600, 0.5])), draw(st.integers(1, 12))
    series = []
    for metric in draw(st.lists(labels, max_size=4, unique_by=lambda each: json.dumps(each, sort_keys=True))):
        kept = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1))) if draw(st.booleans()) else range(count)
        at = [START_S + place * step_s for place in kept]
        written = [int(each) if each == int(each) else each for each in at]
        series.append((metric, [(each, text_of(draw(numbers))) for each in written]))
    return body_of(series), times_of(count, step_s)


@given(answers(), st.integers(1, 300))
def test_it_is_what_reading_the_whole_gives(answer: tuple[bytes, pd.DatetimeIndex], size: int) -> None:
    """Any labels, values, gaps, steps and borders between pieces: bit for bit the same series."""
    body, times = answer
    found, expected = read(body, times, size=size), whole(body, times)
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert np.array_equal(found[key], values, equal_nan=True)


@given(answers(), st.data())
def test_a_cut_anywhere_is_an_error(answer: tuple[bytes, pd.DatetimeIndex], data: st.DataObject) -> None:
    """However much has arrived, an answer without its end is none."""
    body, times = answer
    with pytest.raises(ResultTruncated):
        read(body[: data.draw(st.integers(0, len(body) - 1))], times, size=data.draw(st.integers(1, 300)))


WHOLE = body_of([({"n": "a"}, [(START_S, "1"), (START_S + 60, "2")])])
LONG = body_of([({"n": str(n)}, [(START_S + 60 * at, f"{at}.5") for at in range(1000)]) for n in range(100)])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (WHOLE.replace(b'"success"', b'"success","isPartial":true'), PartialResult),
        (WHOLE[:-1] + b',"isPartial":true}', PartialResult),
        (WHOLE.replace(b'"success"', b'"error","error":"no"'), QueryRejected),
        (WHOLE.replace(b'"matrix"', b'"vector"'), QueryRejected),
        (WHOLE.replace(b"1732237260", b"1732237261"), ResultTruncated),
        (WHOLE.replace(b"1732237260", b"1732237320"), ResultTruncated),
        (WHOLE.replace(b"1732237200", b"1632237200"), ResultTruncated),
        (WHOLE.replace(b'"2"', b'"two"'), ResultTruncated),
        (WHOLE.replace(b'"2"', b'""'), ResultTruncated),
        (WHOLE.replace(b'"2"]]}', b'"2"]],}'), ResultTruncated),
        (WHOLE.replace(b'"2"]]}]', b'"2"]]},]'), ResultTruncated),
        (WHOLE.replace(b'"1"],', b'"1"];'), ResultTruncated),
        (LONG[: len(LONG) // 2], ResultTruncated),
        (LONG[:-1] + b',"isPartial":true}', PartialResult),
        (b"<html></html>", ResultTruncated),
        (b"", ResultTruncated),
    ],
)
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_what_is_wrong_is_an_error(body: bytes, kind: type[Exception], size: int) -> None:
    """Partial answers, before or after the data; errors; values at other instants or no numbers; broken syntax."""
    with pytest.raises(kind):
        read(body, times_of(1000 if len(body) > 9999 else 2, 60), size=size)


def test_it_may_be_written_in_another_way() -> None:
    """White space, another order of the fields, and further ones are read too, only more slowly."""
    expected = whole(WHOLE, times_of(2, 60))
    loose = json.dumps(json.loads(WHOLE), indent=1).encode()
    turned = WHOLE.replace(b'{"metric":{"n":"a"},"values":[[1732237200,"1"],[1732237260,"2"]]}', b"%b") % (
        b'{"values":[[1732237200,"1"],[1732237260,"2"]],"metric":{"n":"a"}}'
    )
    more = WHOLE.replace(b'"metric":', b'"extra":1,"metric":')
    for body in (loose, turned, more):
        found = read(body, times_of(2, 60))
        assert {key: values.tolist() for key, values in found.items()} == {
            key: values.tolist() for key, values in expected.items()
        }


def test_it_holds_no_more_than_it_must() -> None:
    """The next series is given before the one after it has been sent: nothing waits for the end."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for at in range(0, len(LONG), 100_000):
            sent += 1
            yield LONG[at : at + 100_000]

    first = next(stream.matrix(pieces(), times_of(1000, 60), source="s", query="q"))
    assert first[1][:3].tolist() == [0.5, 1.5, 2.5]
    assert sent <= stream.BATCH_BYTES // 100_000 + 1 < len(LONG) // 100_000
