"""Concordance equals R's survival (3.5-3); see survival/make_concordance_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival import concordance as module
from analysis.methods.survival.concordance import concordance
from analysis.methods.survival.cox import fit_cox

HERE = Path(__file__).parent / "survival"


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "concordance_golden.csv").itertuples(index=False))


def case(name: str) -> tuple[np.ndarray, ...]:
    if name == "rossi":
        frame, names = pd.read_csv(HERE / "rossi.csv"), ("fin", "age", "prio")
        stop, ended = frame["week"].to_numpy(float), (frame["arrest"] == 1).to_numpy()
        start, strata = np.zeros_like(stop), None
    else:
        frame = pd.read_csv(HERE / "heart.csv")
        start, stop = frame["start"].to_numpy(float), frame["stop"].to_numpy(float)
        ended = (frame["event"] == 1).to_numpy()
        names = ("age", "surgery") if name == "heart_strata" else ("age", "surgery", "transplant")
        strata = frame["transplant"].to_numpy(np.int64) if name == "heart_strata" else None
    x = frame[list(names)].to_numpy(float)
    fit = fit_cox(start, stop, ended, x, names, strata)
    return x @ fit.coefficients, start, stop, ended, np.arange(len(stop)), strata


@pytest.mark.parametrize("name", ["rossi", "heart", "heart_strata"])
def test_equals_r(golden: dict[str, float], name: str) -> None:
    found = concordance(*case(name))
    assert found.value == pytest.approx(golden[f"{name}_concordance"], abs=1e-10)
    assert found.upper is not None
    error = (found.upper - found.value) / normal_quantile()
    assert error == pytest.approx(golden[f"{name}_se"], abs=1e-8)


def test_a_sample_of_losses_is_near_and_says_so(
    golden: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_COMPARISONS", 114 * 432 / 2)
    found = concordance(*case("rossi"))
    assert "one loss in 2" in found.method
    assert found.value == pytest.approx(golden["rossi_concordance"], abs=0.05)


def test_nobody_to_compare_is_said() -> None:
    one = np.array([1.0, 2.0])
    with pytest.raises(CannotEstimate, match="No two customers"):
        concordance(one, one * 0, np.array([5.0, 5.0]), np.array([True, True]), np.arange(2))
