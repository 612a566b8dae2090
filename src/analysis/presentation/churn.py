"""Churn in words, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import AT_RISK_BLOCK, SMALLEST_CELL, Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable, attempt
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import (
    PROPORTIONAL_P_VALUE,
    RETENTION_MONTHS,
    SCORE,
    ChurnStudy,
    HazardModel,
)
from analysis.presentation.figures import DASHES, INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import (
    show_figure,
    show_finding,
    show_reason,
    show_sentence,
    show_table,
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
    message,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TICKS = 6
TINY_P_VALUE = 0.001


def format_p_value(p_value: float) -> str:
    """A p-value as print gives it."""
    return "p < 0.001" if p_value < TINY_P_VALUE else f"p = {format_number(p_value, 3)}"


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
    block = np.cumsum(curve.events) // AT_RISK_BLOCK
    last_of_block = np.append(block[1:] != block[:-1], True)
    return np.flatnonzero(last_of_block & (curve.times <= shown_until(curve, disclosure)))


def show_audit(study: ChurnStudy) -> None:
    """Show what the design audit found."""
    for remark in study.audit:
        show_sentence(remark.sentence)


def _curves(study: ChurnStudy) -> list[tuple[str, SurvivalCurve, np.ndarray, np.ndarray]]:
    return [
        (
            group.name,
            curve,
            np.zeros_like(group.entry) if study.is_snapshot else group.entry,
            group.exit,
        )
        for group in study.groups
        for curve in [group.naive if study.is_snapshot else group.curve]
        if isinstance(curve, SurvivalCurve)
    ]


def draw_curves(study: ChurnStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """Survival by group with log-log bands, numbers at risk beneath; and its alt text."""
    curves = _curves(study)
    if not curves:
        reason = study.overall if isinstance(study.overall, NotEstimable) else None
        return reason or NotEstimable("No group is large enough for a curve."), ""
    figure, (axes, table) = new_figure(
        rows=2,
        height=4.1 + 0.22 * len(curves),
        gridspec_kw={"height_ratios": [5, 0.7 + 0.32 * len(curves)]},
    )
    limit = max(shown_until(curve, disclosure) for _, curve, _, _ in curves)
    for place, (name, curve, _, _) in enumerate(curves):
        steps = thinned(curve, disclosure)
        times = np.concatenate([[0.0], curve.times[steps]])
        colour = PALETTE[place % len(PALETTE)]
        levels = np.concatenate([[1.0], curve.survival[steps]])
        dash = DASHES[place % len(DASHES)]
        axes.step(times, levels, where="post", color=colour, label=name, linestyle=dash)
        low, high = (np.concatenate([[1.0], side[steps]]) for side in (curve.lower, curve.upper))
        axes.fill_between(times, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, limit)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_ylabel(message("Still customers"))
    axes.set_xlabel(message("Months since the start"))
    axes.legend(loc="lower left", title=study.group.replace("_", " "))
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= limit]
    _write_at_risk(table, curves, ticks, limit, disclosure)
    said = "; ".join(
        f"{name}: " + ", ".join(
            f"{format_share(at.value, 0)} after {months} months"
            for months in (12, 24)
            for at in [attempt(curve.at, months)]
            if isinstance(at, Estimate)
        )
        for name, curve, _, _ in curves
    )  # fmt: skip
    if not study.group:
        return figure, message("Share of customers still there, {said}.", said=said)
    return figure, message(
        "Share of customers still there by {group}: {said}.",
        group=study.group.replace("_", " "),
        said=said,
    )


def _write_at_risk(
    axes: Axes,
    curves: list[tuple[str, SurvivalCurve, np.ndarray, np.ndarray]],
    ticks: list[float],
    limit: float,
    disclosure: Disclosure,
) -> None:
    axes.set_xlim(0, limit)
    axes.set_ylim(-0.5, len(curves) - 0.2)
    axes.axis("off")
    axes.set_title(message("At risk"), fontsize=9, color=MUTED)
    for row, (name, curve, entry, exit_) in enumerate(reversed(curves)):
        place = len(curves) - 1 - row
        axes.annotate(
            name, (0, row), (-8, 0), textcoords="offset points", ha="right", va="center",
            fontsize=8.5, color=PALETTE[place % len(PALETTE)], annotation_clip=False,
        )  # fmt: skip
        for tick in ticks:
            n = disclosure.count(curve.at_risk_at(max(tick, 1e-9), entry, exit_))
            align = "left" if tick == 0 else "right" if tick >= limit * 0.99 else "center"
            axes.text(
                tick,
                row,
                "<8" if n is None else format_count(n),
                fontsize=8.5,
                ha=align,
                va="center",
            )


def show_curves(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Show the curves by group."""
    show_figure(*draw_curves(study, disclosure))


