"""Service programmes in pictures, narrow enough to be read on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.investment import InvestmentValue
from analysis.methods.investment.scenarios import Swing, tornado
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.figures import INK, MUTED, NARROW, PALETTE, new_figure
from analysis.presentation.programme_disclosure import Studies
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_money,
    format_share,
    is_currency,
    message,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MONEY_TICKS = 4


def nothing_studied() -> NotEstimable:
    """What stands where no programme has a number."""
    return NotEstimable(message("No programme could be valued in money."))


def draw_naive_and_defended(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Three dots a programme: before and after, treated against untreated, defended; alt text.

    A bar across marks break-even, what the programme costs per customer-quarter.
    """
    shown = [study for study in studies if isinstance(study.effect, Estimate)]
    if not shown:
        return NotEstimable(message("No programme could be studied.")), ""
    figure, (axes,) = new_figure(width=NARROW, height=1.0 + 0.95 * len(shown))
    kinds = (
        (message("before and after"), MUTED, "s", 0.12),
        (message("treated against untreated"), PALETTE[1], "^", -0.1),
        (message("defended"), PALETTE[0], "o", -0.32),
    )
    cost_name = message("break-even: what it costs")
    labelled: set[str] = set()

    def once(name: str) -> str | None:
        first = name not in labelled
        labelled.add(name)
        return name if first else None

    said = []
    for place, study in enumerate(reversed(shown)):
        trio = (study.naive.before_after, study.naive.treated_untreated, study.effect)
        texts = []
        for (name, colour, marker, shift), estimate in zip(kinds, trio, strict=True):
            if isinstance(estimate, NotEstimable):
                continue
            y = place + shift
            if estimate.lower is not None and estimate.upper is not None:
                axes.plot([estimate.lower, estimate.upper], [y, y], color=colour, linewidth=2)
            axes.plot(
                estimate.value, y, marker, color=colour, markersize=6, linestyle="none",
                label=once(name),
            )  # fmt: skip
            texts.append(f"{name} {format_estimate(estimate, 2)}")
        if isinstance(study.break_even, Estimate):
            even = study.break_even.value
            axes.plot(
                [even, even], [place - 0.42, place + 0.22], color=INK, linewidth=1.4,
                linestyle=":", label=once(cost_name),
            )  # fmt: skip
            texts.append(
                f"{cost_name} {format_money(even, study.break_even.unit.split(' ')[0], 2)}"
            )
        axes.text(
            0.0, place + 0.27, study.name, transform=axes.get_yaxis_transform(),
            fontweight="bold", va="bottom", clip_on=False,
        )  # fmt: skip
        said.append(f"{study.name}: {', '.join(texts)}")
    axes.set_yticks([])
    axes.set_ylim(-0.55, len(shown) - 0.3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    effect = shown[0].effect
    assert isinstance(effect, Estimate)
    axes.set_xlabel(message("Margin, {unit}", unit=effect.unit))
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, columnspacing=1.0)
    text = "; ".join(reversed(said))
    return figure, message("Naive and defended figures by programme: {said}.", said=text)


