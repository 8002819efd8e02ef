"""The report on real input: `capacity report` against a real VictoriaMetrics, looked at by a real browser, offline."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from capacity.catalog_load import load_catalog
from tests.support import nab
from tests.support.browser import chromium, opened
from tests.support.checkout import run, told
from tests.support.nab import AS_OF, FOLDER
from tests.support.servers import VictoriaMetrics, victoriametrics_server

CATALOG = FOLDER / "catalog.toml"


def report(server: VictoriaMetrics, out: Path, *more: str) -> Path:
    """Return the report that the command has written."""
    command = ["capacity", "report", "capacity_overview", "--source", server.url, "--catalog", str(CATALOG), *more]
    done = run([*command, "-o", str(out)], folder=out.parent)
    assert done.returncode == 0, told(done)
    assert done.stdout.splitlines()[-1].endswith(out.name), told(done)
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report at the cutoff, which looks two weeks ahead; its server is gone by then."""
    folder = tmp_path_factory.mktemp("real")
    with victoriametrics_server(folder) as server:
        server.import_lines(nab.import_lines(nab.series()))
        return report(server, folder / "out.html", "--as-of", AS_OF.isoformat(), "--horizon", "14d")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_chart_of_the_report_is_drawn_offline(page: Path, width: int, dark: bool) -> None:
    """With the network blocked each chart has marks; nothing is asked for, nothing goes wrong, nothing sticks out."""
    with chromium() as browser, opened(browser, page, width=width, dark=dark) as seen:
        marks = seen.drawn()
        assert len(marks) >= len(load_catalog(CATALOG).resources)
        assert min(marks) > 0
        assert seen.requests == []
        assert seen.errors == []
        assert seen.overflow() == 0


def test_the_report_names_what_was_planned(page: Path) -> None:
    """Each resource stands in the report, and how many series there are, and the server that they came from."""
    text = page.read_text()
    catalog = load_catalog(CATALOG)
    assert [resource.title for resource in catalog.resources.values() if resource.title not in text] == []
    assert f"{len(nab.series())} series of {len(catalog.resources)} resources" in text
    assert "http://127.0.0.1:" in text


def test_the_report_of_today(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Asked for no date the report is of today: here the real series have their cutoff at this hour."""
    now = pd.Timestamp.now("UTC").floor("h")
    fresh_victoriametrics.import_lines(nab.import_lines(nab.series(now), until=now))
    out = report(fresh_victoriametrics, tmp_path / "out.html")
    with chromium() as browser, opened(browser, out) as seen:
        assert min(seen.drawn()) > 0
        assert seen.requests == []
        assert seen.errors == []
