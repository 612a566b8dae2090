"""Service programmes in words and tables: what to do, why there is no number, scores beside money."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.intake.dataset import open_dataset
from analysis.intake.service_use import with_service_use
from analysis.methods.estimate import CannotEstimate, Estimate, Finding, NotEstimable
from analysis.methods.investment import BenefitFlow, Costs, value_investment
from analysis.methods.investment.intensity import extra_per_quarter, returns_by_use
from analysis.methods.investment.planned import PlannedProgramme
from analysis.methods.investment.portfolio import Recommendation, SettlingTest
from analysis.methods.investment.power import Sample
from analysis.methods.programme_effect.cutoff import Cutoff, Discontinuity
from analysis.methods.programme_effect.permutation import PermutationTest
from analysis.methods.programme_effect.results import NaiveFigures, ProgrammeStudy
from analysis.methods.programme_effect.selected import AdjustedDifference, BalanceRow, Overlap
from analysis.methods.service_recovery import recovered_scores
from analysis.presentation import output, programmes
from analysis.presentation.programme_plans import advice_sentence, planned_sentences
from analysis.presentation.programme_trust_words import design_sentence, p_text, trust_sentences
from analysis.presentation.programme_words import assumption_of, verdict_sentence

UNIT = "EUR per customer-quarter"
NONE = NotEstimable("nothing")


def study(
    effect: float = 5.0, half: float = 2.0, upfront: float = 400.0, label: Any = "experiment",
    design: Any = "experiment", **fields: Any,
) -> ProgrammeStudy:  # fmt: skip
    """A programme of 100 customer-quarters."""
    covariance = (half / 1.96 * 25) ** 2 * np.ones((4, 4))
    flow = BenefitFlow(
        3.0 * np.arange(1, 5), np.full(4, effect * 25), covariance, np.full(4, 25.0), 1.96, 25, "t"
    )
    value = value_investment(flow, Costs(upfront, 0.0, 12), 0.0, "EUR")
    estimate = Estimate(effect, effect - half, effect + half, UNIT, 200, "test")
    made = ProgrammeStudy(
        "chat", "Chat", design, label, estimate, NaiveFigures(NONE, NONE), value,
        break_even=value.break_even_effect,
    )  # fmt: skip
    return replace(made, **fields)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown, as text."""
    texts: list[str] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        texts.append(data.get("text/html") or data.get("text/plain", ""))

    monkeypatch.setattr(output, "publish_output", publish)
    return texts


def test_a_reason_names_its_programme_once_and_ends_with_a_stop() -> None:
    few = study(effect=5.0)
    for reason in ("one arm holds nobody who could be followed", "Chat: nobody was reached."):
        found = programmes.find_programme(replace(few, effect=NotEstimable(reason), value=NONE))
        assert isinstance(found, NotEstimable)
        assert found.reason.startswith("Chat: ")
        assert found.reason.count("Chat") == 1
        assert found.reason.endswith(".")
        assert not found.reason.endswith("..")


def test_a_reason_that_several_share_is_said_once(shown: list[str]) -> None:
    whole = NotEstimable("costs are recorded for the whole programme")
    studies = (study(value=whole), study(name="Gifts", programme_id="gifts", value=whole))
    programmes.show_money(studies)
    assert sum("whole programme" in text for text in shown) == 1
    assert "Chat, Gifts: costs are recorded for the whole programme." in shown[-1]


@pytest.mark.parametrize(
    ("p_value", "said"), [(0.0, "p < 0.001"), (0.0009, "p < 0.001"), (0.0123, "p = 0.012")]
)
def test_no_p_value_is_nought(p_value: float, said: str) -> None:
    assert p_text(p_value) == said


def test_thresholds_are_rounded_and_have_their_unit() -> None:
    """The exact threshold is what one customer brought."""
    found = Discontinuity(1.0, 1.0, 1.0, 5.0, 90, 90, 170)
    by_money = study(
        design="cut-off", label="quasi-experiment", discontinuity=found,
        cutoff=Cutoff("margin_year_before", 209.48, True, 0, 500),
    )  # fmt: skip
    assert "was about €210 or more" in trust_sentences(by_money)[0]
    by_age = replace(by_money, cutoff=Cutoff("tenure_months", 25.3, False, 0, 500))
    assert "tenure in months was about 25 or less" in trust_sentences(by_age)[0]
    nought = replace(by_money, cutoff=Cutoff("balance", 0.0, True, 0, 500))
    assert "was about 0 or more" in trust_sentences(nought)[0]


