"""The most that a hidden cell could be: found in whole numbers, checked against a linear programme."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from analysis.intake.suppression import highest_possible


def solved(counts: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The same by linear programming: every hidden cell at its largest under all sums."""
    cells = np.argwhere(hidden)
    rows, columns = np.unique(cells[:, 0]), np.unique(cells[:, 1])
    sums = np.vstack([cells[:, 0] == r for r in rows] + [cells[:, 1] == c for c in columns])
    masked = np.where(hidden, counts, 0)
    totals = np.concatenate([masked.sum(axis=1)[rows], masked.sum(axis=0)[columns]])
    highest = counts.astype(float)
    for place, (row, column) in enumerate(cells):
        objective = np.zeros(len(cells))
        objective[place] = -1.0
        found = linprog(objective, A_eq=sums.astype(float), b_eq=totals, bounds=(0, None))
        highest[row, column] = -found.fun
    return highest


@pytest.mark.parametrize("seed", range(25))
def test_it_is_what_a_linear_programme_gives(seed: int) -> None:
    chance = np.random.default_rng(seed)
    shape = chance.integers(2, 7, size=2)
    counts = chance.poisson(5, size=shape).astype(np.int64)
    hidden = chance.random(shape) < chance.uniform(0.2, 0.9)
    if not hidden.any():
        hidden[0, 0] = True
    assert highest_possible(counts, hidden) == pytest.approx(solved(counts, hidden))


def test_a_cell_hidden_alone_in_its_row_is_known() -> None:
    counts = np.array([[3, 40], [20, 9]])
    hidden = np.array([[True, False], [True, False]])
    assert highest_possible(counts, hidden).tolist() == [[3, 40], [20, 9]]


def test_four_cells_in_a_square_hide_one_another() -> None:
    counts = np.array([[3, 40], [20, 9]])
    every = np.full((2, 2), True)
    # 3 + 40 in the first row and 3 + 20 in the first column: at most 23 there.
    assert highest_possible(counts, every)[0, 0] == 23
