"""A plan narrowed to what somebody asks about, and what of it is too likely to go wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity import finding
from capacity.catalog import matches
from capacity.errors import HistoryTooShort, ParameterError, did_you_mean
from capacity.frames import duration_text, series_labels
from capacity.verdicts import CANNOT_JUDGE

if TYPE_CHECKING:
    from capacity.catalog import Catalog
    from capacity.growth import Growth
    from capacity.plan import Plan
    from connectors import Source

__all__ = ["check_as_of", "check_within", "failing", "labels", "labels_text", "narrowed", "nothing_judged", "owned_by"]

MOST_LISTED = 12

_PAIR = re.compile(
    r'[\s,]*(?P<label>[^=,\s][^=,]*?)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^,"][^,]*|))\s*(?:,|$)',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def narrowed(plan: Plan, *, owner: str | None = None, where: Mapping[str, str] | None = None) -> Plan:
    """Return the plan with only the series of an owner, and those that have these labels; its finding follows.

    Raises
    ------
    ParameterError
        No series is left: an answer about nothing must not pass for a good one. The message says what no series has.
    """
    if not owner and not where:
        return plan
    records = plan.table.to_dict("records")
    keep = [(not owner or row["owner"] == owner) and matches(where or {}, row["labels"]) for row in records]
    if not any(keep):
        raise _nobody(records, owner or "", where or {})
    table = plan.table[keep]
    left = set(table["resource"])
    return replace(
        plan,
        table=table,
        finding=finding.sentence(table, catalog=plan.catalog, horizon=plan.horizon),
        forecasts={name: made for name, made in plan.forecasts.items() if name in left},
        outlooks={name: made for name, made in plan.outlooks.items() if name in left},
        growths={name: _grown(made, where or {}) for name, made in plan.growths.items() if name in left},
    )


def check_as_of(as_of: pd.Timestamp | None, source: Source) -> None:
    """Raise ParameterError where ``as_of`` is later than the source's own clock: nobody has samples from the future."""
    if as_of is not None and as_of > (now := source.now()):
        raise ParameterError(
            f"as-of {as_of:%Y-%m-%dT%H:%MZ} lies in the future: {source.name} ends at {now:%Y-%m-%dT%H:%MZ}.",
            hint="Leave it out to plan from the last samples that there are.",
        )


def owned_by(catalog: Catalog, owner: str, resources: Sequence[str] = ()) -> tuple[str, ...]:
    """Return which resources, of these or of all that the catalogue has, are the owner's.

    Raises
    ------
    ParameterError
        None of them is.
    """
    names = resources or tuple(catalog.resources)
    found = tuple(name for name in names if name in catalog.resources and catalog.resources[name].owner == owner)
    if not found:
        owners = sorted({each.owner for each in catalog.resources.values()})
        near = did_you_mean(owner, owners)
        raise ParameterError(f"none of these resources has the owner {owner!r}.{near}", hint=_listed(owners))
    return found


def labels(text: str) -> dict[str, str]:
    """Read labels as a notebook's parameter says them: ``region=eu-west,node="rack 3, left"``.

    Raises
    ------
    ParameterError
        A part of it is no ``label=value``.
    """
    found, at = {}, 0
    while text[at:].strip(", "):
        pair = _PAIR.match(text, at)
        if pair is None:
            part = text[at:].partition(",")[0].strip()
            raise ParameterError(
                f"expected label=value, got {part!r}.",
                hint="Several are separated by commas; a value that has one stands in quotation marks.",
            )
        quoted = pair["quoted"]
        found[pair["label"]] = pair["plain"].strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
        at = pair.end()
    return found


def labels_text(pairs: Mapping[str, str]) -> str:
    """Write labels as `labels` reads them."""
    return ",".join(f"{label}={_quoted(value)}" for label, value in pairs.items())


def _quoted(value: str) -> str:
    """Return a value in quotation marks where it has to have them."""
    plain = value == value.strip() and "," not in value and not value.startswith('"')
    return value if plain else '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def _grown(made: Growth, where: Mapping[str, str]) -> Growth:
    keep = [matches(where, labels) for labels in series_labels(made.table.index)]  # type: ignore[arg-type]
    return replace(made, table=made.table[keep])


def _nobody(records: Sequence[Mapping[Any, Any]], owner: str, where: Mapping[str, str]) -> ParameterError:
    """Return the error that names the first of what was asked for that no series has."""
    owners = sorted({row["owner"] for row in records if row["owner"]})
    if owner and owner not in owners:
        return ParameterError(f"no series has the owner {owner!r}.{did_you_mean(owner, owners)}", hint=_listed(owners))
    held: dict[str, set[str]] = {}
    for row in records:
        for label, value in row["labels"].items():
            held.setdefault(label, set()).add(value)
    for label, value in where.items():
        if label not in held:
            known = sorted(held)
            return ParameterError(f"no series has a label {label!r}.{did_you_mean(label, known)}", hint=_listed(known))
        if value and value not in held[label]:
            known = sorted(held[label])
            near = did_you_mean(value, known)
            return ParameterError(f"no series has {label}={value!r}.{near}", hint=_listed(known))
    asked = [f"{label}={value!r}" for label, value in where.items()] + ([f"the owner {owner!r}"] if owner else [])
    return ParameterError(f"no series has {' and '.join(asked)} together.")


def _listed(known: Sequence[str]) -> str | None:
    """Return the names that there are, as far as a line can hold them."""
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"There are: {', '.join(known[:MOST_LISTED])}{more}." if known else None


def failing(plan: Plan, *, within: pd.Timedelta, risk: float) -> pd.DataFrame:
    """Return the rows that nobody has accepted and whose breach ``within`` that time is likelier than ``risk``.

    Returns
    -------
    DataFrame
        Rows of the plan's table with a column ``chance``. Where the history carries less than ``within``, it is the
        chance within what it carries, which is no more than the whole. A row that cannot be judged is not among them.

    Raises
    ------
    ParameterError
        ``within`` is past the plan's horizon.
    """
    check_within(within, plan.horizon)
    chances = _chances(plan, within)
    keys = zip(plan.table["resource"], map(_key, plan.table["labels"]), strict=True)
    found = plan.table.assign(chance=[chances.get(key, math.nan) for key in keys])
    found.loc[found["verdict"] == "past", "chance"] = 1.0
    return found[(found["chance"] > risk) & (found["accepted"] == "")]


def check_within(within: pd.Timedelta, horizon: pd.Timedelta) -> None:
    """Raise ParameterError where ``within`` is past the horizon: what was not looked at cannot pass."""
    if within > horizon:
        raise ParameterError(
            f"{duration_text(within)} is past the horizon of {duration_text(horizon)}.", hint="Look further."
        )


def nothing_judged(finding: str, verdicts: Iterable[str]) -> HistoryTooShort | None:
    """Return the error of an answer that judges no series at all; None: some are judged.

    To whoever reads exit codes, an answer about nothing must not look like "fine".
    """
    seen = set(verdicts)
    return HistoryTooShort(finding) if seen == {CANNOT_JUDGE} else None


def _chances(plan: Plan, within: pd.Timedelta) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    chances: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for name, outlook in plan.outlooks.items():
        curve = outlook.curve[outlook.curve.index <= outlook.forecast.cutoff + within].ffill()
        for position, labels in enumerate(series_labels(outlook.forecast.columns)):
            chances[name, _key(labels)] = float(curve.to_numpy()[-1, position]) if len(curve) else math.nan
    return chances


def _key(labels: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    """Return what a series is known by: a name is for people, and depends on its neighbours."""
    return frozenset((labels or {}).items())
