"""Least squares where the answer is known, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import (
    Floats,
    Ints,
    clustered_covariance,
    dummies,
    fit_least_squares,
    within,
)


def sample(n: int = 60) -> tuple[Floats, Floats, Ints]:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(n), rng.normal(size=n)])
    return design @ [2.0, 3.0] + rng.normal(size=n), design, np.arange(n, dtype=np.int64) // 3


def test_a_line_without_noise_is_found() -> None:
    _, design, _ = sample()
    fit = fit_least_squares(design @ [2.0, 3.0], design, ("constant", "x"))
    assert fit.coefficients == pytest.approx([2, 3])
    assert fit.standard_errors == pytest.approx([0, 0], abs=1e-12)


def test_a_cluster_for_every_row_is_hc0_with_its_correction() -> None:
    outcome, design, _ = sample()
    n = len(outcome)
    single = np.arange(n, dtype=np.int64)
    clustered = fit_least_squares(outcome, design, ("constant", "x"), "cluster", single)
    plain = fit_least_squares(outcome, design, ("constant", "x"), "HC0")
    assert clustered.covariance == pytest.approx(plain.covariance * n / (n - 1))
    assert clustered.degrees_of_freedom == n - 1


def test_influence_gives_the_covariance() -> None:
    outcome, design, clusters = sample()
    fit = fit_least_squares(outcome, design, ("constant", "x"), "cluster", clusters)
    assert fit.influence.shape == (20, 2)
    assert clustered_covariance(fit.influence, fit.influence) == pytest.approx(fit.covariance)
    assert fit.influence.sum(axis=0) == pytest.approx([0, 0], abs=1e-12)


def test_rows_that_repeat_a_customer_do_not_sharpen_the_estimate() -> None:
    outcome, design, clusters = sample()
    once = fit_least_squares(outcome, design, ("constant", "x"), "cluster", clusters)
    twice = fit_least_squares(
        np.tile(outcome, 2), np.tile(design, (2, 1)), ("constant", "x"), "cluster",
        np.tile(clusters, 2),
    )  # fmt: skip
    assert twice.standard_errors == pytest.approx(once.standard_errors)


def test_within_takes_both_means_out_of_an_unbalanced_panel() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 12, 80), rng.integers(0, 5, 80)
    left = within(rng.normal(size=(80, 2)), first, second)
    for codes in (first, second):
        for code in np.unique(codes):
            assert left[codes == code].mean(axis=0) == pytest.approx([0, 0], abs=1e-11)


@pytest.mark.parametrize(
    ("design", "reason"),
    [
        (np.column_stack([np.ones(60), np.zeros(60)]), "x does not vary"),
        (np.column_stack([np.ones(60), np.full(60, 7.0)]), "determined by the other"),
        (np.ones((60, 2))[:2], "2 rows for 2 coefficients"),
    ],
)
def test_reasons_where_there_is_no_slope(design: Floats, reason: str) -> None:
    outcome = np.arange(len(design), dtype=float)
    with pytest.raises(CannotEstimate) as caught:
        fit_least_squares(outcome, design, ("constant", "x"))
    assert reason in caught.value.reason


def test_one_cluster_gives_no_error() -> None:
    outcome, design, clusters = sample()
    with pytest.raises(CannotEstimate):
        fit_least_squares(outcome, design, ("constant", "x"), "cluster", 0 * clusters)


def test_dummies_leave_out_the_first_level_that_occurs() -> None:
    columns, names = dummies(np.array([1, 2, 2]), ("never", "a", "b"), "group")
    assert names == ("group: b",)
    assert columns[:, 0].tolist() == [0, 1, 1]
