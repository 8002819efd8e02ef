"""The verbs that list series, for a source that holds answers: what its plain selectors hold is what there is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from capacity.errors import QueryRejected
from capacity.frames import instant
from connectors.base import Source, When
from connectors.held import Holding
from connectors.selectors import Selector, parse

__all__ = ["Lists"]

Labels = dict[str, str]


class Lists(Source):
    """A source that knows its holdings and the series in them; an expression's answer is no series of its own."""

    @abstractmethod
    def _held(self) -> Iterable[tuple[Holding, Iterable[Labels]]]:
        """Give each holding of a plain selector, and the labels (with ``__name__``) of its series."""

    def series(
        self, selector: str | Sequence[str], *, start: When | None = None, end: When | None = None
    ) -> list[dict[str, str]]:
        """Return the labels (with ``__name__``) of every series held that matches, sorted; no window: of all times.

        Raises
        ------
        QueryRejected
            It is no plain selector.
        """
        wanted = []
        for text in [selector] if isinstance(selector, str) else selector:
            parsed = parse(text)
            if parsed is None:
                raise QueryRejected(f"{text!r} is no selector of series.", source=self.name, query=text)
            wanted.append(parsed)
        listed = [labels for labels in self._listed(start, end) if any(_means(one, labels) for one in wanted)]
        return [dict(key) for key in sorted({tuple(sorted(labels.items())) for labels in listed})]

    def labels(self, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the names of all labels of the series held, sorted."""
        return sorted({name for labels in self._listed(start, end) for name in labels})

    def label_values(self, label: str, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the values of one label of the series held, sorted; of ``__name__``: the metrics."""
        return sorted({labels[label] for labels in self._listed(start, end) if label in labels})

    def _listed(self, start: When | None, end: When | None) -> Iterator[Labels]:
        first = None if start is None else instant(start, name="start")
        last = None if end is None else instant(end, name="end")
        for holding, series in self._held():
            if _meets(holding, first, last):
                yield from series


def _means(selector: Selector, labels: Labels) -> bool:
    """Whether a selector means a series."""
    return selector.metric in ("", labels.get("__name__", "")) and selector.keeps(labels)


def _meets(holding: Holding, first: pd.Timestamp | None, last: pd.Timestamp | None) -> bool:
    """Whether some of what is held lies in a window."""
    return (first is None or first < holding.end) and (last is None or last > holding.start)
