"""A report appears whole or not at all, and a run that failed leaves the last good one as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from capacity.errors import ParameterError, ReportError, RunFailed
from reports import publish, render
from reports.notebooks import read
from reports.pages import SUMMARY
from reports.truth import Failure
from tests.support.pages import FINDING, chart, ran, saved, sources, summary


def names(folder: Path) -> list[str]:
    """Return the names of what is in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())


def test_a_report_is_published_whole(tmp_path: Path) -> None:
    """The file holds what was given, nothing else is left in the folder, and others may read it as any file."""
    out = tmp_path / "report.html"
    publish.publish(out, b"first")
    publish.publish(out, b"second")
    assert out.read_bytes() == b"second"
    assert names(tmp_path) == ["report.html"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


def test_a_reader_never_sees_half_a_report(tmp_path: Path) -> None:
    """Who has the old report open keeps it: the new one is another file under the same name."""
    out = tmp_path / "report.html"
    publish.publish(out, b"old" * 1000)
    with out.open("rb") as reading:
        publish.publish(out, b"new" * 1000)
        assert reading.read() == b"old" * 1000
    assert out.read_bytes() == b"new" * 1000


def test_a_folder_that_is_a_file_is_told_before_anything_runs(tmp_path: Path) -> None:
    """Where nothing can be written is one clear line, with the path."""
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "report.html", tmp_path / "file" / "deeper" / "report.html"):
        with pytest.raises(ReportError, match=r"report\.html cannot be written: .+\. Choose another place"):
            publish.check_target(out)


def test_a_folder_where_nobody_may_write_is_told() -> None:
    """Not even root may make a file there."""
    with pytest.raises(ReportError, match="cannot be written"):
        publish.check_target(Path("/proc/report.html"))


def test_a_report_is_a_file(tmp_path: Path) -> None:
    """A folder's name as the target is told, with what to say instead."""
    with pytest.raises(ReportError, match=r"is a folder; a report is a file\. Say .+report\.html"):
        publish.check_target(tmp_path)


def test_the_folder_is_made(tmp_path: Path) -> None:
    """A report may go where there is no folder yet."""
    publish.check_target(tmp_path / "a" / "b" / "report.html")
    assert names(tmp_path / "a" / "b") == []


def test_a_failed_notebook_is_kept_with_its_reason(tmp_path: Path) -> None:
    """It opens as a notebook; its first cell and its metadata say why it failed, in words that cannot be markup."""
    reason = "No series <script>alert(1)</script> matches"
    notebook = ran(chart(), summary())
    path = publish.keep_failed(tmp_path / "report.html", notebook, Failure(reason, 2, "pull()"))
    kept = read(path)
    assert path.name == "report.failed.ipynb"
    assert kept.metadata["capacity"]["failed"] == f"{reason} [cell 2 (pull())]"
    assert kept.cells[0].source.endswith(f"\n    {reason} [cell 2 (pull())]")
    assert len(kept.cells) == len(notebook.cells) + 1
    assert "capacity" not in notebook.metadata


def test_a_good_run_replaces_the_failed_one(tmp_path: Path) -> None:
    """What stands beside a report tells of the last run alone."""
    out = tmp_path / "report.html"
    publish.keep_failed(out, ran(summary()), Failure("it broke"))
    publish.publish(out, b"good")
    assert names(tmp_path) == ["report.html"]


def test_a_notebook_becomes_a_report(tmp_path: Path) -> None:
    """From a path to a page: the summary comes back, and the result is a path where a path is wanted."""
    notebook = saved(sources("n * 2"), tmp_path / "small.ipynb")
    made = render(notebook, {"n": "21"}, out=tmp_path / "out" / "small.html")
    assert made.finding == FINDING
    assert made.summary == {"finding": FINDING, "title": "A small report"}
    assert Path(made) == tmp_path / "out" / "small.html"
    assert "<pre>42</pre>" in Path(made).read_text()
    assert "<title>A small report</title>" in Path(made).read_text()


def test_a_failed_run_leaves_the_last_good_report(tmp_path: Path) -> None:
    """The report's bytes and time are what they were; the error says why, and where to find what."""
    out = tmp_path / "small.html"
    notebook = saved(sources("1 / (n - 4)"), tmp_path / "small.ipynb")
    render(notebook, {"n": 3}, out=out)
    before = (out.read_bytes(), out.stat().st_mtime_ns)
    with pytest.raises(RunFailed) as told:
        render(notebook, {"n": 4}, out=out)
    assert (out.read_bytes(), out.stat().st_mtime_ns) == before
    failed = tmp_path / "small.failed.ipynb"
    assert str(told.value) == (
        f"small failed: ZeroDivisionError: division by zero [cell 4 (1 / (n - 4))] "
        f"How far it came: {failed}. The last good report is still {out}."
    )
    assert read(failed).metadata["capacity"]["failed"].startswith("ZeroDivisionError")


def test_a_chart_that_cannot_be_drawn_fails_before_anything_is_published(tmp_path: Path) -> None:
    """The notebook ran, but its page could not be made: the last report stays."""
    out = tmp_path / "small.html"
    out.write_text("the last good one")
    code = f"""from IPython.display import display
display({{"application/vnd.vegalite.v6+json": {{"mark": "nonsense"}}, "text/plain": "a chart"}}, raw=True)
display({{"{SUMMARY}": {{"finding": "x"}}}}, raw=True)"""
    with pytest.raises(ReportError, match="The chart 'a chart' cannot be compiled"):
        render(saved(sources(code, summary=False), tmp_path / "small.ipynb"), out=out)
    assert out.read_text() == "the last good one"
    assert names(tmp_path) == ["small.html", "small.ipynb"]


def test_nothing_runs_for_a_parameter_that_is_not_declared(tmp_path: Path) -> None:
    """The check comes first: no file is touched, no folder made."""
    notebook = saved(sources("open('ran', 'w')"), tmp_path / "small.ipynb")
    with pytest.raises(ParameterError, match="declares no parameter 'm'"):
        render(notebook, {"m": 1}, out=tmp_path / "out" / "small.html")
    assert names(tmp_path) == ["small.ipynb"]
