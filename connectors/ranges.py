"""How a server is asked for a range: in which parts, in which way, and what is learnt of it meanwhile.

Long windows go in runs of instants, large ones in shards of series, several requests at once; each answer is decoded
while it arrives. Where a plain roll-up has little to roll up, the raw samples themselves are the shorter way (see
`connectors.rollup`). None of this can be seen in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pandas as pd

from capacity.errors import ResultTooLarge, SourceError
from capacity.frames import EPOCH, duration_text
from connectors import decode, stream
from connectors.base import Progress, Window
from connectors.decode import Floats, Key
from connectors.expressions import is_selector, rolled_up, selectors_in, whole_window_part
from connectors.flight import in_flight, unless
from connectors.http import Client
from connectors.rollup import PLAIN, counts, nameless, roll_up
from connectors.samples import Raw
from connectors.shards import shards
from connectors.stream import Grid
from connectors.windows import halves, limit_told, points_allowed, refuse_to_split, runs

__all__ = ["MAX_BYTES", "Asked", "Part", "Ranges", "seconds"]

MAX_BYTES = 1 << 28
"""Of one request's answer as numbers, and of the raw samples that are held at once."""

LONGEST_RUN = 30_000
"""Instants; where a server allows more, several requests at once are still faster than a longer one."""

AT_ONCE = 3
"""Requests in flight: a server works on one of them with several processors; more only queue there."""

FEW_VALUES = 200_000
"""An answer of fewer values is on its way before anything could be learnt that makes it shorter."""

FEW_INSTANTS = 1_000
"""Of fewer instants each, series enough to make an answer large are rare, and nothing is asked about them first."""

MOST_RAW = 4.0
"""Raw samples a value up to which they are the shorter way: on loopback both take as long at about five."""

SCRAPE_SEEN = pd.Timedelta(hours=1)
USUAL_SCRAPE = pd.Timedelta(minutes=5)
MS = pd.Timedelta(1, unit="ms")

Part = tuple[pd.DatetimeIndex, dict[Key, Floats]]
RawSamples = Callable[[str, pd.Timestamp, pd.Timestamp], Raw]


def seconds(when: pd.Timestamp) -> str:
    """Write an instant as both servers read it: seconds with decimals (milliseconds are misread by some versions)."""
    ms = (when - EPOCH) // MS
    return f"{ms // 1000}.{ms % 1000:03d}"


@dataclass(frozen=True)
class Asked:
    """What is asked for: a query, the roll-up over each step, and the spacing of values below it (None: samples)."""

    query: str
    window: Window
    aggregate: str | None = None
    below: pd.Timedelta | None = None

    def text(self, query: str | None = None) -> str:
        """Return the query that the server is sent; of a part of the series where ``query`` is one."""
        return rolled_up(query or self.query, self.aggregate, step=self.window.step, resolution=self.below)


