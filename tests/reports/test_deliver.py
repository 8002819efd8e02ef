"""Findings brought to people: each once, to whom its severity says, through real servers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

import capacity
from reports.deliver.mail import digest
from reports.deliver.messages import Message, line
from reports.deliver.routing import policies, post
from reports.deliver.send import Sent, flush
from reports.deliver.sparks import SIZE, spark
from reports.ledger.findings import Event, key, update
from reports.ledger.store import Store
from reports.settings import Delivery
from tests.support.sinks import http_sink, internet, smtp_sink
from tests.support.unwatched import at, row, told

NOW = at("2026-11-23T06:10")
CATALOG = capacity.load_catalog("dwcp")
DELIVERIES = {name: Delivery(name, name.upper()) for name in ("pagerduty", "slack", "email")}
POLICIES = policies(DELIVERIES, CATALOG)
PAST = row("full", verdict="past", now=90.0, breach_p50="2026-11-23T00:00:00Z", order_by=None)
SOON = row("soon", verdict="order now")
LATER = row("later", verdict="breach")
POINTS = {"behind": [1.0, 2.0, 3.0], "ahead": {"0.1": [3.0, 3.1], "0.5": [3.0, 3.5], "0.9": [3.2, 4.0]}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield an empty ledger."""
    with Store.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def posted(
    store: Store, *rows: dict[str, Any], as_of: str = "2026-11-23T06:00", now: pd.Timestamp = NOW
) -> list[Event]:
    """Bring the findings up to a report with these rows, and post what happened."""
    events = update(store, "weekly", at(as_of), told(*rows))
    post(store, events, list(POLICIES.values()), now=now, report="https://r.example/weekly", title="Disks")
    return events


def kinds(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.severity, each.row["series"]) for each in events]


def flushed(store: Store, environment: dict[str, str], now: pd.Timestamp = NOW, **more: Any) -> list[Sent]:
    return flush(store, DELIVERIES, now=now, environment=environment, sleep=lambda _: None, **more)


def test_a_finding_is_opened_moved_and_closed_once(store: Store) -> None:
    """Over five reports: it opens, stays, moves by eight days, cannot be judged, and is over; each is told once."""
    assert kinds(posted(store, LATER)) == [("opened", "capacity", "later")]
    assert posted(store, LATER, as_of="2026-11-24") == []
    assert posted(store, {**LATER, "breach_p50": "2026-12-20T00:00:00Z"}, as_of="2026-11-25") == []
    moved = {**LATER, "breach_p50": "2026-12-24T00:00:00Z"}
    assert kinds(posted(store, moved, as_of="2026-11-26")) == [("moved", "capacity", "later")]
    assert posted(store, {**LATER, "verdict": "cannot judge"}, as_of="2026-11-27") == []
    assert kinds(posted(store, {**LATER, "verdict": "fine"}, as_of="2026-11-28")) == [("closed", "capacity", "later")]
    assert posted(store, {**LATER, "verdict": "fine"}, as_of="2026-11-29") == []
    assert kinds(posted(store, LATER, as_of="2026-11-30")) == [("opened", "capacity", "later")]


def test_the_same_report_twice_tells_nothing_twice(store: Store) -> None:
    """A report that is made once more for the same instant finds the same events, and posts none of them again."""
    posted(store, PAST, SOON, LATER)
    before = store.rows("SELECT event FROM outbox")
    assert posted(store, PAST, SOON, LATER) == []
    events = [Event("weekly|x", "x", "opened", "critical", PAST, {})]
    assert post(store, events, [POLICIES["pagerduty"]], now=NOW, report="", title="") == 1
    assert post(store, events, [POLICIES["pagerduty"]], now=NOW, report="", title="") == 0
    assert len(store.rows("SELECT event FROM outbox")) == len(before) + 1 == 4


def test_an_accepted_risk_and_a_series_that_is_gone_are_closed(store: Store) -> None:
    """Somebody answers for the one, and the other is not there any more."""
    posted(store, SOON, LATER)
    events = posted(store, {**SOON, "accepted": "until 1 Jan by Ada"}, as_of="2026-11-24")
    assert sorted(kinds(events)) == [("closed", "capacity", "later"), ("closed", "warning", "soon")]


def test_severity_says_who_is_told_and_when(store: Store) -> None:
    """Critical at once to the pager, a warning after five minutes to the chat, capacity by mail at the full hour."""
    posted(store, PAST, SOON, LATER)
    rows = {each["delivery"]: (each["severity"], each["not_before"]) for each in store.rows("SELECT * FROM outbox")}
    assert rows == {
        "pagerduty": ("critical", "2026-11-23T06:10:00Z"),
        "slack": ("warning", "2026-11-23T06:15:00Z"),
        "email": ("capacity", "2026-11-23T07:00:00Z"),
    }


