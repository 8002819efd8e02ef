"""Alert rules for vmalert and Prometheus, made from a catalogue, with their unit tests and their runbooks.

`groups` gives all of them: the platform's own, burn rates of its objectives, what is foretold (over the series that
`capacity write-back` writes), and the workbench's own health. Everything is plain PromQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.alerting import burning, foretold, own, platform
from reports.alerting.rules import Group, Record, Rule

if TYPE_CHECKING:
    from capacity.catalog import Catalog

__all__ = ["Group", "Record", "Rule", "groups"]


def groups(catalog: Catalog) -> tuple[Group, ...]:
    """Return every group of rules of a catalogue; a group without a rule is left out."""
    made = (platform.group(catalog), *burning.groups(catalog), *foretold.groups(catalog), own.group())
    return tuple(each for each in made if each.rules)
