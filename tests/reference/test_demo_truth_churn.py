"""The example company's churn: what was planted is found."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.survival.cox import CoxFit
from analysis.methods.survival.hazard import SCORE, HazardModel
from analysis.methods.survival.nonparametric import LogRank, SurvivalCurve
from analysis.methods.survival.study import ChurnStudy, study_churn

DEMO = Path(__file__).resolve().parents[2] / "data/demo"


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    content = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))
    return {name: item["value"] for name, item in content["estimands"].items()}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def study(data: Dataset) -> ChurnStudy:
    return study_churn(
        data.lifetimes(),
        data.intervals(),
        data.landmarks(),
        data.customer_periods(),
        currency=data.currency,
        discount_rate_annual=data.settings.economics.discount_rate_annual,
        horizon_months=data.settings.economics.horizon_months,
    )


def limits(estimate: Estimate | NotEstimable) -> tuple[float, float, float]:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.value, estimate.upper


def stratified(study: ChurnStudy) -> CoxFit:
    assert isinstance(study.stratified, HazardModel)
    return study.stratified.fit


def test_planted_hazard_ratio_lies_in_the_interval(
    study: ChurnStudy, truth: dict[str, float]
) -> None:
    ratio = stratified(study).hazard_ratio(SCORE, confidence_level=0.999)
    lower, _, upper = limits(ratio)
    assert lower <= truth["churn_hazard_ratio_per_csat_point"] <= upper
    assert upper < 1
    assert upper - lower < 0.25  # an interval that holds everything would hold the truth as well


def test_the_finding_rests_on_the_stratified_model(study: ChurnStudy) -> None:
    # The monthly contract's hazard falls and the yearly one's does not: proportionality fails.
    assert isinstance(study.model, HazardModel)
    assert not isinstance(study.model.test, NotEstimable)
    assert study.model.test.global_p_value < 0.001
    assert study.group == "contract"
    assert study.score_hazard_ratio == stratified(study).hazard_ratio(SCORE)


def test_segments_leave_as_planted(study: ChurnStudy) -> None:
    fit = stratified(study)
    family = fit.hazard_ratio("segment: family", 0.999)
    private = fit.hazard_ratio("segment: private", 0.999)
    business = 0.8
    for ratio, planted in ((family, 0.9 / business), (private, 1 / business)):
        lower, _, upper = limits(ratio)
        assert lower <= planted <= upper


def test_retention_after_a_year_is_as_planted(study: ChurnStudy) -> None:
    curves = {group.name: group.curve for group in study.groups}
    assert set(curves) == {"monthly", "yearly"}
    kept = {}
    for name, curve in curves.items():
        assert isinstance(curve, SurvivalCurve)
        lower, kept[name], upper = limits(curve.at(12))
        assert upper - lower < 0.06
    # Hazards per month at a satisfaction of three, thinned by satisfaction above it: 0.040 for
    # nine months and 0.011 after, against 0.010.
    assert 0.65 < kept["monthly"] < 0.82
    assert 0.85 < kept["yearly"] < 0.95
    assert isinstance(study.log_rank, LogRank)
    assert study.log_rank.p_value < 1e-6
    assert study.pairwise[("monthly", "yearly")] == pytest.approx(study.log_rank.p_value)


def test_counting_everybody_from_the_start_would_flatter(study: ChurnStudy) -> None:
    # Those who left before the books open are missing from them; the ones who stayed are not.
    assert isinstance(study.overall, SurvivalCurve)
    assert isinstance(study.overall_naive, SurvivalCurve)
    assert study.overall_naive.at(12).value > study.overall.at(12).value + 0.02


def test_worth_of_a_point_is_positive_and_within_what_is_at_stake(
    data: Dataset, study: ChurnStudy
) -> None:
    lower, value, upper = limits(study.worth)
    assert 0 < lower < value < upper
    periods = data.customer_periods()
    last = periods[periods["period_index"] == periods["period_index"].max()]
    assert upper < last["margin"].sum() * study.horizon_months / 3
