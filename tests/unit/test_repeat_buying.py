"""Repeat buying where the truth is planted, by hand where it can be, and where there is none."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import roots_jacobi

from analysis.methods.estimate import CannotEstimate
from analysis.methods.lifetime_value import repeat_buying
from analysis.methods.lifetime_value.purchase_value import (
    GammaGamma,
    fit_gamma_gamma,
    value_against_frequency,
)
from analysis.methods.lifetime_value.purchase_value import (
    log_likelihoods as amount_likelihoods,
)
from analysis.methods.lifetime_value.repeat_buying import (
    BgNbd,
    fit_bg_nbd,
    log_likelihoods,
    purchase_history,
)
from analysis.methods.lifetime_value.residual_value import (
    expected_residual_value,
    holdout_check,
    share_still_buying,
)
from analysis.tenure import DAYS_PER_MONTH

TRUTH = {"r": 0.6, "alpha": 6.0, "a": 0.9, "b": 3.0}
AMOUNTS = {"p": 6.0, "q": 4.0, "v": 60.0}
FIRST_DAY = dt.date(2022, 1, 3)


@cache
def population(n: int = 8000, seed: int = 5, weeks_ahead: float = 0.0) -> pd.DataFrame:
    """Histories drawn from the models, with what each customer buys in the weeks ahead."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n)
    stop = rng.beta(TRUTH["a"], TRUTH["b"], n)
    frequency, recency, now, later = np.zeros(n, int), np.zeros(n), np.zeros(n), np.zeros(n, int)
    active = np.ones(n, dtype=bool)
    while active.any():
        now = now + rng.exponential(size=n) / rate
        seen, ahead = active & (now <= age), active & (now > age) & (now <= age + weeks_ahead)
        frequency, later = frequency + seen, later + ahead
        recency = np.where(seen, now, recency)
        active = (seen | ahead) & (rng.random(n) >= stop)
    scale = AMOUNTS["v"] / rng.gamma(AMOUNTS["q"], size=n)
    total = rng.gamma(AMOUNTS["p"] * np.maximum(frequency, 1)) * scale
    value = np.where(frequency > 0, total / np.maximum(frequency, 1), np.nan)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)], "frequency": frequency,
            "recency": recency, "age": age, "mean_value": value, "later": later,
        }
    )  # fmt: skip


def columns(history: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        history["frequency"].to_numpy(), history["recency"].to_numpy(), history["age"].to_numpy()
    )  # fmt: skip


def exact(name_values: dict[str, float]) -> BgNbd:
    return BgNbd(**name_values, log_likelihood=0.0, covariance=np.eye(4), n=1, n_repeat=1,
                 time_unit_days=7.0)  # fmt: skip


def reason(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CannotEstimate) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value.reason


def test_planted_parameters_are_recovered() -> None:
    fit = fit_bg_nbd(*columns(population()))
    errors = np.sqrt(np.diag(fit.covariance))
    assert np.abs((fit.log_parameters - np.log(list(TRUTH.values()))) / errors).max() < 2.6
    for name, value in TRUTH.items():
        found = fit.parameter(name)
        assert found.lower < found.value < found.upper
        assert 0.5 * value < found.value < 2 * value
    history = population()
    amounts = fit_gamma_gamma(history["frequency"], history["mean_value"])
    errors = np.sqrt(np.diag(amounts.covariance))
    assert np.abs((amounts.log_parameters - np.log(list(AMOUNTS.values()))) / errors).max() < 2.6


def test_slopes_are_those_of_the_likelihood() -> None:
    history = population()[:300]
    at = np.log([0.7, 5.0, 1.3, 2.2])
    _, slopes = log_likelihoods(at, *columns(history))
    again = history[history["frequency"] > 0]
    times, values = again["frequency"].to_numpy(float), again["mean_value"].to_numpy()
    _, amount_slopes = amount_likelihoods(np.log([5.0, 3.0, 20.0]), times, values)
    for place, step in enumerate(1e-6 * np.eye(4)):
        ahead, behind = (log_likelihoods(at + s * step, *columns(history))[0] for s in (1, -1))
        assert slopes[:, place] == pytest.approx((ahead - behind) / 2e-6, abs=1e-6)
    for place, step in enumerate(1e-6 * np.eye(3)):
        ahead, behind = (
            amount_likelihoods(np.log([5.0, 3.0, 20.0]) + s * step, times, values)[0]
            for s in (1, -1)
        )
        assert amount_slopes[:, place] == pytest.approx((ahead - behind) / 2e-6, abs=1e-5)


