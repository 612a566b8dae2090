"""Ten customers, and one lost before, from CSV to scorecard: every figure equals what can be worked out on paper.

The second quarter of 2026 is reported, disclosure is off. Each test says how its number comes about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.revenue_split import Reconciliation, RevenueSplit
from analysis.methods.scorecard.customers import CustomerFlow
from analysis.methods.scorecard.measures import Tables
from analysis.methods.scorecard.study import Scorecard, study_scorecard

SETTINGS = """\
company: Ten
currency: EUR
disclosure: off
covers: {from: 2025-01-01, to: 2026-07-31}
economics: {gross_margin: 0.4, discount_rate_annual: 0.1, horizon_months: 12}
control_totals: {revenue: {2026Q2: 430.00}, margin: {2026Q2: 171.00}}
competitors: {net-promoter-score: 35}
sources:
  {customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv,
   contacts: contacts.csv, marketing: marketing.csv}
tables: {customers: {}, transactions: {}, surveys: {}, contacts: {}, marketing: {}}
"""
# A to G were there when the quarter opened; F left in it, G on its last day. H, I and J are new,
# J left again. K left in the first quarter and is counted nowhere in the second.
CUSTOMERS = """\
customer_id,started_on,ended_on,segment,acquisition_cost,referred_by
A,2025-01-10,,private,,
B,2025-02-10,,private,,
C,2025-03-10,,business,,
D,2025-06-10,,business,,
E,2026-02-01,,private,,
F,2026-03-01,2026-05-15,private,,
G,2025-04-10,2026-06-30,business,,
H,2026-04-05,,private,,A
I,2026-05-05,,business,,
J,2026-04-20,2026-06-01,private,,B
K,2025-05-01,2026-03-31,business,,
"""
# The quarter: five orders of 100, 50, 200, 60 and 50 by A (two), B, H and E; credit notes of 20 (B)
# and 10 (C, who ordered nothing). In the quarter before: orders by A, E (two) and F.
TRANSACTIONS = """\
transaction_id,customer_id,occurred_on,amount,margin,promised_on,fulfilled_on
1,A,2026-01-15,80.00,,2026-01-20,2026-01-20
2,E,2026-02-10,30.00,,2026-02-12,2026-02-12
3,E,2026-03-20,70.00,,2026-03-25,2026-03-24
4,F,2026-03-05,20.00,,2026-03-10,2026-03-12
5,A,2026-04-01,100.00,39.00,2026-04-05,2026-04-05
6,A,2026-06-30,50.00,,2026-07-05,
7,B,2026-05-01,200.00,,2026-05-05,2026-05-09
8,B,2026-05-10,-20.00,,,
9,C,2026-05-09,-10.00,,,
10,H,2026-04-10,60.00,,2026-04-15,2026-04-14
11,E,2026-05-20,50.00,,2026-05-25,
"""
SURVEYS = """\
response_id,customer_id,instrument,invited_on,answered_on,score,attribute,importance
1,A,nps,2026-04-01,2026-04-02,3,,
2,A,nps,2026-06-01,2026-06-02,10,,
3,B,nps,2026-06-01,2026-06-03,9,,
4,C,nps,2026-06-01,2026-06-30,8,,
5,D,nps,2026-06-01,2026-06-05,6,,
6,E,nps,2026-06-01,,,,
7,A,nps,2026-03-01,2026-03-02,9,,
8,B,nps,2026-03-01,2026-03-02,2,,
11,A,csat,2026-05-01,2026-05-02,5,,
12,B,csat,2026-05-01,2026-05-02,4,,
13,C,csat,2026-05-01,2026-05-02,3,,
14,D,csat,2026-05-01,2026-05-02,1,,
15,E,csat,2026-06-29,2026-07-02,5,,
21,A,ces,2026-05-01,2026-05-02,6,,
22,B,ces,2026-05-01,2026-05-02,3,,
31,A,csi,2026-05-01,2026-05-02,10,price,2
32,B,csi,2026-05-01,2026-05-02,1,price,4
33,A,csi,2026-05-01,2026-05-02,10,speed,9
34,B,csi,2026-05-01,2026-05-02,10,speed,9
"""
CONTACTS = """\
contact_id,customer_id,opened_at,first_reply_at,resolved_at,direction,cost,compensation
1,A,2026-04-01 08:00,2026-04-01 09:00,2026-04-01 12:00,inbound,5.00,
2,B,2026-04-02 08:00,2026-04-02 11:00,2026-04-02 18:00,inbound,5.00,2.00
3,D,2026-05-01 08:00,2026-05-01 13:00,,inbound,5.00,
4,D,2026-05-03 08:00,2026-05-03 09:00,2026-05-03 10:00,outbound,5.00,
"""
MARKETING = """\
month,channel,cost,leads,new_customers
2026-04-01,search,20.00,8,1
2026-04-01,partner,10.00,2,1
2026-05-01,search,20.00,6,1
2026-06-01,search,10.00,4,0
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    folder = tmp_path_factory.mktemp("ten")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENTELE_BUILD_FOLDER", str(folder / "build"))
        return study_of(write(folder / "ten"))


