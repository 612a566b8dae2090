"""Frames of programmes that bear little or nothing: a sentence, never a traceback or a warning."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.programme_effect.study import Terms, study_programmes

TERMS = Terms(dt.date(2026, 6, 30), "EUR", 0.1)
START = pd.Timestamp("2025-07-01")
PROGRAMME = pd.DataFrame(
    {
        "programme_id": ["gift"], "name": ["Gift"], "starts_on": [START],
        "upfront_cost": [1000.0], "monthly_cost": [10.0], "assignment": ["random"],
    }
)  # fmt: skip


def outcomes(n: int, treated: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    margin = rng.gamma(2, 20, (n, 6))
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)], "wave": START, "assigned_on": START,
            "arm": np.where(rng.permutation(n) < treated, "treated", "control"),
            "recorded": True, "quarters": 2, "margin_per_quarter": margin[:, 0],
            "margin_after_1": margin[:, 1], "margin_after_2": margin[:, 2],
            "margin_quarter_before": margin[:, 3], "margin_year_before": margin[:, 4] * 4,
            "margin_older": margin[:, 5], "csat_score": rng.integers(1, 6, n).astype(float),
            "csat_after": rng.integers(1, 6, n).astype(float),
            "nps_after": rng.choice([-100.0, 0.0, 100.0], n),
            "segment": rng.choice(["a", "b"], n),
        }
    )  # fmt: skip


def judge(frame: pd.DataFrame | None, rollout: pd.DataFrame | None = None) -> ProgrammeStudy:
    frames = {} if frame is None else {"gift": frame}
    areas = {} if rollout is None else {"gift": rollout}
    (found,) = study_programmes(PROGRAMME, areas, frames, TERMS)
    if isinstance(found.effect, NotEstimable):
        assert found.effect.reason
        assert isinstance(found.value, NotEstimable)
    else:
        assert np.isfinite(found.effect.value)
        assert found.effect.lower is None or np.isfinite(found.effect.lower)
    return found


@pytest.mark.parametrize("n", [1, 2, 5, 24, 60])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_hardly_anybody(n: int, share: float) -> None:
    judge(outcomes(n, round(n * share)))


def test_nobody() -> None:
    assert isinstance(judge(outcomes(0, 0)).effect, NotEstimable)
    assert isinstance(judge(pd.DataFrame(columns=["quarters", "arm"])).effect, NotEstimable)
    assert isinstance(judge(outcomes(50, 25).assign(quarters=0)).effect, NotEstimable)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("margin_per_quarter", 0.0), ("margin_per_quarter", 7.0), ("margin_year_before", np.nan),
        ("margin_quarter_before", np.nan), ("margin_older", np.nan), ("margin_older", 0.0),
        ("csat_after", np.nan), ("csat_score", np.nan), ("csat_after", 3.0), ("nps_after", 0.0),
        ("margin_after_2", np.nan),
        ("segment", "one"), ("segment", None), ("margin_after_1", 0.0),
    ],
)  # fmt: skip
def test_columns_without_content(column: str, value: object, recorded: bool) -> None:
    frame = outcomes(200, 100).assign(recorded=recorded)
    found = judge(frame.assign(**{column: value}))
    assert isinstance(found.effect, Estimate)


def test_columns_that_are_not_there() -> None:
    """A frame of nothing but what every frame has."""
    kept = [
        "customer_id", "wave", "assigned_on", "arm", "recorded", "quarters", "margin_per_quarter",
        "margin_quarter_before", "margin_year_before",
    ]  # fmt: skip
    found = judge(outcomes(200, 100)[kept])
    assert isinstance(found.effect, Estimate)
    assert found.windows == {}


def test_one_customer_in_many_rows() -> None:
    frame = outcomes(200, 100).assign(customer_id="same")
    judge(frame)
    judge(frame.assign(recorded=False))


def areas(count: int, quarters: range, reached: int) -> pd.DataFrame:
    rng = np.random.default_rng(count)
    rows = [
        (START, f"{area}-{unit}", f"A{area}", area < reached, area >= reached, quarter,
         rng.gamma(2, 20), 4.0)
        for area in range(count) for unit in range(4) for quarter in quarters
    ]  # fmt: skip
    names = ["starts_on", "customer_id", "area", "treated", "never", "quarter", "margin", "csat"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("count", [1, 2, 3, 12, 20])
@pytest.mark.parametrize("quarters", [range(-1, 1), range(-6, 3), range(4), range(-4, 0)])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_hardly_any_areas_or_quarters(count: int, quarters: range, share: float) -> None:
    judge(None, areas(count, quarters, round(count * share)))


@pytest.mark.parametrize("margin", [0.0, 5.0])
def test_areas_in_which_nothing_moves(margin: float) -> None:
    judge(None, areas(20, range(-6, 3), 10).assign(margin=margin))
    assert isinstance(judge(None, areas(0, range(1), 0)).effect, NotEstimable)
