"""The tick: what is due is run, published and noted, one report after the other; nothing due costs nothing.

Whatever ends it, and whenever, the next tick goes on from what is on the disk: a report is published in one step, then
noted as good together with its claims and findings in another. A kill between the two makes the report once more.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity.catalog_load import load_catalog
from capacity.errors import CapacityError, ParameterError, did_you_mean
from reports.config import Config
from reports.deliver.routing import policies, post
from reports.deliver.send import flush
from reports.ledger import claims, runs
from reports.ledger.findings import key, update
from reports.ledger.store import FILE, STATE, Store, text
from reports.notebooks import written
from reports.publish import failed_text
from reports.publishing import Place, changes, place_of, refuse_secrets
from reports.publishing.secrets import secrets
from reports.rendering import Made, make
from reports.schedule import given, health, lock
from reports.schedule.due import Attempts, Due, due, following
from reports.schedule.tracing import tracing
from reports.settings import Schedule
from reports.truth import Failure

if TYPE_CHECKING:
    from reports.runs import Progress

__all__ = ["STATE", "Outcome", "busy", "ledger_of", "pending", "tick"]

NEXT = pd.Timedelta(1, unit="s")
Clock = Callable[[], pd.Timestamp]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of one due report: where it is, or why it failed."""

    schedule: str
    as_of: pd.Timestamp
    seconds: float
    place: str = ""
    finding: str = ""
    failure: str = ""
    changed: int = 0


def ledger_of(config: Config) -> Path:
    """Return where the ledger lies."""
    return config.out / STATE / FILE


def tick(
    config: Config, *, clock: Clock, only: Sequence[str] = (), progress: Progress | None = None
) -> list[Outcome] | None:
    """Run what is due; None: another tick is at work.

    Parameters
    ----------
    clock : callable
        Tells what time it is. It is asked once for what is due, and again when a run ends.
    only : sequence of str
        Names of schedules; none: all.
    """
    chosen = _chosen(config, only)
    now = clock()
    with lock.held(config.out / STATE / "lock") as mine:
        if not mine:
            return None
        with Store.open(ledger_of(config)) as store, tracing() as tracer:
            runs.interrupted(store)
            place = place_of(config.published)
            place.sweep()
            done = []
            for each in pending(chosen, store, now=now):
                about = {"capacity.schedule": each.schedule.name, "capacity.as_of": text(each.as_of)}
                with tracer.span("capacity report", about) as span:
                    done.append(_run(each, config, store, place, clock, progress))
                    if done[-1].failure:
                        span.failed(done[-1].failure)
            points = _points(config, place, clock())
            for sent in flush(store, config.deliveries, now=clock(), environment=os.environ, points=points):
                if sent.failure:
                    _LOG.error("%s was not told, and will be tried again: %s", sent.delivery, sent.failure)
            health.write(config, store, now=clock(), path=config.out / STATE / health.FILE)
            return done


def busy(config: Config) -> bool:
    """Whether a tick is at work."""
    with lock.held(config.out / STATE / "lock") as mine:
        return not mine


def pending(schedules: Sequence[Schedule], store: Store, *, now: pd.Timestamp) -> Iterator[Due]:
    """Yield what is due, in the order of the file."""
    for schedule in schedules:
        good = runs.last_good(store, schedule.name, until=following(schedule, now))
        asked = due(schedule, now=now, good=good)
        if asked is not None:
            failed, last = runs.failures(store, schedule.name, asked.as_of)
            asked = due(schedule, now=now, good=good, attempts=Attempts(failed, last))
        if asked is not None:
            yield asked


def _chosen(config: Config, only: Sequence[str]) -> list[Schedule]:
    for name in only:
        if name not in config.schedules:
            near = did_you_mean(name, config.schedules)
            raise ParameterError(
                f"there is no schedule {name!r}.{near}", hint=f"There are: {', '.join(config.schedules) or 'none'}."
            )
    return [each for name, each in config.schedules.items() if not only or name in only]


