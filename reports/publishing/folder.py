"""A local folder as the place: temporary folder, through to the disk, one rename; `latest` is a symbolic link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from reports.publish import sync_folder, write_through
from reports.publishing.place import LATEST, Entry, Place, unwritable

__all__ = ["Folder"]

PART = ".part"
"""What ends the names of things that are not done; they begin with a dot as well."""


class Folder(Place):
    """Reports below a folder."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def at(self, path: str) -> str:
        """Return a path below the folder."""
        return str(self.root / path)

    def sweep(self) -> int:
        """Remove what a run that was killed has left half-done."""
        left = [each for pattern in (f".*{PART}", f"*/.*{PART}", f"*/*/.*{PART}") for each in self.root.glob(pattern)]
        for each in left:
            _discard(each)
        return len(left)

    def _put_run(self, name: str, folder: str, files: Mapping[str, bytes]) -> None:
        home = self.root / name
        part = home / f".{folder}{PART}"
        with _writing(home / folder):
            _discard(part)
            part.mkdir(parents=True)
            try:
                for each, content in files.items():
                    write_through(part / each, content)
                sync_folder(part)
                part.rename(home / folder)
            except BaseException:
                _discard(part)
                raise
            sync_folder(home)

    def _put(self, path: str, content: bytes) -> None:
        target = self.root / path
        part = target.with_name(f".{target.name}{PART}")
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            try:
                write_through(part, content)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
            sync_folder(target.parent)

    def _get(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def _set_latest(self, name: str, entry: Entry) -> None:
        home = self.root / name
        link = home / f".{LATEST}{PART}"
        with _writing(home / LATEST):
            link.unlink(missing_ok=True)
            link.symlink_to(entry.folder, target_is_directory=True)
            link.replace(home / LATEST)
            sync_folder(home)

    def _remove(self, path: str, names: set[str]) -> None:
        for name in names:
            gone = self.root / path / f".{name}{PART}"
            with suppress(OSError):
                (self.root / path / name).rename(gone)  # out of sight in one step, then away
                _discard(gone)

    def _names(self, path: str) -> list[str]:
        home = self.root / path
        return [each.name for each in home.iterdir() if not each.name.startswith(".")] if home.is_dir() else []

    def _exists(self, path: str) -> bool:
        return (self.root / path).is_file()


def _discard(path: Path) -> None:
    """Remove whatever is there, a link without what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(os.fspath(target), error) from error
