"""One visual language for all figures: sizes, colours, axes, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from cycler import cycler

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, dark enough for white paper and told apart by colour-blind readers;
# the order keeps neighbours apart in grey print as well.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#595959")
INK = "#1F2933"
MUTED = "#6B7280"
GRID = "#E5E7EB"
DASHES = ("-", "--", "-.", ":")

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
