"""`capacity lab`: JupyterLab on the notebooks, quiet about news and updates."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from capacity.errors import ConfigError
from reports import notebooks
from reports.lab import check_user, prepare
from tests.support.checkout import BIN, ROOT, run

START_S = 60.0


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return bytes(answer.read())


def test_it_starts_on_copies_and_asks_for_no_news(tmp_path: Path) -> None:
    """A real JupyterLab answers on the port, on the folder, with news and the check for updates switched off."""
    port = free_port()
    command = [BIN / "capacity", "lab", "mine", "--no-browser", "--allow-root", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True)
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == str(tmp_path / "mine")
            token = token_of(tmp_path / "log", process)
            base = f"http://127.0.0.1:{port}"
            settings = json.loads(
                asked(f"{base}/lab/api/settings/@jupyterlab/apputils-extension:notification?token={token}")
            )
            defaults = {key: each.get("default") for key, each in settings["schema"]["properties"].items()}
            assert (defaults["fetchNews"], defaults["checkForUpdates"]) == ("false", False)
            assert b'"news": {"disabled": true}' in asked(f"{base}/lab?token={token}")
        finally:
            process.terminate()
            process.wait(30)


def token_of(log: Path, process: subprocess.Popen[str]) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        lines = [line for line in log.read_text().splitlines() if "?token=" in line]
        if lines:
            return lines[0].split("?token=")[1].strip()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_root_is_told_how_to_start_it() -> None:
    """JupyterLab refuses to run as root with a page of log; what to say stands in one line instead."""
    with pytest.raises(ConfigError, match='make lab ARGS="--allow-root"'):
        check_user(0, allow_root=False)
    check_user(0, allow_root=True)
    check_user(1000, allow_root=False)


def test_make_lab_passes_options_through() -> None:
    """ARGS reaches the command."""
    done = run(["make", "-n", "lab", "ARGS=--allow-root --port 8888"], folder=ROOT)
    assert "capacity lab --allow-root --port 8888" in done.stdout


def test_notebooks_of_ones_own_are_kept(tmp_path: Path) -> None:
    """A file that is in the folder already stays as it is; the others are copied, once."""
    names = [f"{name}.ipynb" for name in notebooks.names()]
    (tmp_path / names[0]).write_text("mine")
    assert prepare(tmp_path).copied == tuple(names[1:])
    assert prepare(tmp_path).copied == ()
    assert (tmp_path / names[0]).read_text() == "mine"


def test_a_checkout_is_worked_on_in_place() -> None:
    """Without a folder the checkout's own notebooks are opened, and nothing is copied."""
    start = prepare(browser=False)
    assert start.folder == notebooks.folder()
    assert "--no-browser" in start.command
    assert start.copied == ()
