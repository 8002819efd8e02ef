"""A real JupyterLab, started by `capacity lab`, and a real Chromium that reaches nothing but this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from tests.support.checkout import BIN
from tests.support.tools import find_chromium

START_S = 60.0
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@contextmanager
def started(folder: Path, *, state: Path) -> Generator[str, None, None]:
    """Yield the address, token included, of a Lab on ``folder`` that keeps its workspaces below ``state``."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = state / "lab.log"
    command = [BIN / "capacity", "lab", folder, "--no-browser", "--allow-root", "--port", str(port)]
    environment = {**os.environ, "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"), "HOME": str(state)}
    with log.open("wb") as kept:
        process = subprocess.Popen(command, cwd=state, stdout=subprocess.DEVNULL, stderr=kept, env=environment)
    with process:
        try:
            yield f"http://127.0.0.1:{port}/lab?token={_token(log, process)}"
        finally:
            process.terminate()
            process.wait(30)


def _token(log: Path, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        lines = [line for line in log.read_text().splitlines() if "?token=" in line]
        if lines:
            return lines[0].split("?token=")[1].strip()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextmanager
def browsed(address: str) -> Generator[tuple[Page, list[str]], None, None]:
    """Yield the page at ``address``, and what went wrong on it: errors, and requests to anywhere else."""
    options = [ONLY_HERE, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    wrong: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(find_chromium()), args=options)
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.on("console", said)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda asked: wrong.append(asked.url) if _elsewhere(asked.url) else None)
            page.goto(address)
            yield page, wrong
        finally:
            browser.close()


def _elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))


def write_notebook(path: Path, *cells: str, title: str, described: Mapping[str, object] | None = None) -> None:
    """Write a notebook that begins with a title; one that is described declares itself to be of capacity planning."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    if described is not None:
        book.metadata["capacity"] = dict(described)
    book.cells = [nbformat.v4.new_markdown_cell(f"# {title}"), *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    nbformat.write(book, path)
