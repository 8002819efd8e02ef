"""Notebooks run in a child: good runs are whole, bad runs are told as what they are, and nothing outlives them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reports.runs import run
from reports.truth import judge
from tests.support.checkout import ROOT
from tests.support.pages import DRAW, FINDING, sources

QUICK_S = 60.0
MIB = 2**20


def test_a_good_run_is_whole() -> None:
    """Parameters arrive, outputs are those of a kernel, and the cells' numbers count up from 1."""
    query = 'rate(m{le="+Inf"}[5m]) == 1 and x == "\\d"'
    code = ("print(n + 1)\nprint(query)", "n * 2", "import sys\nprint('warned', file=sys.stderr)", DRAW)
    schema = [{"name": "n", "type": "integer", "default": 3}]
    done = run(
        sources(*code, parameters='n = 3\nquery = ""', schema=schema), {"n": 20, "query": query}, timeout_s=QUICK_S
    )
    assert done.failure is None
    cells = [cell for cell in done.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4, 5, 6, 7]
    stdout, result, stderr, chart = [cell.outputs[0] for cell in cells[2:6]]
    assert (stdout.output_type, stdout.name, stdout.text) == ("stream", "stdout", f"21\n{query}\n")
    assert (result.output_type, result.execution_count, result.data) == ("execute_result", 4, {"text/plain": "40"})
    assert (stderr.name, stderr.text) == ("stderr", "warned\n")
    assert sorted(chart.data) == ["application/vnd.vegalite.v6+json", "text/plain"]
    assert chart.data["text/plain"] == "two points"


def test_displays_are_updated_and_cleared() -> None:
    """What a named display shows last counts, and what was cleared is gone: progress bars leave one line."""
    code = (
        "from IPython.display import clear_output, display",
        "shown = display('first', display_id=True)\nshown.update('second')",
        "print('begun')\nclear_output()\nprint('done')",
    )
    done = run(sources(*code), {}, timeout_s=QUICK_S)
    assert done.failure is None
    outputs = [cell.outputs for cell in done.notebook.cells if cell.cell_type == "code"]
    assert [output.data["text/plain"] for output in outputs[2]] == ["'second'"]
    assert [output.text for output in outputs[3]] == ["done\n"]


CASES = {
    "an exception": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an error of ours": (
        "from capacity.errors import NoData\nraise NoData('No series matches up{}.', hint='See the labels.')",
        "No series matches up{}. See the labels.",
    ),
    "a syntax error": ("plan = (", "SyntaxError"),
    "sys.exit(0)": ("import sys\nsys.exit(0)", "the cell ended the run with sys.exit(0)"),
    "exit": ("exit", "the cell ended the run with sys.exit"),
    "os._exit(0)": ("import os\nos._exit(0)", "the process that ran the notebook ended before the notebook did"),
    "os._exit(3)": ("import os\nos._exit(3)", "ended with exit code 3"),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "SIGSEGV: Fatal Python error: Segmentation fault"),
    "a JSON type with a text's name": (
        "from IPython.display import display\ndisplay({'application/vnd.vegalite.v6.json': {'a': 1}}, raw=True)",
        "put out application/vnd.vegalite.v6.json that is dict",
    ),
    "JSON that is none": (
        "from IPython.display import display\ndisplay({'application/x+json': {'a': float('nan')}}, raw=True)",
        "put out application/x+json that is not JSON",
    ),
    "no MIME type at all": (
        "from IPython.display import display\ndisplay({'chart': 'x'}, raw=True)",
        "not a MIME type",
    ),
    "an awaited timeout": (
        "import asyncio\nawait asyncio.wait_for(asyncio.sleep(9), 0.01)",
        "TimeoutError",
    ),
    "a question": ("input('go on? ')", "EOFError"),
}


@pytest.mark.parametrize(("code", "says"), CASES.values(), ids=CASES)
def test_a_run_that_failed_is_told_as_failed(code: str, says: str) -> None:
    """Each way of failing has its reason, its cell and its line; what ran before is kept, what follows never ran."""
    done = run(sources("print('kept')", code, "print('never')"), {}, timeout_s=QUICK_S)
    assert done.failure is not None
    assert says in done.failure.reason
    assert "\n" not in str(done.failure)
    assert done.failure.cell == 4
    assert done.failure.source == code.splitlines()[0]
    assert done.notebook.cells[2].outputs[0].text == "kept\n"
    assert done.notebook.cells[4].execution_count is None
    assert judge(done.notebook) is not None


def test_a_run_that_takes_too_long_is_ended() -> None:
    """The watch is on the whole run, not on a cell, and ends it within moments."""
    started = time.monotonic()
    done = run(sources(*["import time\ntime.sleep(2)"] * 30), {}, timeout_s=5)
    assert done.failure is not None
    assert done.failure.reason == "the run took longer than 5 s"
    assert done.failure.source == "import time"
    assert time.monotonic() - started < 20


def test_a_run_that_holds_too_much_memory_is_ended() -> None:
    """Memory that is held is watched; the machine's other work is not taken down with it."""
    done = run(
        sources("held = bytearray(900 * 2**20)\nimport time\ntime.sleep(30)"),
        {},
        timeout_s=QUICK_S,
        memory_bytes=500 * MIB,
    )
    assert done.failure is not None
    assert done.failure.reason == "the run held more than 500 MiB of memory"


