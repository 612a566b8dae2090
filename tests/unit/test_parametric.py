"""Parametric lifetimes where the truth is planted, and where there is nothing to fit."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, NotEstimable
from analysis.methods.survival.families import fit_families
from analysis.methods.survival.parametric import (
    FAMILIES,
    Booleans,
    Family,
    Floats,
    ParametricFit,
    fit_parametric,
)

SCALE = 0.8
BETA = (3.2, 0.5)


def errors(family: Family, rng: np.random.Generator, n: int) -> Floats:
    if family == "weibull":
        return np.log(rng.exponential(size=n))
    return rng.normal(size=n) if family == "log-normal" else rng.logistic(size=n)


def population(
    family: Family, n: int = 6000, seed: int = 7, truncate: bool = True
) -> tuple[Floats, Floats, Booleans, Floats]:
    """Lifetimes seen from a late entry on (only who has stayed until then) and cut off at 60."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n).astype(float)
    life = np.exp(BETA[0] + BETA[1] * x + SCALE * errors(family, rng, n))
    entry = np.where(rng.random(n) < 0.6, rng.uniform(0, 30, n), 0.0) if truncate else np.zeros(n)
    cut = np.minimum(60.0, entry + rng.uniform(6, 60, n))
    seen = life > entry
    ended = life <= cut
    return entry[seen], np.minimum(life, cut)[seen], ended[seen], x[seen, None]


def refusal(*arguments: object) -> str:
    with pytest.raises(CannotEstimate) as caught:
        fit_parametric(*arguments)  # type: ignore[arg-type]
    return caught.value.reason


@pytest.mark.parametrize("family", FAMILIES)
def test_planted_truth_is_recovered_under_delayed_entry(family: Family) -> None:
    truth = np.array([*BETA, np.log(SCALE)])
    misses, inside = [], []
    for seed in range(100):
        entry, exit_, ended, x = population(family, 600, seed)
        fit = fit_parametric(entry, exit_, ended, x, ("x",), family)
        found = np.append(fit.coefficients, np.log(fit.scale))
        misses.append((found - truth) / fit.standard_errors)
        ratio = fit.acceleration("x")
        inside.append(ratio.lower < np.exp(BETA[1]) < ratio.upper)
    # Means of a hundred standard normal misses lie within .3 unless something is biased.
    assert np.abs(np.mean(misses, axis=0)).max() < 0.3
    assert 0.8 < np.std(misses, axis=0).min() <= np.std(misses, axis=0).max() < 1.2
    assert np.mean(inside) >= 0.88
    assert ratio.unit == "time ratio"


@pytest.mark.parametrize("family", FAMILIES)
def test_forgetting_the_late_entry_makes_customers_look_longer_lived(family: Family) -> None:
    entry, exit_, ended, x = population(family)
    honest = fit_parametric(entry, exit_, ended, x, ("x",), family)
    naive = fit_parametric(0 * entry, exit_, ended, x, ("x",), family)
    assert naive.coefficients[0] > BETA[0] + 5 * naive.standard_errors[0]
    assert abs(honest.coefficients[0] - BETA[0]) < 2.6 * honest.standard_errors[0]


def test_an_entry_at_the_start_is_no_late_entry() -> None:
    # With everybody in from the start the truncated likelihood is the plain one, to the last digit;
    # an entry just after it is the same to as many digits as it is close.
    _, exit_, ended, x = population("weibull", 500, truncate=False)
    plain = fit_parametric(np.zeros(len(exit_)), exit_, ended, x, ("x",), "weibull")
    close = fit_parametric(np.full(len(exit_), 1e-9), exit_, ended, x, ("x",), "weibull")
    assert close.coefficients == pytest.approx(plain.coefficients, abs=1e-6)
    assert close.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-4)