def test_one_area_or_one_start_is_worded_as_one() -> None:
    few = study(design="staggered", label="quasi-experiment", areas=(1, 30), pre_trend=(0.4, 1))
    few = replace(few, permutation=PermutationTest(0.5, 17_296, 1 / 17_296, 3.0))
    said = " ".join(trust_sentences(few))
    assert "1 area reached and 30 to compare with" in said
    assert "over 1 quarter before" in said
    assert "different dates" not in said
    assert "least that share could be is under 0.1%" in said
    assert "1 area reached, against 30" in design_sentence(few)


def test_a_draw_that_looks_odd_is_not_praised() -> None:
    odd = study(assignment_p_value=0.004)
    assert "nothing recorded beforehand contradicts it" not in assumption_of(odd)
    assert "tells the arms apart" in verdict_sentence(odd)
    assert "nothing recorded beforehand contradicts it" in assumption_of(
        study(assignment_p_value=0.4)
    )


def test_an_estimate_without_interval_is_put_and_not_found() -> None:
    bare = study()
    bare = replace(bare, effect=replace(bare.effect, lower=None, upper=None))
    assert "is put at €5.00" in verdict_sentence(bare)
    assert "it changed margin" not in verdict_sentence(bare)


def test_an_association_without_cost_is_not_said_to_be_worth_it() -> None:
    said = verdict_sentence(study(upfront=0.0, label="association", design="selected"))
    assert "worth its cost" not in said
    assert "no cost is recorded" in said


def test_what_is_young_is_judged_so_far() -> None:
    made = study(effect=1.0, half=0.5, label="association", design="selected")
    assert "worth its cost:" in verdict_sentence(made)
    flow = replace(
        made.value.flow, months=np.array([3.0, 6.0]), amounts=np.full(2, 25.0),
        unit_quarters=np.full(2, 25.0), covariance=np.eye(2),
    )  # fmt: skip
    young = replace(made, value=value_investment(flow, Costs(400.0, 0.0, 6), 0.0, "EUR"))
    assert "worth its cost so far:" in verdict_sentence(young)
    proven = replace(young, label="experiment", design="experiment")
    assert "has not earned its cost so far" in verdict_sentence(proven)


def test_without_cost_no_net_present_value_is_handed_on() -> None:
    free = programmes.find_programme(study(upfront=0.0))
    assert isinstance(free, Finding)
    assert free.money is None
    assert "net-present-value" not in free.estimates
    assert free.estimates["benefit"].value == pytest.approx(500.0)
    assert isinstance(programmes.draw_tornado((study(upfront=0.0),))[0], NotEstimable)


def test_few_of_a_plan_are_neither_counted_nor_to_be_reckoned() -> None:
    plan = PlannedProgramme(
        "new", "New", dt.date(2026, 10, 1), 5, True, 24, 9e4, "EUR",
        Estimate(9.0, None, None, UNIT, 5, "test"), None, NONE, NONE,
    )  # fmt: skip
    (said,) = planned_sentences(plan, Disclosure(True))
    assert "€" not in said
    assert "fewer than eight" in said


def test_what_a_point_is_worth_is_asked_for_where_it_is_missing(shown: list[str]) -> None:
    scored_study = study(satisfaction=Estimate(0.5, 0.1, 0.9, "points", 200, "s"))
    programmes.show_agreement((scored_study,), NotEstimable("too few answers"))
    assert "what a point is worth is not known: too few answers." in shown[-1]