def test_an_absurd_allocation_is_an_error_in_its_cell() -> None:
    """What could never be held is refused before it is touched."""
    done = run(sources("held = bytearray(200 * 2**30)"), {}, timeout_s=QUICK_S)
    assert done.failure is not None
    assert done.failure.reason == "MemoryError"


def test_a_notebook_without_a_summary_has_failed() -> None:
    """All cells well and no summary: it is not the report that it should be."""
    done = run(sources("1", summary=False), {}, timeout_s=QUICK_S)
    assert done.failure is not None
    assert "no summary" in done.failure.reason


def test_nothing_that_a_notebook_started_outlives_it() -> None:
    """A process that a cell forked and forgot ends with the run, and does not hold it up."""
    started = time.monotonic()
    done = run(sources("import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)"), {}, timeout_s=QUICK_S)
    assert done.failure is None
    assert time.monotonic() - started < 30
    pid = int(done.notebook.cells[2].outputs[0].text)
    assert gone(pid)


def test_the_child_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A runner that is killed leaves no notebook running."""
    told = tmp_path / "pid"
    code = f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    starter = f"from tests.support.pages import sources; from reports.runs import run; run(sources({code!r}), {{}})"
    parent = subprocess.Popen([sys.executable, "-c", starter], cwd=ROOT, start_new_session=True)
    try:
        wait_for(lambda: told.exists() and told.read_text() != "")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert gone(int(told.read_text()))
    finally:
        if parent.poll() is None:
            parent.kill()
            parent.wait()


def test_the_childs_modules_are_those_that_it_needs() -> None:
    """No Jupyter server, and none of what makes starting one slow, is in the process that makes a report."""
    code = "import sys\nprint(*(name for name, module in sys.modules.items() if module))"
    done = run(sources(code), {}, timeout_s=QUICK_S)
    loaded = {name.split(".")[0] for name in done.notebook.cells[2].outputs[0].text.split()}
    assert loaded & {"jupyter_server", "jupyter_events", "rfc3987_syntax", "ipykernel", "vl_convert"} == set()


def test_a_child_cannot_be_shadowed_by_the_folder_it_works_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is the caller's, for relative paths; a file there called capacity.py is not the package."""
    (tmp_path / "capacity.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "data.txt").write_text("here")
    monkeypatch.chdir(tmp_path)
    done = run(sources("from pathlib import Path\nprint(Path('data.txt').read_text())"), {}, timeout_s=QUICK_S)
    assert done.failure is None
    assert done.notebook.cells[2].outputs[0].text == "here\n"


def test_runs_share_what_is_loaded_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second child comes from the same loaded process, and has neither the first one's names nor its variables."""
    code = "import os\nprint(os.getppid(), os.getenv('LEFT'), 'mine' in globals())\nos.environ['LEFT'] = mine = '1'"
    first, second = (run(sources(code), {}, timeout_s=QUICK_S) for _ in range(2))
    one, two = (done.notebook.cells[2].outputs[0].text.split() for done in (first, second))
    assert one == two
    assert one[1:] == ["None", "False"]
    monkeypatch.setenv("LEFT", "later")  # what is set after the first run reaches the next
    assert run(sources(code), {}, timeout_s=QUICK_S).notebook.cells[2].outputs[0].text.split()[1] == "later"


def test_a_nursery_that_was_killed_is_started_anew() -> None:
    """Somebody ends the process that forks: the run in it is told as failed, and the next one is good."""
    code = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(30)"
    failed = run(sources(code), {}, timeout_s=QUICK_S)
    assert failed.failure is not None
    assert "was ended by SIGKILL" in failed.failure.reason
    assert run(sources("1"), {}, timeout_s=QUICK_S).failure is None


def test_two_runs_at_once_do_not_meet() -> None:
    """Each thread's run has its own child, outputs and end."""
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda n: run(sources("print(n)"), {"n": n}, timeout_s=QUICK_S), range(4)))
    assert [one.failure for one in done] == [None] * 4
    assert [one.notebook.cells[3].outputs[0].text for one in done] == ["0\n", "1\n", "2\n", "3\n"]


def test_progress_is_told_by_cell_and_heading() -> None:
    """Whoever waits is told how many cells are done, of how many, and under which heading."""
    told: list[tuple[int, int, str]] = []
    run(sources("1"), {}, timeout_s=QUICK_S, progress=lambda *said: told.append(said))
    assert told == [(0, 3, "A small notebook"), (1, 3, "A small notebook"), (2, 3, "A small notebook")]


def test_plain_papermill_runs_the_same_notebook(tmp_path: Path) -> None:
    """With an ordinary kernel and papermill's own command the notebook comes to the same summary."""
    from tests.support.pages import saved

    source = saved(sources("import reports\nreports.enable_renderer()", DRAW), tmp_path / "small.ipynb")
    out = tmp_path / "out.ipynb"
    papermill = [sys.executable, "-m", "papermill", str(source), str(out), "-p", "n", "5", "--no-progress-bar"]
    done = subprocess.run(papermill, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    from reports.notebooks import read
    from reports.pages import summaries

    assert judge(read(out)) is None
    assert [one["finding"] for one in summaries(read(out))] == [FINDING]


def gone(pid: int) -> bool:
    """Wait until a process is gone (or a zombie that nobody has buried yet); return whether it is."""

    def ended() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    return wait_for(ended)


def wait_for(condition: object, *, most_s: float = 20.0) -> bool:
    """Wait until ``condition()`` is true; return whether it became so in time."""
    assert callable(condition)
    end = time.monotonic() + most_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
