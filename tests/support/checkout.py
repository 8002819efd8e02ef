"""The checkout under test: its files, and its commands run the way a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def files(*patterns: str) -> list[Path]:
    """Return the checkout's files that git knows or would add, those that match ``patterns`` alone if any are given."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = (ROOT / name for name in said.stdout.split("\0") if name)
    return sorted(path for path in found if path.is_file())


def run(
    command: str | list[str], *, folder: Path, environment: Mapping[str, str] | None = None, timeout_s: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` (text: in a shell) in ``folder``, with the programs of the tests' environment first on PATH."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**os.environ, "PATH": path, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a finished command was and said, for an assertion's message."""
    command = done.args if isinstance(done.args, str) else " ".join(map(str, done.args))
    return f"$ {command}\nexit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
