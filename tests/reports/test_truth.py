"""When a run is good: every cell run, none in error, a summary at the end."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from reports.truth import Failure, judge
from tests.support.pages import ran, shown, summary


def test_a_whole_run_is_good() -> None:
    """Cells with numbers, outputs without errors, and a summary: nothing to object to."""
    assert judge(ran(shown(text_plain="1"), summary())) is None


def test_a_cell_that_was_not_run_fails_the_run() -> None:
    """Whatever papermill says of it: a cell without a number was not run."""
    notebook = ran(shown(text_plain="1"), summary())
    notebook.cells[1].execution_count = None
    assert judge(notebook) == Failure("the cell was never run", cell=2, source="secret_code()")


def test_an_error_output_fails_the_run() -> None:
    """An exception that a cell put out is the reason, with its kind."""
    error = new_output("error", ename="ValueError", evalue="no such region", traceback=[])
    assert judge(ran(shown(text_plain="1"), error, summary())) == Failure(
        "ValueError: no such region", 3, "secret_code()"
    )


def test_a_run_without_a_summary_fails() -> None:
    """A notebook that was cut short, by sys.exit or by a crash, never came to its summary."""
    failed = judge(ran(shown(text_plain="1")))
    assert failed is not None
    assert failed.cell is None
    assert "no summary" in failed.reason


@pytest.mark.parametrize("value", [[], "text", 3, None], ids=repr)
def test_a_summary_is_an_object(value: Any) -> None:
    """Something else under the summary's name is no summary."""
    from reports.pages import SUMMARY
    from tests.support.pages import display

    assert judge(ran(display(SUMMARY, value))) is not None


def test_a_report_about_nothing_is_no_good_run() -> None:
    """Where no series at all could be judged, the finding is the reason; one that was judged is enough."""
    nothing = "None of 2 series can be judged: 2 too short."
    assert judge(ran(summary(finding=nothing, verdicts={"cannot judge": 2}))) == Failure(nothing)
    assert judge(ran(summary(verdicts={"cannot judge": 2, "fine": 1}))) is None


def test_what_has_no_code_need_not_run() -> None:
    """Markdown, and code cells in which nothing stands, have no number."""
    notebook = ran(summary())
    notebook.cells += [new_code_cell("  \n"), new_markdown_cell("words")]
    assert judge(notebook) is None


def test_a_failure_says_where_in_one_line() -> None:
    """Reason, number of the cell, and its first line of code, cut to what fits."""
    assert (
        str(Failure("it broke", 4, "plan = capacity.plan(pulled)"))
        == "it broke [cell 4 (plan = capacity.plan(pulled))]"
    )
    notebook = ran(new_output("error", ename="E", evalue="", traceback=[]))
    notebook.cells[1].source = "# a comment\n" + "x" * 100
    assert str(judge(notebook)) == f"E [cell 2 ({'x' * 59}…)]"
