"""The standardised difference covers a planted counterfactual, and needs history where history matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.piecewise import (
    cut_by_month,
    fit_log_hazard,
    spline_knots,
    tenure_terms,
)
from analysis.methods.survival.standardised import (
    StandardisedDifference,
    previous_scores,
    standardised_difference,
)

QUARTERS = 12
LAST_MONTH = 24.0


def hazard(
    tenure: np.ndarray, score: np.ndarray, earlier: np.ndarray, of_earlier: float
) -> np.ndarray:
    """Leaving per month: slower with each point, with each point before, and after half a year."""
    history = of_earlier * np.nan_to_num(earlier - 3, nan=0.0)
    return 0.03 * (1 + (tenure < 6)) * np.exp(-0.3 * (score - 3) + history)


def simulate(
    seed: int, n: int = 1200, of_earlier: float = 0.0
) -> tuple[pd.DataFrame, float, float]:
    """Intervals, and the true retention in twelve months, as answered and a point higher."""
    rng = np.random.default_rng(seed)
    score = np.empty((n, QUARTERS))
    score[:, 0] = np.clip(np.round(3.2 + rng.normal(0, 1, n)), 1, 5)
    for k in range(1, QUARTERS):
        score[:, k] = np.clip(np.round(0.6 * score[:, k - 1] + 1.28 + rng.normal(0, 0.8, n)), 1, 5)
    earlier = np.column_stack([np.full(n, np.nan), score[:, :-1]])
    start = np.tile(3.0 * np.arange(QUARTERS), (n, 1))
    life = start + rng.exponential(1, (n, QUARTERS)) / hazard(start, score, earlier, of_earlier)
    gone = life < start + 3
    place = np.where(gone.any(axis=1), gone.argmax(axis=1), QUARTERS - 1)
    left_at = np.where(gone.any(axis=1), life[np.arange(n), place], 3.0 * QUARTERS)
    until = rng.uniform(6, 3 * QUARTERS, n)
    end = np.minimum(left_at, until)
    who, k = np.nonzero(start < end[:, None])
    stop = np.minimum(start[who, k] + 3, end[who])
    last = stop >= end[who]
    ended = last & (left_at <= until)[who]
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in who], "spell": 1, "start_months": start[who, k],
            "stop_months": stop, "ended": ended, "score": score[who, k],
        }
    )  # fmt: skip
    today = last & ~ended & (stop <= LAST_MONTH - 2)
    tenure, now, before = stop[today], score[who, k][today], earlier[who, k][today]
    grid = np.arange(0, 12, 0.05)[:, None] + 0.025

    def stays(scores: np.ndarray) -> float:
        total = hazard(tenure + grid, scores, before, of_earlier).sum(axis=0) * 0.05
        return float(np.exp(-total).mean())

    return frame, stays(now), stays(np.minimum(now + 1, 5))


def standardise(frame: pd.DataFrame, **others: object) -> StandardisedDifference:
    return standardised_difference(frame, np.empty((len(frame), 0)), (), 12, 5, **others)


def test_the_interval_covers_the_planted_counterfactual() -> None:
    covered = 0
    for seed in range(10):
        frame, as_is, shifted = simulate(seed)
        found = standardise(frame)
        covered += found.difference.lower <= shifted - as_is <= found.difference.upper
        assert found.difference.lower > 0
        assert found.as_is.value == pytest.approx(as_is, abs=0.06)
        assert found.as_is.lower < found.as_is.value < found.as_is.upper
    assert covered >= 8


def test_history_is_needed_where_the_earlier_score_matters() -> None:
    with_it, without = [], []
    for seed in range(4):
        frame, as_is, shifted = simulate(seed, 2500, of_earlier=-0.25)
        found = standardise(frame)
        assert found.with_history
        assert "earlier score as history" in found.method
        blind = standardise(frame.assign(previous_score=np.nan))
        assert not blind.with_history
        assert "without earlier scores" in blind.method
        with_it.append(found.difference.value - (shifted - as_is))
        without.append(blind.difference.value - (shifted - as_is))
    assert abs(np.mean(with_it)) < 0.006
    assert np.mean(without) > 0.012, "the earlier score's part is credited to the present one"


def test_agreement_with_the_cox_hazard_ratio() -> None:
    frame, *_ = simulate(1)
    rows = [frame[name].to_numpy() for name in ("start_months", "stop_months", "ended")]
    fit = fit_cox(*rows, frame[["score"]].to_numpy(), ("score",))
    ratio = fit.hazard_ratio("score")
    found = standardise(frame, cox_hazard_ratio=ratio)
    assert found.agrees is True
    assert isinstance(found.implied_by_cox, Estimate)
    assert found.implied_by_cox.value == pytest.approx(found.difference.value, rel=0.15)
    assert found.hazard_ratio.value == pytest.approx(ratio.value, abs=0.03)
    far = Estimate(0.3, 0.28, 0.32, "hazard ratio", 100, "Cox, Efron ties")
    assert standardise(frame, cox_hazard_ratio=far).agrees is False
    none = standardise(frame, cox_hazard_ratio=NotEstimable("Nobody has left."))
    assert none.agrees is None
    assert none.implied_by_cox == NotEstimable("Nobody has left.")


def test_nobody_is_moved_above_the_scale() -> None:
    frame, *_ = simulate(2)
    found = standardise(frame)
    newest = frame.sort_values("start_months").groupby("customer_id").last()
    today = newest[~newest["ended"]]
    assert found.beyond_follow_up > 0
    assert found.difference.n + found.beyond_follow_up == len(today)
    within = today[
        today["stop_months"] <= today["stop_months"].sort_values().iloc[found.difference.n - 1]
    ]
    assert found.capped == int((within["score"] == 5).sum())
    all_at_top = standardised_difference(frame, np.empty((len(frame), 0)), (), 12, highest_score=1)
    assert all_at_top.capped == all_at_top.difference.n
    assert all_at_top.difference.value == 0


def test_row_order_and_names_of_customers_change_nothing() -> None:
    frame, *_ = simulate(3, 500)
    plain = standardise(frame)
    shuffled = standardise(frame.sample(frac=1, random_state=1))
    renamed = standardise(frame.assign(customer_id=frame["customer_id"].str.replace("C", "X9")))
    for other in (shuffled, renamed):
        assert other.difference.value == pytest.approx(plain.difference.value, abs=1e-10)
        assert other.difference.lower == pytest.approx(plain.difference.lower, abs=1e-10)


def test_spells_of_one_customer_are_one_cluster_and_groups_have_their_own_course() -> None:
    frame, *_ = simulate(4, 500)
    single = standardise(frame)
    twice = pd.concat([frame, frame.assign(spell=2)], ignore_index=True)
    both = standardise(twice)
    # Twice the customers are followed a little further, so slightly more of them are in it.
    assert both.difference.value == pytest.approx(single.difference.value, rel=0.03)
    width = single.difference.upper - single.difference.lower
    assert both.difference.upper - both.difference.lower == pytest.approx(width, rel=0.05)
    half = pd.factorize(frame["customer_id"])[0] % 2
    grouped = standardise(frame, strata=half.astype(np.int64))
    assert grouped.difference.value == pytest.approx(single.difference.value, rel=0.2)


def test_delayed_entry_keeps_the_hazard_ratio() -> None:
    # Only those still there at month 6 are seen: the score's ratio is the same, the count smaller.
    frame, *_ = simulate(5, 3000)
    late = frame[frame["start_months"] >= 6]
    found = standardise(late)
    assert found.hazard_ratio.lower < np.exp(-0.3) < found.hazard_ratio.upper


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.iloc[:0], "No satisfaction score"),
        (lambda f: f[f["customer_id"] <= "C00004"], "Fewer than 30 customers have a score"),
        (lambda f: f.assign(ended=False), "Fewer than 10 customers with a score have left"),
        (lambda f: f.assign(score=4.0), "the same score"),
        (lambda f: f[f.groupby("customer_id")["ended"].transform("any")], "within follow-up"),
    ],
)
def test_degenerate_samples_give_a_sentence(change: object, reason: str) -> None:
    frame, *_ = simulate(6, 300)
    with pytest.raises(CannotEstimate, match=reason):
        standardise(change(frame))  # type: ignore[operator]


def test_separation_and_constant_covariates_give_a_sentence() -> None:
    frame, *_ = simulate(6, 300)
    leavers = frame.groupby("customer_id")["ended"].transform("any").to_numpy(float)
    with pytest.raises(CannotEstimate, match=r"predicts leaving perfectly|did not settle"):
        standardised_difference(frame, leavers[:, None], ("leaver",), 12, 5)
    with pytest.raises(CannotEstimate, match="one does not vary"):
        standardised_difference(frame, np.ones((len(frame), 1)), ("one",), 12, 5)


# The hazard model behind it


def test_pieces_add_up_to_the_time_at_risk() -> None:
    pieces = cut_by_month(
        np.array([0.0, 1.5, 2.0]), np.array([2.5, 1.7, 4.0]), np.array([True, False, True])
    )
    assert pieces.row.tolist() == [0, 0, 0, 1, 2, 2]
    np.testing.assert_allclose(pieces.months, [1, 1, 0.5, 0.2, 1, 1])
    assert pieces.ended.tolist() == [False, False, True, False, False, True]
    assert pieces.tenure.tolist() == [0.5, 1.5, 2.5, 1.5, 2.5, 3.5]


def test_a_constant_hazard_is_losses_over_time_at_risk() -> None:
    months = np.array([1.0, 2.0, 3.0, 4.0])
    ended = np.array([True, False, True, False])
    fit = fit_log_hazard(np.ones((4, 1)), months, ended, np.arange(4), ("constant",))
    assert fit.coefficients[0] == pytest.approx(np.log(2 / 10))
    assert fit.influence.sum() == pytest.approx(0, abs=1e-9)
    # The robust error of log(D/T) is the root of the sum of ((d − λt) / D)².
    by_hand = ((ended - 0.2 * months) / 2) ** 2
    assert (fit.influence**2).sum() == pytest.approx(by_hand.sum())


def test_where_a_covariate_has_its_zero_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    x, months = rng.normal(size=200), rng.uniform(0.1, 3, 200)
    ended = rng.random(200) < 0.3

    def at_one(origin: float) -> tuple[float, float]:
        """Log hazard at x = 1 and its robust error."""
        design = np.column_stack([np.ones(200), x + origin])
        fit = fit_log_hazard(design, months, ended, np.arange(200), ("constant", "x"))
        point = np.array([1.0, 1 + origin])
        return float(fit.coefficients @ point), float(((fit.influence @ point) ** 2).sum())

    assert at_one(100.0) == pytest.approx(at_one(0.0), rel=1e-6)


def test_splines_are_straight_beyond_the_last_knot() -> None:
    knots = spline_knots(np.linspace(1, 40, 100))
    assert len(knots) == 4
    far = tenure_terms(np.array([50.0, 60.0, 70.0]), knots)
    np.testing.assert_allclose(np.diff(far, n=2, axis=0), 0, atol=1e-9)
    assert not len(spline_knots(np.ones(100))), "losses at one time bear no curve"
    assert not len(spline_knots(np.arange(10.0)))


def test_previous_scores_do_not_cross_spells() -> None:
    found = previous_scores(
        np.array([0, 1, 0, 1]), np.array([3.0, 0, 0, 5]), np.array([4.0, 2, 1, 5])
    )
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, 2])