def test_a_weibull_of_shape_one_forgets_the_late_entry() -> None:
    # Constant hazard: the likelihood of the time since entry, whose maximum is losses over time.
    rng = np.random.default_rng(3)
    entry = rng.uniform(0, 20, 4000)
    stay = rng.exponential(15, 4000)
    exit_, ended = entry + np.minimum(stay, 30), stay <= 30
    fit = fit_parametric(entry, exit_, ended, None, (), "weibull")
    assert fit.scale == pytest.approx(1, abs=0.06)
    assert np.exp(fit.coefficients[0]) == pytest.approx(
        (exit_ - entry).sum() / ended.sum(), rel=0.05
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("truncate", [False, True])
def test_the_gradient_vanishes_and_the_errors_are_its_curvature(
    family: Family, truncate: bool
) -> None:
    from analysis.methods.survival.parametric import _likelihood

    entry, exit_, ended, x = population(family, 400, truncate=truncate)
    fit = fit_parametric(entry, exit_, ended, x, ("x",), family)
    at = np.append(fit.coefficients, np.log(fit.scale))
    evaluate = _likelihood(family, entry, exit_, ended, np.column_stack([np.ones(len(x)), x]))
    value, gradient, second = evaluate(at)
    assert value == pytest.approx(fit.log_likelihood, abs=1e-9)
    assert np.abs(gradient).max() < 1e-4
    assert fit.covariance == pytest.approx(np.linalg.inv(-second), rel=1e-6)
    away = at + 0.1
    numeric = [
        (evaluate(away + step)[0] - evaluate(away - step)[0]) / 2e-6 for step in 1e-6 * np.eye(3)
    ]
    assert evaluate(away)[1] == pytest.approx(numeric, rel=1e-5)
    curved = [
        (evaluate(away + step)[1] - evaluate(away - step)[1]) / 2e-6 for step in 1e-6 * np.eye(3)
    ]
    assert evaluate(away)[2] == pytest.approx(np.array(curved), rel=1e-5, abs=1e-3)


def test_other_units_of_time_and_covariate_change_only_the_units() -> None:
    entry, exit_, ended, x = population("log-logistic", 800)
    months = fit_parametric(entry, exit_, ended, x, ("x",), "log-logistic")
    days = fit_parametric(30 * entry, 30 * exit_, ended, 1000 * x + 5e5, ("x",), "log-logistic")
    assert days.scale == pytest.approx(months.scale, rel=1e-7)
    assert days.coefficients[1] * 1000 == pytest.approx(months.coefficients[1], rel=1e-7)
    assert days.median(np.array([5e5])).value == pytest.approx(
        30 * months.median(np.array([0.0])).value, rel=1e-7
    )


def test_the_order_of_rows_does_not_matter() -> None:
    entry, exit_, ended, x = population("weibull", 800)
    order = np.random.default_rng(1).permutation(len(x))
    one = fit_parametric(entry, exit_, ended, x, ("x",), "weibull")
    other = fit_parametric(entry[order], exit_[order], ended[order], x[order], ("x",), "weibull")
    assert other.coefficients == pytest.approx(one.coefficients, rel=1e-9)


def test_nothing_is_said_beyond_follow_up_unless_it_is_called_extrapolated() -> None:
    entry, exit_, ended, x = population("weibull", 800)
    fit = fit_parametric(entry, exit_, ended, x, ("x",), "weibull")
    row = np.array([1.0])
    with pytest.raises(CannotEstimate, match="followed for 61 months"):
        fit.survival(61, row)
    with pytest.raises(CannotEstimate):
        fit.curve(np.array([12.0, 61.0]), row)
    beyond, within = fit.extrapolated_survival(61, row), fit.extrapolated_survival(12, row)
    assert beyond.method.endswith("extrapolated")
    assert "extrapolated" not in within.method
    assert within == fit.survival(12, row)
    assert within.lower < within.value < within.upper
    assert fit.curve(np.array([0.0, 12.0]), row) == pytest.approx([1, within.value])
    assert fit.survival(0, row).value == 1
    exact = np.exp(-np.exp((np.log(12) - fit.coefficients.sum()) / fit.scale))
    assert within.value == pytest.approx(exact, rel=1e-12)


def test_a_median_beyond_follow_up_is_not_given() -> None:
    _, exit_, ended, x = population("log-normal", 800, truncate=False)
    short = np.minimum(exit_, 12.0)
    fit = fit_parametric(0 * short, short, ended & (exit_ <= 12), x, ("x",), "log-normal")
    row = np.array([1.0])
    with pytest.raises(CannotEstimate, match="More than half"):
        fit.median(row)
    beyond = fit.extrapolated_median(row)
    assert beyond.method.endswith("extrapolated")
    assert beyond.lower < np.exp(sum(BETA)) < beyond.upper
    assert fit.extrapolated_survival(beyond.value, row).value == pytest.approx(0.5)


def test_survival_interval_covers_the_planted_curve() -> None:
    truth = np.exp(-np.exp((np.log(24) - BETA[0]) / SCALE))
    hits = []
    for seed in range(120):
        entry, exit_, ended, x = population("weibull", 300, seed)
        fit = fit_parametric(entry, exit_, ended, x, ("x",), "weibull")
        found = fit.survival(24, np.array([0.0]))
        hits.append(found.lower <= truth <= found.upper)
    assert 0.89 <= np.mean(hits) <= 0.995


@pytest.mark.parametrize("family", FAMILIES)
def test_the_family_that_made_the_data_is_found_and_lies_closest(family: Family) -> None:
    entry, exit_, ended, x = population(family)
    study = fit_families(entry, exit_, ended, x, ("x",))
    assert study.best.family == family
    assert len(study.fitted) == 3
    aics = [fit.aic for fit in study.fitted]
    assert aics == sorted(aics)
    apart = [result.distance for result in study.families]
    assert min(apart, key=lambda distance: distance.largest) == apart[0]
    assert apart[0].largest < 0.04
    assert apart[0].inside_band > apart[-1].inside_band


def test_zero_durations_are_left_out_and_counted() -> None:
    entry, exit_, ended, _ = population("weibull", 300)
    padded = [np.concatenate([part, extra]) for part, extra in
              ((entry, np.zeros(4)), (exit_, np.zeros(4)), (ended, np.ones(4, dtype=bool)))]  # fmt: skip
    plain = fit_parametric(entry, exit_, ended, None, (), "weibull")
    fit = fit_parametric(*padded, None, (), "weibull")
    assert (fit.left_out, fit.n) == (4, plain.n)
    assert fit.coefficients == pytest.approx(plain.coefficients)
    study = fit_families(*padded, None, ())
    assert study.best.left_out == 4


def test_reasons_where_no_model_can_be_fitted() -> None:
    n = 40
    zeros, ones = np.zeros(n), np.ones(n, dtype=bool)
    time = np.arange(1.0, n + 1)
    dummy = (np.arange(n) % 2).astype(float)[:, None]
    none = np.zeros(0)
    assert "nobody" in refusal(none, none, none.astype(bool), None, (), "weibull")
    assert "Nobody has left" in refusal(zeros, time, ~ones, None, (), "weibull")
    assert "close together" in refusal(zeros, np.full(n, 5.0), ones, None, (), "weibull")
    assert "does not vary" in refusal(zeros, time, ones, np.ones((n, 1)), ("x",), "weibull")
    assert "Too few" in refusal(zeros[:2], time[:2], ones[:2], None, (), "weibull")
    assert "missing" in refusal(zeros, time, ones, np.full((n, 1), np.nan), ("x",), "weibull")
    both = np.column_stack([dummy, 2 * dummy + 1])
    assert "determine one another" in refusal(zeros, time, ones, both, ("x", "y"), "weibull")
    separated = refusal(zeros, time, dummy[:, 0] == 1, dummy, ("x",), "weibull")
    assert "nobody has left" in separated
    perfect = refusal(zeros, time, time > 20, time[:, None] + 0.0, ("x",), "log-normal")
    assert perfect.endswith(".")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_score_that_gives_the_end_away_is_refused_or_bounded(family: Family) -> None:
    # Everybody leaves, at a time the covariate tells exactly: the scale has no lower bound.
    time = np.exp(np.linspace(0, 3, 50))
    reason = refusal(
        np.zeros(50), time, np.ones(50, dtype=bool), np.log(time)[:, None], ("score",), family
    )
    assert "close together" in reason or "perfectly" in reason or "settle" in reason


def test_five_customers_get_a_sentence_or_a_model_but_no_traceback() -> None:
    time = np.array([3.0, 5.0, 8.0, 13.0, 21.0])
    for events in range(6):
        study = fit_families(np.zeros(5), time, np.arange(5) < events, None, ())
        for result in study.families:
            assert isinstance(result.fit, ParametricFit | NotEstimable)
            if isinstance(result.fit, NotEstimable):
                assert result.fit.reason.endswith(".")
                assert result.distance == result.fit
    with pytest.raises(CannotEstimate):
        fit_families(np.zeros(5), time, np.zeros(5, dtype=bool), None, ()).best  # noqa: B018