def write(folder: Path, **changed: str) -> Path:
    tables = {
        "customers": CUSTOMERS, "transactions": TRANSACTIONS, "surveys": SURVEYS,
        "contacts": CONTACTS, "marketing": MARKETING,
    }  # fmt: skip
    folder.mkdir()
    (folder / "dataset.yml").write_text(changed.pop("settings", SETTINGS), encoding="utf-8")
    for name, text in {**tables, **changed}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def tables_of(data: Dataset) -> Tables:
    names = ("customers", "transactions", "periods", "surveys", "contacts", "marketing")
    return Tables(
        lifetimes=data.lifetimes(),
        customer_periods=data.customer_periods(),
        **{name: data.table(name) for name in names},
    )


def study_of(folder: Path) -> Scorecard:
    data = open_dataset(folder, period="2026Q2")
    return study_scorecard(data.period, tables_of(data), data.settings, data.disclosure)


EXPECTED = {
    # Last answers 10, 9, 8, 6: two promoters, one detractor of four.
    "net-promoter-score": 25.0,
    # 5, 4, 3, 1: two of four are 4 or 5 (E answered after the quarter).
    "csat-top-two": 0.5,
    "csat-mean": 13 / 4,
    "customer-effort-score": 4.5,
    # On 0 to 100: price (100 + 0) / 2 = 50, speed 100; importance 3 and 9: (3·50 + 9·100) / 12.
    "customer-satisfaction-index": 87.5,
    # Five invitations by April to June for CSAT, four answered in it; six for NPS, five answered.
    "response-rate-csat": 4 / 5,
    "response-rate-nps": 5 / 6,
    "response-rate-ces": 1.0,
    "response-rate-csi": 1.0,
    # Seven at the start (A to G), F and G lost.
    "retention": 5 / 7,
    "churn-rate": 2 / 7,
    # E and F started, and first ordered, in the first quarter; E again after 38 days.
    "second-purchase-rate": 1 / 2,
    # H and J of H, I, J were recommended.
    "referred-share": 2 / 3,
    # 100 + 50 + 200 + 60 + 50 − 20 − 10.
    "revenue": 430.0,
    # 39 as exported; .4 of 50 + 200 + 60 + 50 − 20 − 10 = 330 is 132.
    "gross-margin": 171.0,
    # 460 over five orders; by four customers; A alone ordered twice.
    "average-order-value": 92.0,
    "orders-per-customer": 5 / 4,
    "repeat-purchase-rate": 1 / 4,
    "refund-share": 30 / 460,
    "refunds-per-order": 2 / 5,
    # Promised for the quarter: orders 5, 7, 10, 11; late is 7, never came 11. Order 6 is not due.
    "on-time-delivery": 2 / 4,
    # Inbound 1, 3 and 5 hours; settled after 4 and 10 hours, one open: the middle one is 10.
    "first-reply-hours": 3.0,
    "resolution-hours": 10.0,
    # Three inbound contacts on five orders.
    "contacts-per-100-orders": 60.0,
    # 60 of advertising: three customers, twenty enquiries.
    "customer-acquisition-cost": 20.0,
    "cost-per-lead": 3.0,
    # Margin of those there at the opening: A 39 + 20, B 72, C −4, E 20, others 0: 147 in three
    # months of seven customers, 7 a month; 20 / 7.
    "acquisition-payback": 20 / 7,
    # H, I, J bought 60 in the quarter; at .4 that is 24 of 60.
    "return-on-advertising": 1.0,
    "return-on-marketing": 24 / 60 - 1,
    "advertising-share": 60 / 430,
    # First quarters that opened with them there: A to G and K, eight customers. Only E bought, 50 in
    # 2026Q2, margin 20. Nobody is followed by seven others any further, so the value is that of three
    # months: 20 / 8, each month discounted at its end.
    "customer-lifetime-value": 20
    / 8
    * (1.1 ** (-1 / 12) + 1.1 ** (-2 / 12) + 1.1 ** (-3 / 12))
    / 3,
}


