"""To whom an event goes, and when: critical at once, warnings after a wait, capacity gathered in a digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from reports.ledger.findings import Event
from reports.ledger.store import Store, text
from reports.settings import Delivery

if TYPE_CHECKING:
    from capacity.catalog import Catalog

__all__ = ["Policy", "policies", "post"]

ORDER = ("critical", "warning", "capacity")
EPOCH = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True)
class Policy:
    """What a delivery takes: events of a severity, ``after`` a wait, or gathered every ``digest``."""

    delivery: Delivery
    severity: str
    after: pd.Timedelta
    digest: pd.Timedelta | None

    def not_before(self, now: pd.Timestamp) -> pd.Timestamp:
        """Return when an event of now may be sent: a digest's at the next whole multiple of its length."""
        if self.digest is None:
            return now + self.after
        return EPOCH + (-((EPOCH - now) // self.digest)) * self.digest


def policies(deliveries: Mapping[str, Delivery], catalog: Catalog) -> dict[str, Policy]:
    """Return the policy of each delivery: as the configuration says, else as the catalogue's channel of that name."""
    found = {}
    for name, delivery in deliveries.items():
        channel = catalog.channels.get(name)
        severity = delivery.severity or (channel.severity if channel else ORDER[-1])
        after = delivery.after if delivery.after is not None else channel.after if channel else pd.Timedelta(0)
        digest = delivery.digest or (channel.digest if channel else None)
        found[name] = Policy(delivery, severity, after, digest)
    return found


def post(
    store: Store, events: Iterable[Event], policies: Sequence[Policy], *, now: pd.Timestamp, report: str, title: str
) -> int:
    """Put events into the outbox, each for the deliveries of its severity, and return how many are new.

    Where a schedule has no delivery of a severity, the next one down takes its events: nothing is lost for want of a
    pager. What is closed before it was told is told to nobody.
    """
    posted = 0
    for event in events:
        for policy in _takers(event.severity, policies):
            name = policy.delivery.name
            if event.kind == "closed" and _recalled(store, name, event.key):
                continue
            body = {"row": event.row, "before": event.before, "report": report, "title": title}
            posted += bool(
                store.add(
                    "outbox",
                    delivery=name,
                    event=event.number,
                    key=event.key,
                    kind=event.kind,
                    severity=event.severity,
                    body=json.dumps(body, ensure_ascii=False),
                    made=text(now),
                    not_before=text(policy.not_before(now)),
                )
            )
    return posted


def _takers(severity: str, policies: Sequence[Policy]) -> list[Policy]:
    for each in ORDER[ORDER.index(severity) :]:
        if found := [policy for policy in policies if policy.severity == each]:
            return found
    return []


def _recalled(store: Store, delivery: str, key: str) -> bool:
    """Take back what was not sent yet about a finding; whether its opening was among it."""
    waiting = "delivery = ? AND key = ? AND state = 'waiting' AND attempts = 0"
    opening = store.rows(f"SELECT id FROM outbox WHERE {waiting} AND kind = 'opened'", delivery, key)
    store.do(f"UPDATE outbox SET state = 'dropped' WHERE {waiting}", delivery, key)
    return bool(opening)
