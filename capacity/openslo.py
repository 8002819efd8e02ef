"""OpenSLO v1 (https://github.com/OpenSLO/OpenSLO): objectives read from its YAML, and written back.

What the specification has no field for (the unit, the histogram behind a quantile, what was seen) stands where it says
that a product's own data goes: in the metric source's ``spec`` and in annotations. So what was written is read back
whole. An SLO that cannot be judged here is refused with the reason; documents of other kinds are told in ``ignored``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import yaml

from capacity.catalog import CALENDARS, FIVE_MINUTES, Objective
from capacity.errors import CatalogError, ParameterError
from capacity.frames import duration
from capacity.openslo_write import NO_SERVICE, OPERATORS, OWN, PERIODS, VERSION, write_openslo
from capacity.units import to_base

__all__ = ["OpenSLO", "read_openslo", "write_openslo"]


@dataclass(frozen=True)
class OpenSLO:
    """What a text of OpenSLO said: objectives by name, and what was left aside, each with its kind."""

    objectives: Mapping[str, Objective]
    ignored: tuple[str, ...] = field(default=())


def read_openslo(text: str, *, name: str = "OpenSLO") -> OpenSLO:
    """Return the objectives that one or several YAML documents of OpenSLO v1 describe.

    Parameters
    ----------
    text : str
        YAML; indicators may stand in documents of their own and be referred to.
    name : str
        What messages call it.

    Raises
    ------
    CatalogError
        It is no YAML, no OpenSLO v1, or an SLO in it says what cannot be judged here.
    """
    try:
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        raise CatalogError(f"{name} is no YAML: {' '.join(str(error).split())}") from None
    indicators: dict[str, Mapping[str, Any]] = {}
    slos, ignored = [], []
    for each in documents:
        _check(each, name)
        kind, own = each["kind"], each["metadata"]["name"]
        if kind == "SLI":
            indicators[own] = each
        elif kind == "SLO":
            slos.append(each)
        else:
            ignored.append(f"{kind} {own}")
    found: dict[str, Objective] = {}
    for each in slos:
        for one in _Slo(each, indicators, name).objectives():
            if one.name in found:
                raise CatalogError(f"{name}: two objectives are called {one.name!r}.")
            found[one.name] = one
    return OpenSLO(found, tuple(ignored))


def _check(document: Any, name: str) -> None:
    version = document.get("apiVersion") if isinstance(document, Mapping) else None
    if version != VERSION:
        raise CatalogError(f"{name}: expected apiVersion: {VERSION}, got {version!r}.")
    if not isinstance(document.get("metadata"), Mapping) or not document["metadata"].get("name"):
        raise CatalogError(f"{name}: a {document.get('kind')} has no metadata.name.")


class _Slo:
    """One SLO document, on the way to objectives: one for each of its thresholds."""

    def __init__(self, document: Mapping[str, Any], indicators: Mapping[str, Mapping[str, Any]], name: str) -> None:
        self.metadata: Mapping[str, Any] = document["metadata"]
        self.spec: Mapping[str, Any] = document.get("spec") or {}
        self.where = f"{name}: SLO {self.metadata['name']!r}"
        self.indicators = indicators
        noted = self.metadata.get("annotations") or {}
        self.noted = {key.removeprefix(OWN): value for key, value in noted.items() if key.startswith(OWN)}

    def fail(self, what: str) -> CatalogError:
        return CatalogError(f"{self.where}: {what}")

    def objectives(self) -> list[Objective]:
        thresholds = self.spec.get("objectives") or []
        if not thresholds:
            raise self.fail("it has no objectives.")
        made = [self._objective(threshold) for threshold in thresholds]
        if len(made) == 1:
            return made
        return [replace(one, name=f"{one.name}_{place}") for place, one in enumerate(made, start=1)]

    def _objective(self, threshold: Mapping[str, Any]) -> Objective:
        measured = self._indicator().get("spec") or {}
        sliced = self.spec.get("budgetingMethod") == "Timeslices"
        if (measured.get("ratioMetric") or {}).get("raw") is None and "ratioMetric" in measured:
            if sliced:
                raise self.fail("time slices of a ratio of counters are not judged here; use Occurrences.")
            fields = self._ratio(measured["ratioMetric"], self._target(threshold))
        else:
            fields = self._threshold(measured, threshold)
        title = threshold.get("displayName") or self.metadata.get("displayName") or self.metadata["name"]
        noted = {key: self.noted[key] for key in ("load", "owner") if key in self.noted}
        noted |= {key: tuple(json.loads(self.noted[key])) for key in ("by", "assumed", "seen") if key in self.noted}
        if "load_unit" in self.noted:
            noted["load_unit"] = self.noted["load_unit"]
        return Objective(
            name=self.noted.get("name", str(self.metadata["name"]).replace("-", "_")),
            title=str(title),
            objective=self._target(threshold),
            slice=self._slice(threshold),
            service="" if self.spec.get("service") in (None, NO_SERVICE) else str(self.spec["service"]),
            help=str(self.spec.get("description") or ""),
            **self._window(),
            **fields,
            **noted,
        )

    def _indicator(self) -> Mapping[str, Any]:
        inline, ref = self.spec.get("indicator"), self.spec.get("indicatorRef")
        if inline is not None:
            return inline  # type: ignore[no-any-return]
        if not isinstance(ref, str) or ref not in self.indicators:
            raise self.fail(f"its indicatorRef {ref!r} is no SLI of this text." if ref else "it has no indicator.")
        return self.indicators[ref]

    def _target(self, threshold: Mapping[str, Any]) -> float:
        if "target" in threshold:
            share = float(threshold["target"])
        elif "targetPercent" in threshold:
            share = float(threshold["targetPercent"]) / 100.0
        else:
            raise self.fail("an objective has neither target nor targetPercent.")
        if not 0 < share <= 1:
            raise self.fail(f"a target lies above 0 and up to 1, not at {share:g}.")
        return share

    def _slice(self, threshold: Mapping[str, Any]) -> pd.Timedelta:
        stated = threshold.get("timeSliceWindow", self.noted.get("slice"))
        if stated is None:
            return FIVE_MINUTES
        return self._duration(f"{stated}m" if isinstance(stated, int | float) else str(stated))

    def _duration(self, text: str) -> pd.Timedelta:
        if text.endswith(("M", "Q", "Y")):  # months here, which have no one length; our own durations read M as minutes
            raise self.fail(f"a rolling duration is in m, h, d or w, not {text!r}.")
        try:
            return duration(text)
        except ParameterError as error:
            raise self.fail(error.message) from None

    def _window(self) -> dict[str, Any]:
        windows = self.spec.get("timeWindow") or []
        if len(windows) != 1:
            raise self.fail(f"it needs one timeWindow, and has {len(windows)}.")
        stated = windows[0]
        calendar = stated.get("calendar")
        if calendar is None:
            return {"window": self._duration(str(stated.get("duration")))}
        period = PERIODS.get(str(stated.get("duration")))
        if period is None:
            raise self.fail(f"a calendar's window is one of {', '.join(PERIODS)}, not {stated.get('duration')!r}.")
        begins = pd.Timestamp(str(calendar.get("startTime", "2020-01-01 00:00:00")))
        if begins != begins.normalize() or (period in ("month", "quarter", "year") and begins.day != 1):
            raise self.fail(f"a calendar's {period} begins at its first midnight, not at {calendar['startTime']}.")
        return {"window": CALENDARS[period], "calendar": period, "timezone": str(calendar.get("timeZone", ""))}

    def _ratio(self, metric: Mapping[str, Any], share: float) -> dict[str, Any]:
        asked = {role: self._query(metric[role]) for role in ("good", "bad", "total") if role in metric}
        whole = (metric.get("total") or {}).get("metricSource", {}).get("spec", {})
        if "good" in asked and whole.get("bad"):
            asked = {"good": asked["good"], "bad": str(whole["bad"])}
        if len(asked) != 2:
            raise self.fail(f"a ratio needs good or bad, and total; given: {', '.join(asked) or 'none'}.")
        counters = bool(metric.get("counter", False))
        good = "good" in asked
        query = self.noted.get("query") or _ratio_query(asked, counters)
        target = json.loads(self.noted["target"]) if "target" in self.noted else share if good else 1.0 - share
        comparison = self.noted.get("comparison", ">" if good else "<")
        return {"indicator": "ratio", "query": query, "unit": self.noted.get("unit", "ratio"), "target": target,
                "comparison": comparison, "counters": counters, **asked}  # fmt: skip

    def _threshold(self, measured: Mapping[str, Any], threshold: Mapping[str, Any]) -> dict[str, Any]:
        source, raw = measured.get("thresholdMetric"), measured.get("ratioMetric")
        if source is None and raw is None:
            raise self.fail("its indicator has neither a thresholdMetric nor a ratioMetric.")
        if source is None:
            good = raw.get("rawType", "success") == "success"  # type: ignore[union-attr]
            if "timeSliceTarget" not in threshold:
                raise self.fail("a raw ratio tells of no events; give the ratio of a good slice, timeSliceTarget.")
            share = float(threshold["timeSliceTarget"])
            base = {"comparison": ">=" if good else "<=", "target": share if good else 1.0 - share, "unit": "ratio"}
            return {"indicator": "gauge", "query": self._query(raw["raw"]), **base}  # type: ignore[index]
        own = source.get("metricSource", {}).get("spec", {})
        if threshold.get("op") not in OPERATORS or "value" not in threshold:
            raise self.fail("a threshold needs op (lt, lte, gt or gte) and value.")
        named = str(own.get("unit", self.noted.get("unit", "count")))
        fields: dict[str, Any] = {
            "indicator": own.get("indicator", "gauge"),
            "query": self._query(source),
            "unit": named,
            "comparison": OPERATORS[threshold["op"]],
            "target": float(to_base(float(threshold["value"]), named)),
        }
        if float(threshold.get("timeSliceTarget", 1.0)) != 1.0:
            raise self.fail("a slice is judged by its one value: a timeSliceTarget below 1 says nothing of it.")
        fields |= {key: own[key] for key in ("histogram", "quantile") if key in own}
        return fields

    def _query(self, metric: Mapping[str, Any]) -> str:
        spec = (metric.get("metricSource") or {}).get("spec") or {}
        found = spec.get("query") or spec.get("promql") or spec.get("expr")
        if not isinstance(found, str) or not found.strip():
            raise self.fail(f"a metric source needs a query; its spec has {', '.join(map(str, spec)) or 'nothing'}.")
        return found


def _ratio_query(asked: Mapping[str, str], counters: bool) -> str:
    """Write the ratio itself, of what was asked."""
    parts = {role: f"sum(rate({query}[5m]))" if counters else f"({query})" for role, query in asked.items()}
    whole = parts.get("total") or f"({parts['good']} + {parts['bad']})"
    return f"{parts.get('good') or parts['bad']} / {whole}"
