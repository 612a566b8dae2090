"""Spend on satisfaction: known slopes, degenerate samples, and what must not change the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import (
    AuditRemark,
    CannotEstimate,
    Estimate,
    Finding,
    NotEstimable,
    attempt,
)
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import dummies, fit_least_squares
from analysis.methods.spending.absorb import (
    Held,
    effective_customers,
    fit_within,
    take_out,
    take_out_customers_and_periods,
)
from analysis.methods.spending.ladder import Ladder, Rung, find_sign_flips, fit_ladders
from analysis.methods.spending.rows import panel_rows
from analysis.methods.spending.study import SpendStudy, study_spend
from analysis.presentation import output, spend_figures, spend_findings, spend_tables, spend_words

OPEN = Disclosure(enabled=False)
UNIT = "EUR per customer-quarter"
PERIODS = 6


def company(
    slope: float = 5.0, richer: float = 20.0, noise: float = 0.0, customers: int = 60
) -> pd.DataFrame:
    """Customers × quarters: spend rises by `slope` with a customer's own score, and customers who
    are easier to satisfy by one point spend `richer` more whatever they answer."""
    rng = np.random.default_rng(7)
    who = np.repeat(np.arange(customers), PERIODS)
    quarter = np.tile(np.arange(PERIODS), customers)
    mood = rng.choice([2, 3, 4], customers)
    score = mood[who] + rng.choice([-1, 0, 1], len(who))
    bought = 80 + richer * mood[who] + slope * score + 4.0 * quarter
    bought = bought + noise * rng.normal(size=len(who))
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in who],
            "period": [f"2024Q{i + 1}" for i in quarter],
            "period_index": quarter,
            "tenure_months": 3.0 * quarter + who % 11,
            "left": False,
            "spend": bought,
            "margin": 0.4 * bought,
            "csat_score": score.astype(float),
            "csat_age_days": 30.0,
            "segment": np.where(who % 2 == 0, "family", "single"),
        }
    )
    frame["previous_spend"] = frame.groupby("customer_id")["spend"].shift()
    return frame


def no_surveys() -> pd.DataFrame:
    names = ["response_id", "customer_id", "instrument", "invited_on", "answered_on", "score"]
    return pd.DataFrame({name: pd.Series(dtype=object) for name in names})


def study_of(frame: pd.DataFrame, **options: Any) -> SpendStudy:
    return study_spend(frame, no_surveys(), "EUR", **options)


def ladder_of(frame: pd.DataFrame) -> Ladder:
    return fit_ladders(panel_rows(frame), UNIT)[0]


def slope_of(rung: Rung | NotEstimable) -> Estimate:
    assert isinstance(rung, Rung)
    return rung.slope


def as_money(estimate: object) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


def test_each_customer_against_itself_finds_the_slope() -> None:
    study = study_of(company(slope=5))
    assert slope_of(study.spend.fixed_effects).value == pytest.approx(5)
    assert slope_of(study.margin.fixed_effects).value == pytest.approx(2)
    assert slope_of(study.spend.raw).value > 10


def test_groups_are_taken_out_as_their_dummies_are() -> None:
    rng = np.random.default_rng(4)
    n = 500
    first, second = rng.integers(0, 5, n), rng.integers(0, 7, n)
    number = rng.gamma(2, 30, n)
    x = number / 50 + first + rng.normal(size=n)
    y = 3 * x + second + rng.normal(size=n)
    blocks = [dummies(codes, tuple("abcdefg"), "d")[0] for codes in (first, second)]
    design = np.column_stack([np.ones(n), x, *blocks, number])
    names = tuple(f"x{i}" for i in range(design.shape[1]))
    whole = fit_least_squares(y, design, names, "classical")
    held = Held((("first", first), ("second", second)), (("number", number),))
    (y_left, x_left), _ = take_out([y, x], held)
    assert y_left @ x_left / (x_left @ x_left) == pytest.approx(whole.coefficients[1], rel=1e-10)


def test_columns_that_determine_one_another_change_nothing() -> None:
    rng = np.random.default_rng(4)
    group = rng.integers(0, 4, 300)
    x = group + rng.normal(size=300)
    once = take_out([x], Held((("a", group),)))[0][0]
    number = 2.0 * group
    twice = take_out([x], Held((("a", group), ("b", 3 - group)), (("c", number),)))[0][0]
    assert twice == pytest.approx(once, abs=1e-9)


def test_periods_that_no_customer_connects_are_compared_within() -> None:
    customer = np.repeat(np.arange(40), 2)
    period = np.where(customer < 20, 0, 2) + np.tile([0, 1], 40)
    rng = np.random.default_rng(2)
    x = rng.normal(size=80)
    y = 4 * x + 3.0 * period + np.repeat(rng.normal(size=40), 2)
    fit = fit_within(y, [x], ("x",), customer, period)
    assert fit.coefficients[0] == pytest.approx(4)


def test_equal_weights_are_none() -> None:
    rows = panel_rows(company(noise=10))
    plain = fit_within(rows.spend, [rows.score], ("s",), rows.customer, rows.period)
    weighted = fit_within(
        rows.spend, [rows.score], ("s",), rows.customer, rows.period, np.full(rows.n, 3.0)
    )
    assert weighted.coefficients == pytest.approx(plain.coefficients)
    assert weighted.standard_errors == pytest.approx(plain.standard_errors)


def test_leaving_period_stays_in_with_its_zero() -> None:
    frame = company(slope=5)
    last = frame["period_index"] == PERIODS - 1
    gone = last & (frame["customer_id"] < "C010")
    study = study_of(frame.assign(left=gone, spend=frame["spend"].where(~gone, 0.0)))
    assert not isinstance(study.rows, NotEstimable)
    assert study.rows.left.sum() == 10
    assert (study.rows.spend[study.rows.left] == 0).all()


def test_share_surviving_has_an_interval() -> None:
    share = as_money(ladder_of(company(slope=5, noise=10)).share_surviving)
    assert share.lower is not None
    assert share.upper is not None
    assert share.lower < share.value < share.upper < 1


def test_age_of_answers_is_chosen_by_the_caller() -> None:
    frame = company()
    frame.loc[frame["period_index"] == 3, "csat_age_days"] = 200.0
    young, old = study_of(frame, oldest_answer_days=100), study_of(frame)
    assert not isinstance(young.rows, NotEstimable)
    assert not isinstance(old.rows, NotEstimable)
    assert old.rows.n - young.rows.n == young.rows.left_out_stale == 60
    assert young.oldest_answer_days == 100


def test_customers_whose_score_changes_are_counted() -> None:
    frame = company()
    frame.loc[frame["customer_id"] < "C025", "csat_score"] = 3.0
    others = frame[(frame["customer_id"] >= "C025") & frame["previous_spend"].notna()]
    moving = (others.groupby("customer_id")["csat_score"].nunique() > 1).sum()
    assert panel_rows(frame).changing_customers == moving


def test_a_selection_of_rows_codes_customers_and_periods_anew() -> None:
    rows = panel_rows(company())
    part = rows.select((rows.customer >= 20) & (rows.period > 0))
    assert (part.customers, part.n) == (40, 40 * (PERIODS - 2))
    assert part.customer_ids[0] == "C020"
    assert part.period_labels == ("2024Q3", "2024Q4", "2024Q5", "2024Q6")
    with pytest.raises(CannotEstimate, match="Fewer than 30"):
        rows.select(rows.customer < 12)


# What must not change the answer ------------------------------------------------------------


def numbers(study: SpendStudy) -> dict[str, float]:
    rungs = {rung.id: rung.slope for rung in study.spend.rungs if isinstance(rung, Rung)}
    assert len(rungs) == 4
    assert not isinstance(study.feedback, NotEstimable)
    named = {**rungs, "share": study.spend.share_surviving, "feedback": study.feedback.slope}
    named |= {"between": study.spend.between, "margin": slope_of(study.margin.fixed_effects)}
    return {
        f"{name} {part}": getattr(estimate, part)
        for name, estimate in named.items()
        for part in ("value", "lower", "upper")
    }


@pytest.fixture(scope="module")
def noisy() -> pd.DataFrame:
    return company(noise=10)


def test_order_of_rows_does_not_matter(noisy: pd.DataFrame) -> None:
    mixed = noisy.sample(frac=1, random_state=5)
    assert numbers(study_of(mixed)) == pytest.approx(numbers(study_of(noisy)))


def test_names_of_customers_do_not_matter(noisy: pd.DataFrame) -> None:
    order = {name: f"X{i * 37 % 60:02d}" for i, name in enumerate(noisy["customer_id"].unique())}
    renamed = noisy.assign(customer_id=noisy["customer_id"].map(order))
    assert numbers(study_of(renamed)) == pytest.approx(numbers(study_of(noisy)))


def test_money_in_another_unit_scales_slopes_and_leaves_shares(noisy: pd.DataFrame) -> None:
    columns = ["spend", "margin", "previous_spend"]
    cents = noisy.assign(**{name: 100 * noisy[name] for name in columns})
    before, after = numbers(study_of(noisy)), numbers(study_of(cents))
    expected = {
        name: value * (1 if name.startswith("share") else 100) for name, value in before.items()
    }
    assert after == pytest.approx(expected)


def test_what_is_constant_about_a_customer_drops_out(noisy: pd.DataFrame) -> None:
    own = 500.0 * noisy["customer_id"].str[1:].astype(int)
    shifted = ladder_of(noisy.assign(spend=noisy["spend"] + own))
    assert slope_of(shifted.fixed_effects).value == pytest.approx(
        slope_of(ladder_of(noisy).fixed_effects).value
    )


def test_a_customer_seen_once_does_not_move_the_defended_slope(noisy: pd.DataFrame) -> None:
    stranger = noisy[noisy["period_index"] == 3].head(1)
    stranger = stranger.assign(customer_id="Z", csat_score=1.0, spend=9e4, previous_spend=1.0)
    with_stranger = ladder_of(pd.concat([noisy, stranger]))
    assert slope_of(with_stranger.fixed_effects).value == pytest.approx(
        slope_of(ladder_of(noisy).fixed_effects).value
    )
    assert slope_of(with_stranger.raw).value < slope_of(ladder_of(noisy).raw).value


# Samples that bear no number ----------------------------------------------------------------


def one_respondent(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(csat_score=frame["csat_score"].where(frame["customer_id"] == "C000"))


DEGENERATE = {
    "no score": (lambda f: f.assign(csat_score=np.nan), "No customer has a known CSAT answer."),
    "no column": (lambda f: f.drop(columns="csat_score"), "No customer has a known CSAT answer."),
    "empty": (lambda f: f.head(0), "It is not known what customers spent in which period."),
    "stale": (lambda f: f.assign(csat_age_days=4000.0), "fresh"),
    "one respondent": (one_respondent, "Fewer than 30 customers"),
    "one period only": (lambda f: f.assign(previous_spend=np.nan), "seen in two periods running"),
    "no spend": (lambda f: f.assign(spend=0.0, margin=0.0), "Nobody spent anything"),
    "alike": (lambda f: f.assign(csat_score=4.0), "Every CSAT answer is the same"),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_a_reason_stands_in_place_of_every_number(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, reason = DEGENERATE[case]
    study = study_of(spoil(company()))
    assert isinstance(study.rows, NotEstimable)
    for value in (*study.spend.rungs, *study.margin.rungs, study.feedback, study.control):
        assert isinstance(value, NotEstimable)
        assert reason in value.reason
    texts = shown(study, monkeypatch)
    assert texts
    assert all(reason in text for text in texts)


def test_scores_that_never_change_leave_only_the_raw_comparison() -> None:
    frame = company(noise=10)
    first = frame.groupby("customer_id")["csat_score"].transform("first")
    study = study_of(frame.assign(csat_score=first))
    assert isinstance(study.spend.raw, Rung)
    assert isinstance(study.spend.fixed_effects, NotEstimable)
    assert "ever changed" in study.spend.fixed_effects.reason
    assert isinstance(spend_findings.find_spend(study), NotEstimable)
    assert spend_findings.find_raw_slope(study) is None


def test_a_score_that_the_segment_tells_leaves_no_second_rung() -> None:
    frame = company(noise=10)
    told = frame.assign(csat_score=np.where(frame["segment"] == "family", 2.0, 4.0))
    ladder = ladder_of(told)
    assert isinstance(ladder.raw, Rung)
    assert isinstance(ladder.customer, NotEstimable)
    assert "determined by what is recorded" in ladder.customer.reason


# Words follow the data ----------------------------------------------------------------------


def shown(
    study: SpendStudy, monkeypatch: pytest.MonkeyPatch, disclosure: Disclosure = OPEN
) -> list[str]:
    """Everything that the notebook argues with of a study, but for its worth."""
    texts: list[str] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        texts.append(data.get("text/html") or data.get("text/plain", ""))

    monkeypatch.setattr(output, "publish_output", publish)
    spend_words.show_rows(study, disclosure)
    spend_figures.show_ladder_figure(study)
    spend_tables.show_ladder_table(study, disclosure)
    spend_tables.show_accounts(study)
    spend_words.show_surviving(study)
    spend_words.show_trust(study)
    return texts


def finding_of(study: SpendStudy) -> Finding:
    finding = spend_findings.find_spend(study)
    assert isinstance(finding, Finding)
    return finding


def test_sentences_follow_the_sign() -> None:
    assert "higher per quarter" in finding_of(study_of(company(slope=9, noise=10))).sentence
    less = finding_of(study_of(company(slope=-9, noise=10)))
    assert "spend is lower" in less.sentence
    assert less.estimates["slope"].value < 0
    assert "cannot be told" in finding_of(study_of(company(slope=0, noise=40))).sentence


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"slope": 5, "richer": 20, "noise": 10}, "overstates"),
        ({"slope": 9, "richer": -5, "noise": 5}, "understates"),
        ({"slope": -9, "richer": 40, "noise": 10}, "turns"),
    ],
)
def test_a_raw_figure_that_misleads_is_a_finding(options: dict[str, float], kind: str) -> None:
    finding = spend_findings.find_raw_slope(study_of(company(**options)))
    assert finding is not None
    assert finding.id == f"raw-slope-{kind}"
    assert (finding.label, finding.money) == ("description", None)


def test_a_raw_figure_that_holds_up_is_none() -> None:
    study = study_of(company(slope=5, richer=0, noise=10))
    assert spend_findings.find_raw_slope(study) is None
    assert "holds up" in str(spend_words.word_surviving(study.spend))


def test_a_defended_slope_known_only_roughly_accuses_nobody() -> None:
    study = study_of(company(slope=5, richer=20, noise=10))
    assert isinstance(study.spend.difference, Estimate)
    wide = replace(study.spend.difference, lower=-1.0)
    rough = replace(study, spend=replace(study.spend, difference=wide))
    assert spend_findings.find_raw_slope(rough) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slope": 5, "richer": 20, "noise": 10}, "consistent with"),
        ({"slope": 0, "richer": 20, "noise": 30}, "cannot be told"),
        ({"slope": -9, "richer": 40, "noise": 10}, "The sign turns"),
        ({"slope": 9, "richer": -5, "noise": 5}, "stronger within"),
    ],
)
def test_what_survives_is_worded_by_its_interval(options: dict[str, float], words: str) -> None:
    assert words in str(spend_words.word_surviving(ladder_of(company(**options))))


def test_a_sign_that_turns_is_announced_with_reason_and_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = company(slope=-9, richer=40, noise=10)
    before = study_of(frame).spend.sign_flips
    assert before == (("customer", "history"),)
    study = study_of(frame.assign(previous_spend=100.0))
    assert study.spend.sign_flips == (("history", "fixed_effects"),)
    said = " ".join(shown(study, monkeypatch))
    assert "The sign changes between" in said
    assert "higher on average differ in spend by" in said
    assert "the defended comparison answers it" in said


def test_the_thing_that_turned_a_sign_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = company(slope=5, richer=0, noise=5)
    poor = frame["segment"] == "single"
    frame["csat_score"] += 2.0 * poor
    frame["spend"] -= 200.0 * poor - 10.0 * poor
    frame["previous_spend"] -= 200.0 * poor
    study = study_of(frame)
    assert study.spend.sign_flips == (("raw", "customer"),)
    said = " ".join(shown(study, monkeypatch))
    assert "Customers with higher answers differ in segment, and that alone accounts for −€" in said


def test_feedback_is_no_evidence_or_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = company(noise=10)
    assert "no evidence that spend moves scores" in " ".join(shown(study_of(frame), monkeypatch))
    spent = frame.groupby("customer_id")["spend"].shift()
    moved = frame["csat_score"] + (spent - spent.mean()).fillna(0) / 20
    warned = " ".join(shown(study_of(frame.assign(csat_score=moved)), monkeypatch))
    assert "read the defended figure with care" in warned


def test_negative_control_looks_at_answers_given_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = company(noise=10, customers=200)
    quiet = study_of(frame)
    assert "no association between spend and an answer given after" in " ".join(
        shown(quiet, monkeypatch)
    )
    before_last = frame.groupby("customer_id")["spend"].shift(2)
    moved = frame["csat_score"] + (before_last - before_last.mean()).fillna(0) / 15
    loud = study_of(frame.assign(csat_score=moved))
    assert "something else is at work" in " ".join(shown(loud, monkeypatch))
    stale = study_of(frame.assign(csat_age_days=200.0))
    assert isinstance(stale.control, NotEstimable)


def test_controls_are_named_as_far_as_they_are_there() -> None:
    assert spend_words.rung_name("customer", study_of(company())) == "+ segment, tenure, period"
    plain = study_of(company().drop(columns="segment"))
    assert spend_words.rung_name("customer", plain) == "+ tenure, period"


def test_counts_of_few_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = company(noise=10)
    frame.loc[frame.index[7], "csat_score"] = np.nan
    texts = shown(study_of(frame), monkeypatch, Disclosure(enabled=True))
    assert "fewer than eight without an answer" in texts[0]


def few_changes(customers: int) -> pd.DataFrame:
    """Scores that change for some customers only."""
    frame = company(noise=10, customers=90)
    first = frame.groupby("customer_id")["csat_score"].transform("first")
    changes = frame["customer_id"].isin([f"C{i:03d}" for i in range(customers)])
    return frame.assign(csat_score=frame["csat_score"].where(changes, first))


def test_few_who_change_are_too_few_to_compare_with_themselves() -> None:
    # All ninety count as clusters, so an interval from twenty would be far too narrow.
    ladder = ladder_of(few_changes(20))
    assert isinstance(ladder.raw, Rung)
    assert isinstance(ladder.fixed_effects, NotEstimable)
    assert "changes for fewer than 30 customers" in ladder.fixed_effects.reason
    rows = panel_rows(few_changes(40))
    slope = slope_of(fit_ladders(rows, UNIT)[0].fixed_effects)
    assert rows.changing_customers == 40
    assert slope.n == 90
    fit = fit_within(rows.spend, [rows.score], ("score",), rows.customer, rows.period)
    moved = take_out_customers_and_periods([rows.score], rows.customer, rows.period)
    effective = effective_customers(moved[0], rows.customer)
    assert 20 < effective < 40
    assert fit.degrees_of_freedom == pytest.approx(effective - 1)
    assert slope.upper is not None
    half = t_quantile(0.95, effective - 1) * float(fit.standard_errors[0])
    assert slope.upper - slope.value == pytest.approx(half)


def test_a_fee_that_never_changes_goes_with_nothing() -> None:
    frame = company()
    fee = frame["customer_id"].map(lambda name: 20.0 + int(name[1:]) % 3)
    ladder = ladder_of(frame.assign(spend=fee, margin=0.4 * fee, previous_spend=fee))
    assert isinstance(ladder.raw, Rung)
    assert isinstance(ladder.history, NotEstimable)
    assert isinstance(ladder.fixed_effects, NotEstimable)
    assert "spend ever changes" in ladder.fixed_effects.reason
    assert ladder.sign_flips == ()
    alike = attempt(panel_rows, frame.assign(spend=30.0))
    assert isinstance(alike, NotEstimable)
    assert "spent the same in every period" in alike.reason


def test_a_margin_that_never_varies_leaves_the_spend() -> None:
    study = study_of(company(noise=10).assign(margin=0.0))
    assert isinstance(study.spend.fixed_effects, Rung)
    assert isinstance(study.margin.fixed_effects, NotEstimable)


def test_a_sign_that_turns_over_a_rung_without_one_is_announced() -> None:
    raw, middle, _, own = ladder_of(company(slope=-9, richer=40, noise=10)).rungs
    assert isinstance(raw, Rung)
    assert isinstance(middle, Rung)
    assert isinstance(own, Rung)
    vague = replace(middle, slope=replace(middle.slope, lower=-99.0, upper=99.0))
    assert find_sign_flips((raw, vague, own)) == (("raw", "fixed_effects"),)


def test_a_defended_slope_that_may_be_zero_turns_nothing() -> None:
    study = study_of(company(slope=5, richer=20, noise=10))
    own = study.spend.fixed_effects
    assert isinstance(own, Rung)
    vague = replace(own, slope=replace(own.slope, value=-0.1, lower=-3.0, upper=2.8))
    finding = spend_findings.find_raw_slope(
        replace(study, spend=replace(study.spend, fixed_effects=vague))
    )
    assert finding is not None
    assert finding.id == "raw-slope-overstates"


def test_lower_spend_of_the_satisfied_is_not_called_higher() -> None:
    said = str(spend_words.word_surviving(ladder_of(company(slope=-5, richer=-20, noise=10))))
    assert "spending less anyway" in said
    assert "spending more" not in said


def test_a_raw_slope_that_may_be_zero_is_not_said_to_leave_nothing() -> None:
    ladder = ladder_of(company(slope=0, richer=0, noise=40))
    assert isinstance(ladder.share_surviving, NotEstimable)
    assert "cannot be said which share" in ladder.share_surviving.reason


def test_assumption_says_when_a_check_speaks_against_it() -> None:
    frame = company(noise=10)
    assert "speaks against" not in finding_of(study_of(frame)).assumption
    spent = frame.groupby("customer_id")["spend"].shift()
    moved = frame["csat_score"] + (spent - spent.mean()).fillna(0) / 20
    loud = finding_of(study_of(frame.assign(csat_score=moved)))
    assert "A check speaks against that" in loud.assumption
    assert "The money is" not in loud.assumption
    unchecked = replace(
        study_of(frame), feedback=NotEstimable("none"), control=NotEstimable("none")
    )
    assert "do not allow a check" in finding_of(unchecked).assumption


def test_customers_seen_once_are_not_said_to_have_no_answer() -> None:
    frame = company(noise=10)
    once = frame["period_index"] > 0
    later = frame["customer_id"] >= "C020"
    unseen = attempt(
        panel_rows, frame.assign(previous_spend=frame["previous_spend"].mask(once & later))
    )
    assert isinstance(unseen, NotEstimable)
    assert "with a fresh CSAT answer are seen in two periods running" in unseen.reason


def test_negative_control_takes_no_answer_from_the_period_itself() -> None:
    # The shortest quarter has ninety days: an answer so old may stem from the period before.
    for age, known in ((88.0, True), (89.5, False)):
        control = study_of(company(noise=10).assign(csat_age_days=age)).control
        assert isinstance(control, NotEstimable) is not known


def test_a_check_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = study_of(company(noise=10).assign(csat_age_days=200.0))
    said = shown(stale, monkeypatch)
    assert any("Negative control: " in text for text in said)


def test_what_the_audit_found_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(
        output, "publish_output", lambda data, metadata=None: texts.append(data["text/plain"])
    )
    frame = company(noise=10)
    spend_findings.show_audit(study_of(frame), OPEN)
    staying = study_of(frame.assign(left=frame["period_index"] == 2, segment=frame.index % 2))
    spend_findings.show_audit(replace(staying, audit=()), OPEN)
    spend_findings.show_audit(
        study_of(frame.assign(csat_score=np.nan, left=frame.index == 3)), OPEN
    )
    outside = AuditRemark("x", "caution", "Some.", {"customers": 3})
    spend_findings.show_audit(replace(staying, audit=(outside,)), Disclosure(enabled=True))
    assert "Nobody leaves in these periods" in texts[0]
    assert "nothing to remark on (" in texts[1]
    assert "without rows" in texts[2]
    assert texts[3] == "Design audit: Some. Customers concerned: fewer than eight."
