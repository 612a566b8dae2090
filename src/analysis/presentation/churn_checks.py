"""Whether the argument on churn holds: tests, proportionality, what a snapshot leaves open."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.survival.by_tenure import RatioByTenure
from analysis.methods.survival.hazard import PROPORTIONAL_P_VALUE, HazardModel
from analysis.methods.survival.study import ChurnStudy
from analysis.presentation.churn_figures import draw_snapshot
from analysis.presentation.churn_words import (
    IMPLAUSIBLE_INTAKE_RATIO,
    format_p_value,
    level_shown,
    median_shown,
    said_median,
)
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_number,
    message,
    message_for,
)


def show_tests(study: ChurnStudy, disclosure: Disclosure) -> None:
    """Whether the groups differ, overall and by pair; the statistics go to `numbers.json`."""
    test = study.naive_log_rank if study.is_snapshot else study.log_rank
    if isinstance(test, NotEstimable):
        show_reason(test)
        return
    n = sum(group.counts.n for group in study.groups)
    statistic = Estimate(
        test.statistic,
        None,
        None,
        "chi-squared",
        n,
        message_for(
            "log-rank, {count} degree of freedom",
            "log-rank, {count} degrees of freedom",
            test.degrees_of_freedom,
        ),
    )
    group = study.group.replace("_", " ")
    differ = [
        f"{a} / {b} ({format_p_value(p)})"
        for (a, b), p in study.pairwise.items()
        if p < PROPORTIONAL_P_VALUE and test.p_value < PROPORTIONAL_P_VALUE
    ]
    # Pairs are looked at only where the groups differ as a whole: so the family's error holds.
    differing = (
        message("Pairs that differ after Holm's correction: {pairs}.", pairs="; ".join(differ))
        if differ
        else message("No difference between two of them could be told from chance.")
    )
    sentence = message(
        "Log-rank test of equal hazards by {group}: chi-squared {value}, degrees of freedom {degrees}, {p}. ",
        group=group, value=format_number(test.statistic, 1), degrees=test.degrees_of_freedom,
        p=format_p_value(test.p_value),
    )  # fmt: skip
    if study.spells > study.customers:
        differing += " " + message(
            "The test takes the spells of a customer as independent, so its p-values are somewhat too small."
        )
    show_sentence(sentence + differing)
    table = html_table(
        [message("Test"), message("Chi-squared")],
        [[message("log-rank by {group}", group=group), format_number(test.statistic, 2)]],
        message("Difference between groups"),
    )
    show_table(table, "log-rank", {f"log-rank by {study.group}": statistic}, disclosure)


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
    if isinstance(study.concordance, Estimate):
        estimates["concordance"] = study.concordance
    if isinstance(study.score_by_tenure, RatioByTenure):
        estimates |= {
            "score, early": study.score_by_tenure.early, "score, late": study.score_by_tenure.late,
        }  # fmt: skip
    header = [message("Covariate"), message("Hazard ratio"), message("Proportional?")]
    if beside:
        header.append(message("Stratified by {group}", group=study.group.replace("_", " ")))
    caption = message("Hazard of leaving, with 95% intervals")
    note = message(
        "Cox model, Efron ties. Each value is set against the first of its column in the order of the alphabet; "
        "values of very few customers are counted with the most frequent. “Proportional?” is the "
        "p-value of a trend over time in the ratio."
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
    _show_concordance(study)
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
    halves = study.score_by_tenure
    if isinstance(halves, RatioByTenure):
        sentence += " " + message(
            "The ratio of the score itself changes: in the first {months} months {early} per point, after "
            "them {late}.",
            months=format_number(halves.split_months, 0), early=format_estimate(halves.early),
            late=format_estimate(halves.late),
        )  # fmt: skip
    show_sentence(sentence)


def _show_concordance(study: ChurnStudy) -> None:
    """How well the model of the findings tells who leaves from who stays on, in its own data."""
    concordance = study.concordance
    if isinstance(concordance, NotEstimable):
        return
    show_sentence(
        message(
            "Of one who leaves and one who stays on at the same tenure, the model had put the higher risk on the "
            "one who leaves in {share} of all pairs (concordance; a half would be chance). It tells customers "
            "apart only so far, whatever the ratios are.",
            share=format_estimate(concordance),
        )
    )


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
            window=format_number(study.window_months, 0), first=said_median(naive, disclosure),
            second=said_median(entry, disclosure),
        )
    )  # fmt: skip
    rows = [
        [
            label,
            format_estimate(attempt(median_shown, curve, disclosure)),
            *(format_estimate(attempt(level_shown, curve, m, disclosure), 1) for m in (12, 24)),
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
        f"{key}, {months} months": attempt(level_shown, curve, months, disclosure)
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
