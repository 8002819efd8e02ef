"""The digest as HTML that mail clients keep: tables and inline styles, pictures beside it with words for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from reports.deliver import messages as said
from reports.deliver.messages import Message
from reports.deliver.sparks import SIZE, spark

__all__ = ["MOST_BYTES", "Mail", "digest"]

MOST_BYTES = 95_000
"""Gmail cuts what is longer than 102 kB; all of it, pictures included, stays below."""

MOST_PICTURES = 12
MOST_OPEN = 40
TEXT = "font-family:Helvetica,Arial,sans-serif;color:#1c2733;"
CELL = f"{TEXT}padding:6px 12px 6px 0;border-top:1px solid #d8dee4;font-size:14px;vertical-align:top;"
COLOURS = {"critical": "#a61b1b", "warning": "#8a5a00", "capacity": "#1f5a99"}


@dataclass(frozen=True)
class Mail:
    """A digest: its subject, its HTML, and its pictures by the name that the HTML calls them by."""

    subject: str
    html: str
    pictures: Mapping[str, bytes]


def digest(events: Sequence[Message], open_rows: Sequence[Mapping[str, Any]], points: Mapping[str, Any]) -> Mail:
    """Return the digest of some events, with everything that is open below them.

    Parameters
    ----------
    events : sequence of Message
    open_rows : sequence of mapping
        The open findings, the most urgent first, each with its ``key``.
    points : mapping of key to the points of a sparkline
        Of as many as there are.
    """
    pictures: dict[str, bytes] = {}
    for row in open_rows:
        if row["key"] in points and len(pictures) < MOST_PICTURES:
            pictures[f"spark-{len(pictures) + 1}.png"] = spark(points[row["key"]], row.get("usable"))
    held = iter(pictures)
    rows = [_row(row, next(held, "") if row["key"] in points else "") for row in open_rows[:MOST_OPEN]]
    html = _page(events, rows, more=len(open_rows) - len(rows))
    return Mail(said.subject(events), html, pictures)


def _page(events: Sequence[Message], rows: Sequence[str], *, more: int) -> str:
    lines = "".join(
        f'<tr><td style="{CELL}border-left:4px solid {COLOURS[each.severity]};padding-left:10px">'
        f"{escape(said.line(each))}</td></tr>"
        for each in events[: said.MOST]
    )
    rest = f'<p style="{TEXT}font-size:13px">And {more} more.</p>' if more > 0 else ""
    unseen = (
        f"<p style='{TEXT}font-size:13px'>And {len(events) - said.MOST} more.</p>" if len(events) > said.MOST else ""
    )
    links = "".join(
        f'<p style="{TEXT}font-size:14px">The report: {_link(each)}</p>'
        for each in dict.fromkeys(each.report for each in events if each.report)
    )
    table = (
        'role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%" style="border-collapse:collapse"'
    )
    still = f'<h2 style="{TEXT}font-size:16px;margin:24px 0 8px">Open</h2><table {table}>{"".join(rows)}</table>{rest}'
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(events[0].title)}</title></head>'
        f'<body style="margin:0;padding:16px;background:#ffffff"><table {table}><tr><td style="max-width:640px">'
        f'<h1 style="{TEXT}font-size:20px;margin:0 0 12px">{escape(said.subject(events))}</h1>'
        f"<table {table}>{lines}</table>{unseen}{links}{still if rows else ''}"
        f"</td></tr></table></body></html>"
    )


def _link(report: str) -> str:
    shown = escape(report, quote=True)
    return f'<a href="{shown}" style="color:#1f5a99">{shown}</a>' if report.startswith("http") else shown


def _row(row: Mapping[str, Any], picture: str) -> str:
    opened = Message(0, row["key"], "opened", row["severity"], row, {}, "", "")
    words = said.line(opened).replace(" new: ", " ", 1)
    width, height = SIZE
    label = escape(f"History and forecast of {row['title'] or row['resource']} {row['series']}", quote=True)
    image = (
        f'<img src="cid:{picture}" width="{width}" height="{height}" alt="{label}" style="display:block">'
        if picture
        else ""
    )
    return (
        f'<tr><td style="{CELL}">{escape(words)}<br>'
        f'<span style="color:#5a6673;font-size:13px">{escape(str(row.get("reason") or ""))}</span></td>'
        f'<td style="{CELL}" width="{width}">{image}</td></tr>'
    )
