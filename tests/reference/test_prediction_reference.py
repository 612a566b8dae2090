"""Baseline hazards, their errors and conditional risks equal R's survfit of a coxph (survival 3.5-3).

See survival/make_prediction_references.R; data as in test_survival_reference.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.baseline import (
    Baseline,
    baseline_hazard,
    conditional_risk,
    expected_total,
)
from analysis.methods.survival.cox import CoxFit, fit_cox
from analysis.methods.survival.prediction import dynamic_auc

HERE = Path(__file__).parent / "survival"
TOLERANCE = 1e-6
ROSSI = ("fin", "age", "race", "wexp", "mar", "paro", "prio")
ROSSI_NEW = np.array([[0, 20, 1, 0, 0, 1, 8], [1, 35, 1, 1, 0, 1, 1]], dtype=float)
HEART = ("age", "surgery", "transplant")
HEART_NEW = np.array([[-5, 0, 1], [4, 1, 0]], dtype=float)
Fitted = tuple[CoxFit, Baseline]


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "prediction_golden.csv").itertuples(index=False))


def rossi(ties: str) -> Fitted:
    data = pd.read_csv(HERE / "rossi.csv")
    stop = data["week"].to_numpy(float)
    rows = np.zeros(len(stop)), stop, (data["arrest"] == 1).to_numpy()
    x = data[list(ROSSI)].to_numpy(float)
    fit = fit_cox(*rows, x, ROSSI, ties=ties)
    return fit, baseline_hazard(fit, *rows, x)


def heart(names: tuple[str, ...] = HEART, stratum: str = "") -> Fitted:
    data = pd.read_csv(HERE / "heart.csv")
    rows = (
        data["start"].to_numpy(float), data["stop"].to_numpy(float), (data["event"] == 1).to_numpy()
    )  # fmt: skip
    x = data[list(names)].to_numpy(float)
    strata = data[stratum].to_numpy(np.int64) if stratum else None
    fit = fit_cox(*rows, x, names, strata)
    return fit, baseline_hazard(fit, *rows, x, strata, fewest_at_risk=1)


def hazard_and_error(fitted: Fitted, x: np.ndarray, months: float) -> tuple[float, float]:
    """Cumulative hazard from zero on and its standard error, both from the public functions."""
    fit, baseline = fitted
    at = np.zeros(1), x[None, :], months
    risk = float(conditional_risk(fit, baseline, *at)[0])
    # The interval of one customer's expected loss: the model's variance plus p (1 − p) of chance.
    total = expected_total(fit, baseline, *at, np.full(1, 1e3), "count")
    variance = ((total.upper - total.value) / normal_quantile() / 1e3) ** 2 - risk * (1 - risk)
    return -np.log1p(-risk), np.sqrt(variance) / (1 - risk)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("who", [1, 2])
@pytest.mark.parametrize("week", [10, 13, 26, 39])
def test_hazard_and_its_error_equal_r_on_rossi(
    golden: dict[str, float], ties: str, who: int, week: int
) -> None:
    hazard, error = hazard_and_error(rossi(ties), ROSSI_NEW[who - 1], week)
    assert hazard == pytest.approx(golden[f"rossi_{ties}_{who}_hazard_{week}"], abs=TOLERANCE)
    assert error == pytest.approx(golden[f"rossi_{ties}_{who}_error_{week}"], abs=TOLERANCE)


@pytest.mark.parametrize("who", [1, 2])
@pytest.mark.parametrize("day", [30, 90, 180, 300])
def test_hazard_with_delayed_entry_equals_r_on_heart(
    golden: dict[str, float], who: int, day: int
) -> None:
    hazard, error = hazard_and_error(heart(), HEART_NEW[who - 1], day)
    assert hazard == pytest.approx(golden[f"heart_{who}_hazard_{day}"], abs=TOLERANCE)
    assert error == pytest.approx(golden[f"heart_{who}_error_{day}"], abs=TOLERANCE)


def test_conditional_risks_equal_r(golden: dict[str, float]) -> None:
    for ties in ("efron", "breslow"):
        risk = conditional_risk(*rossi(ties), np.full(2, 26.0), ROSSI_NEW, 13)
        for who in (1, 2):
            expected = golden[f"rossi_{ties}_{who}_risk_26_13"]
            assert risk[who - 1] == pytest.approx(expected, abs=TOLERANCE)
    risk = conditional_risk(*heart(), np.full(2, 90.0), HEART_NEW, 90)
    for who in (1, 2):
        assert risk[who - 1] == pytest.approx(golden[f"heart_{who}_risk_90_90"], abs=TOLERANCE)


def test_conditional_risks_with_strata_equal_r(golden: dict[str, float]) -> None:
    fitted = heart(("age", "transplant"), "surgery")
    x = np.array([[0.0, 1.0], [0.0, 1.0]])
    risk = conditional_risk(*fitted, np.full(2, 90.0), x, 90, strata=np.array([0, 1]))
    for surgery in (0, 1):
        expected = golden[f"heart_strata_{surgery}_risk_90_90"]
        assert risk[surgery] == pytest.approx(expected, abs=TOLERANCE)


def test_auc_equals_the_concordance_of_r(golden: dict[str, float]) -> None:
    data = pd.read_csv(HERE / "rossi.csv")
    fit, _ = rossi("efron")
    risk = data[list(ROSSI)].to_numpy(float) @ fit.coefficients
    left = ((data["week"] <= 40) & (data["arrest"] == 1)).to_numpy()
    auc = dynamic_auc(risk, left, np.ones(len(left)))
    assert auc.value == pytest.approx(golden["rossi_auc_40"], abs=TOLERANCE)
    half = np.log(auc.upper / (1 - auc.upper)) - np.log(auc.value / (1 - auc.value))
    error = half / normal_quantile() * auc.value * (1 - auc.value)
    assert error == pytest.approx(golden["rossi_auc_40_error"], rel=1e-3)
