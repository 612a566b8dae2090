"""What notebook 02 argues with: curves, retention, hazard ratios, findings, worth of a point."""

from __future__ import annotations

import numpy as np

from analysis.disclosure import AT_RISK_BLOCK, Disclosure
from analysis.methods.estimate import AuditRemark, CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.survival.counts import LifetimeCounts, pool
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import RETENTION_MONTHS, ChurnStudy
from analysis.presentation.churn_figures import NamedCurve, draw_forest, draw_survival
from analysis.presentation.churn_words import (
    find_retention,
    find_stay,
    format_p_value,
    median_shown,
    refuse_few,
)
from analysis.presentation.output import (
    show_figure,
    show_finding,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.published import round_estimate
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    format_count,
    format_estimate_lines,
    format_money,
    message,
)


def retention_shown(
    study: ChurnStudy,
    curve: SurvivalCurve,
    counts: LifetimeCounts,
    months: float,
    disclosure: Disclosure,
) -> Estimate:
    """Retention at a time, as it may be published.

    Raises CannotEstimate where fewer than eight are at risk then or have left by then, and where
    the study cannot tell.
    """
    estimate = study.retention(curve, months, counts)
    refuse_few(curve, months, disclosure)
    return round_estimate(estimate, disclosure)


def _column_shown(
    study: ChurnStudy,
    curve: SurvivalCurve,
    counts: LifetimeCounts,
    months: float,
    since: float,
    disclosure: Disclosure,
) -> Estimate:
    """As `retention_shown`; withheld also where its distance from the column before tells of few."""
    estimate = retention_shown(study, curve, counts, months, disclosure)
    lost = int(curve.events[(curve.times > since) & (curve.times <= months)].sum())
    if disclosure.enabled and 0 < lost < AT_RISK_BLOCK:
        raise CannotEstimate("Withheld: fewer than six left since the column before.")
    return estimate


def show_audit(study: ChurnStudy, inputs: tuple[AuditRemark, ...] = ()) -> None:
    """Show what the design audit found, of the lifetimes and of the tables behind them."""
    for remark in (*study.audit, *inputs):
        show_sentence(remark.sentence)


def group_curves(study: ChurnStudy) -> list[NamedCurve]:
    """The curves by group; of a snapshot those counted from the start."""
    return [
        NamedCurve(
            group.name,
            curve,
            group.counts.from_the_start() if study.is_snapshot else group.counts,
        )
        for group in study.groups
        for curve in [group.naive if study.is_snapshot else group.curve]
        if isinstance(curve, SurvivalCurve)
    ]


