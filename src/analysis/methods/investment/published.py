"""A published return on customer experience, reckoned again from its own numbers.

Such examples set additional revenue against cost. Revenue has to be earned first: what is left of
it is margin, and a return of so much "per unit spent" can only be margin less cost over cost.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.methods.estimate import CannotEstimate
from analysis.methods.investment.cash_flows import return_on_investment

# Published returns are rounded: further off than this, they do not follow from what is given.
ROUNDING = 0.05


@dataclass(frozen=True, slots=True)
class PublishedClaim:
    """What is claimed, in millions of a currency where money.

    cost, additional_revenue: spent and won. share_of_customers spend `uplift` (a fraction) more.
    published_return: as printed, per unit spent.
    """

    cost: float
    additional_revenue: float
    share_of_customers: float
    uplift: float
    published_return: float


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """The claim reckoned again.

    return_on_revenue: (revenue − cost) / cost. return_on_margin: the same of what is left of
    revenue at `gross_margin`. follows: whether the published return is either. revenue_implied:
    total revenue that the gain presupposes. break_even_margin: share of the additional revenue
    that has to be left for the cost to be covered.
    """

    claim: PublishedClaim
    gross_margin: float
    return_on_revenue: float
    return_on_margin: float
    follows: bool
    revenue_implied: float
    break_even_margin: float


# An airline: a tenth of the customers spend a tenth more.
AIRLINE = PublishedClaim(3.0, 55.0, 0.1, 0.1, 18.99)


def check_published_return(claim: PublishedClaim, gross_margin: float) -> CheckedClaim:
    """Reckon a published return again. Raises CannotEstimate without cost, revenue or uplift."""
    on_revenue = return_on_investment(claim.additional_revenue, claim.cost)
    on_margin = return_on_investment(claim.additional_revenue * gross_margin, claim.cost)
    near = min(abs(claim.published_return - value) for value in (on_revenue, on_margin))
    return CheckedClaim(
        claim,
        gross_margin,
        on_revenue,
        on_margin,
        near <= ROUNDING,
        revenue_behind_uplift(claim.additional_revenue, claim.share_of_customers, claim.uplift),
        break_even_margin(claim.cost, claim.additional_revenue),
    )


def break_even_margin(cost: float, revenue: float) -> float:
    """The share of additional revenue that must remain as margin for the cost to be covered."""
    if revenue <= 0:
        raise CannotEstimate("without additional revenue no margin covers the cost")
    return cost / revenue


def revenue_behind_uplift(
    additional_revenue: float, share_of_customers: float, uplift: float
) -> float:
    """The total revenue that a gain implies when a share of customers spends `uplift` more."""
    if share_of_customers * uplift <= 0:
        raise CannotEstimate("without anybody who spends more, no revenue explains the gain")
    return additional_revenue / (share_of_customers * uplift)