def _run(asked: Due, config: Config, store: Store, place: Place, clock: Clock, progress: Progress | None) -> Outcome:
    """Run one report from its parameters to its entry in the ledger; what goes wrong is noted, and told."""
    schedule, as_of = asked.schedule, asked.as_of
    started = time.monotonic()
    number = runs.begin(store, schedule.name, notebook=schedule.notebook, as_of=as_of, now=clock())
    try:
        made = _made(asked, config, place.summary(schedule.name, before=as_of), progress)
        if made.failure is not None:
            raise _Failed(made)
        where, changed = _publish(asked, config, place, made, clock())
        with store.transaction():
            claims.freeze(store, schedule.name, as_of, made.summary)
            _post(asked, config, store, made, where, clock())
            finding = str(made.summary.get("finding", ""))
            took = time.monotonic() - started
            runs.end(store, number, now=clock(), seconds=took, place=where, finding=finding)
        return Outcome(schedule.name, as_of, took, where, finding, changed=changed)
    except (CapacityError, OSError, _Failed) as error:
        reason = " ".join(str(error).split())
        took = time.monotonic() - started
        kept = _keep(asked, place, error) if isinstance(error, _Failed) else ""
        runs.end(store, number, now=clock(), seconds=took, reason=reason, place=kept)
        return Outcome(schedule.name, as_of, took, kept, failure=reason)


def _post(asked: Due, config: Config, store: Store, made: Made, where: str, now: pd.Timestamp) -> None:
    """Follow the findings of a report, and put what happened to them into the outbox; an old report moves nothing."""
    schedule = asked.schedule
    latest = runs.last_good(store, schedule.name, until=now)
    if latest is not None and latest > asked.as_of:
        return
    events = update(store, schedule.name, asked.as_of, made.summary)
    if not schedule.deliver or not events:
        return
    catalog = load_catalog(str(schedule.parameters.get("catalog", config.catalog)))
    known = policies(config.deliveries, catalog)
    title = str(made.summary.get("title", schedule.name))
    post(store, events, [known[name] for name in schedule.deliver], now=now, report=where, title=title)


def _points(config: Config, place: Place, now: pd.Timestamp) -> dict[str, Any]:
    """Return the points of the newest reports' small pictures, by finding; nobody gets mail: none."""
    if not config.deliveries:
        return {}
    rows = [row for name in config.schedules for row in place.summary(name, before=now + NEXT).get("rows", ())]
    return {key(row): row["points"] for row in rows if "points" in row}


class _Failed(Exception):
    """A notebook that failed, on its way to where failures are kept."""

    def __init__(self, made: Made) -> None:
        super().__init__(str(made.failure))
        self.made = made


def _made(asked: Due, config: Config, before: Mapping[str, Any], progress: Progress | None) -> Made:
    schedule = asked.schedule
    values, environment = given.parameters(schedule, asked.as_of, config)
    return make(
        schedule.notebook,
        values,
        timeout_s=schedule.timeout.total_seconds(),
        memory_bytes=schedule.memory_bytes,
        environment=environment,
        progress=progress,
        before=before,
    )


def _publish(asked: Due, config: Config, place: Place, made: Made, now: pd.Timestamp) -> tuple[str, int]:
    """Publish a run that is good; returns where its page is, and how much changed since the one before."""
    name, as_of = asked.schedule.name, asked.as_of
    changed = changes(place.summary(name, before=as_of), made.summary)
    summary: dict[str, Any] = {
        "schedule": name,
        "due": text(as_of),
        **made.summary,
        "changes": [each.as_json() for each in changed],
    }
    texts = {
        "report.html": made.page.decode("utf-8"),
        "summary.json": json.dumps(summary, ensure_ascii=False, separators=(",", ":")),
        "notebook.ipynb": written(made.notebook),
    }
    if "csv" in made.figures:
        texts["report.csv"] = made.figures["csv"].decode("utf-8")
    refuse_secrets(texts, secrets(given.hidden(config, os.environ)))
    files = {each: content.encode("utf-8") for each, content in texts.items()}
    files |= {f"report.{kind}": content for kind, content in made.figures.items()}  # the same figures as in the CSV
    keep = asked.schedule.keep
    return place.publish(name, as_of=as_of, files=files, summary=summary, keep=keep, now=now), len(changed)


def _keep(asked: Due, place: Place, failed: _Failed) -> str:
    """Keep a failed notebook; that it cannot be kept must not hide why it failed."""
    assert isinstance(failed.made.failure, Failure)
    notebook = failed_text(failed.made.notebook, failed.made.failure)
    try:
        return place.keep_failed(asked.schedule.name, as_of=asked.as_of, notebook=notebook)
    except CapacityError as error:
        _LOG.error("%s", error)
        return ""
