"""Churn in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, Finding, NotEstimable, attempt
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import (
    PROPORTIONAL_P_VALUE,
    RETENTION_MONTHS,
    ChurnStudy,
    HazardModel,
)
from analysis.presentation.churn_figures import (
    draw_curves,
    draw_forest,
    draw_snapshot,
    said_median,
)
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
    pass

MOST_TICKS = 6
TINY_P_VALUE = 0.001
# An intake that must have been several times today's speaks against the count that implies it.
IMPLAUSIBLE_INTAKE_RATIO = 3.0


def format_p_value(p_value: float) -> str:
    """A p-value as print gives it."""
    return "p < 0.001" if p_value < TINY_P_VALUE else f"p = {format_number(p_value, 3)}"


def _at_shown(curve: SurvivalCurve, months: float, disclosure: Disclosure) -> Estimate:
    """Retention at a time, withheld where fewer than eight are at risk then or have left by then."""
    estimate = curve.at(months)
    place = int(np.searchsorted(curve.times, months, side="right")) - 1
    if place >= 0:
        few_left = disclosure.suppressed(int(curve.events[: place + 1].sum()))
        if few_left or disclosure.suppressed(int(curve.at_risk[place])):
            raise CannotEstimate("Withheld: it rests on fewer than eight customers.")
    return estimate


def show_audit(study: ChurnStudy) -> None:
    """Show what the design audit found."""
    for remark in study.audit:
        show_sentence(remark.sentence)


def show_curves(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Show the curves by group."""
    show_figure(*draw_curves(study, disclosure))


def show_retention_table(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Retention at fixed times and the median, overall and by group."""
    named = [(message("all"), study.overall_naive if study.is_snapshot else study.overall)]
    named += [
        (g.name, g.naive if study.is_snapshot else g.curve) for g in study.groups if study.group
    ]
    rows, estimates = [], {}
    for name, curve in named:
        cells = [name]
        for months in RETENTION_MONTHS:
            at = attempt(_at_shown, curve, months, disclosure)
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
        else message("No difference between two of them could be told from chance.")
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
            message(
                "No trend of the hazard ratios over time could be told from chance ({p}, all together).",
                p=p,
            )
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
            verdict=message("no trend could be told from chance")
            if remedy.test.global_p_value >= PROPORTIONAL_P_VALUE
            else message("a trend remains"),
        )  # fmt: skip
    show_sentence(sentence)


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
            window=format_number(study.window_months, 0), first=said_median(naive), second=said_median(entry),
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
    levels = {
        f"{key}, {months} months": attempt(_at, curve, months)
        for key, curve in (("naive", naive), ("delayed entry", entry))
        for months in (12, 24)
    }
    show_table(
        html_table(header, rows, message("One snapshot, two answers")),
        "snapshot",
        {name: level for name, level in levels.items() if isinstance(level, Estimate)},
        disclosure,
    )
    show_intake(study)


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
    """Retention after a year; from a snapshot, both answers and neither as the right one."""
    year = attempt(_at, study.overall, 12)
    if isinstance(year, NotEstimable):
        return year
    assumption = message("Assumes that customers not yet gone will leave as those before them did.")
    if not study.is_snapshot:
        return Finding(
            id="retention-12-months",
            sentence=message(
                "{share} of new customers are still there after a year.",
                share=format_estimate(year),
            ),
            estimates={"retention-12-months": year},
            label="description",
            assumption=assumption,
        )
    naive = attempt(_at, study.overall_naive, 12)
    if isinstance(naive, NotEstimable):
        return naive
    return Finding(
        id="retention-12-months",
        sentence=message(
            "Between {low} and {high} of new customers are still there after a year: this snapshot cannot "
            "say more, because it does not show who left before it.",
            low=format_share(min(year.value, naive.value), 0),
            high=format_share(max(year.value, naive.value), 0),
        ),
        estimates={"counted-from-the-start": naive, "counted-from-the-window-on": year},
        label="description",
        assumption=assumption,
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
            "If the active customers who have answered and can still gain a point left at the rate of "
            "those one point happier, the margin kept over {months} months would be {money}, discounted "
            "({low} to {high}: the interval of the hazard ratio and of the mean margin, the survival curve "
            "taken as known). It is an association carried over, for customers whose horizon lies within "
            "what has been observed; those who never answered are not in it.",
            months=study.horizon_months, money=format_money(worth.value, currency),
            low=format_money(worth.lower or 0.0, currency), high=format_money(worth.upper or 0.0, currency),
        )
    )  # fmt: skip


def show_intake(study: ChurnStudy) -> None:
    """For snapshots: the intake that the second count implies, as a check of it. Else silent."""
    intake = study.implied_intake
    if not study.is_snapshot:
        return
    if isinstance(intake, NotEstimable):
        show_reason(intake)
        return
    times = intake.long_ago_per_month / max(intake.recent_per_month, 1e-9)
    values = {
        "months": format_number(intake.long_ago_months, 0),
        "old": format_count(intake.long_ago_per_month),
        "recent": format_count(intake.recent_per_month),
    }
    sentence = message(
        "Check of the second count: for as many customers to be here after {months} months as there are, "
        "{old} would have had to start in each month of that time; in the latest months it is {recent}.",
        **values,
    )
    if times > IMPLAUSIBLE_INTAKE_RATIO or times < 1 / IMPLAUSIBLE_INTAKE_RATIO:
        sentence += " " + message(
            "Such a change of intake is implausible, so this count is not right either."
        )
    else:
        sentence += " " + message(
            "That is of the same order, so the count is not contradicted by it."
        )
    show_sentence(sentence)
