"""The same question in other forms: relative, in two parts, with heavy tails cut, in margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.poisson import change_per_unit, fit_poisson_fixed_effects
from analysis.methods.regression import dummies
from analysis.methods.regression_diagnostics import winsorise
from analysis.methods.spending.absorb import (
    fit_within,
    require_changes,
    take_out_customers_and_periods,
)
from analysis.methods.spending.ladder import slope_of
from analysis.methods.spending.rows import PanelRows

WINSORISED_AT = 0.99


@dataclass(frozen=True, slots=True)
class Forms:
    """The defended comparison in other forms.

    elasticity: by which share spend is higher per point (Poisson within customers and periods).
    never_spent: customers without spend, of whom it says nothing; set_to_zero: rows below zero.
    buying: share of periods with any spend, per point. mean_buying: that share overall.
    if_buying: spend per point in periods with spend. winsorised: spend cut at `cut_at`, currency.
    """

    elasticity: Estimate | NotEstimable
    never_spent: int
    set_to_zero: int
    buying: Estimate | NotEstimable
    mean_buying: float
    if_buying: Estimate | NotEstimable
    winsorised: Estimate | NotEstimable
    cut_at: float
    cut_rows: int


def relative_slope(rows: PanelRows) -> tuple[Estimate, int, int]:
    """exp(b) − 1 per point; customers who never spent; rows below zero. Raises CannotEstimate."""
    left = take_out_customers_and_periods([rows.spend, rows.score], rows.customer, rows.period)
    require_changes((rows.spend, left[0]), (rows.score, left[1]), rows.customer)
    block, names = dummies(rows.period, rows.period_labels, "period")
    design = np.column_stack([rows.score, block])
    fit = fit_poisson_fixed_effects(rows.spend, design, ("score", *names), rows.customer)
    return change_per_unit(fit, "score"), fit.dropped_units, fit.set_to_zero


def buying_slope(rows: PanelRows) -> Estimate:
    """By how much the share of periods with spend is higher per point, within customers.

    Raises CannotEstimate where everybody always buys, or nobody does.
    """
    bought = rows.spend > 0
    if bought.all():
        raise CannotEstimate("Every customer bought in every period.")
    if not bought.any():
        raise CannotEstimate("No customer bought in any period.")
    fit = fit_within(bought.astype(float), [rows.score], ("score",), rows.customer, rows.period)
    return slope_of(fit, "score", "share", "linear share within customers, clustered by customer")


def slope_if_buying(rows: PanelRows, unit: str) -> Estimate:
    """Spend per point in periods with spend, within customers. Raises CannotEstimate."""
    buyers = rows.select(rows.spend > 0)
    fit = fit_within(buyers.spend, [buyers.score], ("score",), buyers.customer, buyers.period)
    return slope_of(fit, "score", unit)


def winsorised_slope(rows: PanelRows, unit: str) -> tuple[Estimate, float, int]:
    """The defended slope of spend cut at its 99th percentile; the limit; rows that were cut."""
    cut = winsorise(rows.spend, WINSORISED_AT)
    fit = fit_within(cut.values, [rows.score], ("score",), rows.customer, rows.period)
    return slope_of(fit, "score", unit, f"winsorised at {WINSORISED_AT:.0%}"), cut.upper, cut.moved


def other_forms(rows: PanelRows, unit: str) -> Forms:
    """All forms on the rows of the ladder."""
    relative = attempt(relative_slope, rows)
    cut = attempt(winsorised_slope, rows, unit)
    return Forms(
        elasticity=relative if isinstance(relative, NotEstimable) else relative[0],
        never_spent=0 if isinstance(relative, NotEstimable) else relative[1],
        set_to_zero=0 if isinstance(relative, NotEstimable) else relative[2],
        buying=attempt(buying_slope, rows),
        mean_buying=float((rows.spend > 0).mean()),
        if_buying=attempt(slope_if_buying, rows, unit),
        winsorised=cut if isinstance(cut, NotEstimable) else cut[0],
        cut_at=0.0 if isinstance(cut, NotEstimable) else cut[1],
        cut_rows=0 if isinstance(cut, NotEstimable) else cut[2],
    )
