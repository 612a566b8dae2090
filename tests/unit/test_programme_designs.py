"""Every design is recognised and treated by its own rules, or refused in a sentence."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.investment import InvestmentValue
from analysis.methods.programme_effect.cutoff import find_cutoff, regression_discontinuity
from analysis.methods.programme_effect.results import (
    LABELS,
    ProgrammeStudy,
    design_sentences,
    map_estimates,
)
from analysis.methods.programme_effect.study import Terms, study_programmes

TERMS = Terms(dt.date(2026, 6, 30), "EUR", 0.1)
START = pd.Timestamp("2025-07-01")


def programmes(*names: str, upfront: float = 3000.0, starts: str = "2025-07-01") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "programme_id": names, "name": [name.capitalize() for name in names],
            "starts_on": pd.Timestamp(starts), "upfront_cost": upfront, "monthly_cost": 0.0,
            "assignment": None,
        }
    )  # fmt: skip


def customers(n: int = 1000, seed: int = 3) -> pd.DataFrame:
    """Customers without an arm, four quarters followed; no programme moved anything yet."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(4, 12, n)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)], "wave": START, "assigned_on": START,
            "arm": "control", "recorded": True, "quarters": 4,
            "margin_quarter_before": level * rng.gamma(6, 1 / 6, n),
            "margin_older": level * rng.gamma(8, 1 / 8, n),
            "tenure_months": rng.uniform(15, 60, n), "segment": rng.choice(["a", "b"], n),
            "csat_score": rng.integers(1, 6, n).astype(float), "csat_after": rng.normal(4, 1, n),
            "nps_after": rng.choice([-100.0, 0.0, 100.0], n),
        }
    )  # fmt: skip
    frame["margin_year_before"] = 4 * level * rng.gamma(16, 1 / 16, n)
    quarters = [level * rng.gamma(6, 1 / 6, n) for _ in range(4)]
    frame = frame.assign(**{f"margin_after_{k + 1}": q for k, q in enumerate(quarters)})
    return frame.assign(margin_per_quarter=np.mean(quarters, axis=0))


def give(frame: pd.DataFrame, arm: object, effect: float) -> pd.DataFrame:
    """Treat the chosen with a margin of `effect` more in each quarter."""
    arm = np.asarray(arm, dtype=bool)
    changed = frame.assign(arm=np.where(arm, "treated", frame["arm"]))
    for name in frame.columns:
        if name.startswith("margin_after_") or name == "margin_per_quarter":
            changed[name] = frame[name] + effect * arm
    return changed


def drawn(effect: float = 5.0, n: int = 1000, seed: int = 3) -> pd.DataFrame:
    frame = customers(n, seed)
    return give(frame, np.random.default_rng(seed + 90).random(n) < 0.5, effect)


def study(frame: pd.DataFrame, **options: object) -> ProgrammeStudy:
    (found,) = study_programmes(programmes("gift", **options), {}, {"gift": frame}, TERMS)
    return found


def number(estimate: object) -> Estimate:
    assert isinstance(estimate, Estimate), estimate
    return estimate


def test_every_design_says_what_it_assumes_and_what_would_overturn_it() -> None:
    for design in LABELS:
        assumption, overturned_by = design_sentences(design)
        assert assumption.endswith(".")
        assert overturned_by.endswith(".")
    found = study(drawn())
    assert (found.assumption, found.overturned_by) == design_sentences(found.design)


def test_no_untreated_customers() -> None:
    everybody = give(customers(), np.ones(1000), 5.0)
    found = study(everybody)
    assert (found.design, found.label) == ("none", "description")
    assert isinstance(found.effect, NotEstimable)
    assert found.effect.reason == "Gift: nobody without it is there to compare with"
    assert isinstance(found.value, NotEstimable)
    # 3,000 over 1,000 customers and four quarters, the quarters discounted.
    assert number(found.break_even).value == pytest.approx(0.75, rel=0.07)
    assert isinstance(found.naive.before_after, Estimate)


