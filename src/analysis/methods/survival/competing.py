"""Why customers leave: cumulative incidence of each reason, the others competing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Incidence:
    """Cumulative incidence of one reason.

    times: distinct times of leaving for any reason, months. incidence: share gone for this reason
    by then. standard_errors: delta method (Aalen). at_risk, events: at each time, events of this
    reason. n: customers. last_time: end of follow-up.
    """

    times: Floats
    incidence: Floats
    standard_errors: Floats
    at_risk: Floats
    events: Floats
    n: int
    last_time: float
    confidence_level: float = 0.95

    def at(self, months: float) -> Estimate:
        """Incidence at a time, its interval on the log-log scale.

        Raises CannotEstimate beyond follow-up.
        """
        if months > self.last_time:
            raise CannotEstimate(f"Nobody was followed for {months:g} months.")
        place = int(np.searchsorted(self.times, months, side="right")) - 1
        method = "Aalen–Johansen, log-log"
        if place < 0 or self.incidence[place] <= 0:
            return Estimate(0.0, None, None, "share", self.n, method, self.confidence_level)
        value, error = float(self.incidence[place]), float(self.standard_errors[place])
        if value >= 1:
            return Estimate(value, None, None, "share", self.n, method, self.confidence_level)
        spread = normal_quantile(self.confidence_level) * error / (value * np.log(value))
        limits = sorted((value ** float(np.exp(-spread)), value ** float(np.exp(spread))))
        return Estimate(value, limits[0], limits[1], "share", self.n, method, self.confidence_level)


def aalen_johansen(
    entry_months: Floats, exit_months: Floats, reason: Ints, confidence_level: float = 0.95
) -> dict[int, Incidence]:
    """Cumulative incidence of each reason (Aalen & Johansen 1978), delayed entry honoured.

    reason: 0 where still a customer, else the code of the reason. One minus Kaplan–Meier of a
    single reason would count those who left for another as if they could still leave for this.
    Raises CannotEstimate if nobody has left.
    """
    ended = reason > 0
    if not ended.any():
        raise CannotEstimate("Nobody has left, so there is no reason to tell apart.")
    times = np.unique(exit_months[ended])
    at_risk = (
        np.searchsorted(np.sort(entry_months), times, side="left")
        - np.searchsorted(np.sort(exit_months), times, side="left")
    ).astype(float)
    codes = [int(code) for code in np.unique(reason[ended])]
    counts = {}
    for code in codes:
        at = np.sort(exit_months[reason == code])
        counts[code] = (
            np.searchsorted(at, times, side="right") - np.searchsorted(at, times, side="left")
        ).astype(float)
    everything = np.sum(list(counts.values()), axis=0)
    survival = np.cumprod(1 - everything / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    result = {}
    for code in codes:
        mine = counts[code]
        incidence = np.cumsum(before * mine / at_risk)
        result[code] = Incidence(
            times,
            incidence,
            _standard_errors(incidence, before, at_risk, mine, everything),
            at_risk,
            mine,
            len(exit_months),
            float(exit_months.max()),
            confidence_level,
        )
    return result


def _standard_errors(
    incidence: Floats, before: Floats, at_risk: Floats, mine: Floats, everything: Floats
) -> Floats:
    """Delta-method errors of cumulative incidence (Marubini & Valsecchi 1995), at each time."""
    left = at_risk - everything
    any_term = np.where(left > 0, everything / (at_risk * np.maximum(left, 1)), 0.0)
    own_term = before**2 * mine * (at_risk - mine) / at_risk**3
    cross = before * mine / at_risk**2
    # Σ (I(t) − I(s))² a(s) + Σ b(s) − 2 Σ (I(t) − I(s)) c(s), expanded into running sums.
    variance = (
        incidence**2 * np.cumsum(any_term)
        - 2 * incidence * np.cumsum(incidence * any_term)
        + np.cumsum(incidence**2 * any_term)
        + np.cumsum(own_term)
        - 2 * incidence * np.cumsum(cross)
        + 2 * np.cumsum(incidence * cross)
    )
    return np.sqrt(np.maximum(variance, 0.0))