def test_what_gets_worse_goes_from_one_channel_to_the_next(store: Store) -> None:
    """It is closed for those who took the warning and opened for the pager; and the other way round."""
    posted(store, SOON)
    worse = posted(store, {**SOON, "verdict": "past"}, as_of="2026-11-24")
    assert kinds(worse) == [("opened", "critical", "soon"), ("closed", "warning", "soon")]
    assert kinds(posted(store, SOON, as_of="2026-11-25")) == [
        ("closed", "critical", "soon"),
        ("opened", "warning", "soon"),
    ]


def test_without_a_pager_the_next_one_down_is_told(store: Store) -> None:
    """A schedule that only has mail loses nothing."""
    events = update(store, "weekly", NOW, told(PAST, SOON))
    post(store, events, [POLICIES["email"]], now=NOW, report="", title="")
    assert {each["delivery"] for each in store.rows("SELECT * FROM outbox")} == {"email"}
    assert len(store.rows("SELECT * FROM outbox")) == 2


def test_what_is_over_before_it_was_told_is_told_to_nobody(store: Store) -> None:
    """Opened and closed within the wait: neither is sent."""
    posted(store, SOON)
    posted(store, {**SOON, "verdict": "fine"}, as_of="2026-11-24")
    with http_sink() as sink:
        assert flushed(store, {"SLACK": sink.url.replace("http", "json")}, now=NOW + pd.Timedelta(days=2)) == []
    assert sink.posts == []


@pytest.mark.parametrize("refusals", [0, 2])
def test_a_sink_that_fails_twice_gets_it_the_third_time_and_once(store: Store, refusals: int) -> None:
    """Two refusals, then it is taken; the next flush sends nothing."""
    posted(store, SOON)
    later = NOW + pd.Timedelta(minutes=5)
    with http_sink(refuse=refusals) as sink:
        environment = {"SLACK": sink.url.replace("http", "json")}
        assert flushed(store, environment, now=later) == [Sent("slack", 1)]
        assert flushed(store, environment, now=later + pd.Timedelta(days=1)) == []
    assert (len(sink.posts), sink.tries) == (1, refusals + 1)


def test_a_sink_that_stays_away_is_tried_later(store: Store) -> None:
    """Three tries at once, then the next flush after a while; why is noted, without the address."""
    posted(store, SOON)
    later = NOW + pd.Timedelta(minutes=5)
    with http_sink(refuse=4) as sink:
        environment = {"SLACK": sink.url.replace("http", "json") + "/secret-path"}
        (first,) = flushed(store, environment, now=later)
        assert first.told == 0
        assert "secret-path" not in first.failure
        assert flushed(store, environment, now=later + pd.Timedelta(minutes=1)) == []
        assert flushed(store, environment, now=later + pd.Timedelta(minutes=2)) == [Sent("slack", 1)]
    assert len(sink.posts) == 1
    (entry,) = store.rows("SELECT state, attempts FROM outbox")
    assert entry == {"state": "sent", "attempts": 1}


def test_an_address_that_is_not_set_is_told_and_waits(store: Store) -> None:
    """By the name of its variable."""
    posted(store, PAST)
    assert flushed(store, {}) == [Sent("pagerduty", 0, "PAGERDUTY is not set")]
    assert store.rows("SELECT state FROM outbox") == [{"state": "waiting"}]


def test_after_a_crash_only_a_pager_is_told_again(store: Store) -> None:
    """It was open whether it arrived: a pager knows its key, and any other would have it twice."""
    posted(store, PAST, SOON)
    store.do("UPDATE outbox SET state = 'sending'")
    with http_sink() as sink:
        url = sink.url.replace("http", "json")
        flushed(store, {"SLACK": url, "PAGERDUTY": "pagerduty://invalid"}, now=NOW + pd.Timedelta(hours=1))
    states = {each["delivery"]: each["state"] for each in store.rows("SELECT * FROM outbox")}
    assert states == {"slack": "unsure", "pagerduty": "waiting"}
    assert sink.posts == []


