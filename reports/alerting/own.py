"""The workbench's own health: reports that do not come are told, by whoever still watches.

The series are those of `reports.schedule.health`, scraped or collected from its text file.
"""

from __future__ import annotations

import pandas as pd

from reports.alerting.rules import Example, Group, Rule

__all__ = ["group"]

MINUTE = pd.Timedelta(minutes=1)
HALF_AN_HOUR_S = 1_800
LOG = "Read the log: journalctl -u capacity.service, or kubectl logs of the last job."
LIST = "See `capacity schedule list`: what is due, and why the last run failed."


def group() -> Group:
    """Return the alerts about the workbench itself."""
    return Group("capacity-workbench", MINUTE, (_stopped(), _overdue(), _failing(), _undelivered()))


def _stopped() -> Rule:
    series = "capacity_tick_timestamp_seconds"
    return Rule(
        name="CapacityTickStopped",
        expr=f"time() - max({series}) > {HALF_AN_HOUR_S}",
        for_=5 * MINUTE,
        severity="warning",
        channel="slack",
        summary="The workbench has not looked for due reports for half an hour",
        description="The last tick was {{ $value | humanizeDuration }} ago.",
        means="The timer, the cron daemon or the CronJob that runs `capacity run --due` does not, or it fails at once. "
        "No report is made, and no alert over forecasts is fresh.",
        actions=("See whether the timer is active: systemctl list-timers capacity.timer.", LOG),
        example=Example({series: "0x120"}, {series: "0+60x120"}, pd.Timedelta(minutes=60)),
    )


def _overdue() -> Rule:
    series = 'capacity_report_expected_timestamp_seconds{schedule="weekly"}'
    return Rule(
        name="CapacityReportOverdue",
        expr="time() - capacity_report_expected_timestamp_seconds > 0",
        for_=5 * MINUTE,
        severity="warning",
        channel="slack",
        summary="A scheduled report has not come",
        description="{{ $labels.schedule }} is {{ $value | humanizeDuration }} late.",
        means="The report was due, and there is no good one for that instant, retries included.",
        actions=(LIST, LOG, "Run `capacity run --due SCHEDULE` by hand when the cause is mended."),
        example=Example({series: "600x120"}, {series: "999999x120"}, pd.Timedelta(minutes=60)),
    )


def _failing() -> Rule:
    series = 'capacity_report_last_run_failed{schedule="weekly"}'
    return Rule(
        name="CapacityReportFailing",
        expr="capacity_report_last_run_failed > 0",
        for_=15 * MINUTE,
        severity="warning",
        channel="slack",
        summary="A scheduled report fails",
        description="{{ $labels.schedule }}: the last run failed. The last good report stands.",
        means="The notebook did not come to a good end. As far as it came it is kept, in the report's folder `failed`.",
        actions=("Open the newest notebook in the report's folder `failed`: its first cell says why.", LIST),
        example=Example({series: "1x120"}, {series: "0x120"}, pd.Timedelta(minutes=60)),
    )


def _undelivered() -> Rule:
    series = 'capacity_undelivered{delivery="slack"}'
    return Rule(
        name="CapacityUndelivered",
        expr="capacity_undelivered > 0",
        for_=30 * MINUTE,
        severity="warning",
        channel="email",
        summary="Findings could not be delivered",
        description="{{ $value }} wait for {{ $labels.delivery }}.",
        means="A channel has refused what was sent to it, again and again.",
        actions=("See what it said: `capacity schedule list --json`.", "See whether its address is still good."),
        example=Example({series: "3x120"}, {series: "0x120"}, pd.Timedelta(minutes=60)),
    )
