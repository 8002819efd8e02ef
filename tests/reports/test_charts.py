"""Charts: judged by their specification, on a small plan whose answers are known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert

import capacity
from capacity.errors import ParameterError
from reports import charts, theme
from tests.support.plans import AS_OF, DAY, GIB, HOSTILE, empty_plan, small_plan

COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|rgba\([^)]*\)|\b(?:black|white)\b")


NAMES = (
    "forecast", "forecast with outlook", "forecast below", "runway", "runway of an outlook", "probability", "growth",
    "growth of one", "coverage", "skill", "nothing to run out", "no curve", "no growth", "no backtest",
)  # fmt: skip


@cache
def specs() -> dict[str, dict[str, Any]]:
    return {name: spec(chart) for name, chart in every_chart().items()}


def every_chart() -> dict[str, Any]:
    made = small_plan()
    return {
        "forecast": charts.forecast(made.forecasts["disk"]),
        "forecast with outlook": charts.forecast(made.forecasts["disk"], made.outlooks["disk"]),
        "forecast below": charts.forecast(made.forecasts["free"], made.outlooks["free"]),
        "runway": charts.runway(made),
        "runway of an outlook": charts.runway(made.outlooks["disk"]),
        "probability": charts.probability(made),
        "growth": charts.growth(made.growths, titles={"disk": "Disk space"}),
        "growth of one": charts.growth(made.growths["disk"]),
        "coverage": charts.coverage(made.forecasts),
        "skill": charts.skill(made.forecasts),
        "nothing to run out": charts.runway(empty_plan()),
        "no curve": charts.probability(empty_plan()),
        "no growth": charts.growth({}),
        "no backtest": charts.coverage({}),
    }


def spec(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = chart.to_dict()
    return found


def rows(chart: Any) -> list[dict[str, Any]]:
    """Return all rows of all data sets of a chart."""
    return [row for found in spec(chart)["datasets"].values() for row in found]


def texts(tree: Any) -> Iterator[str]:
    """Return every string in a specification, its data left out."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for name, part in tree.items():
            yield from () if name == "datasets" else texts(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from texts(part)


def luminance(colour: str) -> float:
    """Return the relative luminance that WCAG defines."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_fits_its_page_and_says_what_it_shows(name: str) -> None:
    """The width is the page's, the title and the description are there, and the theme is in use."""
    found = specs()[name]
    assert found["width"] == "container"
    assert len(found["description"]) > 20
    assert found["title"]["text"]
    assert found["config"]["font"] == theme.FONT
    assert all(len(line) <= 58 for line in found["title"].get("subtitle", []))


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_compiles_and_asks_for_nothing(name: str) -> None:
    """Vega-Lite accepts it, and no data comes from a URL."""
    found = vl_convert.vegalite_to_vega(specs()[name])
    assert found["marks"]
    assert not [data for data in found["data"] if "url" in data]


@pytest.mark.parametrize("name", NAMES)
def test_no_chart_has_a_colour_that_vanishes_on_a_page(name: str) -> None:
    """Colours are the theme's; text, axes and grid get theirs from the page."""
    own = {theme.BLUE, theme.SKY, theme.GREEN, theme.ORANGE, theme.VERMILLION, theme.PURPLE, theme.GREY}
    used = {match for text in texts(specs()[name]) for match in COLOUR.findall(text)}
    assert {colour for colour in used if not colour.startswith("rgba")} <= own
    config = specs()[name]["config"]
    assert not [key for part in config.values() if isinstance(part, dict) for key in part if "color" in key.lower()]


def test_lines_keep_a_contrast_of_three_to_one_on_both_pages() -> None:
    """WCAG asks that of graphical objects; the orange and the sky blue are for areas, and for lines with a dash."""
    for colour in (theme.BLUE, theme.VERMILLION, theme.GREY, theme.GREEN):
        assert contrast(colour, "#ffffff") >= 3
        assert contrast(colour, "#0d1117") >= 3


def test_the_same_plan_draws_the_same_chart() -> None:
    """Drawn twice, a chart is the same to the last digit."""
    assert tuple(specs()) == NAMES
    assert {name: spec(chart) for name, chart in every_chart().items()} == specs()


def test_a_projection_draws_limit_usable_cutoff_lead_time_and_breach() -> None:
    """Of 1,000 GiB a tenth is kept free; the lead time is 7 d; as of 1 November."""
    made = small_plan()
    chart = charts.forecast(made.forecasts["disk"], made.outlooks["disk"], "eu/fills", title="Disk space")
    found = rows(chart)
    assert {row["limit"] for row in found if "limit" in row} == {1000.0}
    assert {row["usable"] for row in found if "usable" in row} == {900.0}
    assert {"at": "2026-11-01"} in found
    assert {"from": "2026-11-01", "to": "2026-11-08"} in found
    told = {row["text"] for row in found if "text" in row}
    assert {"as of 1 Nov", "lead time 7 d"} <= told
    (breach,) = [row for row in found if "p50" in row]
    row = made.table[made.table["series"] == "eu/fills"].iloc[0]
    assert breach["value"] == 900.0
    assert breach["p50"][:10] == f"{row['breach_p50']:%Y-%m-%d}"
    assert breach["p10"] < breach["p50"] < breach["p90"]


def test_the_axis_is_in_the_unit_that_reads_well() -> None:
    """600 to 1,000 GiB are drawn as such, not as 10¹² bytes, and the axis says so."""
    made = small_plan()
    chart = charts.forecast(made.forecasts["disk"], made.outlooks["disk"], "eu/fills")
    axes = {
        layer["encoding"]["y"]["axis"]["title"]
        for layer in spec(chart)["layer"]
        if "axis" in layer["encoding"].get("y", {})
    }
    assert axes == {"disk (GiB)"}
    history = [row["high"] for row in rows(chart) if "high" in row]
    assert min(history) > 590
    assert max(history) < 900


def test_without_an_outlook_there_is_no_limit_to_draw() -> None:
    """A forecast alone has history, bands and its cutoff."""
    found = rows(charts.forecast(small_plan().forecasts["disk"], series="eu/calm"))
    assert not [row for row in found if {"limit", "usable", "from"} & row.keys()]
    assert [row for row in found if "p500" in row]


def test_bands_are_nested() -> None:
    """At every instant the levels of the bands lie in their order."""
    found = [row for row in rows(charts.forecast(small_plan().forecasts["disk"], series=0)) if "p500" in row]
    names = ["p025", "p100", "p250", "p500", "p750", "p900", "p975"]
    assert len(found) == 30 * 4
    for row in found:
        assert [row[name] for name in names] == sorted(row[name] for name in names)


def test_a_series_is_chosen_by_place_name_labels_or_urgency() -> None:
    """With an outlook the most urgent is drawn by default; a name that is not there is refused with some that are."""
    made = small_plan()
    forecast, outlook = made.forecasts["disk"], made.outlooks["disk"]
    titles = [
        spec(charts.forecast(forecast, outlook, chosen))["title"]["text"]
        for chosen in (None, "eu/calm", {"node": "calm"}, 1, forecast.columns[1])
    ]
    assert titles == ["disk · us/full", *["disk · eu/calm"] * 4]
    with pytest.raises(ParameterError, match="no series 'eu/clam'") as refused:
        charts.forecast(forecast, outlook, "eu/clam")
    assert "eu/fills" in str(refused.value)


def test_the_ladder_has_a_rung_for_what_may_run_out_in_order_of_urgency() -> None:
    """What is past stands first, what is fine or unknown has no rung, and the subtitle counts them all."""
    chart = charts.runway(small_plan())
    found = [row for row in rows(chart) if "verdict" in row]
    names = [row["name"] for row in found]
    assert names[0] == "✖ Disk space · us/full"
    assert set(names) == {"✖ Disk space · us/full", "! Disk space · eu/fills", "! Free ports · us"}
    table = small_plan().table.iloc[:3]
    told = zip("✖!!", table["title"], table["series"], strict=True)
    assert names == [f"{sign} {title} · {series}" for sign, title, series in told]
    assert found[0]["low"] == found[0]["high"] == "2026-11-01"
    assert " ".join(spec(chart)["title"]["subtitle"]) == "3 of 8 series may run out by 1 Dec 2026"
    assert [row["order"] for row in found] == ["2026-11-01"] * 3  # an order date that has passed is drawn as today
    due = table["order_by"].iloc[1]
    assert found[1]["order by"] == f"{due.day} {due:%b %Y}"


def test_the_ladder_shows_the_most_urgent_and_says_how_many_there_are() -> None:
    """With room for two rungs the third is counted in the subtitle."""
    chart = charts.runway(small_plan(), most=2)
    assert len([row for row in rows(chart) if "verdict" in row]) == 2
    assert "the 2 most urgent" in " ".join(spec(chart)["title"]["subtitle"])


def test_the_curve_starts_at_nothing_and_never_falls() -> None:
    """Each curve begins with 0 at the cutoff; what is past already has none."""
    found = pd.DataFrame([row for row in rows(charts.probability(small_plan())) if "chance" in row])
    assert set(found["series"]) == {"Disk space · eu/fills", "Free ports · us"}
    for _, curve in found.groupby("series"):
        assert curve["time"].iloc[0] == "2026-11-01"
        assert curve["chance"].iloc[0] == 0
        assert curve["chance"].is_monotonic_increasing
        assert curve["chance"].iloc[-1] > 0.99


def test_a_lead_time_beyond_the_horizon_ends_with_the_chart() -> None:
    """A mark outside the axis would squeeze all others: 60 d of lead time are drawn over the 30 d that there are."""
    outlook = capacity.outlook(small_plan().forecasts["disk"], limit=900 * GIB, lead_time="60d")
    for chart in (charts.runway(outlook), charts.forecast(outlook.forecast, outlook)):
        assert {row["to"] for row in rows(chart) if "to" in row} == {"2026-12-01"}


def test_growth_is_the_share_of_today_in_thirty_days() -> None:
    """4.5 GiB a day on 600 + 60 × 4.5 = 870 GiB is 30 × 4.5 ÷ 870 = 15.5 % a month."""
    (fills,) = [row for row in rows(charts.growth(small_plan().growths)) if row.get("series", "").endswith("fills")]
    assert fills["share"] == pytest.approx(0.155, abs=0.002)
    assert fills["low"] < fills["share"] < fills["high"]
    assert fills["rate"].startswith("+4.")
    assert fills["rate"].endswith("GiB a day")


def test_coverage_is_the_mean_over_the_series_with_folds() -> None:
    """The dot of a resource is the plain mean of its series' coverage."""
    scores = small_plan().forecasts["disk"].scores
    (point,) = [row for row in rows(charts.coverage(small_plan().forecasts)) if row.get("name") == "disk"]
    assert point["mean"] == pytest.approx(scores.loc[scores["folds"] > 0, "coverage80"].mean(), abs=0.0005)


def test_hostile_labels_stay_data() -> None:
    """A label with markup stands in the data and the title as it is, in no expression."""
    made = small_plan()
    chart = charts.forecast(made.forecasts["disk"], made.outlooks["disk"], {"node": HOSTILE})
    holding = [text for text in texts(spec(chart)) if "pwned" in text]
    assert {text == spec(chart)["title"]["text"] or text == spec(chart)["description"] for text in holding} == {True}


def test_a_limit_that_steps_is_drawn_as_a_step() -> None:
    """A limit of 100 that becomes 200 five days after the cutoff is drawn with both, at that day."""
    made = small_plan()
    forecast = made.forecasts["free"]
    steps = ((AS_OF - 200 * DAY, 100.0), (AS_OF + 5 * DAY, 200.0))
    outlook = capacity.outlook(forecast, limit=steps, direction="below")
    found = [(row["time"], row["limit"]) for row in rows(charts.forecast(forecast, outlook)) if "limit" in row]
    assert ("2026-11-06", 200.0) in found
    assert found[0][1] == 100.0
    assert found[-1][1] == 200.0


def test_a_projection_that_leaves_the_page_leaves_the_rest_readable() -> None:
    """The axis ends at 2.2 times what was seen or is allowed, plus its room, however far the band goes."""
    made = small_plan()
    shown = charts.points.drawn(made.forecasts["disk"], [0], outlook=made.outlooks["disk"])[0]
    wild = type(shown)(**{**shown.__dict__, "bands": shown.bands * 1e6})
    assert wild.domain()[1] < 2.5 * 1000 * GIB
