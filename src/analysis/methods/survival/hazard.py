"""The hazard of leaving beside the last known score and what is recorded of the customer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.regression import dummies
from analysis.methods.survival.concordance import concordance
from analysis.methods.survival.cox import CoxFit, ProportionalityTest, fit_cox, proportionality
from analysis.methods.survival.groups import (
    FEWEST_CUSTOMERS,
    MISSING,
    MOST_LEVELS,
    group_codes,
)
from analysis.methods.survival.nonparametric import Floats
from analysis.methods.survival.robust import clustered, score_residuals

if TYPE_CHECKING:
    import pandas as pd

MODEL_COVARIATES = ("contract", "segment", "acquisition_channel", "internet_service")
SCORE = "CSAT, per point"
PROPORTIONAL_P_VALUE = 0.05
# In a level of so many customers it is news if none has left, and the design audit says so.
FEWEST_WITHOUT_LOSS = 30
SMALL_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class HazardModel:
    """A Cox model with the test of its proportionality."""

    fit: CoxFit
    test: ProportionalityTest | NotEstimable
    stratified_by: str = ""


def _merge_rare(column: pd.Series, customer: pd.Series, ended: pd.Series) -> pd.Series:
    """Levels with fewer than eight customers join the largest: a ratio of their own would expose them.

    So do those of fewer than thirty, and of less than a twentieth, of whom none has left: they have no
    ratio of their own, and a dozen customers must not cost the model of thousands. Separation by a
    larger level is for the reader to see.
    """
    filled = column.fillna(MISSING).astype(str)
    customers = customer.groupby(filled).nunique()
    lost = ended.groupby(filled).any().reindex(customers.index)
    few = (customers < FEWEST_WITHOUT_LOSS) & (customers / customers.sum() < SMALL_SHARE)
    lossless = few & ~lost
    rare = customers.index[(customers < FEWEST_CUSTOMERS) | lossless]
    return filled.where(~filled.isin(rare), str(customers.idxmax()))


def hazard_design(
    rows: pd.DataFrame, with_score: bool, leave_out: str = ""
) -> tuple[Floats, tuple[str, ...]]:
    """Design matrix of the hazard: the score, and indicators of what is recorded.

    leave_out: a column that has a baseline hazard for each of its values instead. Raises
    CannotEstimate if no column remains.
    """
    columns: list[Floats] = []
    names: tuple[str, ...] = ()
    if with_score:
        columns.append(rows["score"].to_numpy(float)[:, None])
        names = (SCORE,)
    for name in MODEL_COVARIATES:
        if name in rows.columns and name != leave_out and 2 <= rows[name].nunique() <= MOST_LEVELS:
            codes, labels = group_codes(_merge_rare(rows[name], rows["customer_id"], rows["ended"]))
            if len(labels) > 1:
                block, labelled = dummies(codes, labels, name)
                columns.append(block)
                names += labelled
    if not columns:
        raise CannotEstimate("The export carries nothing that the hazard of leaving could go with.")
    return np.hstack(columns), names


def fit_hazard(rows: pd.DataFrame, with_score: bool, stratified_by: str = "") -> HazardModel:
    """Cox model of the rows: intervals (start_months, stop_months], or whole lifetimes."""
    if rows["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no hazard model is fitted.")
    start = rows["start_months" if with_score else "entry_months"].to_numpy(float)
    stop = rows["stop_months" if with_score else "exit_months"].to_numpy(float)
    ended = rows["ended"].to_numpy(bool)
    design, names = hazard_design(rows, with_score, stratified_by)
    strata = group_codes(rows[stratified_by])[0] if stratified_by else None
    fit = fit_cox(start, stop, ended, design, names, strata)
    test = attempt(proportionality, fit, start, stop, ended, design, strata)
    customer = group_codes(rows["customer_id"])[0]
    spells = rows[["customer_id", "spell"]].drop_duplicates()
    if spells["customer_id"].duplicated().any():
        fit = clustered(fit, score_residuals(fit, start, stop, ended, design, strata), customer)
    return HazardModel(replace(fit, n=int(customer.max()) + 1), test, stratified_by)


def scored_intervals(intervals: pd.DataFrame) -> pd.DataFrame:
    """The intervals in which a score is known.

    Raises CannotEstimate if there are too few customers with one.
    """
    if intervals.empty:
        raise CannotEstimate(
            "No satisfaction score is in the data, so it cannot be set beside churn."
        )
    scored = intervals[intervals["score"].notna()]
    if scored["customer_id"].nunique() < FEWEST_CUSTOMERS * 2:
        raise CannotEstimate("Too few customers have answered to set satisfaction beside churn.")
    return scored


def score_hazard_ratio(model: HazardModel) -> Estimate:
    """Hazard ratio per point of the last known score."""
    return model.fit.hazard_ratio(SCORE)


def concordance_of(rows: pd.DataFrame, with_score: bool, model: HazardModel) -> Estimate:
    """How often the model had put a higher risk on who left than on who stayed on."""
    design, names = hazard_design(rows, with_score, model.stratified_by)
    assert names == model.fit.names
    by = model.stratified_by
    return concordance(
        design @ model.fit.coefficients,
        rows["start_months" if with_score else "entry_months"].to_numpy(float),
        rows["stop_months" if with_score else "exit_months"].to_numpy(float),
        rows["ended"].to_numpy(bool),
        group_codes(rows["customer_id"])[0],
        group_codes(rows[by])[0] if by else None,
    )
