"""Score residuals and clustered errors equal R's survival (3.5-3); see survival/make_robust_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.robust import clustered, score_residuals

HERE = Path(__file__).parent / "survival"
TOLERANCE = 1e-8


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "robust_golden.csv").itertuples(index=False))


def heart() -> pd.DataFrame:
    return pd.read_csv(HERE / "heart.csv")


def arrays(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    return (
        frame["start"].to_numpy(float), frame["stop"].to_numpy(float),
        frame["event"].to_numpy() == 1, frame[list(names)].to_numpy(float),
    )  # fmt: skip


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_heart(golden: dict[str, float], ties: str) -> None:
    frame, names = heart(), ("age", "surgery", "transplant")
    start, stop, ended, x = arrays(frame, names)
    fit = fit_cox(start, stop, ended, x, names, ties=ties)
    score = score_residuals(fit, start, stop, ended, x)
    expected = np.array(
        [[golden[f"heart_{ties}_score_{i + 1}_{k + 1}"] for k in range(3)] for i in range(len(x))]
    )
    np.testing.assert_allclose(score, expected, atol=1e-6)
    assert np.abs(score.sum(axis=0)).max() < 1e-6
    robust = clustered(fit, score, np.arange(1, len(frame) + 1) // 2)
    for name, error in zip(names, robust.standard_errors, strict=True):
        assert error == pytest.approx(golden[f"heart_{ties}_{name}_robust_se"], abs=TOLERANCE)
    assert robust.clustered
    assert "clustered by customer" in robust.hazard_ratio("age").method


def test_heart_with_strata(golden: dict[str, float]) -> None:
    frame, names = heart(), ("age", "surgery")
    start, stop, ended, x = arrays(frame, names)
    strata = frame["transplant"].to_numpy(np.int64)
    fit = fit_cox(start, stop, ended, x, names, strata)
    score = score_residuals(fit, start, stop, ended, x, strata)
    robust = clustered(fit, score, np.arange(1, len(frame) + 1) // 2)
    for name, error in zip(names, robust.standard_errors, strict=True):
        assert error == pytest.approx(golden[f"heart_strata_{name}_robust_se"], abs=TOLERANCE)


def test_rossi_with_ties(golden: dict[str, float]) -> None:
    rossi, names = pd.read_csv(HERE / "rossi.csv"), ("fin", "age", "prio")
    stop = rossi["week"].to_numpy(float)
    start, ended, x = np.zeros_like(stop), (rossi["arrest"] == 1).to_numpy(), rossi[list(names)]
    fit = fit_cox(start, stop, ended, x.to_numpy(float), names)
    score = score_residuals(fit, start, stop, ended, x.to_numpy(float))
    codes = np.arange(1, len(rossi) + 1) // 3
    robust = clustered(fit, score, codes)
    for name, error in zip(names, robust.standard_errors, strict=True):
        assert error == pytest.approx(golden[f"rossi_{name}_robust_se"], abs=TOLERANCE)


def test_fewer_clusters_than_covariates_are_refused() -> None:
    frame, names = heart(), ("age", "surgery", "transplant")
    start, stop, ended, x = arrays(frame, names)
    fit = fit_cox(start, stop, ended, x, names)
    score = score_residuals(fit, start, stop, ended, x)
    with pytest.raises(CannotEstimate, match="Too few customers"):
        clustered(fit, score, np.arange(len(frame)) % 2)
