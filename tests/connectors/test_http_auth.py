"""Who we are to a server, and that nobody else learns it."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable

import pytest

from capacity.errors import AuthFailed, CapacityError, NoData, ParameterError
from connectors import Source, connect
from connectors.auth import address
from tests.support.badserver import bad_server, cut, reply, reset
from tests.support.servers import Server, VictoriaMetrics

SECRET = "s3cr3t/p@ss word"
QUOTED = "s3cr3t%2Fp%40ss%20word"
TOKEN = "t0ken-0123456789"
PAIR = base64.b64encode(f"ann:{SECRET}".encode()).decode()
EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}
WINDOW = {"start": "2024-11-22T00:00Z", "end": "2024-11-22T03:00Z"}


def header(url_of: Callable[[str], str], **options: str) -> str | None:
    """Return the Authorization that a server gets."""
    with (
        bad_server(reply(200, EMPTY)) as server,
        connect(url_of(server.url), **options) as source,
        pytest.raises(NoData),
    ):
        source.range("m", **WINDOW)
    return server.asked[0].headers.get("authorization")


def with_user(url: str) -> str:
    return url.replace("http://", f"http://ann:{QUOTED}@")


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CAPACITY_TOKEN", "CAPACITY_USER", "CAPACITY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_credentials_come_from_the_url_the_arguments_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is nearer to the call counts: the URL and the arguments before the environment."""
    assert header(str) is None
    assert header(with_user) == f"Basic {PAIR}"
    assert header(str, token=TOKEN) == f"Bearer {TOKEN}"
    assert header(str, user="ann", password=SECRET) == f"Basic {PAIR}"
    monkeypatch.setenv("CAPACITY_USER", "ann")
    monkeypatch.setenv("CAPACITY_PASSWORD", SECRET)
    assert header(str) == f"Basic {PAIR}"
    monkeypatch.setenv("CAPACITY_TOKEN", "other")
    assert header(str) == "Bearer other"
    assert header(with_user) == f"Basic {PAIR}"


@pytest.mark.parametrize(
    "answer",
    [
        reply(401, f"no such user: ann:{SECRET}"),
        reply(422, {"status": "error", "error": f"Authorization: Basic {PAIR} and token {TOKEN}"}),
        reply(200, {"status": "error", "error": f"asked by ann:{QUOTED} with {TOKEN}"}),
        reply(302, "", {"Location": f"http://ann:{QUOTED}@elsewhere/?token={TOKEN}"}),
        reply(200, f"<html>{SECRET}"),
        reply(200, f'{{"asked by": "{SECRET}'),
        cut(reply(200, EMPTY), missing=3),
        reset,
    ],
)
def test_no_error_repeats_a_secret(answer: object) -> None:
    """Whatever a server says back, the message, the repr and the traceback's errors hold no secret."""
    with bad_server(answer) as server:  # type: ignore[arg-type]
        url = with_user(server.url) + f"/?token={TOKEN}"
        with connect(url, attempts=1) as source, pytest.raises(CapacityError) as caught:
            source.range("m", **WINDOW)
        told = "".join(traceback.format_exception_only(caught.value)) + repr(caught.value) + repr(source) + source.name
        told += repr(source.client.where)  # type: ignore[attr-defined]
    for secret in (SECRET, QUOTED, PAIR, TOKEN):
        assert secret not in told
    assert "ann" not in source.name


def test_a_url_that_is_none_is_refused_without_repeating_it() -> None:
    """A typing error in a URL with a password in it does not print the password."""
    for url in ("http://", f"http://ann:{SECRET}@", f"http://ann:{SECRET}@host:port", "http://[::1"):
        with pytest.raises(ParameterError, match="names no server") as caught:
            connect(url)
        assert SECRET not in str(caught.value)
    with pytest.raises(ParameterError, match="Did you mean 'https'") as caught:
        connect(f"httpss://ann:{SECRET}@host")
    assert SECRET not in str(caught.value)


def test_a_token_with_a_line_break_is_refused() -> None:
    """A token that was read from a file with its last line break would break the header: said so, not sent."""
    with pytest.raises(ParameterError, match="line break"):
        connect("http://host", token="abc\n")


def test_the_path_and_the_parameters_of_a_url_are_kept() -> None:
    """A tenant's path stays in front of each endpoint; fixed parameters are shown, but for what is secret."""
    where = address("https://Host:8481/select/0/prometheus/?extra_label=team=x&api_key=abc")
    assert where.base == "https://host:8481/select/0/prometheus"
    assert where.params == (("extra_label", "team=x"), ("api_key", "abc"))
    assert where.name == "https://host:8481/select/0/prometheus?extra_label=team=x&api_key=***"
    assert address("http://[::1]:8428").base == "http://[::1]:8428"


def test_vmauth_lets_in_who_it_knows(victoriametrics: VictoriaMetrics, vmauth: Callable[[str], Server]) -> None:
    """Behind a real vmauth: basic and bearer get the data, anybody else gets AuthFailed."""
    victoriametrics.import_lines(b'{"metric":{"__name__":"behind_vmauth"},"values":[1],"timestamps":[1732237200000]}')
    config = "\n".join(
        [
            "users:",
            f'- {{username: "ann", password: "{SECRET}", url_prefix: "{victoriametrics.url}"}}',
            f'- {{bearer_token: "{TOKEN}", url_prefix: "{victoriametrics.url}"}}',
        ]
    )
    url = vmauth(config).url

    def value(source: Source) -> float:
        with source:
            return float(source.range("behind_vmauth", **WINDOW).iloc[0, 0])

    assert value(connect(url, user="ann", password=SECRET)) == 1.0
    assert value(connect(url, token=TOKEN)) == 1.0
    for wrong in ({}, {"token": "wrong"}, {"user": "ann", "password": "wrong"}):
        with pytest.raises(AuthFailed, match="CAPACITY_TOKEN"):
            value(connect(url, **wrong))
