"""A notebook that has run, as one HTML file: no request, no script but its own, the same bytes for the same notebook.

The order in which it happens: nbconvert fills our template (text, tables, an empty figure for each chart), every text
that came out of a cell is filtered on the way; then style, data, the charts' runtime and the policy that allows nothing
else are put in their places. They come last because nbconvert reads the whole page through a parser once.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

from reports import pack
from reports.clean import clean_cover, clean_html
from reports.pages import COVER, SUMMARY, TABLE, Page, page_of
from reports.vega import MIME, Shelf

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["ReportExporter", "to_html"]

PRIORITY = [
    COVER,
    SUMMARY,
    TABLE,
    MIME,
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/plain",
]
"""The kinds of output that a report shows; of an output that has several, the first of these."""

DATA = '<details class="data" data-of="'
FIRST_HEADING = re.compile(r"<(/?)h1([\s>])")

SILENT = (COVER, SUMMARY, TABLE)
"""The cover stands at the page's head already, the summary is for programs, exact figures go into files beside it."""


def to_html(
    notebook: NotebookNode,
    *,
    name: str = "report",
    beside: tuple[str, ...] = (),
    changed: tuple[str, tuple[str, ...]] = ("", ()),
) -> str:
    """Return a notebook that has run as one self-contained page.

    Parameters
    ----------
    notebook : NotebookNode
        With its outputs. What it put on stderr, and its code, are left out.
    name : str
        What it is called in error messages, and its title if it states none.
    beside : tuple of str
        Names of files that lie beside the page, with the exact figures; the page leads to them.
    changed : tuple
        A heading and lines on what changed since the last report, shown beneath the cover.

    Raises
    ------
    ReportError
        A chart cannot be drawn in a report; the message says which, and why.
    """
    text, _ = ReportExporter(page=page_of(notebook, name=name), beside=beside, changed=changed).from_notebook_node(
        notebook
    )
    return str(text)


class ReportExporter(HTMLExporter):
    """nbconvert's HTML exporter with our template, our filters, and nothing that it would load from elsewhere."""

    def __init__(
        self,
        *,
        page: Page,
        beside: tuple[str, ...] = (),
        changed: tuple[str, tuple[str, ...]] = ("", ()),
        **settings: Any,
    ) -> None:
        self.page, self.beside, self.changed = page, beside, changed
        self.shelf, self.titled = Shelf(), bool(page.covers)
        folder = str(Path(str(resources.files("reports").joinpath("templates"))))
        settings |= {"template_name": "capacity", "extra_template_basedirs": [folder], "exclude_anchor_links": True}
        super().__init__(**settings)  # type: ignore[no-untyped-call]

    @property
    def default_config(self) -> Config:
        """The defaults of nbconvert, with the kinds of output that a report shows."""
        config: Config = super().default_config
        config.merge(Config({"NbConvertBase": {"display_data_priority": PRIORITY}}))
        return config

    def default_filters(self) -> Any:
        """All filters that the template may call."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "capacity_clean", clean_html
        yield "capacity_cover", clean_cover
        yield "capacity_headed", self.headed
        yield "capacity_outputs", self.outputs_html

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and nbconvert's resources."""
        self.shelf, self.titled = Shelf(), bool(self.page.covers)
        filled, known = super().from_notebook_node(
            nb, {**(resources or {}), "page": self.page, "beside": _links(self.beside), "changed": self.changed}, **kw
        )
        return _whole(filled, self.shelf), known

    def headed(self, html: str) -> str:
        """Let the page have one first heading: the cover's, else the first that a cell has; the others step down."""
        if self.titled:
            return FIRST_HEADING.sub(r"<\1h2\2", html)
        self.titled = "<h1" in html
        before, found, after = html.partition("</h1>")
        return before + found + FIRST_HEADING.sub(r"<\1h2\2", after)

    def outputs_html(self, cell: NotebookNode) -> str:
        """Return what a cell shows; charts of a cell tagged ``grid`` stand side by side where there is room."""
        parts: list[str] = [""]
        data = ""  # what a chart says stands right beneath it, and what it is drawn from comes after that
        for html in (self.output_html(output) for output in cell.outputs):
            if html.startswith("<figure"):
                parts[-1] += data
                figure, mark, rest = html.partition(DATA)
                parts.append(figure)
                data = mark + rest
            else:
                parts[-1] += html
                if html:
                    parts[-1], data = parts[-1] + data, ""
        parts[-1] += data
        if "grid" not in cell.metadata.get("tags", ()):
            return "\n".join(parts)
        return f'<div class="grid">{"".join(f"<div>{part}</div>" for part in parts if part)}</div>'

    def output_html(self, output: NotebookNode) -> str:
        """Return one output of a cell as HTML; what is not shown is an empty string."""
        if output.output_type == "stream":
            return f"<pre>{escape(output.text)}</pre>" if output.name == "stdout" and output.text.strip() else ""
        if output.output_type not in ("display_data", "execute_result"):
            return ""
        kind = next((kind for kind in PRIORITY if kind in output.data), None)
        if kind is None or kind in SILENT:
            return ""
        return self._shown(kind, output.data[kind], words=str(output.data.get("text/plain", "")))

    def _shown(self, kind: str, data: Any, *, words: str) -> str:
        if kind == MIME:
            return self._figure(data, words)
        if kind == "text/html":
            return f'<div class="output">{clean_html(data)}</div>'
        if kind == "text/markdown":
            return f'<div class="output words">{clean_html(self.markdown(data))}</div>'
        if kind.startswith("image/"):
            return _picture(kind, data, words)
        return f"<pre>{escape(data)}</pre>"

    def markdown(self, text: str) -> str:
        """Return Markdown as HTML, not yet filtered."""
        return str(
            self.environment.call_filter("markdown2html", text, context=self.environment.from_string("").new_context())
        )

    def _figure(self, chart: dict[str, Any], words: str) -> str:
        number = self.shelf.add(chart, name=words or self.page.name)
        label = escape(words, quote=True)
        named = f'role="img" aria-label="{label}" tabindex="0" data-chart="{number}"'
        data = f'{DATA}{number}" hidden><summary>The data of this chart</summary></details>'
        return f'<figure {named}><div class="canvas"></div></figure>{data}'


