"""What is hidden in a table cannot be bounded below eight by somebody who solves all its sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from analysis.disclosure import SMALLEST_CELL
from analysis.intake.suppression import hide_in_line, hide_in_table

COUNTS = st.one_of(st.integers(0, 12), st.integers(0, 60))


def tables() -> st.SearchStrategy[np.ndarray]:
    """A table of customers and, on top of it, of those of them who are active."""
    shapes = st.tuples(st.integers(2, 4), st.integers(2, 4))
    return shapes.flatmap(lambda shape: arrays(np.int64, (2, *shape), elements=COUNTS)).map(
        lambda found: np.stack([found[0], np.minimum(found[0], found[1])])
    )


def attack(counts: np.ndarray, hidden: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """Least and most that a cell can be, given all shown cells and all totals (exact, by rows)."""
    size = counts.size
    places = np.arange(size).reshape(counts.shape)
    equations, known = [], []
    for line in (*places, *places.T):
        equations.append(np.isin(np.arange(size), line).astype(float))
        known.append(counts.ravel()[line].sum())
    for place in places[~hidden]:
        equations.append((np.arange(size) == place).astype(float))
        known.append(counts.ravel()[place])
    objective = (np.arange(size) == places[row, column]).astype(float)
    low, high = (
        linprog(sign * objective, A_eq=np.array(equations), b_eq=known, bounds=(0, None))
        for sign in (1, -1)
    )
    return low.fun, -high.fun


def margins_are_large(layers: np.ndarray) -> bool:
    sums = [layers.sum(axis=axis) for axis in (1, 2)]
    return all(((line == 0) | (line >= SMALLEST_CELL)).all() for line in sums)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(tables())
def test_no_hidden_cell_is_bounded_below_eight(layers: np.ndarray) -> None:
    assume(margins_are_large(layers))
    hidden = hide_in_table(layers)
    for counts in layers:
        small = (counts > 0) & (counts < SMALLEST_CELL)
        assert not (small & ~hidden).any(), "every small cell is hidden"
        for row, column in np.argwhere(hidden & (counts > 0)):
            assert attack(counts, hidden, row, column)[1] >= SMALLEST_CELL - 1e-6


@settings(max_examples=200, deadline=None, derandomize=True)
@given(arrays(np.int64, st.tuples(st.just(2), st.integers(1, 9)), elements=st.integers(0, 40)))
def test_the_total_less_what_is_shown_is_eight_or_more(layers: np.ndarray) -> None:
    hidden = hide_in_line(layers)
    small = (layers > 0) & (layers < SMALLEST_CELL)
    assert not (small.any(axis=0) & ~hidden).any()
    rest = layers[:, hidden].sum(axis=1)
    assert hidden.all() or ((rest == 0) | (rest >= SMALLEST_CELL)).all()
    if not small.any():
        assert not hidden.any(), "nothing is hidden without need"


def test_hiding_the_small_cell_alone_would_not_do() -> None:
    counts = np.array([[3, 40, 25], [30, 20, 35], [28, 33, 41]])
    alone = counts < SMALLEST_CELL
    assert attack(counts, alone, 0, 0) == pytest.approx((3, 3)), "the total less the others"
    hidden = hide_in_table(counts[np.newaxis])
    assert 4 <= hidden.sum() <= 6, "a rectangle, or little more"
    assert attack(counts, hidden, 0, 0)[1] >= SMALLEST_CELL


def test_lines_that_are_safe_one_by_one_can_give_a_cell_away_together() -> None:
    """Every line hides two cells of eight or more, and still the sums leave no choice."""
    counts = np.array([[4, 4, 90], [4, 4, 80], [95, 85, 70]])
    hidden = hide_in_table(counts[np.newaxis])
    for row, column in np.argwhere(hidden):
        assert attack(counts, hidden, row, column)[1] >= SMALLEST_CELL


def test_a_line_hides_the_next_smallest_with_a_small_one() -> None:
    assert hide_in_line(np.array([[3, 50, 20, 40]])).tolist() == [True, False, True, False]
    assert hide_in_line(np.array([[3, 6, 20, 40]])).tolist() == [True, True, False, False]
    assert hide_in_line(np.array([[0, 50, 20]])).tolist() == [False, False, False]
    assert hide_in_line(np.array([[3, 2]])).all()
    active = np.array([[50, 60, 70], [2, 30, 40]])
    assert hide_in_line(active).tolist() == [True, True, False], "few of them are active"
