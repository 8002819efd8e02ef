"""The command line as a whole: help, usage, exit codes, interruption, and what goes to which stream."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from reports.cli import VERBS
from reports.cli.output import Progress
from tests.support.checkout import BIN, told
from tests.support.command import answering, capacity, errors, refused


def test_the_version_is_told(tmp_path: Path) -> None:
    """`capacity --version` names the package and its version."""
    from capacity import __version__

    assert capacity(tmp_path, "--version").stdout == f"capacity-workbench {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb: str, tmp_path: Path) -> None:
    """Each verb says what it does and takes --json."""
    done = capacity(tmp_path, verb, "--help")
    assert done.returncode == 0, told(done)
    assert "--json" in done.stdout
    assert verb in capacity(tmp_path, "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "capacity: the following arguments are required: VERB"),
        (("outlok",), "there is no 'outlok'. Did you mean 'outlook'?"),
        (("outlook", "--sorce", "demo:"), "capacity outlook: unknown argument '--sorce'. Did you mean '--source'?"),
        (("outlook", "--horizon", "0"), "argument --horizon: duration '0' is not a duration."),
        (("outlook", "--horizon", "0d"), "argument --horizon: duration '0d' is not positive."),
        (("outlook", "--as-of", "yesterdy"), "argument --as-of:"),
        (("outlook", "--as-of", "11/10/2026"), "argument --as-of: time '11/10/2026' is not an instant."),
        (("outlook", "--horizon", "-3d"), "--horizon: a duration must be positive, like 90d, and '-3d' is negative"),
        (("outlook", "--horizon=-3d"), "--horizon: a duration must be positive, like 90d, and '-3d' is negative"),
        (("outlook", "--risk", "-0.1"), "--risk: expected a probability from 0 to below 1, got '-0.1'"),
        (("outlook", "--risk", "2"), "argument --risk: expected a probability from 0 to below 1, got '2'"),
        (("outlook", "--where", "region"), "argument --where: expected key=value, got 'region'"),
        (("report",), "capacity report: the following arguments are required: NAME"),
        (("report", "x", "-p", "seed"), "argument -p/--parameter: expected key=value, got 'seed'"),
        (("pull",), "the following arguments are required: --into"),
        (("init",), "the following arguments are required: --source"),
        (("lab", "--port", "99999"), "expected a port from 1 to 65535, got '99999'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """What cannot be understood is told in one line, with what was probably meant, and leaves nothing behind."""
    assert said in refused(tmp_path, *arguments, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_port_is_one_line(tmp_path: Path) -> None:
    """Nothing listens there: the address is named, and what to look at."""
    with answering(200) as url:
        pass
    assert url in refused(tmp_path, "outlook", "--source", url)


def test_a_wrong_host_is_one_line(tmp_path: Path) -> None:
    """A name that no server has is told as that."""
    assert "no-such-host.invalid" in refused(tmp_path, "outlook", "--source", "http://no-such-host.invalid:8428")


@pytest.mark.parametrize("verb", [("outlook",), ("report", "capacity_overview")])
@pytest.mark.parametrize("address", ["127.0.0.1:36669", "vm:8428", "vm.example:8428/select/0/prometheus"])
def test_an_address_without_a_scheme_is_told_with_one(address: str, verb: tuple[str, ...], tmp_path: Path) -> None:
    """What somebody copies from a browser's line lacks http:// before it."""
    assert f"Did you mean 'http://{address}'?" in refused(tmp_path, *verb, "--source", address)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [("outlook",), ("report", "capacity_overview"), ("pull", "--into", "pulled")])
def test_a_date_in_the_future_is_refused(verb: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody has samples from it, and a plan from today under that date would be a lie."""
    said = refused(tmp_path, *verb, "--source", "demo:", "--as-of", "2031-01-01")
    assert "as-of 2031-01-01T00:00Z lies in the future: demo: ends at 2026-11-01T00:00Z." in said


def test_progress_is_told_to_a_terminal_alone_and_leaves_nothing() -> None:
    """In a file not a letter; on a terminal one line that fits it, and at the end no line."""
    file, terminal = io.StringIO(), _Terminal()
    for stream in (file, terminal):
        with Progress(stream) as progress:
            progress(1, 3, "disk: " + 300 * "x")
            progress(2, 3, "disk: paths")
    assert file.getvalue() == ""
    *lines, last = terminal.getvalue().split("\r\033[K")
    assert [line for line in lines if line][-1] == "disk: paths 2/3"
    assert max(len(line) for line in lines) < shutil.get_terminal_size().columns
    assert last == ""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("url", ["vm:8428", "ftp://vm", "127.0.0.1:8428", "http://"])
def test_what_is_no_source_is_one_line(url: str, tmp_path: Path) -> None:
    """A URL of no kind that is known, or of no server."""
    refused(tmp_path, "outlook", "--source", url)


def test_a_server_that_lets_nobody_in_is_one_line_without_the_secret(tmp_path: Path) -> None:
    """A 401 is told with the server's name, and the token that was sent is told nowhere, not even with -v."""
    with answering(401) as url:
        said = refused(tmp_path, "outlook", "--source", url, CAPACITY_TOKEN="s3cret-token")
        more = capacity(tmp_path, "outlook", "-v", "--source", url, CAPACITY_TOKEN="s3cret-token")
    assert "401" in said
    assert url in said
    assert "Traceback" in more.stderr
    assert "s3cret" not in said + more.stderr + more.stdout


def test_a_catalogue_with_a_typing_error_is_one_line(tmp_path: Path) -> None:
    """The file, the line, the key, and what was probably meant."""
    (tmp_path / "mine.toml").write_text('name = "mine"\n[resources.a]\nqery = "x"\n')
    said = capacity(tmp_path, "outlook", "--catalog", "mine.toml")
    assert said.returncode == 1
    assert "line 3, resources.a.qery: unknown key. Did you mean 'query'?" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_catalogue_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """The nearest built-in name is suggested."""
    assert "Did you mean 'dwcp'?" in refused(tmp_path, "outlook", "--catalog", "dwpc")
    said = refused(tmp_path, "outlook", "--catalog", "catalog.toml")
    assert "`capacity init --source URL -o catalog.toml` drafts one." in said


def test_ctrl_c_ends_in_one_line_and_130(tmp_path: Path) -> None:
    """Interrupted while a server does not answer: one word, no traceback."""
    asked = threading.Event()
    with answering(200, wait=asked) as url:
        process = subprocess.Popen(
            [BIN / "capacity", "outlook", "--source", url],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert asked.wait(60)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, "", "capacity: interrupted")


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    """The pipe behind us is closed: nothing is said, and the code is the one of SIGPIPE."""
    one = '[resources.disk]\nquery = "dwcp_disk_used_bytes"\nunit = "bytes"\nlead_time = "1d"\nowner = "me"\n'
    (tmp_path / "one.toml").write_text('name = "one"\n' + one)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [BIN / "capacity", "doctor", "--json", "--catalog", "one.toml"],
            cwd=tmp_path,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, errors(done)) == (141, [])