def test_pages_open_and_end_one_incident(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What PagerDuty gets, through a proxy that stands in for it: a trigger, then its resolve, of one key."""
    with internet(tmp_path, "events.pagerduty.com") as (sink, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url = {"PAGERDUTY": "pagerduty://routing-key-1@api-key-1"}
        posted(store, PAST)
        assert flushed(store, url) == [Sent("pagerduty", 1)]
        posted(store, {**PAST, "verdict": "fine"}, as_of="2026-11-24")
        assert flushed(store, url, now=NOW + pd.Timedelta(days=1)) == [Sent("pagerduty", 1)]
    trigger, resolve = (each.body for each in sink.posts)
    assert {each.host for each in sink.posts} == {"events.pagerduty.com"}
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["payload"]["severity"] == "critical"
    assert trigger["payload"]["summary"].startswith("✖ new: Disk space full: past usable capacity (90 B of 85 B)")
    assert "images" not in trigger


def test_slack_gets_text_of_ours(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message for all warnings, each a line with its dates, then the report; no icon is fetched from elsewhere."""
    with internet(tmp_path, "hooks.slack.com") as (sink, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        posted(store, SOON, row("other", verdict="order now"))
        url = {"SLACK": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"}
        assert flushed(store, url, now=NOW + pd.Timedelta(minutes=5)) == [Sent("slack", 2)]
    (sent,) = sink.posts
    said = str(sent.body)
    assert "Disks: 2 new" in said
    assert "! new: Disk space soon: runs out around 16 Dec 2026 (80 %: 9 Dec 2026 to 25 Dec 2026)" in said
    assert "order by 25 Nov 2026 [storage]" in said
    assert "https://r.example/weekly" in said
    assert "icon" not in said
    assert ".png" not in said


def test_the_digest_is_a_mail_that_clients_keep(store: Store) -> None:
    """HTML with inline styles, a plain part, PNG pictures with words, nothing from elsewhere, and small."""
    with smtp_sink(refuse=2) as mails:
        posted(store, PAST, SOON, LATER, row("<b>&hostile"))
        points = {key(each): POINTS for each in (PAST, SOON, LATER)}
        sent = flushed(store, {"EMAIL": mails.url}, now=at("2026-11-23T07:00"), points=points)
        assert [each for each in sent if each.delivery == "email"] == [Sent("email", 2)]
    (mail,), (raw,) = mails.messages, mails.raw
    assert len(raw) < 100_000
    assert mail["Subject"] == "Disks: 2 new"
    parts = {part.get_content_type(): part for part in mail.walk()}
    html, plain = parts["text/html"].get_content(), parts["text/plain"].get_content()
    for word in ("<style", "<svg", "<script", "<link", 'src="http', "class="):
        assert word not in html
    assert "&lt;b&gt;&amp;hostile" in html
    assert "later: runs out around 16 Dec 2026" in plain
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert len(pictures) == 3
    for part in pictures:
        name = str(part["Content-ID"]).strip("<>")
        assert f'src="cid:{name}"' in html
        assert Image.open(io.BytesIO(part.get_content())).size == (2 * SIZE[0], 2 * SIZE[1])
    assert html.count('alt="History and forecast of') == 3


def test_a_digest_of_a_thousand_findings_stays_small(store: Store) -> None:
    """What does not fit is counted."""
    with smtp_sink() as mails:
        rows = [row(f"series-{number}") for number in range(1000)]
        posted(store, *rows)
        points = {key(each): POINTS for each in rows}
        flushed(store, {"EMAIL": mails.url}, now=at("2026-11-23T07:00"), points=points)
    assert len(mails.raw[0]) < 100_000
    assert "And 980 more" in mails.messages[0].get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_lines_by_hand() -> None:
    """What is said of a date that moved, of one that is not in sight, and of what is over."""

    def of(kind: str, severity: str = "capacity", before: dict[str, Any] | None = None, **more: Any) -> str:
        return line(Message(1, "k", kind, severity, row("a", **more), before or {}, "", ""))

    assert of("moved", before={"breach_p50": "2026-12-01T00:00:00Z"}).startswith(
        "◆ moved: Disk space a: runs out around 16 Dec 2026 (80 %: 9 Dec 2026 to 25 Dec 2026), was 1 Dec 2026; order by"
    )
    assert of("closed", verdict="fine") == "✔ over: Disk space a (fine)"
    said = of("opened", breach_p50=None, order_by=None, owner="", verdict="order now", probability=0.3)
    assert said == "! new: Disk space a: order now: 30% by 30 Jan 2027"


def test_a_sparkline_shows_its_limit_line() -> None:
    """The limit is red, the past dark, the band light; without points it is blank paper."""
    image = Image.open(io.BytesIO(spark(POINTS, 3.8))).convert("RGB")
    colours = {colour for _, colour in image.getcolors(10_000) or []}
    assert {(192, 57, 43), (58, 74, 90)} <= colours
    blank = Image.open(io.BytesIO(spark({}, None))).convert("RGB")
    assert len(blank.getcolors() or []) == 1


def test_a_mail_without_pictures_is_a_mail() -> None:
    """Where nobody gave points, the table stands alone."""
    event = Message(1, "k", "opened", "capacity", LATER, {}, "out/weekly/report.html", "Disks")
    made = digest([event], [{**LATER, "severity": "capacity", "key": "k"}], {})
    assert made.pictures == {}
    assert "<img" not in made.html
    assert "out/weekly/report.html" in made.html