def test_a_test_nobody_could_run_is_told_in_one_row(shown: list[str]) -> None:
    samples = tuple(Sample(10_000 // quarters, quarters) for quarters in (1, 2, 4, 8))
    plan = SettlingTest(2.0, UNIT, False, samples, NotEstimable("too few"))
    programmes.show_tests((study(),), (Recommendation("chat", "test", "association", plan),))
    assert "8 quarters" in shown[0]
    assert "4 quarters" not in shown[0]


def test_no_parenthesis_stands_within_another() -> None:
    for effect in (0.5, 5.0, -5.0):
        for label in ("experiment", "association"):
            sentence = verdict_sentence(study(effect, label=label))
            depth = np.cumsum([(c == "(") - (c == ")") for c in sentence])
            assert depth.max() <= 1, sentence


def test_the_effect_is_told_in_per_cent_as_well() -> None:
    relative = Estimate(0.123, 0.05, 0.2, "share", 200, "test")
    assert "12% of what it would have been" in verdict_sentence(study(relative=relative))
    assert "%" not in verdict_sentence(study(effect=0.1, relative=relative)), "not told from zero"


def test_nothing_to_trust_is_said(shown: list[str]) -> None:
    programmes.show_trust((study(effect=1.0, design="none", label="description"),))
    assert len(shown) == 1
    assert "nothing to trust" in shown[0]


def test_a_rollout_that_could_not_be_followed_is_not_denied(shown: list[str]) -> None:
    bare = study(design="staggered", label="quasi-experiment", areas=(7, 7))
    programmes.show_event_studies((bare,))
    programmes.show_event_studies((study(),))
    assert "No roll-out could be followed by quarter." in shown[0]
    assert "No programme was rolled out over areas." in shown[1]


def unbalanced() -> ProgrammeStudy:
    rows = tuple(BalanceRow(f"trait_{i}", 0.4, 0.2 if i in (3, 11) else 0.01) for i in range(12))
    adjusted = AdjustedDifference(
        5.0, 1.0, 100, 100, 200, rows, Overlap((0.0, 1.0), (100,), (100,), 0, 80.0),
        np.ones(200, dtype=bool),
    )  # fmt: skip
    return study(label="association", design="selected", adjusted=adjusted)


def test_every_covariate_left_unbalanced_is_named(shown: list[str]) -> None:
    text = " ".join(trust_sentences(unbalanced()))
    assert "trait 3 (0.20)" in text
    assert "trait 11 (0.20)" in text
    programmes.show_balance((unbalanced(),))
    assert "trait 3<" in shown[0]
    assert "trait 11<" in shown[0]


def test_advice_follows_the_recommendation() -> None:
    samples = (Sample(1894, 1), Sample(580, 4))
    settling = SettlingTest(6.0, UNIT, False, samples, samples[0])
    sentence = advice_sentence(Recommendation("chat", "test", "association", settling))
    assert "1,900 customers" in sentence
    assert "1 quarter;" in sentence
    late = replace(settling, shortest=samples[1])
    assert "580 customers" in advice_sentence(Recommendation("chat", "test", "unclear", late))
    assert "4 quarters" in advice_sentence(Recommendation("chat", "test", "unclear", late))
    never = replace(settling, shortest=NONE)
    assert "too few" in advice_sentence(Recommendation("chat", "test", "unclear", never))
    assert "hold-out" in advice_sentence(Recommendation("chat", "test", "not studied", NONE))
    assert advice_sentence(Recommendation("chat", "plan", "not begun", None)) == ""
    for action, reason in (
        ("extend", "pays"), ("continue", "pays, nobody left"), ("continue", "running pays"),
        ("stop", "loses"), ("stop", "running loses"), ("stop", "harms"),
    ):  # fmt: skip
        assert advice_sentence(Recommendation("chat", action, reason, None)).endswith(".")


def test_the_finding_ends_with_the_advice() -> None:
    finding = programmes.find_programme(study(), Recommendation("chat", "extend", "pays", None))
    assert isinstance(finding, Finding)
    assert finding.sentence.endswith("Extend it to those whom it has not reached.")


def test_an_association_is_no_effect_in_any_table(shown: list[str]) -> None:
    chosen = (study(label="association", design="selected"),)
    programmes.show_portfolio(chosen)
    programmes.show_money(chosen)
    programmes.show_uncertainty(chosen)
    programmes.show_scenarios(chosen, 0.4, 24)
    figure, alt = programmes.draw_tornado(chosen)
    assert not isinstance(figure, NotEstimable)
    for text in (*shown, alt):
        assert "effect" not in text.lower()
    assert "difference, €3.00 to €7.00" in alt
    assert any("only if the whole difference" in text for text in shown)


def test_what_is_extrapolated_is_called_so(shown: list[str]) -> None:
    programmes.show_scenarios((study(),), 0.4, 24)
    assert "24 months, extrapolated" in shown[0]
    assert "12 months, extrapolated" not in shown[0]
    assert "Margin 30.0%" in shown[0]


def test_withheld_money_is_withheld_everywhere(shown: list[str]) -> None:
    dominated = study(
        largest_share=0.6, windows={1: Estimate(4.0, 2.0, 6.0, UNIT, 200, "t")},
        always_valid=Estimate(4.0, 2.0, 6.0, UNIT, 200, "t"),
        satisfaction=Estimate(0.2, 0.1, 0.3, "points", 200, "t"),
    )  # fmt: skip
    (hidden,) = programmes.withhold_small((dominated,), Disclosure(True))
    for item in (hidden.effect, hidden.value, hidden.always_valid, hidden.break_even):
        assert isinstance(item, NotEstimable)
    assert not hidden.windows
    assert isinstance(hidden.satisfaction, Estimate)
    programmes.show_variants((hidden,))
    programmes.show_money((hidden,))
    programmes.show_portfolio((hidden,))
    assert "€" not in "".join(shown)


def test_score_and_money_side_by_side(shown: list[str]) -> None:
    worth = Estimate(4.0, 3.0, 5.0, UNIT, 300, "w")
    agreeing = study(satisfaction=Estimate(1.0, 0.6, 1.4, "points", 200, "s"))
    beyond = study(satisfaction=Estimate(0.0, -0.1, 0.1, "points", 200, "s"))
    below = study(effect=0.0, satisfaction=Estimate(2.0, 1.6, 2.4, "points", 200, "s"))
    programmes.show_score_and_money((agreeing, beyond, below), worth)
    for verdict in (
        "does not contradict the score",
        "is more than the score accounts for",
        "is less than the score would give",
    ):
        assert shown[0].count(verdict) == 1
    programmes.show_score_and_money((agreeing,), NotEstimable("nobody answered."))
    assert "What a point is worth is not known: nobody answered." in shown[1]
    programmes.show_agreement((agreeing, beyond, agreeing), worth)
    assert "Chat, Chat: the margin found does not contradict the score" in shown[2]
    assert "is more than the score accounts for" in shown[3]
    assert len(shown) == 4


def test_each_design_is_told_in_a_sentence(shown: list[str]) -> None:
    rolled = study(design="staggered", label="quasi-experiment", areas=(12, 30))
    designs = (
        study(assignment_p_value=0.4), study(assignment_p_value=0.004),
        study(design="balanced", label="quasi-experiment", assignment_p_value=0.3),
        study(design="contradicted", label="association", assignment_p_value=1e-9),
        unbalanced(), study(design="cut-off", label="quasi-experiment"),
        replace(rolled, pre_trend=(0.3, 4)), replace(rolled, pre_trend=(0.003, 4)), rolled,
    )  # fmt: skip
    programmes.show_designs(designs)
    said = (
        "contradicts (p = 0.400)", "tells the groups apart", "nothing says how they were chosen",
        "which the groups belie", "up to 0.20 standard deviations", "by a threshold",
        "no difference in trend before (p = 0.300, a weak test)", "trends before differed (p = 0.003)",
        "cannot be tested",
    )  # fmt: skip
    assert len(shown) == len(said)
    for text, part in zip(shown, said, strict=True):
        assert part in text


def scored(gain: float = 0.0, n: int = 400, seed: int = 2) -> pd.DataFrame:
    """Customers called after a score of 1 or 2; what they truly feel is nearer the middle."""
    rng = np.random.default_rng(seed)
    felt = rng.normal(3.5, 0.7, 4 * n)
    before = np.clip(np.rint(felt + rng.normal(0, 1, 4 * n)), 1, 5)
    picked = np.flatnonzero(before <= 2)[:n]
    arm = rng.random(len(picked)) < 0.5
    after = np.clip(felt[picked] + rng.normal(0, 1, len(picked)) + gain * arm, 1, 5)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in picked],
            "arm": np.where(arm, "treated", "control"),
            "csat_score": before[picked],
            "csat_after": after,
        }
    )


