"""The cover: what runs out first, when, and how sure that is, on one page that needs no script to be read."""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from capacity._version import __version__
from reports import words
from reports.cover.foot import foot
from reports.cover.markup import Markup, joined, tag
from reports.cover.table import table, tally
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.plan import Plan

__all__ = ["MIME", "bundle", "html"]

# Letters of a finding that fill three lines of a desk's page; a longer one is set smaller.
LONG = 200

MIME = "application/vnd.capacity.cover+html"


def html(plan: Plan, *, title: str = "", source: str = "", command: str = "", most: int = 10) -> str:
    """Return the cover as HTML with inline SVG and its own style: no script, no request; every text in it is escaped.

    Parameters
    ----------
    title
        What stands above the finding; by default the catalogue's title.
    source
        Where the telemetry is, without secrets.
    command
        The command that makes the same report again.
    most
        Rows in the table; the rest are counted.
    """
    found = rows(plan)
    return tag(
        "section",
        tag("style", style()),
        tag("p", _kicker(plan, title), class_="cw-kicker"),
        tag("h1", plan.finding, class_=f"cw-finding{' cw-long' if len(plan.finding) > LONG else ''}"),
        tag("p", _subline(plan, found), class_="cw-sub"),
        tally(found),
        table(found, as_of=plan.as_of, most=most),
        foot(plan, source=source, command=command, version=__version__),
        class_="cw-cover",
        aria_label="Capacity report: cover",
    )


def bundle(plan: Plan, *, title: str = "", source: str = "", command: str = "") -> dict[str, str]:
    """Return the cover as a notebook's output: for the report, for JupyterLab, and as one sentence of text."""
    page = html(plan, title=title, source=source, command=command)
    return {MIME: page, "text/html": page, "text/plain": plan.finding}


@cache
def style() -> Markup:
    """Return the cover's own style, of which every rule is about the cover alone."""
    return Markup(resources.files("reports.cover").joinpath("style.css").read_text(encoding="utf-8"))


def _kicker(plan: Plan, title: str) -> Markup:
    """Name the title, the date that counts as today, how far the plan looks ahead; the source stands in the foot."""
    parts = [title or plan.catalog.title or plan.catalog.name, f"as of {words.day(plan.as_of)}"]
    return joined(*parts, f"next {words.since(plan.horizon)}", by=" · ")


def _subline(plan: Plan, found: tuple[Row, ...]) -> str:
    """Say what was looked at, what could not be judged, and how far the bands may be believed."""
    unknown = sum(row.verdict == "cannot judge" for row in found)
    resources = words.plural(len({row.resource for row in found}), "resource")
    looked = f"{words.plural(len(found), 'series', 'series')} of {resources}"
    judged = "all could be judged" if not unknown else f"{unknown} could not be judged"
    return f"{looked}; {judged}. {calibrated(plan)}"


def calibrated(plan: Plan) -> str:
    """Say in plain words how often past forecasts held what they promised, and how they compare with the naive one."""
    stated = plan.calibration
    folds = int(stated.get("folds", 0))
    if not folds:
        return "The histories are too short for a backtest."
    skill = float(stated.get("skill", math.nan))
    better = f", with {1 - skill:.2f} × the error of repeating last week" if math.isfinite(skill) else ""
    held = f"{100 * float(stated['coverage80']):.0f} of 100 times (promised 80)"
    return f"Past forecasts of this kind held {held}{better}."
