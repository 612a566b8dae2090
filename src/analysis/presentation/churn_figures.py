"""Churn in figures: survival curves, hazard ratios, a snapshot counted in two ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import AT_RISK_BLOCK, SMALLEST_CELL, Disclosure
from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.survival.competing import Incidence
from analysis.methods.survival.counts import LifetimeCounts
from analysis.methods.survival.hazard import SCORE
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import ChurnStudy
from analysis.presentation.churn_words import level_shown, said_median
from analysis.presentation.figures import (
    DASHES,
    INK,
    MUTED,
    NARROW,
    PALETTE,
    LineEnd,
    label_ends,
    new_figure,
)
from analysis.presentation.published import levels_in_steps
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_number,
    format_share,
    message,
)

JUST_AFTER_THE_START = 1e-9
CURVE_INCHES = 2.2

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def shown_until(curve: SurvivalCurve, disclosure: Disclosure) -> float:
    """How far a curve may be drawn: while at least eight are at risk."""
    if not disclosure.enabled:
        return curve.last_time
    enough = curve.times[curve.at_risk >= SMALLEST_CELL]
    return float(enough[-1]) if len(enough) else 0.0


def thinned(curve: SurvivalCurve, disclosure: Disclosure) -> np.ndarray:
    """Places of the steps that are drawn: with disclosure on, at least six losses lie between."""
    if not disclosure.enabled:
        return np.arange(len(curve.times))
    shown, since = [], 0
    for place, events in enumerate(curve.events):
        since += int(events)
        if since >= AT_RISK_BLOCK and curve.times[place] <= shown_until(curve, disclosure):
            shown.append(place)
            since = 0
    return np.array(shown, dtype=int)


def drawn(
    curve: SurvivalCurve, disclosure: Disclosure
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times, levels and both limits to draw, from the start on.

    A picture carries its coordinates: levels are in steps of five customers as in tables, or the
    exact numbers of those at risk and lost could be reckoned back.
    """
    steps = thinned(curve, disclosure)
    base = int(curve.at_risk.max(initial=0))
    levels, low, high = (
        np.concatenate([[1.0], levels_in_steps(side[steps], base, disclosure)])
        for side in (curve.survival, curve.lower, curve.upper)
    )
    return np.concatenate([[0.0], curve.times[steps]]), levels, low, high


@dataclass(frozen=True, slots=True)
class NamedCurve:
    """A curve to draw, with the counts that its numbers at risk come from."""

    name: str
    curve: SurvivalCurve
    counts: LifetimeCounts


def draw_survival(
    curves: list[NamedCurve],
    title: str,
    time_axis: str,
    disclosure: Disclosure,
    measurable_from_months: float = 0.0,
) -> tuple[Figure | NotEstimable, str]:
    """Survival by group with log-log bands, numbers at risk beneath; and its alt text.

    title: what the curves are split by, "" for a single one. time_axis: what months are since.
    measurable_from_months: no level before it is put into words.
    """
    if not curves:
        return NotEstimable("No group is large enough, or has lost anybody, for a curve."), ""
    figure, (axes, table) = new_figure(
        rows=2,
        width=NARROW,
        height=CURVE_INCHES + 0.9 + 0.2 * len(curves),
        gridspec_kw={"height_ratios": [4, 0.5 + 0.3 * len(curves)]},
    )
    ends = []
    limit = max(shown_until(named.curve, disclosure) for named in curves)
    for place, named in enumerate(curves):
        curve = named.curve
        times, levels, low, high = drawn(curve, disclosure)
        colour = PALETTE[place % len(PALETTE)]
        dash = DASHES[place % len(DASHES)]
        axes.step(times, levels, where="post", color=colour, linestyle=dash)
        axes.fill_between(times, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
        ends.append(LineEnd(named.name, float(times[-1]), float(levels[-1]), colour))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, limit)
    axes.locator_params(axis="x", nbins=5)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_ylabel(message("Still customers"))
    axes.set_xlabel(time_axis)
    if title:
        axes.set_title(message("By {group}", group=title))
        label_ends(axes, ends, CURVE_INCHES)
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= limit]
    _write_at_risk(table, curves, ticks, limit, disclosure)
    said = "; ".join(
        f"{named.name}: {said_levels(named.curve, disclosure, measurable_from_months)}"
        for named in curves
    )
    if not title:
        return figure, message("Share of customers still there, {said}.", said=said)
    return figure, message(
        "Share of customers still there by {group}: {said}.", group=title, said=said
    )