def test_the_likelihood_is_a_probability() -> None:
    # Without a repeat purchase: nobody's first comes within the age, gamma over rates.
    alone, _ = log_likelihoods(np.log([0.6, 6, 0.9, 3]), np.array([0]), np.zeros(1), np.ones(1))
    assert np.exp(alone[0]) == pytest.approx((6 / 7) ** 0.6)
    # The chance of none and of one, whenever it was, against customers drawn from the model.
    parameters = np.log([0.6, 6.0, 0.9, 3.0])

    def density(x: int, seen: float) -> float:
        return float(
            np.exp(
                log_likelihoods(parameters, np.array([x]), np.array([seen]), np.array([5.0]))[0][0]
            )
        )

    chance = [density(0, 0.0), quad(lambda seen: density(1, seen), 0, 5)[0]]
    rng = np.random.default_rng(1)
    rate, stop = rng.gamma(0.6, 1 / 6, 400_000), rng.beta(0.9, 3, 400_000)
    first, gap = rng.exponential(size=(2, 400_000)) / rate
    none = first > 5
    one = ~none & ((rng.random(400_000) < stop) | (first + gap > 5))
    assert chance == pytest.approx([none.mean(), one.mean()], abs=0.003)


@pytest.mark.parametrize("a", [0.4, 0.999, 1.0, 1.0000001, 1.7, 60.0])
@pytest.mark.parametrize("x", [0, 3, 250])
def test_expected_purchases_equal_the_integral(a: float, x: int) -> None:
    # Given rate and chance to stop, an active customer buys (1 - exp(-rate·stop·t)) / stop times.
    r, alpha, b, t, seen, age = 0.6, 6.0, 3.0, 40.0, 25.0, 30.0
    model = exact({"r": r, "alpha": alpha, "a": a, "b": b})
    found = model.expected_purchases(t, x, seen if x else 0.0, age)[0]
    alive = model.probability_alive(x, seen if x else 0.0, age)[0]

    # Gauss–Jacobi: the weights are those of the beta distribution of the chance to stop.
    nodes, weights = roots_jacobi(80, b + x - 1, a - 1)
    stop = (1 + nodes) / 2
    left = ((alpha + age) / (alpha + age + stop * t)) ** (r + x)  # gamma over rates
    integral = float(((1 - left) / stop) @ weights / weights.sum())
    assert found == pytest.approx(alive * integral, rel=2e-5)


def test_expected_purchases_at_the_other_pole() -> None:
    near, at = (
        exact({"r": 0.6, "alpha": 6.0, "a": 0.4, "b": b}).expected_purchases(30, 0, 0.0, 20.0)[0]
        for b in (0.6001, 0.6)
    )
    assert at == pytest.approx(near, rel=1e-3)
    assert at > 0


def test_forecasts_come_true_on_planted_data() -> None:
    history = population(weeks_ahead=26.0)
    fit = fit_bg_nbd(*columns(history))
    predicted = fit.expected_purchases(26, *columns(history))
    gap = history["later"].to_numpy() - predicted
    assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(len(gap))
    for low, high in ((0, 0), (1, 2), (3, 99)):
        chosen = history["frequency"].between(low, high).to_numpy()
        assert abs(gap[chosen].mean()) < 3.5 * gap[chosen].std() / np.sqrt(chosen.sum())


def test_one_who_bought_often_and_long_ago_has_stopped() -> None:
    fit = fit_bg_nbd(*columns(population()))
    long_ago, lately = fit.probability_alive([12, 12], [20.0, 58.0], [60.0, 60.0])
    assert long_ago < 0.05 < 0.8 < lately
    assert fit.probability_alive(0, 0.0, 60.0)[0] == 1


def test_equal_histories_change_nothing_but_the_time_it_takes() -> None:
    history = population()[:500]
    rounded = history.assign(recency=history["recency"].round(), age=history["age"].round() + 1)
    distinct = repeat_buying.distinct_histories(*columns(rounded))
    assert len(distinct[0]) < len(rounded)
    for place, column in enumerate(columns(rounded)):
        assert (distinct[place][distinct[3]] == column).all()
    fit = fit_bg_nbd(*columns(rounded))
    order = np.random.default_rng(2).permutation(len(rounded))
    other = fit_bg_nbd(*columns(rounded.iloc[order]))
    assert other.log_parameters == pytest.approx(fit.log_parameters, abs=1e-8)
    tripled = fit_bg_nbd(*columns(pd.concat([rounded] * 3)))
    assert tripled.log_parameters == pytest.approx(fit.log_parameters, abs=1e-6)
    assert tripled.covariance == pytest.approx(fit.covariance / 3, rel=1e-3)
    assert fit.log_likelihood == pytest.approx(
        log_likelihoods(fit.log_parameters, *columns(rounded))[0].sum(), abs=1e-8
    )


