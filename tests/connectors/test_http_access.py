"""Reaching a server: TLS and client certificates, headers, tenants, and scopes that hold."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from capacity import frames
from capacity.errors import (
    AuthFailed,
    CapacityError,
    NoData,
    ParameterError,
    SourceUnavailable,
    Unsupported,
)
from connectors import Source, connect
from tests.support.badserver import bad_server, reply
from tests.support.servers import Server, VictoriaMetrics
from tests.support.tls import Papers, ending_tls, papers

SECRET = "hush-0123456789"
WINDOW = {"start": "2024-11-22T00:00Z", "end": "2024-11-22T03:00Z"}
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
LABELS = {"status": "success", "data": ["node"]}


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN", "USER", "PASSWORD", "HEADERS", "CA", "CLIENT_CERT", "CLIENT_KEY"):
        monkeypatch.delenv(f"CAPACITY_{name}", raising=False)


@pytest.fixture(scope="module")
def has(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def loaded(victoriametrics: VictoriaMetrics) -> VictoriaMetrics:
    """Load one sample of each of two teams."""
    stamps = [1732237200000]
    for team, value in (("infra", 1.0), ("sales", 2.0)):
        series = {"metric": {"__name__": "accessed", "team": team}, "values": [value], "timestamps": stamps}
        victoriametrics.import_lines(json.dumps(series).encode())
    return victoriametrics


def teams(source: Source) -> list[str]:
    with source:
        return sorted(source.range("accessed", **WINDOW).columns.get_level_values("team"))


# TLS -----------------------------------------------------------------------------------------------------------------


def test_a_certificate_of_an_authority_that_is_named_is_trusted(
    loaded: VictoriaMetrics, has: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option and by CAPACITY_CA; without them, TLS failed, in one line that says what to check."""
    with ending_tls(loaded.url, has) as url:
        assert teams(connect(url, ca=has.ca)) == ["infra", "sales"]
        with pytest.raises(SourceUnavailable, match=r"TLS failed.*certificate") as caught:
            teams(connect(url, attempts=1))
        assert "\n" not in str(caught.value)
        monkeypatch.setenv("CAPACITY_CA", str(has.ca))
        assert teams(connect(url)) == ["infra", "sales"]


def test_a_certificate_for_another_host_is_refused(loaded: VictoriaMetrics, has: Papers) -> None:
    """It is valid for 127.0.0.1, and not for localhost: TLS failed."""
    with ending_tls(loaded.url, has) as url, pytest.raises(SourceUnavailable, match="TLS failed"):
        teams(connect(url.replace("127.0.0.1", "localhost"), ca=has.ca, attempts=1))


