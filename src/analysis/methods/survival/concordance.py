"""Concordance: how often the one who leaves was put at a higher risk than one who stays on."""

from __future__ import annotations

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.cox import Booleans, Floats, Ints

# So many comparisons take a second; with more, every so-manieth loss is compared.
MOST_COMPARISONS = 2e8
COMPARED_AT_ONCE = 4_000_000


def concordance(
    risk: Floats,
    start: Floats,
    stop: Floats,
    ended: Booleans,
    customer: Ints,
    strata: Ints | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Share of pairs in the right order, equal to R's `concordance(coxph)` (Harrell's C).

    A row that ends in leaving is paired with each row of its stratum at risk then that does not;
    equal risks count one half. risk: any increasing function of the hazard, one per row (start,
    stop]. customer: codes from zero; errors by each customer's influence (infinitesimal jackknife).
    Raises CannotEstimate if no pair can be compared.
    """
    groups = np.zeros(len(stop), dtype=np.int64) if strata is None else strata
    losses = np.flatnonzero(ended)
    step = max(1, int(np.ceil(len(losses) * len(stop) / MOST_COMPARISONS)))
    in_order = losses[np.lexsort((customer[losses], stop[losses]))][::step]
    right, pairs = np.zeros(len(stop)), np.zeros(len(stop))
    for level in np.unique(groups):
        rows = np.flatnonzero(groups == level)
        mine = in_order[groups[in_order] == level]
        size = max(1, COMPARED_AT_ONCE // max(len(rows), 1))
        for first in range(0, len(mine), size):
            block = mine[first : first + size]
            time = stop[block][:, None]
            leaves = ended[rows] & (stop[rows] == time)
            at_risk = (start[rows] < time) & (stop[rows] >= time) & ~leaves
            score = 0.5 + 0.5 * np.sign(risk[block][:, None] - risk[rows])
            won = np.where(at_risk, score, 0.0)
            right[block] += won.sum(axis=1)
            pairs[block] += at_risk.sum(axis=1)
            right[rows] += won.sum(axis=0)
            pairs[rows] += at_risk.sum(axis=0)
    total = pairs.sum() / 2
    if not total:
        raise CannotEstimate("No two customers can be compared, so there is no concordance.")
    value = float(right.sum() / 2 / total)
    moves = np.bincount(customer, (right - value * pairs) / total)
    half = normal_quantile(confidence_level) * float(np.sqrt((moves**2).sum()))
    sampled = f", one loss in {step}" if step > 1 else ""
    return Estimate(
        value, max(value - half, 0.0), min(value + half, 1.0), "share", len(moves),
        f"Harrell's C, infinitesimal jackknife{sampled}", confidence_level,
    )  # fmt: skip
