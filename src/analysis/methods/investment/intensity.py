"""Marginal against average return, by how much customers use a service.

Customers are grouped by what they used in the year *before* the programme began for them, so that
a draw holds within each group; the cost is spread by what they used afterwards. The average return
is benefit over cost of all up to a group, the marginal one that of the group alone: where it falls
below one, serving those who use most costs more than it brings, though the whole may still pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import scaled
from analysis.methods.programme_effect.experiment import arm_difference

if TYPE_CHECKING:
    import pandas as pd

LIGHT_USE, HEAVY_USE = 1, 3


@dataclass(frozen=True, slots=True)
class UseGroup:
    """Customers who used a service alike before.

    lowest, highest: contacts in the year before; highest None means and more. effect: margin per
    customer-quarter. cost: their share of the undiscounted cost. benefit: effect × their
    customer-quarters. marginal_return: benefit / cost of the group; average_return: of it and of
    all who used less.
    """

    lowest: int
    highest: int | None
    treated: int
    control: int
    effect: Estimate | NotEstimable
    cost: float
    benefit: Estimate | NotEstimable
    marginal_return: Estimate | NotEstimable
    average_return: Estimate | NotEstimable


def _groups() -> tuple[tuple[int, int | None], ...]:
    return ((0, LIGHT_USE - 1), (LIGHT_USE, HEAVY_USE - 1), (HEAVY_USE, None))


def returns_by_use(outcomes: pd.DataFrame, cost: float, currency: str) -> tuple[UseGroup, ...]:
    """Marginal and average return of an experiment by use before it.

    outcomes: columns arm, quarters, margin_per_quarter, margin_year_before, contacts_before,
    contacts_after (per quarter). cost: undiscounted, of everybody treated. Raises CannotEstimate where no cost
    is recorded, where use is not, or where all used alike.
    """
    if cost <= 0:
        raise CannotEstimate("no cost is recorded, so there is no return on it to be given")
    if "contacts_before" not in outcomes.columns:
        raise CannotEstimate("no contacts are recorded, so use of the service is not known")
    followed = outcomes[(outcomes["quarters"] > 0) & outcomes["contacts_before"].notna()]
    if followed.empty or followed["contacts_before"].nunique() < 2:
        raise CannotEstimate("all customers used the service alike before")
    treated = (followed["arm"] != "control").to_numpy()
    quarters = followed["quarters"].to_numpy(float) * treated
    use = followed["contacts_after"].fillna(0).to_numpy(float) * quarters
    # Where nobody treated used it, the cost is spread by quarters.
    share = use if use.sum() > 0 else quarters
    share = np.asarray(share / share.sum(), dtype=float)
    found: list[UseGroup] = []
    benefits: list[Estimate | NotEstimable] = []
    spent = 0.0
    for lowest, highest in _groups():
        inside = followed["contacts_before"] >= lowest
        if highest is not None:
            inside &= followed["contacts_before"] <= highest
        rows = followed[inside]
        paid = cost * float(share[inside.to_numpy()].sum())
        spent += paid
        effect = attempt(_effect, rows, currency)
        mine = float(rows.loc[rows["arm"] != "control", "quarters"].sum())
        benefit = attempt(scaled, effect, mine, currency)
        benefits.append(benefit)
        found.append(
            UseGroup(
                lowest,
                highest,
                int((rows["arm"] != "control").sum()),
                int((rows["arm"] == "control").sum()),
                effect,
                paid,
                benefit,
                attempt(_return, benefit, paid),
                attempt(_average, tuple(benefits), spent),
            )
        )
    return tuple(found)


def _effect(rows: pd.DataFrame, currency: str) -> Estimate:
    before = rows["margin_year_before"].to_numpy(float)
    known = np.isfinite(before)
    covariates = np.column_stack([np.where(known, before, 0.0), known.astype(float)])
    repeated = bool(rows["customer_id"].duplicated().any())
    fit = arm_difference(
        rows["margin_per_quarter"].to_numpy(float),
        (rows["arm"] != "control").to_numpy(float),
        covariates,
        rows["quarters"].to_numpy(float),
        rows["customer_id"].to_numpy() if repeated else None,
    )
    return fit.estimate(f"{currency} per customer-quarter", "least squares on arm and past margin")


def _return(benefit: Estimate, cost: float) -> Estimate:
    if cost <= 0:
        raise CannotEstimate("these customers caused no cost")
    return scaled(benefit, 1 / cost, "ratio")


def _average(benefits: tuple[Estimate | NotEstimable, ...], cost: float) -> Estimate:
    """Return of several groups of different customers: their errors add in squares."""
    known = [b for b in benefits if isinstance(b, Estimate)]
    if len(known) < len(benefits) or cost <= 0:
        raise CannotEstimate("not every group up to here could be compared")
    total = sum(b.value for b in known)
    half = float(np.sqrt(sum(((b.upper or 0.0) - b.value) ** 2 for b in known)))
    n = sum(b.n for b in known)
    return Estimate(
        total / cost, (total - half) / cost, (total + half) / cost, "ratio", n, known[0].method
    )


def extra_per_quarter(outcomes: pd.DataFrame, column: str, unit: str) -> Estimate:
    """What treated customers used or were given beyond controls, per customer-quarter.

    column: a mean per quarter followed (contacts_after, compensation_after). Raises CannotEstimate
    where it is not recorded or an arm is too small.
    """
    if column not in outcomes.columns:
        raise CannotEstimate("the export does not record it")
    rows = outcomes[(outcomes["quarters"] > 0) & outcomes[column].notna()]
    repeated = bool(rows["customer_id"].duplicated().any())
    fit = arm_difference(
        rows[column].to_numpy(float),
        (rows["arm"] != "control").to_numpy(float),
        None,
        rows["quarters"].to_numpy(float),
        rows["customer_id"].to_numpy() if repeated else None,
    )
    return fit.estimate(unit, "treated less control")
