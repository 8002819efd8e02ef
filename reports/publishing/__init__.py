"""Scheduled reports where people look for them: whole or not at all, the newest always as `latest`.

``NAME/20261101T060000Z/`` holds ``report.html``, ``summary.json`` and ``notebook.ipynb`` of one instant;
``NAME/latest`` is the newest of them; ``NAME/failed/`` keeps the runs that came to nothing apart; ``index.html``
lists what there is.
"""

from __future__ import annotations

from reports.publishing.compare import Change, changes
from reports.publishing.folder import Folder
from reports.publishing.place import Entry, Place
from reports.publishing.remote import Remote
from reports.publishing.secrets import refuse_secrets

__all__ = ["Change", "Entry", "Folder", "Place", "Remote", "changes", "place_of", "refuse_secrets"]


def place_of(where: str) -> Place:
    """Return the place that a folder's path or a URL names."""
    return Remote(where) if "://" in where else Folder(where)
