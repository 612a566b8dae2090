"""The example company's spend: the raw figure misses what was planted, the defended covers it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import Estimate, Finding, NotEstimable, attempt
from analysis.methods.spending.checks import LeadCheck
from analysis.methods.spending.ladder import Rung
from analysis.methods.spending.rows import panel_rows
from analysis.methods.spending.study import SpendDepth, SpendStudy, study_depth, study_spend
from analysis.methods.spending.worth import WorthStudy, study_worth
from analysis.presentation.spend_findings import find_raw_slope, find_spend
from analysis.presentation.spend_words import word_surviving

DEMO = Path(__file__).resolve().parents[2] / "data/demo"


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    content = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))
    return {name: float(item["value"]) for name, item in content["estimands"].items()}


@pytest.fixture(scope="module")
def planted(truth: dict[str, float]) -> float:
    return truth["spend_per_csat_point"]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def study(data: Dataset) -> SpendStudy:
    return study_spend(data.customer_periods(), data.table("surveys"), data.currency)


@pytest.fixture(scope="module")
def depth(data: Dataset, study: SpendStudy) -> SpendDepth:
    frame = data.customer_periods()
    return study_depth(
        study,
        attempt(panel_rows, frame, "nps"),
        frame,
        data.table("surveys"),
        data.table("transactions"),
        data.period.first_day,
        data.currency,
    )


@pytest.fixture(scope="module")
def worth(data: Dataset, study: SpendStudy) -> WorthStudy:
    frame = data.customer_periods()
    nps_rows = attempt(panel_rows, frame, "nps")
    return study_worth(
        study.rows, nps_rows, frame, data.lifetimes(), data.intervals(), "EUR", 3, 0.1, 24
    )


def interval(estimate: object) -> tuple[float, float]:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.upper


def test_the_defended_slope_covers_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.spend.fixed_effects, Rung)
    lower, upper = interval(study.spend.fixed_effects.slope)
    assert lower <= planted <= upper
    assert lower > 0


def test_the_raw_slope_is_about_twice_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.spend.raw, Rung)
    assert interval(study.spend.raw.slope)[0] > planted
    assert study.spend.raw.slope.value == pytest.approx(2 * planted, rel=0.15)


def test_nothing_on_record_mends_the_raw_slope(study: SpendStudy, planted: float) -> None:
    # What moves both is a trait that nobody recorded: only the customer's own history removes it.
    for rung in (study.spend.customer, study.spend.history):
        assert isinstance(rung, Rung)
        assert interval(rung.slope)[0] > planted


def test_the_share_surviving_covers_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.spend.raw, Rung)
    lower, upper = interval(study.spend.share_surviving)
    assert lower <= planted / study.spend.raw.slope.value <= upper
    assert upper < 1


def test_a_later_score_says_nothing(study: SpendStudy) -> None:
    for check in (study.feedback, study.control):
        assert isinstance(check, LeadCheck)
        lower, upper = interval(check.slope)
        assert lower < 0 < upper


def test_single_answers_are_what_spend_follows(study: SpendStudy) -> None:
    # In this company each answer is an opinion of its own that lasts until the next one.
    assert not isinstance(study.reliability, NotEstimable)
    lower, upper = interval(study.reliability.within)
    assert lower < 0.1 < upper + 0.1
    assert isinstance(study.reliability.corrected, NotEstimable)
    assert "Lasting change within customers cannot be told" in study.reliability.corrected.reason


def test_levels_by_score_rise_as_the_defended_slope_does(
    study: SpendStudy, depth: SpendDepth
) -> None:
    assert not isinstance(depth.steps, NotEstimable)
    assert isinstance(depth.steps.own, tuple)
    rise = (depth.steps.own[-1].value - depth.steps.own[0].value) / 4
    assert isinstance(study.spend.fixed_effects, Rung)
    lower, upper = interval(study.spend.fixed_effects.slope)
    assert lower <= rise <= upper
    assert isinstance(depth.steps.straight_p_value, float)
    assert depth.steps.straight_p_value > 0.05


def test_other_forms_agree_with_what_was_planted(depth: SpendDepth, planted: float) -> None:
    assert not isinstance(depth.forms, NotEstimable)
    lower, upper = interval(depth.forms.winsorised)
    assert lower <= planted <= upper
    assert not isinstance(depth.gain_and_loss, NotEstimable)
    assert depth.gain_and_loss.p_value > 0.05
    lower, upper = interval(depth.gain_and_loss.gain)
    assert lower <= planted <= upper
    lower, upper = interval(depth.gain_and_loss.loss)
    assert lower <= -planted <= upper
    assert not isinstance(depth.silence, NotEstimable)
    lower, upper = interval(depth.silence.shift)
    assert lower <= 0 <= upper


def test_worth_counts_spend_and_staying_once(
    worth: WorthStudy, truth: dict[str, float], planted: float
) -> None:
    lower, upper = interval(worth.csat.hazard_ratio)
    assert lower <= truth["churn_hazard_ratio_per_csat_point"] <= upper
    lower, upper = interval(worth.csat.slope_active)
    assert lower <= 0.38 * planted <= upper
    assert not isinstance(worth.csat.horizon, NotEstimable)
    parts = worth.csat.horizon
    assert parts.total.value == pytest.approx(parts.by_spend.value + parts.by_staying.value)
    assert interval(parts.total)[0] > 0


def test_the_report_says_so(study: SpendStudy, worth: WorthStudy) -> None:
    finding, raw = find_spend(study, worth), find_raw_slope(study)
    assert isinstance(finding, Finding)
    assert finding.label == "association"
    assert finding.money is not None
    assert interval(finding.money)[0] > 0
    assert raw is not None
    assert (raw.id, raw.label, raw.money) == ("raw-slope-overstates", "description", None)
    assert "overstates" in raw.sentence
    assert "of the raw association survives" in str(word_surviving(study.spend))
