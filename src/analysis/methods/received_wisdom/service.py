"""Fast replies and little effort beside the CSAT of the same encounter."""

from __future__ import annotations

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.received_wisdom.contact_answers import answered_contacts
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import FEWEST_CUSTOMERS, CompanyRecords, answers_to
from analysis.methods.regression import Floats, Ints, fit_least_squares
from analysis.methods.spending.absorb import Held, take_out, unchanging
from analysis.methods.spending.ladder import slope_of

SMALLEST_PER_HALVING = 0.05
SMALLEST_PER_POINT = 0.1
SHORTEST_MINUTES = 1.0
SAME_ENCOUNTER_DAYS = 7
# Fewer rows for each thing held leave residuals that are too small.
ROWS_PER_LEVEL = 5


def slope_beside(
    outcome: Floats, regressor: Floats, held: Held, customer: Ints, unit: str, name: str
) -> Estimate:
    """Slope of `outcome` (n) on `regressor` (n) beside what is held, clustered by customer.

    Raises CannotEstimate where rows are too few for what is held, and where the regressor, or the
    outcome, does not vary beside it.
    """
    levels = sum(int(codes.max()) + 1 for _, codes in held.groups) + len(held.numbers)
    if len(outcome) < ROWS_PER_LEVEL * levels:
        raise CannotEstimate("Needs more answers: too few for like to be compared with like.")
    (y, x), _ = take_out([outcome, regressor], held)
    if unchanging(regressor, x):
        raise CannotEstimate(f"Needs {name} that differs between encounters of one kind.")
    if unchanging(outcome, y):
        raise CannotEstimate("Needs answers that differ: all are the same.")
    fit = fit_least_squares(y, x[:, None], (name,), "cluster", customer)
    if unchanging(outcome, fit.residuals):
        raise CannotEstimate("Needs answers of their own: here one column follows from the other.")
    return slope_of(fit, name, unit)


def fast_replies(records: CompanyRecords) -> Reading:
    """CSAT points per halving of the time to the first reply, same touchpoint, channel and month.

    Contacts not replied to before the answer are left out. Raises CannotEstimate.
    """
    rows = answered_contacts(records)
    halvings = -np.log2(np.maximum(rows.reply_minutes, SHORTEST_MINUTES))
    groups = (("touchpoint", rows.touchpoint), ("channel", rows.channel), ("month", rows.month))
    name = "a time to the first reply"
    slope = slope_beside(rows.score, halvings, Held(groups), rows.customer, "points", name)
    raw = slope_beside(rows.score, halvings, Held(), rows.customer, "points", name)
    asides = {"whatever the touchpoint": raw}
    return Reading(slope, "association", 0.0, 1, SMALLEST_PER_HALVING, asides=asides)


def less_effort(records: CompanyRecords) -> Reading:
    """CSAT points per point of effort (CES), nearest answers of a customer within a week.

    A higher CES is read as more effort. Where a higher one goes with more satisfaction the scale
    may count ease instead, which no column tells. Raises CannotEstimate then as well.
    """
    import pandas as pd

    effort, satisfaction = answers_to(records, "ces"), answers_to(records, "csat")
    keys = ["customer_id", "answered_on", "score"]
    order = ["answered_on", "customer_id", "response_id"]
    joined = pd.merge_asof(
        effort.sort_values(order)[keys], satisfaction.sort_values(order)[keys], on="answered_on",
        by="customer_id", direction="nearest", suffixes=("_ces", "_csat"),
        tolerance=pd.Timedelta(days=SAME_ENCOUNTER_DAYS),
    )  # fmt: skip
    joined = joined[joined["score_csat"].notna()].sort_values(["customer_id", "answered_on"])
    if joined["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs CES and CSAT answers of at least {FEWEST_CUSTOMERS} customers within "
            f"{SAME_ENCOUNTER_DAYS} days of each other."
        )
    slope = slope_beside(
        joined["score_csat"].to_numpy(float),
        joined["score_ces"].to_numpy(float),
        Held(),
        pd.factorize(joined["customer_id"], sort=True)[0].astype(np.int64),
        "points",
        "a CES",
    )
    if slope.lower is not None and slope.lower > 0:
        raise CannotEstimate(
            "Needs to be told whether a high CES means effort or ease: here it goes with a high CSAT, "
            "which is as claimed if it means ease and the opposite if it means effort."
        )
    return Reading(slope, "association", 0.0, -1, SMALLEST_PER_POINT)
