"""Does the hazard model foresee who leaves? Fitted on what was known, judged by what followed.

Discrimination: cumulative/dynamic AUC. Accuracy: Brier score beside that of Kaplan–Meier alone
(tenure, nothing else). Calibration: predicted against observed by fifths. Customers lost to sight
before the horizon count through inverse-probability-of-censoring weights (Graf et al. 1999;
Uno et al. 2007).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, normal_quantile, wilson
from analysis.methods.survival.baseline import baseline_hazard, conditional_risk
from analysis.methods.survival.cox import Booleans, CoxFit, Floats, fit_cox
from analysis.methods.survival.nonparametric import kaplan_meier
from analysis.methods.survival.prediction_rows import ActiveThen, KnownThen

__all__ = ["CalibrationGroup", "PredictionCheck", "check_prediction", "conditional_risk"]

FEWEST_CUSTOMERS = 30
FEWEST_LOSSES = 10
GROUPS = 5
# Follow-up that ends this much before the horizon, in months, reaches it: half a day of rounding.
SLACK = 0.02


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """Customers with risks from `lowest` to `highest`: mean predicted share and observed share."""

    lowest: float
    highest: float
    n: int
    predicted: float
    observed: Estimate


@dataclass(frozen=True, slots=True)
class PredictionCheck:
    """How a model fitted on what was known did on what followed, over `months`.

    n: customers judged; beyond_follow_up: left out, as too few had then been followed over their
    months to come. losses: of n, seen to leave. lost_to_sight: neither left nor followed to the
    horizon. predicted: mean predicted share; observed: share that left. auc: chance that of a
    leaver and a stayer the leaver had the higher risk (.5 is chance). brier, brier_kaplan_meier:
    mean squared error of the model and of tenure alone; brier_difference: model less tenure,
    below zero if the model is better.
    """

    fit: CoxFit
    months: float
    n: int
    beyond_follow_up: int
    losses: int
    lost_to_sight: int
    predicted: float
    observed: Estimate
    auc: Estimate | NotEstimable
    brier: Estimate
    brier_kaplan_meier: Estimate
    brier_difference: Estimate
    calibration: tuple[CalibrationGroup, ...]


def censoring_weights(followed: Floats, left: Booleans, months: float) -> tuple[Floats, Booleans]:
    """Weights of customers whose state at the horizon is known (others zero), and who had left by then.

    One over the Kaplan–Meier chance of still being followed just before leaving, or the horizon;
    who leaves on a day counts as leaving before others are lost to sight on it.
    """
    gone = left & (followed <= months + SLACK)
    known = gone | (followed >= months - SLACK)
    lost = ~left & ~known
    weights = known.astype(float)
    if lost.any():
        # Leaving takes a customer out of those who can be lost on that day.
        until = np.where(left, np.nextafter(followed, 0.0), followed)
        curve = kaplan_meier(np.full(len(followed), -1.0), until, lost)
        steps = np.concatenate([[1.0], curve.survival])
        at = np.where(gone, followed, months - SLACK)
        chance = steps[np.searchsorted(curve.times, at, side="left")]
        weights = np.where(known, 1 / np.where(known, np.maximum(chance, 1e-12), 1.0), 0.0)
    return weights, gone


def dynamic_auc(
    risk: Floats, gone: Booleans, weights: Floats, confidence_level: float = 0.95
) -> Estimate:
    """Cumulative/dynamic AUC: those gone by the horizon against those still there, weighted.

    risk, gone, weights: n each. Interval by the influence of each customer (DeLong 1988), on the
    logit scale; the censoring weights are taken as known. Raises CannotEstimate if nobody, or
    everybody, has gone.
    """
    cases, controls = gone & (weights > 0), ~gone & (weights > 0)
    if not cases.any() or not controls.any():
        raise CannotEstimate("Telling leavers from stayers needs both.")

    def below(mine: Booleans, others: Booleans) -> Floats:
        """Weighted share of the others with a lower risk, ties counting half."""
        order = np.argsort(risk[others], kind="stable")
        sorted_risk = risk[others][order]
        total = np.concatenate([[0.0], np.cumsum(weights[others][order])])
        under = total[np.searchsorted(sorted_risk, risk[mine], side="left")]
        upto = total[np.searchsorted(sorted_risk, risk[mine], side="right")]
        return np.asarray((under + upto) / 2 / total[-1])

    of_case, of_control = below(cases, controls), 1 - below(controls, cases)
    share_case = weights[cases] / weights[cases].sum()
    share_control = weights[controls] / weights[controls].sum()
    value = float(share_case @ of_case)
    variance = float(((share_case * (of_case - value)) ** 2).sum())
    variance += float(((share_control * (of_control - value)) ** 2).sum())
    lower = upper = None
    if 0 < value < 1 and variance > 0:
        half = normal_quantile(confidence_level) * np.sqrt(variance) / (value * (1 - value))
        logit = np.log(value / (1 - value))
        lower, upper = (float(1 / (1 + np.exp(-(logit + sign * half)))) for sign in (-1, 1))
    return Estimate(
        value, lower, upper, "share", int((weights > 0).sum()),
        "cumulative/dynamic AUC, DeLong on the logit scale", confidence_level,
    )  # fmt: skip


def _mean(values: Floats, method: str, confidence_level: float) -> Estimate:
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return from_standard_error(
        float(values.mean()), error, "Brier score", len(values), method,
        confidence_level=confidence_level,
    )  # fmt: skip


def _observed(followed: Floats, left: Booleans, months: float, confidence_level: float) -> Estimate:
    """Share that left by the horizon: Wilson if all states are known, else one less Kaplan–Meier."""
    gone = left & (followed <= months + SLACK)
    if (gone | (followed >= months - SLACK)).all():
        return wilson(int(gone.sum()), len(gone), confidence_level)
    curve = kaplan_meier(np.full(len(followed), -1.0), followed, gone, confidence_level)
    staying = curve.at(min(months, curve.last_time))
    lower = None if staying.upper is None else 1 - staying.upper
    upper = None if staying.lower is None else 1 - staying.lower
    return replace(staying, value=1 - staying.value, lower=lower, upper=upper)


def calibration_table(
    risk: Floats, followed: Floats, left: Booleans, months: float, groups: int = GROUPS,
    confidence_level: float = 0.95,
) -> tuple[CalibrationGroup, ...]:  # fmt: skip
    """Predicted against observed shares by quantiles of risk; equal risks share a group.

    Groups that quantiles leave empty (many equal risks) are missing from the table.
    """
    edges = np.quantile(risk, np.arange(1, groups) / groups)
    place = np.searchsorted(edges, risk, side="left")
    table = []
    for group in np.unique(place):
        here = place == group
        table.append(
            CalibrationGroup(
                float(risk[here].min()), float(risk[here].max()), int(here.sum()),
                float(risk[here].mean()),
                _observed(followed[here], left[here], months, confidence_level),
            )
        )  # fmt: skip
    return tuple(table)


def tenure_only_risk(known: KnownThen, tenure_months: Floats, months: float) -> Floats:
    """One less S(t+h)/S(t) by Kaplan–Meier of what was known; NaN where nobody stayed to t."""
    curve = kaplan_meier(known.start, known.stop, known.ended)
    steps = np.concatenate([[1.0], curve.survival])
    now = steps[np.searchsorted(curve.times, tenure_months, side="right")]
    then = steps[np.searchsorted(curve.times, tenure_months + months, side="right")]
    return np.where(now > 0, 1 - then / np.where(now > 0, now, 1.0), np.nan)


def check_prediction(
    known: KnownThen, active: ActiveThen, confidence_level: float = 0.95
) -> PredictionCheck:
    """Fit on what was known, predict those active, compare with what followed.

    Raises CannotEstimate: the model cannot be fitted, or fewer than 30 customers or 10 losses are
    left to judge it by.
    """
    fit = fit_cox(known.start, known.stop, known.ended, known.covariates, known.names, known.strata)
    baseline = baseline_hazard(
        fit, known.start, known.stop, known.ended, known.covariates, known.strata
    )
    months = active.months
    risk = conditional_risk(
        fit, baseline, active.tenure_months, active.covariates, months, active.strata
    )
    plain = tenure_only_risk(known, active.tenure_months, months)
    judged = np.isfinite(risk) & np.isfinite(plain)
    followed, left = active.followed_months[judged], active.left[judged]
    risk, plain = risk[judged], plain[judged]
    if len(risk) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers are left to judge the prediction by."
        )
    weights, gone = censoring_weights(followed, left, months)
    if gone.sum() < FEWEST_LOSSES:
        raise CannotEstimate(
            f"Fewer than {FEWEST_LOSSES} customers left in the months that were predicted."
        )
    state = gone.astype(float)
    squared = weights * (state - risk) ** 2
    squared_plain = weights * (state - plain) ** 2
    return PredictionCheck(
        fit=fit,
        months=months,
        n=len(risk),
        beyond_follow_up=int((~judged).sum()),
        losses=int(gone.sum()),
        lost_to_sight=int((weights == 0).sum()),
        predicted=float(risk.mean()),
        observed=_observed(followed, left, months, confidence_level),
        auc=attempt(dynamic_auc, risk, gone, weights, confidence_level),
        brier=_mean(squared, "Brier score, weighted for censoring", confidence_level),
        brier_kaplan_meier=_mean(
            squared_plain, "Brier score of Kaplan–Meier by tenure", confidence_level
        ),
        brier_difference=_mean(
            squared - squared_plain, "difference of Brier scores, paired", confidence_level
        ),
        calibration=calibration_table(
            risk, followed, left, months, confidence_level=confidence_level
        ),
    )
