"""A real Chromium without a network, and what a page did in it: what it asked for, what went wrong, what it drew."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.support.tools import find_chromium

DRAWN_TIMEOUT_MS = 20_000

MARKS = """() => [...document.querySelectorAll("figure[data-chart]")].map((figure) =>
  [...figure.querySelectorAll("svg .role-mark > *")].length)"""
"""For each figure, how many marks its chart has, axes and legends left out."""

ALL_DRAWN = """() => document.querySelectorAll("figure[data-chart]").length
  === Number(document.documentElement.dataset.drawn ?? 0)"""

WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Seen:
    """One page in one browser: ``requests`` other than for the file itself, ``errors`` of console and page."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def drawn(self) -> list[int]:
        """Wait until every chart is drawn; return how many marks each has."""
        self.page.wait_for_function(ALL_DRAWN, timeout=DRAWN_TIMEOUT_MS)
        marks: list[int] = self.page.evaluate(MARKS)
        return marks

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return int(self.page.evaluate(WIDER))

    def ran(self) -> bool:
        """Whether a hostile script has run: the vectors of the tests all set this."""
        return bool(self.page.evaluate("() => globalThis.pwned !== undefined"))


@contextmanager
def chromium() -> Generator[Browser, None, None]:
    """Start Chromium, as root without its sandbox, which root may not have."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(find_chromium()), args=options)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, scripts: bool = True
) -> Generator[Seen, None, None]:
    """Open a file as a reader would, with the network off, and watch what it does."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        offline=True,
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        seen = Seen(page)
        address = path.resolve().as_uri()

        def asked(request: Request) -> None:
            if request.url.split("#")[0] != address and not request.url.startswith(("data:", "blob:")):
                seen.requests.append(request.url)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                seen.errors.append(message.text)

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.goto(address)
        yield seen
    finally:
        context.close()
