"""Survival estimators equal R's survival package (3.5-3); see survival/make_references.R.

rossi: Rossi et al. 1980, as in lifelines (MIT). lung, heart, mgus2: R package survival (LGPL), public data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.competing import aalen_johansen
from analysis.methods.survival.cox import CoxFit, fit_cox, proportionality
from analysis.methods.survival.nonparametric import kaplan_meier, log_rank

HERE = Path(__file__).parent / "survival"
ROOT = Path(__file__).resolve().parents[2]
KM_TOLERANCE = 1e-10
COX_TOLERANCE = 1e-8
ZPH_TOLERANCE = 1e-6
ROSSI = ("fin", "age", "race", "wexp", "mar", "paro", "prio")
HEART = ("age", "surgery", "transplant")


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


def fit_rossi(ties: str) -> tuple[CoxFit, pd.DataFrame]:
    rossi = pd.read_csv(HERE / "rossi.csv")
    stop = rossi["week"].to_numpy(float)
    x = rossi[list(ROSSI)].to_numpy(float)
    return fit_cox(np.zeros(len(stop)), stop, rossi["arrest"] == 1, x, ROSSI, ties=ties), rossi


def fit_heart(ties: str = "efron") -> tuple[CoxFit, pd.DataFrame]:
    heart = pd.read_csv(HERE / "heart.csv")
    fit = fit_cox(
        heart["start"].to_numpy(float), heart["stop"].to_numpy(float),
        (heart["event"] == 1).to_numpy(), heart[list(HEART)].to_numpy(float), HEART, ties=ties,
    )  # fmt: skip
    return fit, heart


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_equals_r_on_rossi(golden: dict[str, float], ties: str) -> None:
    fit, _ = fit_rossi(ties)
    assert fit.coefficients[0] == pytest.approx(golden[f"rossi_{ties}_fin"], abs=COX_TOLERANCE)
    assert fit.standard_errors[0] == pytest.approx(
        golden[f"rossi_{ties}_fin_se"], abs=COX_TOLERANCE
    )
    assert fit.log_likelihood == pytest.approx(golden[f"rossi_{ties}_loglik"], abs=1e-6)


def test_cox_equals_the_published_figures() -> None:
    # The figures that the package's own documentation prints.
    fit, _ = fit_rossi("efron")
    assert fit.coefficients[0] == pytest.approx(-0.379422, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(-658.74766, abs=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_time_varying_cox_equals_r_on_heart(golden: dict[str, float], ties: str) -> None:
    fit, _ = fit_heart(ties)
    for place, name in enumerate(HEART):
        assert fit.coefficients[place] == pytest.approx(
            golden[f"heart_{ties}_{name}"], abs=COX_TOLERANCE
        )
        assert fit.standard_errors[place] == pytest.approx(
            golden[f"heart_{ties}_{name}_se"], abs=COX_TOLERANCE
        )


def test_proportionality_equals_cox_zph(golden: dict[str, float]) -> None:
    fit, rossi = fit_rossi("efron")
    stop = rossi["week"].to_numpy(float)
    test = proportionality(
        fit,
        np.zeros(len(stop)),
        stop,
        (rossi["arrest"] == 1).to_numpy(),
        rossi[list(ROSSI)].to_numpy(float),
    )
    for place, name in enumerate(ROSSI):
        assert test.statistics[place] == pytest.approx(
            golden[f"rossi_zph_{name}"], rel=ZPH_TOLERANCE
        )
    assert test.global_statistic == pytest.approx(golden["rossi_zph_GLOBAL"], rel=ZPH_TOLERANCE)


def test_proportionality_equals_cox_zph_with_intervals(golden: dict[str, float]) -> None:
    fit, heart = fit_heart()
    test = proportionality(
        fit, heart["start"].to_numpy(float), heart["stop"].to_numpy(float),
        (heart["event"] == 1).to_numpy(), heart[list(HEART)].to_numpy(float),
    )  # fmt: skip
    for place, name in enumerate(HEART):
        assert test.statistics[place] == pytest.approx(
            golden[f"heart_zph_{name}"], rel=ZPH_TOLERANCE
        )


def test_strata_equal_r(golden: dict[str, float]) -> None:
    heart = pd.read_csv(HERE / "heart.csv")
    arguments = (
        heart["start"].to_numpy(float), heart["stop"].to_numpy(float), (heart["event"] == 1).to_numpy(),
        heart[["age", "transplant"]].to_numpy(float),
    )  # fmt: skip
    strata = heart["surgery"].to_numpy(np.int64)
    fit = fit_cox(*arguments, ("age", "transplant"), strata=strata)
    assert fit.coefficients == pytest.approx(
        [golden["heart_strata_age"], golden["heart_strata_transplant"]], abs=COX_TOLERANCE
    )
    test = proportionality(fit, *arguments, strata=strata)
    assert test.global_statistic == pytest.approx(
        golden["heart_strata_zph_GLOBAL"], rel=ZPH_TOLERANCE
    )


def test_kaplan_meier_equals_r_on_lung(golden: dict[str, float]) -> None:
    lung = pd.read_csv(HERE / "lung.csv")
    exit_, ended = lung["time"].to_numpy(float), lung["dead"].to_numpy(bool)
    curve = kaplan_meier(np.zeros(len(lung)), exit_, ended)
    at = curve.at(365)
    assert at.value == pytest.approx(golden["lung_s365"], abs=KM_TOLERANCE)
    assert at.lower == pytest.approx(golden["lung_s365_lower"], abs=KM_TOLERANCE)
    assert at.upper == pytest.approx(golden["lung_s365_upper"], abs=KM_TOLERANCE)
    assert curve.median().value == golden["lung_median"] == 310
    mean = curve.restricted_mean(500)
    assert mean.value == pytest.approx(golden["lung_rmean500"], abs=1e-8)
    error = (mean.upper - mean.value) / normal_quantile()
    assert error == pytest.approx(golden["lung_rmean500_se"], abs=1e-8)
    for sex, median in ((1, 270), (2, 426)):
        part = (lung["sex"] == sex).to_numpy()
        curve = kaplan_meier(np.zeros(part.sum()), exit_[part], ended[part])
        assert curve.median().value == golden[f"lung_median_sex{sex}"] == median
    test = log_rank(np.zeros(len(lung)), exit_, ended, lung["sex"].to_numpy(np.int64))
    assert test.statistic == pytest.approx(golden["lung_logrank_sex"], abs=KM_TOLERANCE)


def test_kaplan_meier_with_delayed_entry_equals_r(golden: dict[str, float]) -> None:
    heart = pd.read_csv(HERE / "heart.csv")
    curve = kaplan_meier(
        heart["start"].to_numpy(float),
        heart["stop"].to_numpy(float),
        (heart["event"] == 1).to_numpy(),
    )
    at = curve.at(100)
    assert at.value == pytest.approx(golden["heart_s100"], abs=KM_TOLERANCE)
    assert at.lower == pytest.approx(golden["heart_s100_lower"], abs=KM_TOLERANCE)
    assert at.upper == pytest.approx(golden["heart_s100_upper"], abs=KM_TOLERANCE)


def test_telco_equals_r(golden: dict[str, float]) -> None:
    telco = pd.read_csv(ROOT / "data/telco/subscribers.csv")
    telco = telco[telco["tenure"] > 0]
    exit_, ended = telco["tenure"].to_numpy(float), (telco["churn"] == "yes").to_numpy()
    group = telco["contract"].astype("category").cat.codes.to_numpy().astype(np.int64)
    test = log_rank(np.zeros(len(telco)), exit_, ended, group)
    assert test.statistic == pytest.approx(golden["telco_logrank_contract"], abs=1e-8)
    assert test.statistic == pytest.approx(2352.87253826, abs=1e-8)
    part = (telco["contract"] == "Month-to-month").to_numpy()
    curve = kaplan_meier(np.zeros(part.sum()), exit_[part], ended[part])
    for months in (12, 24, 48):
        assert curve.at(months).value == pytest.approx(
            golden[f"telco_monthly_s{months}"], abs=KM_TOLERANCE
        )
    assert curve.median().value == golden["telco_monthly_median"] == 35


def test_cumulative_incidence_equals_r_on_mgus2(golden: dict[str, float]) -> None:
    mgus2 = pd.read_csv(HERE / "mgus2.csv")
    curves = aalen_johansen(
        np.zeros(len(mgus2)), mgus2["months"].to_numpy(float), mgus2["reason"].to_numpy(np.int64)
    )
    for reason, curve in curves.items():
        for months in (60, 120, 240):
            place = int(np.searchsorted(curve.times, months, side="right")) - 1
            name = f"mgus2_cif{reason}_{months}"
            assert curve.incidence[place] == pytest.approx(golden[name], abs=KM_TOLERANCE)
            assert curve.standard_errors[place] == pytest.approx(golden[f"{name}_se"], abs=1e-8)
            at = curve.at(months)
            assert at.lower < at.value < at.upper