def test_regression_to_the_mean_is_not_credited(shown: list[str]) -> None:
    frame = scored()
    nothing = study(satisfaction=Estimate(0.02, -0.2, 0.24, "points", 200, "s"))
    found = recovered_scores(frame, nothing.satisfaction)
    assert found.treated.lower > 0.5, "scores rise a good deal"
    assert found.rises_by_itself
    assert abs(found.treated.value - found.control.value) < 0.35
    programmes.show_recovery((nothing,), {"chat": frame}, Disclosure(True))
    assert "nothing is credited to it" in shown[-1]
    helped = study(satisfaction=Estimate(0.8, 0.5, 1.1, "points", 200, "s"))
    programmes.show_recovery((helped,), {"chat": scored(0.8)}, Disclosure(True))
    assert "is left for it" in shown[-1]


def test_recovery_needs_scores_in_both_arms(shown: list[str]) -> None:
    credited = Estimate(0.1, 0.0, 0.2, "points", 9, "s")
    with pytest.raises(CannotEstimate, match="fewer than 10"):
        recovered_scores(scored().assign(arm="treated"), credited)
    with pytest.raises(CannotEstimate, match="before and afterwards"):
        recovered_scores(scored().drop(columns="csat_after"), credited)
    programmes.show_recovery((study(),), {}, Disclosure(True))
    assert "No programme has scores before and after" in shown[0]