def draw_event_studies(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Effect by quarter since the start, one panel per roll-out, with intervals; alt text."""
    shown = [(study.name, study.event_study) for study in studies if study.event_study]
    if not shown:
        rolled_out = any(study.design == "staggered" for study in studies)
        reason = (
            message("No roll-out could be followed by quarter.")
            if rolled_out
            else message("No programme was rolled out over areas.")
        )
        return NotEstimable(reason), ""
    figure, said = _draw_quarters(shown, message("Quarters since the start in the area"))
    return figure, message("By quarter since the start: {said}.", said=said)


def draw_windows(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Difference by quarter since a customer's own assignment, one panel a programme; alt text."""
    shown = [(study.name, study.windows) for study in studies if study.windows]
    if not shown:
        return NotEstimable(message("No programme was assigned to single customers.")), ""
    figure, said = _draw_quarters(shown, message("Quarter since the assignment"))
    return figure, message("By quarter since the assignment: {said}.", said=said)


def _draw_quarters(shown: list[tuple[str, dict[int, Estimate]]], label: str) -> tuple[Figure, str]:
    figure, panels = new_figure(rows=len(shown), width=NARROW, height=0.4 + 2.5 * len(shown))
    said = []
    for axes, (name, estimates) in zip(panels, shown, strict=True):
        for time, estimate in estimates.items():
            colour = PALETTE[0] if time >= 0 else MUTED
            if estimate.lower is not None and estimate.upper is not None:
                axes.plot([time, time], [estimate.lower, estimate.upper], color=colour, linewidth=2)
            axes.plot(time, estimate.value, "o", color=colour, markersize=6)
        axes.axhline(0, color=INK, linewidth=0.8)
        if min(estimates) < 0:
            axes.axvline(-0.5, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_title(name)
        unit = next(iter(estimates.values())).unit
        axes.set_ylabel(message("Margin,\n{unit}", unit=unit))
        axes.set_xlabel(label)
        axes.set_xticks(sorted(estimates))
        texts = (
            f"{format_count(time)}: {format_estimate(e, 2)}"
            for time, e in sorted(estimates.items())
        )
        said.append(f"{name}, {'; '.join(texts)}")
    return figure, ". ".join(said)


def draw_overlap(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Probability of being chosen, those chosen against the others, by programme; alt text."""
    shown = [s for s in studies if s.label == "association" and s.adjusted is not None]
    if not shown:
        return NotEstimable(message("No programme selected its customers.")), ""
    figure, panels = new_figure(rows=len(shown), width=NARROW, height=0.5 + 2.4 * len(shown))
    said = []
    for axes, study in zip(panels, shown, strict=True):
        assert study.adjusted is not None
        overlap = study.adjusted.overlap
        sides = (
            (message("given it"), overlap.treated, PALETTE[0], "-"),
            (message("not given it"), overlap.control, PALETTE[1], "--"),
        )
        for name, counts, colour, dashes in sides:
            total = max(sum(counts), 1)
            shares = [count / total for count in counts]
            axes.stairs(
                shares, overlap.edges, color=colour, linestyle=dashes, linewidth=2, label=name
            )
        axes.set_title(study.name)
        axes.set_xlabel(message("Probability of being chosen, from the past"))
        axes.set_ylabel(message("Share"))
        axes.legend(loc="upper center")
        ends = [
            format_share(sum(counts[:10]) / max(sum(counts), 1), 0) for _, counts, _, _ in sides
        ]
        said.append(
            message(
                "{name}: below one half lie {given} of those given it and {others} of the others",
                name=study.name, given=ends[0], others=ends[1],
            )
        )  # fmt: skip
    return figure, message("Overlap. {said}.", said=". ".join(said))


def input_text(swing: Swing, currency: str, associated: bool = False) -> str:
    """An input of the tornado with its range; an association is a difference, not an effect."""
    first = message("difference") if associated else message("effect")
    name = {
        "effect": first, "margin": message("gross margin"), "cost": message("costs"),
        "discount rate": message("discount rate"), "duration": message("duration"),
    }[swing.input]  # fmt: skip
    low, high = _side_text(swing, swing.low, currency), _side_text(swing, swing.high, currency)
    values = {"name": name, "low": low, "high": high}
    if swing.unit == "months":
        return message("{name}, {low} to {high} months, extrapolated", **values)
    if swing.unit == "share of declared":
        return message("{name}, {low} to {high} of declared", **values)
    return message("{name}, {low} to {high}", **values)


def _side_text(swing: Swing, side: float, currency: str) -> str:
    if is_currency(swing.unit):
        return format_money(side, currency, 2)
    return format_count(side) if swing.unit == "months" else format_share(side, 0)


def draw_tornado(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Which input moves the net present value most, one panel a programme; alt text."""
    shown: list[tuple[ProgrammeStudy, InvestmentValue, tuple[Swing, ...]]] = []
    for study in studies:
        swings = attempt(tornado, study.value, study.effect)
        if isinstance(swings, NotEstimable) or not isinstance(study.value, InvestmentValue):
            continue
        if study.value.cost > 0:  # otherwise nobody knows the net present value
            shown.append((study, study.value, swings))
    if not shown:
        return nothing_studied(), ""
    heights = [len(swings) + 1.6 for _, _, swings in shown]
    figure, panels = new_figure(
        rows=len(shown), width=NARROW, height=0.44 * sum(heights), height_ratios=heights
    )
    said = []
    for axes, (study, value, swings) in zip(panels, shown, strict=True):
        said.append(_draw_swings(axes, study, value, swings))
    panels[-1].set_xlabel(message("Net present value"))
    return figure, message("What moves the net present value: {said}.", said=". ".join(said))


def _draw_swings(
    axes: Axes, study: ProgrammeStudy, value: InvestmentValue, swings: tuple[Swing, ...]
) -> str:
    currency, associated = value.net_present_value.unit, study.label == "association"
    texts = []
    for place, swing in enumerate(reversed(swings)):
        low, high = sorted((swing.at_low, swing.at_high))
        axes.barh(place, high - low, left=low, height=0.34, color=PALETTE[0])
        axes.text(
            0.0, place + 0.2, input_text(swing, currency, associated), transform=axes.get_yaxis_transform(),
            va="bottom", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )  # fmt: skip
        texts.append(
            message(
                "{input}: {low} to {high}", input=input_text(swing, currency, associated),
                low=format_money(swing.at_low, currency), high=format_money(swing.at_high, currency),
            )
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axvline(value.net_present_value.value, color=MUTED, linewidth=1.0, linestyle=":")
    axes.set_title(study.name)
    axes.set_yticks([])
    axes.set_ylim(-0.4, len(swings) - 0.2)
    axes.use_sticky_edges = False
    axes.margins(x=0.05)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=MOST_MONEY_TICKS)
    axes.xaxis.set_major_formatter(lambda amount, _: format_money(amount, currency, 0))
    return f"{study.name}, {'; '.join(reversed(texts))}"
