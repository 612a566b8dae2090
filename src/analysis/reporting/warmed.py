"""The last thing that the warm process imports: what every kernel would do first is done here once.

A figure is drawn, so that fonts are found and lazy imports made; then all that is there is taken
out of the collector's sight, for kernels would walk through it again and again.
"""

from __future__ import annotations

import contextlib
import gc
import io


def _draw() -> None:
    from matplotlib import pyplot

    from analysis.presentation.figures import new_figure

    figure, axes = new_figure()
    axes[0].plot([0.0, 1.0], [0.0, 1.0], label="1,234.5 −%")
    axes[0].set_title("Title")
    axes[0].legend()
    figure.savefig(io.StringIO(), format="svg", bbox_inches="tight")
    pyplot.close(figure)


# What fails here is told of where it is needed.
with contextlib.suppress(Exception):
    _draw()
gc.collect()
gc.freeze()
