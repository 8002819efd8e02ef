"""The programs that the tests drive: found on PATH, else unpacked from Debian's packages into a cache folder.

Nothing is installed and no service is started: the binaries lie in the cache and run only while a test holds them.
The one exception is Chromium, whose closure is too large to unpack: root gets it from apt, anybody else is told so.
Run as ``python -m tests.support.tools`` it fetches everything, so that no test's time limit pays for a download.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.outer import outer_environment

PACKAGES = {
    "victoria-metrics": "victoria-metrics",
    "vmalert": "victoria-metrics",
    "vmauth": "victoria-metrics",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
"""Program → the Debian package that carries it."""

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
DOWNLOAD_TIMEOUT_S = 300
INSTALL_TIMEOUT_S = 900


class ToolMissing(RuntimeError):
    """A program that the tests need is neither there nor to be had; the message says what to do."""


def find_tool(name: str) -> Path:
    """Return the path of the program ``name`` (a key of `PACKAGES`), ready to run.

    Raises
    ------
    ToolMissing
        When it is not on PATH and could not be unpacked. Never a skip: a test that cannot run has not passed.
    """
    package = PACKAGES[name]
    if on_path := shutil.which(name):
        return Path(on_path)
    folder = cache_folder() / package
    binary = folder / "usr" / "bin" / name
    with _locked(folder):
        if not binary.is_file():
            _unpack(package, folder, wanted=name)
    if not binary.is_file():
        raise ToolMissing(f"Debian's package {package} carries no program {name}; install {name} so that it is on PATH")
    return binary


def find_chromium() -> Path:
    """Return the path of a Chromium: from PATH, else installed by apt when run as root.

    Raises
    ------
    ToolMissing
        When there is none and apt cannot be used.
    """
    if found := _chromium_on_path():
        return found
    command = "apt-get install chromium"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ToolMissing(f"no {', '.join(CHROMIUM_NAMES)} on PATH: install one ({command}, as root) and run again")
    with _locked(cache_folder() / "chromium"):
        if _chromium_on_path() is None:
            _apt(["update"], timeout_s=DOWNLOAD_TIMEOUT_S)
            done = _apt(["install", "-y", "--no-install-recommends", "chromium"], timeout_s=INSTALL_TIMEOUT_S)
            if done.returncode != 0:
                raise ToolMissing(f"{command} failed; install Chromium and run again\n{_said(done)}")
    if found := _chromium_on_path():
        return found
    raise ToolMissing(f"{command} ended well, but no {', '.join(CHROMIUM_NAMES)} is on PATH")


def cache_folder() -> Path:
    """Return the folder that keeps unpacked packages: ``$XDG_CACHE_HOME/capacity-workbench/debian``, made if absent."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "capacity-workbench" / "debian"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _chromium_on_path() -> Path | None:
    found = (shutil.which(name) for name in CHROMIUM_NAMES)
    return next((Path(path) for path in found if path), None)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock beside ``folder``, so that workers which need the same package wait instead of racing."""
    with folder.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _unpack(package: str, folder: Path, *, wanted: str) -> None:
    """Download Debian's ``package`` and unpack it into ``folder``, which appears whole or not at all."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise ToolMissing(
                f"{wanted} is not on PATH, and there is no {program} here to unpack Debian's package {package} with: "
                f"install {wanted} so that it is on PATH, and run again"
            )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{package}-") as scratch:
        archive = _download(package, Path(scratch), wanted=wanted)
        unpacked = Path(scratch) / "unpacked"
        subprocess.run(["dpkg-deb", "-x", str(archive), str(unpacked)], check=True, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def _download(package: str, scratch: Path, *, wanted: str) -> Path:
    """Return the downloaded archive: with the machine's package lists, else with lists of our own."""
    first = _apt(["download", package], folder=scratch)
    if first.returncode != 0:
        own = _own_lists(scratch)
        updated = _apt([*own, "update"], folder=scratch)
        second = _apt([*own, "download", package], folder=scratch)
        if second.returncode != 0:
            raise ToolMissing(
                f"{wanted} is not on PATH, and Debian's package {package} could not be downloaded. Either let apt-get "
                f"reach a mirror, or install {wanted} so that it is on PATH, and run again\n"
                f"{_said(first)}\n{_said(updated)}\n{_said(second)}"
            )
    return next(scratch.glob(f"{package}_*.deb"))


def _own_lists(scratch: Path) -> list[str]:
    """Return apt's options for lists and cache below ``scratch``: what a user who is not root may write."""
    for part in ("lists/partial", "cache/archives/partial"):
        (scratch / part).mkdir(parents=True)
    return ["-o", f"Dir::State::lists={scratch / 'lists'}", "-o", f"Dir::Cache={scratch / 'cache'}"]


def _apt(
    arguments: list[str], *, folder: Path | None = None, timeout_s: float = DOWNLOAD_TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """Run apt-get with the environment from outside the tests; as root without apt's own user, who may not see us."""
    environment = outer_environment() | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the command and the last lines that it printed, for an error's text."""
    lines = (done.stdout + done.stderr).strip().splitlines()[-8:]
    return "\n".join([f"$ {' '.join(done.args)}  (exit code {done.returncode})", *(f"  {line}" for line in lines)])


def main() -> int:
    """Fetch every program and print where it is; the exit code is 1 when one is missing."""
    missing = 0
    for name in (*PACKAGES, "chromium"):
        try:
            path = find_chromium() if name == "chromium" else find_tool(name)
        except ToolMissing as error:
            missing += 1
            print(f"{name}: missing. {error}", file=sys.stderr)
        else:
            print(f"{name}: {path}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
