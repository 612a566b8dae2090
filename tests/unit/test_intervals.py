"""Intervals cover what they promise: exact enumeration, no simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import (
    from_standard_error,
    holm,
    net_promoter_score,
    normal_quantile,
    p_value_normal,
    p_value_t,
    scaled,
    t_quantile,
    wilson,
)

LEAST_COVERAGE = [(10, 0.91), (100, 0.93)]
# Newcombe 1998 (Statistics in Medicine 17: 857), table I: events, n, lower, upper.
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
SHARES = np.linspace(0.1, 0.9, 81)
# Promoters and detractors; at least a tenth of the answers on either side and in between.
VOTES = [(p / 10, d / 10) for p, d in itertools.product(range(1, 9), repeat=2) if p + d <= 9]


@pytest.mark.parametrize(("n", "least"), LEAST_COVERAGE)
def test_wilson_covers(n: int, least: float) -> None:
    found = [wilson(events, n) for events in range(n + 1)]
    lower, upper = np.array([f.lower for f in found]), np.array([f.upper for f in found])
    covered = [
        binom.pmf(np.arange(n + 1), n, share)[(lower <= share) & (share <= upper)].sum()
        for share in SHARES
    ]
    assert min(covered) >= least


@pytest.mark.parametrize(("n", "least"), LEAST_COVERAGE)
def test_net_promoter_score_covers(n: int, least: float) -> None:
    votes = [(p, n - p - d, d) for p in range(n + 1) for d in range(n + 1 - p)]
    found = [net_promoter_score(*vote) for vote in votes]
    lower, upper = np.array([f.lower for f in found]), np.array([f.upper for f in found])
    covered = []
    for promoters, detractors in VOTES:
        truth = 100 * (promoters - detractors)
        chance = multinomial.pmf(votes, n, [promoters, 1 - promoters - detractors, detractors])
        covered.append(float(chance[(lower <= truth + 1e-9) & (truth - 1e-9 <= upper)].sum()))
    assert min(covered) >= least


def test_wilson_against_published_numbers() -> None:
    for events, n, lower, upper in NEWCOMBE:
        found = wilson(events, n)
        assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=5e-5)


def test_limits_stay_where_values_can_be() -> None:
    assert (wilson(0, 5).lower, wilson(5, 5).upper) == (0.0, 1.0)
    extreme = net_promoter_score(3, 0, 0)
    assert extreme.value == 100
    assert extreme.upper is not None
    assert extreme.upper <= 100


def test_nobody_gives_no_share() -> None:
    with pytest.raises(CannotEstimate):
        wilson(0, 0)
    with pytest.raises(CannotEstimate):
        net_promoter_score(0, 0, 0)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04: × 4, 3, 2, 1 = .04 .06 .06 .04, then never falling.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([0.01]) == pytest.approx([0.01])
    assert len(holm([])) == 0


def test_quantiles_and_p_values_agree() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert t_quantile(0.95, 4) == pytest.approx(2.776445, abs=1e-6)
    assert p_value_normal(-1.959964) == pytest.approx(0.05, abs=1e-6)
    assert p_value_t(2.776445, 4) == pytest.approx(0.05, abs=1e-6)


def test_symmetric_interval_and_scaling() -> None:
    found = from_standard_error(2.0, 1.0, "EUR", 5, "mean", 4)
    assert found.lower is not None
    assert math.isclose(found.lower, 2 - 2.776445, abs_tol=1e-6)
    turned = scaled(found, -10, "EUR per year")
    assert turned.lower is not None
    assert turned.upper is not None
    assert turned.lower < turned.value < turned.upper
    assert turned.upper == pytest.approx(-10 * found.lower)
