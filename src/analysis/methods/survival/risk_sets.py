"""Sums over risk sets, which Cox's likelihood is made of, in time and memory linear in the rows.

The second moment of the covariates in each risk set is never formed. Summed over events it is one
weighted product of all rows, each weighing its risk times the cumulative hazard while it was at
risk; only means by event time are needed beside it. Exact, for (start, stop] intervals and both
ways with ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Ties = Literal["efron", "breslow"]

# Rows multiplied at once: the factors stay in the processor's cache.
BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class RiskSets:
    """One stratum; rows that are in no risk set are left out.

    covariates: k × rows. opens, closes: a row is at risk at event times opens … closes − 1.
    deaths: the rows that close with an event; time_of_death: its place among times.
    event_times: the place of each event, in order of time; fractions: the share of its tied
    deaths that Efron takes out for it (zero throughout under Breslow or without ties).
    delayed: whether any row opens after the first event.
    """

    covariates: Floats
    opens: Ints
    closes: Ints
    deaths: Ints
    time_of_death: Ints
    event_times: Ints
    fractions: Floats
    times: Floats
    tied: bool
    delayed: bool

    def at_risk(self, values: Floats) -> Floats:
        """Sums of the rows' values over the risk set at each event time."""
        sums = self._from(self.closes, values)
        if self.delayed:
            sums -= self._from(self.opens, values)
        return sums

    def _from(self, places: Ints, values: Floats) -> Floats:
        """Sums over the rows whose place lies beyond each event time."""
        binned = np.bincount(places, values, len(self.times) + 1)
        return np.asarray(np.cumsum(binned[:0:-1])[::-1], dtype=np.float64)

    def dying(self, values: Floats) -> Floats:
        """Sums of the values, one per death, over those who die at each event time."""
        return np.asarray(
            np.bincount(self.time_of_death, values, len(self.times)), dtype=np.float64
        )

    def per_time(self, values: Floats) -> Floats:
        """Sums of the values, one per event in order of time, at each event time."""
        return np.asarray(np.bincount(self.event_times, values, len(self.times)), dtype=np.float64)


def arrange(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    covariates: Floats,
    centre: Floats,
    spread: Floats,
    strata: Ints | None,
    ties: Ties,
) -> Iterator[RiskSets]:
    """The risk sets of each stratum that has events, covariates centred and scaled."""
    if strata is None:
        strata = np.zeros(len(stop), dtype=np.int64)
    for level in np.unique(strata):
        inside = strata == level
        times, counts = np.unique(stop[inside & ended & (start < stop)], return_counts=True)
        if not len(times):
            continue
        rows = np.flatnonzero(inside)
        opens = np.searchsorted(times, start[rows], side="right")
        closes = np.searchsorted(times, stop[rows], side="right")
        seen = closes > opens
        rows, opens, closes = rows[seen], opens[seen], closes[seen]
        chosen = np.empty((covariates.shape[1], len(rows)))
        for k, column in enumerate(chosen):
            column[:] = covariates[rows, k]
            column -= centre[k]
            column /= spread[k]
        deaths = np.flatnonzero(ended[rows])
        events = np.repeat(np.arange(len(times)), counts)
        rank = np.arange(len(events)) - np.repeat(np.cumsum(counts) - counts, counts)
        tied = ties == "efron" and bool((counts > 1).any())
        fractions = rank / counts[events] if tied else np.zeros(len(events))
        yield RiskSets(
            chosen, opens, closes, deaths, closes[deaths] - 1, events, fractions, times,
            tied, bool(opens.any()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RiskSums:
    """Sums at given coefficients.

    log_likelihood: of the stratum. risk: relative hazard of each row. totals: sum of risks that
    each event is set against. at_risk, dying (times × k): covariates weighed by risk.
    """

    log_likelihood: float
    risk: Floats
    totals: Floats
    at_risk: Floats
    dying: Floats


def sum_risks(sets: RiskSets, coefficients: Floats) -> RiskSums | None:
    """Sums over the risk sets; None where risks underflow, after a step too far."""
    linear = coefficients @ sets.covariates
    of_deaths = float(linear[sets.deaths].sum())
    shift = float(linear.max())
    linear -= shift
    risk = np.exp(linear, out=linear)
    total = sets.at_risk(risk)[sets.event_times]
    if sets.tied:
        total -= sets.fractions * sets.dying(risk[sets.deaths])[sets.event_times]
    if not (total > 0).all():
        return None
    at_risk = np.empty((len(sets.times), len(coefficients)))
    dying = np.zeros_like(at_risk)
    for k, column in enumerate(sets.covariates):
        weighed = column * risk
        at_risk[:, k] = sets.at_risk(weighed)
        if sets.tied:
            dying[:, k] = sets.dying(weighed[sets.deaths])
    likelihood = of_deaths - shift * len(sets.deaths) - float(np.log(total).sum())
    return RiskSums(likelihood, risk, total, at_risk, dying)


def derive(sets: RiskSets, sums: RiskSums, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Gradient and information of the log-likelihood, events weighed by their time's weight.

    weights: one per event time, one throughout if not given.
    """
    each = 1.0 if weights is None else weights[sets.event_times]
    inverse = each / sums.totals
    hazard = sets.per_time(inverse)
    mean = hazard @ sums.at_risk
    cumulative = np.concatenate([[0.0], np.cumsum(hazard)])
    exposure = cumulative[sets.closes]
    if sets.delayed:
        exposure -= cumulative[sets.opens]
    squared = inverse / sums.totals
    means = sums.at_risk.T @ (sums.at_risk * sets.per_time(squared)[:, None])
    if sets.tied:
        # Efron: an event among d tied deaths leaves out a fraction of what these d weigh.
        spared = sets.per_time(sets.fractions * inverse)
        mean -= spared @ sums.dying
        exposure[sets.deaths] -= spared[sets.time_of_death]
        crossed = sums.at_risk.T @ (sums.dying * sets.per_time(sets.fractions * squared)[:, None])
        own = sums.dying * sets.per_time(sets.fractions**2 * squared)[:, None]
        means += sums.dying.T @ own - crossed - crossed.T
    of_deaths = sets.covariates[:, sets.deaths]
    if weights is not None:
        of_deaths = of_deaths * weights[sets.time_of_death]
    exposure *= sums.risk
    return of_deaths.sum(axis=1) - mean, _weighted_product(sets.covariates, exposure) - means


def _weighted_product(x: Floats, weights: Floats) -> Floats:
    """Sum over rows of weight times covariates times covariates (k × k), in blocks of rows."""
    total = np.zeros((len(x), len(x)))
    for first in range(0, x.shape[1], BLOCK):
        part = x[:, first : first + BLOCK]
        total += (part * weights[first : first + BLOCK]) @ part.T
    return total
