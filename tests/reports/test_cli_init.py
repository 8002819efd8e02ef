"""`capacity init`: a catalogue drafted from what a server holds, and what points to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from capacity.catalog_load import load_catalog, parse_catalog
from capacity.errors import NoData
from reports.config import load_config
from reports.draft import draft
from reports.start import title_of
from tests.support.command import answering, capacity, data, refused
from tests.support.servers import VictoriaMetrics

HOST = [
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_size_bytes",
    "node_filesystem_avail_bytes",
]


def test_the_demo_gives_the_platform_back(tmp_path: Path) -> None:
    """Drafted from the demo, the catalogue plans what dwcp plans, word for word, and the configuration points to it."""
    found = data(tmp_path, "init", "--source", "demo:")
    drafted, built_in = load_catalog(tmp_path / "catalog.toml"), load_catalog("dwcp")
    assert found["written"] == ["catalog.toml", "capacity.toml"]
    assert drafted.resources == built_in.resources
    assert set(drafted.metrics) < set(built_in.metrics)
    config = load_config(tmp_path / "capacity.toml")
    assert (config.source, config.catalog) == (("main",), str(tmp_path / "catalog.toml"))


def test_what_init_writes_the_other_verbs_use(tmp_path: Path) -> None:
    """After init no option is needed."""
    capacity(tmp_path, "init", "--source", "demo:", "-o", "plans/mine.toml")
    found = data(tmp_path, "doctor", "--config", "plans/capacity.toml")
    assert found["fine"]
    assert "mine: cpu, memory" in next(each["detail"] for each in found["checks"] if each["name"] == "Catalogue")


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    """A catalogue that is there stays; a capacity.toml stays too, unless --force says otherwise."""
    (tmp_path / "catalog.toml").write_text("mine")
    assert "catalog.toml is there already" in refused(tmp_path, "init", "--source", "demo:")
    assert (tmp_path / "catalog.toml").read_text() == "mine"
    (tmp_path / "capacity.toml").write_text('source = "demo:"\n')
    assert data(tmp_path, "init", "--source", "demo:", "-o", "other.toml")["written"] == ["other.toml"]
    assert (tmp_path / "capacity.toml").read_text() == 'source = "demo:"\n'
    assert data(tmp_path, "init", "--source", "demo:", "--force")["written"] == ["catalog.toml", "capacity.toml"]
    assert load_catalog(tmp_path / "catalog.toml").resources


def test_a_real_server_with_metrics_of_its_own(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """What node_exporter exposes is taken over from its catalogue; a pair of gauges becomes a resource to confirm."""
    then = int(time.time() * 1000) - 60_000
    names = [*HOST, "process_open_fds", "process_max_fds", "http_requests_total"]
    fresh_victoriametrics.import_text("".join(f'{name}{{instance="a"}} 5 {then}\n' for name in names))
    found = data(tmp_path, "init", "--source", fresh_victoriametrics.url)
    assert found["resources"] == ["memory", "filesystem", "process_fds"]
    assert found["guessed"] == ["process_fds"]
    text = (tmp_path / "catalog.toml").read_text()
    assert "# process_open_fds looks like the usage of process_max_fds." in text
    assert "decide" in text
    assert "TODO" not in text


def test_an_empty_server_leaves_nothing_behind(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """No metric, no catalogue: one line says so."""
    assert "it holds no metrics" in refused(tmp_path, "init", "--source", fresh_victoriametrics.url)
    assert list(tmp_path.iterdir()) == []


def test_secrets_of_the_url_are_not_written(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """User and password in the URL are used, and stand in no file."""
    fresh_victoriametrics.import_text(f"{HOST[0]} 5 {int(time.time() * 1000)}\n{HOST[1]} 5 {int(time.time() * 1000)}\n")
    data(tmp_path, "init", "--source", fresh_victoriametrics.url.replace("//", "//me:s3cret@"))
    assert load_config(tmp_path / "capacity.toml").sources["main"].url == fresh_victoriametrics.url
    assert not any("s3cret" in each.read_text() for each in tmp_path.iterdir())


def test_a_secret_that_cannot_be_taken_out_is_refused(tmp_path: Path) -> None:
    """A token in the URL's query would be written into a file."""
    with answering(200) as url:
        said = refused(tmp_path, "init", "--source", f"{url}/?token=s3cret")
    assert "CAPACITY_TOKEN" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("metrics", "query", "limit", "unit"),
    [
        (("process_open_fds", "process_max_fds"), "process_open_fds", "process_max_fds", "count"),
        (("jvm_memory_bytes_used", "jvm_memory_bytes_max"), "jvm_memory_bytes_used", "jvm_memory_bytes_max", "bytes"),
        (("queue_length", "queue_length_limit"), "queue_length", "queue_length_limit", "count"),
        (("pool_free_bytes", "pool_size_bytes"), "pool_size_bytes - pool_free_bytes", "pool_size_bytes", "bytes"),
        (("app_queue_depth", "app_queue_limit"), "app_queue_depth", "app_queue_limit", "count"),
        (("cache_size_bytes", "cache_capacity_bytes"), "cache_size_bytes", "cache_capacity_bytes", "bytes"),
        (("cache_size", "cache_max_size"), "cache_size", "cache_max_size", "count"),
        (("pool_in_use", "pool_quota"), "pool_in_use", "pool_quota", "count"),
        (("pool_connections", "pool_max"), "pool_connections", "pool_max", "count"),
        (("db_active_connections", "db_max_connections"), "db_active_connections", "db_max_connections", "count"),
        (("a_used_bytes", "a_free_bytes"), "a_used_bytes", "a_used_bytes + a_free_bytes", "bytes"),
    ],
)
def test_pairs_of_gauges_are_found(metrics: tuple[str, ...], query: str, limit: str, unit: str) -> None:
    """A usage with its limit, what is left with its whole, or two parts of one whole."""
    (resource,) = parse_catalog(draft(metrics).text).resources.values()
    assert (resource.query, resource.limit_query, resource.unit) == (query, limit, unit)


