"""Start JupyterLab on the notebooks: without a news prompt, without a check for updates."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from capacity.errors import ConfigError, MissingExtra
from reports import notebooks

__all__ = ["Start", "check_user", "prepare"]

HERE = Path(__file__).resolve().parent
EXTENSIONS = HERE / "labextensions"
"""Where our extension of JupyterLab lies: it draws altair's charts offline, and opens on the notebooks."""

SETTINGS = HERE / "labsettings"
"""In the form of Jupyter's configuration path: Lab reads ``labconfig/default_setting_overrides.json`` below it."""


@dataclass(frozen=True)
class Start:
    """How JupyterLab is started: on which folder, by which command, in which environment."""

    folder: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    copied: tuple[str, ...] = ()

    def run(self) -> None:
        """Become JupyterLab: this process is replaced, so that signals reach it and nothing stands between."""
        os.execve(self.command[0], self.command, self.environment)


def check_user(user: int, *, allow_root: bool) -> None:
    """Raise ConfigError where root (user 0) has not said that JupyterLab may run as root: it would refuse to start."""
    if user == 0 and not allow_root:
        raise ConfigError(
            "JupyterLab does not start as root unless it is told to.",
            hint='Say `capacity lab --allow-root`, or `make lab ARGS="--allow-root"`.',
        )


def prepare(
    folder: Path | None = None, *, browser: bool = True, port: int | None = None, allow_root: bool = False
) -> Start:
    """Return how to start JupyterLab, the notebooks in place.

    In a checkout it opens the checkout's notebooks. Installed from a wheel they are copied into ``folder`` (by default
    ``notebooks`` in the working folder); a file that is there already is the user's, and stays as it is.

    Raises
    ------
    MissingExtra
        JupyterLab is not installed.
    ConfigError
        The folder cannot be made.
    """
    if find_spec("jupyterlab") is None:
        raise MissingExtra("JupyterLab is not installed.", hint="pip install 'capacity-workbench[lab]'")
    shipped = notebooks.folder()
    copied: tuple[str, ...] = ()
    if folder is None and HERE not in shipped.parents:
        folder = shipped
    else:
        folder = folder or Path("notebooks")
        copied = _copy(shipped, folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}", *_quiet()]
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command += [f"--port={port}", "--ServerApp.port_retries=0"]
    if allow_root:
        command.append("--allow-root")
    return Start(folder.absolute(), tuple(command), _environment(), copied)


def _quiet() -> Sequence[str]:
    return (
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        # A wheel installs it for every JupyterLab of its environment; a checkout's own one is the newer.
        f"--LabServerApp.extra_labextensions_path={EXTENSIONS}",
    )


def _environment() -> dict[str, str]:
    paths = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def _copy(shipped: Path, folder: Path) -> tuple[str, ...]:
    """Copy the notebooks that are not in ``folder`` yet, and return their names."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [each for each in sorted(shipped.glob("*.ipynb")) if not (folder / each.name).exists()]
        for each in missing:
            shutil.copyfile(each, folder / each.name)
    except OSError as error:
        raise ConfigError(f"The notebooks cannot be copied to {folder}: {error.strerror}.") from error
    return tuple(each.name for each in missing)
