"""Lines are named at their ends: labels keep their order, stand apart and stay within the axes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.presentation.figures import NARROW, LineEnd, apart, label_ends, new_figure

LEVELS = st.lists(st.floats(-0.5, 1.5), max_size=12)


@given(LEVELS, st.floats(0.01, 0.4))
def test_labels_stand_apart_in_order_and_within(levels: list[float], gap: float) -> None:
    placed = apart(levels, gap, 0.0, 1.0)
    assert len(placed) == len(levels)
    order = sorted(range(len(levels)), key=lambda i: (levels[i], i))
    room = min(gap, 1 / max(len(levels) - 1, 1))
    for below, above in pairwise(placed[i] for i in order):
        assert above - below >= room - 1e-9
    assert all(-1e-9 <= level <= 1 + 1e-9 for level in placed)


def test_labels_with_room_stay_where_their_lines_end() -> None:
    assert apart([0.9, 0.2, 0.5], 0.1, 0.0, 1.0) == [0.9, 0.2, 0.5]


def test_labels_that_would_touch_give_way() -> None:
    assert apart([0.50, 0.52], 0.1, 0.0, 1.0) == pytest.approx([0.50, 0.60])
    assert apart([0.98, 0.99], 0.1, 0.0, 1.0) == pytest.approx([0.90, 1.00])


def test_names_of_lines_overlap_neither_one_another_nor_the_edge_of_the_figure() -> None:
    figure, (axes,) = new_figure(width=NARROW, height=3.0)
    axes.set_xlim(0, 24)
    axes.set_ylim(0, 1)
    names = ["detractor", "passive", "a value that somebody has written out at great length", "x"]
    ends = [LineEnd(name, 20.0, 0.75, "#000000") for name in names]
    label_ends(axes, ends, 2.2)
    figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in axes.texts), key=lambda box: box.y0)
    assert len(boxes) == len(names)
    for below, above in pairwise(boxes):
        assert above.y0 >= below.y1 - 1
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert axes.get_window_extent().width > figure.bbox.width / 2
