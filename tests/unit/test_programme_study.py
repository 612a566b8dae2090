"""From frames to a study of each programme, and from studies to words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.investment import InvestmentValue
from analysis.methods.programme_effect.results import programme_costs
from analysis.methods.programme_effect.selected import BalanceRow
from analysis.methods.programme_effect.study import ProgrammeStudy, Terms, study_programmes
from analysis.presentation.programme_words import trust_sentences, verdict_sentence
from analysis.presentation.programmes import (
    draw_event_studies,
    draw_naive_and_defended,
    draw_overlap,
    find_programme,
    withhold_small,
)

TERMS = Terms(dt.date(2026, 6, 30), "EUR", 0.1)


def programme(
    name: str, upfront: float = 1000.0, monthly: float = 0.0, assignment: str | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "programme_id": [name], "name": [name.capitalize()],
            "starts_on": pd.to_datetime(["2025-07-01"]), "upfront_cost": [upfront],
            "monthly_cost": [monthly], "assignment": [assignment],
        }
    )  # fmt: skip


def outcomes(
    effect: float, chosen: bool = False, n: int = 1200, treated_share: float = 0.5, seed: int = 3
) -> pd.DataFrame:
    """Customers assigned by a draw, or by their past margin; four quarters followed."""
    rng = np.random.default_rng(seed)
    past = rng.gamma(4, 40, n)
    chance = 1 / (1 + np.exp(-(past - 160) / 60)) if chosen else np.full(n, treated_share)
    arm = rng.random(n) < chance
    after = 0.25 * past + effect * arm + rng.normal(0, 15, n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "wave": pd.Timestamp("2025-07-01"), "assigned_on": pd.Timestamp("2025-07-01"),
            "arm": np.where(arm, "treated", "control"), "recorded": True, "quarters": 4,
            "margin_per_quarter": after, "margin_quarter_before": past / 4 + rng.normal(0, 10, n),
            "margin_year_before": past, "tenure_months": rng.uniform(1, 60, n),
            "segment": rng.choice(["a", "b"], n), "csat_after": rng.normal(4, 1, n),
        }
    )  # fmt: skip


def rollout(areas: int = 20, effect: float = 8.0, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for area in range(areas):
        treated = area % 2 == 0
        level = rng.normal(50, 3)
        for unit in range(20):
            for quarter in range(-5, 4):
                margin = level + rng.normal(0, 8) + effect * (treated and quarter >= 0)
                rows.append(
                    (pd.Timestamp("2025-07-01"), f"{area}-{unit}", f"A{area}", treated,
                     not treated, quarter, margin)
                )  # fmt: skip
    names = [
        "starts_on", "customer_id", "area", "treated", "never", "quarter", "margin",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def study_outcomes(
    frame: pd.DataFrame, assignment: str | None = None, **costs: float
) -> ProgrammeStudy:
    table = programme("gift", assignment=assignment, **costs)
    (study,) = study_programmes(table, {}, {"gift": frame}, TERMS)
    return study


def study_rollout(frame: pd.DataFrame, **costs: float) -> ProgrammeStudy:
    (study,) = study_programmes(programme("chat", **costs), {"chat": frame}, {}, TERMS)
    return study


def sentence_of(study: ProgrammeStudy) -> str:
    finding = find_programme(study)
    assert isinstance(finding, Finding)
    return finding.sentence


def test_a_draw_is_an_experiment_and_a_choice_an_association() -> None:
    drawn = study_outcomes(outcomes(5.0), "random")
    chosen = study_outcomes(outcomes(5.0, chosen=True))
    assert (drawn.design, drawn.label) == ("experiment", "experiment")
    assert (chosen.design, chosen.label) == ("selected", "association")
    for study in (drawn, chosen):
        assert isinstance(study.effect, Estimate)
        assert study.effect.lower < 5.0 < study.effect.upper
    assert isinstance(chosen.naive.treated_untreated, Estimate)
    assert chosen.naive.treated_untreated.lower > 5.0
    assert "flatters" in sentence_of(chosen)
    assert "flatters" not in sentence_of(drawn)


def test_balance_alone_makes_no_experiment() -> None:
    study = study_outcomes(outcomes(5.0))
    assert (study.design, study.label) == ("balanced", "quasi-experiment")
    finding = find_programme(study)
    assert isinstance(finding, Finding)
    assert "chance decided, which is not recorded" in finding.assumption
    assert "not how they were chosen" in trust_sentences(study)[0]
    declared = study_outcomes(outcomes(5.0), "selected")
    assert (declared.design, declared.label) == ("selected", "association")


def test_a_declared_draw_that_the_arms_belie_is_no_experiment() -> None:
    study = study_outcomes(outcomes(5.0, chosen=True), "random")
    assert (study.design, study.label) == ("contradicted", "association")
    assert "contradicts" in trust_sentences(study)[0]
    unrecorded = outcomes(5.0).assign(recorded=False)
    assert study_outcomes(unrecorded, "random").design == "selected"


def test_who_has_no_counterpart_is_not_counted_in_the_money() -> None:
    frame = outcomes(5.0, chosen=True, n=2000)
    frame.loc[frame["margin_year_before"] > 350, "arm"] = "treated"
    study = study_outcomes(frame)
    assert study.adjusted is not None
    left_out = study.adjusted.overlap.left_out
    assert left_out
    assert isinstance(study.value, InvestmentValue)
    assert study.value.benefit.n == (frame["arm"] == "treated").sum() - left_out
    undiscounted = study.effect.value * 4 * study.value.benefit.n
    assert 0.93 < study.value.benefit.value / undiscounted < 0.98
    assert any("no counterpart" in sentence for sentence in trust_sentences(study))


def test_a_cost_without_a_difference_is_not_worded_as_harm() -> None:
    study = study_outcomes(outcomes(0.0), "random", upfront=40000.0)
    assert isinstance(study.effect, Estimate)
    assert study.effect.lower < 0 < study.effect.upper
    sentence = sentence_of(study)
    assert "no difference in margin could be told from chance" in sentence
    assert "it has not earned its cost of" in sentence
    assert "loses money through what it costs" in sentence
    assert "changed margin" not in sentence
    assert "cannot be told" in sentence_of(study_outcomes(outcomes(0.0), "random", upfront=10.0))


def test_a_doubtful_comparison_softens_the_verdict() -> None:
    study = replace(study_rollout(rollout(), upfront=500.0), pre_trend=(0.3, 3))
    assert "pays back:" in sentence_of(study)
    doubtful = sentence_of(replace(study, pre_trend=(0.01, 3)))
    assert "looks as if it pays back, but the areas differed in trend before" in doubtful
    chosen = study_outcomes(outcomes(5.0, chosen=True))
    assert chosen.adjusted is not None
    worse = replace(chosen.adjusted, balance=(BalanceRow("past", 0.9, 0.3),))
    assert "but the groups still differ" in sentence_of(replace(chosen, adjusted=worse))
    better = replace(chosen.adjusted, balance=(BalanceRow("past", 0.9, 0.02),))
    assert "still differ" not in sentence_of(replace(chosen, adjusted=better))


def test_costs_end_with_the_last_quarter_counted() -> None:
    (study,) = study_programmes(
        programme("gift", 0.0, 100.0), {}, {"gift": outcomes(5.0).assign(quarters=2)}, TERMS
    )
    assert isinstance(study.value, InvestmentValue)
    assert study.value.months == 6
    assert study.value.cost == pytest.approx(600, rel=0.05)


def test_money_of_one_large_customer_is_withheld() -> None:
    frame = outcomes(5.0)
    place = frame.index[frame["arm"] == "treated"][0]
    frame.loc[place, "margin_per_quarter"] = 1e6
    study = study_outcomes(frame)
    assert study.largest_share > 0.5
    (shown,) = withhold_small((study,), Disclosure(True))
    assert "one customer" in str(shown.effect)
    assert isinstance(shown.value, NotEstimable)
    (unchanged,) = withhold_small((study,), Disclosure(False))
    assert unchanged.effect == study.effect


def test_an_association_is_never_worded_as_an_effect() -> None:
    for upfront in (10.0, 9000.0, 1e6):
        study = study_outcomes(outcomes(5.0, chosen=True), upfront=upfront)
        text = " ".join([sentence_of(study), *trust_sentences(study)])
        assert "effect" not in text
        assert "changed" not in text
        finding = find_programme(study)
        assert isinstance(finding, Finding)
        assert "difference" in finding.estimates
        assert "effect" not in finding.estimates


def test_unrecorded_controls_are_compared_as_chosen() -> None:
    frame = outcomes(5.0)
    frame["recorded"] = frame["arm"] == "treated"
    study = study_outcomes(frame)
    assert study.design == "selected"
    assert study.assignment_p_value is None


@pytest.mark.parametrize(
    ("upfront", "said"),
    [(100.0, "pays back"), (9500.0, "cannot be told"), (40000.0, "loses money")],
)
def test_verdict_follows_the_interval(upfront: float, said: str) -> None:
    study = study_outcomes(outcomes(5.0), upfront=upfront)
    assert said in sentence_of(study)
    assert isinstance(study.value, InvestmentValue)
    worth = study.value.net_present_value
    pays = (
        "pays back" if worth.lower > 0 else "loses money" if worth.upper < 0 else "cannot be told"
    )
    assert pays == said


def test_rollout_is_found_and_valued() -> None:
    study = study_rollout(rollout(), upfront=500.0, monthly=50.0)
    assert (study.design, study.label, study.areas) == ("staggered", "quasi-experiment", (10, 10))
    assert isinstance(study.effect, Estimate)
    assert study.effect.lower < 8.0 < study.effect.upper
    assert isinstance(study.value, InvestmentValue)
    # 200 customers × four quarters × effect, undiscounted, is a little more than the benefit.
    benefit = study.value.benefit.value
    assert 0.93 < benefit / (200 * 4 * study.effect.value) < 0.98
    assert study.value.cost == pytest.approx(500 + 50 * 12, rel=0.05)
    assert study.value.months == 12
    assert "pays back" in sentence_of(study)


def test_rollout_over_few_areas_has_no_interval_and_no_verdict() -> None:
    study = study_rollout(rollout(areas=8))
    assert isinstance(study.effect, Estimate)
    assert study.effect.lower is None
    assert "cannot be told" in sentence_of(study)
    assert any("cannot be tested" in sentence for sentence in trust_sentences(study))
    figure, alt = draw_naive_and_defended((study,))
    assert not isinstance(figure, NotEstimable)
    assert "Chat" in alt


def test_everybody_reached_at_once_is_said() -> None:
    frame = rollout()
    study = study_rollout(frame[frame["treated"]])
    assert isinstance(study.effect, NotEstimable)
    assert study.effect.reason.startswith("Chat: every area was reached")
    assert isinstance(find_programme(study), NotEstimable)


def test_three_members_are_too_few() -> None:
    frame = outcomes(5.0, n=300)
    frame["arm"] = np.where(np.arange(300) < 3, "treated", "control")
    study = study_outcomes(frame)
    assert isinstance(study.effect, NotEstimable)
    assert "fewer than 10" in study.effect.reason
    assert isinstance(study.value, NotEstimable)


def test_start_after_the_as_of_date_is_said() -> None:
    assert "no area" in str(study_rollout(rollout().iloc[:0]).effect)
    assert "whole quarter" in str(study_outcomes(outcomes(1.0).assign(quarters=0)).effect)
    (unknown,) = study_programmes(programme("plan"), {}, {}, TERMS)
    assert "neither areas nor customers" in str(unknown.effect)
    early = replace(TERMS, as_of=dt.date(2025, 3, 31))
    (ahead,) = study_programmes(programme("plan"), {}, {}, early)
    assert "starts after the as-of date" in str(ahead.effect)


def test_without_cost_there_is_no_return() -> None:
    study = study_outcomes(outcomes(5.0), upfront=0.0)
    assert isinstance(study.value, InvestmentValue)
    assert isinstance(study.value.return_on_investment, NotEstimable)
    assert "no cost is recorded" in sentence_of(study)


def test_a_segment_has_an_effect_and_no_costs_of_its_own() -> None:
    terms = replace(TERMS, costs_apply=False)
    (study,) = study_programmes(programme("gift"), {}, {"gift": outcomes(5.0)}, terms)
    assert isinstance(study.effect, Estimate)
    assert isinstance(study.value, NotEstimable)
    assert "whole programme" in verdict_sentence(study)


def test_currency_scales_money_only() -> None:
    frame, k = outcomes(5.0), 90.0
    scaled = frame.copy()
    for name in ("margin_per_quarter", "margin_quarter_before", "margin_year_before"):
        scaled[name] = frame[name] * k
    first = study_outcomes(frame, upfront=2000.0)
    second = study_outcomes(scaled, upfront=2000.0 * k)
    assert isinstance(first.value, InvestmentValue)
    assert isinstance(second.value, InvestmentValue)
    assert second.effect.value == pytest.approx(first.effect.value * k, rel=1e-8)
    assert second.value.return_on_investment.value == pytest.approx(
        first.value.return_on_investment.value, rel=1e-8
    )
    assert second.value.payback_month == first.value.payback_month


def test_order_and_names_of_customers_do_not_matter() -> None:
    frame = outcomes(5.0, chosen=True)
    other = frame.sample(frac=1, random_state=1).assign(
        customer_id=lambda rows: "x" + rows["customer_id"]
    )
    first, second = study_outcomes(frame), study_outcomes(other)
    assert second.effect.value == pytest.approx(first.effect.value, rel=1e-8)
    assert second.effect.lower == pytest.approx(first.effect.lower, rel=1e-8)


def test_costs_stop_at_the_end_of_the_programme() -> None:
    row = {"upfront_cost": 10.0, "monthly_cost": 5.0, "ends_on": pd.Timestamp("2025-09-30")}
    start = np.datetime64("2025-07-01")
    assert programme_costs(row, start, dt.date(2026, 6, 30)).months == 3
    assert programme_costs({**row, "ends_on": pd.NaT}, start, dt.date(2026, 6, 30)).months == 12
    assert programme_costs({"monthly_cost": np.nan}, start, dt.date(2025, 1, 1)).total == 0


def test_best_lower_limit_comes_first() -> None:
    table = pd.concat([programme("poor", 50000.0), programme("good", 100.0), programme("plan")])
    frames = {"poor": outcomes(5.0), "good": outcomes(5.0)}
    studies = study_programmes(table, {}, frames, TERMS)
    assert [study.programme_id for study in studies] == ["good", "poor", "plan"]


def test_small_numbers_are_withheld_and_counts_rounded() -> None:
    study = study_outcomes(outcomes(5.0, n=1201))
    assert isinstance(study.effect, Estimate)
    (shown,) = withhold_small((study,), Disclosure(True))
    assert isinstance(shown.effect, Estimate)
    assert shown.effect.n == 1200
    few = replace(study, effect=replace(study.effect, n=5))
    (hidden,) = withhold_small((few,), Disclosure(True))
    assert isinstance(hidden.effect, NotEstimable)
    (unchanged,) = withhold_small((study,), Disclosure(False))
    assert unchanged.effect == study.effect


def test_figures_describe_themselves() -> None:
    studies = (study_rollout(rollout()), study_outcomes(outcomes(5.0, chosen=True)))
    for draw, said in (
        (draw_naive_and_defended, "defended"),
        (draw_event_studies, "Chat"),
        (draw_overlap, "Gift"),
    ):
        figure, alt = draw(studies)
        assert not isinstance(figure, NotEstimable)
        assert said in alt
        assert any(character.isdigit() for character in alt)
    for draw in (draw_naive_and_defended, draw_event_studies, draw_overlap):
        assert isinstance(draw(())[0], NotEstimable)
