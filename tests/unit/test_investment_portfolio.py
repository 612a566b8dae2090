"""What to do with a programme, what would settle it, and what must be true of planned ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.investment import BenefitFlow, Costs, InvestmentValue, value_investment
from analysis.methods.investment.planned import (
    PlannedProgramme,
    active_customers,
    best_proven,
    customers_reached,
    not_begun,
    plan_programmes,
)
from analysis.methods.investment.portfolio import decide, recommend, recommend_programmes
from analysis.methods.investment.power import (
    MarginSpread,
    Sample,
    adjusted_variance,
    margin_spread,
    sample_needed,
    samples_needed,
    shortest_feasible,
)
from analysis.methods.programme_effect.results import NaiveFigures, ProgrammeStudy, Terms

UNIT = "EUR per customer-quarter"
SPREAD = MarginSpread(50.0, 0.2, 4000)
NONE = NotEstimable("nothing")


def worth(
    benefit: float, error: float | None, upfront: float = 0.0, monthly: float = 0.0,
    quarters: int = 4,
) -> InvestmentValue:  # fmt: skip
    """So many quarters of `benefit`, undiscounted, the sum with standard error `error`."""
    covariance = None if error is None else error**2 / quarters * np.eye(quarters)
    flow = BenefitFlow(
        3.0 * np.arange(1, quarters + 1), np.full(quarters, benefit / quarters), covariance,
        np.full(quarters, 100.0 / quarters), 1.96, 100, "test",
    )  # fmt: skip
    return value_investment(flow, Costs(upfront, monthly, 3 * quarters), 0.0, "EUR")


def study(
    value: InvestmentValue | NotEstimable, label: Any = "experiment", effect: float = 5.0,
    design: Any = "experiment", **fields: Any,
) -> ProgrammeStudy:  # fmt: skip
    half = 2.0
    even: Estimate | NotEstimable = NONE
    if isinstance(value, InvestmentValue):
        even = value.break_even_effect
    return ProgrammeStudy(
        "chat", "Chat", design, label, Estimate(effect, effect - half, effect + half, UNIT, 200, ""),
        NaiveFigures(NONE, NONE), value, break_even=even, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "room", "action", "reason"),
    [
        (worth(1000, 100, upfront=500), True, "extend", "pays"),
        (worth(1000, 100, upfront=500), False, "continue", "pays, nobody left"),
        # The up-front cost is not earned back, yet running it pays.
        (worth(1000, 100, upfront=1000, monthly=20), True, "continue", "running pays"),
        (worth(1000, 100, upfront=5000, monthly=20), True, "continue", "running pays"),
        (worth(1000, 100, monthly=200), True, "stop", "running loses"),
        (worth(1000, 100, upfront=2000), True, "stop", "loses"),
        (worth(-1000, 100, monthly=1), True, "stop", "harms"),
        (worth(1000, 400, upfront=900), True, "test", "unclear"),
        (worth(1000, 400, upfront=3000, monthly=75), True, "test", "unclear"),
        (worth(1000, None, upfront=10), True, "test", "no interval"),
        # Without a cost there is neither order nor return, but harm is harm.
        (worth(0, 100), True, "none", "no cost"),
        (worth(1000, 100), True, "none", "no cost"),
        (worth(-1000, 100), True, "stop", "harms"),
        # Before a year is counted nothing is stopped for its cost.
        (worth(1000, 100, monthly=200, quarters=2), True, "test", "early"),
        (worth(1000, 100, upfront=2000, quarters=3), True, "test", "early"),
        (worth(-1000, 100, monthly=1, quarters=2), True, "stop", "harms"),
        (worth(1000, 100, upfront=500, quarters=2), True, "extend", "pays"),
        (NONE, True, "test", "not studied"),
    ],
)
def test_what_to_do_follows_from_the_intervals(
    value: InvestmentValue | NotEstimable, room: bool, action: str, reason: str
) -> None:
    assert decide("experiment", value, False, room) == (action, reason)
    assert decide("quasi-experiment", value, False, room) == (action, reason)


@pytest.mark.parametrize("benefit", [-50_000.0, 0.0, 50_000.0])
def test_an_association_never_gives_an_order(benefit: float) -> None:
    value = worth(benefit, 10.0, upfront=100)
    assert decide("association", value, False, True) == ("test", "association")
    assert decide("description", value, False, True)[0] == "test"


def test_doubt_about_the_comparison_gives_no_order_either() -> None:
    value = worth(1000, 100, upfront=500)
    assert decide("quasi-experiment", value, True, True) == ("test", "doubtful")
    shaky = study(value, "quasi-experiment", design="staggered", pre_trend=(0.01, 4))
    assert recommend(shaky, SPREAD).action == "test"
    assert recommend(replace(shaky, pre_trend=(0.4, 4)), SPREAD).action == "extend"


def test_after_a_rollout_to_all_areas_there_is_nobody_left() -> None:
    value = worth(1000, 100, upfront=500)
    all_reached = study(
        value, "quasi-experiment", design="staggered",
        variants={"against areas never reached": NotEstimable("there are none")},
    )  # fmt: skip
    assert recommend(all_reached, SPREAD).action == "continue"


def test_a_test_of_an_association_looks_for_break_even_and_not_for_its_estimate() -> None:
    # 100 customer-quarters, 600 of cost: 6 per customer-quarter.
    found = recommend(study(worth(500, 10, upfront=600), "association"), SPREAD).test
    assert not isinstance(found, NotEstimable)
    assert found is not None
    assert found.gap == pytest.approx(6.0)
    assert not found.from_estimate
    assert isinstance(found.shortest, Sample)
    assert found.shortest.customers <= SPREAD.customers
    few = recommend(
        study(worth(500, 10, upfront=600), "association"), replace(SPREAD, customers=50)
    )
    assert isinstance(few.test.shortest, NotEstimable)


def test_an_open_experiment_is_settled_by_its_distance_from_break_even() -> None:
    found = recommend(study(worth(500, 300, upfront=600), effect=5.0), SPREAD).test
    assert found.from_estimate
    assert found.gap == pytest.approx(1.0)
    at_it = recommend(study(worth(600, 300, upfront=600), effect=6.0), SPREAD).test
    assert isinstance(at_it, NotEstimable)


def test_what_is_left_open_is_whether_to_go_on() -> None:
    """100 customer-quarters, 1,000 spent at the start and 300 to run: 3 is to be beaten, not 13."""
    value = worth(400, 300, upfront=1000, monthly=25)
    found = recommend(study(value, effect=4.0), SPREAD).test
    assert found.running
    assert found.from_estimate
    assert found.gap == pytest.approx(1.0)
    below = recommend(study(value, effect=-1.0), SPREAD).test
    assert not below.from_estimate
    assert below.gap == pytest.approx(3.0)


def test_an_estimate_that_says_little_is_not_planned_on() -> None:
    bare = study(worth(500, None, upfront=600), effect=5.0)
    bare = replace(bare, effect=replace(bare.effect, lower=None, upper=None))
    found = recommend(bare, SPREAD)
    assert found.reason == "no interval"
    assert not found.test.from_estimate
    assert found.test.gap == pytest.approx(6.0)
    shaky = study(
        worth(1000, 100, upfront=600), "quasi-experiment", design="staggered", pre_trend=(0.01, 4)
    )
    assert not recommend(shaky, SPREAD).test.from_estimate


def test_too_early_to_stop_gives_no_sample() -> None:
    found = recommend(study(worth(1000, 100, monthly=500, quarters=2)), SPREAD)
    assert (found.action, found.test) == ("test", None)


def test_the_reason_for_no_test_is_handed_on() -> None:
    free = recommend(study(worth(0, 100), "association"), SPREAD).test
    assert isinstance(free, NotEstimable)
    assert "no cost" in free.reason
    unknown = recommend(study(worth(500, 10, upfront=600), "association"), NotEstimable("why")).test
    assert unknown == NotEstimable("why")


def test_sample_sizes_are_those_of_the_textbook() -> None:
    # One quarter, no memory: n per arm = 2 (1.96 + .84)² σ² / gap², 2 × 63 at gap = σ / 2.
    found = sample_needed(MarginSpread(10.0, 0.0, 99), 5.0, 1)
    assert found == Sample(126, 1)
    # Frison & Pocock: with ρ = .5, one quarter after and four before, 1 − 4 × .25 / 2.5 = .6.
    assert adjusted_variance(MarginSpread(1.0, 0.5, 99), 1) == pytest.approx(0.6)
    # Two after: (1 + .5) / 2 − .4 = .35.
    assert adjusted_variance(MarginSpread(1.0, 0.5, 99), 2) == pytest.approx(0.35)
    counts = [sample.customers for sample in samples_needed(SPREAD, 5.0, 12)]
    assert counts == sorted(counts, reverse=True)
    with pytest.raises(CannotEstimate, match="no difference"):
        sample_needed(SPREAD, 0.0, 1)
    with pytest.raises(CannotEstimate, match="more customers"):
        shortest_feasible(samples_needed(SPREAD, 0.01), 4000)


def simulated_margins(rng: np.random.Generator, n: int, quarters: int) -> np.ndarray:
    """Margin by quarter, σ = 50, ρ = .2 between any two quarters."""
    own = rng.normal(0, 50 * np.sqrt(0.2), (n, 1))
    return 40 + own + rng.normal(0, 50 * np.sqrt(0.8), (n, quarters))


def test_a_trial_of_the_size_given_finds_the_difference_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    needed = sample_needed(SPREAD, 8.0, 2)
    half = needed.customers // 2
    found = 0
    runs = 400
    for _ in range(runs):
        margin = simulated_margins(rng, 2 * half, 6)
        arm = np.arange(2 * half) < half
        before, after = margin[:, :4].mean(axis=1), margin[:, 4:].mean(axis=1) + 8.0 * arm
        design = np.column_stack([np.ones(2 * half), arm, before])
        beta, rest, *_ = np.linalg.lstsq(design, after, rcond=None)
        variance = rest[0] / (2 * half - 3) * np.linalg.inv(design.T @ design)[1, 1]
        found += beta[1] / np.sqrt(variance) > 1.96
    assert abs(found / runs - 0.8) < 0.06


def periods(n: int = 3000, seed: int = 3) -> pd.DataFrame:
    margin = simulated_margins(np.random.default_rng(seed), n, 6)
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"c{i}" for i in range(n)], 6),
            "period_index": np.tile(np.arange(6), n),
            "margin": margin.ravel(),
            "left": False,
        }
    )


def test_the_spread_is_recovered() -> None:
    found = margin_spread(periods())
    assert found.standard_deviation == pytest.approx(50, rel=0.03)
    assert found.correlation == pytest.approx(0.2, abs=0.03)
    assert found.customers == 3000


def test_who_has_left_counts_with_zero_and_is_not_available() -> None:
    frame = periods(400)
    gone = frame["customer_id"].isin({f"c{i}" for i in range(100)}) & (frame["period_index"] > 3)
    found = margin_spread(frame[~gone])
    assert found.customers == 300
    shuffled = frame[~gone].sample(frac=1, random_state=1)
    assert margin_spread(shuffled).standard_deviation == pytest.approx(found.standard_deviation)


def test_too_few_customers_have_no_spread() -> None:
    for frame in (periods(10), periods(200).query("period_index > 3"), periods(5).iloc[:0]):
        with pytest.raises(CannotEstimate):
            margin_spread(frame)
    with pytest.raises(CannotEstimate, match="does not vary"):
        margin_spread(periods(50).assign(margin=1.0))


def test_the_best_proven_programme_is_no_association() -> None:
    best = study(worth(1, 1), effect=9.0)
    chosen = study(worth(1, 1), "association", effect=99.0)
    weak = study(worth(1, 1), effect=1.0)
    assert best_proven([weak, chosen, best]) == ("Chat", best.effect)
    assert best_proven([weak, chosen]) is None


CUSTOMERS = pd.DataFrame(
    {"customer_id": [f"c{i}" for i in range(5)], "area": ["A", "A", "A", "B", "B"]}
)
LIFETIMES = pd.DataFrame(
    {
        "customer_id": ["c0", "c1", "c2", "c2", "c3", "c4"],
        "ended": [False, True, True, False, False, False],
    }
)
AS_OF = dt.date(2026, 6, 30)
TERMS = Terms(AS_OF, "EUR", 0.0)


def test_whom_a_planned_programme_reaches() -> None:
    active = active_customers(CUSTOMERS, LIFETIMES)
    assert list(active["customer_id"]) == ["c0", "c2", "c3", "c4"], "c2 came back"
    assert len(active_customers(CUSTOMERS, LIFETIMES.iloc[:0])) == 5
    rollout = pd.DataFrame(
        {"programme_id": ["x", "x", "y"], "area": ["A", "B", "B"],
         "starts_on": pd.to_datetime(["2026-10-01", None, "2026-10-01"])}
    )  # fmt: skip
    exposures = pd.DataFrame(
        {"programme_id": ["z"] * 3, "customer_id": ["c0", "c3", "c9"],
         "arm": ["treated", "control", "treated"]}
    )  # fmt: skip
    assert customers_reached("x", active, rollout, exposures) == (2, True)
    assert customers_reached("z", active, rollout, exposures) == (1, True)
    assert customers_reached("new", active, rollout, exposures) == (4, False)


def planned(terms: Terms = TERMS, **fields: Any) -> tuple[PlannedProgramme, ...]:
    row = {
        "programme_id": "new", "name": "New", "starts_on": pd.Timestamp("2026-10-01"),
        "ends_on": pd.NaT, "upfront_cost": 800.0, "monthly_cost": 0.0,
    }  # fmt: skip
    table = pd.DataFrame([row | fields, row | {"programme_id": "old", "starts_on": "2025-01-01"}])
    tables = {"programmes": table, "customers": CUSTOMERS}
    studies = [study(worth(1, 1), effect=30.0)]
    return plan_programmes(tables, LIFETIMES, studies, SPREAD, terms, 24)


def test_the_costs_of_a_segment_are_not_known() -> None:
    (one,) = planned(replace(TERMS, costs_apply=False))
    assert isinstance(one.break_even, NotEstimable)
    assert "segment" in one.break_even.reason


def test_break_even_of_a_planned_programme_by_hand() -> None:
    (one,) = planned()
    assert one.starts_on == dt.date(2026, 10, 1)
    assert (one.customers, one.named, one.months) == (4, False, 24)
    # 800 over 4 customers × 8 quarters.
    assert one.break_even.value == pytest.approx(25.0)
    assert one.beyond_best is False
    assert isinstance(one.shortest, NotEstimable), "four customers settle nothing"
    (short,) = planned(ends_on=pd.Timestamp("2027-03-31"), monthly_cost=10.0)
    assert short.months == 6
    assert short.break_even.value == pytest.approx(860 / 8)
    assert short.beyond_best is True


def test_a_planned_programme_without_cost_has_nothing_to_reach() -> None:
    (one,) = planned(upfront_cost=0.0)
    assert isinstance(one.break_even, NotEstimable)
    assert "no cost" in one.break_even.reason
    assert one.samples == one.break_even
    assert one.beyond_best is None


def test_a_programme_that_has_not_begun_is_planned_and_nothing_else() -> None:
    table = pd.DataFrame(
        {"programme_id": ["chat", "old"], "starts_on": pd.to_datetime(["2026-10-01", "2025-01-01"])}
    )
    assert not_begun(table, AS_OF) == {"chat"}
    assert not_begun(table.drop(columns="starts_on"), AS_OF) == frozenset()
    (only,) = recommend_programmes((study(NONE),), SPREAD, not_begun(table, AS_OF))
    assert (only.action, only.reason) == ("plan", "not begun")


def test_without_costs_nothing_is_recommended() -> None:
    """In a segment the costs are not known: neither order nor test."""
    found = recommend(study(NotEstimable("costs are recorded for the whole programme")), SPREAD)
    assert (found.action, found.reason, found.test) == ("none", "not valued", None)
    chosen = recommend(study(NONE, "association"), SPREAD)
    assert chosen.action == "test"


def test_a_figure_at_a_threshold_is_not_set_against_break_even() -> None:
    near = study(NONE, "quasi-experiment", effect=50.0, design="cut-off")
    near = replace(near, break_even=Estimate(6.0, None, None, UNIT, 10, ""))
    found = recommend(near, SPREAD)
    assert (found.action, found.reason) == ("test", "not studied")
    assert not found.test.from_estimate
    assert found.test.gap == 6.0
