"""Are promoters less price-sensitive? From orders that carry a discount or a list price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.regression import Floats, Ints, clustered_covariance, fit_least_squares
from analysis.methods.spending.absorb import Held, take_out, unchanging
from analysis.methods.spending.ladder import from_influence, slope_of
from analysis.methods.spending.rows import FEWEST_CUSTOMERS
from analysis.methods.spending.shape import NPS_STEPS

if TYPE_CHECKING:
    import pandas as pd

NPS_GROUPS = ("detractors", "passives", "promoters")
NO_REDUCTION = 0.005


@dataclass(frozen=True, slots=True)
class PriceGroup:
    """Orders of customers whose last answer before them made them one of the three NPS groups.

    at_discount: share of orders at a reduced price. response: change of an order's size at list
    prices, in per cent, that goes with a price lower by one per cent, within customers.
    """

    name: str
    orders: int
    customers: int
    at_discount: Estimate | NotEstimable
    response: Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class PriceStudy:
    """Price sensitivity by NPS group, and promoters less detractors in both figures."""

    groups: tuple[PriceGroup, ...]
    at_discount_difference: Estimate | NotEstimable
    response_difference: Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class _Orders:
    """Orders with a price and a last answer. reduction: share taken off the list price."""

    customer: Ints
    group: Ints
    reduction: Floats
    size: Floats


def _orders(transactions: pd.DataFrame, surveys: pd.DataFrame) -> _Orders:
    import pandas as pd

    columns = transactions.columns
    told = [name for name in ("discount", "list_price") if name in columns]
    told = [name for name in told if transactions[name].notna().any()]
    if not told:
        raise CannotEstimate(
            "The export carries neither discounts nor list prices, so price sensitivity cannot be "
            "measured."
        )
    orders = transactions[(transactions["amount"] > 0) & transactions[told].notna().all(axis=1)]
    orders = orders[orders["customer_id"].notna()]
    orders = orders.assign(occurred_on=orders["occurred_on"].astype("datetime64[ns]"))
    paid = orders["amount"].to_numpy(float)
    if "list_price" in told:
        listed = orders["list_price"].to_numpy(float)
    else:
        listed = paid + orders["discount"].to_numpy(float)
    orders = orders.assign(_paid=paid, _listed=listed)[listed >= paid * (1 - NO_REDUCTION)]
    answers = surveys[(surveys["instrument"] == "nps") & surveys["score"].notna()]
    answers = answers.dropna(subset=["customer_id", "answered_on"])
    answers = answers.assign(answered_on=answers["answered_on"].astype("datetime64[ns]"))
    if orders.empty or answers.empty:
        raise CannotEstimate("No order with a price follows an NPS answer of its customer.")
    joined = pd.merge_asof(
        orders.sort_values(["occurred_on", "transaction_id"]),
        answers.sort_values(["answered_on", "response_id"])[["customer_id", "answered_on", "score"]],
        left_on="occurred_on", right_on="answered_on", by="customer_id", allow_exact_matches=False,
    )  # fmt: skip
    joined = joined[joined["score"].notna()]
    if joined.empty:
        raise CannotEstimate("No order with a price follows an NPS answer of its customer.")
    customer, _ = pd.factorize(joined["customer_id"], sort=True)
    listed, paid = joined["_listed"].to_numpy(float), joined["_paid"].to_numpy(float)
    return _Orders(
        customer.astype(np.int64),
        np.searchsorted(NPS_STEPS, joined["score"].to_numpy(float)).astype(np.int64),
        np.clip(1 - paid / listed, 0.0, 0.999),
        np.log(listed),
    )


def _discount_share(orders: _Orders, group: int) -> tuple[Estimate, Floats]:
    chosen = orders.group == group
    customers = int(orders.customer.max()) + 1
    if len(np.unique(orders.customer[chosen])) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} {NPS_GROUPS[group]} have orders.")
    reduced = (orders.reduction[chosen] > NO_REDUCTION).astype(float)
    share = float(reduced.mean())
    influence = np.bincount(orders.customer[chosen], reduced - share, customers) / len(reduced)
    of_group = influence[np.unique(orders.customer[chosen])]
    return from_influence(share, of_group, "share", "share of orders, by customer"), influence


def _response(orders: _Orders, group: int) -> tuple[Estimate, Floats]:
    """Log size at list prices on minus the log of the price, within customers."""
    chosen = orders.group == group
    size, price = orders.size[chosen], -np.log1p(-orders.reduction[chosen])
    present, customer = np.unique(orders.customer[chosen], return_inverse=True)
    if len(present) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} {NPS_GROUPS[group]} have orders.")
    (y, x), _ = take_out([size, price], Held((("customer", customer.astype(np.int64)),)))
    if unchanging(price, x):
        raise CannotEstimate(f"Prices never changed for any of the {NPS_GROUPS[group]}.")
    fit = fit_least_squares(y, x[:, None], ("price",), "cluster", customer.astype(np.int64))
    influence = np.zeros(int(orders.customer.max()) + 1)
    influence[present] = fit.influence[:, 0]
    return slope_of(fit, "price", "per cent per per cent"), influence


def _difference(first: tuple[Estimate, Floats], second: tuple[Estimate, Floats]) -> Estimate:
    influence = second[1] - first[1]
    error = float(np.sqrt(clustered_covariance(influence, influence)))
    if error <= 0:
        raise CannotEstimate("The two groups do not vary, so their difference has no interval.")
    value = second[0].value - first[0].value
    return from_influence(value, influence, first[0].unit, "promoters less detractors")


def study_prices(transactions: pd.DataFrame, surveys: pd.DataFrame) -> PriceStudy:
    """Price sensitivity by NPS group. Raises CannotEstimate where no price is carried."""
    if transactions.empty or surveys.empty:
        raise CannotEstimate("Orders or answers are missing, so prices cannot be set beside them.")
    orders = _orders(transactions, surveys)
    shares = [attempt(_discount_share, orders, group) for group in range(3)]
    responses = [attempt(_response, orders, group) for group in range(3)]
    groups = tuple(
        PriceGroup(
            name,
            int((orders.group == group).sum()),
            len(np.unique(orders.customer[orders.group == group])),
            share if isinstance(share, NotEstimable) else share[0],
            response if isinstance(response, NotEstimable) else response[0],
        )
        for group, (name, share, response) in enumerate(
            zip(NPS_GROUPS, shares, responses, strict=True)
        )
    )
    return PriceStudy(
        groups,
        attempt(_difference, shares[0], shares[2]),
        attempt(_difference, responses[0], responses[2]),
    )
