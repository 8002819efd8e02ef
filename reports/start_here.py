"""What the notebook ``quickstart`` calls beside the library itself: the steps that need more than one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import connectors
from capacity.tables import plan_rows
from reports import charts, formatters, renderer, telling
from reports import summary as summaries
from reports.rows import leading, rows

if TYPE_CHECKING:
    from capacity.plan import Plan

__all__ = ["answer", "closest", "connect", "summary"]

MOST = 10


def connect(source: str) -> connectors.Source:
    """Connect to a source; also puts the charts' theme and the formatters of results in use."""
    renderer.enable()
    formatters.register()
    return connectors.connect(source)


def answer(plan: Plan) -> None:
    """Show the finding and the most urgent series."""
    telling.say(plan.finding)
    telling.table(plan_rows(plan)[:MOST])


def closest(plan: Plan) -> None:
    """Show the projection of the most urgent series that has one."""
    drawable = [row for row in leading(rows(plan)) if row.outlook is not None]
    if not drawable:
        telling.say("No series could be projected.")
        return
    first = drawable[0]
    forecast = first.source.forecast
    said = f"{first.name}: {first.reason}."
    history = forecast.history.iloc[:, [first.position]]
    telling.show(
        charts.forecast(forecast, first.source, first.position, title=first.name), said, data=history, name=first.name
    )


def summary(plan: Plan) -> None:
    """Put out the answer for programs; a report without it has not succeeded."""
    telling.put(summaries.bundle(plan))
