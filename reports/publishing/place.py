"""What a place for reports can do, and what is the same in each: names, entries, what is kept, the pages that list."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from capacity.errors import ReportError
from reports.publishing import index
from reports.settings import Keep

__all__ = ["FAILED", "LATEST", "LATEST_PAGE", "Entry", "Place", "kept", "stamp"]

LATEST, FAILED, ENTRIES, INDEX = "latest", "failed", "runs.json", "index.html"
LATEST_PAGE = f"{LATEST}/report.html"
"""Where the newest report lies, below a report's name."""

MOST_FAILED = 10
STAMP = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?")


@dataclass(frozen=True)
class Entry:
    """A published report: the instant that it speaks for, the folder that holds it, and what it found."""

    as_of: str
    folder: str
    finding: str = ""
    title: str = ""
    verdicts: Mapping[str, int] = field(default_factory=dict)

    @property
    def instant(self) -> pd.Timestamp:
        """The instant that it speaks for."""
        return pd.Timestamp(self.as_of)


class Place(ABC):
    """Where reports are published."""

    def publish(
        self,
        name: str,
        *,
        as_of: pd.Timestamp,
        files: Mapping[str, bytes],
        summary: Mapping[str, Any],
        keep: Keep,
        now: pd.Timestamp,
    ) -> str:
        """Publish the files of one run, and return where its page lies.

        Nothing can be seen of it before all of it is there; then `latest` becomes it in one step, if no newer report
        (of an instant up to ``now``) is there; then the lists are written, and what is not kept any more goes.

        Raises
        ------
        ReportError
            It cannot be written; `latest` is what it was.
        """
        entries = self.entries(name)
        there = {each for each in self._names(name) if _is_stamp(each)}
        folder = _free(stamp(as_of), there)
        self._put_run(name, folder, files)
        new = Entry(stamp(as_of), folder, str(summary.get("finding", "")), str(summary.get("title", "")),
                    dict(summary.get("verdicts", {})))  # fmt: skip
        others = [each for each in entries if each.as_of != new.as_of]
        past = [each for each in (*others, new) if each.instant <= now] or [new]
        newest = max(past, key=lambda each: each.instant)
        self._set_latest(name, newest)
        stays = kept([*others, new], keep, newest)
        self._write_lists(name, stays)
        self._remove(name, there - {each.folder for each in stays})
        return self.page_of(name, folder)

    def keep_failed(self, name: str, *, as_of: pd.Timestamp, notebook: str) -> str:
        """Keep a notebook that failed, beside what was published and apart from it; returns where."""
        path = f"{name}/{FAILED}/{stamp(as_of)}.ipynb"
        self._put(path, notebook.encode("utf-8"))
        old = sorted(each for each in self._names(f"{name}/{FAILED}") if each.endswith(".ipynb"))[:-MOST_FAILED]
        self._remove(f"{name}/{FAILED}", set(old))
        return self.at(path)

    def entries(self, name: str) -> list[Entry]:
        """Return what is published of a report, the oldest first; a list that is lost is made from what lies there."""
        there = {each for each in self._names(name) if _is_stamp(each)}
        listed = [each for each in self._listed(name) if each.folder in there]
        lost = there - {each.folder for each in listed}
        found = [*listed, *(self._entry(name, folder) for folder in lost)]
        newest = {
            each.as_of: each for each in sorted(found, key=lambda each: (each.as_of, len(each.folder), each.folder))
        }
        return sorted(newest.values(), key=lambda each: each.as_of)

    def summary(self, name: str, *, before: pd.Timestamp) -> dict[str, Any]:
        """Return the summary of the last report that speaks for an instant before another; empty: there is none."""
        older = [each for each in self.entries(name) if each.instant < before]
        return self._json(f"{name}/{older[-1].folder}/summary.json") if older else {}

    def page_of(self, name: str, folder: str) -> str:
        """Return where the page of a published run lies."""
        return self.at(f"{name}/{folder}/report.html")

    def _write_lists(self, name: str, entries: list[Entry]) -> None:
        self._put(f"{name}/{ENTRIES}", _packed([asdict(each) for each in entries]))
        self._put(f"{name}/{INDEX}", index.of_report(name, entries, latest=LATEST_PAGE).encode("utf-8"))
        reports = {each: found for each in self.reports() if (found := self.entries(each))}
        self._put(INDEX, index.of_all(reports, latest=LATEST_PAGE).encode("utf-8"))

    def reports(self) -> list[str]:
        """Return the names of the reports that are published here."""
        return sorted(each for each in self._names("") if self._exists(f"{each}/{ENTRIES}"))

    def _listed(self, name: str) -> Iterable[Entry]:
        found = self._json(f"{name}/{ENTRIES}", default=[])
        try:
            return [Entry(**each) for each in found]
        except TypeError:
            return []

    def _entry(self, name: str, folder: str) -> Entry:
        told = self._json(f"{name}/{folder}/summary.json")
        words = (str(told.get("finding", "")), str(told.get("title", "")))
        return Entry(folder.partition("-")[0], folder, *words, dict(told.get("verdicts", {})))

    def _json(self, path: str, default: Any = None) -> Any:
        """Return what a JSON file holds; the default (else an empty object) where there is none that can be read."""
        empty: Any = {} if default is None else default
        try:
            return json.loads(self._get(path))
        except (OSError, ValueError):
            return empty

    @abstractmethod
    def at(self, path: str) -> str:
        """Return a path of this place as people open it."""

    @abstractmethod
    def sweep(self) -> int:
        """Remove what a run that was killed has left half-done; returns how much. For whoever holds the lock alone."""

    @abstractmethod
    def _put_run(self, name: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Make all files of a run appear at once."""

    @abstractmethod
    def _put(self, path: str, content: bytes) -> None:
        """Make one file appear, whole."""

    @abstractmethod
    def _get(self, path: str) -> bytes:
        """Return a file's content; OSError where there is none."""

    @abstractmethod
    def _set_latest(self, name: str, entry: Entry) -> None:
        """Make `latest` a run that is there, in one step."""

    @abstractmethod
    def _remove(self, path: str, names: set[str]) -> None:
        """Remove files or folders below a path; what cannot be removed now is removed at another time."""

    @abstractmethod
    def _names(self, path: str) -> list[str]:
        """Return the names below a path; of a path that is not there none."""

    @abstractmethod
    def _exists(self, path: str) -> bool:
        """Whether a file is there."""


def stamp(when: pd.Timestamp) -> str:
    """Return an instant as a folder's name, which sorts as time does."""
    return when.tz_convert("UTC").strftime("%Y%m%dT%H%M%SZ")


def _is_stamp(name: str) -> bool:
    return STAMP.fullmatch(name) is not None


def _free(name: str, there: set[str]) -> str:
    """Return a folder's name that is not taken: a run for the same instant once more gets the next number."""
    numbers = [int(each.partition("-")[2] or 1) for each in there if each.partition("-")[0] == name]
    return f"{name}-{max(numbers) + 1}" if numbers else name


def kept(entries: Iterable[Entry], keep: Keep, latest: Entry) -> list[Entry]:
    """Return which reports stay: the last ones, the last of each of the last days and months, and the latest."""
    newest = sorted(entries, key=lambda each: each.as_of, reverse=True)
    days = {each.as_of[:8]: each for each in reversed(newest)}
    months = {each.as_of[:6]: each for each in reversed(newest)}
    stays = {each.folder for each in newest[: keep.last]} | {latest.folder}
    for found, most in ((days, keep.daily), (months, keep.monthly)):
        stays |= {found[key].folder for key in sorted(found, reverse=True)[:most]}
    return [each for each in reversed(newest) if each.folder in stays]


def _packed(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def unwritable(where: str, error: OSError) -> ReportError:
    """Return the error that says where nothing could be written, and why."""
    reason = error.strerror or str(error) or type(error).__name__
    return ReportError(f"{where} cannot be written: {reason}.", hint="The last good report is as it was.")
