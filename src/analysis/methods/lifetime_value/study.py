"""What customers are worth: within follow-up with contracts, and by repeat buying without."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.lifetime_value.contractual import (
    LifetimeValue,
    LifetimeValues,
    landmark_lifetime_value,
    lifetime_value,
    lifetime_value_by,
)
from analysis.methods.lifetime_value.purchase_value import (
    GammaGamma,
    fit_gamma_gamma,
    value_against_frequency,
)
from analysis.methods.lifetime_value.repeat_buying import BgNbd, fit_bg_nbd, purchase_history
from analysis.methods.lifetime_value.residual_value import (
    HoldoutCheck,
    expected_residual_value,
    holdout_check,
    share_still_buying,
)
from analysis.methods.lifetime_value.retention_worth import RetentionWorth, worth_of_retention
from analysis.methods.survival.landmark import landmark_groups

if TYPE_CHECKING:
    import pandas as pd

VALUE_GROUPS = ("segment", "contract", "region", "acquisition_channel")
MOST_LEVELS = 8
WITH_CONTRACTS = (
    "Contracts end on a day that is known, so no model of repeat buying is needed to tell who is "
    "still a customer."
)


@dataclass(frozen=True, slots=True)
class RepeatBuying:
    """Customers without contracts: a model of when they buy, and for how much.

    left_out: customers whose first order may lie before the export. share_still_buying: chance
    that a customer still buys, mean. residual_value: margin to come per customer over the
    horizon, extrapolated. value_against_frequency: correlation that the model takes for nought.
    check: predicted against actual purchases since the cut.
    """

    purchases: BgNbd
    left_out: int
    amounts: GammaGamma | NotEstimable
    share_still_buying: Estimate | NotEstimable
    residual_value: Estimate | NotEstimable
    value_against_frequency: Estimate | NotEstimable
    check: HoldoutCheck | NotEstimable


@dataclass(frozen=True, slots=True)
class ValueStudy:
    """Lifetime values; a field holds the reason where the data do not bear it.

    group: the column of `by_group`. instrument: of the answers that `by_answer` starts from.
    five_points, five_per_cent: worth of so much more yearly retention.
    """

    overall: LifetimeValue | NotEstimable
    group: str
    by_group: LifetimeValues | NotEstimable
    instrument: str
    by_answer: LifetimeValues | NotEstimable
    five_points: RetentionWorth | NotEstimable
    five_per_cent: RetentionWorth | NotEstimable
    repeat_buying: RepeatBuying | NotEstimable


def _group_to_value(lifetimes: pd.DataFrame) -> str:
    for name in VALUE_GROUPS:
        if name in lifetimes.columns and 2 <= lifetimes[name].nunique() <= MOST_LEVELS:
            return name
    raise CannotEstimate("No column splits customers into groups that could be valued.")


def study_repeat_buying(
    transactions: pd.DataFrame,
    lifetimes: pd.DataFrame,
    first_day: dt.date,
    as_of: dt.date,
    gross_margin: float,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
) -> RepeatBuying:
    """Fit purchases and amounts to those whose first purchase is in the export.

    gross_margin: margin per unit of amount where orders carry none of their own. Raises
    CannotEstimate where the purchases do not bear the model.
    """
    import pandas as pd

    if transactions.empty:
        raise CannotEstimate("The export carries no orders, so repeat buying cannot be modelled.")
    new = (lifetimes["spell"] == 1) & (lifetimes["started_on"] >= pd.Timestamp(first_day))
    seen = transactions[transactions["customer_id"].isin(lifetimes.loc[new, "customer_id"])]
    history = purchase_history(seen, as_of)
    purchases = fit_bg_nbd(history["frequency"], history["recency"], history["age"])
    amounts = attempt(fit_gamma_gamma, history["frequency"], history["mean_value"])
    share = gross_margin
    if "margin" in seen.columns and seen["margin"].notna().all():
        share = float(seen["margin"].sum() / seen["amount"].sum())
    days = (as_of - first_day).days
    cut = first_day + dt.timedelta(days=days * 2 // 3)
    return RepeatBuying(
        purchases,
        transactions["customer_id"].nunique() - len(history),
        amounts,
        attempt(share_still_buying, purchases, history),
        attempt(
            expected_residual_value, purchases, amounts, history, share, horizon_months,
            discount_rate_annual, currency,
        ),
        attempt(value_against_frequency, history),
        attempt(holdout_check, seen, cut, as_of),
    )  # fmt: skip


def attempt_repeat_buying(
    rule: str,
    transactions: pd.DataFrame,
    lifetimes: pd.DataFrame,
    first_day: dt.date | None,
    as_of: dt.date,
    gross_margin: float,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
) -> RepeatBuying | NotEstimable:
    """The model of repeat buying where churn is inactivity; else why it is not needed or possible.

    rule: of churn, as declared ("contract", "inactivity", "flag"). first_day: of the orders.
    """
    if rule == "contract":
        return NotEstimable(WITH_CONTRACTS)
    if first_day is None:
        return NotEstimable("Orders are not dated, so repeat buying cannot be modelled.")
    return attempt(
        study_repeat_buying, transactions, lifetimes, first_day, as_of, gross_margin,
        horizon_months, discount_rate_annual, currency,
    )  # fmt: skip


def study_value(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    landmarks: pd.DataFrame,
    landmark_periods: pd.DataFrame,
    horizon_months: int,
    discount_rate_annual: float,
    period_months: int,
    currency: str,
    repeat_buying: RepeatBuying | NotEstimable,
) -> ValueStudy:
    """Everything on lifetime value. repeat_buying: from `study_repeat_buying`, or why not."""
    terms = (horizon_months, discount_rate_annual, period_months, currency)
    group = attempt(_group_to_value, lifetimes)
    grouped = attempt(landmark_groups, landmarks)
    worth = attempt(worth_of_retention, lifetimes, customer_periods, *terms)
    return ValueStudy(
        attempt(lifetime_value, lifetimes, customer_periods, *terms),
        group if isinstance(group, str) else "",
        attempt(lifetime_value_by, lifetimes, customer_periods, group, *terms),
        "" if isinstance(grouped, NotEstimable) else grouped[0],
        grouped
        if isinstance(grouped, NotEstimable)
        else attempt(landmark_lifetime_value, grouped[1], landmark_periods, *terms),
        worth if isinstance(worth, NotEstimable) else worth[0],
        worth if isinstance(worth, NotEstimable) else worth[1],
        repeat_buying,
    )
