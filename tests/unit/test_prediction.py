"""Out of sample: a true model is found better than tenure alone, and a useless one is not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import wilson
from analysis.methods.survival.baseline import (
    baseline_hazard,
    conditional_risk,
    expected_total,
    followed_until,
)
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.prediction import (
    PredictionCheck,
    calibration_table,
    censoring_weights,
    check_prediction,
    dynamic_auc,
)
from analysis.methods.survival.prediction_rows import (
    ActiveThen,
    KnownThen,
    as_known_at,
    customer_halves,
    months_between,
    tenure_on_day,
)

HORIZON = 6.0
NAMES = ("score", "noise")


def company(seed: int, n: int = 3000, of_score: float = -0.6) -> dict[str, np.ndarray]:
    """Customers starting over four years, followed for six months after a cut; hazard by score.

    A fifth started before they were seen (delayed entry).
    """
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 6, n).astype(float)
    x = np.column_stack([score, rng.normal(size=n)])
    tenure_then = rng.uniform(-6, 48, n)
    entry = np.where(rng.random(n) < 0.2, np.maximum(tenure_then - 30, 0), 0.0)
    life = rng.exponential(1 / (0.03 * np.exp(of_score * (score - 3))))
    stop = np.minimum(life, tenure_then + HORIZON)
    chosen = stop > entry
    data = {
        "start": entry, "stop": stop, "ended": stop == life, "covariates": x,
        "tenure_then": tenure_then,
    }  # fmt: skip
    return {name: values[chosen] for name, values in data.items()}


def split(data: dict[str, np.ndarray]) -> tuple[KnownThen, ActiveThen]:
    spell = np.arange(len(data["stop"]))
    return as_known_at(**data, spell=spell, names=NAMES, months=HORIZON)


def check(seed: int, **others: float) -> PredictionCheck:
    return check_prediction(*split(company(seed, **others)))


# The check as a whole


def test_a_true_model_beats_tenure_and_chance() -> None:
    covered = 0
    for seed in range(5):
        found = check(seed)
        assert isinstance(found.auc, Estimate)
        assert found.auc.lower > 0.6
        assert found.brier_difference.upper < 0
        assert found.brier.value < found.brier_kaplan_meier.value
        difference = found.brier.value - found.brier_kaplan_meier.value
        assert found.brier_difference.value == pytest.approx(difference)
        assert [group.n > 0 for group in found.calibration] == [True] * len(found.calibration)
        covered += found.observed.lower <= found.predicted <= found.observed.upper
        assert found.lost_to_sight == 0
        assert sum(group.n for group in found.calibration) == found.n
    assert covered >= 4


def test_a_useless_model_is_seen_to_be_useless() -> None:
    found = check(11, of_score=0.0)
    assert isinstance(found.auc, Estimate)
    assert found.auc.lower < 0.5 < found.auc.upper
    assert found.brier_difference.upper > 0


def test_a_true_model_is_calibrated_by_fifths() -> None:
    outside, apart = [], []
    for seed in range(10):
        for group in check(seed + 20).calibration:
            outside.append(not group.observed.lower <= group.predicted <= group.observed.upper)
            apart.append(group.predicted - group.observed.value)
    # Predictions carry an error of their own, so a few more than one in twenty may lie outside.
    assert np.mean(outside) <= 0.16
    assert abs(np.mean(apart)) < 0.01


def test_row_order_changes_nothing() -> None:
    data = company(3)
    order = np.random.default_rng(0).permutation(len(data["stop"]))
    plain = check_prediction(*split(data))
    shuffled = check_prediction(*split({name: values[order] for name, values in data.items()}))
    assert isinstance(plain.auc, Estimate)
    assert isinstance(shuffled.auc, Estimate)
    assert shuffled.auc.value == pytest.approx(plain.auc.value, abs=1e-12)
    assert shuffled.brier_difference.lower == pytest.approx(plain.brier_difference.lower, abs=1e-12)
    assert [group.n for group in shuffled.calibration] == [group.n for group in plain.calibration]


def test_few_customers_or_losses_give_a_sentence() -> None:
    known, active = split(company(4))

    def only(chosen: np.ndarray) -> ActiveThen:
        return ActiveThen(
            active.tenure_months[chosen], active.covariates[chosen], None,
            active.followed_months[chosen], active.left[chosen], HORIZON,
        )  # fmt: skip

    with pytest.raises(CannotEstimate, match="Fewer than 30 customers"):
        check_prediction(known, only(np.arange(5)))
    with pytest.raises(CannotEstimate, match="Fewer than 10 customers left"):
        check_prediction(known, only(~active.left))
    all_left = check_prediction(known, only(active.left))
    assert isinstance(all_left.auc, NotEstimable)
    assert all_left.observed.value == 1


# What was known


def test_nothing_that_happened_after_the_cut_is_known() -> None:
    data = company(5)
    known, active = split(data)
    later = data | {
        "ended": np.where(data["stop"] > data["tenure_then"], ~data["ended"], data["ended"])
    }
    known_too, active_too = split(later)
    np.testing.assert_array_equal(known.stop, known_too.stop)
    np.testing.assert_array_equal(known.ended, known_too.ended)
    np.testing.assert_array_equal(active.covariates, active_too.covariates)
    assert (active.left != active_too.left).all()
    assert (known.stop <= data["tenure_then"][data["start"] < data["tenure_then"]]).all()


def test_the_row_that_holds_the_cut_gives_the_score() -> None:
    # A spell of three answers, cut on the day of the second; another spell has ended, one begins later.
    start = np.array([0.0, 4, 8, 0, 0])
    stop = np.array([4.0, 8, 11, 3, 2])
    ended = np.array([False, False, True, True, False])
    spell = np.array([0, 0, 0, 1, 2])
    then = np.array([4.0, 4, 4, 5, -1])
    x = np.array([[1.0], [2], [3], [4], [5]])
    known, active = as_known_at(start, stop, ended, spell, x, ("score",), then, 7.0)
    assert known.stop.tolist() == [4, 3]
    assert known.ended.tolist() == [False, True]
    assert active.covariates.tolist() == [[2]], "an answer of the day itself is known"
    assert active.followed_months.tolist() == [7]
    assert active.left.tolist() == [True]


def test_a_level_not_yet_seen_is_left_out() -> None:
    data = company(6)
    fresh = (data["tenure_then"] < 0).astype(float)
    data["covariates"] = np.column_stack([data["covariates"], fresh])
    spell = np.arange(len(fresh))
    known, active = as_known_at(**data, spell=spell, names=(*NAMES, "new"), months=HORIZON)
    assert known.names == NAMES
    assert known.covariates.shape[1] == active.covariates.shape[1] == 2


def test_days_become_tenure() -> None:
    starts = pd.Series(pd.to_datetime(["2025-01-01", "2026-03-01"]))
    months = tenure_on_day(starts, dt.date(2025, 12, 31))
    assert months == pytest.approx([364 / 30.4375, -60 / 30.4375])
    assert months_between(dt.date(2025, 12, 31), dt.date(2026, 6, 30)) == pytest.approx(
        181 / 30.4375
    )
    with pytest.raises(CannotEstimate, match="not dated"):
        tenure_on_day(pd.Series(pd.to_datetime(["2025-01-01", None])), dt.date(2025, 12, 31))


def test_cuts_before_everything_or_after_it_give_a_sentence() -> None:
    data = company(7, 200)
    nobody = np.full(len(data["stop"]), -100.0)
    with pytest.raises(CannotEstimate, match="before the cut"):
        split(data | {"tenure_then": nobody})
    with pytest.raises(CannotEstimate, match="on the day of the cut"):
        split(data | {"tenure_then": nobody + 1000})


def test_several_spells_of_a_customer_are_predicted_as_any_other() -> None:
    # Inactivity: a first spell that passed the threshold, then a return active at the cut.
    data = company(8)
    n = len(data["stop"])
    first = {
        "start": np.zeros(n), "stop": np.full(n, 5.0) + np.arange(n) % 7, "ended": np.ones(n, bool),
        "covariates": data["covariates"], "tenure_then": data["tenure_then"] + 60,
    }  # fmt: skip
    both = {name: np.concatenate([first[name], data[name]]) for name in data}
    known, active = split(both)
    assert len(active.left) == len(split(data)[1].left)
    assert known.ended.sum() >= n
    assert check_prediction(known, active).losses > 10


# A snapshot without dates


def snapshot(n: int = 2000, window: float = 3.0) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    x = rng.integers(0, 2, n).astype(float)
    tenure = rng.integers(1, 60, n).astype(float)
    ended = rng.random(n) < np.where(x == 1, 0.3, 0.05)
    return pd.DataFrame(
        {"customer_id": [f"S{i}" for i in range(n)], "entry": np.maximum(tenure - window, 0),
         "exit": tenure, "ended": ended, "x": x}
    )  # fmt: skip


def halves(frame: pd.DataFrame) -> tuple[KnownThen, ActiveThen]:
    return customer_halves(
        frame["entry"].to_numpy(), frame["exit"].to_numpy(), frame["ended"].to_numpy(),
        frame["customer_id"].tolist(), frame[["x"]].to_numpy(), ("x",), 3.0,
    )  # fmt: skip


def test_half_of_a_snapshot_is_held_back_by_customer() -> None:
    frame = snapshot()
    known, active = halves(frame)
    assert len(known.stop) + len(active.left) == len(frame)
    assert abs(len(active.left) - 1000) < 100
    shuffled = halves(frame.sample(frac=1, random_state=2))
    assert sorted(shuffled[1].tenure_months) == sorted(active.tenure_months)
    found = check_prediction(known, active)
    assert isinstance(found.auc, Estimate)
    assert found.auc.lower > 0.6
    assert found.lost_to_sight > 0, "those with less than a window of tenure"
    with pytest.raises(CannotEstimate, match="half of them"):
        halves(frame.iloc[:1])


# Parts


def test_weights_are_one_where_all_are_followed() -> None:
    followed, left = np.array([1.0, 6, 6, 5.99]), np.array([True, False, True, False])
    weights, gone = censoring_weights(followed, left, 6.0)
    assert weights.tolist() == [1, 1, 1, 1], "half a day of rounding reaches the horizon"
    assert gone.tolist() == [True, False, True, False]


def test_weights_stand_in_for_the_lost() -> None:
    # Of four at risk at 2, one is lost: the three others stand for four. The leaver at 1 for itself;
    # the leaver at 2 counts as leaving before the loss of that day.
    followed = np.array([1.0, 2, 2, 6, 6])
    left = np.array([True, False, True, False, False])
    weights, _ = censoring_weights(followed, left, 6.0)
    np.testing.assert_allclose(weights, [1, 0, 1, 1.5, 1.5])
    assert weights.sum() == pytest.approx(5)


def test_weights_keep_auc_and_brier_where_half_are_lost() -> None:
    known, active = split(company(12, 8000))
    rng = np.random.default_rng(1)
    until = rng.uniform(0, 9, len(active.left))
    partly = ActiveThen(
        active.tenure_months, active.covariates, None, np.minimum(active.followed_months, until),
        active.left & (active.followed_months <= until), HORIZON,
    )  # fmt: skip
    whole, censored = check_prediction(known, active), check_prediction(known, partly)
    assert censored.lost_to_sight > 0.4 * censored.n
    assert isinstance(whole.auc, Estimate)
    assert isinstance(censored.auc, Estimate)
    assert censored.auc.value == pytest.approx(whole.auc.value, abs=0.02)
    assert censored.brier.value == pytest.approx(whole.brier.value, abs=0.008)
    assert censored.observed.value == pytest.approx(whole.observed.value, abs=0.01)
    naive = censored.losses / (censored.n - censored.lost_to_sight)
    assert naive > whole.observed.value + 0.03, "dropping the lost would overstate leaving"


def test_auc_by_hand() -> None:
    risk = np.array([0.9, 0.4, 0.4, 0.1])
    gone = np.array([True, True, False, False])
    assert dynamic_auc(risk, gone, np.ones(4)).value == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    heavy = dynamic_auc(risk, gone, np.array([1.0, 1, 3, 1]))
    assert heavy.value == pytest.approx((4 + 1.5 + 1) / 8)
    perfect = dynamic_auc(np.arange(4.0), np.array([False, False, True, True]), np.ones(4))
    assert (perfect.value, perfect.lower) == (1, None)
    with pytest.raises(CannotEstimate, match="needs both"):
        dynamic_auc(risk, np.zeros(4, bool), np.ones(4))


def test_calibration_groups_share_equal_risks() -> None:
    risk = np.repeat([0.1, 0.2], [60, 40])
    left = np.arange(100) % 10 == 0
    table = calibration_table(risk, np.full(100, 6.0), left, 6.0)
    assert [group.n for group in table] == [60, 40]
    assert table[0].predicted == pytest.approx(0.1)
    assert table[0].observed == wilson(6, 60)


# Baseline and conditional risk


def fitted(data: dict[str, np.ndarray]) -> tuple:
    rows = [data[name] for name in ("start", "stop", "ended", "covariates")]
    fit = fit_cox(*rows, NAMES)
    return fit, baseline_hazard(fit, *rows)


def test_risk_of_a_constant_hazard_does_not_depend_on_tenure() -> None:
    fit, baseline = fitted(company(30, 8000))
    tenure = np.array([1.0, 12.0, 30.0])
    risk = conditional_risk(fit, baseline, tenure, np.tile([3.0, 0.0], (3, 1)), 6)
    assert risk == pytest.approx(np.full(3, 1 - np.exp(-0.18)), abs=0.025)


def test_nothing_is_said_beyond_follow_up_or_where_hardly_anybody_was() -> None:
    fit, baseline = fitted(company(31))
    end = baseline.strata[0].followed_months
    risk = conditional_risk(fit, baseline, np.array([end - 6, end - 5.9]), np.full((2, 2), 3.0), 6)
    assert np.isfinite(risk).tolist() == [True, False]
    unseen = conditional_risk(
        fit, baseline, np.array([1.0]), np.full((1, 2), 3.0), 6, strata=np.array([7])
    )
    assert np.isnan(unseen).all()
    assert followed_until(np.zeros(10), np.arange(1.0, 11)) == 3.0
    assert followed_until(np.zeros(3), np.arange(1.0, 4)) == 0.0
    late = company(31)
    few = np.concatenate(
        [np.flatnonzero(late["start"] == 0)[:5], np.flatnonzero(late["start"] > 0)]
    )
    late = {name: values[few] for name, values in late.items()}
    late["ended"][:5], late["stop"][:5], late["start"][5:] = True, 2.0, 3.0
    late = {name: values[late["stop"] > late["start"]] for name, values in late.items()}
    fit, baseline = fitted(late)
    risk = conditional_risk(fit, baseline, np.array([1.0, 4.0]), np.full((2, 2), 3.0), 3)
    assert np.isnan(risk[0]), "at month two only five were at risk"
    assert np.isfinite(risk[1])


def test_expected_losses_cover_what_is_seen() -> None:
    covered = 0
    for seed in range(12):
        data = company(seed + 50, 1500)
        known, active = split(data)
        fit = fit_cox(known.start, known.stop, known.ended, known.covariates, known.names)
        baseline = baseline_hazard(fit, known.start, known.stop, known.ended, known.covariates)
        ahead = active.tenure_months, active.covariates, HORIZON
        risk = conditional_risk(fit, baseline, *ahead)
        seen = np.isfinite(risk)
        total = expected_total(fit, baseline, *ahead, np.ones(len(seen)), "customers")
        assert total.value == pytest.approx(risk[seen].sum())
        covered += total.lower <= active.left[seen].sum() <= total.upper
        in_cents = expected_total(fit, baseline, *ahead, np.full(len(seen), 100.0), "cents")
        assert in_cents.upper == pytest.approx(100 * total.upper)
    assert covered >= 10