@pytest.mark.parametrize("id", EXPECTED)
def test_level_by_hand(found: Scorecard, id: str) -> None:
    now = found.metric(id).now
    assert isinstance(now, Estimate), now
    assert now.value == pytest.approx(EXPECTED[id], rel=1e-12)
    if now.lower is not None:
        assert now.upper is not None
        assert now.lower <= now.value <= now.upper


def test_every_figure_is_worked_out(found: Scorecard) -> None:
    assert {m.id for m in found.metrics} == set(EXPECTED)


def test_retention_adds_up_exactly(found: Scorecard) -> None:
    # Start A–G; F, G lost; H, I, J joined, J left; at the end A, B, C, D, E, H, I.
    flow = found.flow
    assert flow == CustomerFlow(at_start=7, lost=2, joined=3, joined_and_left=1, at_end=7)
    assert isinstance(flow, CustomerFlow)
    assert flow.at_end == flow.at_start - flow.lost + flow.joined - flow.joined_and_left
    new_at_end = flow.joined - flow.joined_and_left
    assert EXPECTED["retention"] == (flow.at_end - new_at_end) / flow.at_start


def test_revenue_split_adds_up_exactly(found: Scorecard) -> None:
    # First quarter: 3 customers (A, E, F) × 4/3 orders × 50 = 200; second: 4 × 5/4 × 92 = 460.
    # Customers: 1 · ((4/3·50 + 5/4·92)/3 + (4/3·92 + 5/4·50)/6) = 60.555… + 30.8611… = 91.4166…
    # Frequency: −1/12 · ((3·50 + 4·92)/3 + (3·92 + 4·50)/6) = −1/12 · 252 = −21
    # Order value: 42 · ((4 + 5)/3 + (3·5/4 + 4·4/3)/6) = 42 · (3 + 1.513888…) = 189.5833…
    split = found.split_on_previous
    assert isinstance(split, RevenueSplit)
    parts = (split.customers, split.frequency, split.order_value, split.refunds)
    assert parts == (91.42, -21.0, 189.58, -30.0)
    assert round(sum(parts), 2) == split.total == 230.0


def test_credit_notes_are_not_orders(found: Scorecard) -> None:
    split = found.split_on_previous
    assert isinstance(split, RevenueSplit)
    assert (split.after.orders, split.after.customers) == (5, 4), (
        "C was refunded, and ordered nothing"
    )
    assert split.after.refund_cents == 3000


def test_books_agree_for_revenue_and_margin(found: Scorecard) -> None:
    for what, checked in (
        ("revenue", found.reconciliation), ("margin", found.margin_reconciliation),
    ):  # fmt: skip
        assert isinstance(checked, Reconciliation)
        assert (checked.what, checked.difference) == (what, 0.0)


