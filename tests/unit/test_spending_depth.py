"""The appendix on spend: noise in answers, shape, other forms, who answers, prices, diagnostics."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.regression_diagnostics import Conditioning
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.checks import check_aging
from analysis.methods.spending.doubts import find_doubts
from analysis.methods.spending.forms import other_forms
from analysis.methods.spending.ladder import Rung, fit_rung
from analysis.methods.spending.prices import study_prices
from analysis.methods.spending.reliability import answer_noise, correct_for_noise, noise_of_surveys
from analysis.methods.spending.rows import PanelRows, panel_rows
from analysis.methods.spending.shape import gain_and_loss, promoter_means, step_means
from analysis.methods.spending.silence import weighted_slope
from analysis.methods.spending.study import study_depth, study_spend
from analysis.presentation import (
    output,
    spend_depth,
    spend_doubts,
    spend_figures,
    spend_tables,
    spend_words,
)

OPEN = Disclosure(enabled=False)
UNIT = "EUR per customer-quarter"
PERIODS = 8
CUSTOMERS = 240
LAST_OPENING = dt.date(2025, 10, 1)


def opening(period: int) -> pd.Timestamp:
    return pd.Timestamp(2024, 1, 1) + pd.DateOffset(months=3 * period)


def company(
    slope: float = 5.0, noise: float = 10.0, answer_noise_sd: float = 0.0, curve: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers × quarters and their surveys: two answers before each opening, the last counts.

    Spend follows what lasts of satisfaction; answers carry noise of the given size on top.
    """
    rng = np.random.default_rng(11)
    who = np.repeat(np.arange(CUSTOMERS), PERIODS)
    quarter = np.tile(np.arange(PERIODS), CUSTOMERS)
    mood = rng.normal(3.5, 0.5, CUSTOMERS)
    lasting = mood[who] + rng.normal(0, 0.8, len(who))
    answers = lasting + answer_noise_sd * rng.normal(size=(2, len(who)))
    spend = 90 + 15 * mood[who] + slope * lasting + curve * (lasting - 3.5) ** 2
    spend = spend + noise * rng.normal(size=len(who))
    names = np.array([f"C{i:03d}" for i in range(CUSTOMERS)])[who]
    frame = pd.DataFrame(
        {
            "customer_id": names,
            "period": [f"{2024 + q // 4}Q{q % 4 + 1}" for q in quarter],
            "period_index": quarter,
            "tenure_months": 3.0 * quarter + who % 11,
            "left": False,
            "spend": spend,
            "margin": 0.4 * spend,
            "csat_score": answers[1],
            "csat_age_days": 5.0,
            "nps_score": np.clip(np.rint(2 * answers[1] + 1), 0, 10),
            "nps_age_days": 5.0,
            "segment": np.where(who % 3 == 0, "family", "single"),
        }
    )
    frame["previous_spend"] = frame.groupby("customer_id")["spend"].shift()
    days = np.array([opening(q) for q in quarter])
    surveys = pd.concat(
        pd.DataFrame(
            {
                "response_id": [f"R{which}{i}" for i in range(len(who))],
                "customer_id": names,
                "instrument": "csat",
                "invited_on": pd.to_datetime(days) - pd.Timedelta(days=age),
                "answered_on": pd.to_datetime(days) - pd.Timedelta(days=age),
                "score": answers[which],
            }
        )
        for which, age in ((0, 25), (1, 5))
    )
    return frame, surveys.reset_index(drop=True)


def rows_of(frame: pd.DataFrame) -> PanelRows:
    return panel_rows(frame)


def value(estimate: object) -> Estimate:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate


# Noise in answers ---------------------------------------------------------------------------


