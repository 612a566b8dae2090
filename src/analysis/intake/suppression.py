"""Which cells of a table to hide so that its margins do not give the small ones away.

A cell of fewer than eight is hidden (primary). Hidden alone in its line, it would be the line's
total less the others; so more are hidden (complementary), smallest first, until no line has a
single hidden cell, the hidden ones of every line are eight or more together, and nobody who solves
all sums of the table at once can bound a hidden cell below eight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.disclosure import SMALLEST_CELL

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Above, solving for every hidden cell takes too long; all of a line is hidden instead.
MOST_CELLS_SOLVED = 400


def hide_in_line(layers: Counts) -> Flags:
    """What to hide of the values of one column, so that the total less the others is not small.

    layers: customers by base (rows: all, active, …) and value, of whom the total is known. Gives,
    by value, whether it is hidden: nothing, or values that are eight or more together in every
    base that has any of them. Where even all values are fewer than eight, all are hidden.
    """
    hidden: Flags = np.any(_is_small(layers), axis=0)
    while hidden.any() and not hidden.all() and _is_thin(layers[:, hidden]):
        hidden[_smallest(layers, ~hidden)] = True
    return hidden


def hide_in_table(layers: Counts) -> Flags:
    """What to hide in a table whose totals are known.

    layers: customers by base, row and column. Gives rows × columns of what is hidden. The totals
    are taken to be zero or at least eight, which `hide_in_line` sees to.
    """
    hidden: Flags = np.any(_is_small(layers), axis=0)
    while hidden.any():
        more = _cell_for_a_thin_line(layers, hidden) or _cell_for_an_exposed_one(layers, hidden)
        if more is None:
            break
        hidden[more] = True
    return hidden


def highest_possible(counts: Counts, hidden: Flags) -> NDArray[np.float64]:
    """The most that each hidden cell could be for somebody who knows all else, totals included.

    counts, hidden: rows × columns of one base. Gives the same shape, as shown where not hidden.
    """
    highest = counts.astype(float)
    for row, column in np.argwhere(hidden):
        highest[row, column] += _most_more(counts, hidden, int(row), int(column))
    return highest


def _most_more(counts: Counts, hidden: Flags, row: int, column: int) -> int:
    """By how much a hidden cell can grow while all sums stay: the largest flow around it.

    What the cell gains, its row loses in another hidden cell, down to zero; that cell's column
    gains it in another row, without limit, and so on until the cell's own column has lost it.
    """
    left = np.where(hidden, counts, 0)
    left[row, column] = 0
    open_cells = hidden.copy()
    open_cells[row, column] = False
    total = 0
    while path := _way_round(left, open_cells, row, column):
        step = int(min(left[r, c] for r, c in path[0::2]))
        for position, (r, c) in enumerate(path):
            left[r, c] += step if position % 2 else -step
        total += step
    return total


def _way_round(left: Counts, open_cells: Flags, row: int, column: int) -> list[tuple[int, int]]:
    """Cells on a shortest way from a row to a column that lose and gain by turns; [] if none."""
    came_to_column: dict[int, int] = {}
    came_to_row: dict[int, int] = {row: -1}
    rows = [row]
    while rows and column not in came_to_column:
        reached = []
        for r in rows:
            for c in np.flatnonzero(left[r] > 0).tolist():
                if c in came_to_column:
                    continue
                came_to_column[c] = r
                for other in np.flatnonzero(open_cells[:, c]).tolist():
                    if other not in came_to_row:
                        came_to_row[other] = c
                        reached.append(other)
        rows = reached
    if column not in came_to_column:
        return []
    path: list[tuple[int, int]] = []
    c = column
    while True:
        r = came_to_column[c]
        path.append((r, c))
        if r == row:
            return path[::-1]
        c = came_to_row[r]
        path.append((r, c))


def _is_small(layers: Counts) -> Flags:
    return (layers > 0) & (layers < SMALLEST_CELL)


def _is_thin(line: Counts) -> bool:
    """Whether the hidden values of a line are small together, or one alone, in any base.

    line: bases × hidden values.
    """
    together = line.sum(axis=1)
    alone = (line > 0).sum(axis=1) == 1
    small_alone = alone & _is_small(line).any(axis=1)
    return bool((_is_small(together) | small_alone).any())


def _smallest(layers: Counts, among: Flags) -> int:
    """The place of the smallest value that somebody holds, among some."""
    size = layers[0].astype(float)
    size[~among] = np.inf
    return int(np.argmin(np.where(size > 0, size, np.finfo(float).max)))


def _cell_for_a_thin_line(layers: Counts, hidden: Flags) -> tuple[int, int] | None:
    """The smallest cell to hide in the first row or column that is not safe; None if all are."""
    for row in range(hidden.shape[0]):
        shown = ~hidden[row] & layers[:, row].any(axis=0)
        if hidden[row].any() and shown.any() and _is_thin(layers[:, row, hidden[row]]):
            return row, _smallest(layers[:, row], shown)
    for column in range(hidden.shape[1]):
        held = hidden[:, column]
        shown = ~held & layers[:, :, column].any(axis=0)
        if held.any() and shown.any() and _is_thin(layers[:, held, column]):
            return _smallest(layers[:, :, column], shown), column
    return None


def _cell_for_an_exposed_one(layers: Counts, hidden: Flags) -> tuple[int, int] | None:
    """The smallest cell to hide beside one that the sums of the table bound below eight."""
    if not (~hidden & layers.any(axis=0)).any():
        return None
    if hidden.sum() > MOST_CELLS_SOLVED:
        return _smallest_beside(layers, hidden, None)
    for counts in layers:
        highest = highest_possible(counts, hidden)
        for row, column in np.argwhere(hidden & (counts > 0) & (highest < SMALLEST_CELL - 1e-6)):
            found = _smallest_beside(layers, hidden, (int(row), int(column)))
            if found is not None:
                return found
    return None


def _smallest_beside(
    layers: Counts, hidden: Flags, cell: tuple[int, int] | None
) -> tuple[int, int] | None:
    """The smallest shown cell in the row or column of a hidden one; anywhere, if there is none."""
    shown = ~hidden & layers.any(axis=0)
    if not shown.any():
        return None
    beside = shown.copy()
    if cell is not None:
        beside[:] = False
        beside[cell[0]], beside[:, cell[1]] = shown[cell[0]], shown[:, cell[1]]
    among = beside if beside.any() else shown
    place = _smallest(layers.reshape(len(layers), -1), among.ravel())
    row, column = np.unravel_index(place, hidden.shape)
    return int(row), int(column)