def test_change_on_the_period_before(found: Scorecard) -> None:
    # First quarter: A 9, B 2: nought. A–D, G and K at the start, K lost: 5/6.
    nps, retention = found.metric("net-promoter-score"), found.metric("retention")
    assert isinstance(nps.change, Estimate)
    assert nps.change.value == pytest.approx(25.0)
    assert isinstance(retention.change, Estimate)
    assert retention.change.value == pytest.approx(5 / 7 - 5 / 6)
    assert found.competitors == {"net-promoter-score": 35.0}


def test_advertising_for_all_is_not_set_against_a_part(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    # Of H, I and J only I is a business; what winning it cost is recorded with it.
    customers = CUSTOMERS.replace("I,2026-05-05,,business,,", "I,2026-05-05,,business,7.00,")
    folder = write(tmp_path / "ten", customers=customers)
    data = open_dataset(folder, period="2026Q2", segment="segment=business")
    study = study_scorecard(
        data.period, tables_of(data), data.settings, data.disclosure, "segment=business"
    )
    cost, share = (
        study.metric(id).now for id in ("customer-acquisition-cost", "advertising-share")
    )
    assert isinstance(cost, Estimate)
    assert cost.value == 7.0
    assert isinstance(share, NotEstimable)
    assert "for all customers together" in share.reason


def test_declared_importance_comes_before_answered(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    settings = SETTINGS + "importance: {price: 3, speed: 1}\n"
    now = (
        study_of(write(tmp_path / "ten", settings=settings))
        .metric("customer-satisfaction-index")
        .now
    )
    assert isinstance(now, Estimate)
    assert now.value == pytest.approx((3 * 50 + 100) / 4)


def test_sums_by_period_stand_in_for_transactions(
    make_dataset: Callable[..., Path], monkeypatch
) -> None:
    """Revenue, margin and order value need no single orders; dated orders do."""
    settings = (
        SETTINGS.replace("transactions: transactions.csv", "periods: periods.csv")
        .replace("transactions: {}", "periods: {}")
        .replace(", surveys: surveys.csv", "").replace("surveys: {}, ", "")
        .replace("contacts: contacts.csv, marketing: marketing.csv", "")
        .replace(", contacts: {}, marketing: {}", "").replace("periods.csv,\n   }", "periods.csv}")
    )  # fmt: skip
    periods = (
        "customer_id,from_on,to_on,spend,orders,refunded\n"
        "A,2026-01-01,2026-03-31,80,1,0\n"
        "A,2026-04-01,2026-06-30,150,2,0\n"
        "B,2026-04-01,2026-06-30,180,1,20\n"
    )
    folder = make_dataset(settings, customers=CUSTOMERS, periods=periods)
    study = study_of(folder)
    # 150 + 180; 350 of orders over three; 20 of 350 paid back.
    for id, value in (
        ("revenue", 330.0), ("average-order-value", 350 / 3), ("orders-per-customer", 1.5),
        ("refund-share", 20 / 350), ("gross-margin", 132.0),
    ):  # fmt: skip
        now = study.metric(id).now
        assert isinstance(now, Estimate), id
        assert now.value == pytest.approx(value)
    again = study.metric("second-purchase-rate").now
    assert isinstance(again, NotEstimable)
    assert isinstance(study.split_on_previous, RevenueSplit)


def test_retention_without_any_money(make_dataset: Callable[..., Path]) -> None:
    settings = (
        "company: Ten\ncurrency: EUR\ndisclosure: off\n"
        "covers: {from: 2025-01-01, to: 2026-07-31}\nsources: {customers: customers.csv}\n"
        "tables: {customers: {}}\n"
    )
    study = study_of(make_dataset(settings, customers=CUSTOMERS))
    now = study.metric("retention").now
    assert isinstance(now, Estimate)
    assert now.value == pytest.approx(5 / 7)
    assert study.key_figures == ("retention",), "only what the exports bear is a key figure"
