"""Spend on satisfaction: known slopes, degenerate samples, and what must not change the answer."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.spending import Rung, SpendStudy, StepMeans, study_spend
from analysis.presentation import output, spend

OPEN = Disclosure(enabled=False)
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


def study_of(frame: pd.DataFrame, **options: Any) -> SpendStudy:
    return study_spend(frame, "EUR", discount_rate_annual=0.1, horizon_months=12, **options)


def slope_of(rung: Rung | NotEstimable) -> Estimate:
    assert isinstance(rung, Rung)
    return rung.slope


def as_money(estimate: object) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


def test_each_customer_against_itself_finds_the_slope() -> None:
    study = study_of(company(slope=5))
    assert slope_of(study.fixed_effects).value == pytest.approx(5)
    assert slope_of(study.raw).value > 10


def test_levels_by_score_are_contrasts_within_customers() -> None:
    study = study_of(company(slope=5))
    assert isinstance(study.steps, StepMeans)
    assert isinstance(study.steps.own, tuple)
    assert np.diff([level.value for level in study.steps.own]) == pytest.approx([5, 5, 5, 5])
    assert not isinstance(study.rows, NotEstimable)
    shares = [np.mean(study.rows.score == score) for score in study.steps.scores]
    overall = sum(s * level.value for s, level in zip(shares, study.steps.own, strict=True))
    assert overall == pytest.approx(study.rows.outcome.mean())
    assert study.steps.raw[-1].value - study.steps.raw[0].value > 40


def test_levels_that_no_change_of_score_connects_are_not_given() -> None:
    frame = company()
    two_worlds = np.where(frame["customer_id"] < "C030", 0, 2)
    score = 1 + two_worlds + frame["period_index"] % 2
    study = study_of(frame.assign(csat_score=score.astype(float)))
    assert isinstance(study.steps, StepMeans)
    assert isinstance(study.steps.own, NotEstimable)
    _, alt = spend.draw_steps(study, OPEN)
    assert "between customers" in alt
    assert "over time" not in alt


def test_share_surviving_has_an_interval() -> None:
    study = study_of(company(slope=5, noise=10))
    share = as_money(study.share_surviving)
    assert share.lower is not None
    assert share.upper is not None
    assert share.lower < share.value < share.upper < 1


def test_horizon_is_worth_margin_of_those_active_at_the_end() -> None:
    frame = company(slope=5)
    gone = (frame["customer_id"] < "C010") & (frame["period_index"] == PERIODS - 1)
    study = study_of(frame.assign(left=gone, margin=0.1 * frame["spend"]))
    assert study.active_customers == 50
    assert as_money(study.worth_base).value == pytest.approx(5 * 50)
    assert as_money(study.worth_base).n == 50
    discounted = sum(1.1 ** (-months / 12) for months in (3, 6, 9, 12))
    assert as_money(study.worth_horizon).value == pytest.approx(0.5 * 50 * discounted)


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
    rows = study_of(frame).rows
    assert not isinstance(rows, NotEstimable)
    others = frame[(frame["customer_id"] >= "C025") & frame["previous_spend"].notna()]
    moving = (others.groupby("customer_id")["csat_score"].nunique() > 1).sum()
    assert rows.changing_customers == moving


# What must not change the answer ------------------------------------------------------------


def numbers(study: SpendStudy) -> dict[str, float]:
    rungs = {rung.id: rung.slope for rung in study.rungs if isinstance(rung, Rung)}
    assert len(rungs) == 4
    named = {**rungs, "share": study.share_surviving, "feedback": study.feedback}
    named |= {"base": study.worth_base, "horizon": study.worth_horizon}
    assert isinstance(study.steps, StepMeans)
    assert isinstance(study.steps.own, tuple)
    named |= {f"own {i}": level for i, level in enumerate(study.steps.own)}
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
    shifted = study_of(noisy.assign(spend=noisy["spend"] + own))
    assert slope_of(shifted.fixed_effects).value == pytest.approx(
        slope_of(study_of(noisy).fixed_effects).value
    )


def test_a_customer_seen_once_does_not_move_the_defended_slope(noisy: pd.DataFrame) -> None:
    stranger = noisy[noisy["period_index"] == 3].head(1)
    stranger = stranger.assign(customer_id="Z", csat_score=1.0, spend=9e4, previous_spend=1.0)
    study = study_of(pd.concat([noisy, stranger]))
    assert slope_of(study.fixed_effects).value == pytest.approx(
        slope_of(study_of(noisy).fixed_effects).value
    )
    assert slope_of(study.raw).value < slope_of(study_of(noisy).raw).value


# Samples that bear no number ----------------------------------------------------------------


def one_respondent(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(csat_score=frame["csat_score"].where(frame["customer_id"] == "C000"))


DEGENERATE = {
    "no score": (lambda f: f.assign(csat_score=np.nan), "No customer has a known CSAT answer."),
    "no column": (lambda f: f.drop(columns="csat_score"), "No customer has a known CSAT answer."),
    "empty": (lambda f: f.head(0), "No customer has a known CSAT answer."),
    "stale": (lambda f: f.assign(csat_age_days=4000.0), "fresh"),
    "one respondent": (one_respondent, "Fewer than 30 customers"),
    "no spend": (lambda f: f.assign(spend=0.0, margin=0.0), "Nobody spent anything"),
    "alike": (lambda f: f.assign(csat_score=4.0), "Every CSAT answer is the same"),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_a_reason_stands_in_place_of_every_number(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, reason = DEGENERATE[case]
    study = study_of(spoil(company()))
    for field in fields(study):
        value = getattr(study, field.name)
        if isinstance(value, NotEstimable):
            assert reason in value.reason
    assert all(isinstance(rung, NotEstimable) for rung in study.rungs)
    texts = shown(study, monkeypatch)
    assert texts
    assert all(reason in text for text in texts)


def test_scores_that_never_change_leave_only_the_raw_comparison() -> None:
    frame = company(noise=10)
    first = frame.groupby("customer_id")["csat_score"].transform("first")
    study = study_of(frame.assign(csat_score=first))
    assert isinstance(study.raw, Rung)
    assert isinstance(study.fixed_effects, NotEstimable)
    assert "ever changed" in study.fixed_effects.reason
    assert isinstance(spend.find_spend(study), NotEstimable)
    assert spend.find_raw_slope(study) is None


def test_nobody_left_at_the_end_is_worth_no_number() -> None:
    frame = company()
    study = study_of(frame.assign(left=frame["period_index"] == PERIODS - 1))
    assert isinstance(study.worth_base, NotEstimable)
    assert isinstance(study.worth_horizon, NotEstimable)
    finding = spend.find_spend(study)
    assert isinstance(finding, Finding)
    assert finding.money is None


# Words follow the data ----------------------------------------------------------------------


def shown(
    study: SpendStudy, monkeypatch: pytest.MonkeyPatch, disclosure: Disclosure = OPEN
) -> list[str]:
    """Everything that the notebook shows of a study."""
    texts: list[str] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        texts.append(data.get("text/html") or data.get("text/plain", ""))

    monkeypatch.setattr(output, "_publish", publish)
    spend.show_rows(study, disclosure)
    spend.show_ladder_figure(study)
    spend.show_ladder_table(study, disclosure)
    spend.show_surviving(study)
    spend.show_findings(study, disclosure)
    spend.show_trust(study)
    spend.show_steps_figure(study, disclosure)
    spend.show_worth(study, disclosure)
    return texts


def finding_of(study: SpendStudy) -> Finding:
    finding = spend.find_spend(study)
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
    study = study_of(company(**options))
    finding = spend.find_raw_slope(study)
    assert finding is not None
    assert finding.id == f"raw-slope-{kind}"
    assert (finding.label, finding.money) == ("description", None)


def test_a_raw_figure_that_holds_up_is_none() -> None:
    study = study_of(company(slope=5, richer=0, noise=10))
    assert spend.find_raw_slope(study) is None
    assert "holds up" in str(spend.word_surviving(study))


def test_a_defended_slope_known_only_roughly_accuses_nobody() -> None:
    study = study_of(company(slope=5, richer=20, noise=10))
    assert isinstance(study.difference, Estimate)
    rough = replace(study, difference=replace(study.difference, lower=-1.0))
    assert spend.find_raw_slope(rough) is None


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
    assert words in str(spend.word_surviving(study_of(company(**options))))


def test_feedback_is_no_evidence_or_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = company(noise=10)
    assert "no evidence that spend moves scores" in " ".join(shown(study_of(frame), monkeypatch))
    spent = frame.groupby("customer_id")["spend"].shift()
    moved = frame["csat_score"] + (spent - spent.mean()).fillna(0) / 20
    warned = " ".join(shown(study_of(frame.assign(csat_score=moved)), monkeypatch))
    assert "read the defended figure with care" in warned


def test_controls_are_named_as_far_as_they_are_there() -> None:
    assert spend.rung_name("customer", study_of(company())) == "+ segment, tenure, period"
    plain = study_of(company().drop(columns="segment"))
    assert spend.rung_name("customer", plain) == "+ tenure, period"


def test_scores_given_by_few_are_withheld() -> None:
    frame = company(noise=10)
    few = frame["csat_score"].where(frame["csat_score"] < 5, 4.0)
    few[frame["customer_id"].isin(["C003", "C004"])] = 5.0
    study = study_of(frame.assign(csat_score=few))
    _, closed_alt = spend.draw_steps(study, Disclosure(enabled=True))
    _, open_alt = spend.draw_steps(study, OPEN)
    assert "CSAT 5" in open_alt
    assert "CSAT 5" not in closed_alt


def test_money_of_few_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = company(noise=10)
    last = frame["period_index"] == PERIODS - 1
    study = study_of(frame.assign(left=last & (frame["customer_id"] > "C004")))
    assert study.active_customers == 5
    assert "fewer than eight" in shown(study, monkeypatch, Disclosure(enabled=True))[-1]
