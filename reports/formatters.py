"""How results look in JupyterLab: a Forecast shows its chart, an Outlook its ladder and table, a Plan its cover.

The types are named, not imported: registering costs nothing until one of them is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from capacity.tables import outlook_html, outlook_rows, plan_html, plan_rows, text_table

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["FORMATTERS", "register"]

Bundle = dict[str, Any]


def register(shell: Any = None) -> bool:
    """Teach IPython to show results; returns whether there is an IPython to teach.

    Parameters
    ----------
    shell : optional
        An IPython shell; by default the running one.
    """
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    if shell is None:
        return False
    for (module, name), shown in FORMATTERS.items():
        shell.display_formatter.mimebundle_formatter.for_type_by_name(module, name, shown)
    return True


def forecast_bundle(forecast: Forecast, **_asked: Any) -> Bundle:
    """Show a forecast as the chart of its first series."""
    from reports import charts, renderer

    return renderer.bundle(charts.forecast(forecast).to_dict())


def outlook_bundle(outlook: Outlook, **_asked: Any) -> Bundle:
    """Show an outlook as its table."""
    return {"text/html": outlook_html(outlook), "text/plain": f"{outlook!r}\n{text_table(outlook_rows(outlook))}"}


def plan_bundle(plan: Plan, **_asked: Any) -> Bundle:
    """Show a plan as its finding and its table."""
    return {"text/html": plan_html(plan), "text/plain": f"{plan.finding}\n{text_table(plan_rows(plan))}"}


FORMATTERS: Mapping[tuple[str, str], Callable[..., Bundle]] = {
    ("capacity.forecast", "Forecast"): forecast_bundle,
    ("capacity.outlook", "Outlook"): outlook_bundle,
    ("capacity.plan", "Plan"): plan_bundle,
}
