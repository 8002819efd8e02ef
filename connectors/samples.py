"""Raw samples: from series as a server exports them, in whatever form, to one long frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import provenance
from capacity.frames import METRIC, TIME, clean_labels
from connectors.decode import Floats, Key

__all__ = ["VALUE", "Raw", "Series", "Stamps", "gathered", "long_frame", "tidy"]

VALUE = "value"
UTC = pd.DatetimeTZDtype("us", "UTC")
Stamps = npt.NDArray[np.int64]
Series = tuple[Key, Stamps, Floats]
"""Samples of one series, all or some: its labels, times in ms, values; NaN is a stale marker."""


@dataclass(frozen=True)
class Raw:
    """Samples of many series, sorted by labels and time, one an instant.

    ``values`` are those of all series, one after the other; ``times`` in ms, an array a series, which series of one
    grid may share. ``doubles``: how many samples gave way to another one of their instant.
    """

    keys: Sequence[Key]
    times: Sequence[Stamps]
    values: Floats
    doubles: int = 0

    def __iter__(self) -> Iterator[Series]:
        """Give the series one by one, as views."""
        borders = np.cumsum([0, *(len(times) for times in self.times)]).tolist()
        for key, times, (begin, end) in zip(self.keys, self.times, pairwise(borders), strict=True):
            yield key, times, self.values[begin:end]

    @property
    def points(self) -> float:
        """The mean number of samples a series."""
        return len(self.values) / max(len(self.keys), 1)


def tidy(stamps: Stamps, values: Floats, *, stale: bool) -> tuple[Stamps, Floats, int]:
    """Sort one series by time and keep one sample an instant, as the server's deduplication does.

    That is the biggest, and a number before a stale marker. Returns the times, the values, and how many gave way; stale
    markers that are left are kept only where ``stale`` says so.
    """
    if not _ascending(stamps):
        order = np.argsort(stamps, kind="stable")
        if not _ascending(stamps[order]):
            order = np.lexsort((values, ~np.isnan(values), stamps))
        stamps, values = stamps[order], values[order]
    last = np.ones(len(stamps), dtype=bool)
    np.not_equal(stamps[1:], stamps[:-1], out=last[:-1])
    doubles = len(stamps) - int(last.sum())
    if not stale:
        last &= ~np.isnan(values)
    return stamps[last], values[last], doubles


def _ascending(stamps: Stamps) -> bool:
    """Return whether each time is after the one before."""
    return bool((stamps[1:] > stamps[:-1]).all())


def gathered(blocks: Iterable[Series], *, stale: bool) -> Raw:
    """Put the blocks of each series together; a long series comes in several. A series without samples is left out."""
    found: dict[Key, tuple[list[Stamps], list[Floats]]] = {}
    for key, stamps, values in blocks:
        ours = found.setdefault(key, ([], []))
        ours[0].append(stamps)
        ours[1].append(values)
    tidied = []
    total = 0
    for key in sorted(found):
        times, numbers = found.pop(key)
        stamps, values, doubles = tidy(np.concatenate(times), np.concatenate(numbers), stale=stale)
        total += doubles
        if len(stamps):
            tidied.append((key, stamps, values))
    values = np.concatenate([values for *_, values in tidied] or [np.zeros(0)])
    return Raw([key for key, *_ in tidied], [stamps for _, stamps, _ in tidied], values, total)


def long_frame(raw: Raw, *, query: str, **stated: Any) -> pd.DataFrame:
    """Build the long frame: ``time``, ``metric``, one column a label (categories, "" where absent), ``value``.

    Sorted by labels and time; provenance tells the doubles. The frame takes the values over without a copy.
    """
    lengths = [len(stamps) for stamps in raw.times]
    cleaned = [clean_labels(dict(key)) for key in raw.keys]
    metrics = [dict(key).get("__name__", query) for key in raw.keys]
    columns: dict[str, Any] = {TIME: _instants(raw.times, sum(lengths)), METRIC: _repeated(metrics, lengths)}
    for label in sorted({label for labels in cleaned for label in labels}):
        columns[label] = _repeated([labels.get(label, "") for labels in cleaned], lengths)
    columns[VALUE] = raw.values
    frame = pd.DataFrame(columns, copy=False)
    for metric in sorted(set(metrics)):
        provenance.attach(frame, metric, query=query, duplicates=raw.doubles, series=metrics.count(metric), **stated)
    return frame


def _instants(times: Sequence[Stamps], total: int) -> pd.DatetimeIndex:
    """Return the times of all series, one after the other."""
    instants = np.empty(total, dtype=np.int64)
    at = 0
    for stamps in times:
        np.multiply(stamps, 1000, out=instants[at : at + len(stamps)])
        at += len(stamps)
    return pd.DatetimeIndex(instants, dtype=UTC, copy=False)


def _repeated(words: list[str], lengths: list[int]) -> pd.Categorical:
    """Return one word a sample without storing any word twice."""
    known = {word: code for code, word in enumerate(sorted(set(words)))}
    narrow = np.min_scalar_type(-max(len(known), 1))
    codes = np.repeat(np.array([known[word] for word in words], dtype=narrow), lengths)
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(known), dtype="str"), validate=False)
