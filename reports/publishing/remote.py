"""Any place that fsspec reaches (``s3://``, ``gs://``, ``sftp://``, ``memory://`` …).

There are no links and no folders that appear at once. So a run's files go up first, under a name that nobody points to,
and are then copied to ``latest/``, each a file that appears whole and the page last: written beside its name and moved,
which object stores do by a copy that is whole or is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from capacity.errors import ConfigError, ReportError
from reports.publishing.place import ENTRIES, LATEST, Entry, Place, unwritable

__all__ = ["Remote"]

PART = ".part"


class Remote(Place):
    """Reports below a URL."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url.rstrip("/")
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"Nothing can be published to {url}: {error}") from error

    def at(self, path: str) -> str:
        """Return a path as a URL."""
        return f"{self.url}/{path}"

    def sweep(self) -> int:
        """Remove files that a killed run has left beside their names, and folders that no list names."""
        homes = ["", *(place for name in self.reports() for place in (name, f"{name}/{LATEST}"))]
        left = [each for home in homes for each in self._all(home) if each.endswith(PART)]
        for each in left:
            self._drop(each)
        return len(left)

    def _put_run(self, name: str, folder: str, files: Mapping[str, bytes]) -> None:
        with self._writing(f"{name}/{folder}"):
            self._files.makedirs(self._path(f"{name}/{folder}"), exist_ok=True)
            # the summary comes last: what lacks one did not get this far, and is not listed
            for each in sorted(files, key=lambda each: each == "summary.json"):
                self._files.pipe_file(self._path(f"{name}/{folder}/{each}"), files[each])

    def _put(self, path: str, content: bytes) -> None:
        target = self._path(path)
        with self._writing(path):
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(target + PART, content)
            self._files.mv(target + PART, target)

    def _get(self, path: str) -> bytes:
        return bytes(self._files.cat_file(self._path(path)))

    def _set_latest(self, name: str, entry: Entry) -> None:
        files = sorted(self._names(f"{name}/{entry.folder}"), key=lambda each: each == "report.html")
        for each in files:
            self._put(f"{name}/{LATEST}/{each}", self._get(f"{name}/{entry.folder}/{each}"))
        self._remove(f"{name}/{LATEST}", set(self._names(f"{name}/{LATEST}")) - set(files))

    def _remove(self, path: str, names: set[str]) -> None:
        for name in names:
            self._drop(self._path(f"{path}/{name}"))

    def _names(self, path: str) -> list[str]:
        found = (each.rstrip("/").rpartition("/")[2] for each in self._all(path))
        return [each for each in found if not each.endswith(PART)]

    def entries(self, name: str) -> list[Entry]:
        """Return what is published whole."""
        listed = {each.folder for each in self._listed(name)}
        return [
            each
            for each in super().entries(name)
            if each.folder in listed or self._exists(f"{name}/{each.folder}/summary.json")
        ]

    def reports(self) -> list[str]:
        """Return the names of the reports that are published here."""
        return sorted(each for each in self._names("") if self._exists(f"{each}/{ENTRIES}"))

    def _exists(self, path: str) -> bool:
        return bool(self._files.exists(self._path(path)))

    def _all(self, path: str) -> list[str]:
        self._files.invalidate_cache()
        try:
            return list(self._files.ls(self._path(path), detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _drop(self, path: str) -> None:
        with suppress(Exception):  # what stays is removed at another time
            self._files.rm(path, recursive=True)

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else str(self._root)

    @contextmanager
    def _writing(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self.at(path), error) from error
        except ReportError:
            raise
        except Exception as error:  # each library behind fsspec has errors of its own
            raise ReportError(f"{self.at(path)} cannot be written: {error}.") from error