def test_a_start_after_the_as_of_date() -> None:
    planned = programmes("chat", starts="2026-10-01", upfront=2000.0)
    (bare,) = study_programmes(planned, {"chat": pd.DataFrame()}, {}, TERMS)
    assert isinstance(bare.effect, NotEstimable)
    assert "starts after the as-of date" in bare.effect.reason


def test_three_members() -> None:
    frame = give(customers(), np.arange(1000) < 3, 50.0)
    found = study(frame)
    assert isinstance(found.effect, NotEstimable)
    assert "few" in found.effect.reason
    assert isinstance(found.value, NotEstimable)
    assert not found.windows


def test_zero_cost() -> None:
    found = study(drawn(), upfront=0.0)
    assert isinstance(found.effect, Estimate)
    assert isinstance(found.value, InvestmentValue)
    assert isinstance(found.value.return_on_investment, NotEstimable)
    assert isinstance(found.break_even, NotEstimable)


def by_threshold(effect: float = 6.0, n: int = 3000) -> pd.DataFrame:
    frame = customers(n)
    return give(frame, frame["margin_year_before"] >= 210, effect)


def test_selection_by_a_cut_off_is_read_at_the_threshold() -> None:
    found = study(by_threshold())
    assert (found.design, found.label) == ("cut-off", "quasi-experiment")
    assert found.cutoff is not None
    assert found.cutoff.name == "margin_year_before"
    assert found.cutoff.threshold == pytest.approx(210, abs=2)
    assert found.cutoff.above
    effect = number(found.effect)
    assert effect.lower < 6.0 < effect.upper
    naive = number(found.naive.treated_untreated)
    assert naive.lower > 6.0, "those above the threshold bring more anyway"
    # Never adjusted, and no money for all from what holds at the threshold.
    assert found.adjusted is None
    assert not found.variants
    assert isinstance(found.value, NotEstimable)
    assert "threshold" in found.value.reason
    assert number(found.break_even).value > 0
    placebo = number(found.placebo)
    assert placebo.lower < 0 < placebo.upper


def test_a_cut_off_below_a_number_counts_as_well() -> None:
    frame = customers(3000)
    found = study(give(frame, frame["tenure_months"] < 30, -4.0))
    assert found.cutoff is not None
    assert (found.cutoff.name, found.cutoff.above) == ("tenure_months", False)
    assert number(found.effect).lower < -4.0 < number(found.effect).upper


def test_a_cut_off_on_a_short_scale_is_refused() -> None:
    frame = customers()
    found = study(give(frame, frame["csat_score"] <= 2, 5.0))
    assert found.design == "cut-off"
    assert isinstance(found.effect, NotEstimable)
    assert "few steps" in found.effect.reason
    assert isinstance(found.break_even, Estimate)


def test_a_cut_off_with_exemptions_is_refused() -> None:
    frame = customers()
    arm = (frame["margin_year_before"] >= 210).to_numpy()
    arm[np.flatnonzero(arm)[:2]] = False
    found = study(give(frame, arm, 5.0))
    assert found.design == "cut-off"
    assert isinstance(found.effect, NotEstimable)
    assert "exempted" in found.effect.reason


def test_no_cut_off_is_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(1)
    numbers = {f"x{i}": rng.normal(size=60) for i in range(20)}
    assert find_cutoff(numbers, rng.random(60) < 0.5) is None
    assert find_cutoff({"x": np.arange(60.0)}, np.arange(60) >= 55) is None, "too few to judge"
    unknown = np.where(np.arange(60) == 59, np.nan, np.arange(60.0))
    assert find_cutoff({"x": unknown}, np.arange(60) >= 30) is None


def test_hardly_anybody_at_the_threshold_is_refused() -> None:
    x = np.concatenate([np.linspace(-9, -8, 60), np.linspace(8, 9, 60)])
    with pytest.raises(CannotEstimate, match="too few customers lie near"):
        regression_discontinuity(x, x, 0.0)
    with pytest.raises(CannotEstimate, match="nothing varies"):
        regression_discontinuity(np.ones(100), np.linspace(-1, 9, 100), 5.9)
    with pytest.raises(CannotEstimate, match="too few customers lie near"):
        regression_discontinuity(np.ones(100), np.linspace(-1, 9, 100), 8.9)


