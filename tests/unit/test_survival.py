"""Survival curves, their comparison and the hazard model against hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.cox import fit_cox, proportionality
from analysis.methods.survival.nonparametric import kaplan_meier, log_rank, pairwise_log_rank

Z = 1.959963984540054
NAMES = ("x", "y")


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def flags(*values: int) -> np.ndarray:
    return np.array(values, dtype=bool)


@pytest.fixture
def company() -> dict[str, np.ndarray]:
    """Two hundred customers, a score and a flag, entry delayed for some, exits in days (ties)."""
    rng = np.random.default_rng(11)
    n = 200
    x = np.column_stack([rng.integers(1, 6, n), rng.random(n) < 0.4]).astype(float)
    life = rng.exponential(12 * np.exp(0.2 * (x[:, 0] - 3) - 0.5 * x[:, 1]))
    life = np.maximum(np.round(life, 1), 0.1)
    entry = np.where(rng.random(n) < 0.3, np.round(life * rng.random(n), 2), 0.0)
    entry = np.minimum(entry, life - 0.05)
    stop = np.minimum(life, entry + 15)
    return {"start": entry, "stop": stop, "ended": stop == life, "covariates": x}


# Kaplan–Meier


def test_kaplan_meier_by_hand_with_ties_and_a_censored_at_an_event() -> None:
    # Five followed; two leave at 2 while one is censored there, so it is still at risk at 2.
    curve = kaplan_meier(np.zeros(5), floats(1, 2, 2, 2, 4), flags(1, 1, 1, 0, 0))
    assert curve.times.tolist() == [1, 2]
    assert curve.at_risk.tolist() == [5, 4]
    assert curve.events.tolist() == [1, 2]
    np.testing.assert_allclose(curve.survival, [4 / 5, 4 / 5 * 2 / 4])
    greenwood = 1 / (5 * 4) + 2 / (4 * 2)
    half = Z * math.sqrt(greenwood) / abs(math.log(0.4))
    np.testing.assert_allclose(curve.lower[1], 0.4 ** math.exp(half))
    np.testing.assert_allclose(curve.upper[1], 0.4 ** math.exp(-half))


def test_delayed_entry_is_at_risk_only_after_it() -> None:
    # The third comes under observation at 2: not at risk for the loss at 2, but for that at 3.
    entry, exits = floats(0, 0, 2, 0), floats(2, 3, 5, 5)
    curve = kaplan_meier(entry, exits, flags(1, 1, 0, 0))
    assert curve.at_risk.tolist() == [3, 3]
    np.testing.assert_allclose(curve.survival, [2 / 3, 4 / 9])
    from_the_start = kaplan_meier(np.zeros(4), exits, flags(1, 1, 0, 0))
    np.testing.assert_allclose(from_the_start.survival, [3 / 4, 1 / 2])


def test_all_leave_at_the_last_time() -> None:
    # With warnings as errors this also holds that zero over zero is never taken.
    curve = kaplan_meier(np.zeros(4), floats(1, 2, 3, 3), flags(1, 1, 1, 1))
    assert curve.survival[-1] == 0
    assert curve.lower[-1] == 0
    assert curve.upper[-1] == 0
    assert np.isfinite(curve.lower).all()
    assert np.isfinite(curve.upper).all()
    assert curve.restricted_mean(3).value == pytest.approx(1 + 3 / 4 + 2 / 4)


def test_band_holds_the_curve_and_stays_within_zero_and_one(company: dict) -> None:
    curve = kaplan_meier(company["start"], company["stop"], company["ended"])
    assert (curve.lower <= curve.survival).all()
    assert (curve.survival <= curve.upper).all()
    assert curve.lower.min() >= 0
    assert curve.upper.max() <= 1
    assert (np.diff(curve.survival) < 0).all()


def test_a_wider_level_gives_a_wider_band() -> None:
    data = np.zeros(6), floats(1, 2, 3, 4, 5, 6), flags(1, 1, 1, 0, 1, 0)
    usual, wide = kaplan_meier(*data).at(2), kaplan_meier(*data, confidence_level=0.99).at(2)
    assert wide.lower is not None
    assert usual.lower is not None
    assert wide.lower < usual.lower
    assert wide.confidence_level == 0.99


def test_at_reads_steps_and_refuses_to_go_beyond_follow_up() -> None:
    curve = kaplan_meier(np.zeros(4), floats(1, 2, 6, 6), flags(1, 1, 0, 0))
    assert curve.at(0.5).value == 1
    assert curve.at(0.5).lower is None
    assert curve.at(1).value == 0.75  # the one who leaves at 1 is no longer there after it
    assert curve.at(1.9).value == 0.75
    assert curve.at(6).value == 0.5
    with pytest.raises(CannotEstimate, match="Nobody was followed for 7 months"):
        curve.at(7)
    with pytest.raises(CannotEstimate, match="Nobody was followed for 7 months"):
        curve.restricted_mean(7)


def test_median_is_the_first_time_at_which_half_or_fewer_are_left() -> None:
    curve = kaplan_meier(np.zeros(4), floats(1, 2, 6, 6), flags(1, 1, 0, 0))
    assert curve.median().value == 2
    assert curve.median().upper is None  # the upper limit never comes down to a half
    most_stay = kaplan_meier(np.zeros(4), floats(1, 6, 6, 6), flags(1, 0, 0, 0))
    with pytest.raises(CannotEstimate, match="More than half are still customers"):
        most_stay.median()
    nobody_leaves = kaplan_meier(np.zeros(4), floats(1, 6, 6, 6), flags(0, 0, 0, 0))
    with pytest.raises(CannotEstimate, match="More than half are still customers"):
        nobody_leaves.median()
    assert nobody_leaves.at(6).value == 1


def test_restricted_mean_is_the_area_under_the_curve() -> None:
    curve = kaplan_meier(np.zeros(4), floats(1, 2, 6, 6), flags(1, 1, 0, 0))
    mean = curve.restricted_mean(5)
    assert mean.value == pytest.approx(1 * 1 + 0.75 * 1 + 0.5 * 3)
    # Greenwood: area after each loss squared, times d / (n (n − d)).
    error = math.sqrt((0.75 + 1.5) ** 2 / (4 * 3) + 1.5**2 / (3 * 2))
    assert mean.upper == pytest.approx(mean.value + Z * error)
    assert curve.restricted_mean(0.5).value == 0.5


def test_nobody_gives_no_curve() -> None:
    with pytest.raises(CannotEstimate, match="nobody to follow"):
        kaplan_meier(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool))


# Log-rank


def test_log_rank_by_hand() -> None:
    # At 1: 4 at risk, 2 of each group; at 2: 3 at risk, 1 of group 0; at 3: 2 of group 1.
    group = np.array([0, 0, 1, 1])
    test = log_rank(np.zeros(4), floats(1, 2, 3, 4), flags(1, 1, 1, 1), group)
    expected = 2 / 4 + 1 / 3
    variance = 2 / 4 * 2 / 4 + 1 / 3 * 2 / 3
    np.testing.assert_allclose(test.observed, [2, 2])
    np.testing.assert_allclose(test.expected, [expected, 4 - expected])
    assert test.statistic == pytest.approx((2 - expected) ** 2 / variance)
    assert test.degrees_of_freedom == 1


def test_log_rank_does_not_depend_on_which_group_comes_first(company: dict) -> None:
    group = company["covariates"][:, 0].astype(np.int64)
    lives = company["start"], company["stop"], company["ended"]
    plain, turned = log_rank(*lives, group), log_rank(*lives, 5 - group)
    assert plain.statistic == pytest.approx(turned.statistic)
    np.testing.assert_allclose(plain.observed, turned.observed[::-1])
    assert plain.observed.sum() == pytest.approx(plain.expected.sum())


def test_log_rank_of_equal_groups_is_zero() -> None:
    exits, ended = np.tile(floats(1, 2, 3, 4), 2), np.tile(flags(1, 0, 1, 1), 2)
    test = log_rank(np.zeros(8), exits, ended, np.repeat([0, 1], 4))
    assert test.statistic == pytest.approx(0, abs=1e-12)
    assert test.p_value == pytest.approx(1)


def test_log_rank_says_why_it_cannot() -> None:
    with pytest.raises(CannotEstimate, match="only one group"):
        log_rank(np.zeros(2), floats(1, 2), flags(1, 1), np.array([0, 0]))
    with pytest.raises(CannotEstimate, match="Nobody has left"):
        log_rank(np.zeros(2), floats(1, 2), flags(0, 0), np.array([0, 1]))


def test_pairs_are_corrected_for_their_number(company: dict) -> None:
    group = company["covariates"][:, 0].astype(np.int64)
    lives = company["start"], company["stop"], company["ended"]
    pairs = pairwise_log_rank(*lives, group)
    assert len(pairs) == 10
    for (a, b), adjusted in pairs.items():
        chosen = (group == a) | (group == b)
        raw = log_rank(*(part[chosen] for part in lives), group[chosen]).p_value
        assert raw <= adjusted <= min(1, 10 * raw) + 1e-12


# Cox


def test_partial_likelihood_by_hand() -> None:
    # Three customers, x = 1, 0, 0, leaving at 1, 2, 3 — or at 2, 1, 3: the first's place decides.
    # With x = 1 leaving second, L(b) = 1/(2 + e^b) · e^b/(1 + e^b): maximal where e^b = sqrt 2.
    fit = fit_cox(np.zeros(3), floats(2, 1, 3), flags(1, 1, 1), floats(1, 0, 0)[:, None], ("x",))
    assert math.exp(fit.coefficients[0]) == pytest.approx(math.sqrt(2))
    assert fit.null_log_likelihood == pytest.approx(math.log(1 / 3 * 1 / 2))
    top = math.sqrt(2)
    assert fit.log_likelihood == pytest.approx(math.log(1 / (2 + top) * top / (1 + top)))


def test_efron_and_breslow_part_only_at_ties(company: dict) -> None:
    efron = fit_cox(**company, names=NAMES)
    breslow = fit_cox(**company, names=NAMES, ties="breslow")
    assert not np.allclose(efron.coefficients, breslow.coefficients, rtol=1e-6)
    apart = company["stop"] + np.arange(200) * 1e-5
    untied = {**company, "stop": apart}
    np.testing.assert_allclose(
        fit_cox(**untied, names=NAMES).coefficients,
        fit_cox(**untied, names=NAMES, ties="breslow").coefficients,
    )


def test_order_of_rows_does_not_matter(company: dict) -> None:
    turn = np.random.default_rng(1).permutation(200)
    plain = fit_cox(**company, names=NAMES)
    turned = fit_cox(**{name: part[turn] for name, part in company.items()}, names=NAMES)
    np.testing.assert_allclose(plain.coefficients, turned.coefficients, rtol=1e-9)
    np.testing.assert_allclose(plain.covariance, turned.covariance, rtol=1e-9)


def test_an_interval_cut_in_two_says_the_same(company: dict) -> None:
    cut = company["start"] + 0.6 * (company["stop"] - company["start"])
    halves = {
        "start": np.concatenate([company["start"], cut]),
        "stop": np.concatenate([cut, company["stop"]]),
        "ended": np.concatenate([np.zeros(200, dtype=bool), company["ended"]]),
        "covariates": np.vstack([company["covariates"]] * 2),
    }
    plain, split = fit_cox(**company, names=NAMES), fit_cox(**halves, names=NAMES)
    np.testing.assert_allclose(plain.coefficients, split.coefficients, rtol=1e-8)
    np.testing.assert_allclose(plain.covariance, split.covariance, rtol=1e-8)
    assert plain.log_likelihood == pytest.approx(split.log_likelihood)


def test_the_unit_of_time_does_not_matter(company: dict) -> None:
    days = {**company, "start": company["start"] * 32, "stop": company["stop"] * 32}
    plain, scaled = fit_cox(**company, names=NAMES), fit_cox(**days, names=NAMES)
    np.testing.assert_allclose(plain.coefficients, scaled.coefficients, rtol=1e-9)


def test_the_unit_of_a_covariate_scales_its_coefficient(company: dict) -> None:
    wide = {**company, "covariates": company["covariates"] * floats(10, 1) + floats(500, 0)}
    plain, scaled = fit_cox(**company, names=NAMES), fit_cox(**wide, names=NAMES)
    np.testing.assert_allclose(plain.coefficients, scaled.coefficients * floats(10, 1), rtol=1e-8)


def test_strata_have_baselines_of_their_own(company: dict) -> None:
    # Stretching time in one stratum changes who stands beside whom only within a stratum: nothing.
    strata = (company["covariates"][:, 1] > 0).astype(np.int64)
    only = {**company, "covariates": company["covariates"][:, :1]}
    stretch = np.where(strata == 1, 3.0, 1.0)
    stretched = {**only, "start": only["start"] * stretch, "stop": only["stop"] * stretch}
    plain = fit_cox(**only, names=("x",), strata=strata)
    np.testing.assert_allclose(
        plain.coefficients, fit_cox(**stretched, names=("x",), strata=strata).coefficients
    )
    pooled = fit_cox(**only, names=("x",)), fit_cox(**stretched, names=("x",))
    assert abs(pooled[0].coefficients[0] - pooled[1].coefficients[0]) > 1e-3
    alone = [
        fit_cox(**{k: part[strata == level] for k, part in only.items()}, names=("x",))
        for level in (0, 1)
    ]
    assert min(f.coefficients[0] for f in alone) < plain.coefficients[0]
    assert plain.coefficients[0] < max(f.coefficients[0] for f in alone)


def test_hazard_ratio_has_a_wald_interval(company: dict) -> None:
    fit = fit_cox(**company, names=NAMES)
    ratio = fit.hazard_ratio("y", confidence_level=0.9)
    assert ratio.value == pytest.approx(math.exp(fit.coefficients[1]))
    assert ratio.lower is not None
    assert ratio.upper is not None
    width = math.log(ratio.upper / ratio.lower) / (2 * fit.standard_errors[1])
    assert width == pytest.approx(1.6448536269514722)
    assert ratio.unit == "hazard ratio"
    assert ratio.confidence_level == 0.9
    assert (fit.p_value("y") < 0.05) == (abs(fit.coefficients[1] / fit.standard_errors[1]) > Z)


def test_cox_says_why_it_cannot(company: dict) -> None:
    lives = {name: company[name] for name in ("start", "stop")}
    x = company["covariates"]
    nobody = np.zeros(200, dtype=bool)
    with pytest.raises(CannotEstimate, match="Nobody has left"):
        fit_cox(**lives, ended=nobody, covariates=x, names=NAMES)
    one = nobody.copy()
    one[7] = True
    with pytest.raises(CannotEstimate, match="Too few customers have left"):
        fit_cox(**lives, ended=one, covariates=x, names=NAMES)
    ended = company["ended"]
    # 0.1 has no exact binary form: its standard deviation over many rows is not exactly zero.
    constant = np.column_stack([x[:, 0], np.full(200, 0.1)])
    with pytest.raises(CannotEstimate, match="y does not vary"):
        fit_cox(**lives, ended=ended, covariates=constant, names=NAMES)
    double = np.column_stack([x[:, 0], 3 * x[:, 0] + 1])
    with pytest.raises(CannotEstimate, match="determine one another"):
        fit_cox(**lives, ended=ended, covariates=double, names=NAMES)
    with pytest.raises(CannotEstimate, match="x predicts leaving perfectly"):
        fit_cox(**lives, ended=ended, covariates=ended[:, None].astype(float), names=("x",))


def test_a_rare_group_that_never_leaves_is_found_out(company: dict) -> None:
    rare = np.zeros((200, 1))
    rare[np.flatnonzero(~company["ended"])[:2]] = 1
    assert rare.sum() == 2
    with pytest.raises(CannotEstimate, match="predicts leaving perfectly"):
        fit_cox(company["start"], company["stop"], company["ended"], rare, ("rare",))


def test_a_covariate_constant_within_strata_says_so(company: dict) -> None:
    flag = company["covariates"][:, 1]
    with pytest.raises(CannotEstimate, match="y does not vary among customers compared"):
        fit_cox(
            company["start"], company["stop"], company["ended"], flag[:, None], ("y",),
            strata=flag.astype(np.int64),
        )  # fmt: skip


def test_losses_at_one_time_bear_no_test_of_proportionality() -> None:
    x = floats(1, 2, 3, 4, 5, 1, 2, 3)[:, None]
    lives = np.zeros(8), np.full(8, 6.0), flags(1, 1, 0, 1, 0, 0, 1, 1)
    fit = fit_cox(*lives, x, ("x",))
    with pytest.raises(CannotEstimate, match="left at different times"):
        proportionality(fit, *lives, x)


@pytest.mark.parametrize("ratio", [0.75, 1.0])
def test_planted_hazard_ratio_is_found(ratio: float) -> None:
    rng = np.random.default_rng(2024)
    n = 20_000
    score = rng.integers(1, 6, n).astype(float)
    life = rng.exponential(1 / (0.03 * ratio ** (score - 3)))
    entry = np.where(rng.random(n) < 0.3, rng.uniform(0, 12, n), 0.0)
    seen = life > entry
    censored = rng.uniform(12, 60, n)
    stop, ended = np.minimum(life, censored)[seen], (life <= censored)[seen]
    fit = fit_cox(entry[seen], stop, ended, score[seen][:, None], ("score",))
    assert abs(fit.coefficients[0] - math.log(ratio)) < 4 * fit.standard_errors[0]
    assert fit.standard_errors[0] < 0.01
    test = proportionality(fit, entry[seen], stop, ended, score[seen][:, None])
    assert test.global_p_value > 0.001


def test_a_ratio_that_fades_is_noticed() -> None:
    # Twice the hazard in the first year, none the more after it.
    rng = np.random.default_rng(9)
    n = 6000
    x = (rng.random(n) < 0.5).astype(float)
    early = rng.exponential(1 / (0.04 * 2.5**x))
    late = 12 + rng.exponential(1 / 0.04, n)
    life = np.where(early < 12, early, late)
    stop, ended = np.minimum(life, 36), life <= 36
    fit = fit_cox(np.zeros(n), stop, ended, x[:, None], ("x",))
    assert proportionality(fit, np.zeros(n), stop, ended, x[:, None]).global_p_value < 1e-6