def test_a_true_slope_of_five_shows_as_less_and_is_corrected() -> None:
    # Reliability within customers .64 / (.64 + .32) = .67: five shows as 3.4.
    frame, surveys = company(slope=5, noise=4, answer_noise_sd=float(np.sqrt(0.32)))
    rows = rows_of(frame)
    single = fit_rung(rows, "fixed_effects", UNIT)[0].slope
    found = correct_for_noise(rows, noise_of_surveys(surveys, rows), UNIT)
    assert single.value == pytest.approx(3.4, abs=0.3)
    assert found.within.value == pytest.approx(0.67, abs=0.04)
    assert found.corrected.value == pytest.approx(5, abs=0.4)
    assert value(found.corrected).lower < 5 < value(found.corrected).upper
    assert found.pairs == CUSTOMERS * PERIODS
    assert found.between.value > found.within.value


def test_noise_free_answers_are_left_alone() -> None:
    frame, surveys = company()
    rows = rows_of(frame)
    found = correct_for_noise(rows, noise_of_surveys(surveys, rows), UNIT)
    assert found.within.value == pytest.approx(1)
    assert found.corrected.value == pytest.approx(
        fit_rung(rows, "fixed_effects", UNIT)[0].slope.value
    )


def test_answers_that_are_all_chance_cannot_be_corrected() -> None:
    frame, surveys = company()
    rng = np.random.default_rng(1)
    chance = surveys.assign(score=3.5 + rng.normal(0, 0.8, len(surveys)))
    rows = rows_of(frame)
    found = correct_for_noise(rows, noise_of_surveys(chance, rows), UNIT)
    assert value(found.within).lower < 0.1
    assert isinstance(found.corrected, NotEstimable)
    assert "Lasting change within customers cannot be told" in found.corrected.reason


def test_lasting_change_known_only_roughly_corrects_nothing() -> None:
    # Chance seen in few pairs, and so large that what lasts is just told from nothing.
    frame, _ = company()
    rows = rows_of(frame)
    rng = np.random.default_rng(5)
    who, day = np.repeat(np.arange(40), 2), np.tile([0.0, 20.0], 40)
    noise = answer_noise(who, day, 0.75 * rng.normal(size=80), CUSTOMERS)
    found = correct_for_noise(rows, noise, UNIT)
    assert value(found.within).lower > 0
    assert isinstance(found.corrected, NotEstimable)
    assert "known too roughly" in found.corrected.reason


def test_answers_too_far_apart_tell_nothing_of_chance() -> None:
    who = np.repeat(np.arange(40), 2)
    day = np.tile([0.0, 100.0], 40)
    with pytest.raises(CannotEstimate, match="answered twice within 45 days"):
        answer_noise(who, day, np.ones(80), 40)


# Shape --------------------------------------------------------------------------------------


def rounded(frame: pd.DataFrame, slope: float = 5.0) -> pd.DataFrame:
    """Scores from one to five, and spend that rises by the slope with each."""
    score = np.clip(np.rint(frame["csat_score"]), 1, 5)
    spend = frame["spend"] + slope * (score - frame["csat_score"])
    return frame.assign(csat_score=score, spend=spend)


def test_levels_by_score_are_contrasts_within_customers() -> None:
    rows = rows_of(rounded(company(noise=0)[0]))
    steps = step_means(rows, UNIT)
    assert isinstance(steps.own, tuple)
    assert np.diff([level.value for level in steps.own]) == pytest.approx([5, 5, 5, 5])
    shares = [np.mean(rows.score == score) for score in steps.steps]
    overall = sum(s * level.value for s, level in zip(shares, steps.own, strict=True))
    assert overall == pytest.approx(rows.spend.mean())
    assert steps.raw[-1].value - steps.raw[0].value > 20


def test_a_bend_is_told_from_a_straight_line() -> None:
    straight = step_means(rows_of(rounded(company()[0])), UNIT)
    bent = step_means(rows_of(rounded(company(curve=8)[0])), UNIT)
    assert "No bend" in str(spend_depth.word_straight(straight))
    assert "not worth the same" in str(spend_depth.word_straight(bent))


