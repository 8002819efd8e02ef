"""Raw samples: from series as a server exports them to one long frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import provenance
from capacity.frames import METRIC, TIME, clean_labels
from connectors.decode import Floats, Key

__all__ = ["VALUE", "Block", "Stamps", "long_frame"]

VALUE = "value"
Stamps = npt.NDArray[np.int64]
Block = tuple[Key, Stamps, Floats]
"""Some samples of one series: its labels, times in ms, values."""


def tidy(stamps: Stamps, values: Floats) -> tuple[Stamps, Floats]:
    """Sort one series by time and keep one sample an instant: the biggest, as the server's deduplication does."""
    order = np.lexsort((values, stamps))
    stamps, values = stamps[order], values[order]
    last = np.append(stamps[1:] != stamps[:-1], True) if len(stamps) else np.zeros(0, dtype=bool)
    return stamps[last], values[last]


def _gathered(blocks: Iterable[Block]) -> dict[Key, tuple[Stamps, Floats]]:
    """Put the blocks of each series together; a long series comes in several."""
    found: dict[Key, tuple[list[Stamps], list[Floats]]] = {}
    for key, stamps, values in blocks:
        ours = found.setdefault(key, ([], []))
        ours[0].append(stamps)
        ours[1].append(values)
    return {key: (np.concatenate(stamps), np.concatenate(values)) for key, (stamps, values) in sorted(found.items())}


def long_frame(blocks: Iterable[Block], *, query: str, **stated: Any) -> pd.DataFrame:
    """Build the long frame: ``time``, ``metric``, one column a label (categories, "" where absent), ``value``.

    Sorted by metric, labels and time. Samples of a series at the same instant become one; provenance counts them.
    """
    series = _gathered(blocks)
    tidied = {key: tidy(*both) for key, both in series.items()}
    lengths = [len(stamps) for stamps, _ in tidied.values()]
    cleaned = [clean_labels(dict(key)) for key in tidied]
    metrics = [dict(key).get("__name__", query) for key in tidied]
    stamps = np.concatenate([stamps for stamps, _ in tidied.values()] or [np.zeros(0, dtype=np.int64)])
    frame = pd.DataFrame({TIME: pd.DatetimeIndex(stamps.astype("datetime64[ms]"), tz="UTC").as_unit("us")})
    frame[METRIC] = _repeated(metrics, lengths)
    for label in sorted({label for labels in cleaned for label in labels}):
        frame[label] = _repeated([labels.get(label, "") for labels in cleaned], lengths)
    frame[VALUE] = np.concatenate([values for _, values in tidied.values()] or [np.zeros(0)])
    doubles = sum(len(both[0]) for both in series.values()) - len(frame)
    for metric in sorted(set(metrics)):
        provenance.attach(frame, metric, query=query, duplicates=doubles, series=metrics.count(metric), **stated)
    return frame


def _repeated(words: list[str], lengths: list[int]) -> pd.Categorical:
    """Return one word a sample without storing any word twice."""
    known = sorted(set(words))
    codes = np.repeat(np.array([known.index(word) for word in words], dtype=np.int32), lengths)
    return pd.Categorical.from_codes(codes, categories=pd.Index(known, dtype="str"))
