"""Few areas: would another choice of areas have shown as much? (randomisation inference)

With fewer than six treated or untreated areas no standard error can be trusted. If the areas
were picked as if by lot, every other pick was as likely, and the share of picks that would have
shown a difference at least as large, had the programme done nothing, is an exact p-value (Fisher
1935; for areas Conley and Taber 2011 discuss the conditions). With several start dates, picks of
each are taken as independent given the areas not reached by then: nearly exact, as these overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate

Floats = npt.NDArray[np.float64]

MOST_ENUMERATED = 20_000
DRAWS = 9_999
SEED = 20_240_702


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """p_value: two-sided. picks: how many picks there were. smallest: p-value at best."""

    p_value: float
    picks: int
    smallest: float
    difference: float


def permutation_test(
    changes: list[Floats], treated: list[npt.NDArray[np.bool_]]
) -> PermutationTest:
    """Exact where there are at most 20,000 picks, otherwise by 9,999 seeded draws.

    changes, treated: an entry per start date, each of shape (areas untouched until then,): change
    of the area's mean outcome over a span in which no area but those treated at that date was
    reached. The statistic is the difference in mean change, areas counting alike, averaged over
    start dates by the number of areas treated. Raises CannotEstimate without two picks.
    """
    sets = []
    for change, arm in zip(changes, treated, strict=True):
        if 0 < arm.sum() < len(arm):
            # In order of content, so that names and order of areas change nothing.
            order = np.lexsort((arm, change))
            sets.append((change[order], arm[order]))
    picks = math.prod(math.comb(len(arm), int(arm.sum())) for _, arm in sets) if sets else 0
    if picks < 2:
        raise CannotEstimate("there is no other way in which the areas could have been picked")
    weights = np.array([arm.sum() for _, arm in sets], dtype=float)
    weights /= weights.sum()
    seen = sum(
        w * (change[arm].mean() - change[~arm].mean())
        for w, (change, arm) in zip(weights, sets, strict=True)
    )
    exact = picks <= MOST_ENUMERATED
    rng = np.random.default_rng(SEED)
    total = np.zeros(1)
    drawn = np.zeros(DRAWS)
    for w, (change, arm) in zip(weights, sets, strict=True):
        size, chosen = len(arm), int(arm.sum())
        if exact:
            index = np.array(list(combinations(range(size), chosen)))
        else:
            index = rng.random((DRAWS, size)).argsort(axis=1)[:, :chosen]
        inside = change[index].sum(axis=1)
        difference = w * (inside / chosen - (change.sum() - inside) / (size - chosen))
        if exact:
            total = (total[:, None] + difference[None, :]).ravel()
        else:
            drawn += difference
    tolerance = 1e-9 * max(float(np.abs(total if exact else drawn).max()), 1e-300)
    if exact:
        extreme = int((np.abs(total) >= abs(seen) - tolerance).sum())
        return PermutationTest(extreme / picks, picks, 1 / picks, float(seen))
    extreme = int((np.abs(drawn) >= abs(seen) - tolerance).sum())
    return PermutationTest((extreme + 1) / (DRAWS + 1), picks, 1 / (DRAWS + 1), float(seen))