@dataclass
class Ranges:
    """Asks one server for ranges, and remembers what it learns about it.

    ``points`` and ``subquery_points`` are what the server is taken to allow a series until it says otherwise.
    ``limit_known``: it has said so, or the user has. ``raw`` gives the samples of a selector, both ends included; None:
    this server has none to give. ``keeps_all``: its own roll-ups are of just these, as it does not deduplicate.
    """

    client: Client
    name: str
    points: int
    subquery_points: int
    max_bytes: int = MAX_BYTES
    limit_known: bool = False
    few_instants: int = FEW_INSTANTS
    few_values: int = FEW_VALUES
    raw: RawSamples | None = None
    keeps_all: bool = False
    scrapes: dict[str, pd.Timedelta | None] = field(default_factory=dict)
    _unlike: set[str] = field(default_factory=set)

    def learn(self, flags: Mapping[str, str]) -> None:
        """Take over what a VictoriaMetrics tells of its own flags; none are told by a proxy, or by another server."""
        self.keeps_all = bool(flags) and "dedup.minScrapeInterval" not in flags
        told = flags.get("search.maxPointsPerTimeseries", "")
        if told.isdigit() and not self.limit_known:
            self.points, self.limit_known = int(told), True

    def parts(self, asked: Asked, progress: Progress | None = None) -> tuple[list[Part], bool]:
        """Return the answer in runs of instants, in order, and whether it was rolled up here from raw samples."""
        held = self._held(asked)
        from_raw = self._from_raw(asked, held)
        if from_raw is not None:
            return [(asked.window.times, from_raw)], True
        allowed = points_allowed(
            asked.window.step, asked.below, points=self.points, subquery_points=self.subquery_points
        )
        whole = whole_window_part(asked.query) is not None
        if whole and len(asked.window.times) > allowed and self.limit_known:
            refuse_to_split(asked.query, asked.window, points=allowed, source=self.name)
        cut_at = len(asked.window.times) if whole else min(allowed, LONGEST_RUN)
        pieces = [(run, cut) for run in runs(asked.window.times, cut_at) for cut in self._shards(asked, held)]
        tasks = [lambda stop, run=run, cut=cut: self._run(asked, cut, run, stop) for run, cut in pieces]
        parts: list[Part] = []
        for done, answered in enumerate(in_flight(tasks, width=AT_ONCE), start=1):
            parts += answered
            if progress is not None:
                progress(done, len(tasks), f"part {done} of {len(tasks)}")
        return parts, False

    def _run(self, asked: Asked, cut: str, run: pd.DatetimeIndex, stop: Event) -> list[Part]:
        """Ask for one run; where the server allows less than was thought, for shorter ones."""
        try:
            return [(run, self._answer(asked.text(cut), run, asked.window.step, query=asked.query, stop=stop))]
        except ResultTooLarge as error:
            told = limit_told(str(error))
            if told is not None:
                self.points, self.limit_known = told, True
            if told is not None and told < len(run):
                refuse_to_split(asked.query, asked.window, points=told, source=self.name)
            if len(run) == 1 or whole_window_part(asked.query):
                raise
            shorter = runs(run, told) if told is not None and 0 < told < len(run) else halves(run)
        return [part for each in shorter for part in self._run(asked, cut, each, stop)]

    def _answer(
        self, text: str, run: pd.DatetimeIndex, step: pd.Timedelta, *, query: str, stop: Event | None = None
    ) -> dict[Key, Floats]:
        """Return each series' values at a run of instants."""
        params = [
            ("query", text),
            ("start", seconds(run[0])),
            ("end", seconds(run[-1])),
            ("step", f"{step / pd.Timedelta(1, unit='s'):.3f}"),
            ("nocache", "1"),
        ]

        def reader(pieces: Iterator[bytes]) -> dict[Key, Floats]:
            wanted = pieces if stop is None else unless(stop, pieces)
            return dict(stream.matrix(wanted, run, source=self.name, query=query))

        return self.client.read("/api/v1/query_range", params, reader, query=query)

    # Large answers ------------------------------------------------------------------------------------------------

    def _held(self, asked: Asked) -> list[dict[str, str]]:
        """Return the labels of a selector's series; none where the answer is small, or where they are not told."""
        window = asked.window
        if len(window.times) < self.few_instants or not is_selector(asked.query):
            return []
        between = [("start", seconds(window.start)), ("end", seconds(window.end))]
        try:
            body = self.client.ask("/api/v1/series", [("match[]", asked.query), *between], query=asked.query)
            found: list[dict[str, str]] = decode.document(body, source=self.name, query=asked.query)
        except SourceError:  # too many to be listed, or nobody may: the answer itself says what is wrong, if anything
            return []
        return found

    def _shards(self, asked: Asked, held: list[dict[str, str]], *, samples: float = 1.0) -> list[str]:
        """Return the selectors to ask for one by one: several where ``samples`` a value are more than the budget."""
        most = self.max_bytes / (8 * len(asked.window.times) * max(samples, 1.0))
        return shards(asked.query, held, most=max(1, int(most)))

    # From raw samples ---------------------------------------------------------------------------------------------

    def _from_raw(self, asked: Asked, held: list[dict[str, str]]) -> dict[Key, Floats] | None:
        """Return the roll-up of raw samples where that is the shorter way; None: it is not, or it is no plain one."""
        plain = asked.aggregate in PLAIN and is_selector(asked.query) and asked.query not in self._unlike
        if self.raw is None or not self.keeps_all or not plain or len(asked.window.times) < self.few_instants:
            return None
        try:
            sample = self._sampled(asked)
            seen = [count for each in sample.values() for count in each.tolist() if count == count]
            samples = sum(seen) / max(len(seen), 1)
            if samples > MOST_RAW or len(sample) * len(asked.window.times) < self.few_values:
                return None
            rolled: dict[Key, Floats] = {}
            for cut in self._shards(asked, held, samples=samples):
                some = self._rolled(asked, cut, sample)
                if some is None or not rolled.keys().isdisjoint(some):
                    self._unlike.add(asked.query)
                    return None
                rolled.update(some)
        except SourceError:  # the usual way says what is wrong, or does without what is missing here
            return None
        return rolled

    def _sampled(self, asked: Asked) -> dict[Key, Floats]:
        """Return the server's own counts of samples at the first, the middle and the last instant."""
        run = asked.window.times
        stride = (len(run) - 1) // 2
        text = rolled_up(asked.query, "count", step=asked.window.step)
        return self._answer(text, run[::stride][:3], asked.window.step * stride, query=asked.query)

    def _rolled(self, asked: Asked, cut: str, sample: dict[Key, Floats]) -> dict[Key, Floats] | None:
        """Roll one shard up; None: the server counts otherwise than we do, as it does when it deduplicates."""
        assert self.raw is not None
        grid = Grid.of(asked.window.times)
        first = asked.window.times[0] - asked.window.step + MS
        raw = self.raw(cut, first, asked.window.times[-1])
        stride = (grid.count - 1) // 2
        counted = counts(raw, grid, [0, stride, 2 * stride])
        like = all(_same(sample.get(nameless(key)), ours) for key, ours in counted.items())
        return roll_up(raw, grid, str(asked.aggregate)) if like and not raw.doubles else None

    # What a reader should know ------------------------------------------------------------------------------------

    def remarks(self, asked: Asked, *, rolled_here: bool) -> tuple[str, ...]:
        """Say how the numbers came to be, where that is not as usual."""
        here = "rolled up here from raw samples, over the server's own windows" if rolled_here else None
        return tuple(said for said in (here, self._oversampled(asked)) if said is not None)

    def _oversampled(self, asked: Asked) -> str | None:
        """Say so where the values asked for are closer than the samples they come from; None: they are not."""
        fine = asked.below or asked.window.step
        if fine >= USUAL_SCRAPE:
            return None
        scrapes = [self._scrape(one, asked.window.end) for one in selectors_in(asked.query)[:3]]
        known = [scrape for scrape in scrapes if scrape is not None]
        if not known or fine >= min(known) * 0.9:
            return None
        every = min(known).round("s")
        return (
            f"a value every {duration_text(fine)} from samples every {duration_text(every)}: more than there is to know"
        )

    def _scrape(self, selector: str, end: pd.Timestamp) -> pd.Timedelta | None:
        """Return how far apart a selector's samples were in the last hour of a window; None: that is not known."""
        if selector not in self.scrapes:
            text = f"max(count_over_time({selector}[{SCRAPE_SEEN // pd.Timedelta(minutes=1)}m]))"
            try:
                body = self.client.ask("/api/v1/query", [("query", text), ("time", seconds(end)), ("nocache", "1")])
                found: Any = decode.vector(
                    decode.document(body, source=self.name, query=text), source=self.name, query=text
                )
            except SourceError:
                found = {}
            most = max(found.values(), default=0.0)
            self.scrapes[selector] = SCRAPE_SEEN / most if most >= 2 else None
        return self.scrapes[selector]


def _same(theirs: Floats | None, ours: list[int]) -> bool:
    """Whether the server counted as many samples as we did; it leaves a series or a window without any out."""
    told = [0.0] * len(ours) if theirs is None else [0.0 if count != count else count for count in theirs]
    return told == ours
