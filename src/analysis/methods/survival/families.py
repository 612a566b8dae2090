"""Which family of lifetimes fits: three side by side, by AIC and by distance from Kaplan–Meier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.survival.nonparametric import SurvivalCurve, kaplan_meier
from analysis.methods.survival.parametric import (
    FAMILIES,
    FAMILY_NAMES,
    Booleans,
    Family,
    Floats,
    ParametricFit,
    fit_parametric,
)

# Models whose AIC differs by less are not told apart (Burnham & Anderson 2002).
AIC_TELLS_APART = 2.0


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a family's curve lies from Kaplan–Meier, within follow-up.

    largest: absolute difference in the share still there. at_months: where.
    inside_band: share of loss times at which the curve lies within the pointwise limits.
    """

    largest: float
    at_months: float
    inside_band: float


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """One family, or the reasons why not.

    fit: with all covariates. alone: without any, the curve to draw over Kaplan–Meier.
    distance: of `alone` from Kaplan–Meier.
    """

    family: Family
    fit: ParametricFit | NotEstimable
    alone: ParametricFit | NotEstimable
    distance: Distance | NotEstimable


@dataclass(frozen=True, slots=True)
class ParametricStudy:
    """All families, by AIC, those that could not be fitted last."""

    families: tuple[FamilyResult, ...]

    @property
    def fitted(self) -> tuple[ParametricFit, ...]:
        """The fits there are, best first; the second stands beside whatever is extrapolated."""
        return tuple(
            result.fit for result in self.families if isinstance(result.fit, ParametricFit)
        )

    @property
    def best(self) -> ParametricFit:
        """The fit of lowest AIC. Raises CannotEstimate if no family could be fitted."""
        if not self.fitted:
            reason = self.families[0].fit
            raise CannotEstimate(
                reason.reason if isinstance(reason, NotEstimable) else "No model could be fitted."
            )
        return self.fitted[0]

    @property
    def not_told_apart(self) -> tuple[str, ...]:
        """Names of the families whose AIC is within two of the best: the data do not choose."""
        return tuple(
            FAMILY_NAMES[fit.family]
            for fit in self.fitted
            if fit.aic - self.fitted[0].aic < AIC_TELLS_APART
        )


def _distance(fit: ParametricFit, curve: SurvivalCurve) -> Distance:
    before = np.concatenate([[1.0], curve.survival])
    after = np.append(curve.survival, curve.survival[-1])
    times = np.append(curve.times, curve.last_time)
    modelled = fit.curve(times)
    # The step has a level on either side of each loss; after the last one it runs on to the end.
    gaps = np.maximum(np.abs(modelled - before), np.abs(modelled - after))
    inside = (modelled[:-1] >= curve.lower) & (modelled[:-1] <= curve.upper)
    place = int(np.argmax(gaps))
    return Distance(float(gaps[place]), float(times[place]), float(inside.mean()))


def fit_families(
    entry_months: Floats,
    exit_months: Floats,
    ended: Booleans,
    covariates: Floats | None,
    names: tuple[str, ...],
) -> ParametricStudy:
    """Fit Weibull, log-normal and log-logistic; arguments as `fit_parametric`.

    The distance from Kaplan–Meier is that of the family without covariates: a curve averaged over
    covariates would differ from Kaplan–Meier wherever censoring goes with a covariate.
    """
    seen = np.asarray(exit_months, float) > np.maximum(np.asarray(entry_months, float), 0)
    entry, exit_ = np.asarray(entry_months, float)[seen], np.asarray(exit_months, float)[seen]
    curve = attempt(kaplan_meier, entry, exit_, np.asarray(ended, bool)[seen])
    lives = (entry_months, exit_months, ended)
    results = []
    for family in FAMILIES:
        fit = attempt(fit_parametric, *lives, covariates, names, family=family)
        alone = attempt(fit_parametric, *lives, None, (), family=family) if names else fit
        results.append(FamilyResult(family, fit, alone, attempt(_distance, alone, curve)))

    def rank(result: FamilyResult) -> tuple[float, int]:
        aic = result.fit.aic if isinstance(result.fit, ParametricFit) else np.inf
        return aic, FAMILIES.index(result.family)

    return ParametricStudy(tuple(sorted(results, key=rank)))
