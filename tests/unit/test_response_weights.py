"""Weights for those who answered, and what weights cannot mend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import Floats, Ints, fit_least_squares
from analysis.methods.response_weights import (
    Flags,
    ResponseWeights,
    raw_mean,
    response_weights,
    slope_with_response_weights,
    tipping_point,
    weighted_mean,
    weighting_shift,
)

NAMES = ("orders", "office")
Candidates = tuple[Flags, Flags, Floats, Floats, Ints]


def candidates(n: int = 3000, seed: int = 4) -> Candidates:
    """Those who order often are happier and answer more: invited, answered, columns, score, who."""
    rng = np.random.default_rng(seed)
    customer = np.arange(n, dtype=np.int64) // 2
    orders, office = rng.poisson(3, n).astype(float), rng.integers(0, 2, n).astype(float)
    invited = rng.random(n) < 1 / (1 + np.exp(-(office - 0.2)))
    answered = invited & (rng.random(n) < 1 / (1 + np.exp(-(0.5 * orders - 2))))
    score = 5 + 0.8 * orders + rng.normal(size=n)
    return invited, answered, np.column_stack([orders, office]), score, customer


def weights_of(data: Candidates, **kwargs: float) -> ResponseWeights:
    invited, answered, columns, _, customer = data
    return response_weights(invited, answered, columns, NAMES, customer, **kwargs)


def test_weighting_gives_back_the_mean_of_all() -> None:
    data = candidates()
    weights = weights_of(data)
    everybody = data[3].mean()
    raw, mended = raw_mean(data[3], weights), weighted_mean(data[3], weights)
    assert raw.lower is not None
    assert raw.lower > everybody
    assert mended.lower is not None
    assert mended.upper is not None
    assert mended.lower < everybody < mended.upper
    shift = weighting_shift(data[3], weights)
    assert shift.value == pytest.approx(mended.value - raw.value)
    assert shift.upper is not None
    assert shift.upper < 0


def test_shares_effective_number_and_balance_are_told() -> None:
    data = candidates()
    invited, answered, columns, _, _ = data
    weights = weights_of(data)
    assert weights.share_invited == invited.mean()
    assert weights.share_answered == pytest.approx(answered.sum() / invited.sum())
    assert weights.response_share == pytest.approx(answered.mean())
    assert weights.weights.mean() == pytest.approx(1)
    assert 0.4 * weights.n < weights.effective_n < weights.n
    worst = weights.balance[0]
    assert worst.name == "orders"
    assert worst.candidates == columns[:, 0].mean()
    assert worst.answered == columns[answered, 0].mean()
    assert worst.before > 0.3
    assert abs(worst.after) < 0.05


def test_influence_equals_what_weighing_a_customer_double_does() -> None:
    """The infinitesimal jackknife by brute force: refit both stages with one row counted 1 + h."""
    invited, answered, columns, score, _ = candidates(240)
    weights = response_weights(invited, answered, columns, NAMES)
    mean = weighted_mean(score, weights)

    def refit(case_weights: Floats) -> float:
        chance = np.ones(len(score))
        for passed, rows in ((invited, np.arange(240)), (answered, np.flatnonzero(invited))):
            x = np.column_stack([np.ones(len(rows)), columns[rows]])
            y, w, at = passed[rows], case_weights[rows], np.zeros(3)
            for _ in range(12):
                p = 1 / (1 + np.exp(-x @ at))
                at = at + np.linalg.solve(x.T @ ((w * p * (1 - p))[:, None] * x), (w * (y - p)) @ x)
            chance[rows] /= 1 / (1 + np.exp(-x @ at))
        total = (case_weights * chance)[answered]
        return float(total @ score[answered] / total.sum())

    assert mean.value == pytest.approx(refit(np.ones(240)))
    step = 1e-4
    moves = np.array(
        [(refit(1 + step * e) - refit(1 - step * e)) / (2 * step) for e in np.eye(240)]
    )
    single = replace(weights, customer=np.arange(240))
    assert mean.upper is not None
    error = (mean.upper - mean.value) / t_quantile(0.95, single.n - 1)
    assert error == pytest.approx(np.sqrt(moves @ moves * single.n / (single.n - 1)), rel=1e-5)


def test_where_everybody_answered_the_weighted_mean_is_the_raw_one() -> None:
    _, _, columns, score, customer = candidates(200)
    everybody = np.ones(200, dtype=bool)
    weights = response_weights(everybody, everybody, columns, NAMES, customer)
    assert weights.stages == ()
    assert weights.effective_n == pytest.approx(200)
    assert weighted_mean(score, weights).value == pytest.approx(score.mean())
    assert weighted_mean(score, weights).upper == pytest.approx(raw_mean(score, weights).upper)


def test_without_columns_the_weighted_mean_is_the_raw_one() -> None:
    invited, answered, columns, score, customer = candidates(200)
    weights = response_weights(invited, answered, columns[:, :0], (), customer)
    assert weights.weights == pytest.approx(np.ones(weights.n))
    assert weighted_mean(score, weights).upper == pytest.approx(raw_mean(score, weights).upper)


def test_answers_that_repeat_a_customer_do_not_sharpen_the_mean() -> None:
    data = candidates(600)
    invited, answered, columns, score, _ = data
    alone = np.arange(600)
    once = weighted_mean(score, response_weights(invited, answered, columns, NAMES, alone))
    twice = weighted_mean(
        np.tile(score, 2),
        response_weights(
            np.tile(invited, 2), np.tile(answered, 2), np.tile(columns, (2, 1)), NAMES,
            np.tile(alone, 2),
        ),
    )  # fmt: skip
    assert twice.value == pytest.approx(once.value)
    assert twice.lower == pytest.approx(once.lower)


def test_row_order_and_useless_columns_change_nothing() -> None:
    invited, answered, columns, score, customer = candidates(500)
    plain = weighted_mean(score, response_weights(invited, answered, columns, NAMES, customer))
    more = np.column_stack([columns, np.full(500, 7.0), columns.sum(axis=1)])
    names = (*NAMES, "constant", "sum")
    mixed = np.random.default_rng(0).permutation(500)
    other = response_weights(invited[mixed], answered[mixed], more[mixed], names, customer[mixed])
    mean = weighted_mean(score[mixed], other)
    assert (mean.value, mean.lower) == pytest.approx((plain.value, plain.lower), rel=1e-9)


def test_a_large_weight_is_cut_and_counted() -> None:
    weights = weights_of(candidates(), largest=2.0)
    assert weights.truncated > 0
    assert weights.weights.max() < weights_of(candidates()).weights.max()


def test_reasons_where_no_weights_can_be_given() -> None:
    invited, answered, columns, _, _ = candidates(900)
    nobody = np.zeros(900, dtype=bool)
    with pytest.raises(CannotEstimate, match="fewer than 30 answers"):
        response_weights(nobody, nobody, columns, NAMES)
    with pytest.raises(CannotEstimate, match="fewer than 30 answers"):
        response_weights(nobody[:0], nobody[:0], columns[:0], NAMES)
    silent_office = answered & (columns[:, 1] == 0)
    with pytest.raises(CannotEstimate, match="has an answer follows from office alone"):
        response_weights(invited, silent_office, columns, NAMES)
    with pytest.raises(ValueError, match="without an invitation"):
        response_weights(nobody, answered, columns, NAMES)
    with pytest.raises(CannotEstimate, match="have no score"):
        weighted_mean(np.full(900, np.nan), response_weights(invited, answered, columns, NAMES))


ANSWERED = Estimate(8.0, 7.6, 8.4, "points", 100, "mean")


def test_tipping_point_is_where_the_mean_of_all_meets_the_threshold() -> None:
    tip = tipping_point(ANSWERED, 0.25, 7.0, 2.0, (0, 10))
    assert 0.25 * 8.0 + 0.75 * tip.silent_mean == pytest.approx(7.0)
    assert tip.difference == pytest.approx(-4 / 3)
    assert tip.difference_in_sd == pytest.approx(-2 / 3)
    assert 7.6 + 0.75 * tip.difference_within_noise == pytest.approx(7.0)
    assert tip.possible
    assert (tip.lowest_mean, tip.highest_mean) == pytest.approx((2.0, 9.5))


def test_tipping_point_of_a_weighted_mean_counts_from_what_the_weights_foretell() -> None:
    """Answered 8, weighted 7.4: the weights take the silent for 7.2; all at 7 needs them at 6.67."""
    weighted = Estimate(7.4, 7.1, 7.7, "points", 100, "weighted mean")
    tip = tipping_point(weighted, 0.25, 7.0, 2.0, raw=8.0)
    assert 0.25 * 8.0 + 0.75 * tip.silent_mean == pytest.approx(7.0)
    foretold = (7.4 - 0.25 * 8.0) / 0.75
    assert tip.silent_mean - foretold == pytest.approx(tip.difference)


def test_tipping_point_off_the_scale_or_inside_the_noise() -> None:
    assert tipping_point(ANSWERED, 0.9, 5.0, 2.0, (0, 10)).possible is False
    assert tipping_point(ANSWERED, 0.5, 7.8, 2.0).difference_within_noise == 0
    assert tipping_point(ANSWERED, 0.5, 7.8, 0.0).difference_in_sd is None
    unsure = Estimate(8.0, None, None, "points", 1, "mean")
    assert tipping_point(unsure, 0.5, 7.0, 1.0).difference_within_noise is None
    for share, reason in ((0.0, "Nobody answered"), (1.0, "Everybody answered")):
        with pytest.raises(CannotEstimate, match=reason):
            tipping_point(ANSWERED, share, 7.0, 2.0)


def test_slope_with_equal_weights_is_the_plain_one() -> None:
    _, _, columns, score, customer = candidates(200)
    design = np.column_stack([np.ones(200), columns[:, 0]])
    plain = fit_least_squares(score, design, ("constant", "orders"), "cluster", customer)
    weighted = slope_with_response_weights(
        score, design, ("constant", "orders"), np.full(200, 3.0), customer
    )
    assert weighted.coefficients == pytest.approx(plain.coefficients)
    assert weighted.covariance == pytest.approx(plain.covariance)
    assert weighted.residuals == pytest.approx(plain.residuals)


def test_slope_with_weights_mends_answers_that_depend_on_spend() -> None:
    """Big spenders answer more: the slope among those who answered is flattened, weighted it is not."""
    rng = np.random.default_rng(9)
    n = 20_000
    score = rng.integers(1, 6, n).astype(float)
    previous = 10 * score + rng.normal(0, 20, n)
    spend = previous + rng.normal(0, 5, n)
    answered = rng.random(n) < 1 / (1 + np.exp(-(previous - 30) / 25))
    design = np.column_stack([np.ones(n), score])[answered]
    who = np.arange(answered.sum())
    weights = response_weights(
        np.ones(n, dtype=bool), answered, np.column_stack([previous]), ("previous spend",)
    )
    names = ("constant", "score")
    plain = fit_least_squares(spend[answered], design, names, "cluster", who)
    mended = slope_with_response_weights(spend[answered], design, names, weights.weights, who)
    assert plain.coefficients[1] + 5 * plain.standard_errors[1] < 10
    assert abs(mended.coefficients[1] - 10) < 3 * mended.standard_errors[1]
