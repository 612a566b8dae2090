"""Second opinions on churn from frames: which groups are compared over which horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.survival.restricted_mean import RestrictedMeans
from analysis.methods.survival.second_opinions import study_second_opinions
from analysis.methods.survival.study import study_churn

INTERVALS = ["customer_id", "spell", "start_months", "stop_months", "ended", "score"]
LANDMARKS = ["customer_id", "instrument", "score", "entry_months", "exit_months", "ended"]


def restricted_means(segment: np.ndarray, followed: np.ndarray) -> RestrictedMeans:
    rng = np.random.default_rng(5)
    life = rng.exponential(20, len(segment))
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(len(segment))], "spell": 1,
            "started_on": pd.Timestamp("2026-06-30") - pd.to_timedelta((followed * 30).astype(int), unit="D"),
            "entry_months": 0.0, "exit_months": np.minimum(life, followed), "ended": life < followed,
            "end_reason": None, "segment": segment,
        }
    )  # fmt: skip
    intervals, landmarks = pd.DataFrame(columns=INTERVALS), pd.DataFrame(columns=LANDMARKS)
    study = study_churn(frame, intervals, landmarks, pd.DataFrame(), "EUR", 0.1, 24)
    found = study_second_opinions(frame, intervals, study, (1, 5)).restricted_means
    assert isinstance(found, RestrictedMeans)
    return found


def test_a_handful_of_customers_does_not_cut_the_horizon_of_the_others() -> None:
    segment = np.array(["new"] * 5 + ["private", "business"] * 300)
    followed = np.r_[np.full(5, 2.5), np.random.default_rng(6).uniform(20, 40, 600)]
    found = restricted_means(segment, followed)
    assert found.horizon_months == 24
    groups = dict(found.groups)
    assert isinstance(groups["private"], Estimate)
    assert isinstance(groups["new"], NotEstimable), "five customers: neither compared nor shown"
    assert "too few customers were followed" in groups["new"].reason
    assert [(pair.first, pair.second) for pair in found.differences] == [("business", "private")]


def test_a_new_group_of_many_is_left_out_rather_than_all_being_cut_to_its_months() -> None:
    segment = np.array(["new"] * 100 + ["private", "business"] * 300)
    followed = np.r_[np.full(100, 5.0), np.random.default_rng(6).uniform(20, 40, 600)]
    assert restricted_means(segment, followed).horizon_months == 24
    longer = np.r_[np.full(100, 18.0), followed[100:]]
    shared = restricted_means(segment, longer)
    assert shared.horizon_months == 18
    assert len(shared.differences) == 3