def used(n: int = 900) -> pd.DataFrame:
    """Light users gain 8 a quarter, heavy users lose 6 and cause most of the cost."""
    rng = np.random.default_rng(4)
    before = rng.choice([0, 1, 5], n, p=[0.5, 0.3, 0.2])
    arm = rng.random(n) < 0.5
    gain = np.where(before == 5, -6.0, 8.0)
    past = rng.gamma(4, 40, n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "arm": np.where(arm, "treated", "control"),
            "quarters": 4,
            "margin_year_before": past,
            "margin_per_quarter": past / 4 + gain * arm + rng.normal(0, 5, n),
            "contacts_before": before.astype(float),
            "contacts_after": before / 4 + 0.05 + 0.5 * arm,
            "compensation_after": 3.0 * arm + rng.normal(0, 0.1, n),
        }
    )


def test_those_who_use_most_can_cost_more_than_they_bring(shown: list[str]) -> None:
    light, middle, heavy = returns_by_use(used(), 6000.0, "EUR")
    assert (light.lowest, light.highest, heavy.lowest, heavy.highest) == (0, 0, 3, None)
    assert light.marginal_return.lower > 1
    assert heavy.marginal_return.upper < 0, "the margin among them falls"
    assert heavy.average_return.value > 1, "and yet the whole pays"
    assert heavy.average_return.value < middle.average_return.value < light.average_return.value
    assert light.cost + middle.cost + heavy.cost == pytest.approx(6000)
    total = sum(group.benefit.value for group in (light, middle, heavy))
    assert heavy.average_return.value == pytest.approx(total / 6000)
    programmes.show_use((study(),), {"chat": used()}, Disclosure(True))
    assert "3 or more" in shown[0]
    assert "1 to 2" in shown[0]


def test_use_that_is_not_recorded_is_said() -> None:
    with pytest.raises(CannotEstimate, match="no contacts"):
        returns_by_use(used().drop(columns="contacts_before"), 10.0, "EUR")
    with pytest.raises(CannotEstimate, match="alike"):
        returns_by_use(used().assign(contacts_before=1.0), 10.0, "EUR")
    with pytest.raises(CannotEstimate, match="no cost"):
        returns_by_use(used(), 0.0, "EUR")
    with pytest.raises(CannotEstimate, match="does not record"):
        extra_per_quarter(used(), "gifts_after", "EUR")


def test_compensation_beyond_the_declared_cost_is_pointed_out(shown: list[str]) -> None:
    cheap = study(upfront=100.0)
    programmes.show_bought((cheap,), {"chat": used()}, Disclosure(True))
    assert "the return is overstated" in shown[-1]
    dear = study(upfront=1000.0)
    programmes.show_bought((dear,), {"chat": used()}, Disclosure(True))
    assert "overstated" not in shown[-1]
    assert "more compensation per quarter" in shown[-1]