def test_another_unit_of_time_or_money_changes_only_the_unit() -> None:
    history = population()[:2000]
    days = history.assign(recency=7 * history["recency"], age=7 * history["age"])
    rich = history.assign(mean_value=1000 * history["mean_value"])
    weekly, daily = fit_bg_nbd(*columns(history)), fit_bg_nbd(*columns(days), time_unit_days=1)
    assert daily.alpha == pytest.approx(7 * weekly.alpha, rel=1e-5)
    assert (daily.r, daily.a, daily.b) == pytest.approx((weekly.r, weekly.a, weekly.b), rel=1e-5)
    plain = fit_gamma_gamma(history["frequency"], history["mean_value"])
    dear = fit_gamma_gamma(rich["frequency"], rich["mean_value"])
    assert (dear.p, dear.q, dear.v) == pytest.approx((plain.p, plain.q, 1000 * plain.v), rel=1e-6)
    first = expected_residual_value(weekly, plain, history, 0.3, 12, 0.1, "EUR")
    second = expected_residual_value(daily, dear, days.assign(mean_value=rich["mean_value"]),
                                     0.3, 12, 0.1, "RUB")  # fmt: skip
    assert (second.value, second.lower, second.upper) == pytest.approx(
        (1000 * first.value, 1000 * first.lower, 1000 * first.upper), rel=1e-4
    )
    assert second.unit == "RUB per customer"


def test_residual_value_is_what_customers_bring_discounted_month_by_month() -> None:
    history = population()[:2000]
    fit = fit_bg_nbd(*columns(history))
    amounts = fit_gamma_gamma(history["frequency"], history["mean_value"])
    found = expected_residual_value(fit, amounts, history, 0.25, 6, 0.12, "EUR")
    worth = amounts.expected_value(history["frequency"], history["mean_value"])
    reached, total = np.zeros(len(history)), np.zeros(len(history))
    for month in range(1, 7):
        fresh = fit.expected_purchases(month * DAYS_PER_MONTH / 7, *columns(history))
        total += (fresh - reached) * 1.12 ** (-month / 12)
        reached = fresh
    assert found.value == pytest.approx(0.25 * (total * worth).mean(), rel=1e-12)
    assert found.lower < found.value < found.upper
    assert "extrapolated" in found.method
    assert "not the choice of model" in found.method
    free = expected_residual_value(fit, amounts, history, 0.25, 6, 0.0, "EUR")
    assert free.value == pytest.approx(0.25 * (reached * worth).mean(), rel=1e-12)


def test_members_average_to_the_whole() -> None:
    history = population()[:1500]
    fit = fit_bg_nbd(*columns(history))
    amounts = fit_gamma_gamma(history["frequency"], history["mean_value"])
    chosen = np.arange(1500) % 3 == 0
    parts = [
        expected_residual_value(fit, amounts, history, 0.3, 12, 0.1, "EUR", members)
        for members in (chosen, ~chosen)
    ]
    whole = expected_residual_value(fit, amounts, history, 0.3, 12, 0.1, "EUR")
    assert sum(part.n * part.value for part in parts) == pytest.approx(1500 * whole.value)
    assert all(part.upper - part.lower > whole.upper - whole.lower for part in parts)
    alive = share_still_buying(fit, history)
    assert alive.value == pytest.approx(fit.probability_alive(*columns(history)).mean())
    assert 0 < alive.lower < alive.value < alive.upper < 1
    assert "Fewer than 30" in reason(
        expected_residual_value, fit, amounts, history, 0.3, 12, 0.1, "EUR", np.arange(1500) < 29
    )
    once = (history["frequency"] == 0).to_numpy()
    assert "bought twice" in reason(share_still_buying, fit, history, once)
    with pytest.raises(ValueError, match="fitted"):
        share_still_buying(fit, history[:-1])


def orders(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "occurred_on": pd.to_datetime([FIRST_DAY + dt.timedelta(days=row[1]) for row in rows]),
            "amount": [row[2] for row in rows],
        }
    )


def test_history_counts_days_of_purchase_after_the_first() -> None:
    history = purchase_history(
        orders(
            ("b", 0, 10.0), ("b", 14, 20.0), ("b", 14, 5.0), ("b", 21, 40.0), ("b", 28, -40.0),
            ("b", 70, 99.0), ("a", 7, 8.0), ("a", 7, 2.0), ("c", 7, -3.0), ("d", 60, 1.0),
        ),
        FIRST_DAY + dt.timedelta(days=35),
    )  # fmt: skip
    assert history["customer_id"].tolist() == ["a", "b"]
    assert history["frequency"].tolist() == [0, 2]
    assert history["recency"].tolist() == [0.0, 3.0]
    assert history["age"].tolist() == [4.0, 5.0]
    assert np.isnan(history["mean_value"][0])
    assert history["mean_value"][1] == 32.5
    assert "Nobody bought" in reason(purchase_history, orders(("a", 3, -1.0)), FIRST_DAY)
    assert "Nobody bought" in reason(purchase_history, orders(), FIRST_DAY)


