"""Small drawings within the page: trends of key figures, intervals of findings. Inline SVG, no text.

Lines and points take their colours from the style sheet, so that they follow light, dark and print.
"""

from __future__ import annotations

SPARK_WIDTH, SPARK_HEIGHT = 104, 34
INTERVAL_WIDTH, INTERVAL_HEIGHT = 240, 16
_HIDDEN = 'aria-hidden="true" focusable="false"'


def draw_sparkline(
    values: list[float | None], lower: float | None = None, upper: float | None = None
) -> str:
    """A small trend, its last level with the interval; empty with fewer than two levels.

    lower, upper: limits of the last level.
    """
    known = [(i, v) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return ""
    drawn = [v for _, v in known] + [v for v in (lower, upper) if v is not None]
    low, high = min(drawn), max(drawn)
    step = (SPARK_WIDTH - 10) / max(len(values) - 1, 1)
    scale = (SPARK_HEIGHT - 8) / (high - low) if high > low else 0.0

    def height(value: float) -> float:
        return SPARK_HEIGHT - 4 - (value - low) * scale

    line = " ".join(f"{5 + i * step:.1f},{height(v):.1f}" for i, v in known)
    x, y = 5 + known[-1][0] * step, height(known[-1][1])
    whisker = ""
    if lower is not None and upper is not None:
        ends = (height(upper), height(lower))
        whisker = f'<path class="whisker" d="M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}"/>'
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" {_HIDDEN}>'
        f'{whisker}<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.8"/></svg>'
    )


def common_scale(intervals: list[tuple[float, float]]) -> tuple[float, float]:
    """The ends of one scale for several intervals: nought and all limits, with some room."""
    low = min([0.0, *(lower for lower, _ in intervals)])
    high = max([0.0, *(upper for _, upper in intervals)])
    room = 0.03 * (high - low) or 1.0
    return low - room, high + room


def draw_interval(value: float, lower: float, upper: float, scale: tuple[float, float]) -> str:
    """An amount with its interval beside nought, on a scale that its neighbours share."""
    low, high = scale

    def place(amount: float) -> str:
        return f"{(amount - low) / (high - low) * INTERVAL_WIDTH:.1f}"

    middle = INTERVAL_HEIGHT / 2
    return (
        f'<svg class="range" viewBox="0 0 {INTERVAL_WIDTH} {INTERVAL_HEIGHT}" '
        f'preserveAspectRatio="none" {_HIDDEN}>'
        f'<path class="nought" d="M{place(0)} 0V{INTERVAL_HEIGHT}"/>'
        f'<path class="whisker" d="M{place(lower)} {middle:g}H{place(upper)}"/>'
        f'<path class="point" d="M{place(value)} {middle - 5:g}V{middle + 5:g}"/></svg>'
    )
