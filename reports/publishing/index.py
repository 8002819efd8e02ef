"""The pages that list what is published: plain HTML without a script, and every word of a report taken as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from capacity.verdicts import VERDICTS

if TYPE_CHECKING:
    from reports.publishing.place import Entry

__all__ = ["of_all", "of_report"]

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-top: 1px solid #8888; }
td.when { white-space: nowrap; font-variant-numeric: tabular-nums; }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def of_all(reports: Mapping[str, Sequence[Entry]], *, latest: str) -> str:
    """Return the page of all reports: each with its newest finding."""
    rows = [
        _row(f"{name}/{latest}", found[-1].title or name, found[-1], more=(f"{name}/index.html", f"all {len(found)}"))
        for name, found in reports.items()
    ]
    return _page("Reports", ("Report", "As of", "Finding", "Series", "Earlier"), rows)


def of_report(name: str, entries: Sequence[Entry], *, latest: str) -> str:
    """Return the page of one report: every run that is kept, the newest first."""
    rows = [_row(f"{each.folder}/report.html", each.title or name, each) for each in reversed(entries)]
    head = f'<p><a href="{escape(latest)}">The newest</a> · <a href="../index.html">all reports</a></p>'
    return _page(name, ("Report", "As of", "Finding", "Series"), rows, head=head)


def _row(link: str, title: str, entry: Entry, more: tuple[str, str] | None = None) -> str:
    counts = ", ".join(f"{_sign(word)} {count} {escape(word)}" for word, count in entry.verdicts.items())
    cells = [
        f'<td><a href="{escape(link)}">{escape(title)}</a></td>',
        f'<td class="when">{entry.instant:%Y-%m-%d %H:%M} UTC</td>',
        f"<td>{escape(entry.finding)}</td>",
        f"<td>{counts}</td>",
    ]
    if more is not None:
        cells.append(f'<td><a href="{escape(more[0])}">{escape(more[1])}</a></td>')
    return f"<tr>{''.join(cells)}</tr>"


def _sign(word: str) -> str:
    return VERDICTS[word].sign if word in VERDICTS else ""


def _page(title: str, heads: Sequence[str], rows: Sequence[str], *, head: str = "") -> str:
    columns = "".join(f'<th scope="col">{each}</th>' for each in heads)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>{head}<table><thead><tr>{columns}</tr></thead>\n"
        f"<tbody>{chr(10).join(rows)}</tbody></table></main></body></html>\n"
    )
