"""The scorecard drawn: trends of the key figures, small trends of the others, margin by tenths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.methods.estimate import Estimate, Metric, NotEstimable
from analysis.methods.scorecard.customer_value import MarginConcentration
from analysis.methods.scorecard.study import Scorecard
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.wording import (
    format_estimate,
    format_money,
    format_share,
    format_value,
    is_currency,
    message,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _draw_level(axes: Axes, level: float, label: str, colour: str, style: str) -> None:
    """A line across the panel for a declared level, with its word."""
    axes.axhline(level, color=colour, linestyle=style, linewidth=1.2)
    axes.annotate(
        label, (0, level), xytext=(0, 3), textcoords="offset points", color=colour, fontsize=9
    )


def _draw_trend(axes: Axes, metric: Metric, now: Estimate, when: str, others: float | None) -> str:
    """One small trend with the interval of the last point measured; gives it in words."""
    factor = 100.0 if now.unit == "share" else 1.0
    labels = [label for label, _ in metric.trend]
    values = [float("nan") if v is None else v * factor for _, v in metric.trend]
    last = len(values) - 1
    place = labels.index(when)
    known_at = [i for i, value in enumerate(values) if value == value]
    axes.plot(known_at, [values[i] for i in known_at], color=PALETTE[0], marker="o", markersize=3.5)
    if now.lower is not None and now.upper is not None:
        below, above = max(now.value - now.lower, 0.0), max(now.upper - now.value, 0.0)
        axes.errorbar(
            [place], [now.value * factor], yerr=[[below * factor], [above * factor]],
            color=INK, capsize=3.5, fmt="o", markersize=5,
        )  # fmt: skip
    if metric.target is not None:
        _draw_level(axes, metric.target * factor, message("target"), PALETTE[1], "--")
    if others is not None:
        _draw_level(axes, others * factor, message("competitors"), PALETTE[2], ":")
    ticks = [last - back for back in range(0, last + 1, 4)][::-1]
    axes.set_xticks(ticks, [labels[tick] for tick in ticks])
    axes.set_xlim(-0.6, last + 0.6)
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(lambda y, _: _tick(y, now.unit))
    title = f"{message(metric.name)}: {format_value(now.value, now.unit)}"
    axes.set_title(title if place == last else f"{title} ({when})", fontsize=9.5)
    return _trend_in_words(metric, now, when, others)


def _trend_in_words(metric: Metric, now: Estimate, when: str, others: float | None) -> str:
    """What a panel shows: the level, lowest and highest, target and competitors."""
    known = [(label, v) for label, v in metric.trend if v is not None]
    low, high = min(known, key=lambda item: item[1]), max(known, key=lambda item: item[1])
    text = (
        "{name}: {now} in {period}, the only period measured"
        if len(known) == 1
        else "{name}: {now} in {period}, in the periods shown between {low} ({low_period}) and {high} "
        "({high_period})"
    )
    said = message(
        text,
        name=message(metric.name),
        now=format_estimate(now),
        period=when,
        low=format_value(low[1], now.unit),
        low_period=low[0],
        high=format_value(high[1], now.unit),
        high_period=high[0],
    )
    if metric.target is not None:
        said += message(", target {level}", level=format_value(metric.target, now.unit))
    if others is not None:
        said += message(", competitors {level}", level=format_value(others, now.unit))
    return said


def _tick(y: float, unit: str) -> str:
    if unit == "share":
        return f"{y:g}%"
    if is_currency(unit):
        return format_money(y, unit.split(" ", 1)[0], None if abs(y) >= 1e5 or y % 1 else 0)
    return f"{y:g}".replace("-", "−")


def _measured(metrics: list[Metric], study: Scorecard) -> dict[str, tuple[Estimate, str]]:
    """The level to show for each figure, and its period: this one's, else the last measured."""
    latest = {m.id: (m.now, study.period) for m in metrics if isinstance(m.now, Estimate)}
    return latest | {found.id: (found.level, found.period) for found in study.last_measured}


