"""Tables of results as text and as HTML, for a terminal and a notebook; everything that came from a label is escaped.

Values stand in base units everywhere else; here they are scaled for a person. Dates are those of a series' region.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity import dates
from capacity.frames import duration_text, series_labels
from capacity.naming import series_names
from capacity.provenance import UNKNOWN
from capacity.units import human
from capacity.verdicts import VERDICTS, percent

if TYPE_CHECKING:
    from capacity.growth import Growth
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = [
    "counted",
    "growth_html",
    "growth_rows",
    "html_table",
    "more",
    "outlook_html",
    "outlook_rows",
    "plan_html",
    "plan_rows",
    "text_table",
    "verdict_text",
]

Rows = Sequence[Mapping[str, str]]

# A notebook's cell shows this many rows; the rest is counted, and stands in `.table`.
SHOWN = 50


def verdict_text(word: str) -> str:
    """Write a verdict with its sign: ``"! order now"``. A sign or a colour alone is no answer."""
    return f"{VERDICTS[word].sign} {word}"


def counted(name: str, words: pd.Series) -> str:
    """Return ``"Outlook(62 series: 3 breach, 59 fine)"``."""
    counts = words.value_counts()
    order = sorted(counts.index, key=lambda word: (VERDICTS[word].rank if word in VERDICTS else 0, word))
    inside = ", ".join(f"{counts[word]} {word}" for word in order)
    return f"{name}({len(words)} series{': ' if inside else ''}{inside})"


def outlook_rows(outlook: Outlook) -> list[dict[str, str]]:
    """Return an outlook's table as text, a row a series, in its order."""
    base = _bases(outlook.forecast.units, outlook.table)
    names = series_names(series_labels(outlook.forecast.columns))
    sizes = dict(outlook.sizes.iterrows())
    return [
        {"series": names[position], **_judged(row, base[position], size=sizes.get(row.name))}
        for position, (_, row) in enumerate(outlook.table.iterrows())
    ]


def plan_rows(plan: Plan) -> list[dict[str, str]]:
    """Return a plan's table as text, a row a series, the most urgent first."""
    sizes = dict(plan.sizes.iterrows())
    return [
        {
            "resource": str(row["title"]),
            "series": str(row["series"]),
            **_judged(row, str(row["unit"]), zone=plan.catalog.timezone_of(row["labels"]), size=sizes.get(index)),
            "owner": str(row["owner"]),
            "accepted": str(row["accepted"]),
        }
        for index, row in plan.table.iterrows()
    ]


def growth_rows(growth: Growth) -> list[dict[str, str]]:
    """Return a growth's table as text, a row a series, in its order."""
    base = _bases(growth.units, growth.table)
    names = series_names(series_labels(growth.table.index))  # type: ignore[arg-type]
    period = duration_text(growth.period)
    return [
        {
            "series": names[position],
            "now": human(row["now"], base[position]),
            "a day": human(row["rate_per_day"], base[position]),
            "80 %": f"{human(row['low'], base[position])} – {human(row['high'], base[position])}",
            "a week": human(7 * row["rate_per_day"], base[position]),
            "a year": human(365.25 * row["rate_per_day"], base[position]),
            "in 30 d": _signed(row["relative_30d"]),
            "doubles in": "–" if pd.isna(row["doubling_time"]) else f"{row['doubling_time'].days:,} d",
            f"last {period}": _signed(row["change"]),
            "step": _step(row, base[position]),
            "direction": str(row["direction"]),
        }
        for position, (_, row) in enumerate(growth.table.iterrows())
    ]


def outlook_html(outlook: Outlook) -> str:
    """Return an outlook as an HTML table."""
    return html_table(outlook_rows(outlook), caption=repr(outlook))


def plan_html(plan: Plan) -> str:
    """Return a plan as its finding and an HTML table."""
    return html_table(plan_rows(plan), caption=plan.finding)


def growth_html(growth: Growth) -> str:
    """Return a growth as an HTML table."""
    return html_table(growth_rows(growth), caption=repr(growth))


def html_table(rows: Rows, *, caption: str = "", shown: int = SHOWN) -> str:
    """Return rows of text as an HTML table, every cell escaped; the first ``shown`` of them, and how many are left."""
    names = list(rows[0]) if rows else []
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(row[name])}</td>" for name in names) + "</tr>" for row in rows[:shown]
    )
    rest = f"<p>… and {len(rows) - shown} more.</p>" if len(rows) > shown else ""
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f'<table class="capacity">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}'


def text_table(rows: Rows, *, names: Sequence[str] | None = None) -> str:
    """Return rows of text as lines with aligned columns; control characters are shown as spaces.

    Parameters
    ----------
    rows : sequence of mappings of column to text
    names : sequence of str, optional
        Which columns, in which order. None: those of the first row.
    """
    if not rows:
        return "(nothing)"
    wanted = list(names if names is not None else rows[0])
    lines = [wanted, *([_plain(row[name]) for name in wanted] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(wanted))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _judged(row: pd.Series[Any], base: str, *, zone: str = "UTC", size: pd.Series[Any] | None = None) -> dict[str, str]:
    day: Callable[[str], str] = lambda name: dates.day(row[name], zone=zone)  # noqa: E731
    return {
        "verdict": verdict_text(row["verdict"]),
        "now": human(row["now"], base),
        "limit": f"{human(row['limit'], base)}{' soft' if row.get('limit_kind') == 'soft' else ''}",
        "reserve": _taken(row["reserve"], base),
        "buffer": _taken(row["buffer"], base),
        "usable": human(row["usable"], base),
        "headroom": human(row["headroom"], base),
        "probability": "true already" if row["verdict"] == "past" else percent(row["probability"]),
        "breach 10 %": day("breach_p10"),
        "50 %": day("breach_p50"),
        "90 %": day("breach_p90"),
        "order by": dates.day(row["order_by"]),
        "add": "" if size is None else more(size, base, limit=row["limit"]),
        "reason": str(row["reason"]),
    }


def _taken(amount: float, base: str) -> str:
    return f"−{human(amount, base)}" if amount > 0 else ""


def more(size: Mapping[str, Any] | pd.Series[Any], base: str, *, limit: float) -> str:
    """Write how much to add: ``"1.5 TiB more (3 × 512 GiB)"``; nothing where nothing is needed.

    Of what is planned as a share or as a time nobody buys an amount: ``"11 % more of it"``, ``"a limit of 72 ms"``.
    """
    if pd.isna(size["add"]) or size["add"] <= 0:
        return ""
    if base == "ratio":
        share = 100 * size["add_share"]
        return f"{share:.0f} % more of it" if share >= 10 else f"{share:.1f} % more of it"
    if base == "seconds":
        return f"a limit of {human(limit + size['add'], base)}"
    units = size["units"]
    each = f" ({units:.0f} × {human(size['add'] / units, base)})" if units >= 1 else ""
    return f"{human(size['add'], base)} more{each}"


def _bases(units: Mapping[str, str], table: pd.DataFrame) -> list[str]:
    stated = [units.get(str(metric), UNKNOWN) for metric in table.index.get_level_values(0)]
    return ["" if base == UNKNOWN else base for base in stated]


def _step(row: pd.Series[Any], base: str) -> str:
    if not row["steps"]:
        return ""
    more = f" and {row['steps'] - 1} more" if row["steps"] > 1 else ""
    return f"{'+' if row['step'] > 0 else ''}{human(row['step'], base)} on {dates.day(row['stepped_at'])}{more}"


def _signed(share: float) -> str:
    return "–" if pd.isna(share) else f"{100 * share:+.1f} %".replace("-", "−")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