def test_what_is_not_used_is_named_in_a_comment() -> None:
    """The first twenty, then a count; a name that would break the line is quoted."""
    pair = ("app_queue_depth", "app_queue_limit")
    few = draft([*pair, "up", "a\nname = 3"])
    assert few.unused == ("a\nname = 3", "up")
    assert few.text.endswith('asked for by nothing above:\n#   "a\\nname = 3"\n#   up\n')
    many = draft([*pair, *(f"extra_{each:02}_seen" for each in range(25))]).text
    assert many.endswith("#   extra_19_seen\n#   and 5 more\n")
    assert "asked for" not in draft(pair).text


@pytest.mark.parametrize(
    ("urls", "title"),
    [
        (["http://vm.example.org:8428"], "Capacity of vm.example.org"),
        (["prometheus+http://a:9090", "http://b:8428/select/0"], "Capacity of a and b"),
        (["http://127.0.0.1:8428"], ""),
        (["http://[::1]:8428"], ""),
        (["demo:"], ""),
    ],
)
def test_a_title_is_the_hosts_name(urls: list[str], title: str) -> None:
    """An address in figures and this machine name nobody."""
    assert title_of(urls) == title


def test_a_title_may_be_given(tmp_path: Path) -> None:
    """Else a draft is headed as the built-in catalogues that it is made of."""
    data(tmp_path, "init", "--source", "demo:", "--title", 'Our "own" platform')
    assert load_catalog(tmp_path / "catalog.toml").title == 'Our "own" platform'
    assert parse_catalog(draft(HOST).text).title == "Hosts (node_exporter)"
    assert parse_catalog(draft(["app_queue_depth", "app_queue_limit"]).text).title == "Capacity"


@pytest.mark.parametrize(
    ("metric", "limit"), [("disk_used_percent", 0.85), ("cpu_load_ratio", 0.85), ("pool_utilization", 0.85)]
)
def test_a_share_of_the_whole_is_found(metric: str, limit: float) -> None:
    """A gauge that is a share has a limit of its own: 85 %, to be confirmed."""
    (resource,) = parse_catalog(draft([metric]).text).resources.values()
    assert (resource.query, resource.limit, resource.limit_kind) == (metric, limit, "soft")
    assert "limit_kind" in resource.assumed


@pytest.mark.parametrize(
    "metrics",
    [
        ("http_requests_total",),
        ("cache_hit_ratio",),
        ("x_used_bytes",),
        ("latency_seconds_bucket", "latency_seconds_count"),
    ],
)
def test_what_cannot_run_out_is_left_alone(metrics: tuple[str, ...]) -> None:
    """Counters, histograms, quality ratios and a usage without a limit are no resources."""
    with pytest.raises(NoData, match="none looks like something that can run out"):
        draft(metrics)


def test_a_known_type_beats_a_name() -> None:
    """What the server calls a counter is no gauge, whatever its name."""
    with pytest.raises(NoData):
        draft(["a_used_bytes", "a_size_bytes"], types={"a_used_bytes": "counter", "a_size_bytes": "counter"})


def test_two_platforms_on_one_server_keep_their_names_apart() -> None:
    """Both have memory: the second is named after its platform, and no label is called common that only one has."""
    catalog = parse_catalog(draft([*HOST, "dwcp_memory_usage_bytes", "dwcp_memory_available_bytes"]).text)
    assert list(catalog.resources) == ["memory", "node_exporter_memory", "filesystem"]
    assert not any(label.common for label in catalog.labels.values())


def test_the_demos_draft_has_every_resource(tmp_path: Path) -> None:
    """An archive lists what plain selectors hold; what stands behind its expressions is drafted, too."""
    drafted = data(tmp_path, "init", "--source", "demo:", "-o", "all.toml")
    assert drafted["resources"] == ["cpu", "memory", "disk", "bandwidth", "streams", "consensus_latency"]
