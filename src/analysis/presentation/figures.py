"""One visual language for all figures: sizes, colours, axes, intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from cycler import cycler

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue, orange, green, purple, sky, pink, brown: each stands out from white (3 to 1; the first four,
# which also write labels, 4.5 to 1) and is told apart by colour-blind readers; the first four are four
# different greys in print.
PALETTE = ("#0A5FA8", "#BF5600", "#004D38", "#3F1D5C", "#4A90C8", "#B5528F", "#5C4400")
INK = "#1F2933"
MUTED = "#6B7280"
GRID = "#E5E7EB"
DASHES = ("-", "--", "-.", ":")
# Inches: with this width words can be read on a phone, to whose screen a figure is shrunk.
NARROW = 4.9
LABEL_POINTS, LABEL_CHARACTERS = 9.0, 16

STYLE: dict[str, Any] = {
    "figure.figsize": (7.2, 3.8),
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a customer's segment is a dollar
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "axes.prop_cycle": cycler(color=list(PALETTE)),
}


def new_figure(
    rows: int = 1, columns: int = 1, width: float = 7.2, height: float = 3.8, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Give a figure in the house style and its axes, row by row.

    The style is set for the process, because texts take it up when they are drawn, not here.
    """
    from matplotlib import pyplot

    mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **options
    )
    return figure, list(axes.ravel())


@dataclass(frozen=True, slots=True)
class LineEnd:
    """Where a line ends, in the units of its axes, with the name and the colour to label it by."""

    name: str
    x: float
    y: float
    colour: str


def apart(levels: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The levels moved as little as need be to stand at least `gap` apart between low and high.

    Their order stays. Where they cannot all fit, they stand as far apart as there is room.
    """
    if not levels:
        return []
    gap = min(gap, (high - low) / max(len(levels) - 1, 1))
    order = sorted(range(len(levels)), key=lambda i: (levels[i], i))
    placed = [min(max(levels[i], low), high) for i in order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    placed[-1] = min(placed[-1], high)
    for i in reversed(range(len(placed) - 1)):
        placed[i] = min(placed[i], placed[i + 1] - gap)
    back = dict(zip(order, placed, strict=True))
    return [back[i] for i in range(len(levels))]


def label_ends(axes: Axes, ends: Sequence[LineEnd], height_inches: float) -> None:
    """Write each line's name beside its end, right of the axes; a thin line leads from one to it.

    Call it when the limits of the axes stand. height_inches: of the axes, roughly.
    """
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    names = [
        textwrap.wrap(end.name, LABEL_CHARACTERS, max_lines=2, placeholder="…") for end in ends
    ]
    most_lines = max((len(lines) for lines in names), default=1)
    gap = (high - low) * most_lines * 1.25 * LABEL_POINTS / (72 * height_inches)
    levels = apart([end.y for end in ends], gap, low, high)
    for end, lines, level in zip(ends, names, levels, strict=True):
        # A line that ends early is led to the edge, so that every label stands in one column.
        axes.plot(
            [end.x, right], [end.y, level], color=end.colour, linewidth=0.6, linestyle=":",
            clip_on=False,
        )  # fmt: skip
        axes.annotate(
            "\n".join(lines), (right, level), (4, 0), textcoords="offset points", ha="left",
            va="center", fontsize=LABEL_POINTS, color=end.colour, annotation_clip=False,
        )  # fmt: skip
