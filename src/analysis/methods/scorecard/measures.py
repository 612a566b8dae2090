"""All figures of the scorecard: what each is called, which way is better, how it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.methods.scorecard import answers, customers, ledger, marketing, service
from analysis.methods.scorecard.answers import Answers
from analysis.methods.scorecard.customer_value import lifetime_value_level
from analysis.methods.scorecard.level import Level, ReportPeriod
from analysis.methods.scorecard.satisfaction_index import index_level

if TYPE_CHECKING:
    import pandas as pd

FAMILIES = ("satisfaction", "customers", "money", "service", "marketing")
TREND_PERIODS = 12
YEAR = 5


@dataclass(frozen=True, slots=True)
class Tables:
    """What a scorecard is taken from, as of the period's end; a table not exported is empty."""

    customers: pd.DataFrame
    lifetimes: pd.DataFrame
    customer_periods: pd.DataFrame
    transactions: pd.DataFrame
    periods: pd.DataFrame
    surveys: pd.DataFrame
    contacts: pd.DataFrame
    marketing: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the scorecard and how it is taken in a period.

    family: where it stands. definition: in a sentence. trend: how many periods are looked at.
    """

    id: str
    name: str
    family: str
    higher_is_better: bool | None
    level: Callable[[ReportPeriod], Level]
    definition: str
    trend: int = TREND_PERIODS


def measures(
    tables: Tables,
    asked: Answers,
    money: ledger.Ledger,
    settings: Any,
    period: ReportPeriod,
    part: bool = False,
) -> tuple[Measure, ...]:
    """All figures of the scorecard, in their usual order.

    part: whether the tables are of a part of the customers; advertising is of all of them.
    """
    return (
        *_satisfaction(asked, settings),
        *_customers(tables, money, settings, period),
        *_money(money, settings.currency),
        *_service(tables, money),
        *_marketing(tables, money, settings, part),
    )


def _satisfaction(asked: Answers, settings: Any) -> tuple[Measure, ...]:
    scales, place = settings.scales, "satisfaction"
    nps, csat = scales.get("nps", answers.NPS_SCALE), scales.get("csat", (1.0, 5.0))
    ces, csi = scales.get("ces", (1.0, 7.0)), scales.get("csi", (1.0, 10.0))
    return (
        Measure(
            "net-promoter-score", "Net Promoter Score", place, True,
            partial(answers.promoter_level, asked, nps),
            "Share answering 9 or 10 less share answering 0 to 6, in points.",
        ),
        Measure(
            "csat-top-two", "CSAT, two top answers", place, True,
            partial(answers.top_two_level, asked, csat),
            "Share of customers whose last answer is one of the two best.",
        ),
        Measure(
            "csat-mean", "CSAT, mean", place, True,
            partial(answers.mean_level, asked, "csat", csat),
            "Mean of the customers' last answers.",
        ),
        Measure(
            "customer-effort-score", "Effort (CES), mean", place, None,
            partial(answers.mean_level, asked, "ces", ces),
            "Mean of the customers' last answers; whether a high answer means ease or effort is "
            "for the question to say, so neither counts as better.",
        ),
        Measure(
            "customer-satisfaction-index", "Satisfaction index (CSI)", place, True,
            partial(index_level, asked, csi, settings.importance),
            "Mean scores of the attributes asked about, each weighing by its importance, 0 to 100.",
        ),
        *(
            Measure(
                f"response-rate-{instrument}", f"{instrument.upper()} response rate", place, True,
                partial(answers.response_level, asked, instrument),
                "Share of the period's invitations answered by its end.",
            )
            for instrument in ("csat", "nps", *asked.others())
        ),
    )  # fmt: skip


def _customers(
    tables: Tables, money: ledger.Ledger, settings: Any, period: ReportPeriod
) -> tuple[Measure, ...]:
    place, rule, economics = "customers", settings.churn.rule, settings.economics
    return (
        Measure(
            "retention", "Retention", place, True,
            partial(customers.retention_level, tables.lifetimes, rule),
            "(Customers at the end − new) / customers at the start.",
        ),
        Measure(
            "churn-rate", "Churn", place, False,
            partial(customers.churn_level, tables.lifetimes, rule),
            "Share of the customers at the start who were lost by the end.",
        ),
        Measure(
            "second-purchase-rate", "New customers who ordered again", place, True,
            partial(customers.second_order_level, tables.customers, money),
            "Of those who started and first ordered in the period before: who ordered on a later "
            "day, within 90 days (28 where periods are months).",
        ),
        Measure(
            "referred-share", "New customers recommended", place, True,
            partial(customers.referred_level, tables.customers),
            "Share of the new customers whom another customer recommended us to.",
        ),
        Measure(
            "customer-lifetime-value", "Lifetime value", place, True,
            partial(
                lifetime_value_level, tables.lifetimes, tables.customer_periods, rule,
                economics.horizon_months, economics.discount_rate_annual, settings.currency,
                last=period,
            ),
            "Discounted margin of a customer from the start to the horizon, within follow-up.",
            YEAR,
        ),
    )  # fmt: skip


def _money(money: ledger.Ledger, currency: str) -> tuple[Measure, ...]:
    place = "money"
    return (
        Measure(
            "revenue", "Revenue", place, True,
            partial(ledger.sum_level, money, "amount", currency),
            "Orders less refunds, each on its own day.",
        ),
        Measure(
            "gross-margin", "Gross margin", place, True,
            partial(ledger.sum_level, money, "margin", currency),
            "Margin as exported, else the declared share of the amount.",
        ),
        Measure(
            "average-order-value", "Order value", place, True,
            partial(ledger.order_value_level, money, currency),
            "Sum of the orders over their number; refunds are not orders.",
        ),
        Measure(
            "orders-per-customer", "Orders per customer", place, True,
            partial(ledger.frequency_level, money),
            "Orders over the customers who ordered.",
        ),
        Measure(
            "repeat-purchase-rate", "Customers with two orders or more", place, True,
            partial(ledger.repeat_level, money),
            "Share of those who ordered in the period who did so at least twice.",
        ),
        Measure(
            "refund-share", "Refunds, share of money", place, False,
            partial(ledger.refund_money_level, money),
            "Money paid back over the sum of the orders.",
        ),
        Measure(
            "refunds-per-order", "Refunds, share of orders", place, False,
            partial(ledger.refund_count_level, money),
            "Refunds booked over orders, both of the period.",
        ),
    )  # fmt: skip


def _service(tables: Tables, money: ledger.Ledger) -> tuple[Measure, ...]:
    place = "service"
    return (
        Measure(
            "on-time-delivery", "Delivered on time", place, True,
            partial(service.on_time_level, tables.transactions),
            "Of the orders promised for a day of the period: those that came by that day.",
        ),
        Measure(
            "first-reply-hours", "Hours to the first reply, median", place, False,
            partial(service.waiting_level, tables.contacts, "first_reply_at"),
            "Median over contacts that customers opened; those unanswered count as longest.",
        ),
        Measure(
            "resolution-hours", "Hours to resolution, median", place, False,
            partial(service.waiting_level, tables.contacts, "resolved_at"),
            "Median over contacts that customers opened; those unsettled count as longest.",
        ),
        Measure(
            "contacts-per-100-orders", "Contacts per 100 orders", place, False,
            partial(service.contact_rate_level, tables.contacts, money),
            "Contacts that customers opened per hundred orders.",
        ),
    )  # fmt: skip


def _marketing(
    tables: Tables, money: ledger.Ledger, settings: Any, part: bool
) -> tuple[Measure, ...]:
    place, currency = "marketing", settings.currency
    rows = marketing.Advertising(tables.marketing, of_all=part)
    people, declared = tables.customers, settings.economics.gross_margin

    def payback(period: ReportPeriod) -> Level:
        cost = marketing.acquisition_cost_level(rows, people, currency, period)
        return marketing.payback_level(cost, tables.customer_periods, period)

    return (
        Measure(
            "customer-acquisition-cost", "Cost of a new customer (CAC)", place, False,
            partial(marketing.acquisition_cost_level, rows, people, currency),
            "Advertising cost over the customers won; else the mean cost recorded with them.",
        ),
        Measure(
            "cost-per-lead", "Cost of an enquiry (CPL)", place, False,
            partial(marketing.lead_cost_level, rows, currency),
            "Advertising cost over enquiries.",
        ),
        Measure(
            "acquisition-payback", "Months to pay back CAC", place, False, payback,
            "CAC over the margin per month of a customer who was there when the period opened.",
        ),
        Measure(
            "return-on-advertising", "Revenue per advertising cost (ROAS)", place, True,
            partial(marketing.advertising_return_level, rows, people, money),
            "Revenue of customers won in the period, as exported or what they bought by its end, "
            "over its advertising cost; what they buy later is not in it.",
        ),
        Measure(
            "return-on-marketing", "Return within the period (ROMI)", place, True,
            partial(marketing.marketing_return_level, rows, people, money, declared),
            "(Margin of customers won in the period, by its end − advertising cost) / that cost.",
        ),
        Measure(
            "advertising-share", "Advertising, share of revenue", place, None,
            partial(marketing.advertising_share_level, rows, money),
            "Advertising cost over revenue.",
        ),
    )  # fmt: skip
