"""Revenue taken apart, to the cent: how a change splits, and whether the books agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

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
    """A period's revenue beside the declared control total, in currency.

    difference: ours less theirs. share: difference over theirs; None where theirs is zero.
    """

    period: str
    ours: float
    declared: float
    difference: float
    share: float | None


def revenue_factors(transactions: pd.DataFrame) -> RevenueFactors:
    """Count and add up the transactions of one period; negative amounts are refunds."""
    orders = transactions[transactions["amount"] > 0]
    cents = (transactions["amount"] * CENTS).round().astype("int64")
    return RevenueFactors(
        customers=int(orders["customer_id"].nunique()),
        orders=len(orders),
        gross_cents=int(cents[cents > 0].sum()),
        refund_cents=int(-cents[cents < 0].sum()),
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


def reconcile(period: str, ours: RevenueFactors, declared: dict[str, float]) -> Reconciliation:
    """Compare a period's revenue with its control total.

    Raises CannotEstimate where none is declared for the period.
    """
    if period not in declared:
        raise CannotEstimate(
            f"No control total of revenue is declared for {period}, so the sum could not be checked."
        )
    theirs = round(declared[period] * CENTS)
    difference = ours.revenue_cents - theirs
    return Reconciliation(
        period,
        ours.revenue_cents / CENTS,
        theirs / CENTS,
        difference / CENTS,
        difference / theirs if theirs else None,
    )