@cache
def long_orders() -> pd.DataFrame:
    """Orders of 1,500 customers over two years, drawn from the model; three refunds among them."""
    rng = np.random.default_rng(11)
    rows = [("C0000", 5, -4.0), ("C0001", 400, -4.0), ("C0002", 600, -4.0)]
    for person in range(1500):
        day = float(rng.integers(0, 300))
        rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"]) / 7
        stop = rng.beta(TRUTH["a"], TRUTH["b"])
        active = True
        rows.append((f"C{person:04d}", int(day), float(rng.gamma(5.0, 4.0))))
        while active:
            day += rng.exponential(1 / rate)
            if day >= 730:
                break
            rows.append((f"C{person:04d}", int(day), float(rng.gamma(5.0, 4.0))))
            active = rng.random() >= stop
    return orders(*rows)


def test_a_forecast_is_held_against_what_came() -> None:
    cut, end = FIRST_DAY + dt.timedelta(days=364), FIRST_DAY + dt.timedelta(days=546)
    check = holdout_check(long_orders(), cut, end)
    assert check.weeks == 26
    assert sum(row.n for row in check.classes) == check.overall.n == check.model.n
    assert [row.repeat_purchases for row in check.classes] == list(range(8))
    assert [row.and_more for row in check.classes] == [False] * 7 + [True]
    later = long_orders()
    later = later[(later["amount"] > 0) & (later["occurred_on"] > pd.Timestamp(cut))]
    later = later[later["occurred_on"] <= pd.Timestamp(end)]
    early = long_orders()
    early = early[(early["amount"] > 0) & (early["occurred_on"] <= pd.Timestamp(cut))]
    known = later[later["customer_id"].isin(early["customer_id"])]
    assert check.overall.actual * check.overall.n == pytest.approx(
        len(known.drop_duplicates(["customer_id", "occurred_on"]))
    )
    gap = check.overall.difference
    assert gap.value == pytest.approx(check.overall.actual - check.overall.predicted)
    assert gap.lower < gap.value < gap.upper
    assert 0.7 < check.overall.predicted / check.overall.actual < 1.3
    assert "No time is left" in reason(holdout_check, long_orders(), end, end)


def test_reasons_where_repeat_buying_cannot_be_told() -> None:
    n = 100
    nought, age = np.zeros(n), np.full(n, 50.0)
    assert "Nobody bought twice" in reason(fit_bg_nbd, nought, nought, age)
    assert "Fewer than 30" in reason(fit_bg_nbd, nought[:29], nought[:29], age[:29])
    few = (np.arange(n) < 9).astype(int)
    assert "bought again" in reason(fit_bg_nbd, few, 10.0 * few, age)
    # All bought alike, to the last day: nothing tells who has stopped.
    alike = reason(fit_bg_nbd, np.full(n, 5), np.full(n, 50.0), age)
    assert alike.endswith("predicted.")
    with pytest.raises(ValueError, match="recency"):
        fit_bg_nbd(np.ones(n, int), age + 1, age)


def test_reasons_where_amounts_cannot_be_told() -> None:
    times = np.arange(100) % 5
    assert "Nobody bought twice" in reason(fit_gamma_gamma, 0 * times, np.full(100, np.nan))
    assert "Fewer than 30" in reason(fit_gamma_gamma, times[:20], np.ones(20))
    assert "same value" in reason(fit_gamma_gamma, times, np.full(100, 9.9))
    assert "not above zero" in reason(fit_gamma_gamma, times, np.arange(100.0) - 50)
    wild = GammaGamma(2.0, 0.8, 10.0, 0.0, np.eye(3), 50)
    assert "no mean amount" in reason(wild.expected_value, [0, 3], [np.nan, 4.0])
    assert np.isfinite(wild.expected_value([3], [4.0])).all()
    frame = pd.DataFrame({"frequency": times, "mean_value": np.full(100, 9.9)})
    assert "do not differ" in reason(value_against_frequency, frame)
    assert "Fewer than 30" in reason(value_against_frequency, frame[:20])


def test_value_that_rises_with_frequency_is_noticed() -> None:
    history = population()
    calm = value_against_frequency(history)
    assert calm.lower < 0.03
    loud = value_against_frequency(
        history.assign(mean_value=history["mean_value"] * (1 + history["frequency"]))
    )
    assert loud.lower > 0.2