def test_two_arms_that_share_one_control() -> None:
    rng = np.random.default_rng(8)
    frame = customers(1500)
    draw = rng.integers(0, 3, 1500)
    frame = give(frame, draw > 0, 0.0)
    frame["arm"] = np.array(["control", "call", "visit"])[draw]
    frame["margin_per_quarter"] += 8.0 * (draw == 2)
    found = study(frame)
    assert found.design == "balanced"
    call, visit = found.arms
    assert (call.name, visit.name) == ("call", "visit")
    assert number(call.effect).lower < 0 < number(call.effect).upper
    assert number(visit.effect).lower < 8.0 < number(visit.effect).upper
    assert number(visit.effect).lower > 0
    assert call.p_value is not None
    assert visit.p_value is not None
    assert visit.p_value < 0.001 < 0.05 < call.p_value
    # The programme as a whole lies between its arms.
    assert number(call.effect).value < number(found.effect).value < number(visit.effect).value
    assert study(drawn()).arms == (), "one arm needs no table of arms"


def test_two_programmes_that_share_one_control() -> None:
    rng = np.random.default_rng(9)
    frame, draw = customers(1500), rng.integers(0, 3, 1500)
    first = give(frame[draw != 2], draw[draw != 2] == 1, 3.0).reset_index(drop=True)
    second = give(frame[draw != 1], draw[draw != 1] == 2, 0.0).reset_index(drop=True)
    table, frames = programmes("mail", "call"), {"mail": first, "call": second}
    found = {s.programme_id: s for s in study_programmes(table, {}, frames, TERMS)}
    assert found["mail"].shares_control_with == ("call",)
    assert found["call"].shares_control_with == ("mail",)
    alone = study_programmes(programmes("mail"), {}, {"mail": first}, TERMS)[0]
    assert alone.shares_control_with == ()
    assert alone.p_value_holm is None
    assert found["mail"].p_value_holm is not None
    assert found["mail"].p_value_holm < 0.05 < found["call"].p_value_holm
    other = second.assign(customer_id="x" + second["customer_id"])
    apart = study_programmes(table, {}, {"mail": first, "call": other}, TERMS)
    assert all(s.p_value_holm is None for s in apart)


def test_windows_are_counted_from_the_assignment() -> None:
    frame = drawn(0.0)
    frame["margin_after_3"] += 9.0 * (frame["arm"] == "treated")
    frame.loc[frame.index % 2 == 0, "margin_after_4"] = np.nan
    found = study(frame)
    assert sorted(found.windows) == [1, 2, 3, 4]
    assert found.windows[3].lower < 9.0 < found.windows[3].upper
    assert found.windows[3].lower > 0
    for quiet in (1, 2, 4):
        assert abs(found.windows[quiet].value) < 4.5
    assert found.windows[4].n == 500, "only who has been followed so far"


def test_percentage_stands_beside_the_level() -> None:
    found = study(drawn(5.0))
    relative = number(found.relative)
    assert relative.unit == "share"
    assert relative.lower < 5.0 / 48 < relative.upper
    nothing = customers()
    for name in ("margin_per_quarter", *(f"margin_after_{k}" for k in range(1, 5))):
        nothing[name] = np.random.default_rng(4).normal(0, 20, 1000)
    bare = study(give(nothing, np.arange(1000) % 2 == 0, 1.0))
    assert isinstance(bare.relative, NotEstimable)
    assert "too near zero" in bare.relative.reason