def show_retention_table(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Retention at fixed times and the median, overall and by group."""
    named = [(message("all"), study.overall_naive if study.is_snapshot else study.overall)]
    named += [(g.name, g.naive if study.is_snapshot else g.curve) for g in study.groups if study.group]
    rows, estimates = [], {}
    for name, curve in named:
        cells = [name]
        for months in RETENTION_MONTHS:
            at = attempt(_at, curve, months)
            cells.append(format_estimate_lines(at, 1))
            estimates[f"{name}, {months} months"] = at
        median = attempt(_median, curve)
        estimates[f"{name}, median"] = median
        cells.append(format_estimate_lines(median))
        rows.append(cells)
    header = [
        study.group.replace("_", " "),
        *(message("{m} months", m=m) for m in RETENTION_MONTHS),
        message("median, months"),
    ]
    caption = message("Share still customers, with 95% intervals")
    note = message(
        "Kaplan–Meier; limits log-log. A dash: beyond follow-up, or more than half are left."
    )
    known = {key: value for key, value in estimates.items() if isinstance(value, Estimate)}
    show_table(html_table(header, rows, caption, note=note), "retention", known, disclosure)


def _at(curve: SurvivalCurve, months: float) -> Estimate:
    return curve.at(months)


def _median(curve: SurvivalCurve) -> Estimate:
    return curve.median()


def show_tests(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Whether the groups differ, overall and by pair; the statistics go to `numbers.json`."""
    test = study.naive_log_rank if study.is_snapshot else study.log_rank
    if isinstance(test, NotEstimable):
        show_reason(test)
        return
    n = sum(len(group.exit) for group in study.groups)
    statistic = Estimate(
        test.statistic,
        None,
        None,
        "chi-squared",
        n,
        f"log-rank, {test.degrees_of_freedom} degrees of freedom",
    )
    group = study.group.replace("_", " ")
    differ = [
        f"{a} / {b} ({format_p_value(p)})"
        for (a, b), p in study.pairwise.items()
        if p < PROPORTIONAL_P_VALUE
    ]
    differing = (
        message("Pairs that differ after Holm's correction: {pairs}.", pairs="; ".join(differ))
        if differ
        else message("No pair differs by more than chance would have it.")
    )
    sentence = message(
        "Log-rank test of equal hazards by {group}: chi-squared {value} on {degrees} degrees of freedom, {p}. ",
        group=group, value=format_number(test.statistic, 1), degrees=test.degrees_of_freedom,
        p=format_p_value(test.p_value),
    )  # fmt: skip
    show_sentence(sentence + differing)
    table = html_table(
        [message("Test"), message("Chi-squared")],
        [[message("log-rank by {group}", group=group), format_number(test.statistic, 2)]],
        message("Difference between groups"),
    )
    show_table(table, "log-rank", {f"log-rank by {study.group}": statistic}, disclosure)


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
    said = "; ".join(f"{n} {format_estimate(r)}" for n, r in zip(names, ratios, strict=True))
    return figure, message("Hazard ratios: {said}.", said=said)


def show_forest(study: ChurnStudy) -> None:
    """Show the hazard ratios."""
    show_figure(*draw_forest(study))


def show_hazard_table(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Hazard ratios of the plain model and, beside it, of the stratified one."""
    model, remedy = study.model, study.stratified
    if isinstance(model, NotEstimable):
        show_reason(model)
        return
    beside = isinstance(remedy, HazardModel)
    rows, estimates = [], {}
    for place, name in enumerate(model.fit.names):
        ratio = model.fit.hazard_ratio(name)
        cells = [
            name.replace("_", " "),
            format_estimate(ratio),
            NO_VALUE
            if isinstance(model.test, NotEstimable)
            else format_p_value(float(model.test.p_values[place])),
        ]
        estimates[name] = ratio
        if isinstance(remedy, HazardModel):
            other = remedy.fit.hazard_ratio(name) if name in remedy.fit.names else None
            cells.append(format_estimate(other) if other else NO_VALUE)
            if other:
                estimates[f"{name}, stratified"] = other
        rows.append(cells)
    header = [message("Covariate"), message("Hazard ratio"), message("Proportional?")]
    if beside:
        header.append(message("Stratified by {group}", group=study.group.replace("_", " ")))
    caption = message("Hazard of leaving, with 95% intervals")
    note = message(
        "Cox model, Efron ties. “Proportional?” is the p-value of a trend over time in the ratio."
    )
    show_table(html_table(header, rows, caption, note=note), "hazard", estimates, disclosure)


def show_proportionality(study: ChurnStudy) -> None:
    """Say whether hazard ratios stay the same over time, and what was done about it."""
    model, remedy = study.model, study.stratified
    if isinstance(model, NotEstimable):
        show_reason(model)
        return
    if isinstance(model.test, NotEstimable):
        show_reason(model.test)
        return
    p = format_p_value(model.test.global_p_value)
    if model.test.global_p_value >= PROPORTIONAL_P_VALUE:
        show_sentence(
            message("The hazard ratios show no trend over time ({p}, all together).", p=p)
        )
        return
    failing = [
        name.replace("_", " ")
        for name, value in zip(model.test.names, model.test.p_values, strict=True)
        if value < PROPORTIONAL_P_VALUE
    ]
    sentence = message(
        "The hazard ratios change over time ({p}, all together; {names}): a single figure is then an "
        "average over tenure.",
        p=p, names=", ".join(failing) or message("none by itself"),
    )  # fmt: skip
    if isinstance(remedy, HazardModel) and not isinstance(remedy.test, NotEstimable):
        after = format_p_value(remedy.test.global_p_value)
        sentence += " " + message(
            "Beside it stands the model that lets every {group} have its own course over time; in that "
            "one {verdict} ({after}).",
            group=study.group.replace("_", " "), after=after,
            verdict=message("no trend is left")
            if remedy.test.global_p_value >= PROPORTIONAL_P_VALUE
            else message("a trend remains"),
        )  # fmt: skip
    show_sentence(sentence)


def draw_snapshot(study: ChurnStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """The same customers counted in two ways, where a snapshot leaves both open."""
    naive, entry = study.overall_naive, study.overall
    if isinstance(naive, NotEstimable):
        return naive, ""
    if isinstance(entry, NotEstimable):
        return entry, ""
    figure, (axes,) = new_figure(height=3.2)
    both = (
        (message("counted from the start"), naive),
        (message("counted from the window on"), entry),
    )
    for place, (label, curve) in enumerate(both):
        steps = thinned(curve, disclosure)
        times = np.concatenate([[0.0], curve.times[steps]])
        colour = PALETTE[place]
        for side, width in ((curve.survival, 1.8), (curve.lower, 0.6), (curve.upper, 0.6)):
            levels = np.concatenate([[1.0], side[steps]])
            axes.step(times, levels, where="post", color=colour, linewidth=width, linestyle=DASHES[place],
                      label=label if width > 1 else None)  # fmt: skip
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, None)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.set_xlabel(message("Months since the start"))
    axes.set_ylabel(message("Still customers"))
    axes.legend()
    return figure, message(
        "Two curves from the same snapshot: {a} {first}, {b} {second}.",
        a=both[0][0], b=both[1][0], first=_said_median(naive), second=_said_median(entry),
    )  # fmt: skip


def _said_median(curve: SurvivalCurve) -> str:
    median = attempt(curve.median)
    if isinstance(median, NotEstimable):
        return message("median beyond follow-up")
    return message("median {months} months", months=format_number(median.value, 0))


def show_snapshot(study: ChurnStudy, disclosure: Disclosure) -> None:
    """For snapshots: both curves and why neither can be called right. Silent for dated data."""
    if not study.is_snapshot:
        return
    show_figure(*draw_snapshot(study, disclosure))
    naive, entry = study.overall_naive, study.overall
    if isinstance(naive, NotEstimable) or isinstance(entry, NotEstimable):
        return
    show_sentence(
        message(
            "This export is a snapshot: it shows who is here and who left within the last {window} months, "
            "not who left before. Counting everybody from the start assumes that nobody ever joined and "
            "left unseen ({first}); counting each only from the window on assumes that today's risk at "
            "each tenure has always been the same ({second}). A snapshot cannot settle lifetime. Dated "
            "starts and ends of all customers, those who left included, can.",
            window=format_number(study.window_months, 0), first=_said_median(naive), second=_said_median(entry),
        )
    )  # fmt: skip
    rows = [
        [
            label,
            format_estimate(attempt(_median, curve)),
            *(format_estimate(attempt(_at, curve, m), 1) for m in (12, 24)),
        ]
        for label, curve in (
            (message("from the start"), naive),
            (message("from the window on"), entry),
        )
    ]
    header = [
        message("Counted"),
        message("median, months"),
        message("12 months"),
        message("24 months"),
    ]
    estimates = {
        f"{key}, {months} months": curve.at(months)
        for key, curve in (("naive", naive), ("delayed entry", entry))
        for months in (12, 24)
    }
    show_table(
        html_table(header, rows, message("One snapshot, two answers")),
        "snapshot",
        estimates,
        disclosure,
    )


def find_stay(study: ChurnStudy) -> Finding | NotEstimable:
    """Whether satisfied customers stay, worded by what the data show."""
    ratio = study.score_hazard_ratio
    if isinstance(ratio, NotEstimable):
        return ratio
    assert ratio.lower is not None
    assert ratio.upper is not None
    share = format_share(abs(1 - ratio.value), 0)
    said = message("hazard ratio {ratio}", ratio=format_estimate(ratio))
    if ratio.upper < 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} lower ({said}).",
            share=share, said=said,
        )  # fmt: skip
    elif ratio.lower > 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} higher ({said}).",
            share=share, said=said,
        )  # fmt: skip
    else:
        sentence = message(
            "Whether satisfied customers stay longer cannot be told from these data ({said}).",
            said=said,
        )
    estimates = {"hazard-ratio-per-point": ratio}
    money = study.worth if isinstance(study.worth, Estimate) else None
    if money:
        estimates["worth"] = money
    return Finding(
        id="satisfied-customers-stay",
        sentence=sentence,
        estimates=estimates,
        label="association",
        assumption=message(
            "Assumes that customers with the same contract, segment and channel differ in nothing else that "
            "moves both their answers and their leaving."
        ),
        money=money,
    )


def find_retention(study: ChurnStudy) -> Finding | NotEstimable:
    """Retention after a year, or the longest time followed."""
    curve = study.overall_naive if study.is_snapshot else study.overall
    year = attempt(_at, curve, 12)
    if isinstance(year, NotEstimable):
        return year
    caveat = (
        message(" if everybody is counted from the start, which a snapshot cannot confirm")
        if study.is_snapshot
        else ""
    )
    return Finding(
        id="retention-12-months",
        sentence=message(
            "{share} of new customers are still there after a year{caveat}.",
            share=format_estimate(year),
            caveat=caveat,
        ),
        estimates={"retention-12-months": year},
        label="description",
        assumption=message(
            "Assumes that customers not yet gone will leave as those before them did."
        ),
    )


def show_findings(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Show the findings on churn."""
    show_finding(find_retention(study), disclosure)
    show_finding(find_stay(study), disclosure)


def show_worth(study: ChurnStudy, currency: str) -> None:
    """What one point goes with in margin kept, over the horizon."""
    worth = study.worth
    if isinstance(worth, NotEstimable):
        show_reason(worth)
        return
    show_sentence(
        message(
            "If all active customers left at the rate of those one point happier, the margin kept over {months} "
            "months would be {money}, discounted, with the interval of the hazard ratio ({low} to {high}). It is "
            "an association carried over, counted for the customers whose horizon lies within what has been "
            "observed.",
            months=study.horizon_months, money=format_money(worth.value, currency),
            low=format_money(worth.lower or 0.0, currency), high=format_money(worth.upper or 0.0, currency),
        )
    )  # fmt: skip
