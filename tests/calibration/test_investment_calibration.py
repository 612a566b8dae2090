"""The money of a programme: its interval covers, and the share of draws above zero is honest."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.investment import (
    BenefitFlow,
    Costs,
    InvestmentValue,
    discount_factors,
    value_investment,
)
from analysis.methods.investment.uncertainty import Spreads, joint_value
from analysis.methods.programme_effect.rollout import _rollout_flow as rollout_flow
from analysis.methods.programme_effect.staggered import QUARTERS_OF_A_YEAR, group_time_effects
from analysis.methods.programme_effect.study import Terms, study_programme

TERMS = Terms(dt.date(2026, 6, 30), "EUR", 0.1)
START = pd.Timestamp("2025-07-01")
CUSTOMERS, QUARTERS, EFFECT = 240, 4, 6.0
# Kolmogorov's statistic × √runs stays below this in 999 of 1,000 sets of runs.
KOLMOGOROV = 1.95


def experiment(seed: int) -> tuple[pd.DataFrame, float]:
    """A trial in which some leave; margins are skewed. With it, the discounted true benefit."""
    rng = np.random.default_rng([20_260_630, seed])
    past = rng.gamma(3, 50, CUSTOMERS)
    arm = rng.random(CUSTOMERS) < 0.5
    stays = rng.random((CUSTOMERS, QUARTERS)).cumsum(axis=1) < 3.4
    quarterly = 0.2 * past[:, None] + rng.gamma(2, 10, (CUSTOMERS, QUARTERS))
    after = np.where(stays, quarterly, 0.0).mean(axis=1) + EFFECT * arm
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(CUSTOMERS)],
            "wave": START,
            "assigned_on": START,
            "arm": np.where(arm, "treated", "control"),
            "recorded": True,
            "quarters": QUARTERS,
            "margin_per_quarter": after,
            "margin_quarter_before": past / 4 + rng.normal(0, 10, CUSTOMERS),
            "margin_year_before": past,
        }
    )
    factors = discount_factors(3.0 * np.arange(1, QUARTERS + 1), TERMS.discount_rate_annual)
    return frame, EFFECT * arm.sum() * float(factors.sum())


def valued(seed: int, share_of_benefit: float) -> tuple[InvestmentValue, float]:
    """The programme valued as in the notebook, its cost that share of the true benefit; the truth."""
    frame, benefit = experiment(seed)
    cost = share_of_benefit * benefit
    programme = {
        "programme_id": "gift", "name": "Gift", "starts_on": START, "upfront_cost": cost,
        "monthly_cost": 0.0, "assignment": "random",
    }  # fmt: skip
    value = study_programme(programme, None, frame, TERMS).value
    assert isinstance(value, InvestmentValue)
    return value, benefit - cost


@pytest.mark.calibration
def test_the_interval_of_net_present_value_covers(runs: int, calibration) -> None:
    hits, ratios = [], []
    for seed in range(runs):
        value, true = valued(seed, 0.5)
        worth, ratio = value.net_present_value, value.return_on_investment
        hits.append(worth.lower <= true <= worth.upper)
        ratios.append(ratio.lower <= 1.0 <= ratio.upper)
    calibration.coverage("net present value of an experiment", hits)
    assert ratios == hits, "the return is the same statement in other units"


@pytest.mark.calibration
def test_at_a_value_of_zero_the_share_of_draws_above_zero_is_uniform(
    runs: int, calibration
) -> None:
    shares = []
    for seed in range(runs):
        value, true = valued(runs + seed, 1.0)
        assert abs(true) < 1e-9
        shares.append(value.share_positive)
    ordered = np.sort(shares)
    place = np.arange(1, runs + 1) / runs
    distance = float(np.maximum(np.abs(place - ordered), np.abs(ordered - place + 1 / runs)).max())
    calibration.record(
        "calibration", f"Kolmogorov distance of shares × √runs: {distance * runs**0.5:.3f}"
    )
    assert distance * np.sqrt(runs) < KOLMOGOROV
    calibration.rejections(
        "a value of zero called above or below it", [s < 0.025 or s > 0.975 for s in shares]
    )


@pytest.mark.calibration
def test_costs_and_margins_that_are_off_are_covered_as_well(runs: int, calibration) -> None:
    """Declared costs and margins off by up to a tenth or so: the joint interval covers, not the
    one that takes them as known."""
    rng = np.random.default_rng(77)
    months = 3.0 * np.arange(1, 5)
    root = np.linalg.cholesky(np.array([[9, 3, 1, 0], [3, 9, 3, 1], [1, 3, 9, 3], [0, 1, 3, 9.0]]))
    spreads = Spreads(cost=0.2, margin=0.2)
    joint, known = [], []
    for _ in range(runs):
        off = 0.2 * rng.standard_normal(2) / 1.959964
        # The true amounts are those of the declared margin × what it truly is of it.
        true = 100.0 * (1 + off[1]) * 4 - 250.0 * (1 + off[0])
        amounts = 100.0 + root @ rng.standard_normal(4)
        flow = BenefitFlow(months, amounts, root @ root.T, np.full(4, 25.0), 1.959964, 100, "test")
        costs = Costs(250.0, 0.0, 12)
        wide = joint_value(flow, costs, 0.0, "EUR", spreads, draws=1000).net_present_value
        narrow = value_investment(flow, costs, 0.0, "EUR").net_present_value
        joint.append(wide.lower <= true <= wide.upper)
        known.append(narrow.lower <= true <= narrow.upper)
    calibration.coverage("net present value with uncertain costs and margin", joint)
    calibration.misses("net present value that takes costs and margin as known", known)


AREAS, UNITS, BEFORE, AFTER = 40, 3, 4, 4
REACHED = np.array([0] * 10 + [2] * 10 + [99] * 20)
TIMES = np.arange(-BEFORE, AFTER + 1)


def rollout(seed: int) -> pd.DataFrame:
    """Forty areas, half reached at two dates; areas have shocks of their own."""
    rng = np.random.default_rng([20_260_701, seed])
    margin = rng.normal(50, 5, (AREAS, UNITS, 1)) + rng.normal(0, 3, (AREAS, 1, len(TIMES)))
    margin = margin + rng.normal(0, 8, (AREAS, UNITS, len(TIMES)))
    margin += EFFECT * (REACHED[:, None] <= TIMES)[:, None, :]
    parts = []
    for start, day in ((0, "2025-04-01"), (2, "2025-10-01")):
        index = np.indices((AREAS, UNITS, len(TIMES))).reshape(3, -1)
        own = REACHED[index[0]]
        area, unit, time = index[:, (own == start) | ((own > start) & (TIMES[index[2]] < own))]
        parts.append(
            pd.DataFrame(
                {
                    "starts_on": pd.Timestamp(day),
                    "customer_id": area * UNITS + unit,
                    "area": area,
                    "treated": REACHED[area] == start,
                    "never": REACHED[area] == 99,
                    "quarter": TIMES[time] - start,
                    "margin": margin[area, unit, time],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def chosen(seed: int) -> pd.DataFrame:
    """Customers chosen by their past margin, which moves what they bring as well."""
    rng = np.random.default_rng([20_260_702, seed])
    n = 500
    past = rng.gamma(6, 30, n)
    arm = rng.random(n) < 1 / (1 + np.exp(-(past - 180) / 90))
    after = 0.2 * past + rng.gamma(2, 8, n) + EFFECT * arm
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "wave": START,
            "assigned_on": START,
            "arm": np.where(arm, "treated", "control"),
            "recorded": True,
            "quarters": QUARTERS,
            "margin_per_quarter": after,
            "margin_quarter_before": past / 4 + rng.normal(0, 10, n),
            "margin_year_before": past,
        }
    )


def truth(flow: BenefitFlow, cost: float) -> float:
    """Net present value of the effect planted, for the customer-quarters counted."""
    return EFFECT * float(flow.unit_quarters @ discount_factors(flow.months, 0.1)) - cost


@pytest.mark.calibration
def test_the_interval_covers_after_a_rollout(runs: int, calibration) -> None:
    start = np.datetime64("2025-04-01")
    names = {
        "starts_on": "cohort", "customer_id": "unit", "area": "cluster",
        "quarter": "event_time", "margin": "outcome",
    }  # fmt: skip
    hits = []
    for seed in range(runs):
        stack = rollout(seed).rename(columns=names)
        effects = group_time_effects(stack, base_periods=QUARTERS_OF_A_YEAR)
        flow = rollout_flow(effects, stack[stack["treated"]], start)
        worth = value_investment(flow, Costs(1000, 0, 15), 0.1, "EUR").net_present_value
        hits.append(worth.lower <= truth(flow, 1000.0) <= worth.upper)
    calibration.coverage("net present value, staggered over 40 areas", hits)


@pytest.mark.calibration
def test_the_interval_covers_for_chosen_customers(runs: int, calibration) -> None:
    programme = {
        "programme_id": "gift", "name": "Gift", "upfront_cost": 1000.0, "monthly_cost": 0.0,
        "starts_on": START,
    }  # fmt: skip
    hits = []
    for seed in range(runs):
        study = study_programme(programme, None, chosen(seed), TERMS)
        assert study.design == "selected"
        assert isinstance(study.value, InvestmentValue)
        worth = study.value.net_present_value
        hits.append(worth.lower <= truth(study.value.flow, 1000.0) <= worth.upper)
    calibration.coverage("net present value, chosen by what is recorded", hits)