def _links(files: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return each file's address, relative to the page, and its name."""
    return tuple((f"./{quote(file)}", file) for file in files)


def _picture(kind: str, data: str, words: str) -> str:
    """Show a picture from its bytes; an SVG too is only ever a picture, in which nothing runs."""
    svg = kind == "image/svg+xml"
    encoded = base64.b64encode(data.encode("utf-8")).decode("ascii") if svg else "".join(data.split())
    label = "" if words.startswith("<") else escape(words, quote=True)  # a bare object's own name says nothing
    source = f"data:{kind};base64,{escape(encoded, quote=True)}"
    return f'<figure class="pictured"><img class="picture" alt="{label}" src="{source}"></figure>'


def _whole(page: str, shelf: Shelf) -> str:
    """Put style, data, scripts and policy into the page's places."""
    style = _text("assets", "page.css") + _text("cover", "style.css")
    scripts = (_text("assets", "page.js"), _text("assets", "runtime.js")) if shelf.charts else ()
    policy = pack.policy(scripts=scripts, styles=(style,))
    places = {
        "policy": f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">',
        "style": f"<style>{style}</style>",
        "scripts": _scripts(shelf) if scripts else "",
    }
    for place, content in places.items():
        page = page.replace(f"<!--capacity:{place}-->", content, 1)
    return page


def _scripts(shelf: Shelf) -> str:
    """Return the data and the runtime, packed, and the script that unpacks them."""
    parts = {"capacity-data": pack.packed(shelf.text()), "capacity-runtime": _packed_runtime()}
    blocks = [f'<script type="application/gzip" id="{key}">{text}</script>' for key, text in parts.items()]
    page = _text("assets", "page.js")
    return "\n".join([*blocks, f"<script>{page}</script>"])


@cache
def _text(*path: str) -> str:
    return resources.files("reports").joinpath(*path).read_text(encoding="utf-8")


@cache
def _packed_runtime() -> str:
    return pack.packed(_text("assets", "runtime.js"))
