"""An interval that stays valid however often the figures are looked at.

The normal-mixture confidence sequence (Robbins 1970; Johari, Koomen, Pekelis and Walsh 2022;
asymptotic form of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas): with v = ρ² × information,
the interval is estimate ± standard error × √(2 (v + 1) / v × log(√(v + 1) / α)), and the chance
that it ever leaves out the truth is at most α. It needs estimates whose information (1 / squared
standard error) grows from look to look with independent increments; a mean over more and more
quarters of the same customers has these where the quarters of a customer are equally correlated.
"""

from __future__ import annotations

import math
from dataclasses import replace

from analysis.methods.estimate import CannotEstimate, Estimate


def mixture_parameter(alpha: float) -> float:
    """v at which the interval is narrowest: −2 log α + log(−2 log α) + 1, approximately."""
    return -2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1


def always_valid_factor(standard_error: float, first_error: float, alpha: float = 0.05) -> float:
    """What replaces 1.96. first_error: standard error at the first look, where it is smallest.

    The choice of where it is smallest has to be made beforehand; the first look is known then.
    """
    v = mixture_parameter(alpha) * (first_error / standard_error) ** 2
    return math.sqrt(2 * (v + 1) / v * math.log(math.sqrt(v + 1) / alpha))


def always_valid(
    estimate: Estimate, standard_error: float, first_error: float, looks: int
) -> Estimate:
    """The estimate with an interval that holds at all looks together.

    looks: how often it has been looked at, for the reader; the interval does not depend on it.
    Raises CannotEstimate without a standard error.
    """
    if not (standard_error > 0 and first_error > 0):
        raise CannotEstimate("without a spread between customers there is no interval")
    alpha = 1 - estimate.confidence_level
    half = standard_error * always_valid_factor(standard_error, first_error, alpha)
    often = "once" if looks == 1 else f"{looks} times"
    return replace(
        estimate,
        lower=estimate.value - half,
        upper=estimate.value + half,
        method=f"always valid (normal mixture), looked at {often}",
    )
