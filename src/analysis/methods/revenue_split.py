"""Revenue taken apart, to the cent: how a change splits, and whether the books agree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure, to_step
from analysis.methods.estimate import CannotEstimate

if TYPE_CHECKING:
    import pandas as pd

CENTS = 100


@dataclass(frozen=True, slots=True)
class RevenueFactors:
    """What a period's revenue is made of, in whole cents: gross of orders less refunds.

    customers: those who ordered. gross_cents: sum of the orders. refund_cents: paid back, positive.
    """

    customers: int
    orders: int
    gross_cents: int
    refund_cents: int

    @property
    def frequency(self) -> Fraction:
        """Orders per customer who ordered; zero where nobody did."""
        return Fraction(self.orders, self.customers) if self.customers else Fraction(0)

    @property
    def order_value(self) -> Fraction:
        """Cents per order; zero where there is none."""
        return Fraction(self.gross_cents, self.orders) if self.orders else Fraction(0)

    @property
    def revenue_cents(self) -> int:
        return self.gross_cents - self.refund_cents


@dataclass(frozen=True, slots=True)
class RevenueSplit:
    """A change of revenue in parts that add up to it exactly, in currency.

    customers, frequency, order_value: Shapley shares of the change of the orders' sum.
    refunds: what more (negative) or less (positive) was paid back.
    """

    before: RevenueFactors
    after: RevenueFactors
    customers: float
    frequency: float
    order_value: float
    refunds: float
    total: float


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A period's sum of money beside the declared control total, in currency.

    what: "revenue" or "margin". difference: ours less theirs, to the cent. share: difference over
    theirs; None where theirs is zero. step: the steps in which the two sums are given; 0 where they
    are given to the cent.
    """

    period: str
    ours: float
    declared: float
    difference: float
    share: float | None
    what: str = "revenue"
    step: float = 0.0

    def in_steps_of(self, step: float) -> Reconciliation:
        """The same with both sums in steps, as they are published elsewhere.

        To the cent, the sum of all less what the segments' reports say would give away the largest
        customer of what is left over. The difference is of the books, and stays.
        """
        if not step:
            return self
        ours, declared = to_step(self.ours, step), to_step(self.declared, step)
        return replace(self, ours=ours, declared=declared, step=step)


def revenue_factors(rows: pd.DataFrame) -> RevenueFactors:
    """Count and add up a period's rows of a ledger: customer_id, gross, refunded, orders.

    Raises CannotEstimate where sums were exported without their orders.
    """
    if rows["orders"].isna().any():
        raise CannotEstimate("The exports add up money without counting the orders.")
    return RevenueFactors(
        customers=int(rows.loc[rows["orders"] > 0, "customer_id"].nunique()),
        orders=int(rows["orders"].sum()),
        gross_cents=_cents(rows["gross"]),
        refund_cents=_cents(rows["refunded"]),
    )


def _cents(amounts: pd.Series) -> int:
    return int((amounts * CENTS).round().astype("int64").sum())


def rounded_factors(
    factors: RevenueFactors, disclosure: Disclosure, step: float = 0.0
) -> RevenueFactors:
    """Factors with their counts and money as they may be published.

    step: that of the period's revenue. Orders each and order value then follow from what is
    published, so that no division gives the exact ones. Raises CannotEstimate where a count is
    withheld.
    """
    customers, orders = disclosure.count(factors.customers), disclosure.count(factors.orders)
    if customers is None or orders is None:
        raise CannotEstimate("Withheld: it rests on fewer than eight customers.")
    if not disclosure.enabled or not step:
        return replace(factors, customers=customers, orders=orders)
    gross, revenue = (
        round(to_step(cents / CENTS, step) * CENTS)
        for cents in (factors.gross_cents, factors.revenue_cents)
    )
    return replace(
        factors,
        customers=customers,
        orders=orders,
        gross_cents=gross,
        refund_cents=max(gross - revenue, 0),
    )


def _shapley(change: Fraction, a0: Fraction, a1: Fraction, b0: Fraction, b1: Fraction) -> Fraction:
    """Share of one factor of three, averaged over all orders in which they may change."""
    return change * ((a0 * b0 + a1 * b1) / 3 + (a0 * b1 + a1 * b0) / 6)


def _whole_cents(parts: list[Fraction], total: int) -> list[int]:
    """Round parts to whole cents such that they still add up (largest remainder)."""
    whole = [math.floor(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (whole[i] - parts[i], i))
    for i in by_remainder[: total - sum(whole)]:
        whole[i] += 1
    return whole


def split_revenue_change(before: RevenueFactors, after: RevenueFactors) -> RevenueSplit:
    """Split a change into customers × frequency × order value, and refunds (Shapley 1953).

    Exact, and defined where a period has no order: its factors are then zero.
    """
    c0, c1 = Fraction(before.customers), Fraction(after.customers)
    f0, f1 = before.frequency, after.frequency
    v0, v1 = before.order_value, after.order_value
    parts = [
        _shapley(c1 - c0, f0, f1, v0, v1),
        _shapley(f1 - f0, c0, c1, v0, v1),
        _shapley(v1 - v0, c0, c1, f0, f1),
    ]
    customers, frequency, order_value = _whole_cents(parts, after.gross_cents - before.gross_cents)
    return RevenueSplit(
        before,
        after,
        customers / CENTS,
        frequency / CENTS,
        order_value / CENTS,
        (before.refund_cents - after.refund_cents) / CENTS,
        (after.revenue_cents - before.revenue_cents) / CENTS,
    )


def reconcile(
    period: str, amounts: pd.Series, declared: Mapping[str, float], what: str = "revenue"
) -> Reconciliation:
    """Compare the sum of a period's amounts with its control total, to the cent.

    Raises CannotEstimate where none is declared for the period.
    """
    if period not in declared:
        raise CannotEstimate(
            f"No control total of {what} is declared for {period}, so the sum could not be checked."
        )
    theirs = round(declared[period] * CENTS)
    # A margin reckoned as a share of each amount has no cents of its own to round.
    ours = _cents(amounts) if what == "revenue" else round(math.fsum(amounts) * CENTS)
    difference = ours - theirs
    return Reconciliation(
        period,
        ours / CENTS,
        theirs / CENTS,
        difference / CENTS,
        difference / theirs if theirs else None,
        what,
    )
