"""The example company's programmes: what was planted is found, and naive figures miss it."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import pytest
import yaml

from analysis.intake.dataset import open_dataset
from analysis.intake.programme_frames import assignment_outcomes, rollout_panels
from analysis.methods.estimate import Estimate
from analysis.methods.investment import InvestmentValue
from analysis.methods.programme_effect.study import ProgrammeStudy, Terms, study_programmes

DEMO = Path(__file__).resolve().parents[2] / "data/demo"
TRUTH_KEYS = {
    "live_chat": "live_chat_margin_per_customer_quarter",
    "loyalty_gifts": "loyalty_gifts_margin_per_customer_quarter",
    "compensation_budget": "compensation_margin_per_customer_quarter",
    "call_backs": "call_backs_margin_per_customer_quarter",
}


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    content = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))
    return {name: item["value"] for name, item in content["estimands"].items()}


@pytest.fixture(scope="module")
def studies() -> dict[str, ProgrammeStudy]:
    data = open_dataset(DEMO, "2026Q2")
    rate = data.settings.economics.discount_rate_annual
    terms = Terms(data.period.last_day, data.currency, rate)
    found = study_programmes(
        data.table("programmes"), rollout_panels(data), assignment_outcomes(data), terms
    )
    return {study.programme_id: study for study in found}


def interval(estimate: object) -> tuple[float, float, float]:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.value, estimate.upper


def worth(study: ProgrammeStudy) -> tuple[float, float, float]:
    assert isinstance(study.value, InvestmentValue)
    return interval(study.value.net_present_value)


def test_every_planted_effect_lies_in_the_simultaneous_intervals(
    studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    # Four programmes are looked at together: each interval is widened (Bonferroni) so that all
    # four hold with 95 %.
    widen = NormalDist().inv_cdf(1 - 0.025 / 4) / NormalDist().inv_cdf(0.975)
    for programme, key in TRUTH_KEYS.items():
        lower, value, upper = interval(studies[programme].effect)
        assert value - widen * (value - lower) <= truth[key] <= value + widen * (upper - value), (
            programme
        )


def test_designs_are_recognised(studies: dict[str, ProgrammeStudy]) -> None:
    assert {name: study.design for name, study in studies.items()} == {
        "live_chat": "staggered",
        "loyalty_gifts": "selected",
        "compensation_budget": "experiment",
        "call_backs": "experiment",
    }


def test_live_chat_pays_and_its_interval_covers_the_truth(
    studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    lower, _, upper = interval(studies["live_chat"].effect)
    assert lower <= truth[TRUTH_KEYS["live_chat"]] <= upper
    assert worth(studies["live_chat"])[0] > 0
    value = studies["live_chat"].value
    assert isinstance(value, InvestmentValue)
    assert interval(value.payback_month)[1] <= value.months


def test_the_trial_of_the_compensation_budget_is_recovered(
    studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    trial = studies["compensation_budget"]
    lower, _, upper = interval(trial.effect)
    assert lower <= truth[TRUTH_KEYS["compensation_budget"]] <= upper
    # A draw makes the plain difference honest as well; the adjustment sharpens it.
    plain_lower, _, plain_upper = interval(trial.naive.treated_untreated)
    assert plain_lower <= truth[TRUTH_KEYS["compensation_budget"]] <= plain_upper
    assert upper - lower < plain_upper - plain_lower


def test_gifts_look_splendid_and_are_a_loss(
    studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    gifts, true = studies["loyalty_gifts"], truth[TRUTH_KEYS["loyalty_gifts"]]
    naive_lower, naive, _ = interval(gifts.naive.treated_untreated)
    assert naive_lower > true, "the naive difference should miss the truth"
    assert naive == pytest.approx(truth["loyalty_gifts_naive_difference"], abs=2.5)
    lower, _, upper = interval(gifts.effect)
    assert lower <= true <= upper
    assert worth(gifts)[2] < 0
    assert isinstance(gifts.value, InvestmentValue)
    break_even = gifts.value.break_even_effect
    assert isinstance(break_even, Estimate)
    # The naive figure would have made the gifts pay.
    assert naive > break_even.value > true


def test_the_best_programme_comes_first(studies: dict[str, ProgrammeStudy]) -> None:
    lower_limits = [worth(study)[0] for study in studies.values()]
    assert lower_limits == sorted(lower_limits, reverse=True)
