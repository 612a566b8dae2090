"""Gaps between touchpoints and their money: intervals hold, and where nothing hurts nothing is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.pain_points.channels import channel_spread
from analysis.methods.pain_points.gaps import Gaps, touchpoint_gaps
from analysis.methods.pain_points.small_samples import clustered_share
from analysis.methods.pain_points.worth import Affected, margin_slope, value_gap
from analysis.methods.spending.rows import panel_rows

CUSTOMERS, PERIODS = 150, 6
PLACES = np.array(["billing", "desk", "line", "shop", "visit"])
MARGIN_PER_POINT = 4.0
GAP = -0.8
OPENS = np.array(
    ["2024-01-05", "2024-04-05", "2024-07-05", "2024-10-05", "2025-01-05", "2025-04-05"]
)


def company(seed: int, gap: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers, one in each period, and the margin of the period after; who is gloomy meets the desk more."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(CUSTOMERS), PERIODS)
    period = np.tile(np.arange(PERIODS), CUSTOMERS)
    trait = rng.normal(0, 0.6, CUSTOMERS)[customer]
    chance = np.where(trait < 0, 0.35, 0.15)
    place = np.where(rng.random(len(customer)) < chance, 1, rng.choice([0, 2, 3, 4], len(customer)))
    score = 3.5 + trait + gap * (place == 1) + 0.1 * period + rng.normal(0, 0.7, len(customer))
    names = np.array([f"C{i:03d}" for i in range(CUSTOMERS)])
    answers = pd.DataFrame(
        {
            "customer_id": names[customer],
            "response_id": np.arange(len(customer)),
            "day": pd.to_datetime(OPENS[period]),
            "score": score,
            "place": PLACES[place],
            "touchpoint": PLACES[place],
            "late": np.nan,
        }
    )
    margin = 40 + 15 * trait + MARGIN_PER_POINT * score + rng.normal(0, 8, len(customer))
    periods = pd.DataFrame(
        {
            "customer_id": names[customer],
            "period": OPENS[period],
            "period_index": period,
            "tenure_months": 3.0 * period,
            "left": False,
            "spend": margin / 0.4,
            "margin": margin,
            "previous_spend": 1.0,
            "csat_score": score,
            "csat_age_days": 30.0,
        }
    )
    return answers, periods


def covers(estimate: object, truth: float) -> bool:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= truth <= estimate.upper


def studied(seed: int) -> tuple[bool, bool, bool]:
    """Whether the gap, the gap as it stands, and the money per customer cover the truth."""
    answers, periods = company(seed, GAP)
    gaps = touchpoint_gaps(answers)
    desk = next(gap for gap in gaps.places if gap.place == "desk")
    slope = margin_slope(panel_rows(periods), "EUR per customer-quarter")
    affected = {"desk": Affected(1.0, 1.0, 1.0, 4)}
    money = value_gap(desk, gaps, slope, affected, "EUR", 12, 3, 0.1).per_period
    return covers(desk.gap, GAP), covers(desk.plain, GAP), covers(money, -GAP * MARGIN_PER_POINT)


def false_alarm(seed: int) -> bool:
    gaps: Gaps = touchpoint_gaps(company(seed, 0.0)[0])
    return any(gap.p_value < 0.05 for gap in gaps.places)


@pytest.mark.calibration
def test_gap_and_money_cover(runs: int, calibration: Any) -> None:
    hits = np.array([studied(seed) for seed in range(runs)])
    calibration.coverage("gap of a touchpoint, within customers", hits[:, 0].tolist())
    calibration.misses("gap of a touchpoint, as it stands", hits[:, 1].tolist())
    calibration.coverage("margin with a gap, per customer", hits[:, 2].tolist())


@pytest.mark.calibration
def test_nothing_hurts_where_nothing_was_planted(runs: int, calibration: Any) -> None:
    alarms = [false_alarm(10_000 + seed) for seed in range(runs)]
    calibration.rejections("pain points among five alike, family-wise", alarms)


def channels_differ(seed: int) -> bool:
    answers, _ = company(20_000 + seed, GAP)
    rng = np.random.default_rng(seed)
    mail = rng.random(len(answers)) < np.where(answers["place"] == "desk", 0.7, 0.3)
    channel = np.where(mail, "mail", rng.choice(["chat", "phone"], len(answers)))
    return channel_spread(answers.assign(channel=channel), "score", "points").p_value < 0.05


@pytest.mark.calibration
def test_channels_alike_are_told_apart_no_more_than_chance(runs: int, calibration: Any) -> None:
    alarms = [channels_differ(seed) for seed in range(runs)]
    calibration.rejections("channels alike, mix of touchpoints unequal", alarms)


def share_covers(seed: int) -> bool:
    """Two to six rows of each of 60 customers, a fifth of them late, some customers more often."""
    rng = np.random.default_rng(30_000 + seed)
    rows = rng.integers(2, 7, 60)
    chance = rng.beta(1, 4, 60)
    customers = np.repeat(np.arange(60), rows)
    return covers(clustered_share(rng.random(len(customers)) < chance[customers], customers), 0.2)


@pytest.mark.calibration
def test_share_of_rows_covers(runs: int, calibration: Any) -> None:
    hits = [share_covers(seed) for seed in range(runs)]
    calibration.coverage("share of rows clustered by customer", hits)
