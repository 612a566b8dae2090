"""Drivers, penalty and reward, segments and stems equal R; see drivers/ and comments/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.comments.log_odds import weighted_log_odds
from analysis.methods.comments.stem_english import stem_english
from analysis.methods.comments.stem_russian import stem_russian
from analysis.methods.drivers import DriverStudy, key_drivers
from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.penalty_reward import penalty_reward
from analysis.methods.segment_flags import flag_segments

HERE = Path(__file__).parent
NAMES = ("support", "billing", "returns", "delivery", "shop")
CONTROLS = ["tenure", "office"]
RELATIVE = 1e-8


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "drivers/expected.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return pd.read_csv(HERE / "drivers/answers.csv")


def study_of(answers: pd.DataFrame, held: bool = False) -> DriverStudy:
    return key_drivers(
        answers["overall"].to_numpy(),
        answers[list(NAMES)].to_numpy(dtype=float),
        NAMES,
        answers["customer"].to_numpy(),
        answers[CONTROLS].to_numpy(dtype=float) if held else None,
    )


def error_of(estimate: Estimate, degrees: float) -> float:
    assert estimate.upper is not None
    return (estimate.upper - estimate.value) / t_quantile(estimate.confidence_level, degrees)


@pytest.mark.parametrize(("held", "prefix"), [(False, "lmg"), (True, "lmg_held")])
def test_contributions_equal_the_average_over_all_orders(
    answers: pd.DataFrame, expected: dict[str, float], held: bool, prefix: str
) -> None:
    study = study_of(answers, held)
    total = sum(expected[f"{prefix}.{name}"] for name in NAMES)
    assert study.explained.value == pytest.approx(total, rel=RELATIVE)
    for name in NAMES:
        golden = expected[f"{prefix}.{name}"]
        assert study.named(name).contribution == pytest.approx(golden, rel=RELATIVE)
        assert study.named(name).share.value == pytest.approx(golden / total, rel=RELATIVE)


def test_errors_of_shares_are_those_of_leaving_customers_out(
    answers: pd.DataFrame, expected: dict[str, float]
) -> None:
    study = study_of(answers)
    for name in NAMES:
        share = study.named(name).share
        assert share.lower is not None
        assert share.upper is not None
        # On the arcsine-root scale the interval is symmetric, its half-width z × error / 2√(s(1−s)).
        lower, upper = np.arcsin(np.sqrt([share.lower, share.upper]))
        spread = 2 * np.sqrt(share.value * (1 - share.value))
        error = (upper - lower) / 2 / 1.959964 * spread
        if share.lower > 0:
            assert error == pytest.approx(expected[f"jackknife.{name}"], rel=0.03)


def test_coefficients_and_clustered_errors_equal_lm(
    answers: pd.DataFrame, expected: dict[str, float]
) -> None:
    study = study_of(answers)
    for name in NAMES:
        coefficient = study.named(name).coefficient
        assert coefficient.value == pytest.approx(expected[f"coefficient.{name}"], rel=RELATIVE)
        error = error_of(coefficient, study.customers - 1)
        assert error == pytest.approx(expected[f"error.{name}"], rel=RELATIVE)


def test_penalty_reward_and_asymmetry_equal_lm(
    answers: pd.DataFrame, expected: dict[str, float]
) -> None:
    study = penalty_reward(
        answers["overall"].to_numpy(),
        answers[list(NAMES)].to_numpy(dtype=float),
        NAMES,
        2,
        4,
        answers["customer"].to_numpy(),
        answers[CONTROLS].to_numpy(dtype=float),
    )
    degrees = answers["customer"].nunique() - 1
    for one in study.attributes:
        for side in ("penalty", "reward"):
            estimate = getattr(one, side)
            assert estimate.value == pytest.approx(expected[f"{side}.{one.name}"], rel=1e-7)
            golden = expected[f"{side}_error.{one.name}"]
            assert error_of(estimate, degrees) == pytest.approx(golden, rel=1e-7)
        golden = expected[f"asymmetry_error.{one.name}"]
        assert error_of(one.asymmetry, degrees) == pytest.approx(golden, rel=1e-7)
        assert one.asymmetry.value == pytest.approx(one.reward.value - one.penalty.value)


def test_one_answer_each_gives_welchs_test(
    answers: pd.DataFrame, expected: dict[str, float]
) -> None:
    first = answers.drop_duplicates("customer")
    flags = flag_segments(first["overall"].to_numpy(), list(first["segment"]))
    private = next(one for one in flags.segments if one.segment == "private")
    assert private.difference.value == pytest.approx(expected["welch.difference"], rel=RELATIVE)
    # The floor under the variance may only widen.
    assert private.difference.lower is not None
    assert private.difference.lower <= expected["welch.lower"] + 1e-12
    assert private.p_value == pytest.approx(expected["welch.p"], rel=0.1)


def test_log_odds_equal_the_formula(expected: dict[str, float]) -> None:
    prior = np.array([[7.0], [41.0]])
    odds = weighted_log_odds(np.array([40]), np.array([12]), 150, 260, prior)
    assert odds.value[0] == pytest.approx(expected["log_odds.value"], rel=RELATIVE)
    assert odds.standard_error[0] == pytest.approx(expected["log_odds.error"], rel=RELATIVE)


@pytest.mark.parametrize(
    ("language", "stem"), [("english", stem_english), ("russian", stem_russian)]
)
def test_stems_are_those_of_the_snowball_project(language: str, stem: object) -> None:
    table = pd.read_csv(HERE / "comments/stems.csv", keep_default_na=False)
    mine = table[table["language"] == language]
    assert len(mine) > 200
    assert callable(stem)
    assert [stem(word) for word in mine["word"]] == list(mine["stem"])
