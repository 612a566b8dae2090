"""Verdicts follow intervals, each claim is read as it is said, and nothing is typed."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.lifetime_value.retention_worth import RetentionGain, RetentionWorth
from analysis.methods.programme_effect.results import LABELS, NaiveFigures, ProgrammeStudy
from analysis.methods.received_wisdom import claims
from analysis.methods.received_wisdom.channels import consistent_channels
from analysis.methods.received_wisdom.claims import Claim, Published
from analysis.methods.received_wisdom.contact_answers import answered_contacts
from analysis.methods.received_wisdom.costs import winning_against_keeping
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import CompanyRecords, Ledger, demand
from analysis.methods.received_wisdom.recovery import called_back, recovered_spend
from analysis.methods.received_wisdom.referrals import referrals_by_promoters
from analysis.methods.received_wisdom.repeat_buyers import (
    later_half_year,
    nearest_half_year,
    paired_rise,
)
from analysis.methods.received_wisdom.retention import WITHOUT_END, retention_lift
from analysis.methods.received_wisdom.service import fast_replies, less_effort
from analysis.methods.received_wisdom.spend import mind_price_less
from analysis.methods.received_wisdom.staying import (
    categories_hold,
    early_against_late,
    rate_ratio,
)
from analysis.methods.received_wisdom.study import ReceivedWisdom, Row, with_holm
from analysis.methods.received_wisdom.verdicts import judge
from analysis.presentation import output, received_wisdom

FIRST, AS_OF = dt.date(2022, 1, 1), dt.date(2025, 12, 31)
EMPTY = pd.DataFrame()
MONTH = 30.4375


def day(number: Any) -> Any:
    """Days after the first as dates; not a number as missing."""
    offsets = np.asarray(number, dtype=float)
    whole = np.where(np.isfinite(offsets), offsets, 0).astype("timedelta64[D]")
    dates = np.datetime64(FIRST, "D") + whole
    return np.where(np.isfinite(offsets), dates, np.datetime64("NaT")).astype("datetime64[ns]")


def records(**tables: pd.DataFrame) -> CompanyRecords:
    names = (
        "customers", "transactions", "surveys", "contacts", "programmes", "marketing", "lifetimes",
    )  # fmt: skip
    return CompanyRecords(
        **{name: tables.get(name, EMPTY) for name in names},
        first_day=FIRST, as_of=AS_OF, currency="EUR",
    )  # fmt: skip


def lifetimes(start: Any, months: Any, ended: Any, **more: Any) -> pd.DataFrame:
    n = len(start)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(n)], "spell": 1, "started_on": day(start),
            "entry_months": 0.0, "exit_months": np.asarray(months, float),
            "ended": np.asarray(ended, bool), **more,
        }
    )  # fmt: skip


def survey(customer: Any, instrument: str, number: Any, score: Any, **more: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "response_id": [f"{instrument}{i:05d}" for i in range(len(customer))],
            "customer_id": customer, "instrument": instrument, "invited_on": day(number),
            "answered_on": day(number), "score": np.asarray(score, float), **more,
        }
    )  # fmt: skip


def orders(customer: Any, number: Any, amount: Any, **more: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "transaction_id": [f"T{i:06d}" for i in range(len(customer))],
            "customer_id": customer, "occurred_on": day(number),
            "amount": np.asarray(amount, float), **more,
        }
    )  # fmt: skip


def given(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, "share", 100, "given")


# --- verdicts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "published", "word"),
    [
        (0.30, 0.40, Published(0.25, 0.95, "share"), "holds"),
        (0.10, 0.26, Published(0.25, 0.95, "share"), "holds"),
        (0.10, 0.20, Published(0.25, 0.95, "share"), "weaker"),
        (0.97, 1.20, Published(0.25, 0.95, "share"), "stronger"),
        (0.10, 0.20, None, "holds"),
        (-0.20, -0.10, None, "not supported"),
        (-0.20, -0.10, Published(0.25, 0.95, "share"), "not supported"),
        (-0.04, 0.04, None, "not supported"),
        (-0.20, 0.30, None, "cannot be tested here"),
        (-0.20, 0.04, None, "not supported"),
        # Power for what matters is not enough where the interval holds it.
        (-0.005, 0.062, None, "cannot be tested here"),
    ],
)
def test_a_verdict_follows_from_the_interval(
    low: float, high: float, published: Published | None, word: str
) -> None:
    reading = Reading(given((low + high) / 2, low, high), "association", smallest=0.06)
    assert judge(reading, published).word == word


def test_a_claim_that_something_is_lower_is_judged_on_the_other_side() -> None:
    less = Reading(given(0.75, 0.70, 0.81), "association", 1.0, -1, 0.1, is_ratio=True)
    more = Reading(given(1.30, 1.10, 1.50), "association", 1.0, -1, 0.1, is_ratio=True)
    assert judge(less, None).word == "holds"
    assert judge(more, None).word == "not supported"


def test_what_could_have_been_missed_is_said() -> None:
    verdict = judge(Reading(given(0.05, -0.2, 0.3), "association", smallest=0.06), None)
    error = 0.25 / 1.959964
    assert verdict.detectable == pytest.approx((1.959964 + 0.841621) * error, rel=1e-5)
    assert "large enough to matter" in verdict.needs


def test_a_reason_stands_as_what_is_needed() -> None:
    verdict = judge(NotEstimable("Needs x.y."), None)
    assert (verdict.word, verdict.needs) == ("cannot be tested here", "Needs x.y.")
    bare = Reading(Estimate(1.0, None, None, "share", 9, "given"), "description")
    assert judge(bare, None).word == "cannot be tested here"


def test_arithmetic_is_not_tested_for_chance() -> None:
    reading = Reading(given(-0.1, -0.2, 0.1), "description", None)
    assert reading.p_value is None
    assert judge(reading, Published(0.25, 0.95, "share")).word == "weaker"


def test_p_value_comes_from_the_interval_on_its_scale() -> None:
    half = 1.959964 * 0.2
    ratio = given(math.exp(0.5), math.exp(0.5 - half), math.exp(0.5 + half))
    reading = Reading(ratio, "association", 1.0, 1, 0.1, is_ratio=True)
    assert reading.p_value == pytest.approx(math.erfc(2.5 / math.sqrt(2)), rel=1e-4)


def test_p_values_are_corrected_over_the_rows_that_test_something() -> None:
    claim = claims.STAY
    rows = tuple(
        Row(claim, NotEstimable("x"), judge(NotEstimable("x"), None), p_value=p)
        for p in (0.01, None, 0.04, 0.03)
    )
    assert [row.p_value_holm for row in with_holm(rows)] == [
        pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06),
    ]  # fmt: skip


def test_under_no_difference_hardly_any_claim_holds() -> None:
    rng = np.random.default_rng(3)
    words = []
    for value in rng.normal(0, 0.1, 2000):
        reading = Reading(given(value, value - 0.196, value + 0.196), "association", smallest=0.6)
        words.append(judge(reading, None).word)
    assert words.count("holds") / 2000 == pytest.approx(0.025, abs=0.011)
    assert words.count("cannot be tested here") == 0


# --- the catalogue ----------------------------------------------------------------------------


def catalogue() -> list[Claim]:
    named = [value for value in vars(claims).values() if isinstance(value, Claim)]
    return [*named, *claims.OTHERS]


def test_every_claim_has_a_source_and_says_what_is_compared() -> None:
    found = catalogue()
    assert len({claim.id for claim in found}) == len(found) == 21
    for claim in found:
        assert claim.source
        if claim.not_testable:
            assert not claim.measure
        else:
            assert claim.measure
            assert claim.compared
            assert claim.settled_by


def test_the_published_figures_are_those_printed() -> None:
    figures = {
        claim.id: (claim.published.low, claim.published.high)
        for claim in catalogue()
        if claim.published
    }
    assert figures == {
        "retention-five-points": (0.25, 0.95), "retention-five-per-cent": (0.25, 0.95),
        "repeat-buyers-spend-more": (0.67, 0.67), "service-investment-pays": (18.99, 18.99),
        "automation-speeds-orders": (3.5, 3.5), "service-matters-most": (0.73, 0.73),
        "companies-that-serve-well": (0.49, 0.49), "prefer-individual-approach": (0.80, 0.80),
        "trust-in-friends": (0.92, 0.92),
    }  # fmt: skip


# --- records ----------------------------------------------------------------------------------


def test_missing_columns_are_named() -> None:
    with pytest.raises(CannotEstimate, match=r"Needs customers\.referred_by, which"):
        demand(pd.DataFrame({"customer_id": ["a"]}), "customers", "customer_id", "referred_by")
    with pytest.raises(CannotEstimate, match="Needs surveys with score and answered_on, which"):
        demand(EMPTY, "surveys", "score", "answered_on")


def test_money_between_two_days_includes_the_first_only() -> None:
    ledger = Ledger.of(orders(["b", "a", "b", "b"], [3, 3, 5, 7], [1, 10, 100, 1000]))
    who = pd.Series(["b", "a", "z"])
    opens, closes = np.array([3, 0, 0]) + 18993, np.array([7, 9, 9]) + 18993
    assert np.datetime64(18993, "D") == np.datetime64(FIRST)
    assert ledger.between(who, opens, closes).tolist() == [101.0, 10.0, 0.0]


# --- retention --------------------------------------------------------------------------------


def worth(retention: float, rise: Any = "points") -> RetentionWorth:
    gain = RetentionGain(
        given(retention, retention - 0.02, retention + 0.02), retention + 0.05, False, 0.6, 1000.0,
        given(53.0, 50.0, 56.0), given(0.053, 0.050, 0.056), 500,
    )  # fmt: skip
    return RetentionWorth(rise, 24, NotEstimable("Nobody is new."), gain, 0)


def test_retention_without_end_is_the_sum_of_a_geometric_series() -> None:
    reading = retention_lift(worth(0.85), 0.10)
    assert reading.estimate.value == 0.053
    aside = reading.asides[WITHOUT_END]
    now, raised = (sum((r / 1.1) ** t for t in range(2000)) for r in (0.85, 0.90))
    assert aside.value == pytest.approx(raised / now - 1)
    assert aside.lower is not None
    assert aside.upper is not None
    assert aside.lower < aside.value < aside.upper
    assert judge(reading, claims.FIVE_POINTS.published).word == "weaker"
    assert claims.FIVE_POINTS.published is not None
    assert aside.value == pytest.approx(claims.FIVE_POINTS.published.low)


def test_retention_without_end_is_left_out_where_it_is_not_finite() -> None:
    assert WITHOUT_END not in retention_lift(worth(0.97), 0.0).asides
    nobody = replace(worth(0.9), active=NotEstimable("No active customers."))
    with pytest.raises(CannotEstimate, match="Nobody is new"):
        retention_lift(nobody, 0.1)


# --- repeat buyers ----------------------------------------------------------------------------


def test_a_rise_is_that_of_the_same_customers_together() -> None:
    rise = paired_rise(np.array([10.0, 20.0, 30.0]), np.array([20.0, 10.0, 60.0]))
    assert rise.value == pytest.approx(0.5)
    doubled = paired_rise(np.array([10.0, 20.0]), np.array([20.0, 40.0]))
    assert (doubled.value, doubled.lower, doubled.upper) == pytest.approx((1.0, 1.0, 1.0))


def buyers(last_month: float) -> CompanyRecords:
    """Forty who stay and spend 100 early, 150 late; ten who leave and never spend late."""
    start = np.arange(50.0)
    months = np.where(np.arange(50) < 40, last_month, 20.0)
    people = lifetimes(start, months, np.arange(50) >= 40)
    early, late = start + 30, start + 33 * MONTH
    who = np.tile(people["customer_id"].to_numpy(), 2)
    amount = np.concatenate([np.full(50, 100.0), np.full(50, 150.0)])
    bought = orders(who, np.concatenate([early, late]), amount)
    return records(customers=people, lifetimes=people, transactions=bought)


def test_later_spend_is_that_of_survivors() -> None:
    rise = later_half_year(buyers(40.0)).estimate
    assert (rise.value, rise.n) == (pytest.approx(0.5), 40)


def test_too_short_an_export_says_what_it_needs_and_what_can_be_seen() -> None:
    company = buyers(31.0)
    with pytest.raises(CannotEstimate, match=r"over their first 36 months; the export covers 48"):
        later_half_year(company)
    late = company.transactions.assign(
        occurred_on=company.transactions["occurred_on"] - pd.Timedelta(days=150)
    )
    who = np.repeat(company.lifetimes["customer_id"].to_numpy(), 1)
    early = orders(who, np.arange(50.0) + 30, np.full(50, 100.0))
    both = pd.concat([early, late[late["amount"] == 150]], ignore_index=True)
    last, reading = nearest_half_year(replace(company, transactions=both))
    assert last == 30
    assert reading.estimate.value == pytest.approx(0.5)


# --- leaving ----------------------------------------------------------------------------------


def test_early_losses_count_per_month_at_risk_with_delayed_entry() -> None:
    # 20 leave in month 5 of 100 (12 months of the others): late, 20 of 80 leave in month 24.
    months = np.concatenate([np.full(20, 5.0), np.full(20, 24.0), np.full(60, 36.0)])
    people = lifetimes(np.zeros(100), months, months < 36)
    ratio = early_against_late(records(lifetimes=people)).estimate
    early, late = 20 / (20 * 5 + 80 * 12), 20 / (20 * 12 + 60 * 24)
    assert ratio.value == pytest.approx(early / late)
    entered = people.assign(entry_months=np.where(months == 36, 12.0, 0.0))
    ratio = early_against_late(records(lifetimes=entered)).estimate
    assert ratio.value == pytest.approx(20 / (20 * 5 + 20 * 12) / late)


def test_months_in_which_no_loss_can_be_seen_do_not_count() -> None:
    months = np.concatenate([np.full(20, 8.0), np.full(20, 24.0), np.full(60, 36.0)])
    people = lifetimes(np.zeros(100), months, months < 36)
    company = replace(records(lifetimes=people), threshold_months=6.0)
    late = 20 / (20 * 12 + 60 * 24)
    ratio = early_against_late(company).estimate
    assert ratio.value == pytest.approx(20 / (20 * 2 + 80 * 6) / late)
    with pytest.raises(CannotEstimate, match="threshold is longer"):
        early_against_late(replace(company, threshold_months=12.0))


def test_a_ratio_of_rates_covers_where_customers_differ() -> None:
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(300):
        n = 150
        time = rng.exponential(10, 2 * n)
        first = np.repeat([1.0, 0.0], n)
        events = rng.poisson(
            time * 0.08 * np.where(first == 1, 1.5, 1) * np.tile(rng.gamma(2, 0.5, n), 2)
        )
        customers = pd.Series(np.tile(np.arange(n), 2))
        ratio = rate_ratio(
            (events * first, time * first), (events * (1 - first), time * (1 - first)),
            customers, "events",
        )  # fmt: skip
        assert ratio.lower is not None
        assert ratio.upper is not None
        hits.append(ratio.lower <= 1.5 <= ratio.upper)
    assert np.mean(hits) >= 0.91


def test_more_categories_are_set_beside_as_many_orders() -> None:
    rng = np.random.default_rng(5)
    n = 600
    kinds = rng.integers(1, 4, n)
    stays = 6 + rng.exponential(20 * 1.6 ** (kinds - 1))
    people = lifetimes(np.zeros(n), np.minimum(stays, 40), stays < 40)
    who = np.repeat(people["customer_id"].to_numpy(), 3)
    category = [f"k{min(i, k - 1)}" for k in kinds for i in range(3)]
    bought = orders(who, np.tile([10, 40, 90], n), np.full(3 * n, 5.0), category=category)
    ratio = categories_hold(records(lifetimes=people, transactions=bought)).estimate
    assert ratio.lower is not None
    assert ratio.upper is not None
    assert ratio.lower < 1 / 1.6 < ratio.upper
    later = bought.assign(occurred_on=bought["occurred_on"] + pd.Timedelta(days=400))
    with pytest.raises(CannotEstimate, match="does not vary"):
        categories_hold(records(lifetimes=people, transactions=later))


# --- referrals --------------------------------------------------------------------------------


def test_only_customers_brought_after_the_answer_and_before_leaving_count() -> None:
    n = 80
    names = [f"C{i:04d}" for i in range(n)]
    score = np.where(np.arange(n) < 40, 10, 7)
    ended = np.where(np.arange(n) % 2 == 0, 730.0, np.nan)
    # Everybody brings one before the answer (day 100), one after it, one on day 900.
    brought = pd.DataFrame(
        {
            "customer_id": [f"N{i:04d}" for i in range(3 * n)],
            "started_on": day(np.repeat([50.0, 400.0, 900.0], n)),
            "ended_on": day(np.full(3 * n, np.nan)),
            "referred_by": names * 3,
        }
    )
    # Ten promoters bring another one.
    extra = brought.iloc[n : n + 10].assign(customer_id=[f"X{i}" for i in range(10)])
    old = pd.DataFrame(
        {"customer_id": names, "started_on": day(np.zeros(n)), "ended_on": day(ended)}
    )
    company = records(
        customers=pd.concat([old, brought, extra], ignore_index=True),
        surveys=survey(names, "nps", np.full(n, 100.0), score),
    )
    # Those who left cannot be credited for day 900: 40 + 20 referrals of 40 others.
    assert referrals_by_promoters(company).estimate.value == pytest.approx(70 / 60)
    with pytest.raises(CannotEstimate, match=r"Needs customers\.referred_by"):
        referrals_by_promoters(replace(company, customers=old))


# --- costs ------------------------------------------------------------------------------------


def costly() -> CompanyRecords:
    """60 old customers of whom 10 leave in the last year, 40 new ones won at 50 each."""
    last = (AS_OF - FIRST).days
    start = np.concatenate([np.zeros(60), np.full(40, last - 100.0)])
    ended = np.arange(100) < 10
    months = np.where(ended, (last - 30) / MONTH, (last - start) / MONTH)
    people = lifetimes(start, months, ended)
    cost = np.where(np.arange(100) < 60, 999.0, 50 + np.tile([-10, 10], 50))
    names = people["customer_id"].to_numpy()
    contacts = pd.DataFrame(
        {
            "contact_id": [f"K{i}" for i in range(180)],
            "customer_id": np.tile(names[:60], 3),
            "opened_at": day(np.repeat([last - 500.0, last - 200.0, last - 20.0], 60)),
            "cost": 4.0,
            "compensation": np.where(np.arange(180) < 120, np.nan, 1.0),
        }
    )
    programmes = pd.DataFrame(
        {
            "programme_id": ["p"], "name": ["P"], "starts_on": day([last - 364.0]),
            "upfront_cost": [35.0], "monthly_cost": [10.0],
        }
    )  # fmt: skip
    return records(
        customers=people.assign(acquisition_cost=cost), lifetimes=people, contacts=contacts,
        programmes=programmes,
    )  # fmt: skip


def test_winning_is_set_against_a_year_of_keeping() -> None:
    company = costly()
    reading = winning_against_keeping(company)
    # 60 × (4 + 5) of contacts, 35 + 12 × 10 of programmes, 50 kept.
    assert reading.asides["keeping one for a year"].value == pytest.approx((540 + 155) / 50)
    assert reading.asides["winning one"].value == pytest.approx(50)
    assert reading.estimate.value == pytest.approx(50 / 13.9)
    of_segment = winning_against_keeping(replace(company, is_segment=True))
    assert of_segment.asides["keeping one for a year"].value == pytest.approx(540 / 50)
    assert "not in it" in of_segment.remark


def test_a_cost_recorded_of_others_is_no_reason_to_take_advertising() -> None:
    company = costly()
    blank = company.customers.assign(acquisition_cost=np.nan)
    with pytest.raises(CannotEstimate, match=r"Needs customers\.acquisition_cost, which"):
        winning_against_keeping(replace(company, customers=blank))


def test_a_column_made_from_another_is_no_evidence() -> None:
    company = effort(-0.3)
    csat = company.surveys["instrument"] == "csat"
    made = company.surveys["score"].where(~csat, 8 - company.surveys["score"].shift(300))
    with pytest.raises(CannotEstimate, match="follows from the other"):
        less_effort(replace(company, surveys=company.surveys.assign(score=made)))


def test_advertising_stands_in_where_no_cost_is_recorded_of_the_customer() -> None:
    company = costly()
    bare = replace(company, customers=company.customers.drop(columns="acquisition_cost"))
    with pytest.raises(CannotEstimate, match=r"acquisition_cost, or marketing\.cost"):
        winning_against_keeping(bare)
    months = pd.date_range("2025-01-01", periods=12, freq="MS").astype("datetime64[ns]")
    spent = pd.DataFrame(
        {"month": months, "channel": "web", "cost": np.arange(12) * 10.0 + 100, "new_customers": 5}
    )
    reading = winning_against_keeping(replace(bare, marketing=spent))
    assert reading.asides["winning one"].value == pytest.approx(spent["cost"].sum() / 60)
    with pytest.raises(CannotEstimate, match="acquisition_cost"):
        winning_against_keeping(replace(bare, marketing=spent, is_segment=True))


# --- service ----------------------------------------------------------------------------------


def served(n: int = 400, direct: float = 0.0, seed: int = 2) -> CompanyRecords:
    """Contacts at two desks, one slow and disliked; `direct` points per halving of the wait."""
    rng = np.random.default_rng(seed)
    who = np.array([f"C{i % 200:04d}" for i in range(n)])
    number = rng.integers(0, 1000, n)
    slow = rng.random(n) < 0.4
    minutes = np.maximum(np.rint(rng.exponential(np.where(slow, 240.0, 30.0))), 1)
    score = 4 - 1.2 * slow - direct * np.log2(minutes) + rng.normal(0, 0.8, n)
    desk = np.where(slow, "returns", "support")
    opened = day(number) + np.timedelta64(9, "h")
    contacts = pd.DataFrame(
        {
            "contact_id": [f"K{i:05d}" for i in range(n)], "customer_id": who, "opened_at": opened,
            "first_reply_at": opened + minutes.astype("timedelta64[m]"),
            "touchpoint": desk, "channel": np.where(rng.random(n) < 0.5, "mail", "chat"),
        }
    )  # fmt: skip
    return records(
        contacts=contacts, surveys=survey(who, "csat", number, score, touchpoint=desk)
    )  # fmt: skip


def test_a_slow_desk_does_not_make_fast_replies_satisfy() -> None:
    reading = fast_replies(served(1500))
    raw = reading.asides["whatever the touchpoint"]
    assert raw.lower is not None
    assert reading.estimate.lower is not None
    assert reading.estimate.upper is not None
    assert raw.lower > 0
    assert reading.estimate.lower < 0 < reading.estimate.upper
    assert judge(reading, None).word in {"not supported", "cannot be tested here"}


def test_fast_replies_that_satisfy_are_found() -> None:
    reading = fast_replies(served(1500, direct=0.2))
    assert reading.estimate.lower is not None
    assert reading.estimate.upper is not None
    assert reading.estimate.lower < 0.2 < reading.estimate.upper
    assert judge(reading, None).word == "holds"


def test_an_answer_belongs_to_the_last_contact_before_it_at_its_desk() -> None:
    many = served(120)
    contacts = pd.DataFrame(
        {
            "contact_id": ["a", "b", "c", "d"], "customer_id": "Z",
            "opened_at": pd.to_datetime(
                ["2025-03-01 09:00", "2025-03-02 09:00", "2025-03-02 10:00", "2025-03-09 09:00"]
            ),
            "first_reply_at": pd.to_datetime(
                ["2025-03-01 10:00", "2025-03-02 11:00", "2025-03-02 10:30", "2025-03-20 09:00"]
            ),
            "touchpoint": ["support", "support", "returns", "support"], "channel": "mail",
        }
    )  # fmt: skip
    of_z = survey(["Z"] * 3, "csat", [1156, 1157, 1165], [3, 4, 5], touchpoint="support").assign(
        response_id=["x", "y", "z"]
    )
    company = replace(
        many,
        contacts=pd.concat([many.contacts, contacts], ignore_index=True),
        surveys=pd.concat([many.surveys, of_z], ignore_index=True),
    )
    linked = answered_contacts(company)
    # Day 1156 is the second of March: contact b, two hours; its second answer does not count, and
    # d was replied to after the answer.
    mine = linked.customer == linked.customer.max()
    assert linked.score[mine].tolist() == [3.0]
    assert linked.reply_minutes[mine].tolist() == [120.0]


def effort(slope: float) -> CompanyRecords:
    rng = np.random.default_rng(4)
    n = 300
    who = [f"C{i:04d}" for i in range(n)]
    ces = rng.integers(1, 8, n)
    csat = 4 + slope * (ces - 4) + rng.normal(0, 0.5, n)
    both = [survey(who, "ces", np.full(n, 50.0), ces), survey(who, "csat", np.full(n, 53.0), csat)]
    return records(surveys=pd.concat(both, ignore_index=True))


def test_effort_is_read_as_effort_and_a_scale_of_ease_is_not_misread() -> None:
    reading = less_effort(effort(-0.3))
    assert reading.estimate.value == pytest.approx(-0.3, abs=0.05)
    assert judge(reading, None).word == "holds"
    with pytest.raises(CannotEstimate, match="effort or ease"):
        less_effort(effort(0.3))


# --- recovery ---------------------------------------------------------------------------------


def test_customers_won_back_are_compared_with_those_alike_before() -> None:
    rng = np.random.default_rng(6)
    n = 400
    who = np.array([f"C{i:04d}" for i in range(n)])
    rich = rng.normal(0, 40, n)
    mended = rng.random(n) < 1 / (1 + np.exp(-rich / 40))
    answers = pd.concat(
        [
            survey(who, "csat", np.full(n, 300.0), np.full(n, 2.0)),
            survey(who, "csat", np.full(n, 350.0), np.where(mended, 4, 2)),
        ],
        ignore_index=True,
    ).assign(response_id=[f"R{i:04d}" for i in range(2 * n)])
    before = orders(who, np.full(n, 200.0), 200 + rich)
    after = orders(who, np.full(n, 400.0), 200 + rich + 25 * mended + rng.normal(0, 5, n))
    after = after.assign(transaction_id=[f"U{i:04d}" for i in range(n)])
    people = lifetimes(np.zeros(n), np.full(n, 47.0), np.zeros(n))
    reading = recovered_spend(
        records(customers=people, surveys=answers, transactions=pd.concat([before, after]))
    )
    assert reading.estimate.value == pytest.approx(25, abs=2)
    assert reading.estimate.lower is not None
    assert reading.estimate.lower > 20  # the richer half recovers more often: not counted
    with pytest.raises(CannotEstimate, match="low and good at the next"):
        recovered_spend(
            records(customers=people, surveys=answers[answers["score"] < 3], transactions=after)
        )


def programme(name: str, effect: Estimate | NotEstimable) -> ProgrammeStudy:
    naive = NaiveFigures(NotEstimable("x"), NotEstimable("x"))
    return ProgrammeStudy(
        name, name.title(), "experiment", LABELS["experiment"], effect, naive, NotEstimable("x")
    )


def test_call_backs_are_the_programme_that_low_scores_led_to() -> None:
    arm = np.where(np.arange(80) < 40, "control", "treated")
    frame = pd.DataFrame({"arm": arm, "recorded": True, "margin_per_quarter": 20.0})
    low, any_ = frame.assign(csat_score=2.0), frame.assign(csat_score=np.arange(80) % 5 + 1.0)
    studies = (programme("gifts", given(9, 8, 10)), programme("calls", given(-1, -3, 0.5)))
    reading = called_back(studies, {"gifts": any_, "calls": low}, 2.0)
    assert (reading.estimate.value, reading.label) == (-1, "experiment")
    assert reading.smallest == pytest.approx(1.0)
    assert judge(reading, None).word == "not supported"
    with pytest.raises(CannotEstimate, match="assigned after a low CSAT"):
        called_back(studies, {"gifts": any_}, 2.0)


# --- channels and prices ----------------------------------------------------------------------


def test_gaps_between_channels_are_set_beside_the_same_mean() -> None:
    rng = np.random.default_rng(8)
    n = 800
    who = [f"C{i:04d}" for i in range(n)]
    one, two = rng.integers(1, 6, n), rng.integers(1, 6, n)
    nps = 2 * (one + two) / 2 - 0.5 * abs(one - two) + rng.normal(0, 1, n)
    surveys = pd.concat(
        [
            survey(who, "csat", np.full(n, 50.0), one, channel="mail"),
            survey(who, "csat", np.full(n, 60.0), two, channel="shop"),
            survey(who, "nps", np.full(n, 70.0), nps),
        ],
        ignore_index=True,
    ).assign(response_id=[f"R{i:04d}" for i in range(3 * n)])
    reading = consistent_channels(records(surveys=surveys))
    assert reading.estimate.lower is not None
    assert reading.estimate.upper is not None
    assert reading.estimate.lower < -0.5 < reading.estimate.upper
    with pytest.raises(CannotEstimate, match=r"surveys\.channel, or contacts\.channel"):
        consistent_channels(records(surveys=surveys.drop(columns="channel")))


def test_prices_that_are_not_carried_are_named() -> None:
    bought = orders(["a"], [1], [5.0])
    with pytest.raises(CannotEstimate, match=r"transactions\.discount or transactions\.list_price"):
        mind_price_less(records(transactions=bought))


def test_the_order_of_rows_changes_nothing() -> None:
    company = served(600)
    shuffled = replace(
        company,
        contacts=company.contacts.sample(frac=1, random_state=1),
        surveys=company.surveys.sample(frac=1, random_state=2),
    )
    assert fast_replies(company) == fast_replies(shuffled)


# --- in the report ----------------------------------------------------------------------------


def shown_rows(
    monkeypatch: pytest.MonkeyPatch, rows: tuple[Row, ...], disclosure: Disclosure
) -> list[dict[str, Any]]:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(output, "publish_output", lambda data, *_: published.append(data))
    wisdom = ReceivedWisdom(rows, NotEstimable("x"))
    received_wisdom.show_summary(wisdom)
    received_wisdom.show_claims(wisdom, disclosure)
    received_wisdom.show_untested(wisdom)
    received_wisdom.show_trust(wisdom)
    return published


def row_of(claim: Claim, estimate: Estimate, p_value: float = 0.01) -> Row:
    reading = Reading(estimate, "association", smallest=0.1)
    return Row(claim, reading, judge(reading, claim.published), "", p_value, p_value)


def test_a_figure_of_few_customers_is_withheld_with_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = row_of(claims.SPEND, replace(given(0.5, 0.4, 0.6), n=5))
    _, table, *_ = shown_rows(monkeypatch, (few,), Disclosure(enabled=True))
    assert "withheld" in table["text/html"]
    assert "50.0%" not in table["text/html"]
    assert "holds" not in table["text/html"]
    (estimates,) = [
        data[output.ESTIMATES_MIME]["estimates"]
        for data in shown_rows(monkeypatch, (few,), Disclosure(enabled=True))
        if output.ESTIMATES_MIME in data
    ]
    assert "not_estimable" in estimates["satisfied-customers-spend"]
    _, table, *_ = shown_rows(monkeypatch, (few,), Disclosure(enabled=False))
    assert "50.0%" in table["text/html"]


def test_sentences_count_in_singular_and_plural(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = given(0.5, 0.4, 0.6), given(-0.5, -0.6, -0.4)
    one = (row_of(claims.SPEND, good), row_of(claims.REPLIES, bad))
    two = (*one, row_of(claims.REFERRALS, good), row_of(claims.EFFORT, bad))
    off = Disclosure(enabled=False)
    assert shown_rows(monkeypatch, one, off)[0]["text/plain"] == (
        "Of 2 things that are said: 1 holds; 1 is not supported."
    )
    assert shown_rows(monkeypatch, two, off)[0]["text/plain"] == (
        "Of 4 things that are said: 2 hold; 2 are not supported."
    )


def test_what_might_be_chance_among_many_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(row_of(claims.SPEND, given(0.5, 0.1, 0.9), 0.02), p_value_holm=0.2)
    texts = [
        data.get("text/plain", "")
        for data in shown_rows(monkeypatch, (row,), Disclosure(enabled=False))
    ]
    assert any("might be chance: Satisfied customers spend more." in text for text in texts)


def test_an_association_keeps_its_label_however_the_claim_is_worded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = row_of(claims.CALL_BACKS, given(0.5, 0.4, 0.6))
    table = shown_rows(monkeypatch, (row,), Disclosure(enabled=False))[1]["text/html"]
    assert "association" in table
    assert "effect" not in table


def test_a_claim_true_of_one_kind_of_customer_only_says_so() -> None:
    months = np.concatenate(
        [np.full(20, 5.0), np.full(80, 36.0), np.full(30, 20.0), np.full(70, 36.0)]
    )
    ended = np.concatenate(
        [np.full(20, True), np.arange(80) < 15, np.full(30, True), np.full(70, False)]
    )
    months = np.where(ended & (months == 36), 30.0, months)
    months[100:112] = 6.0
    contract = np.repeat(["monthly", "yearly"], 100)
    people = lifetimes(np.zeros(200), months, ended, contract=contract)
    reading = early_against_late(records(lifetimes=people))
    assert set(reading.asides) == {"contract: monthly", "contract: yearly"}
    assert reading.remark == ""
    turned = people.assign(
        exit_months=np.where((contract == "yearly") & ended, 24 + months / 100, months)
    )
    turned.loc[100:109, "exit_months"] = 11.5
    turned.loc[110:199, "ended"] = True
    turned.loc[110:199, "exit_months"] = 12.5
    reading = early_against_late(records(lifetimes=turned))
    assert reading.remark == "The other way round for contract: yearly."