def test_levels_that_no_change_of_score_connects_are_not_given() -> None:
    frame, _ = company()
    two_worlds = np.where(frame["customer_id"] < "C120", 0, 2)
    score = 1 + two_worlds + frame["period_index"] % 2
    steps = step_means(rows_of(frame.assign(csat_score=score.astype(float))), UNIT)
    assert isinstance(steps.own, NotEstimable)
    _, alt = spend_figures.draw_steps(steps, ("1", "2", "3", "4"), "score", OPEN)
    assert "between customers" in alt
    assert "over time" not in alt


def test_losses_and_gains_of_a_straight_line_weigh_alike() -> None:
    found = gain_and_loss(rows_of(company(slope=9)[0]), UNIT)
    assert found.gain.value == pytest.approx(9, abs=3)
    assert found.loss.value == pytest.approx(-9, abs=3)
    assert "could not be told" in spend_depth.word_gain_and_loss(found)


def test_losses_that_weigh_more_are_said_to() -> None:
    frame, _ = company(slope=0, noise=3)
    change = frame.groupby("customer_id")["csat_score"].diff().fillna(0)
    moved = np.where(change < 0, 12 * change, 3 * change)
    spend = 100 + pd.Series(moved).groupby(frame["customer_id"]).cumsum()
    found = gain_and_loss(rows_of(frame.assign(spend=spend + frame["spend"] * 0.01)), UNIT)
    assert found.gain.value == pytest.approx(3, abs=0.5)
    assert found.loss.value == pytest.approx(-12, abs=0.5)
    assert "Losses weigh more" in spend_depth.word_gain_and_loss(found)


def test_answers_that_follow_purchases_do_not_make_losses_of_gains() -> None:
    """Whoever buys much is asked; spend then falls back, whichever way the answer went."""
    rng = np.random.default_rng(8)
    frame, _ = company(slope=0, noise=0)
    luck = rng.normal(0, 30, len(frame))
    score, age = np.empty(len(frame)), np.empty(len(frame))
    for i, quarter in enumerate(frame["period_index"]):
        fresh = quarter == 0 or luck[i - 1] > 10
        score[i] = rng.integers(1, 6) if fresh else score[i - 1]
        age[i] = 5.0 if fresh else age[i - 1] + 91.3
    follows = frame.assign(spend=100 + 5 * score + luck, csat_score=score, csat_age_days=age)
    found = gain_and_loss(rows_of(follows), UNIT)
    assert value(found.asymmetry).lower < 0 < value(found.asymmetry).upper


def test_promoters_are_set_beside_detractors() -> None:
    frame, _ = company(slope=20)
    steps = promoter_means(panel_rows(frame, "nps"), UNIT)
    assert steps.steps == (0, 1, 2)
    assert isinstance(steps.own, tuple)
    assert steps.own[0].value < steps.own[1].value < steps.own[2].value
    same = panel_rows(frame.assign(nps_score=9.0 + frame["period_index"] % 2), "nps")
    with pytest.raises(CannotEstimate, match="one of the three"):
        promoter_means(same, UNIT)


def test_a_slope_that_fades_as_answers_age_is_seen() -> None:
    frame, _ = company(slope=0)
    rng = np.random.default_rng(3)
    age = rng.choice([5.0, 96.0, 187.0, 278.0], len(frame))
    fading = frame["spend"] + (9 - 3 * age / 91.3) * frame["csat_score"]
    found = check_aging(rows_of(frame.assign(spend=fading, csat_age_days=age)), UNIT)
    assert value(found.slope).lower < -3 < value(found.slope).upper
    assert "The slope changes as answers age" in spend_depth.word_aging(found)
    steady = frame["spend"] + 9 * frame["csat_score"]
    kept = check_aging(rows_of(frame.assign(spend=steady, csat_age_days=age)), UNIT)
    assert "could not be told" in spend_depth.word_aging(kept)


# Other forms --------------------------------------------------------------------------------