def test_scores_afterwards_stand_beside_the_money() -> None:
    frame = drawn()
    treated = frame["arm"] == "treated"
    frame["csat_after"] += 0.5 * treated
    frame.loc[frame.index % 3 == 0, "nps_after"] = np.nan
    found = study(frame)
    assert number(found.scores["csat"]).lower > 0
    assert number(found.scores["csat"]).lower < 0.5 < number(found.scores["csat"]).upper
    assert found.satisfaction == found.scores["csat"]
    assert abs(number(found.scores["nps"]).value) < 30
    assert number(found.scores["nps"]).n == (frame.index % 3 != 0).sum()
    bare = study(frame.drop(columns=["csat_after", "nps_after"]))
    assert all(isinstance(score, NotEstimable) for score in bare.scores.values())


def test_interval_that_bears_looking_is_wider() -> None:
    found = study(drawn())
    fixed, always = number(found.effect), number(found.always_valid)
    assert always.value == fixed.value
    ratio = (always.upper - always.lower) / (fixed.upper - fixed.lower)
    assert 1.4 < ratio < 1.8
    assert "4 times" in always.method
    assert isinstance(study(chosen_by_level()).always_valid, NotEstimable)


def chosen_by_level(n: int = 1500) -> pd.DataFrame:
    """Chosen by the year before; the programme brings nothing."""
    frame = customers(n)
    rng = np.random.default_rng(5)
    chance = 1 / (1 + np.exp(-(frame["margin_year_before"] - 200) / 60))
    return give(frame, rng.random(n) < chance, 0.0)


def test_what_is_left_unbalanced_is_named_all_of_it() -> None:
    found = study(chosen_by_level())
    assert found.label == "association"
    assert found.adjusted is not None
    rows = tuple(replace(row, after=0.3 - i) for i, row in enumerate(found.adjusted.balance))
    worse = replace(found, adjusted=replace(found.adjusted, balance=rows))
    assert len(worse.unbalanced) == len(rows)
    assert abs(worse.unbalanced[0].after) == max(abs(row.after) for row in rows)
    level = replace(found.adjusted, balance=tuple(replace(row, after=0.1) for row in rows))
    assert replace(found, adjusted=level).unbalanced == ()


def test_negative_control_shows_a_choice_by_something_unrecorded() -> None:
    honest = number(study(chosen_by_level()).placebo)
    assert honest.lower < 0 < honest.upper
    frame = customers(2000)
    hidden = np.random.default_rng(6).normal(0, 25, 2000)
    for name in frame.columns:
        if name.startswith("margin_") and name != "margin_year_before":
            frame[name] += hidden
    frame["margin_quarter_before"] -= hidden
    picked = np.random.default_rng(7).random(2000) < 1 / (1 + np.exp(-hidden / 25))
    found = study(give(frame.assign(recorded=False), picked, 0.0))
    assert number(found.effect).lower > 0, "what nobody recorded looks like the programme's doing"
    assert number(found.placebo).lower > 0, "but shows in the year before last as well"
    taken_off = number(found.variants["less what differed in the year before last"])
    assert taken_off.lower < 0 < taken_off.upper


def test_no_estimate_escapes_what_is_done_to_all() -> None:
    found = study(drawn())
    seen: list[Estimate] = []
    bare = map_estimates(found, lambda item: seen.append(item) or NotEstimable("withheld"))
    assert len(seen) > 15
    again: list[Estimate] = []
    map_estimates(bare, lambda item: again.append(item) or item)
    assert again == []


@pytest.mark.parametrize("effect", [0.0, 5.0])
def test_names_order_dates_and_currency_change_nothing_else(effect: float) -> None:
    frame = drawn(effect, 600)
    money = [name for name in frame.columns if name.startswith("margin_")]
    other = frame.sample(frac=1, random_state=4).assign(
        customer_id=lambda rows: "x" + rows["customer_id"].str[::-1]
    )
    other[money] = other[money] * 3.0
    first, second = study(frame), study(other, upfront=9000.0)
    for name in ("effect", "placebo", "always_valid", "break_even"):
        one, two = number(getattr(first, name)), number(getattr(second, name))
        assert two.value == pytest.approx(3 * one.value, rel=1e-6)
    assert number(second.relative).value == pytest.approx(number(first.relative).value, rel=1e-6)
