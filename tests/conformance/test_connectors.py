"""What every connector must do. A line in `connectors.SCHEMES` without a case here is a failing test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity import frames
from capacity.errors import CapacityError, NoData, NotHeld, ParameterError, Unsupported
from capacity.provenance import UNKNOWN, read
from connectors import SCHEMES, ServerInfo, Source, connect
from tests.support.servers import VictoriaMetrics, prometheus_server

HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2024-11-20T00:00Z")
END = START + 24 * HOUR
METRIC = "conformance"


@dataclass(frozen=True)
class Case:
    """A source that is ready, one query that it answers hourly as a maximum, and a day of it."""

    source: Source
    query: str = METRIC
    start: pd.Timestamp = START
    end: pd.Timestamp = END
    series: int = 2

    def ask(self, **changed: object) -> pd.DataFrame:
        """Return the day, or what is asked for instead."""
        asked = {"start": self.start, "end": self.end, "step": "1h", "aggregate": "max", **changed}
        return self.source.range(str(asked.pop("query", self.query)), **asked)  # type: ignore[arg-type]


def text(first_line: str, last_line: str, *, scale: int) -> str:
    """Return a day and a half of two series, a sample every ten minutes, as lines of a text format."""
    lines = [first_line]
    for number, node in enumerate("ab"):
        for i in range(-6, 36 * 6 + 1):
            at = int(START.timestamp()) + 600 * i
            lines.append(f'{METRIC}{{node="{node}"}} {100 * number + np.sin(i / 9):.6f} {at * scale}')
    return "\n".join([*lines, last_line, ""])


@pytest.fixture(scope="session")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one Prometheus for all of these tests."""
    openmetrics = text(f"# TYPE {METRIC} gauge", "# EOF", scale=1)
    with prometheus_server(tmp_path_factory.mktemp("prometheus"), openmetrics) as server:
        yield server.url


@pytest.fixture(scope="session")
def cases(
    victoriametrics: VictoriaMetrics, prometheus_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Callable[[], Case]]:
    """Say how each scheme's source is made."""
    victoriametrics.import_text(text("", "", scale=1000))

    def snapshot() -> Case:
        from connectors.snapshot import SnapshotWriter

        folder = tmp_path_factory.mktemp("snapshot")
        with connect(victoriametrics.url) as server:
            frame = server.range(METRIC, start=START - HOUR, end=END + HOUR, aggregate="max")
        writer = SnapshotWriter(folder)
        writer.put(frame, query=METRIC, step=HOUR, aggregate="max", start=START - HOUR, end=END + HOUR)
        writer.close()
        return Case(connect(f"snapshot:{folder}"))

    def demo() -> Case:
        source = connect("demo:")
        return Case(source, "dwcp_cpu_usage_percent", source.now() - 24 * HOUR, source.now(), 12)

    return {
        "demo": demo,
        "snapshot": snapshot,
        "http": lambda: Case(connect(victoriametrics.url)),
        "https": lambda: Case(connect(victoriametrics.url)),  # the same class: TLS is urllib3's
        "prometheus+http": lambda: Case(connect(f"prometheus+{prometheus_url}")),
        "prometheus+https": lambda: Case(connect(f"prometheus+{prometheus_url}")),
    }


@pytest.fixture(params=list(SCHEMES))
def case(request: pytest.FixtureRequest, cases: dict[str, Callable[[], Case]]) -> Iterator[Case]:
    """Give every connector in turn."""
    made = cases[request.param]()
    with made.source:
        yield made


def test_a_range_keeps_the_contract_of_frames(case: Case) -> None:
    """One row an instant, start excluded and end included, UTC, float64; two levels of columns and no NaN in them."""
    frame = case.ask()
    pd.testing.assert_index_equal(frame.index, frames.grid(case.start, case.end, HOUR), exact=False)
    assert (len(frame), frame.shape[1]) == (24, case.series)
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert frame.columns.names[0] == "metric"
    assert frame.columns.get_level_values("metric").unique().tolist() == [case.query]
    assert (frame.dtypes == np.float64).all()
    assert all(isinstance(value, str) for key in frame.columns for value in key)
    assert list(frame.columns) == sorted(frame.columns)
    frames.check(frame)


def test_a_range_says_where_it_comes_from(case: Case) -> None:
    """Query, step, aggregate, source, server, window and when: none of it unknown."""
    told = read(case.ask())[case.query]
    assert told.query == case.query
    assert (told.step, told.aggregate, told.series) == ("1h", "max", case.series)
    assert (told.start, told.end) == (case.start.isoformat(), case.end.isoformat())
    assert UNKNOWN not in (told.source, told.server, told.pulled_at)
    pd.Timestamp(told.pulled_at)


