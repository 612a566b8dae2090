"""The score's ratio early and late, with a change that is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.by_tenure import score_ratio_by_tenure
from analysis.methods.survival.hazard import fit_hazard


def lives(late_ratio: float, n: int = 6000) -> pd.DataFrame:
    """One score each; hazard 0.05 a month, × 0.7 a point until month 8 and × late_ratio after."""
    rng = np.random.default_rng(6)
    score = rng.integers(1, 6, n).astype(float)
    early, late = 0.05 * 0.7 ** (score - 3), 0.05 * late_ratio ** (score - 3)
    draw = rng.exponential(size=n)
    time = np.where(draw < 8 * early, draw / early, 8 + (draw - 8 * early) / late)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)], "spell": 1, "score": score,
            "start_months": 0.0, "stop_months": np.minimum(time, 24), "ended": time < 24,
        }
    )  # fmt: skip


def test_a_change_is_found_on_either_side_of_the_median_loss() -> None:
    rows = lives(1.0)
    halves = score_ratio_by_tenure(rows, fit_hazard(rows, True))
    assert 6 < halves.split_months < 10
    assert halves.early.upper is not None
    assert halves.early.lower < 0.72 < halves.early.upper + 0.04
    assert halves.late.value > halves.early.upper


def test_without_a_change_the_single_ratio_stands() -> None:
    rows = lives(0.7)
    with pytest.raises(CannotEstimate, match="no change over tenure"):
        score_ratio_by_tenure(rows, fit_hazard(rows, True))
