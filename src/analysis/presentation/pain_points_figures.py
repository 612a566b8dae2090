"""Pain points in pictures: gaps, satisfaction over time, what matters against how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.pain_points.gaps import Gap
from analysis.methods.pain_points.levels import Levels
from analysis.methods.pain_points.study import PainStudy
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import show_figure
from analysis.presentation.pain_points_words import place_name
from analysis.presentation.wording import format_estimate, format_number, message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Narrow enough that its letters can still be read on a phone.
WIDTH = 5.6
MOST_LINES = 7
BEHIND_WORDS = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
HURTS = PALETTE[1]


def _signed(value: float) -> str:
    text = format_number(value)
    return f"+{text}" if value > 0 else text


def draw_gaps(study: PainStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """How much lower each touchpoint is rated than the rest, pain points in colour; and the alt text."""
    if isinstance(study.gaps, NotEstimable):
        return study.gaps, ""
    gaps: list[Gap] = [
        gap
        for gap in study.gaps.places
        if not disclosure.suppressed(gap.gap.n) and not disclosure.suppressed(gap.answers)
    ]
    if not gaps:
        return NotEstimable(message("Withheld: fewer than eight customers compared.")), ""
    figure, (axes,) = new_figure(width=WIDTH, height=0.75 + 0.52 * len(gaps))
    ends = [0.0]
    for place, gap in enumerate(reversed(gaps)):
        colour, weight = (HURTS, "bold") if gap.hurts else (INK, "normal")
        low, high = gap.gap.lower, gap.gap.upper
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=colour, linewidth=2.4)
            ends += [low, high]
        axes.plot(gap.gap.value, place, "o", color=colour, markersize=8)
        ends.append(gap.gap.value)
        axes.annotate(
            place_name(gap.place), (0, place), (0, 8), xycoords=("axes fraction", "data"),
            textcoords="offset points", color=colour, fontweight=weight, bbox=BEHIND_WORDS,
        )  # fmt: skip
        axes.annotate(
            _signed(gap.gap.value), (1, place), (0, 8), xycoords=("axes fraction", "data"), ha="right",
            textcoords="offset points", color=colour, fontweight=weight, bbox=BEHIND_WORDS,
        )  # fmt: skip
    margin = 0.06 * (max(ends) - min(ends) or 1.0)
    axes.set_xlim(min(ends) - margin, max(ends) + margin)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.4, len(gaps) - 0.35)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(message("CSAT against the other touchpoints, points"))
    said = "; ".join(f"{place_name(gap.place)} {format_estimate(gap.gap)}" for gap in gaps)
    return figure, message("CSAT against the other touchpoints, points: {said}.", said=said)


def show_gaps_figure(study: PainStudy, disclosure: Disclosure) -> None:
    """Show how much lower each touchpoint is rated than the rest."""
    show_figure(*draw_gaps(study, disclosure))


def _apart(values: list[float], least: float) -> list[float]:
    """Places for labels: in the order of the values, none nearer to the next than `least`."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    placed = dict.fromkeys(order, 0.0)
    last = -float("inf")
    for i in order:
        last = max(values[i], last + least)
        placed[i] = last
    return [placed[i] for i in range(len(values))]


def draw_trend(study: PainStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """Mean CSAT of each touchpoint over the periods, pain points in colour; and the alt text."""
    levels = study.levels
    if isinstance(levels, NotEstimable):
        return levels, ""
    if study.first_period:
        return NotEstimable(
            message("{period} is the first period the exports cover, so nothing can be set beside it.",
                    period=study.period_label)
        ), ""  # fmt: skip
    hurting = {pain.gap.place for pain in study.pains}
    if study.deliveries_asked_at and any(place not in levels.touchpoints for place in hurting):
        hurting.add(study.deliveries_asked_at)
    lines = {name: _shown(levels, name, disclosure) for name in levels.touchpoints[:MOST_LINES]}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return NotEstimable(message("No touchpoint has answers enough in two periods.")), ""
    figure, (axes,) = new_figure(width=WIDTH, height=3.2)
    ends = [points[-1][1] for points in lines.values()]
    every = [value for points in lines.values() for _, value in points]
    spread = max(every) - min(every) or 1.0
    heights = _apart(ends, 0.075 * spread)
    greys = ("-", "--", "-.", ":")
    plain = 0
    for (name, points), height in zip(lines.items(), heights, strict=True):
        if name in hurting:
            colour, dash, weight = (
                HURTS,
                "-" if name not in (study.deliveries_asked_at,) else "--",
                "bold",
            )
        else:
            colour, dash, weight = MUTED, greys[plain % len(greys)], "normal"
            plain += 1
        axes.plot(
            [i for i, _ in points],
            [v for _, v in points],
            dash,
            color=colour,
            marker="o",
            markersize=3.5,
        )
        axes.annotate(
            name, (points[-1][0], height), (7, 0), textcoords="offset points", va="center",
            color=colour if name in hurting else INK, fontweight=weight, annotation_clip=False,
        )  # fmt: skip
    periods = len(levels.periods)
    step = max(1, -(-periods // 5))
    shown = list(range(periods - 1, -1, -step))[::-1]
    axes.set_xticks(shown, [levels.periods[i] for i in shown])
    axes.set_xlim(-0.3, periods - 1 + 0.28 * periods)
    axes.set_ylabel(message("Mean CSAT"))
    said = "; ".join(
        message(
            "{name} {first} to {last}", name=name, first=format_number(points[0][1]),
            last=format_number(points[-1][1]),
        )
        for name, points in lines.items()
    )  # fmt: skip
    return figure, message("Mean CSAT, first to last period: {said}.", said=said)


def _shown(levels: Levels, name: str, disclosure: Disclosure) -> list[tuple[int, float]]:
    points = []
    for place, period in enumerate(levels.periods):
        mean = levels.by[name, period].satisfaction
        if isinstance(mean, Estimate) and not disclosure.suppressed(mean.n):
            points.append((place, mean.value))
    return points


def show_trend_figure(study: PainStudy, disclosure: Disclosure) -> None:
    """Show satisfaction by touchpoint over time."""
    show_figure(*draw_trend(study, disclosure))