def said_levels(
    curve: SurvivalCurve, disclosure: Disclosure, measurable_from_months: float = 0.0
) -> str:
    """A curve's levels after one and two years in words, or earlier ones where it is too short."""
    for choice in ((12, 24), (3, 6)):
        said = [
            message("{share} after {months} months", share=format_share(at.value, 0), months=months)
            for months in choice
            if months >= measurable_from_months
            for at in [attempt(level_shown, curve, months, disclosure)]
            if isinstance(at, Estimate)
        ]
        if said:
            return ", ".join(said)
    return message("too short, or of too few, for a figure")


def _write_at_risk(
    axes: Axes,
    curves: list[NamedCurve],
    ticks: list[float],
    limit: float,
    disclosure: Disclosure,
) -> None:
    axes.set_xlim(0, limit)
    axes.set_ylim(-0.5, len(curves) - 0.2)
    axes.axis("off")
    axes.set_title(message("At risk"), fontsize=9, color=MUTED)
    for row, named in enumerate(reversed(curves)):
        place = len(curves) - 1 - row
        axes.annotate(
            named.name, (0, row), (-8, 0), textcoords="offset points", ha="right", va="center",
            fontsize=8.5, color=PALETTE[place % len(PALETTE)], annotation_clip=False,
        )  # fmt: skip
        for tick in ticks:
            n = disclosure.count(int(named.counts.at_risk(max(tick, JUST_AFTER_THE_START))))
            align = "left" if tick == 0 else "right" if tick >= limit * 0.99 else "center"
            axes.text(
                tick,
                row,
                "<8" if n is None else format_count(n),
                fontsize=8.5,
                ha=align,
                va="center",
            )


