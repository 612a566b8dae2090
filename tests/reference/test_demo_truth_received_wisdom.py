"""The demo's planted facts come out of the table of received wisdom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from analysis.intake.dataset import Dataset, open_dataset
from analysis.intake.programme_frames import assignment_outcomes, rollout_panels
from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.lifetime_value.retention_worth import worth_of_retention
from analysis.methods.programme_effect.study import Terms, study_programmes
from analysis.methods.received_wisdom.study import (
    CompanyRecords,
    ReceivedWisdom,
    Row,
    study_received_wisdom,
)
from analysis.methods.spending.study import study_spend
from analysis.methods.survival.hazard import fit_hazard, score_hazard_ratio, scored_intervals
from analysis.simulation.journeys import live_through
from analysis.simulation.people import draw_people
from analysis.simulation.programmes import NEVER
from analysis.simulation.world import Streams, World

DEMO = Path(__file__).resolve().parents[2] / "data" / "demo"
MONTH = 30.4375


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset("data/demo", period="2026Q2")


@pytest.fixture(scope="module")
def wisdom(data: Dataset) -> ReceivedWisdom:
    tables = [
        data.table(name)
        for name in ("customers", "transactions", "surveys", "contacts", "programmes", "marketing")
    ]
    records = CompanyRecords(
        *tables, data.lifetimes(), data.first_day, data.as_of, data.currency
    )  # fmt: skip
    frame, outcomes = data.customer_periods(), assignment_outcomes(data)
    terms = Terms(data.as_of, data.currency, 0.1)
    return study_received_wisdom(
        records,
        score_hazard_ratio(fit_hazard(scored_intervals(data.intervals()), True)),
        study_spend(frame, data.table("surveys"), data.currency),
        attempt(worth_of_retention, data.lifetimes(), frame, 24, 0.1, 3, data.currency),
        study_programmes(data.table("programmes"), rollout_panels(data), outcomes, terms),
        outcomes,
        0.1,
    )


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    planted = yaml.safe_load((DEMO / "truth.yml").read_text("utf-8"))["estimands"]
    return {name: entry["value"] for name, entry in planted.items()}


def row(wisdom: ReceivedWisdom, id: str, about: str = "") -> Row:
    (found,) = [r for r in wisdom.rows if r.claim.id == id and r.about == about]
    return found


def covers(found: Row, value: float) -> bool:
    assert not isinstance(found.reading, NotEstimable), found.reading
    estimate = found.reading.estimate
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= value <= estimate.upper


def test_every_claim_has_its_verdict(wisdom: ReceivedWisdom) -> None:
    assert {
        f"{r.claim.id} {r.about}".strip(): r.verdict.word
        for r in wisdom.rows
        if r.verdict.word != "cannot be tested here"
    } == {
        "retention-five-points": "weaker",
        "retention-five-per-cent": "weaker",
        "satisfied-customers-stay": "holds",
        "satisfied-customers-spend": "holds",
        "promoters-bring-customers": "not supported",
        "new-customers-are-less-loyal": "holds",
        "keeping-costs-less": "holds",
        "fast-replies-satisfy": "not supported",
        "recovered-customers-spend-more": "holds",
        "call-backs-make-customers-buy": "not supported",
        "service-investment-pays Live chat": "weaker",
        "service-investment-pays Compensation budget": "weaker",
        "service-investment-pays Call-backs after low scores": "not supported",
        "service-investment-pays Loyalty gifts": "not supported",
    }
    assert len(wisdom.rows) == 24


def test_what_the_export_lacks_is_named(wisdom: ReceivedWisdom) -> None:
    needs = {r.claim.id: r.verdict.needs for r in wisdom.rows}
    assert "transactions.discount" in needs["loyal-customers-mind-price-less"]
    assert "transactions.category" in needs["more-categories-hold"]
    assert "CES" in needs["less-effort-satisfies"]
    assert "36 months" in needs["repeat-buyers-spend-more"]


def test_planted_ratio_and_slope_are_covered(
    wisdom: ReceivedWisdom, truth: dict[str, float]
) -> None:
    stay, spend = row(wisdom, "satisfied-customers-stay"), row(wisdom, "satisfied-customers-spend")
    assert covers(stay, truth["churn_hazard_ratio_per_csat_point"])
    assert covers(spend, truth["spend_per_csat_point"])
    assert stay.label == spend.label == "association"
    calls = row(wisdom, "call-backs-make-customers-buy")
    assert covers(calls, truth["call_backs_margin_per_customer_quarter"])
    assert calls.label == "experiment"


def test_nobody_refers_more_for_being_a_promoter(wisdom: ReceivedWisdom) -> None:
    # In this company chance decides who is named as the referrer.
    assert covers(row(wisdom, "promoters-bring-customers"), 1.0)


def test_replies_satisfy_only_because_one_desk_is_slow(wisdom: ReceivedWisdom) -> None:
    replies = row(wisdom, "fast-replies-satisfy")
    assert covers(replies, 0.0)
    assert not isinstance(replies.reading, NotEstimable)
    raw = replies.reading.asides["whatever the touchpoint"]
    assert raw.lower is not None
    assert raw.lower > 0


def test_costs_of_winning_are_those_drawn(wisdom: ReceivedWisdom) -> None:
    costs = row(wisdom, "keeping-costs-less")
    assert not isinstance(costs.reading, NotEstimable)
    planted = 4 * float(np.dot((14, 5, 11, 18), (0.4, 0.2, 0.25, 0.15)))
    winning = costs.reading.asides["winning one"]
    assert winning.lower is not None
    assert winning.upper is not None
    assert winning.lower <= planted <= winning.upper


def test_new_customers_leave_as_often_as_planted(wisdom: ReceivedWisdom) -> None:
    world, ratios = World(), []
    for seed in range(101, 106):
        streams = Streams(seed)
        people = draw_people(world, streams, 6000)
        end = live_through(world, people, streams).end_day
        ended = end < NEVER
        leave = (np.where(ended, end, world.days - 1) - people.start_day) / MONTH
        entry = np.maximum(-people.start_day, 0) / MONTH
        early = np.clip(np.minimum(leave, 12) - entry, 0, None).sum()
        late = np.clip(leave - np.maximum(entry, 12), 0, None).sum()
        lost = [(ended & (leave <= 12)).sum(), (ended & (leave > 12)).sum()]
        ratios.append(lost[0] / early / (lost[1] / late))
    assert covers(row(wisdom, "new-customers-are-less-loyal"), float(np.mean(ratios)))


def test_only_monthly_contracts_are_risky_early(wisdom: ReceivedWisdom) -> None:
    found = row(wisdom, "new-customers-are-less-loyal").reading
    assert not isinstance(found, NotEstimable)
    monthly, yearly = (found.asides[f"contract: {name}"] for name in ("monthly", "yearly"))
    assert isinstance(monthly, Estimate)
    assert monthly.lower is not None
    assert yearly.lower is not None
    assert monthly.lower > 2
    assert yearly.lower < 1


def test_the_gap_to_published_retention_is_the_horizon(wisdom: ReceivedWisdom) -> None:
    found = row(wisdom, "retention-five-points").reading
    assert not isinstance(found, NotEstimable)
    assert found.estimate.upper is not None
    assert found.estimate.upper < 0.25 < found.asides["extrapolated without end"].value < 0.95
