"""The example company's programmes: what was planted is found, and naive figures miss it."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import pytest
import yaml

from analysis.intake.dataset import Dataset, open_dataset
from analysis.intake.programme_frames import assignment_outcomes, rollout_panels
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.investment import InvestmentValue
from analysis.methods.investment.agreement import compare_score_and_money, worth_of_point
from analysis.methods.investment.planned import best_proven, not_begun
from analysis.methods.investment.portfolio import Recommendation, SettlingTest, recommend_programmes
from analysis.methods.investment.power import margin_spread
from analysis.methods.investment.scenarios import scenario_value, tornado
from analysis.methods.programme_effect.study import ProgrammeStudy, Terms, study_programmes
from analysis.methods.service_recovery import recovered_scores
from analysis.presentation.programmes import find_programme

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
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def studies(data: Dataset) -> dict[str, ProgrammeStudy]:
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


@pytest.fixture(scope="module")
def advice(data: Dataset, studies: dict[str, ProgrammeStudy]) -> dict[str, Recommendation]:
    spread = margin_spread(data.customer_periods())
    found = recommend_programmes(tuple(studies.values()), spread)
    return {item.programme_id: item for item in found}


def test_the_recommendations_are_those_that_the_truth_calls_for(
    advice: dict[str, Recommendation], studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    assert {name: item.action for name, item in advice.items()} == {
        "live_chat": "extend",
        "compensation_budget": "extend",
        "call_backs": "stop",
        "loyalty_gifts": "test",
    }
    for name, item in advice.items():
        even = studies[name].break_even
        assert isinstance(even, Estimate)
        pays = truth[TRUTH_KEYS[name]] > even.value
        assert (item.action == "extend") == pays, name


def test_the_test_of_the_gifts_is_within_reach(advice: dict[str, Recommendation]) -> None:
    test = advice["loyalty_gifts"].test
    assert isinstance(test, SettlingTest)
    assert not test.from_estimate
    assert not isinstance(test.shortest, NotEstimable)
    counts = [sample.customers for sample in test.samples]
    assert counts == sorted(counts, reverse=True)


def test_call_backs_are_not_credited_with_regression_to_the_mean(
    data: Dataset, studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    calls = studies["call_backs"]
    assert isinstance(calls.satisfaction, Estimate)
    found = recovered_scores(data.experiment_outcomes("call_backs"), calls.satisfaction)
    assert interval(found.treated)[0] > 0.8, (
        "read off without thinking, calls raise scores by a point"
    )
    assert found.rises_by_itself
    lower, _, upper = interval(found.credited)
    assert lower < 0 < upper
    assert truth[TRUTH_KEYS["call_backs"]] == 0.0
    assert worth(calls)[2] < 0
    assert isinstance(calls.value, InvestmentValue)
    assert calls.value.share_positive is not None
    assert calls.value.share_positive < 0.05


def test_the_money_of_each_programme_covers_what_it_truly_brought(
    studies: dict[str, ProgrammeStudy], truth: dict[str, float]
) -> None:
    """The planted effect times the customer-quarters counted, less the cost."""
    for name in ("live_chat", "compensation_budget", "call_backs", "loyalty_gifts"):
        value = studies[name].value
        assert isinstance(value, InvestmentValue)
        even = value.break_even_effect
        assert isinstance(even, Estimate)
        true = (truth[TRUTH_KEYS[name]] / even.value - 1) * value.cost
        lower, _, upper = worth(studies[name])
        assert lower <= true <= upper, name


def test_live_chat_would_have_lost_had_it_ended_a_year_earlier(
    studies: dict[str, ProgrammeStudy],
) -> None:
    chat = studies["live_chat"]
    assert isinstance(chat.value, InvestmentValue)
    assert isinstance(chat.effect, Estimate)
    assert scenario_value(chat.value, months=9).value < 0
    assert tornado(chat.value, chat.effect)[0].input in ("duration", "effect")


def test_score_and_money_are_set_beside_each_other(
    data: Dataset, studies: dict[str, ProgrammeStudy]
) -> None:
    point = worth_of_point(data.customer_periods(), data.table("surveys"), data.currency)
    assert isinstance(point, Estimate)
    assert interval(point)[0] > 0
    calls, chat = studies["call_backs"], studies["live_chat"]
    # Neither the calls' score nor their money can be told from nothing: the two agree.
    assert compare_score_and_money(calls.effect, calls.satisfaction, point).agrees
    # The live chat brings money by more than what CSAT shows.
    assert compare_score_and_money(chat.effect, chat.satisfaction, point).difference.lower > 0


def test_the_best_proven_programme_is_the_live_chat(studies: dict[str, ProgrammeStudy]) -> None:
    best = best_proven(studies.values())
    assert best is not None
    assert best[0] == "Live chat"


def test_no_programme_of_the_example_is_still_to_begin(data: Dataset) -> None:
    assert not_begun(data.table("programmes"), data.period.last_day) == frozenset()
    assert not_begun(data.table("programmes"), data.settings.covers.first) != frozenset()


def test_no_association_is_ordered(
    studies: dict[str, ProgrammeStudy], advice: dict[str, Recommendation]
) -> None:
    for name, study in studies.items():
        finding = find_programme(study, advice[name])
        assert not isinstance(finding, NotEstimable)
        if study.label == "association":
            assert "Test it further" in finding.sentence
            assert "Extend" not in finding.sentence
            assert "Stop" not in finding.sentence
