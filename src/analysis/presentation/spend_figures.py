"""Spend on satisfaction in pictures: how the slope moves, and the shape behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.spending.ladder import Rung
from analysis.methods.spending.shape import StepMeans
from analysis.methods.spending.study import SpendDepth, SpendStudy
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import show_figure
from analysis.presentation.spend_words import currency_of, rung_name, share_of_raw
from analysis.presentation.wording import format_estimate, format_money, format_value, message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Narrow enough that its letters can still be read on a phone.
WIDTH = 5.6
# Lines pass behind words, not through them.
BEHIND_WORDS = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


def draw_ladder(study: SpendStudy) -> tuple[Figure | NotEstimable, str]:
    """How the slope moves from rung to rung, the defended one in colour; and its alt text."""
    fitted = [rung for rung in study.spend.rungs if isinstance(rung, Rung)]
    if not fitted:
        return next(rung for rung in study.spend.rungs if isinstance(rung, NotEstimable)), ""
    figure, (axes,) = new_figure(width=WIDTH, height=0.7 + 0.52 * len(fitted))
    places = range(len(fitted) - 1, -1, -1)
    values = [rung.slope.value for rung in fitted]
    axes.plot(values, list(places), color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
    ends = [0.0, *values]
    for place, rung in zip(places, fitted, strict=True):
        defended = rung.id == "fixed_effects"
        colour, weight = (PALETTE[0], "bold") if defended else (INK, "normal")
        low, high = rung.slope.lower, rung.slope.upper
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=colour, linewidth=2.4)
            ends += [low, high]
        axes.plot(rung.slope.value, place, "o", color=colour, markersize=8)
        share = share_of_raw(rung, study.spend)
        label = format_money(rung.slope.value, currency_of(rung.slope), 2)
        if share and rung.id != "raw":
            label = message("{slope}, {share} of raw", slope=label, share=share)
        axes.annotate(
            rung_name(rung.id, study), (0, place), (0, 9), xycoords=("axes fraction", "data"),
            textcoords="offset points", color=colour, fontweight=weight, bbox=BEHIND_WORDS,
        )  # fmt: skip
        axes.annotate(
            label, (1, place), (0, 9), xycoords=("axes fraction", "data"), ha="right",
            textcoords="offset points", color=colour, fontweight=weight, bbox=BEHIND_WORDS,
        )  # fmt: skip
    margin = 0.04 * (max(ends) - min(ends) or 1.0)
    axes.set_xlim(min(ends) - margin, max(ends) + margin)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.35, len(fitted) - 0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(message("Spend per CSAT point, {unit}", unit=fitted[0].slope.unit))
    said = "; ".join(
        f"{rung_name(rung.id, study)} {format_estimate(rung.slope, 2)}" for rung in fitted
    )
    return figure, message("Spend per CSAT point by comparison: {said}.", said=said)


def draw_steps(
    steps: StepMeans | NotEstimable, names: tuple[str, ...], axis: str, disclosure: Disclosure
) -> tuple[Figure | NotEstimable, str]:
    """Mean spend by step of the score, between customers and within them; and its alt text.

    names: of the steps. Steps that too few customers took are left out.
    """
    if isinstance(steps, NotEstimable):
        return steps, ""
    shown = [i for i, mean in enumerate(steps.raw) if not disclosure.suppressed(mean.n)]
    if not shown:
        return NotEstimable(message("Withheld: every score was given by fewer than eight.")), ""
    figure, (axes,) = new_figure(width=WIDTH, height=3.2)
    series: list[tuple[str, list[Estimate], str, float, str]] = [
        (message("between customers (raw)"), [steps.raw[i] for i in shown], MUTED, -0.06, "s")
    ]
    if not isinstance(steps.own, NotEstimable):
        own = [steps.own[i] for i in shown]
        series.append((message("the same customers over time"), own, PALETTE[0], 0.06, "o"))
    for label, means, colour, shift, marker in series:
        places = [i + shift for i in range(len(shown))]
        for place, mean in zip(places, means, strict=True):
            if mean.lower is not None and mean.upper is not None:
                axes.plot([place, place], [mean.lower, mean.upper], color=colour, linewidth=1.6)
        values = [mean.value for mean in means]
        axes.plot(places, values, marker=marker, color=colour, markersize=6, label=label)
    axes.set_xticks(range(len(shown)), [names[i] for i in shown])
    axes.set_xlim(-0.4, len(shown) - 0.6)
    axes.set_xlabel(axis)
    axes.set_ylabel(message("Mean spend, {unit}", unit=steps.raw[0].unit))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, columnspacing=1.2)
    said = "; ".join(
        message(
            "{step}: {means}",
            step=names[i],
            means=", ".join(
                f"{label} {format_value(means[place].value, means[place].unit, 0)}"
                for label, means, *_ in series
            ),
        )
        for place, i in enumerate(shown)
    )
    return figure, message("Mean spend. {axis}: {said}.", axis=axis, said=said)


def show_ladder_figure(study: SpendStudy) -> None:
    """Show the ladder as a figure."""
    show_figure(*draw_ladder(study))


def show_steps_figure(depth: SpendDepth, disclosure: Disclosure) -> None:
    """Show mean spend by CSAT score as a figure."""
    steps = depth.steps
    names = () if isinstance(steps, NotEstimable) else tuple(f"{step:g}" for step in steps.steps)
    axis = message("Last CSAT answer before the period opened")
    show_figure(*draw_steps(steps, names, axis, disclosure))


def show_promoters_figure(depth: SpendDepth, disclosure: Disclosure) -> None:
    """Show mean spend of detractors, passives and promoters as a figure."""
    groups = (message("detractors"), message("passives"), message("promoters"))
    steps = depth.promoters
    names = () if isinstance(steps, NotEstimable) else tuple(groups[int(s)] for s in steps.steps)
    axis = message("Last NPS answer before the period opened")
    show_figure(*draw_steps(steps, names, axis, disclosure))