def show_curves(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Show the curves by group, and what a spell is where customers can return."""
    curves = group_curves(study)
    if not curves and isinstance(study.overall, NotEstimable):
        show_reason(study.overall)
        return
    title = study.group.replace("_", " ")
    measurable = study.measurable_from_months
    axis = message("Months since the start")
    show_figure(*draw_survival(curves, title, axis, disclosure, measurable))
    if study.is_snapshot:
        show_sentence(
            message(
                "These curves count everybody from the start, as if nobody had joined and left unseen. That is "
                "one of two readings of a snapshot, and the one that flatters; the other stands below."
            )
        )
    if study.spells > study.customers:
        spells, customers = disclosure.count(study.spells), disclosure.count(study.customers)
        if spells is not None and customers is not None:
            show_sentence(
                message(
                    "A customer who orders again after having been lost counts anew: {spells} spells of "
                    "{customers} customers. Below {months} months no loss can be seen. The bands take spells as "
                    "independent; the figures of findings are clustered by customer.",
                    spells=format_count(spells), customers=format_count(customers),
                    months=format_count(np.ceil(study.measurable_from_months)),
                )
            )  # fmt: skip


def show_landmark(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Who stays after an answer, by what was answered; the clock starts at the answer."""
    landmark = study.landmark
    if isinstance(landmark, NotEstimable):
        show_reason(landmark)
        return
    curves = [
        NamedCurve(group.name, group.curve, group.counts)
        for group in landmark.groups
        if isinstance(group.curve, SurvivalCurve)
    ]
    instrument = landmark.instrument.upper()
    show_figure(
        *draw_survival(
            curves,
            message("first {instrument} answer", instrument=instrument),
            message("Months since the first answer"),
            disclosure,
            study.measurable_from_months,
        )
    )
    if isinstance(landmark.log_rank, NotEstimable):
        show_reason(landmark.log_rank)
        return
    show_sentence(
        message(
            "Counted from each customer's first {instrument} answer, because one has to stay to be asked: "
            "the groups {verdict} ({p}, log-rank). Nothing but the answer is held equal here.",
            instrument=instrument,
            verdict=message("leave at different rates")
            if landmark.log_rank.p_value < 0.05
            else message("cannot be told apart"),
            p=format_p_value(landmark.log_rank.p_value),
        )
    )


def show_landmark_table(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Retention at fixed times after the first answer."""
    landmark = study.landmark
    if isinstance(landmark, NotEstimable):
        show_reason(landmark)
        return
    named = [(group.name, group.curve, group.counts) for group in landmark.groups]
    header = message("first {instrument} answer", instrument=landmark.instrument.upper())
    caption = message("Share still customers after the answer, with 95% intervals")
    html, estimates = _retention_rows(study, named, header, caption, disclosure)
    show_table(html, "retention-after-answer", estimates, disclosure)


def show_retention_table(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Retention at fixed times and the median, overall and by group."""
    everybody = pool({group.name: group.counts for group in study.groups})
    named = [
        (message("all"), study.overall_naive if study.is_snapshot else study.overall, everybody)
    ]
    named += [
        (g.name, g.naive if study.is_snapshot else g.curve, g.counts)
        for g in study.groups
        if study.group
    ]
    caption = message("Share still customers, with 95% intervals")
    if study.is_snapshot:
        caption = message("Share still customers, counted from the start, with 95% intervals")
    html, estimates = _retention_rows(
        study, named, study.group.replace("_", " "), caption, disclosure
    )
    show_table(html, "retention", estimates, disclosure)


def _retention_rows(
    study: ChurnStudy,
    named: list[tuple[str, SurvivalCurve | NotEstimable, LifetimeCounts]],
    header: str,
    caption: str,
    disclosure: Disclosure,
) -> tuple[str, dict[str, Estimate]]:
    """A table of retention with the reasons for its dashes, and the estimates in it."""
    rows, cells = [], {}
    for name, curve, counts in named:
        row, since = [name], 0.0
        for months in RETENTION_MONTHS:
            at = attempt(_column_shown, study, curve, counts, months, since, disclosure)
            since = months if isinstance(at, Estimate) else since
            row.append(format_estimate_lines(at, 1))
            cells[f"{name}, {months} months"] = at
        median = attempt(median_shown, curve, disclosure)
        cells[f"{name}, median"] = median
        rows.append([*row, format_estimate_lines(median)])
    head = [
        header,
        *(message("{m} months", m=m) for m in RETENTION_MONTHS),
        message("median, months"),
    ]
    reasons = {cell.reason: None for cell in cells.values() if isinstance(cell, NotEstimable)}
    note = message("Kaplan–Meier; limits log-log.")
    if reasons:
        note += " " + message("Dashes: {reasons}", reasons=" ".join(reasons))
    known = {key: value for key, value in cells.items() if isinstance(value, Estimate)}
    return html_table(head, rows, caption, note=note), known


def show_forest(study: ChurnStudy) -> None:
    """Show the hazard ratios."""
    show_figure(*draw_forest(study))


def show_findings(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Show the findings on churn."""
    show_finding(find_retention(study, disclosure), disclosure)
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
            "({low} to {high}: the intervals of the hazard ratio, the mean margin and the survival curve, "
            "taken as independent). It is an association carried over, for customers whose horizon lies within "
            "what has been observed; those who never answered are not in it.",
            months=study.horizon_months, money=format_money(worth.value, currency),
            low=format_money(worth.lower or 0.0, currency), high=format_money(worth.upper or 0.0, currency),
        )
    )  # fmt: skip
