"""Key drivers in tables, pictures and words: what matters, how it goes, what failing costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.drivers import DriverStudy
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.importance_performance import ImportanceMap, MapPoint
from analysis.methods.pain_points.depth import PainDepth
from analysis.methods.pain_points.experience import LATE_ORDERS, REPEATS, REPLY
from analysis.methods.penalty_reward import PenaltyReward
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.pain_points_words import place_name, said_p
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_estimate_lines,
    format_number,
    format_share,
    message,
    message_for,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 5.6
BEHIND_WORDS = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}


def driver_name(name: str) -> str:
    """A driver as readers know it."""
    known = {
        REPLY: message("slow replies (against the usual there)"),
        REPEATS: message("contacts that had to be repeated"),
        LATE_ORDERS: message("share of orders that came late"),
    }
    return known.get(name, message("experience: {place}", place=place_name(name)))


def _studies(depth: PainDepth) -> list[tuple[str, str, DriverStudy | NotEstimable]]:
    return [
        ("recommending", message("recommending us"), depth.overall),
        ("leaving", message("leaving"), depth.churn),
        ("margin", message("margin"), depth.margin),
    ]


def show_drivers(depth: PainDepth, disclosure: Disclosure) -> None:
    """Shares of what customers went through in recommending, leaving and margin."""
    if isinstance(depth.rows, NotEstimable):
        show_reason(depth.rows)
        return
    studies = _studies(depth)
    known = {id: study for id, _, study in studies if isinstance(study, DriverStudy)}
    if known:
        names: list[str] = []
        for fitted in known.values():
            names += [driver.name for driver in fitted.drivers if driver.name not in names]
        estimates: dict[str, Estimate] = {}
        rows = []
        for name in names:
            row = [driver_name(name)]
            for id, _, _ in studies:
                row.append(_share(known.get(id), name, disclosure))
                share = _estimate(known.get(id), name)
                if share is not None:
                    estimates[f"{id}, {name}"] = share
            rows.append(row)
        header = [message("driver"), *(said for _, said, _ in studies)]
        note = message(
            "Shares of the variance explained, averaged over all orders of entry (Lindeman, Merenda & Gold "
            "1980). In brackets: goes with the outcome no more than chance would have it, beside the others, "
            "all drivers considered (Holm). Experience in the year before the period opened; a touchpoint "
            "that was not met, or not answered about, counts as usual."
        )
        caption = message("What customers went through, and what followed")
        html = html_table(header, rows, caption, note=note)
        show_table(html, "key-drivers", estimates, disclosure)
    for _, said, study in studies:
        if isinstance(study, NotEstimable):
            show_sentence(message("For {said}: {reason}", said=said, reason=study.reason))
    if known:
        show_sentence(_drivers_sentence(depth))


def _estimate(study: DriverStudy | None, name: str) -> Estimate | None:
    if study is None or name not in {driver.name for driver in study.drivers}:
        return None
    return study.named(name).share


def _share(study: DriverStudy | None, name: str, disclosure: Disclosure) -> str:
    share = _estimate(study, name)
    if study is None or share is None or disclosure.suppressed(share.n):
        return NO_VALUE
    if not study.named(name).distinguishable:
        return f"({format_share(share.value, 0)})"
    return format_estimate_lines(share, 0)


def _drivers_sentence(depth: PainDepth) -> str:
    parts = []
    for _, said, study in _studies(depth):
        if isinstance(study, NotEstimable):
            continue
        told = [driver for driver in study.drivers if driver.distinguishable]
        if not told:
            parts.append(message("{said} goes with none of its own, beyond chance", said=said))
            continue
        parts.append(
            message(
                "{said} goes most with {names} (all together explain {explained} of its variance)",
                said=said, explained=_little(study.explained.value),
                names=_and([place_name(driver.name) for driver in told[:2]]),
            )
        )  # fmt: skip
    sentence = message(
        "{parts}. These are associations: who fares badly may differ in other ways.",
        parts="; ".join(parts),
    )
    return sentence[:1].upper() + sentence[1:]


def _little(share: float) -> str:
    return message("less than 1%") if share < 0.01 else format_share(share, 0)


def quadrant_words(point: MapPoint) -> str:
    """What a place on the map asks for."""
    return {
        "concentrate here": message("mend first"),
        "keep up": message("keep up"),
        "low priority": message("low, but matters less"),
        "possible overkill": message("good, and matters less"),
    }[point.quadrant]


def draw_importance(found: ImportanceMap) -> tuple[Figure, str]:
    """Importance against performance, the corner to mend first in colour; and the alt text."""
    figure, (axes,) = new_figure(width=WIDTH, height=4.0)
    ends_x, ends_y = [found.performance_line], [found.importance_line]
    for point in found.points:
        urgent = point.quadrant == "concentrate here"
        colour = PALETTE[1] if urgent else INK
        x, y = point.performance, point.importance
        for estimate, ends in ((x, ends_x), (y, ends_y)):
            ends += [v for v in (estimate.lower, estimate.value, estimate.upper) if v is not None]
        if x.lower is not None and x.upper is not None:
            axes.plot([x.lower, x.upper], [y.value, y.value], color=colour, linewidth=1.4)
        if y.lower is not None and y.upper is not None:
            axes.plot([x.value, x.value], [y.lower, y.upper], color=colour, linewidth=1.4)
        axes.plot(x.value, y.value, "o", color=colour, markersize=6)
    low, high = min(ends_x), max(ends_x)
    middle = (low + high) / 2
    heights = _label_heights(found, middle, max(ends_y) - min(ends_y) or 1.0)
    for point in found.points:
        left = point.performance.value > middle
        urgent = point.quadrant == "concentrate here"
        edge = point.performance.lower if left else point.performance.upper
        axes.annotate(
            place_name(point.name),
            (point.performance.value if edge is None else edge, heights[point.name]),
            (-7 if left else 7, 0), textcoords="offset points", ha="right" if left else "left",
            va="center", color=PALETTE[1] if urgent else INK, bbox=BEHIND_WORDS,
            fontweight="bold" if urgent else "normal",
        )  # fmt: skip
    axes.axvline(found.performance_line, color=MUTED, linewidth=0.9, linestyle="--")
    axes.axhline(found.importance_line, color=MUTED, linewidth=0.9, linestyle="--")
    margin = 0.08 * (high - low or 1.0)
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(0, max(ends_y) * 1.12)
    axes.annotate(
        message("mend first"), (0, 1), (4, -4), xycoords="axes fraction",
        textcoords="offset points", va="top", color=PALETTE[1], fontsize=8.5,
    )  # fmt: skip
    axes.annotate(
        message("keep up"), (1, 1), (-4, -4), xycoords="axes fraction", textcoords="offset points",
        va="top", ha="right", color=MUTED, fontsize=8.5,
    )  # fmt: skip
    axes.yaxis.set_major_formatter(lambda value, _: format_share(value, 0))
    axes.grid(visible=False)
    axes.set_xlabel(message("How it is rated (0 the worst answer, 100 the best)"))
    axes.set_ylabel(message("Share in recommending"))
    said = "; ".join(
        message(
            "{name}: share {share}, rated {rated}, {what}",
            name=place_name(point.name), share=format_share(point.importance.value, 0),
            rated=format_number(point.performance.value, 0), what=quadrant_words(point),
        )
        for point in found.points
    )  # fmt: skip
    return figure, message("Importance against performance. {said}.", said=said)


def _label_heights(found: ImportanceMap, middle: float, spread: float) -> dict[str, float]:
    """Heights of the names, none over another on the same side."""
    heights: dict[str, float] = {}
    for side in (True, False):
        points = [p for p in found.points if (p.performance.value > middle) == side]
        last = -float("inf")
        for point in sorted(points, key=lambda p: p.importance.value):
            last = max(point.importance.value, last + 0.075 * spread)
            heights[point.name] = last
    return heights


def show_importance(depth: PainDepth, disclosure: Disclosure) -> None:
    """The map of importance and performance, and what it asks for."""
    found = depth.importance
    if isinstance(found, NotEstimable):
        show_reason(found)
        return
    if any(disclosure.suppressed(point.performance.n) for point in found.points):
        show_reason(NotEstimable(message("Withheld: fewer than eight customers at a touchpoint.")))
        return
    show_figure(*draw_importance(found))
    urgent = [point for point in found.points if point.quadrant == "concentrate here"]
    if not urgent:
        show_sentence(
            message("No touchpoint matters more than its share and is rated lower than the others.")
        )
        return
    clear = [place_name(point.name) for point in urgent if point.clear]
    doubt = [place_name(point.name) for point in urgent if not point.clear]
    said = []
    if clear:
        said.append(
            message_for(
                "{names} matters more than an equal share and is rated low, chance aside",
                "{names} matter more than an equal share and are rated low, chance aside",
                len(clear), names=_and(clear),
            )
        )  # fmt: skip
    if doubt:
        said.append(
            message_for(
                "{names} lies in the corner to mend first, though within what chance allows",
                "{names} lie in the corner to mend first, though within what chance allows",
                len(doubt), names=_and(doubt),
            )
        )  # fmt: skip
    sentence = "; ".join(said)
    show_sentence(sentence[:1].upper() + sentence[1:] + ".")


def _and(names: list[str]) -> str:
    return message(" and ").join(names)


def kind_words(one: PenaltyReward) -> str:
    """What the two sides make of a touchpoint."""
    return {
        "basic": message("failing costs more"),
        "excitement": message("excelling brings more"),
        "performance": message("both alike"),
        "indistinguishable": message("cannot be told"),
    }[one.kind]


def show_asymmetry(depth: PainDepth, disclosure: Disclosure) -> None:
    """What low answers at a touchpoint cost in recommending, and what high ones bring."""
    found = depth.asymmetry
    if isinstance(found, NotEstimable):
        show_reason(found)
        return
    rows: list[list[str]] = []
    estimates: dict[str, Estimate] = {}
    for one in found.attributes:
        if disclosure.suppressed(one.low) or disclosure.suppressed(one.high):
            continue
        rows.append(
            [
                place_name(one.name), format_estimate_lines(one.penalty, 1),
                format_estimate_lines(one.reward, 1), format_estimate_lines(one.asymmetry, 1),
                said_p(one.adjusted_p_values[2]), kind_words(one),
            ]
        )  # fmt: skip
        estimates |= {f"{one.name}, penalty": one.penalty, f"{one.name}, reward": one.reward}
    header = [
        message("touchpoint"), message("low answers cost"), message("high answers bring"),
        message("difference"), message("p, Holm"), message("reading"),
    ]  # fmt: skip
    note = message(
        "NPS points against middling answers there, the other touchpoints held equal; low and high are the "
        "outer quarters of the scale (Brandt 1987)."
    )
    caption = message("Does failing cost more than excelling brings?")
    show_table(
        html_table(header, rows, caption, note=note), "penalty-reward", estimates, disclosure
    )
    lopsided = [one for one in found.attributes if one.kind in {"basic", "excitement"}]
    if not lopsided:
        show_sentence(
            message(
                "At no touchpoint does failing cost more than excelling brings, or less, beyond chance."
            )
        )
        return
    said = "; ".join(f"{place_name(one.name)}: {kind_words(one)}" for one in lopsided)
    show_sentence(message("Lopsided beyond chance: {said}.", said=said))
