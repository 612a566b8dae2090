"""The example company's spend: the raw figure misses what was planted, the defended covers it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from analysis.intake.dataset import open_dataset
from analysis.methods.estimate import Estimate, Finding
from analysis.methods.spending import Rung, SpendStudy, StepMeans, study_spend
from analysis.presentation.spend import find_raw_slope, find_spend

DEMO = Path(__file__).resolve().parents[2] / "data/demo"


@pytest.fixture(scope="module")
def planted() -> float:
    content = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))
    return float(content["estimands"]["spend_per_csat_point"]["value"])


@pytest.fixture(scope="module")
def study() -> SpendStudy:
    data = open_dataset(DEMO, "2026Q2")
    economics = data.settings.economics
    return study_spend(
        data.customer_periods(),
        data.currency,
        economics.discount_rate_annual,
        economics.horizon_months,
        data.period.months,
    )


def interval(estimate: object) -> tuple[float, float]:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.upper


def test_the_defended_slope_covers_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.fixed_effects, Rung)
    lower, upper = interval(study.fixed_effects.slope)
    assert lower <= planted <= upper
    assert lower > 0


def test_the_raw_slope_is_about_twice_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.raw, Rung)
    assert interval(study.raw.slope)[0] > planted
    assert study.raw.slope.value == pytest.approx(2 * planted, rel=0.15)


def test_the_share_surviving_covers_the_planted_one(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.raw, Rung)
    lower, upper = interval(study.share_surviving)
    assert lower <= planted / study.raw.slope.value <= upper
    assert upper < 1


def test_a_future_score_says_nothing(study: SpendStudy) -> None:
    lower, upper = interval(study.feedback)
    assert lower < 0 < upper


def test_levels_by_score_rise_as_the_defended_slope_does(study: SpendStudy, planted: float) -> None:
    assert isinstance(study.steps, StepMeans)
    assert isinstance(study.steps.own, tuple)
    rise = (study.steps.own[-1].value - study.steps.own[0].value) / 4
    assert isinstance(study.fixed_effects, Rung)
    lower, upper = interval(study.fixed_effects.slope)
    assert lower <= rise <= upper


def test_the_report_says_so(study: SpendStudy) -> None:
    finding, raw = find_spend(study), find_raw_slope(study)
    assert isinstance(finding, Finding)
    assert finding.label == "association"
    assert finding.money is not None
    assert interval(finding.money)[0] > 0
    assert raw is not None
    assert (raw.id, raw.label, raw.money) == ("raw-slope-overstates", "description", None)
    assert "overstates" in raw.sentence