def test_a_window_inside_is_the_same_part(case: Case) -> None:
    """Asking for six hours gives those six rows of the day, and asking twice gives the same."""
    part = case.ask(start=case.start + 6 * HOUR, end=case.start + 12 * HOUR)
    pd.testing.assert_frame_equal(part, case.ask().iloc[6:12], check_freq=False)
    pd.testing.assert_frame_equal(case.ask(), case.ask())


def test_a_longer_step_is_the_roll_up_of_the_shorter(case: Case) -> None:
    """The maximum of two hours is the larger of their maxima."""
    twice = case.ask(step="2h")
    expected = case.ask().rolling(2).max().iloc[1::2]
    np.testing.assert_allclose(twice.to_numpy(), expected.to_numpy())


def test_the_name_given_is_the_first_level(case: Case) -> None:
    """``name`` replaces the metric, in the columns and in provenance, and nothing else."""
    frame = case.ask(name="load")
    assert frame.columns.get_level_values("metric").unique().tolist() == ["load"]
    assert read(frame)["load"].query == case.query
    assert np.array_equal(frame.to_numpy(), case.ask().to_numpy(), equal_nan=True)


def test_what_is_not_finished_is_not_answered(case: Case) -> None:
    """An end far in the future is taken back to the last step that the source has finished."""
    until = case.source.finished("1h")
    frame = case.ask(start=until - 3 * HOUR if until < END else case.start, end=until + 100 * HOUR)
    assert frame.index[-1] <= until
    assert until <= case.source.now()


def test_a_query_without_series_is_no_data(case: Case) -> None:
    """NoData, or from what was kept NotHeld: never an empty frame."""
    with pytest.raises((NoData, NotHeld), match="no_such_metric"):
        case.ask(query="no_such_metric")


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": "0s"},
        {"step": "often"},
        {"start": "yesterday-ish"},
        {"end": START - 10 * HOUR},
    ],
)
def test_arguments_that_make_no_sense_are_refused_alike(case: Case, wrong: dict[str, object]) -> None:
    """The same mistake is the same error, whatever the source."""
    with pytest.raises(ParameterError):
        case.ask(**wrong)


def test_an_aggregate_that_there_is_not_is_refused(case: Case) -> None:
    """A typing error is a ParameterError; what only holds answers says that it does not hold this one."""
    with pytest.raises((ParameterError, NotHeld), match="maximum"):
        case.ask(aggregate="maximum")


def test_every_verb_answers_or_says_that_it_cannot(case: Case) -> None:
    """A verb that a kind of source does not have is Unsupported, by name; info always answers."""
    verbs: dict[str, Callable[[], object]] = {
        "samples": lambda: case.source.samples(case.query, start=case.start, end=case.end),
        "instant": lambda: case.source.instant(case.query, at=case.end),
        "series": lambda: case.source.series(case.query),
        "labels": case.source.labels,
        "label_values": lambda: case.source.label_values("node"),
        "metadata": case.source.metadata,
        "cardinality": case.source.cardinality,
    }
    for verb in verbs.values():
        try:
            answer = verb()
        except Unsupported as error:
            answer = str(error).startswith(case.source.name) or None
        assert answer is not None
    info = case.source.info()
    assert isinstance(info, ServerInfo)
    assert info.kind


def test_a_source_has_a_name_and_a_clock(case: Case) -> None:
    """The name is in the repr; the clock is UTC; finished steps are multiples of the step."""
    assert case.source.name
    assert case.source.name in repr(case.source)
    assert str(case.source.now().tz) == "UTC"
    assert case.source.finished("1h") == case.source.finished("1h").floor("h")


def test_progress_ends_at_its_total(case: Case) -> None:
    """A callable gets (done, total, what), and the last call is done."""
    seen: list[tuple[int, int, str]] = []
    case.ask(progress=lambda done, total, what: seen.append((done, total, what)))
    assert seen
    assert seen[-1][0] == seen[-1][1]


def test_every_scheme_is_a_case(cases: dict[str, Callable[[], Case]]) -> None:
    """A new line in the registry must come with a case."""
    assert set(cases) == set(SCHEMES)


def test_what_is_no_source_is_refused_with_what_there_is(tmp_path: Path) -> None:
    """A scheme that is unknown, none at all, a folder that is not there: one line, a CapacityError."""
    for url in ("htp://host", "localhost:8428", "victoriametrics", "", f"snapshot:{tmp_path / 'nowhere'}"):
        with pytest.raises(CapacityError) as caught:
            connect(url)
        assert "\n" not in str(caught.value)