def test_forms_find_what_was_planted() -> None:
    rng = np.random.default_rng(5)
    frame, _ = company()
    chance = 0.3 + 0.08 * frame["csat_score"]
    bought = rng.random(len(frame)) < chance
    size = 60 * np.exp(0.1 * frame["csat_score"])
    forms = other_forms(rows_of(frame.assign(spend=np.where(bought, size, 0.0))), UNIT)
    assert value(forms.buying).lower < 0.08 < value(forms.buying).upper
    assert forms.mean_buying == pytest.approx(0.58, abs=0.03)
    assert forms.if_buying.value == pytest.approx(8.6, abs=0.5)  # type: ignore[union-attr]
    relative = value(forms.elasticity)
    assert relative.lower < np.exp(0.1) * 0.66 / 0.58 - 1 < relative.upper
    assert "percentage points" in str(spend_depth.word_parts(forms))
    assert "higher per point" in str(spend_depth.word_relative(forms, OPEN))


def test_one_huge_order_moves_the_mean_and_not_the_winsorised() -> None:
    frame, _ = company(slope=5)
    place = int(np.argmin(np.abs(frame["csat_score"] - 2.0) + (frame["period_index"] == 0)))
    frame.loc[place, "spend"] = 1e5
    rows = rows_of(frame)
    forms = other_forms(rows, UNIT)
    assert forms.winsorised.value == pytest.approx(5, abs=1.5)  # type: ignore[union-attr]
    assert abs(fit_rung(rows, "fixed_effects", UNIT)[0].slope.value - 5) > 5
    doubts = find_doubts(rows)
    assert not isinstance(doubts.influence, NotEstimable)
    assert "a single customer moves" in spend_doubts.word_influence(doubts.influence, OPEN)


def test_everybody_buying_leaves_one_part() -> None:
    forms = other_forms(rows_of(company()[0]), UNIT)
    assert isinstance(forms.buying, NotEstimable)
    assert "bought in every period" in str(spend_depth.word_parts(forms))


def test_refunds_beyond_purchases_are_told() -> None:
    frame, _ = company()
    frame.loc[frame.index[5:45:4], "spend"] = -30.0
    said = spend_depth.word_relative(other_forms(rows_of(frame), UNIT), OPEN)
    assert "refunds exceed purchases (10) count as zero" in str(said)


# Who answers --------------------------------------------------------------------------------


def test_answering_by_segment_is_weighted_for() -> None:
    """The slope differs by segment and so does answering: fitted weights do what exact ones do."""
    rng = np.random.default_rng(9)
    frame, surveys = company(slope=0, noise=4)
    family = frame["segment"] == "family"
    frame["spend"] += np.where(family, 12.0, 3.0) * frame["csat_score"]
    answered = rng.random(len(frame)) < np.where(family, 0.9, 0.35)
    kept = frame.assign(
        csat_score=frame["csat_score"].where(answered),
        csat_age_days=frame["csat_age_days"].where(answered),
    )
    silent = surveys.assign(score=surveys["score"].where(np.tile(answered, 2)))
    rows = rows_of(kept)
    fixed = fit_rung(rows, "fixed_effects", UNIT)[0]
    found = weighted_slope(rows, fixed, kept, silent, LAST_OPENING, UNIT)
    exact = 1 / np.where(rows.categories[0].codes == 0, 0.9, 0.35)
    fit = fit_within(rows.spend, [rows.score], ("s",), rows.customer, rows.period, exact)
    assert found.slope.value == pytest.approx(float(fit.coefficients[0]), abs=0.3)
    assert value(found.shift).upper < -1
    assert found.share_answered == pytest.approx(0.9 / 3 + 0.35 * 2 / 3, abs=0.03)
    assert "who answers matters here" in spend_depth.word_silence(found)


def test_answers_of_everybody_need_no_weights() -> None:
    frame, surveys = company()
    rows = rows_of(frame)
    fixed = fit_rung(rows, "fixed_effects", UNIT)[0]
    found = weighted_slope(rows, fixed, frame, surveys, LAST_OPENING, UNIT)
    assert found.shift.value == pytest.approx(0, abs=1e-9)
    assert (found.share_answered, found.effective_share) == (1, pytest.approx(1))


