"""Form, columns and influence of a regression, each with a planted fault."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import Floats, Ints, fit_least_squares, within
from analysis.methods.regression_diagnostics import (
    conditioning,
    fit_without,
    influence_of_customers,
    reset,
    winsorise,
)

NAMES = ("constant", "score", "tenure")
Sample = tuple[Floats, Floats, Ints]


def sample(n: int = 600, bend: float = 0.0) -> Sample:
    rng = np.random.default_rng(12)
    customer = np.arange(n, dtype=np.int64) // 4
    score, tenure = rng.uniform(1, 5, n), rng.uniform(0, 30, n)
    spend = 3 * score + bend * score**2 + 0.2 * tenure + rng.normal(0, 2, n)
    return spend, np.column_stack([np.ones(n), score, tenure]), customer


@pytest.mark.parametrize("clustered", [False, True])
def test_reset_finds_a_bend_and_no_other(clustered: bool) -> None:
    for bend, low, high in ((0.0, 0.05, 1.0), (1.0, 0.0, 1e-4)):
        spend, design, customer = sample(bend=bend)
        fit = fit_least_squares(spend, design, NAMES)
        found = reset(fit, spend, design, customer if clustered else None)
        assert low <= found.p_value <= high
        assert found.numerator == 2
        assert found.denominator == (149 if clustered else 595)


def test_reset_does_not_depend_on_units() -> None:
    spend, design, customer = sample(bend=0.2)
    plain = reset(fit_least_squares(spend, design, NAMES), spend, design, customer)
    other, scaled = 1e6 * spend + 1e7, design * [1, 1e3, 1e-3]
    again = reset(fit_least_squares(other, scaled, NAMES), other, scaled, customer)
    assert again.statistic == pytest.approx(plain.statistic, rel=1e-6)


def test_reset_after_effects_were_taken_out_equals_that_with_dummies() -> None:
    rng = np.random.default_rng(2)
    customer, period = np.repeat(np.arange(30), 5), np.tile(np.arange(5), 30)
    score = rng.uniform(1, 5, 150) + customer / 10
    spend = score**2 + customer + period + rng.normal(size=150)
    moved = within(np.column_stack([spend, score]), customer, period)
    fit = fit_least_squares(moved[:, 0], moved[:, 1:], ("score",), "cluster", customer)
    found = reset(fit, moved[:, 0], moved[:, 1:], customer, (customer, period))
    fitted = moved[:, 1] * fit.coefficients[0]
    effects = np.hstack([np.eye(30)[customer], np.eye(5)[period][:, 1:]])
    wide = np.column_stack([score, fitted**2, fitted**3, effects])
    full = fit_least_squares(spend, wide, tuple(map(str, range(37))), "cluster", customer)
    wald = full.coefficients[1:3] @ np.linalg.solve(
        full.covariance[1:3, 1:3], full.coefficients[1:3]
    )
    assert found.statistic == pytest.approx(wald / 2, rel=1e-6)


def test_condition_number_names_the_columns_that_are_entangled() -> None:
    _, design, _ = sample()
    assert conditioning(design, NAMES).entangled == ()
    twin = design[:, 1] + 1e-3 * np.cos(np.arange(600))
    found = conditioning(np.column_stack([design, twin]), (*NAMES, "twin"))
    assert found.number > 1000
    assert found.entangled == ("score", "twin")
    assert conditioning(np.eye(3), NAMES).number == pytest.approx(1)


def test_one_customer_who_carries_the_slope_is_found() -> None:
    spend, design, customer = sample()
    calm = fit_least_squares(spend, design, NAMES, "cluster", customer)
    assert influence_of_customers(calm, "score").largest_share < 0.05
    spend[customer == 70] += 3000 * (design[customer == 70, 1] - 2)
    fit = fit_least_squares(spend, design, NAMES, "cluster", customer)
    found = influence_of_customers(fit, "score")
    assert found.customer == 70 == found.order[0]
    assert found.largest_share > 0.2
    without = fit_without(spend, design, NAMES, customer, found.order[:1])
    moved = (fit.coefficients[1] - without.coefficients[1]) / fit.coefficients[1]
    assert moved == pytest.approx(found.largest_share, rel=0.1)
    assert without.clusters == 149


def test_fewest_to_turn_the_sign_do_turn_it() -> None:
    rng = np.random.default_rng(3)
    customer = np.arange(2000, dtype=np.int64) // 2
    design = np.column_stack([np.ones(2000), rng.normal(size=2000)])
    spend = 0.1 * design[:, 1] + rng.normal(size=2000)
    names = NAMES[:2]
    fit = fit_least_squares(spend, design, names, "cluster", customer)
    found = influence_of_customers(fit, "score")
    assert found.fewest_to_turn is not None
    assert found.share_to_turn == found.fewest_to_turn / 1000
    speak_for_it = np.argsort(-fit.influence[:, 1], kind="stable")
    more, fewer = (
        speak_for_it[: found.fewest_to_turn + 5],
        speak_for_it[: found.fewest_to_turn // 2],
    )
    assert fit_without(spend, design, names, customer, more).coefficients[1] < 0
    assert fit_without(spend, design, names, customer, fewer).coefficients[1] > 0


def test_winsorised_values_keep_their_order_and_lose_their_tail() -> None:
    values = np.append(np.arange(199.0), 1e6)
    cut = winsorise(values, 0.99)
    assert (cut.lower, cut.upper, cut.moved) == (0, 198, 1)
    assert cut.values.max() == 198
    assert (np.diff(cut.values) >= 0).all()
    assert winsorise(np.array([1.0, 1.0]), 0.5).moved == 0
    both = winsorise(values, 0.99, 0.01)
    assert both.lower == 1
    with pytest.raises(CannotEstimate):
        winsorise(np.empty(0))


def test_reasons() -> None:
    spend, design, customer = sample()
    two_levels = np.column_stack([np.ones(600), (design[:, 1] > 3) * 1.0])
    fit = fit_least_squares(spend, two_levels, NAMES[:2])
    with pytest.raises(CannotEstimate, match="too few levels"):
        reset(fit, spend, two_levels, customer)
    perfect = design @ [1.0, 2.0, 3.0]
    with pytest.raises(CannotEstimate, match="fits perfectly"):
        reset(fit_least_squares(perfect, design, NAMES), perfect, design)
    constant = fit_least_squares(np.ones(600), design, NAMES)
    with pytest.raises(CannotEstimate, match="the same for every row"):
        reset(constant, np.ones(600), design)
    with pytest.raises(CannotEstimate, match="too few customers"):
        reset(fit_least_squares(spend, design, NAMES), spend, design, customer // 100)
    with pytest.raises(CannotEstimate, match="does not vary"):
        conditioning(design * [1, 0, 1], NAMES)
    with pytest.raises(CannotEstimate, match="determined by"):
        conditioning(design[:, [1, 1]], NAMES[:2])
    flat = fit_least_squares(np.zeros(600), design, NAMES, "cluster", customer)
    with pytest.raises(CannotEstimate, match="slope is zero"):
        influence_of_customers(flat, "score")
    with pytest.raises(CannotEstimate, match="Nobody is left"):
        fit_without(spend, design, NAMES, customer, np.arange(150))
