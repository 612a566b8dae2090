"""How much a comparison of few or unequal clusters is worth: effective numbers, degrees of freedom.

A difference between 30 areas reached and 6 others knows no more of the others than 6 areas tell, and
one whose later quarters rest on two areas little more than these two. Counting all areas for the t
distribution makes intervals too narrow. So the two sides are taken as Welch (1947) takes two samples:
each side's variance is scaled by k / (k − 1), and the degrees of freedom are
(v₁ + v₀)² / (v₁² / (k₁ − 1) + v₀² / (k₀ − 1)), with k the side's effective number of clusters,
1 / Σ share² (Kish; Carter, Schnepel and Steigerwald 2017). With one start date and areas of equal
size this is Welch's test of the areas' changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Worth:
    """fewest: the smaller side's effective number of clusters. inflation: of the standard error."""

    fewest: float
    degrees_of_freedom: float
    inflation: float


def effective_number(weights: Floats, units: Floats) -> float:
    """1 / Σ share² of clusters in a weighted mean of cells.

    weights: shape (cells,). units: shape (cells, clusters); in a cell a cluster counts by its units.
    """
    held = units.sum(axis=1)
    used = (weights != 0) & (held > 0)
    if not used.any():
        return 0.0
    share = np.abs(weights[used]) @ (units[used] / held[used, None])
    share = share / share.sum()
    return float(1 / (share @ share))


def worth_of(
    treated_number: float, control_number: float, treated_part: Floats, control_part: Floats,
    clusters: int,
) -> Worth:  # fmt: skip
    """What two sides together are worth.

    treated_number, control_number: effective. treated_part, control_part: shape (clusters,), a
    side's influence by cluster. clusters: on both sides; never more degrees of freedom than one less.
    """
    sides = [
        (float(part @ part), number)
        for part, number in ((treated_part, treated_number), (control_part, control_number))
    ]
    plain = sum(variance for variance, _ in sides)
    most = float(max(clusters - 1, 1))
    fewest = min(treated_number, control_number)
    if plain <= 0 or fewest <= 1:
        return Worth(fewest, most if plain <= 0 else 1.0, 1.0)
    scaled = [variance * number / (number - 1) for variance, number in sides]
    # The plain factor √(G / (G − 1)) is the least, for it is what a cluster-t interval has.
    inflation = max(np.sqrt(sum(scaled) / plain), np.sqrt((most + 1) / most))
    parts = sum(
        variance**2 / (number - 1) for variance, (_, number) in zip(scaled, sides, strict=True)
    )
    return Worth(fewest, min(max(sum(scaled) ** 2 / parts, 1.0), most), float(inflation))