def test_who_has_no_client_certificate_is_not_let_in(
    loaded: VictoriaMetrics, has: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mTLS: with certificate and key, by options and by the environment, the data; without, an error."""
    with ending_tls(loaded.url, has, client=True) as url:
        ours = {"ca": has.ca, "client_cert": has.client, "client_key": has.client_key}
        assert teams(connect(url, **ours)) == ["infra", "sales"]
        with pytest.raises(SourceUnavailable) as caught:
            teams(connect(url, ca=has.ca, attempts=1))
        assert "\n" not in str(caught.value)
        for name, path in (("CA", has.ca), ("CLIENT_CERT", has.client), ("CLIENT_KEY", has.client_key)):
            monkeypatch.setenv(f"CAPACITY_{name}", str(path))
        assert teams(connect(url)) == ["infra", "sales"]


def test_papers_that_cannot_be_used_are_told_before_anything_is_sent(has: Papers, tmp_path: Path) -> None:
    """No such file, no PEM, a key of another certificate, a key without one, an encrypted key."""
    (tmp_path / "no.pem").write_text("no certificate")
    wrong: list[dict[str, Path]] = [
        {"ca": tmp_path / "nowhere"},
        {"ca": tmp_path / "no.pem"},
        {"client_cert": has.client, "client_key": has.server_key},
        {"client_key": has.client_key},
        {"client_cert": has.client, "client_key": has.locked_key},
    ]
    for given in wrong:
        with pytest.raises(ParameterError) as caught:
            connect("https://127.0.0.1:9", **given)
        assert "\n" not in str(caught.value)


# Headers -------------------------------------------------------------------------------------------------------------


def test_headers_go_with_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the option, or by CAPACITY_HEADERS, one a line or with ^^ between them; beside the credentials."""

    def sent(**options: object) -> dict[str, str]:
        with bad_server(reply(200, EMPTY)) as server, connect(server.url, **options) as source:
            with pytest.raises(NoData):
                source.range("m", **WINDOW)
            return dict(server.asked[0].headers)

    assert sent(headers={"X-Scope-OrgID": "7"}, token="t")["x-scope-orgid"] == "7"
    monkeypatch.setenv("CAPACITY_HEADERS", f"X-Scope-OrgID: 8^^Cookie: a=b; c={SECRET}\nX-More: yes")
    seen = sent(token="t")
    assert (seen["x-scope-orgid"], seen["cookie"], seen["x-more"]) == ("8", f"a=b; c={SECRET}", "yes")
    assert seen["authorization"] == "Bearer t"


def test_headers_that_cannot_be_sent_are_refused_without_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a space, a value with a line break, no colon at all."""
    for headers in ({"X Y": SECRET}, {"X": f"{SECRET}\r\nX: y"}, {"X": f"{SECRET}é"}):
        with pytest.raises(ParameterError) as caught:
            connect("http://h", headers=headers)
        assert SECRET not in str(caught.value)
    monkeypatch.setenv("CAPACITY_HEADERS", SECRET)
    with pytest.raises(ParameterError, match="entry 1") as caught:
        connect("http://h")
    assert SECRET not in str(caught.value)


def test_no_secret_is_in_an_error_a_repr_a_log_or_a_manifest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, loaded: VictoriaMetrics
) -> None:
    """A header's value and a secret parameter: said back by a server, logged by the HTTP library, kept with a pull."""
    caplog.set_level(logging.DEBUG)
    told = ""
    with (
        bad_server(reply(422, f"you sent {SECRET}")) as server,
        connect(f"{server.url}/?token={SECRET}", headers={"X-Key": SECRET}) as source,
    ):
        for ask in (lambda: source.range("m", **WINDOW), lambda: source.label_values("node")):
            with pytest.raises(CapacityError) as caught:
                ask()
            told += "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        told += repr(source) + source.name + repr(vars(source))
    with connect(f"{loaded.url}/?token={SECRET}", headers={"X-Key": SECRET}, cache=tmp_path) as cached:
        frame = cached.range("accessed", **WINDOW)
        cached.label_values("team")
    told += json.dumps(frame.attrs) + caplog.text
    assert "connectionpool" in caplog.text
    assert SECRET not in told
    assert all(SECRET.encode() not in file.read_bytes() for file in tmp_path.iterdir())


# Tenants -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["3", "3:7", "multitenant"])
def test_a_tenant_is_a_path(tenant: str) -> None:
    """Read below /select/, written below /insert/, at the same host or at vminsert's."""
    times = pd.DatetimeIndex(["2024-11-22T01:00Z"])
    frame = frames.wide([[1.0]], times=times, series=[{}], metric="m")
    with bad_server(reply(200, LABELS)) as select, bad_server(reply(204)) as insert:
        for options in ({}, {"insert": insert.url}):
            with connect(select.url, tenant=tenant, **options) as source:
                source.labels(start=WINDOW["start"], end=WINDOW["end"])
                source.write(frame, verify=False)
        paths = [asked.path for asked in select.asked]
        assert f"/select/{tenant}/prometheus/api/v1/labels" in paths
        assert f"/insert/{tenant}/prometheus/api/v1/import" in paths
        assert [asked.path for asked in insert.asked] == [f"/insert/{tenant}/prometheus/api/v1/import"]


def test_a_tenant_that_is_none_is_refused() -> None:
    """A name, a path, and a tenant beside the path of one."""
    for url, tenant in (("http://h", "team"), ("http://h", "1/2"), ("http://h/select/0/prometheus", "1")):
        with pytest.raises(ParameterError, match="tenant"):
            connect(url, tenant=tenant)


def test_labels_of_many_tenants_are_kept_apart() -> None:
    """A multitenant answer has the account and the project as labels: two series, not one twice."""
    result = [
        {"metric": {"__name__": "m", "vm_account_id": account, "vm_project_id": "0"}, "values": [[1732237200, account]]}
        for account in ("1", "2")
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    with bad_server(reply(200, answer)) as server, connect(server.url, tenant="multitenant") as source:
        frame = source.range("m", **WINDOW)
    assert frame.columns.get_level_values("vm_account_id").tolist() == ["1", "2"]


def test_a_cluster_may_be_asked_to_refuse_what_is_partial() -> None:
    """deny_partial_response=1 goes with each request."""
    with bad_server(reply(200, LABELS)) as server, connect(server.url, deny_partial_response=True) as source:
        source.labels(start=WINDOW["start"], end=WINDOW["end"])
    assert server.asked[0].params["deny_partial_response"] == "1"


# Scopes --------------------------------------------------------------------------------------------------------------


def test_a_scope_holds_for_everything_that_is_read(loaded: VictoriaMetrics) -> None:
    """extra_filters: ranges, instants, raw samples, lists and counts show one team, whatever the query asks for."""
    with connect(loaded.url, extra_filters='{team="infra"}') as source:
        assert source.range("accessed", **WINDOW).shape[1] == 1
        assert source.range('accessed{team=~".+"}', **WINDOW).shape[1] == 1
        assert source.instant("accessed", at="2024-11-22T01:01Z").shape[1] == 1
        assert source.samples("accessed", **WINDOW)["team"].unique().tolist() == ["infra"]
        assert [labels["team"] for labels in source.series("accessed", **WINDOW)] == ["infra"]
        assert source.label_values("team", **WINDOW) == ["infra"]
        with pytest.raises(NoData):
            source.range('accessed{team="sales"}', **WINDOW)


def test_a_prometheus_cannot_enforce_a_scope(prometheus: Callable[..., Server]) -> None:
    """It passes over extra_filters and would show everything: refused, whichever way it was connected to."""
    url = prometheus().url
    for address in (f"prometheus+{url}", url, f"{url}/?extra_filters[]=%7Bteam%3D%22infra%22%7D"):
        options = {} if "?" in address else {"extra_filters": '{team="infra"}'}
        with connect(address, **options) as source, pytest.raises(Unsupported, match="passes over extra_filters"):
            source.labels()


def test_vmauth_with_a_header_of_ones_own_and_a_scope(
    loaded: VictoriaMetrics, vmauth: Callable[[str], Server], has: Papers
) -> None:
    """A real vmauth that gives each user a scope, behind TLS with client certificates: each sees their team alone."""
    scoped = "{prefix}/?extra_filters[]=%7Bteam%3D%22{team}%22%7D"
    users = [
        f'- {{bearer_token: "{team}-{SECRET}", url_prefix: "{scoped.format(prefix=loaded.url, team=team)}"}}'
        for team in ("infra", "sales")
    ]
    server = vmauth("\n".join(["users:", *users]))
    ours = {"ca": has.ca, "client_cert": has.client, "client_key": has.client_key}
    with ending_tls(server.url, has, client=True) as url:
        for team in ("infra", "sales"):
            header = {"Authorization": f"Bearer {team}-{SECRET}"}
            assert teams(connect(url, headers=header, **ours)) == [team]
        with pytest.raises(AuthFailed) as caught:
            teams(connect(url, headers={"Authorization": f"Bearer nobody-{SECRET}"}, **ours))
    assert SECRET not in str(caught.value)


def test_an_option_that_there_is_not_is_refused() -> None:
    """With what was probably meant."""
    with pytest.raises(ParameterError, match="Did you mean 'extra_filters'"):
        connect("http://h", extra_filter="{}")
    assert pd.Timedelta(0) == connect("demo:").latency
