"""The schedules of capacity.toml: list them, install what runs them, or print a Kubernetes CronJob that does."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import note, print_json

if TYPE_CHECKING:
    from reports.config import Config

HELP = "list the schedules, or install what runs them"
ACTIONS = "list · install (systemd or cron) · k8s · metrics (the health of all this, in Prometheus' text format)"
UNITS = Path("/etc/systemd/system")


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument("action", choices=("list", "install", "k8s", "metrics"), help=ACTIONS)
    group = verb.add_argument_group("install")
    group.add_argument("--cron", action="store_true", help="print a line for crontab instead of systemd's units")
    group.add_argument("--into", type=Path, metavar="FOLDER", help=f"where the units go (default: {UNITS})")
    group = verb.add_argument_group("k8s")
    group.add_argument("--image", default="capacity-workbench:latest", metavar="NAME", help="the container's image")
    group.add_argument("--claim", default="capacity-reports", metavar="NAME", help="the volume claim of the reports")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    config = shared.configuration(given)
    return {"list": _list, "install": _install, "k8s": _kubernetes, "metrics": _metrics}[given.action](given, config)


def _list(given: argparse.Namespace, config: Config) -> int:
    import pandas as pd

    from capacity.tables import text_table
    from reports.schedule.status import status

    found = status(config, now=pd.Timestamp.now(tz="UTC").as_unit("us"))
    if given.json:
        print_json([vars(each) for each in found])
        return 0
    rows = [
        {
            "schedule": each.schedule,
            "notebook": each.notebook,
            "cron": f"{each.cron} {each.timezone}",
            "next": f"{each.next:%Y-%m-%d %H:%M}" + (" (now)" if each.due else ""),
            "last good": "–" if each.good is None else f"{each.good:%Y-%m-%d %H:%M}",
            "last failure": each.failure or "–",
        }
        for each in found
    ]
    print(text_table(rows) if rows else "Nothing is scheduled.")
    return 0


def _install(given: argparse.Namespace, config: Config) -> int:
    from reports.schedule.install import cron_line, systemd_units

    folder = (config.path.parent if config.path else Path()).resolve()
    command = [_program(), "run", "--due", "--config", str((config.path or folder / "capacity.toml").resolve())]
    environment = folder / "capacity.env"
    if given.cron:
        print(cron_line(command, folder=folder, environment=environment))
        return 0
    published = [] if "://" in config.published else [Path(config.published).resolve()]
    out = config.out.resolve()
    out.mkdir(parents=True, exist_ok=True)  # systemd refuses a unit whose writable folder is not there
    units = systemd_units(
        command,
        folder=folder,
        environment=environment,
        writable=list(dict.fromkeys([out, *published])),
        memory_bytes=_memory(config),
    )
    into = given.into or UNITS
    into.mkdir(parents=True, exist_ok=True)
    for name, text in units.items():
        (into / name).write_text(text, encoding="utf-8")
        print(into / name)
    note("now: systemctl daemon-reload && systemctl enable --now capacity.timer")
    return 0


def _kubernetes(given: argparse.Namespace, config: Config) -> int:
    from reports.schedule.install import kubernetes

    timeout_s = sum(each.timeout.total_seconds() for each in config.schedules.values()) or 3600.0
    text = kubernetes(
        image=given.image,
        claim=given.claim,
        config="capacity",
        secret="capacity",
        files=_files(config),
        memory_bytes=_memory(config),
        timeout_s=timeout_s,
    )
    print(text, end="")
    return 0


def _files(config: Config) -> list[str]:
    """Return the names of the configuration and of the catalogue that lies beside it, if one does."""
    catalog = Path(config.catalog)
    named = [config.path.name if config.path else "capacity.toml"]
    return [*named, catalog.name] if catalog.suffix == ".toml" else named


def _metrics(given: argparse.Namespace, config: Config) -> int:
    import pandas as pd

    from reports.ledger.store import Store
    from reports.schedule.health import exposition
    from reports.schedule.tick import ledger_of

    with Store.open(ledger_of(config)) as store:
        text = exposition(config, store, now=pd.Timestamp.now(tz="UTC")).decode("utf-8")
    if given.json:
        print_json({"metrics": text})
    else:
        print(text, end="")
    return 0


def _memory(config: Config) -> int:
    """Return what the tick may hold: what the largest run may, and half a gibibyte for itself."""
    return max((each.memory_bytes for each in config.schedules.values()), default=4 * 2**30) + 2**29


def _program() -> str:
    """Return the path of the command that is running."""
    beside = Path(sys.executable).with_name("capacity")
    return str(beside) if beside.is_file() else shutil.which("capacity") or "capacity"
