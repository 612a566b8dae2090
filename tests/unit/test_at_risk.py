"""The action list: risk × margin, in order, with a random part held out by content."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.survival.at_risk import (
    AtRiskList,
    expected_margin,
    hold_out_flags,
    rank_customers_at_risk,
)
from analysis.methods.survival.baseline import Baseline, baseline_hazard, conditional_risk
from analysis.methods.survival.cox import CoxFit, fit_cox


@pytest.fixture(scope="module")
def model() -> tuple[CoxFit, Baseline]:
    rng = np.random.default_rng(1)
    n = 2000
    score = rng.integers(1, 6, n).astype(float)
    life = rng.exponential(1 / (0.04 * np.exp(-0.4 * (score - 3))))
    until = rng.uniform(1, 36, n)
    rows = np.zeros(n), np.minimum(life, until), life <= until, score[:, None]
    fit = fit_cox(*rows, ("score",))
    return fit, baseline_hazard(fit, *rows)


def frames(n: int = 100) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(2)
    names = [f"C{i:03d}" for i in range(n)]
    active = pd.DataFrame({"customer_id": names, "tenure_months": rng.uniform(0, 25, n)})
    periods = pd.DataFrame(
        {
            "customer_id": np.repeat(names, 5), "period_index": np.tile(np.arange(7, 12), n),
            "margin": rng.gamma(2, 20, 5 * n),
        }
    )  # fmt: skip
    return active, rng.integers(1, 6, n).astype(float)[:, None], periods


def rank(model: tuple[CoxFit, Baseline], frames_: tuple, **others: object) -> AtRiskList:
    return rank_customers_at_risk(*model, *frames_, "2026Q2", "EUR", **others)


def test_the_list_is_risk_times_margin_in_order(model: tuple[CoxFit, Baseline]) -> None:
    active, x, periods = frames()
    found = rank(model, (active, x, periods))
    table = found.customers
    assert table.columns.tolist() == [
        "customer_id", "tenure_months", "risk_next_quarter", "expected_margin_per_quarter",
        "margin_at_risk", "hold_out",
    ]  # fmt: skip
    np.testing.assert_allclose(
        table["margin_at_risk"], table["risk_next_quarter"] * table["expected_margin_per_quarter"]
    )
    assert (np.diff(table["margin_at_risk"]) <= 0).all()
    first = table.iloc[0]
    place = active.index[active["customer_id"] == first["customer_id"]]
    risk = conditional_risk(*model, active["tenure_months"].to_numpy()[place], x[place], 3)
    assert first["risk_next_quarter"] == pytest.approx(risk[0])
    recent = periods[
        (periods["customer_id"] == first["customer_id"]) & (periods["period_index"] > 7)
    ]
    assert first["expected_margin_per_quarter"] == pytest.approx(recent["margin"].mean())


def test_the_summary_adds_up(model: tuple[CoxFit, Baseline]) -> None:
    found = rank(model, frames())
    table, summary = found.customers, found.summary
    assert summary.customers == len(table) == 100
    assert summary.expected_losses.value == pytest.approx(table["risk_next_quarter"].sum())
    assert isinstance(summary.margin_at_risk, Estimate)
    assert summary.margin_at_risk.value == pytest.approx(table["margin_at_risk"].sum())
    assert summary.margin_at_risk.unit == "EUR"
    top = table["margin_at_risk"].iloc[:10].sum() / table["margin_at_risk"].sum()
    assert summary.share_of_top_tenth == pytest.approx(top)
    assert summary.held_out == table["hold_out"].sum()
    assert summary.expected_losses.lower < summary.expected_losses.value


def test_row_order_changes_nothing_and_ties_are_by_name(model: tuple[CoxFit, Baseline]) -> None:
    active, x, periods = frames()
    order = np.random.default_rng(3).permutation(100)
    plain = rank(model, (active, x, periods)).customers
    shuffled = rank(model, (active.iloc[order], x[order], periods.sample(frac=1, random_state=1)))
    pd.testing.assert_frame_equal(shuffled.customers, plain)
    equal = active.assign(tenure_months=5.0)
    same = rank(model, (equal.iloc[order], np.full((100, 1), 3.0), periods.assign(margin=10.0)))
    assert same.customers["customer_id"].is_monotonic_increasing


def test_currency_scales_money_only(model: tuple[CoxFit, Baseline]) -> None:
    active, x, periods = frames()
    plain = rank(model, (active, x, periods))
    dear = rank(model, (active, x, periods.assign(margin=periods["margin"] * 90)))
    assert dear.customers["customer_id"].tolist() == plain.customers["customer_id"].tolist()
    assert dear.customers["hold_out"].tolist() == plain.customers["hold_out"].tolist()
    assert isinstance(dear.summary.margin_at_risk, Estimate)
    assert isinstance(plain.summary.margin_at_risk, Estimate)
    assert dear.summary.margin_at_risk.lower == pytest.approx(
        90 * plain.summary.margin_at_risk.lower
    )
    assert dear.summary.share_of_top_tenth == pytest.approx(plain.summary.share_of_top_tenth)


def test_expected_margin_is_of_the_last_four_periods_and_not_below_zero() -> None:
    periods = pd.DataFrame(
        {
            "customer_id": ["A"] * 5 + ["B"] * 2 + ["C"],
            "period_index": [1, 2, 3, 4, 5, 4, 5, 1],
            "margin": [1000.0, 1, 2, 3, 6, -50, 10, 70],
        }
    )
    found = expected_margin(periods)
    assert found["A"] == 3
    assert found["B"] == 0
    assert "C" not in found.index, "the only period lies further back"
    assert expected_margin(periods, period_months=1)["A"] == 9


def test_customers_without_a_period_have_the_mean_of_the_others(
    model: tuple[CoxFit, Baseline],
) -> None:
    active, x, periods = frames()
    late = periods[periods["customer_id"] >= "C010"]
    found = rank(model, (active, x, late))
    assert found.summary.without_history == 10
    table = found.customers.set_index("customer_id")["expected_margin_per_quarter"]
    assert table["C000"] == pytest.approx(table[table.index >= "C010"].mean())


def test_without_money_the_list_is_by_risk(model: tuple[CoxFit, Baseline]) -> None:
    active, x, _ = frames()
    found = rank(model, (active, x, pd.DataFrame()))
    assert (np.diff(found.customers["risk_next_quarter"]) <= 0).all()
    assert found.customers["margin_at_risk"].isna().all()
    assert isinstance(found.summary.margin_at_risk, NotEstimable)
    assert "risk alone" in found.summary.margin_at_risk.reason
    assert found.summary.share_of_top_tenth is None
    nothing_to_lose = rank(model, (active, x, frames()[2].assign(margin=-1.0)))
    assert nothing_to_lose.summary.share_of_top_tenth is None


def test_who_cannot_be_predicted_is_counted_not_listed(model: tuple[CoxFit, Baseline]) -> None:
    active, x, periods = frames()
    active.loc[:4, "tenure_months"] = 35.0
    found = rank(model, (active, x, periods))
    assert found.summary.beyond_follow_up == 5
    assert len(found.customers) == found.summary.customers == 95
    with pytest.raises(CannotEstimate, match="within follow-up"):
        rank(model, (active.assign(tenure_months=90.0), x, periods))
    with pytest.raises(CannotEstimate, match="Nobody is a customer"):
        rank(model, (active.iloc[:0], x[:0], periods))


def test_strata_have_hazards_of_their_own() -> None:
    rng = np.random.default_rng(5)
    n = 3000
    fast = np.arange(n) % 2
    score = rng.integers(1, 6, n).astype(float)
    life = rng.exponential(1 / (0.02 + 0.08 * fast))
    until = rng.uniform(1, 36, n)
    rows = np.zeros(n), np.minimum(life, until), life <= until, score[:, None]
    fit = fit_cox(*rows, ("score",), fast)
    model = fit, baseline_hazard(fit, *rows, fast)
    active, x, periods = frames()
    active["tenure_months"] = np.minimum(active["tenure_months"], 12)
    codes = np.arange(100) % 2
    found = rank(model, (active, x, periods), strata=codes).customers.set_index("customer_id")
    risk = found["risk_next_quarter"].reindex(active["customer_id"]).to_numpy()
    assert risk[codes == 1].mean() == pytest.approx(1 - np.exp(-0.3), abs=0.04)
    assert risk[codes == 0].mean() == pytest.approx(1 - np.exp(-0.06), abs=0.02)


def test_the_hold_out_is_random_stable_and_new_each_period() -> None:
    names = [f"C{i:05d}" for i in range(20_000)]
    flags = hold_out_flags(names, "2026Q2")
    assert flags.mean() == pytest.approx(0.1, abs=0.007)
    np.testing.assert_array_equal(hold_out_flags(names[::-1], "2026Q2")[::-1], flags)
    other = hold_out_flags(names, "2026Q3")
    assert (flags & other).mean() == pytest.approx(0.01, abs=0.003), "periods draw independently"
    assert (hold_out_flags(names, "2026Q2", seed=1) != flags).any()
    assert hold_out_flags(names, "2026Q2", share=0.25).mean() == pytest.approx(0.25, abs=0.01)
    assert (hold_out_flags(names, "2026Q2", share=0.25) | ~flags).all(), (
        "a larger part holds the smaller"
    )
