"""Find gauges that look like a usage and its limit, by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Pair", "find_pairs"]

USED = ("used", "usage", "utilization", "utilisation", "use", "open", "active", "current", "allocated", "busy", "inuse")
FREE = ("free", "avail", "available", "remaining", "idle")
LIMIT = ("limit", "max", "maximum", "size", "capacity", "quota", "total")
# Words that tell a usage only beside a limit of the same name: "size" alone may as well be the whole.
FILLED = ("depth", "length", "size", "active", "current", "connections", "inuse", "entries", "pending", "level")
CEILING = ("limit", "max", "maximum", "capacity", "quota", "total")
FULL = (*USED, "util", "load", "saturation", "fill", "full", "occupancy")
UNITS = {
    "bytes": "bytes",
    "seconds": "seconds",
    "ms": "ms",
    "milliseconds": "ms",
    "mbps": "mbps",
    "ratio": "ratio",
    "percent": "percent",
    "percentage": "percent",
    "pct": "percent",
}
KINDS = {
    "cpu": "cpu",
    "memory": "memory",
    "mem": "memory",
    "heap": "memory",
    "disk": "disk",
    "filesystem": "disk",
    "volume": "disk",
    "storage": "disk",
    "bandwidth": "bandwidth",
    "network": "bandwidth",
}
COUNTED = ("_bucket", "_sum", "_count", "_created", "_info")
PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SOFT_SHARE = 0.85
"""Where queueing begins to be felt: a first guess for a share of something, for its owner to confirm."""


@dataclass(frozen=True)
class Pair:
    """A resource that two gauges (or one that is a share of the whole) seem to describe, and why it seems so.

    ``metrics`` are the names that it was found by.
    """

    name: str
    query: str
    unit: str
    why: str
    metrics: tuple[str, ...]
    limit_query: str | None = None
    limit: float | None = None

    @property
    def title(self) -> str:
        """The name, to be read."""
        return self.name.replace("_", " ").capitalize()

    @property
    def kind(self) -> str:
        """What sort of metric it is."""
        return next((kind for word, kind in KINDS.items() if word in self.name.split("_")), self.name)


def find_pairs(metrics: Iterable[str], *, types: Mapping[str, str]) -> tuple[Pair, ...]:
    """Return the resources that these metrics seem to describe, in the order of their names."""
    groups: dict[str, dict[str, str]] = {}
    shares, gauges = [], []
    for metric in sorted(metrics):
        if not _is_gauge(metric, types.get(metric, "")):
            continue
        words = _words(metric)
        if _is_share(words):
            shares.append(_share(metric, words))
        else:
            gauges.append(metric)
            role, key = _role(words)
            groups.setdefault(key, {}).setdefault(role, metric)
    paired = [pair for key, roles in groups.items() if (pair := _pair(key, roles)) is not None]
    taken = {metric for pair in paired for metric in pair.metrics}
    filled = _filled([metric for metric in gauges if metric not in taken])
    return tuple(sorted((*paired, *filled, *shares), key=lambda pair: pair.name))


def _words(metric: str) -> list[str]:
    return metric.lower().replace("in_use", "inuse").split("_")


def _filled(metrics: Sequence[str]) -> Iterator[Pair]:
    """Pair what is left: a ceiling such as ``app_queue_limit`` with what fills it, such as ``app_queue_depth``."""
    free = list(metrics)
    for limit in metrics:
        for key in _without(_words(limit), CEILING):
            fits = (one for one in free if one != limit and key in (_words(one), *_without(_words(one), FILLED)))
            if key and limit in free and (used := next(fits, None)):
                free = [one for one in free if one not in (limit, used)]
                yield Pair(_name(key), used, _unit(key), _usage(used, limit), (used, limit), limit_query=limit)


def _without(words: Sequence[str], known: Sequence[str]) -> list[list[str]]:
    """Return the words without each one of them that is known, in turn."""
    return [[*words[:at], *words[at + 1 :]] for at, word in enumerate(words) if word in known]


def _is_gauge(metric: str, kind: str) -> bool:
    if not PLAIN.fullmatch(metric) or metric.endswith(COUNTED):
        return False
    if kind and kind not in ("unknown", "untyped"):
        return kind == "gauge"
    return not metric.endswith("_total")


def _is_share(words: list[str]) -> bool:
    """Whether a metric says how full something is, as a share of the whole."""
    is_fraction = UNITS.get(words[-1]) in ("ratio", "percent") or words[-1] in ("utilization", "utilisation")
    return is_fraction and any(word in FULL for word in words)


def _share(metric: str, words: list[str]) -> Pair:
    unit = UNITS.get(words[-1], "percent")
    limit = SOFT_SHARE * 100 if unit == "percent" else SOFT_SHARE
    return Pair(_name(words), metric, unit, f"{metric} looks like a share of the whole.", (metric,), limit=limit)


def _role(words: list[str]) -> tuple[str, str]:
    """Return what a metric seems to tell, and what it tells it of: its name without the word for the role."""
    for role, known in (("used", USED), ("free", FREE), ("limit", LIMIT)):
        for position, word in enumerate(words):
            if word in known and len(words) > 1:
                return role, "_".join(words[:position] + words[position + 1 :])
    return "used", "_".join(words)


def _pair(key: str, roles: Mapping[str, str]) -> Pair | None:
    used, free, limit = (roles.get(role) for role in ("used", "free", "limit"))
    words = key.split("_")
    name, unit = _name(words), _unit(words)
    if used and limit:
        return Pair(name, used, unit, _usage(used, limit), (used, limit), limit_query=limit)
    if free and limit:
        why = f"{free} looks like what is left of {limit}."
        return Pair(name, f"{limit} - {free}", unit, why, (free, limit), limit_query=limit)
    if used and free:
        why = f"{used} and {free} look like parts of one whole."
        return Pair(name, used, unit, why, (used, free), limit_query=f"{used} + {free}")
    return None


def _usage(used: str, limit: str) -> str:
    return f"{used} looks like the usage of {limit}."


def _unit(words: Sequence[str]) -> str:
    return next((UNITS[word] for word in reversed(words) if word in UNITS), "count")


def _name(words: Sequence[str]) -> str:
    kept = [word for word in words if word not in UNITS]
    return "_".join(kept or words).replace(":", "_")
