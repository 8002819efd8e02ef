"""Look at what a report needs before a report needs it: packages, the source, the catalogue's queries, the disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from capacity.errors import CapacityError, NoData, NotHeld, SourceError
from capacity.frames import duration_text

if TYPE_CHECKING:
    from capacity.catalog import Catalog, Resource
    from connectors import ServerInfo, Source

__all__ = [
    "Asked",
    "Check",
    "check_machine",
    "check_out",
    "check_queries",
    "check_source",
    "distribution",
    "try_queries",
]

DISTRIBUTION = "capacity-workbench"
NEEDS_BYTES = 100 * 2**20
"""A report is some megabytes and a snapshot of a fleet some tens: with less than this left, neither is safe."""
MONTH = pd.Timedelta(days=35)
DAY = pd.Timedelta(days=1)
TRIED = 2 * DAY
"""What a query is tried over: days, so that a series which was quiet for a while is still seen."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. ``ok`` None: worth knowing, no more; ``essential``: nothing works without it."""

    name: str
    ok: bool | None
    detail: str
    essential: bool = True

    @property
    def sign(self) -> str:
        """✔, ▲ or ✖, for those who do not see colours."""
        return "▲" if self.ok is None or (not self.ok and not self.essential) else "✔" if self.ok else "✖"


@dataclass(frozen=True)
class Asked:
    """One of a catalogue's queries, and how many series answered; a reason instead where there was no answer.

    ``refused``: it could not be asked at all, so a plan that asks it fails; one that finds nothing does not.
    """

    resource: str
    owner: str
    asks: str
    query: str
    series: int
    reason: str = ""
    refused: bool = False


def distribution() -> str:
    """Return the version of the package that is installed, or "not installed" where it runs from a bare checkout."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"


def check_machine() -> tuple[Check, ...]:
    """Look at Python and at the packages that are required."""
    version = platform.python_version()
    return Check("Python", sys.version_info >= (3, 11), f"{version} on {platform.system()}"), *_packages()


def check_out(folder: Path) -> Check:
    """Look whether reports can be written below ``folder``, which need not be there yet."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Check("Output folder", False, f"{folder}: {there} cannot be written to")
    free = shutil.disk_usage(there).free
    detail = f"{folder} can be written to, {free / 2**30:.1f} GiB free"
    return Check("Output folder", free >= NEEDS_BYTES, detail)


def check_source(source: Source) -> tuple[tuple[Check, ...], ServerInfo | None]:
    """Look whether a source answers, as what, and for how long it keeps samples."""
    try:
        info = source.info()
    except SourceError as error:
        return (Check("Source", False, str(error)),), None
    version = "which does not tell its version" if info.version == "unknown" else info.version
    reached = Check("Source", True, f"{source.name} is {info.kind}, {version}")
    keeps = duration_text(info.retention) if info.retention is not None else "it does not say how long"
    span = "no samples" if info.oldest is None else f"samples from {info.oldest:%Y-%m-%d}"
    span += "" if info.newest is None else f" to {info.newest:%Y-%m-%d}"
    short = _short(info)
    span += f"; less than {duration_text(MONTH)} tell little of what repeats by the week" if short else ""
    return (reached, Check("Retention", None if short else True, f"keeps {keeps}; {span}", essential=False)), info


def try_queries(
    source: Source, catalog: Catalog, info: ServerInfo | None, *, owner: str | None = None
) -> Iterator[Asked]:
    """Ask each query that a plan would ask, over the last days that there are samples of."""
    for resource in catalog.resources.values():
        if owner is not None and resource.owner != owner:
            continue
        yield _try(source, resource, "demand", resource.query, info)
        if resource.limit_query:
            yield _try(source, resource, "limit", resource.limit_query, info)


def check_queries(asked: Sequence[Asked]) -> Check:
    """Say whether a plan can be made of what the queries returned: none refused, and some demand.

    A resource whose query finds nothing is worth knowing, no more: the others are planned all the same.
    """
    if not asked:
        return Check("Queries", False, "the catalogue has no resource to ask for")
    answered = [each for each in asked if each.series]
    detail = f"{len(answered)} of {len(asked)} return data"
    if refused := [each for each in asked if each.refused]:
        return Check("Queries", False, f"{detail}, {len(refused)} cannot be asked")
    if not any(each.asks == "demand" for each in answered):
        return Check("Queries", False, f"{detail}: there is no demand to plan for")
    return Check("Queries", True if len(answered) == len(asked) else None, detail)


def _try(source: Source, resource: Resource, asks: str, query: str, info: ServerInfo | None) -> Asked:
    end = source.finished(resource.step)
    if info is not None and info.newest is not None:
        end = min(end, info.newest.ceil(resource.step) + DAY)  # some servers know it to the day alone
    aggregate = resource.aggregate if asks == "demand" else "min"
    try:
        frame = source.range(
            query,
            start=end - max(TRIED, resource.step),
            end=end,
            step=resource.step,
            aggregate=aggregate,
            resolution=resource.resolution,
            name=resource.name,
        )
    except (NoData, NotHeld):
        return Asked(
            resource.name, resource.owner, asks, query, 0, f"no series in the days up to {end:%Y-%m-%d %H:%M} UTC"
        )
    except CapacityError as error:
        return Asked(resource.name, resource.owner, asks, query, 0, error.message, refused=True)
    filled = int(frame.notna().any().sum())
    return Asked(resource.name, resource.owner, asks, query, filled, "" if filled else "its series have no samples")


def _short(info: ServerInfo) -> bool:
    """Whether less history is held than a season of weeks needs."""
    if info.retention is not None and info.retention < MONTH:
        return True
    return info.oldest is not None and info.newest is not None and info.newest - info.oldest < MONTH


def _packages() -> Iterator[Check]:
    from packaging.requirements import Requirement

    try:
        stated = [Requirement(each) for each in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        yield Check("Packages", False, f"{DISTRIBUTION} is not installed: pip install -e . in its folder")
        return
    needed = [each for each in stated if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong = [problem for each in needed if (problem := _installed(each.name, each))]
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in ("pandas", "altair") if not _installed(name))
    yield Check("Packages", not wrong, "; ".join(wrong) or f"{DISTRIBUTION} {distribution()}, {shown}")
    lab = _installed("jupyterlab")
    yield Check("JupyterLab", not lab, lab or metadata.version("jupyterlab"), essential=False)


def _installed(name: str, requirement: object = None) -> str:
    """Return what is wrong with a package, or an empty text."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    specifier = getattr(requirement, "specifier", None)
    if specifier is not None and not specifier.contains(version, prereleases=True):
        return f"{name} {version} is not {specifier}"
    return ""
