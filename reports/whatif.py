"""A panel of sliders for JupyterLab: more growth, more capacity, a longer lead time, and what they do to the date.

The sliders ask `capacity.scenario`, which fits and draws nothing anew, so that chart and date follow the hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity.errors import CapacityError, MissingExtra, ParameterError
from capacity.provenance import UNKNOWN
from capacity.scenario import one_series, scenario
from capacity.units import axis
from reports import charts, renderer, words
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["Assumptions", "answer", "panel"]

DAY = pd.Timedelta(days=1)
WIDE = "34rem"


@dataclass(frozen=True)
class Assumptions:
    """What the panel's controls stand at: shares, whole days, and capacity in the unit of the chart's axis."""

    growth: float = 0.0
    added: float = 0.0
    added_on: date | None = None
    lead_days: int = 21
    risk: float = 0.1


def answer(outlook: Outlook, asked: Assumptions, *, name: str) -> tuple[str, dict[str, Any]]:
    """Return the answer in a sentence, and the chart's specification.

    Parameters
    ----------
    outlook : Outlook
        Of one series.
    asked : Assumptions
    name : str
        What the chart is called.
    """
    found = scenario(
        outlook,
        growth=asked.growth,
        added=asked.added * _unit(outlook)[0],
        added_on=pd.Timestamp(asked.added_on, tz="UTC") if asked.added_on else None,
        lead_time=asked.lead_days * DAY,
        risk=asked.risk,
    )
    row = rows(found)[0]
    said = f"{row.sign} {row.verdict}: {charts.projection.finding(row)}"
    if words.known(row.order_by):
        said += f"; order by {words.day(row.order_by)}"
    with _unchecked():
        spec: dict[str, Any] = charts.forecast(found.forecast, found, title=name).to_dict(validate=False)
    return f"{said}.", spec


def panel(result: Outlook | Plan, series: object = None) -> Any:
    """Return a panel of sliders over one series: growth, added capacity and its date, lead time and risk.

    Parameters
    ----------
    result : Outlook or Plan
    series : column, name or position, optional
        Of an outlook; by default, and of a plan, the most urgent that can be judged.

    Raises
    ------
    MissingExtra
        ipywidgets is not installed.
    ParameterError
        The series is not there, or cannot be judged, or none can.
    """
    try:
        import ipywidgets
    except ImportError as error:
        raise MissingExtra("The panel needs ipywidgets.", hint="pip install 'capacity-workbench[lab]'") from error
    row = _chosen(rows(result), series)
    return _built(ipywidgets, one_series(row.source, row.position), row.name)


def _chosen(found: Sequence[Row], series: object) -> Row:
    """Return the row that is meant: by name or position, or the most urgent that can be judged."""
    known = [row for row in found if row.outlook is not None]
    if series is None:
        known = [row for row in known if row.verdict != "cannot judge"]
        if not known:
            raise ParameterError("None of the series can be judged, so there is nothing to ask about.")
        return known[0]
    outlook = known[0].source if known else None
    if outlook is None or any(row.outlook is not outlook for row in known):
        raise ParameterError("A plan's series are asked about by resource.", hint='For example plan.outlooks["disk"].')
    place = outlook.forecast.place(series)
    return next(row for row in known if row.position == place)


def _unit(outlook: Outlook) -> tuple[float, str]:
    """Return what a unit of the chart's axis is in base units, and its sign."""
    base = outlook.forecast.units.get(str(outlook.forecast.columns[0][0]), UNKNOWN)
    return axis("" if base == UNKNOWN else base, float(outlook.table["limit"].iloc[0]))


def _built(widgets: Any, outlook: Outlook, name: str) -> Any:
    factor, sign = _unit(outlook)
    limit = float(outlook.table["limit"].iloc[0]) / factor
    lead = round(outlook.lead_time / DAY)
    layout = {"width": WIDE}
    style = {"description_width": "11rem"}
    common = {"layout": layout, "style": style, "continuous_update": True}
    controls = {
        "growth": widgets.FloatSlider(
            0.0, min=-0.5, max=3.0, step=0.05, description="More growth a year", readout_format="+.0%", **common
        ),
        "added": widgets.FloatSlider(
            0.0, min=0.0, max=2 * limit, step=limit / 50, description=f"Added ({sign})" if sign else "Added", **common
        ),
        "added_on": widgets.DatePicker(
            value=(outlook.forecast.cutoff + outlook.lead_time).date(),
            description="Usable from",
            layout=layout,
            style=style,
        ),
        "lead_days": widgets.IntSlider(lead, min=0, max=max(180, 2 * lead), description="Lead time (days)", **common),
        "risk": widgets.FloatSlider(
            outlook.risk, min=0.01, max=0.5, step=0.01, description="Risk put up with", readout_format=".0%", **common
        ),
    }
    said, drawn = widgets.Label(), widgets.Output()

    def asked(_changed: Any = None) -> None:
        try:
            said.value, spec = answer(
                outlook, Assumptions(**{key: one.value for key, one in controls.items()}), name=name
            )
        except CapacityError as error:
            said.value = str(error)
            return
        shown = renderer.bundle(spec, static=False)
        drawn.outputs = ({"output_type": "display_data", "data": shown, "metadata": {}},)

    for control in controls.values():
        control.observe(asked, names="value")
    asked()
    box = widgets.VBox([*controls.values(), said, drawn])
    box.add_class("capacity-whatif")
    return box


def _unchecked() -> AbstractContextManager[None]:
    """Let altair build a chart of ours without checking it against its schema: tests do, and a slider cannot wait."""
    from altair.utils.schemapi import debug_mode

    found: AbstractContextManager[None] = debug_mode(False)
    return found
