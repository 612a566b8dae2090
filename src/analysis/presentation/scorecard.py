"""The scorecard in words, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Metric, NotEstimable
from analysis.methods.revenue_split import RevenueSplit
from analysis.methods.scorecard import Scorecard
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import (
    show_figure,
    show_finding,
    show_metrics,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.scorecard_words import (
    estimates_of,
    find_last_measured,
    find_moved,
    find_retention,
    find_revenue,
    in_points,
    signed,
    word_reconciliation,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_money,
    format_number,
    format_share,
    format_value,
    message,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def format_change(change: Estimate | NotEstimable) -> str:
    """A difference with its sign, its interval on a line of its own."""
    if isinstance(change, NotEstimable):
        return NO_VALUE
    change = in_points(change)
    said = signed(change.value, change.unit)
    if change.lower is None or change.upper is None:
        return said
    low, high = signed(change.lower, change.unit), signed(change.upper, change.unit)
    return said + "\n" + message("{low} to {high}", low=low, high=high)


def _count(n: int, disclosure: Disclosure) -> str:
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)


def show_basis(study: Scorecard, disclosure: Disclosure) -> None:
    """Say how many answers there are, of how many customers."""
    for found in study.answers:
        if not found.answers:
            continue
        show_sentence(
            message(
                "{instrument} in {period}: {answers} answers of {customers} customers; of several "
                "answers of one customer the last counts.",
                instrument=found.instrument.upper(),
                period=study.period,
                answers=_count(found.answers, disclosure),
                customers=_count(found.customers, disclosure),
            )
        )


def show_scorecard(study: Scorecard, disclosure: Disclosure) -> None:
    """The table of all figures, and the figures themselves for the first screen."""
    rows = [
        [
            message(metric.name),
            format_estimate_lines(metric.now),
            format_change(metric.change),
            format_change(metric.change_on_year),
            _target(metric, study),
        ]
        for metric in study.metrics
    ]
    header = [
        message("Figure"),
        study.period,
        message("Change on {period}", period=study.previous),
        message("Change on {period}", period=study.year_before),
        message("Target"),
    ]
    caption = message("Levels and changes with 95% intervals; shares change in percentage points")
    missing = [m for m in study.metrics if isinstance(m.now, NotEstimable)]
    note = " ".join(f"{message(m.name)}: {m.now.reason}" for m in missing)  # type: ignore[union-attr]
    show_metrics(study.metrics, html_table(header, rows, caption, note=note), disclosure)


def _target(metric: Metric, study: Scorecard) -> str:
    if metric.target is None:
        return NO_VALUE
    earlier = [found.level.unit for found in study.last_measured if found.id == metric.id]
    unit = metric.now.unit if isinstance(metric.now, Estimate) else "".join(earlier)
    return format_value(metric.target, unit)


def _draw_trend(axes: Axes, metric: Metric, now: Estimate, when: str, colour: str) -> str:
    """One small trend with the interval of the last point measured; gives it in words."""
    factor = 100.0 if now.unit == "share" else 1.0
    labels = [label for label, _ in metric.trend]
    values = [float("nan") if v is None else v * factor for _, v in metric.trend]
    last = len(values) - 1
    place = labels.index(when)
    known_at = [i for i, value in enumerate(values) if value == value]
    axes.plot(known_at, [values[i] for i in known_at], color=colour, marker="o", markersize=3.5)
    if now.lower is not None and now.upper is not None:
        below, above = now.value - now.lower, now.upper - now.value
        axes.errorbar(
            [place], [now.value * factor], yerr=[[below * factor], [above * factor]],
            color=INK, capsize=3.5, fmt="o", markersize=5,
        )  # fmt: skip
    if metric.target is not None:
        axes.axhline(metric.target * factor, color=PALETTE[1], linestyle="--", linewidth=1.2)
        axes.annotate(
            message("target"), (0, metric.target * factor), xytext=(0, 3),
            textcoords="offset points", color=PALETTE[1], fontsize=9,
        )  # fmt: skip
    ticks = [last - back for back in range(0, last + 1, 4)][::-1]
    axes.set_xticks(ticks, [labels[tick] for tick in ticks])
    axes.set_xlim(-0.6, last + 0.6)
    axes.margins(y=0.15)
    axes.yaxis.set_major_formatter(lambda y, _: _tick(y, now.unit))
    title = f"{message(metric.name)}: {format_value(now.value, now.unit)}"
    axes.set_title(title if place == last else f"{title} ({when})")
    known = [(label, v) for label, v in metric.trend if v is not None]
    low, high = min(known, key=lambda item: item[1]), max(known, key=lambda item: item[1])
    return message(
        "{name}: {now} in {period}, in the periods shown between {low} ({low_period}) and {high} "
        "({high_period})",
        name=message(metric.name),
        now=format_estimate(now),
        period=when,
        low=format_value(low[1], now.unit),
        low_period=low[0],
        high=format_value(high[1], now.unit),
        high_period=high[0],
    )


def _tick(y: float, unit: str) -> str:
    if unit == "share":
        return f"{y:g}%"
    if abs(y) >= 1e5:
        return format_money(y, unit)
    return f"{y:g}".replace("-", "−")


def draw_trends(metrics: list[Metric], study: Scorecard) -> tuple[Figure | NotEstimable, str]:
    """Small multiples of trends, one panel per figure that has a level, and their alt text.

    A key figure that is not measured in this period shows where it was measured last.
    """
    latest = {m.id: (m.now, study.period) for m in metrics if isinstance(m.now, Estimate)}
    latest |= {found.id: (found.level, found.period) for found in study.last_measured}
    shown = [metric for metric in metrics if metric.id in latest]
    if not shown:
        reasons = [m.now.reason for m in metrics if isinstance(m.now, NotEstimable)]
        return NotEstimable(reasons[0] if reasons else message("There is no figure to draw.")), ""
    rows = (len(shown) + 1) // 2
    figure, axes = new_figure(rows, 2, height=0.4 + 1.75 * rows)
    said = [
        _draw_trend(panel, metric, *latest[metric.id], PALETTE[0])
        for panel, metric in zip(axes, shown, strict=False)
    ]
    for panel in axes[len(shown) :]:
        panel.set_axis_off()
        panel.text(
            0, 0.95, message("Bar: 95% interval of\nthe last period measured\nDashed: target"),
            transform=panel.transAxes, color=MUTED, va="top",
        )  # fmt: skip
    return figure, message("Trends. {said}.", said="; ".join(said))


def show_key_trends(study: Scorecard) -> None:
    """Show the trends of the key figures."""
    show_figure(*draw_trends([m for m in study.metrics if m.id in study.key_figures], study))


def show_other_trends(study: Scorecard) -> None:
    """Show the trends of all other figures."""
    show_figure(*draw_trends([m for m in study.metrics if m.id not in study.key_figures], study))


def show_findings(study: Scorecard, disclosure: Disclosure) -> None:
    """Show what there is to say on retention, revenue and any other key figure that moved."""
    show_finding(find_retention(study), disclosure)
    show_finding(find_revenue(study), disclosure)
    moved = find_moved(study)
    for finding in (*moved, *find_last_measured(study)):
        show_finding(finding, disclosure)
    if not moved and study.movements:
        show_sentence(
            message(
                "None of the other key figures moved on {period} by more than chance would, "
                "allowing for how many were looked at.",
                period=study.previous,
            )
        )


def show_reconciliation(study: Scorecard, currency: str) -> None:
    """Compare revenue with the declared totals, this period's in words, earlier ones in a table."""
    found = study.reconciliation
    if isinstance(found, NotEstimable):
        show_reason(found)
    else:
        show_sentence(word_reconciliation(found, currency))
    if not study.reconciliations:
        return
    rows = [
        [
            past.period,
            format_money(past.ours, currency, 2),
            format_money(past.declared, currency, 2),
            format_money(past.difference, currency, 2),
            NO_VALUE if past.share is None else format_share(past.share, 2),
        ]
        for past in study.reconciliations
    ]
    header = [
        message("Period"), message("Transactions"), message("Control total"),
        message("Difference"), message("In per cent"),
    ]  # fmt: skip
    show_table(html_table(header, rows, message("Revenue and control totals, earlier periods")))


