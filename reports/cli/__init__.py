"""The command line: ``capacity VERB …``. A thin skin over the library; a verb is a file with `HELP`, `options`, `run`.

Data goes to stdout, the log and progress to stderr. Exit codes: 0 fine · 1 an error of the tree, in one line (``-v``
shows where) · 2 wrong usage · 3 only where ``--fail-within`` was given and a breach is too likely · 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

from capacity._version import __version__
from capacity.errors import CapacityError, did_you_mean
from reports.cli import options

__all__ = ["VERBS", "main", "parser"]

VERBS = (
    "demo",
    "init",
    "doctor",
    "pull",
    "snapshot",
    "report",
    "outlook",
    "slo",
    "lint",
    "lab",
    "run",
    "schedule",
    "rules",
    "write-back",
    "dashboards",
)

NEGATIVE = re.compile(r"-\.?\d")

FAILED, USAGE, TOO_LIKELY, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 130, 141


class _Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line, with what was probably meant."""

    verbs: Mapping[str, argparse.ArgumentParser]

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        words = sys.argv[1:] if args is None else list(args)
        given, unknown = self.parse_known_args(_negative_values(words), namespace)
        if unknown:
            verb = self.verbs[given.verb]
            known = [option for action in verb._actions for option in action.option_strings]
            option = unknown[0].partition("=")[0]
            verb.error(f"unknown argument {unknown[0]!r}.{did_you_mean(option, known)}")
        return given

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(action.choices)
            raise argparse.ArgumentError(
                action, f"there is no {value!r}.{did_you_mean(str(value), known)} There are: {', '.join(known)}"
            )


def _negative_values(words: Sequence[str]) -> list[str]:
    """Tie a value such as ``-3d`` to its option: argparse would take it for an option of its own."""
    tied: list[str] = []
    for word in words:
        if NEGATIVE.match(word) and tied and tied[-1].startswith("--") and "=" not in tied[-1] and tied[-1] != "--":
            tied[-1] += f"={word}"
        else:
            tied.append(word)
    return tied


def parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    top = _Parser(prog="capacity", description="Know what runs out, when, and how sure that is.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"capacity-workbench {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    top.verbs = verbs.choices
    for name in VERBS:
        module = import_module(f"reports.cli.{name.replace('-', '_')}")
        verb = verbs.add_parser(name, help=module.HELP, description=module.__doc__, allow_abbrev=False)
        module.options(verb)
        options.common(verb)
        verb.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        given = parser().parse_args(arguments)
        return _guarded(given.run, given)
    except KeyboardInterrupt:
        print("capacity: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; what is still buffered goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _guarded(run: Callable[[argparse.Namespace], int], given: argparse.Namespace) -> int:
    """Run a verb; an error that a person can act on becomes one line and exit 1."""
    options.configure_logging(verbose=given.verbose)
    try:
        code = run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (CapacityError, OSError) as error:
        if given.verbose:
            traceback.print_exc()
        print(f"capacity {given.verb}: {_told(error)}", file=sys.stderr)
        return FAILED
    return code


def _told(error: CapacityError | OSError) -> str:
    if isinstance(error, OSError) and not isinstance(error, CapacityError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
