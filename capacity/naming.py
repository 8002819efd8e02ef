"""Names of many series side by side: what they all share says nothing, and is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capacity.frames import HOSTS, series_name

__all__ = ["Names", "series_names"]

# Where a file system is mounted, on which machine, tells it from all others: the rest is how it came about.
MOUNT, BESIDE_MOUNT = "mountpoint", ("job", "fstype", "device")

Labels = Mapping[str, str]


def series_names(series: Sequence[Labels]) -> list[str]:
    """Name series for people, as short as tells them apart.

    A label that has the same value in all of them is left out, and so are ``job``, ``fstype`` and ``device`` where a
    machine and a mount point are known. Where the short names of two would be the same, all keep their full ones.
    """
    shared = _shared(series)
    short = [series_name({name: labels[name] for name in labels if name not in shared}, empty="") for labels in series]
    brief = [
        series_name({name: labels[name] for name in labels if name not in {*shared, *_beside(labels)}}, empty="")
        for labels in series
    ]
    for names in (brief, short):
        if all(names) and len(set(names)) == len(names):
            return names
    return [series_name(labels) for labels in series]


class Names:
    """The names of a resource's series, by their labels."""

    def __init__(self, series: Sequence[Labels]) -> None:
        self._known = dict(zip(map(_key, series), series_names(series), strict=True))

    def of(self, labels: Labels) -> str:
        """Return the name; the full one of a series that is not among them."""
        return self._known.get(_key(labels)) or series_name(labels)


def _key(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _shared(series: Sequence[Labels]) -> set[str]:
    if len(series) < 2:
        return set()
    first, *others = series
    return {name for name, value in first.items() if all(each.get(name) == value for each in others)}


def _beside(labels: Labels) -> tuple[str, ...]:
    return BESIDE_MOUNT if MOUNT in labels and any(host in labels for host in HOSTS) else ()