def test_without_invitations_nothing_is_weighted() -> None:
    frame, surveys = company()
    rows = rows_of(frame)
    fixed = fit_rung(rows, "fixed_effects", UNIT)[0]
    with pytest.raises(CannotEstimate, match="who was invited"):
        weighted_slope(rows, fixed, frame, surveys.assign(invited_on=pd.NaT), LAST_OPENING, UNIT)


# Prices -------------------------------------------------------------------------------------


def shop() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Promoters buy at a discount less often, and their orders answer prices less."""
    rng = np.random.default_rng(6)
    customers, orders = 180, 12
    who = np.repeat(np.arange(customers), orders)
    group = np.arange(customers) % 3
    reduced = rng.random(len(who)) < np.array([0.6, 0.4, 0.2])[group[who]]
    share = np.where(reduced, rng.uniform(0.05, 0.3, len(who)), 0.0)
    response = np.array([2.0, 1.2, 0.5])[group[who]]
    listed = np.exp(4 + 0.2 * rng.normal(size=customers)[who] - response * np.log1p(-share))
    listed = listed * np.exp(0.05 * rng.normal(size=len(who)))
    names = np.array([f"C{i:03d}" for i in range(customers)])
    transactions = pd.DataFrame(
        {
            "transaction_id": [f"T{i:05d}" for i in range(len(who))],
            "customer_id": names[who],
            "occurred_on": pd.Timestamp(2025, 1, 1)
            + pd.to_timedelta(np.tile(np.arange(orders), customers) * 20, unit="D"),
            "amount": listed * (1 - share),
            "list_price": listed,
        }
    )
    surveys = pd.DataFrame(
        {
            "response_id": [f"R{i:03d}" for i in range(customers)],
            "customer_id": names,
            "instrument": "nps",
            "answered_on": pd.Timestamp(2024, 12, 1),
            "score": np.array([3.0, 7.0, 10.0])[group],
        }
    )
    return transactions, surveys


def test_price_sensitivity_by_group_finds_what_was_planted() -> None:
    prices = study_prices(*shop())
    assert [group.name for group in prices.groups] == ["detractors", "passives", "promoters"]
    for group, share, response in zip(prices.groups, (0.6, 0.4, 0.2), (2.0, 1.2, 0.5), strict=True):
        assert value(group.at_discount).lower < share < value(group.at_discount).upper
        assert value(group.response).lower < response < value(group.response).upper
    assert value(prices.response_difference).upper < -1
    said = str(spend_depth.word_prices(prices))
    assert "reduced price differs by −40" in said
    assert "could be chance" not in said


def test_a_discount_stands_in_for_a_list_price() -> None:
    transactions, surveys = shop()
    discount = transactions["list_price"] - transactions["amount"]
    told = transactions.drop(columns="list_price").assign(discount=discount)
    by_list, by_discount = study_prices(transactions, surveys), study_prices(told, surveys)
    assert by_discount.at_discount_difference == by_list.at_discount_difference
    first, second = by_list.response_difference, by_discount.response_difference
    assert value(first).value == pytest.approx(value(second).value)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda t, s: (t.drop(columns="list_price"), s), "neither discounts nor list prices"),
        (lambda t, s: (t.assign(list_price=np.nan), s), "neither discounts nor list prices"),
        (lambda t, s: (t, s.assign(answered_on=pd.Timestamp(2026, 1, 1))), "follows an NPS answer"),
        (lambda t, s: (t, s.head(0)), "are missing"),
    ],
)
def test_no_price_is_said(spoil: Any, reason: str) -> None:
    with pytest.raises(CannotEstimate, match=reason):
        study_prices(*spoil(*shop()))


# Everything shown ---------------------------------------------------------------------------


def test_depth_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        texts.append(data.get("text/html") or data.get("text/plain", ""))

    monkeypatch.setattr(output, "publish_output", publish)
    frame, surveys = company(answer_noise_sd=0.4)
    study = study_spend(frame, surveys, "EUR")
    nps_rows = attempt(panel_rows, frame, "nps")
    transactions, answers = shop()
    both = pd.concat([surveys, answers])
    depth = study_depth(study, nps_rows, frame, both, transactions, LAST_OPENING, "EUR")
    spend_figures.show_steps_figure(depth, OPEN)
    spend_figures.show_promoters_figure(depth, OPEN)
    spend_depth.show_shape(depth)
    spend_tables.show_forms(study, depth, OPEN)
    spend_depth.show_forms_sentences(depth, OPEN)
    spend_depth.show_silence(depth)
    spend_depth.show_prices(depth, OPEN)
    spend_doubts.show_doubts(depth, "EUR", OPEN)
    assert len(texts) >= 12
    said = " ".join(texts)
    assert "Robustness:" in said
    assert "RESET:" in said
    assert "Condition number" in said
    assert "Spend, corrected for noise in answers" in said
    assert re.search(r"cut at about €\d\d0<", said)  # no customer's own amount
    assert "fixed amount is a larger share of a small order" in said
    spoken = str(spend_words.word_reliability(study, OPEN))
    assert "pairs of answers" in spoken
    assert isinstance(study.spend.fixed_effects, Rung)


def test_scores_given_by_few_are_withheld() -> None:
    frame, _ = company()
    few = rounded(frame)["csat_score"].clip(1, 4)
    few[frame["customer_id"].isin(["C003", "C004"])] = 5.0
    steps = step_means(rows_of(frame.assign(csat_score=few)), UNIT)
    names = tuple(f"CSAT {step:g}" for step in steps.steps)
    _, closed_alt = spend_figures.draw_steps(steps, names, "score", Disclosure(enabled=True))
    _, open_alt = spend_figures.draw_steps(steps, names, "score", OPEN)
    assert "CSAT 5" in open_alt
    assert "CSAT 5" not in closed_alt


# Too little to tell ---------------------------------------------------------------------------


def test_a_step_that_few_took_has_no_interval() -> None:
    frame = rounded(company()[0])
    few = frame["csat_score"].clip(1, 4)
    some = frame["customer_id"].isin([f"C{i:03d}" for i in range(12)])
    few[some & (frame["period_index"] == 5)] = 5.0
    steps = step_means(rows_of(frame.assign(csat_score=few)), UNIT)
    assert isinstance(steps.own, tuple)
    assert steps.own[-1].lower is None
    assert steps.own[1].lower is not None


def test_spend_that_never_changes_leaves_no_form_and_no_diagnosis() -> None:
    frame, _ = company()
    fee = frame["customer_id"].map(lambda name: 20.0 + int(name[1:]) % 3)
    rows = rows_of(frame.assign(spend=fee, margin=0.4 * fee, previous_spend=fee))
    forms, doubts = other_forms(rows, UNIT), find_doubts(rows)
    for found in (forms.elasticity, forms.if_buying, forms.winsorised, doubts.influence):
        assert isinstance(found, NotEstimable)
        assert "spend ever changes" in found.reason
    assert isinstance(step_means(rows, UNIT).straight_p_value, NotEstimable)


def test_influence_on_a_slope_that_may_be_zero_names_nobody() -> None:
    rows = rows_of(company()[0])
    doubts = find_doubts(rows)
    assert not isinstance(doubts.influence, NotEstimable)
    assert "would turn its sign" in spend_doubts.word_influence(doubts.influence, OPEN)
    untold = spend_doubts.word_influence(doubts.influence, OPEN, told=False)
    assert "cannot be told from zero" in untold
    assert "%" not in untold


def test_tangled_columns_are_named_in_words() -> None:
    columns = Conditioning(40.0, ("previous_spend", "acquisition_channel: web"))
    doubts = replace(find_doubts(rows_of(company()[0])), columns=columns)
    assert "spend in the period before, channel: web can hardly" in str(
        spend_doubts.word_columns(doubts)
    )