def draw_trends(metrics: list[Metric], study: Scorecard) -> tuple[Figure | NotEstimable, str]:
    """Small multiples of trends, one panel per figure that has a level, and their alt text.

    A key figure that is not measured in this period shows where it was measured last.
    """
    latest = _measured(metrics, study)
    shown = [metric for metric in metrics if metric.id in latest]
    if not shown:
        reasons = [m.now.reason for m in metrics if isinstance(m.now, NotEstimable)]
        return NotEstimable(reasons[0] if reasons else message("There is no figure to draw.")), ""
    rows = (len(shown) + 1) // 2
    figure, axes = new_figure(rows, 2, width=5.8, height=0.3 + 1.45 * rows)
    said = [
        _draw_trend(panel, metric, *latest[metric.id], study.competitors.get(metric.id))
        for panel, metric in zip(axes, shown, strict=False)
    ]
    legend = [message("Bar: 95% interval of\nthe last period measured")]
    legend += [message("Dashed: target")] if any(m.target is not None for m in shown) else []
    if any(m.id in study.competitors for m in shown):
        legend.append(message("Dotted: competitors"))
    for panel in axes[len(shown) :]:
        panel.set_axis_off()
        panel.text(
            0, 0.95, "\n".join(legend), transform=panel.transAxes, color=MUTED, va="top"
        )  # fmt: skip
    return figure, message("Trends. {said}.", said="; ".join(said))


def draw_small_trends(metrics: list[Metric], study: Scorecard) -> tuple[Figure | NotEstimable, str]:
    """A line for each figure, each between its own lowest and highest level, in one panel."""
    latest = _measured(metrics, study)
    shown = [m for m in metrics if m.id in latest and sum(v is not None for _, v in m.trend) > 1]
    if not shown:
        return NotEstimable(message("No other figure was measured in two periods.")), ""
    height = 0.35 + 0.42 * len(shown)
    figure, (axes,) = new_figure(height=height)
    longest = max(len(metric.trend) for metric in shown)
    said = []
    for row, metric in enumerate(shown):
        now, when = latest[metric.id]
        base = len(shown) - 1 - row
        # The trend of a figure looked at over fewer periods ends at the same place.
        known = [
            (longest - len(metric.trend) + i, label, value)
            for i, (label, value) in enumerate(metric.trend)
            if value is not None
        ]
        low = min(value for _, _, value in known)
        high = max(value for _, _, value in known)
        spread = (high - low) or 1.0
        places = [place for place, _, _ in known]
        heights = [base + 0.15 + 0.6 * (value - low) / spread for _, _, value in known]
        axes.plot(places, heights, color=PALETTE[0], marker="o", markersize=2.5, linewidth=1.3)
        axes.plot(places[-1:], heights[-1:], color=INK, marker="o", markersize=4.5)
        axes.text(-0.6, base + 0.45, message(metric.name), ha="right", va="center", color=INK)
        value = format_value(now.value, now.unit)
        axes.text(
            longest - 0.4, base + 0.45, value if when == study.period else f"{value} ({when})",
            va="center", color=INK,
        )  # fmt: skip
        first = known[0]
        said.append(
            message(
                "{name}: {first} in {first_period}, {now} in {period}",
                name=message(metric.name), first=format_value(first[2], now.unit),
                first_period=first[1], now=format_estimate(now), period=when,
            )
        )  # fmt: skip
    labels = next(metric.trend for metric in shown if len(metric.trend) == longest)
    axes.set_xticks([0, longest - 1], [labels[0][0], labels[-1][0]])
    axes.set_yticks([])
    axes.set_xlim(-0.5, longest - 0.5)
    axes.set_ylim(-0.1, len(shown))
    axes.spines["left"].set_visible(False)
    return figure, message("Small trends. {said}.", said="; ".join(said))


def draw_deciles(found: MarginConcentration, currency: str) -> tuple[Figure, str]:
    """Margin per customer by tenths of the customers, those who bring most first."""
    figure, (axes,) = new_figure(height=2.9)
    shown = [(d.place, d.mean, d.share) for d in found.deciles if d.mean is not None]
    bars = axes.bar([place for place, _, _ in shown], [mean for _, mean, _ in shown], width=0.7)
    for bar, (_, mean, share) in zip(bars, shown, strict=True):
        bar.set_color(PALETTE[0] if mean >= 0 else PALETTE[1])
        axes.annotate(
            format_share(share), (bar.get_x() + bar.get_width() / 2, max(mean, 0.0)),
            xytext=(0, 3), textcoords="offset points", ha="center", fontsize=9, color=INK,
        )  # fmt: skip
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xticks([d.place for d in found.deciles])
    axes.set_xlabel(message("Tenths of the customers, those who bring most first"))
    axes.set_ylabel(message("{currency} per customer", currency=currency))
    axes.margins(y=0.15)
    axes.set_title(message("Margin per customer; above the bars the share of all margin"))
    said = "; ".join(
        message(
            "{place}: {mean}, {share}",
            place=place, mean=format_money(mean, currency), share=format_share(share),
        )
        for place, mean, share in shown
    )  # fmt: skip
    return figure, message(
        "Margin per customer and share of all margin by tenths. {said}.", said=said
    )
