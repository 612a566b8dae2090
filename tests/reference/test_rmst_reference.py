"""Restricted means and influence functions equal R's survival package; see survival/make_rmst_references.R.

rossi: Rossi et al. 1980. lung, heart: R package survival (LGPL), public data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.restricted_mean import (
    restricted_mean_difference,
    restricted_mean_influence,
    survival_influence,
)

HERE = Path(__file__).parent / "survival"
SAMPLES = {
    # file, entry, exit, event, group, horizon
    "lung_sex": ("lung", "", "time", "dead", "sex", 500),
    "rossi_fin": ("rossi", "", "week", "arrest", "fin", 52),
    "rossi_fin30": ("rossi", "", "week", "arrest", "fin", 30),
    "heart_transplant": ("heart", "start", "stop", "event", "transplant", 300),
}


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "rmst_golden.csv").itertuples(index=False))


@pytest.mark.parametrize("sample", SAMPLES)
def test_restricted_means_of_groups_equal_r(golden: dict[str, float], sample: str) -> None:
    name, entry, exit_, event, group, horizon = SAMPLES[sample]
    frame = pd.read_csv(HERE / f"{name}.csv")
    codes = np.unique(frame[group], return_inverse=True)[1]
    start = frame[entry].to_numpy(float) if entry else np.zeros(len(frame))
    result = restricted_mean_difference(
        start, frame[exit_].to_numpy(float), frame[event].to_numpy(int) == 1, codes, ("a", "b"), horizon
    )  # fmt: skip
    errors = []
    for place, (_, mean) in enumerate(result.groups, start=1):
        assert isinstance(mean, Estimate)
        assert mean.upper is not None
        errors.append((mean.upper - mean.value) / normal_quantile())
        assert mean.value == pytest.approx(golden[f"{sample}_{place}_rmean"], rel=1e-10)
        assert errors[-1] == pytest.approx(golden[f"{sample}_{place}_se"], rel=1e-9)
    (pair,) = result.differences
    assert pair.difference.upper is not None
    assert pair.difference.value == pytest.approx(
        golden[f"{sample}_1_rmean"] - golden[f"{sample}_2_rmean"], rel=1e-9
    )
    half = normal_quantile() * float(np.hypot(*errors))
    assert pair.difference.upper - pair.difference.value == pytest.approx(half, rel=1e-9)


def test_influence_equals_the_infinitesimal_jackknife_of_r(golden: dict[str, float]) -> None:
    lung = pd.read_csv(HERE / "lung.csv")
    time, dead = lung["time"].to_numpy(float), lung["dead"].to_numpy(bool)
    on_curve = survival_influence(np.zeros(len(time)), time, dead, np.array([365.0]))[:, 0]
    on_mean = restricted_mean_influence(np.zeros(len(time)), time, dead, 500.0)
    for label, influence in (("s365", on_curve), ("rmean500", on_mean)):
        error = float(np.sqrt((influence**2).sum()))
        assert error == pytest.approx(golden[f"lung_robust_{label}_se"], rel=1e-9)
        for row in (1, 5, 50, 200):
            expected = golden[f"lung_influence_{label}_row{row}"]
            assert influence[row - 1] == pytest.approx(expected, rel=1e-8)