def test_what_must_be_true_is_said_beside_the_best_proven() -> None:
    even = Estimate(9.0, None, None, UNIT, 500, "test")
    best = ("Chat", Estimate(5.0, 3.0, 7.0, UNIT, 200, "test"))
    sample = Sample(640, 2)
    plan = PlannedProgramme(
        "new",
        "New",
        dt.date(2026, 10, 1),
        523,
        False,
        24,
        9e4,
        "EUR",
        even,
        best,
        (sample,),
        sample,
    )
    text = " ".join(planned_sentences(plan, Disclosure(True)))
    assert "2026-10-01" in text
    assert "all 525 active customers" in text, "counts are rounded"
    assert "more than the best proven programme, Chat, may be bringing" in text
    assert "640 customers" in text
    within = replace(plan, break_even=replace(even, value=5.0), named=True)
    assert "lies within" in " ".join(planned_sentences(within, Disclosure(True)))
    assert "named for it" in " ".join(planned_sentences(within, Disclosure(True)))
    easy = replace(plan, break_even=replace(even, value=1.0))
    assert "brings more than that" in " ".join(planned_sentences(easy, Disclosure(True)))
    alone = replace(plan, best=None, shortest=NONE)
    said = " ".join(planned_sentences(alone, Disclosure(True)))
    assert "No programme has been proven" in said
    assert "No test among those" in said
    free = planned_sentences(
        replace(plan, break_even=NotEstimable("no cost is recorded")), Disclosure()
    )
    assert free == ["New is to start on 2026-10-01. No cost is recorded."]


def test_the_published_example_is_reckoned_not_typed(shown: list[str]) -> None:
    programmes.show_published_example(0.38, "EUR")
    text = " ".join(shown)
    for number in ("18.99", "17.33", "5.97", "5.5%", "€5.50bn", "does not follow"):
        assert number in text


SETTINGS = """\
company: Use
currency: EUR
covers: {from: 2024-01-01, to: 2025-12-31}
economics: {gross_margin: 0.5}
churn: {rule: contract}
sources: {customers: customers.csv, transactions: transactions.csv, programmes: programmes.csv,
  exposures: exposures.csv, contacts: contacts.csv}
tables: {customers: {}, transactions: {}, programmes: {}, exposures: {}, contacts: {}}
"""


def test_use_before_and_since_is_counted_by_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    folder = tmp_path / "use"
    folder.mkdir()
    tables = {
        "customers": "customer_id,started_on\na,2024-01-05\nb,2024-01-05\n",
        "transactions": "transaction_id,customer_id,occurred_on,amount\n1,a,2024-06-01,10\n",
        "programmes": "programme_id,name,starts_on\np,P,2025-01-01\n",
        "exposures": (
            "programme_id,customer_id,assigned_on,arm\np,a,2025-03-01,treated\np,b,2025-03-01,control\n"
        ),
        # Before the year, its first day, the day before, the day itself, within, the first day after.
        "contacts": "contact_id,customer_id,opened_at,compensation\n"
        + "".join(
            f"{i},a,{day},{i}\n"
            for i, day in enumerate(
                ["2024-02-28", "2024-03-01", "2025-02-28", "2025-03-01", "2025-04-01", "2025-12-01"]
            )
        ),
    }
    (folder / "dataset.yml").write_text(SETTINGS, encoding="utf-8")
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    data = open_dataset(folder, "2025Q4")
    found = with_service_use(data, data.experiment_outcomes("p")).set_index("customer_id")
    assert found["quarters"].tolist() == [3, 3]
    assert found["contacts_before"].to_dict() == {"a": 2.0, "b": 0.0}
    assert found["contacts_after"].to_dict() == pytest.approx({"a": 1 / 3, "b": 0.0})
    assert found["compensation_after"].to_dict() == pytest.approx({"a": 4 / 3, "b": 0.0})


def test_where_nothing_can_be_compared_break_even_is_given(shown: list[str]) -> None:
    alone = study(
        effect=1.0, design="none", label="description",
        break_even=Estimate(4.25, None, None, UNIT, 200, "t"),
    )  # fmt: skip
    alone = replace(alone, effect=NotEstimable("Chat: nobody without it is there"), value=NONE)
    found = programmes.find_programme(alone)
    assert isinstance(found, NotEstimable)
    assert found.reason == (
        "Chat: nobody without it is there. "
        "To cover its cost it has to bring €4.25 per customer and quarter."
    )
    programmes.show_money((alone,))
    assert "€4.25" in shown[0]
