"""Names for people: as short as tells series apart."""

from __future__ import annotations

from capacity.frames import series_name
from capacity.naming import Names, series_names

DISKS = [
    {"device": "/dev/sda1", "fstype": "ext4", "instance": "bak1:9100", "job": "node", "mountpoint": "/backup"},
    {"device": "/dev/sdb1", "fstype": "xfs", "instance": "bak1:9100", "job": "node", "mountpoint": "/"},
    {"device": "/dev/sda1", "fstype": "ext4", "instance": "web1:9100", "job": "node", "mountpoint": "/"},
]


def test_a_file_system_is_a_machine_and_a_mount_point() -> None:
    """What node_exporter says besides (device, type, job) is left out; a path stands apart from its machine."""
    assert series_names(DISKS) == ["bak1:9100 /backup", "bak1:9100 /", "web1:9100 /"]
    assert series_names(DISKS[:1]) == ["bak1:9100 /backup"]


def test_what_all_share_is_left_out() -> None:
    """One cluster is no distinction; of two regions the region comes first, then the machine."""
    nodes = [{"cluster": "prod", "node": "b", "region": "eu"}, {"cluster": "prod", "node": "a", "region": "us"}]
    assert series_names(nodes) == ["eu/b", "us/a"]
    assert series_name(nodes[0]) == "eu/b/prod"


def test_names_that_would_be_the_same_stay_long() -> None:
    """Two devices on one mount point are told apart by the device, and every name is another."""
    twice = [DISKS[0], {**DISKS[0], "device": "/dev/sdz"}]
    assert series_names(twice) == ["/dev/sda1", "/dev/sdz"]
    assert series_names([{}, {"node": "a"}]) == ["all", "a"]
    assert series_names([]) == []


def test_a_value_is_kept_as_it_is() -> None:
    """A target that is a URL stays one."""
    assert series_name({"instance": "http://web1", "zone": "a"}) == "a/http://web1"
    assert series_name({"mountpoint": "/"}) == "/"


def test_a_resources_names_are_found_by_labels() -> None:
    """A series that is not of the resource has its full name."""
    names = Names(DISKS)
    assert names.of(dict(reversed(DISKS[0].items()))) == "bak1:9100 /backup"
    assert names.of({"job": "x"}) == "x"