def show_silence(study: Scorecard) -> None:
    """Say how many were silent, and what that does to the figures on satisfaction."""
    for instrument in ("csat", "nps"):
        rate = study.metric(f"response-rate-{instrument}").now
        if isinstance(rate, NotEstimable):
            show_reason(rate)
            continue
        show_sentence(
            message(
                "{instrument}: {said} of the invitations were answered; {silent} were not. The "
                "figures describe those who answered; the intervals do not cover what the silent "
                "would have said.",
                instrument=instrument.upper(),
                said=format_estimate(rate),
                silent=format_share(1 - rate.value),
            )
        )


def show_split(study: Scorecard, currency: str, disclosure: Disclosure) -> None:
    """The exact split of revenue's changes."""
    for split, period in (
        (study.split_on_previous, study.previous),
        (study.split_on_year, study.year_before),
    ):
        if isinstance(split, NotEstimable):
            show_reason(split)
        else:
            show_table(_split_table(split, study.period, period, currency, disclosure))


def _split_table(
    split: RevenueSplit, period: str, before: str, currency: str, disclosure: Disclosure
) -> str:
    old, new = split.before, split.after

    def money(amount: float) -> str:
        return format_money(amount, currency, 2)

    rows = [
        [
            message("Customers who ordered"),
            _count(old.customers, disclosure),
            _count(new.customers, disclosure),
            money(split.customers),
        ],
        [
            message("× orders each"),
            format_number(float(old.frequency), 3),
            format_number(float(new.frequency), 3),
            money(split.frequency),
        ],
        [
            message("× order value"),
            money(float(old.order_value) / 100),
            money(float(new.order_value) / 100),
            money(split.order_value),
        ],
        [
            message("− refunds"),
            money(old.refund_cents / 100),
            money(new.refund_cents / 100),
            money(split.refunds),
        ],
        [
            message("= revenue"),
            money(old.revenue_cents / 100),
            money(new.revenue_cents / 100),
            money(split.total),
        ],
    ]
    header = [message("Part"), before, period, message("Part of the change")]
    caption = message("How the change of revenue on {period} is made up", period=before)
    note = message("The parts add up to the change, to the cent.")
    return html_table(header, rows, caption, note=note)


def show_worth(study: Scorecard, gross_margin: float, disclosure: Disclosure) -> None:
    """Show what revenue and its changes are in margin."""
    margin = study.margin
    if isinstance(margin.now, NotEstimable):
        show_reason(margin.now)
        return
    rows = [
        [
            message(metric.name),
            format_estimate_lines(metric.now),
            format_change(metric.change),
            format_change(metric.change_on_year),
        ]
        for metric in (study.metric("revenue"), margin)
    ]
    header = [
        message("Money"),
        study.period,
        message("Change on {period}", period=study.previous),
        message("Change on {period}", period=study.year_before),
    ]
    note = message(
        "Margin as exported; where it is not, {share} of the amount as declared.",
        share=format_share(gross_margin, 0),
    )
    table = html_table(header, rows, message("Revenue and gross margin, 95% intervals"), note=note)
    show_table(table, "scorecard-worth", estimates_of(margin), disclosure)
