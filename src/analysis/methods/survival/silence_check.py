"""Did the list of silent customers foresee who was lost? Drawn up a quarter earlier, then compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import wilson
from analysis.methods.survival.prediction import FEWEST_CUSTOMERS, FEWEST_LOSSES, dynamic_auc
from analysis.methods.survival.silence import expected_share, risk_of_silence

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SilenceCheck:
    """How the chances of silence drawn up `days` before the as-of date did.

    expected: share expected to be lost in them, with the interval of what was to be seen. observed:
    share that was. auc: chance that of a customer lost and one kept, the lost one had the higher risk.
    """

    days: int
    expected: Estimate
    observed: Estimate
    auc: Estimate | NotEstimable


def check_silence(
    transactions: pd.DataFrame, as_of: dt.date, threshold_days: int, days_ahead: int
) -> SilenceCheck:
    """Draw the risks up so many days before the as-of date, and see who was lost by then.

    transactions: as of `risk_of_silence`, up to the as-of date. Raises CannotEstimate: no risks
    then, fewer than 30 customers, or fewer than 10 lost or kept.
    """
    import pandas as pd

    end = pd.Timestamp(as_of)
    cut = end - pd.Timedelta(days=days_ahead)
    known = transactions[transactions["occurred_on"] <= cut]
    silence = risk_of_silence(known, cut.date(), threshold_days, days_ahead)
    at_risk = silence.customers["customer_id"]
    bought = transactions.loc[transactions["amount"] > 0, ["customer_id", "occurred_on"]]
    bought = bought[(bought["occurred_on"] <= end) & bought["customer_id"].isin(at_risk)]
    days = bought.drop_duplicates().sort_values(["customer_id", "occurred_on"])
    following = days.groupby("customer_id")["occurred_on"].shift(-1)
    lost_on = days["occurred_on"] + pd.Timedelta(days=threshold_days)
    reached = (lost_on > cut) & (lost_on <= end) & (following.isna() | (following >= lost_on))
    lost = at_risk.isin(days.loc[reached, "customer_id"]).to_numpy(bool)
    n, losses = len(lost), int(lost.sum())
    if n < FEWEST_CUSTOMERS or min(losses, n - losses) < FEWEST_LOSSES:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers, or fewer than {FEWEST_LOSSES} lost or kept, are "
            "there to judge the list by."
        )
    return SilenceCheck(
        days_ahead,
        expected_share(silence),
        wilson(losses, n),
        attempt(dynamic_auc, silence.customers["risk"].to_numpy(float), lost, np.ones(n)),
    )
