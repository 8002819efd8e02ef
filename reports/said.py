"""What the notebook ``forecast_quality`` calls: what reports claimed, and what became of it.

`read` opens a ledger, scores in it what has come due by what a source holds, and reads the scores; without a ledger it
makes one of thirty weekly reports on the simulated platform. What is found here is evidence for people, and changes no
forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display

import connectors
from capacity._version import __version__
from capacity.catalog_load import load_catalog
from capacity.errors import NoData, ParameterError
from capacity.frames import duration, instant
from capacity.tables import html_table, text_table
from reports import charts, renderer, words
from reports.ledger import quality
from reports.ledger.scoring import score, scored
from reports.ledger.store import Store
from reports.summary import MIME, SCHEMA
from reports.weekly import WEEKS, weekly

__all__ = ["Story", "by_resource", "happened", "quantiles", "read", "said", "summary"]

MOST_SAID = 12
TELLING = 0.2
"""A claim of so much or more, or of something that happened, is worth a row."""


@dataclass(frozen=True)
class Story:
    """Scored claims with what a reader of them needs to know."""

    claims: pd.DataFrame
    as_of: pd.Timestamp
    since: pd.Timestamp
    waiting: int
    title: str
    simulated: bool
    source: str

    @property
    def breaches(self) -> pd.DataFrame:
        """The claims about breaches."""
        return self.claims[self.claims["kind"] == "breach"]

    @property
    def finding(self) -> str:
        """The one sentence."""
        made = self.breaches
        if not len(made):
            return f"No chance of a breach has come due yet; {words.plural(self.waiting, 'claim')} still waiting."
        (all_,) = quality.brier(made.assign(all="all"), by="all").to_dict("records")
        said_, came = words.percent(float(made["value"].mean())), words.percent(float(made["outcome"].mean()))
        skill = f", against {all_['base']:.3f} for always saying the share that happened" if all_["base"] > 0 else ""
        return (
            f"Of {len(made):,} chances that came due since {self.since:%-d %b %Y}, {said_} were said to happen on "
            f"average and {came} did; Brier score {all_['score']:.3f}{skill}. {self._bands()}"
        )

    def _bands(self) -> str:
        table = quality.coverage(self.claims.assign(all="all"), by="all").set_index("level")["below"]
        if not {0.1, 0.9} <= set(table.index):
            return ""
        return f"80 % bands held {words.percent(float(table[0.9] - table[0.1]))} of what came."

    def __repr__(self) -> str:
        """Return the finding."""
        return self.finding


def read(
    source: str,
    *,
    catalog: str = "dwcp",
    ledger: str = "",
    as_of: str = "",
    window: str = "120d",
    back: str = "90d",
    seed: int = 0,
    title: str = "",
) -> Story:
    """Score what has come due and return what is known of the claims that were due within ``back``.

    Parameters
    ----------
    source, catalog : str
        What demand is asked of, and how.
    ledger : str
        A ledger's file; empty: thirty weekly reports on the simulated platform, scored by what was drawn.
    as_of : str
        The instant that counts as now; empty: the last finished step.
    window : str
        How much history to pull: claims that were due before it are not scored any more.
    back : str
        How far back claims are counted.

    Raises
    ------
    ParameterError
        There is no such ledger.
    """
    renderer.enable()
    simulated = not ledger
    if ledger and not Path(ledger).is_file():
        raise ParameterError(f"there is no ledger {ledger}.", hint="`capacity run --due` writes one with each report.")
    with Store.open(ledger or ":memory:") as store:
        now = weekly(store, seed=seed) if simulated else _scored(store, source, catalog, as_of, window)
        since = pd.Timestamp(0, tz="UTC") if simulated else now - duration(back, name="back")
        (left,) = store.rows("SELECT count(*) AS n FROM claims WHERE scored IS NULL")
        found = scored(store, since=since)
    first = found["due"].min() if simulated and len(found) else since
    told = title or load_catalog(catalog).title or "Forecast quality"
    return Story(found, now, pd.Timestamp(first), int(left["n"]), told, simulated, source)


def _scored(store: Store, source: str, catalog: str, as_of: str, window: str) -> pd.Timestamp:
    """Score what has come due by what a source holds; returns the instant that counts as now."""
    platform = load_catalog(catalog)
    waiting = [row["resource"] for row in store.rows("SELECT DISTINCT resource FROM claims WHERE scored IS NULL")]
    with connectors.connect(source) as asked:
        at = instant(as_of, name="as_of") if as_of else asked.now()
        names = [name for name in waiting if name in platform.resources]
        if names:
            try:
                pulled = asked.pull(platform, names, at, window)
            except NoData:
                return at
            score(store, pulled.demand, platform, as_of=pulled.as_of)
    return at


def happened(story: Story) -> None:
    """Show how often it happened, by what had been said."""
    charts_ = quality.reliability(story.claims.assign(all="all"), by="all")
    _show(charts.reliability(charts_))
    _say(story.finding)


def quantiles(story: Story) -> None:
    """Show whether demand came below the quantiles as often as they say."""
    _show(charts.kept(quality.coverage(story.claims)))
    table = quality.coverage(story.claims)
    spans = sorted(table["within"].unique(), key=duration)
    _say(" ".join(_bands(within, table[table["within"] == within]) for within in spans) or "None is due.")


def _bands(within: str, table: pd.DataFrame) -> str:
    below = table.set_index("level")["below"]
    if not {0.1, 0.9} <= set(below.index):
        return ""
    held = words.percent(float(below[0.9] - below[0.1]))
    return f"{within} ahead the 80 % bands held {held} of {int(table['claims'].iloc[0]):,}."


def by_resource(story: Story) -> None:
    """Show the scores by resource and by how far ahead, beside what always saying the base rate would score."""
    rows = []
    for resource, each in story.breaches.groupby("resource"):
        table = quality.brier(each).sort_values("within", key=lambda spans: spans.map(duration))
        for row in table.to_dict("records"):
            rows.append(
                {
                    "resource": str(resource),
                    "within": str(row["within"]),
                    "claims": f"{row['claims']:,}",
                    "Brier": f"{row['score']:.3f}",
                    "base rate's": f"{row['base']:.3f}",
                    "skill": "–" if pd.isna(row["skill"]) else f"{row['skill']:.0%}",
                }
            )
    if rows:
        _table(rows)
    _say("Skill is 1 − Brier ÷ that of the base rate; where it always or never happened there is none to be had.")


def said(story: Story) -> None:
    """Show the claims that mattered: large ones, and what happened without much having been said; the latest first."""
    made = story.breaches
    told = made[(made["value"] >= TELLING) | (made["outcome"] > 0)]
    told = told.sort_values(["due", "value"], ascending=False)
    last = told.groupby(["resource", "series", "within"], sort=False).head(1).head(MOST_SAID)
    rows = [
        {
            "series": f"{row['resource']} {row['series']}",
            "said on": f"{row['as_of']:%-d %b %Y}",
            "the chance within": f"{row['within']}: {words.percent(float(row['value']))}",
            "by": f"{row['due']:%-d %b %Y}",
            "it happened": "yes" if row["outcome"] else "no",
        }
        for row in last.to_dict("records")
    ]
    if rows:
        _table(rows)
    origin = (
        f"simulated: {WEEKS} weekly reports on the demo, and what was drawn to come after" if story.simulated else ""
    )
    still = f"{words.plural(story.waiting, 'claim is', 'claims are')} not due yet or cannot be scored."
    _say(f"{still} {origin.capitalize()}".strip() + ("." if origin else ""))


def summary(story: Story) -> None:
    """Put out the answer for programs."""
    table = quality.brier(story.breaches)
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "title": f"{story.title}: forecast quality",
        "finding": story.finding,
        "as_of": f"{story.as_of:%Y-%m-%dT%H:%M:%SZ}",
        "scores": [
            {name: None if pd.isna(value) else value for name, value in row.items()} for row in table.to_dict("records")
        ],
        "waiting": story.waiting,
        "version": __version__,
    }
    _put({MIME: told, "text/plain": story.finding})


def _show(chart: Any) -> None:
    display(chart)  # type: ignore[no-untyped-call]


def _say(text: str) -> None:
    """Put out a sentence or two; whatever stands in it is text, never markup."""
    _put({"text/html": f'<p class="cw-words">{escape(text)}</p>', "text/plain": text})


def _table(found: list[dict[str, str]]) -> None:
    _put({"text/html": html_table(found), "text/plain": text_table(found)})


def _put(bundle: Mapping[str, Any]) -> None:
    display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]