def draw_forest(study: ChurnStudy) -> tuple[Figure | NotEstimable, str]:
    """Hazard ratios with intervals on a logarithmic axis; and the alt text."""
    model = study.model
    if isinstance(model, NotEstimable):
        return model, ""
    names = list(model.fit.names)
    ratios = [model.fit.hazard_ratio(name) for name in names]
    figure, (axes,) = new_figure(height=1.0 + 0.36 * len(names))
    for place, (name, ratio) in enumerate(zip(reversed(names), reversed(ratios), strict=True)):
        colour = PALETTE[0] if name == SCORE else MUTED
        assert ratio.lower is not None
        assert ratio.upper is not None
        axes.plot([ratio.lower, ratio.upper], [place, place], color=colour, linewidth=2.2)
        axes.plot(ratio.value, place, "o", color=colour, markersize=7)
        axes.annotate(
            format_number(ratio.value), (ratio.value, place), (0, 6), textcoords="offset points",
            ha="center", fontsize=8.5, color=colour,
        )  # fmt: skip
    axes.axvline(1, color=INK, linewidth=0.8)
    axes.set_xscale("log")
    limits = [x for r in ratios for x in (r.lower, r.upper) if x]
    candidates = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50)
    ticks = [t for t in candidates if min([*limits, 0.9]) * 0.9 <= t <= max([*limits, 1.1]) * 1.1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(-0.6, len(names) - 0.2)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(message("Hazard ratio of leaving (below one: they stay longer)"))
    said = "; ".join(
        f"{n.replace('_', ' ')} {format_estimate(r)}" for n, r in zip(names, ratios, strict=True)
    )
    return figure, message("Hazard ratios: {said}.", said=said)


def draw_snapshot(study: ChurnStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """The same customers counted in two ways, where a snapshot leaves both open."""
    naive, entry = study.overall_naive, study.overall
    if isinstance(naive, NotEstimable):
        return naive, ""
    if isinstance(entry, NotEstimable):
        return entry, ""
    figure, (axes,) = new_figure(width=NARROW, height=CURVE_INCHES + 0.8)
    ends = []
    both = (
        (message("counted from the start"), naive),
        (message("counted from the window on"), entry),
    )
    for place, (label, curve) in enumerate(both):
        times, *sides = drawn(curve, disclosure)
        colour = PALETTE[place]
        for levels, width in zip(sides, (1.8, 0.6, 0.6), strict=True):
            axes.step(
                times, levels, where="post", color=colour, linewidth=width, linestyle=DASHES[place]
            )
        ends.append(LineEnd(label, float(times[-1]), float(sides[0][-1]), colour))
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, None)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel(message("Months since the start"))
    axes.set_ylabel(message("Still customers"))
    label_ends(axes, ends, CURVE_INCHES)
    return figure, message(
        "Two curves from the same snapshot: {a} {first}, {b} {second}.",
        a=both[0][0], b=both[1][0], first=said_median(naive, disclosure),
        second=said_median(entry, disclosure),
    )  # fmt: skip


def draw_incidence(
    reasons: dict[str, Incidence], disclosure: Disclosure
) -> tuple[Figure | NotEstimable, str]:
    """Cumulative incidence of each reason with its band; and the alt text."""
    figure, (axes,) = new_figure(width=NARROW, height=CURVE_INCHES + 0.8)
    highest, said, ends = 0.0, [], []
    for place, (name, incidence) in enumerate(reasons.items()):
        steps = _incidence_steps(incidence, disclosure)
        times = np.concatenate([[0.0], incidence.times[steps]])
        limits = [incidence.at(time) for time in times[1:]]
        base = int(incidence.at_risk.max(initial=0))
        levels, low, high = (
            np.concatenate([[0.0], levels_in_steps(np.array(side, float), base, disclosure)])
            for side in (
                incidence.incidence[steps],
                [at.lower or at.value for at in limits],
                [at.upper or at.value for at in limits],
            )
        )
        colour, dash = PALETTE[place % len(PALETTE)], DASHES[place % len(DASHES)]
        axes.step(times, levels, where="post", color=colour, linestyle=dash)
        axes.fill_between(times, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
        ends.append(LineEnd(name, float(times[-1]), float(levels[-1]), colour))
        highest = max(highest, float(high.max()))
        said.append(
            message(
                "{reason} {share} after {months} months",
                reason=name, share=format_share(levels[-1], 0), months=format_number(times[-1], 0),
            )
            if len(steps)
            else message("{reason}: too few for a figure", reason=name)
        )  # fmt: skip
    axes.set_xlim(0, None)
    axes.set_ylim(0, min(1.0, highest * 1.05) if highest else 1.0)
    axes.yaxis.set_major_formatter(lambda value, _: format_share(value, 0))
    axes.set_xlabel(message("Months since the start"))
    axes.set_ylabel(message("Left for this reason"))
    label_ends(axes, ends, CURVE_INCHES)
    return figure, message("Share that has left, as far as drawn: {said}.", said="; ".join(said))


def _incidence_steps(incidence: Incidence, disclosure: Disclosure) -> np.ndarray:
    """Places of the steps that are drawn: with disclosure on, at least six losses lie between."""
    if not disclosure.enabled:
        return np.arange(len(incidence.times))
    shown, since = [], 0
    for place, (events, at_risk) in enumerate(
        zip(incidence.events, incidence.at_risk, strict=True)
    ):
        since += int(events)
        if since >= AT_RISK_BLOCK and at_risk >= SMALLEST_CELL:
            shown.append(place)
            since = 0
    return np.array(shown, dtype=int)
