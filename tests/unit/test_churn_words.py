"""What the notebook on churn puts into words: small cells, short curves, snapshots, the model's columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import wilson
from analysis.methods.survival.at_risk import AtRiskSummary
from analysis.methods.survival.competing import aalen_johansen
from analysis.methods.survival.hazard import HazardModel, fit_hazard
from analysis.methods.survival.nonparametric import SurvivalCurve, kaplan_meier
from analysis.methods.survival.outlook import ChurnOutlook
from analysis.methods.survival.prediction import CalibrationGroup
from analysis.methods.survival.silence_check import SilenceCheck
from analysis.methods.survival.snapshot import implied_intake
from analysis.presentation import churn_depth, churn_words, outlook
from analysis.presentation.churn_figures import said_levels

ON, OFF = Disclosure(True), Disclosure(False)


def curve(n: int = 40, losses: int = 5, until: float = 30.0) -> SurvivalCurve:
    exit_ = np.full(n, until)
    exit_[:losses] = np.arange(1, losses + 1)
    return kaplan_meier(np.zeros(n), exit_, np.arange(n) < losses)


def test_no_level_or_median_is_said_of_fewer_than_eight() -> None:
    few, many = curve(), curve(losses=10)
    assert said_levels(few, OFF) == "88% after 12 months, 88% after 24 months"
    assert said_levels(few, ON) == "too short, or of too few, for a figure"
    assert said_levels(many, ON) == "80% after 12 months, 80% after 24 months"
    with pytest.raises(CannotEstimate, match="fewer than eight"):
        churn_words.level_shown(few, 12, ON)
    halved = kaplan_meier(np.zeros(12), np.arange(1.0, 13.0), np.ones(12, dtype=bool))
    assert churn_words.median_shown(halved, OFF).value == 6
    assert isinstance(attempt(churn_words.median_shown, halved, ON), NotEstimable)
    assert churn_words.said_median(halved, ON) == "median withheld"


def test_a_short_curve_is_said_at_earlier_months_and_nothing_below_the_threshold() -> None:
    short = curve(losses=10, until=11.0)
    assert said_levels(short, ON) == "75% after 6 months" or said_levels(short, OFF).startswith("9")
    assert said_levels(short, OFF, measurable_from_months=5.9).startswith("85% after 6 months")
    assert "3 months" not in said_levels(short, OFF, measurable_from_months=5.9)


def test_cells_of_cohorts_are_made_of_rounded_counts() -> None:
    cell = replace(wilson(205, 264), method="Kaplan–Meier")
    shown = churn_depth._cohort_cell(cell, 264, ON)
    assert shown.value == pytest.approx(205 / 265)
    assert churn_depth._cohort_cell(cell, 264, OFF) is cell
    # 203 to 207 are all shown as 205: the difference of two cells does not count a single loss.
    near = churn_depth._cohort_cell(wilson(207, 264), 264, ON)
    assert near.value == shown.value
    with pytest.raises(CannotEstimate, match="fewer than eight"):
        churn_depth._cohort_cell(wilson(260, 264), 264, ON)


def test_a_reason_is_withheld_until_eight_have_left_for_it() -> None:
    exit_ = np.concatenate([np.arange(1.0, 21.0), np.full(40, 50.0)])
    reason = np.concatenate([np.tile([1, 2], 10), np.zeros(40, dtype=int)]).astype(np.int64)
    found = aalen_johansen(np.zeros(60), exit_, reason)[1]
    assert isinstance(attempt(churn_depth._reason_cell, found, 12, ON), NotEstimable)
    assert isinstance(attempt(churn_depth._reason_cell, found, 12, OFF), Estimate)
    assert isinstance(attempt(churn_depth._reason_cell, found, 24, ON), Estimate)


class _Check:
    def __init__(self, losses: tuple[int, ...], n: int = 200) -> None:
        self.calibration = tuple(
            CalibrationGroup(0.0, 0.1, n, 0.05, wilson(events, n)) for events in losses
        )


def test_one_small_fifth_withholds_all_of_the_calibration() -> None:
    assert outlook.calibration_may_be_shown(_Check((10, 12, 14, 20, 30)), ON)  # type: ignore[arg-type]
    assert not outlook.calibration_may_be_shown(_Check((3, 12, 14, 20, 30)), ON)  # type: ignore[arg-type]
    assert outlook.calibration_may_be_shown(_Check((3, 12, 14, 20, 30)), OFF)  # type: ignore[arg-type]


def test_the_first_tenth_of_a_short_list_is_no_group_to_speak_of() -> None:
    def summary(n: int) -> AtRiskSummary:
        money = Estimate(900.0, 500.0, 1300.0, "EUR", n, "x")
        return AtRiskSummary(n, 0, 0, replace(money, unit="customers"), money, 0.4, 3)

    long, short = (outlook.find_at_risk(summary(n), False, ON) for n in (200, 60))
    assert not isinstance(long, NotEstimable)
    assert not isinstance(short, NotEstimable)
    assert "first tenth" in long.sentence
    assert "first tenth" not in short.sentence


def test_a_list_by_silence_is_judged_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(outlook, "show_sentence", said.append)
    monkeypatch.setattr(outlook, "show_reason", lambda reason: said.append(reason.reason))
    expected = Estimate(0.10, 0.09, 0.11, "share", 900, "x")
    check = SilenceCheck(91, expected, wilson(135, 900), NotEstimable("x"))
    outlook.show_check(ChurnOutlook(NotEstimable("none"), NotEstimable("x"), check), False)
    assert "expected 10.0% (9.0% to 11.0%) to be lost in them; 15.0%" in said[0]
    assert "outside what chance allows" in said[0]
    assert said[1] == "none"


def test_a_curve_at_zero_where_customers_are_is_not_divided_by() -> None:
    entry = np.r_[np.zeros(10), np.full(20, 20.0)]
    exit_ = np.r_[np.arange(1.0, 11.0), np.full(20, 30.0)]
    ended = np.r_[np.ones(10, dtype=bool), np.zeros(20, dtype=bool)]
    frame = pd.DataFrame({"exit_months": exit_, "ended": ended})
    with pytest.raises(CannotEstimate, match="leaves nobody after 27 months"):
        implied_intake(frame, kaplan_meier(entry, exit_, ended))


def scored(n: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    channel = rng.choice(["shop", "search"], n)
    channel[:12] = "stand"
    score = rng.integers(1, 6, n).astype(float)
    life, cut = rng.exponential(30 * np.exp(0.2 * (score - 3))), rng.uniform(5, 40, n)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)], "spell": 1, "start_months": 0.0,
            "stop_months": np.minimum(life, cut), "ended": (life < cut) & (channel != "stand"),
            "score": score, "acquisition_channel": channel,
        }
    )  # fmt: skip


def test_a_dozen_customers_without_a_loss_do_not_cost_the_model() -> None:
    model = fit_hazard(scored(), True)
    assert model.fit.names == ("CSAT, per point", "acquisition_channel: shop")
    assert model.fit.hazard_ratio("CSAT, per point").value == pytest.approx(np.exp(-0.2), rel=0.08)


class _Study:
    def __init__(self, model: HazardModel | NotEstimable) -> None:
        self.chosen_model = model


def test_the_assumption_names_what_the_model_holds_equal() -> None:
    model = fit_hazard(scored(), True)
    assert churn_words.held_equal(_Study(model)) == "acquisition channel"  # type: ignore[arg-type]
    both = replace(model, stratified_by="contract")
    assert churn_words.held_equal(_Study(both)) == "contract, acquisition channel"  # type: ignore[arg-type]
    assert churn_words.held_equal(_Study(NotEstimable("x"))) == ""  # type: ignore[arg-type]
