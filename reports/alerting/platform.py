"""The platform's own alerts, as its catalogue states them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from reports.alerting.rules import Example, Group, Rule

if TYPE_CHECKING:
    from capacity.catalog import Alert, Catalog

__all__ = ["group"]

INTERVAL = pd.Timedelta(seconds=30)
RATE = pd.Timedelta(minutes=15)
"""So long after its ``for`` an example is looked at: its rates have had their windows by then."""


def group(catalog: Catalog) -> Group:
    """Return the alerts of a catalogue."""
    return Group(f"{catalog.name}-platform", INTERVAL, tuple(_rule(each) for each in catalog.alerts.values()))


def _rule(alert: Alert) -> Rule:
    example = Example(alert.fires, alert.quiet, alert.for_ + RATE) if alert.fires and alert.quiet else None
    return Rule(
        name=alert.name,
        expr=alert.expr,
        for_=alert.for_,
        severity=alert.severity,
        channel=alert.channel,
        summary=alert.summary,
        description="{{ range $label, $is := $labels }}{{ $label }}={{ $is }} {{ end }}is at {{ $value }}.",
        means=alert.means,
        actions=alert.actions,
        example=example,
    )
