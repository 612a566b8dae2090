"""Whether the comparisons of service programmes can be trusted, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.programme_effect.honest_trends import HonestTrends
from analysis.methods.programme_effect.staggered import ENOUGH_CLUSTERS
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.programme_disclosure import Studies
from analysis.presentation.programme_figures import (
    draw_event_studies,
    draw_naive_and_defended,
    draw_overlap,
    draw_windows,
    nothing_studied,
)
from analysis.presentation.programme_trust_words import (
    covariate_text,
    design_sentence,
    p_text,
    trend_sentences,
    trust_paragraph,
)
from analysis.presentation.programme_words import finding_id
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_number,
    message,
)

MOST_BALANCE_ROWS = 8


def _by_name(
    studies: Studies, estimates: Iterable[tuple[str, Estimate | NotEstimable]]
) -> dict[str, Estimate | NotEstimable]:
    return {name: estimate for name, estimate in estimates if isinstance(estimate, Estimate)}


def show_naive_and_defended(studies: Studies) -> None:
    """Show what one would read off without thinking beside the defended figure."""
    show_figure(*draw_naive_and_defended(studies))


def show_event_studies(studies: Studies) -> None:
    """Show the event study of each roll-out, and say where areas are too few for intervals."""
    show_figure(*draw_event_studies(studies))
    for study in studies:
        bare = [time for time, e in sorted(study.event_study.items()) if e.lower is None]
        if bare:
            show_sentence(
                message(
                    "{name}: no interval for {quarters}, where areas reached, or areas to compare "
                    "with, come to fewer than {enough} of equal weight.",
                    name=study.name, enough=ENOUGH_CLUSTERS,
                    quarters=message("any quarter")
                    if len(bare) == len(study.event_study)
                    else message(
                        "quarters {list}", list=", ".join(format_number(time, 0) for time in bare)
                    ),
                )
            )  # fmt: skip


def show_designs(studies: Studies) -> None:
    """Say, in a sentence each, how programmes are compared and what bears on it."""
    said = [sentence for study in studies if (sentence := design_sentence(study))]
    for sentence in said:
        show_sentence(sentence)
    if not said:
        show_reason(
            NotEstimable(message("No programme could be compared, so there is nothing to trust."))
        )


def show_trust(studies: Studies) -> None:
    """Say, for each programme, how its design was recognised and what speaks for or against it."""
    names = {study.programme_id: study.name for study in studies}
    said = [trust_paragraph(study, names) for study in studies]
    for paragraph in filter(None, said):
        show_sentence(paragraph)
    if not any(said):
        show_reason(
            NotEstimable(message("No programme could be compared, so there is nothing to trust."))
        )


def show_windows(studies: Studies) -> None:
    """Show the difference by quarter since each customer's own assignment."""
    show_figure(*draw_windows(studies))


def show_variants(studies: Studies) -> None:
    """The same figure under other choices, and scores afterwards."""
    rows, estimates = [], []
    for study in studies:
        items = {message("defended"): study.effect}
        items[message("in per cent of the margin without it")] = study.relative
        items |= {message(name): item for name, item in study.variants.items()}
        items[message("if looked at every quarter")] = study.always_valid
        items[message("the year before last (ought to be none)")] = study.placebo
        if isinstance(study.honest, HonestTrends):
            items[message("if trends before the start had gone on")] = study.honest.linear
        items |= {
            message("{score} given afterwards", score=name.upper()): score
            for name, score in study.scores.items()
        }
        for name, item in items.items():
            if isinstance(item, Estimate):
                rows.append([study.name, name, format_estimate(item, 2), item.unit])
                estimates.append((f"{finding_id(study)}-{name}".replace(" ", "-").lower(), item))
    if not rows:
        show_reason(nothing_studied())
        return
    header = [message("Programme"), message("Choice"), message("95% interval"), message("Unit")]
    note = message(
        "Scores given afterwards compare those who answered only, and the programme may decide who "
        "does: associations, whatever the design. Looked at every quarter: an interval that holds "
        "at all quarters' ends together. No interval: areas too few, or too unequal, for one."
    )
    show_table(
        html_table(header, rows, message("The same question, asked otherwise"), 2, note),
        "programme-variants",
        _by_name(studies, estimates),
    )


def show_trends(studies: Studies) -> None:
    """How far from parallel trends could be before a roll-out's effect is lost."""
    shown = [study for study in studies if isinstance(study.honest, HonestTrends)]
    if not shown:
        show_reason(NotEstimable(message("No roll-out could be asked about other trends.")))
    for study in shown:
        for sentence in trend_sentences(study):
            show_sentence(sentence)


def show_arms(studies: Studies) -> None:
    """Each arm against the control that several share."""
    rows, estimates = [], {}
    for study in studies:
        for arm in study.arms:
            p_value = NO_VALUE
            if arm.p_value is not None:
                p_value = p_text(arm.p_value).removeprefix("p = ").removeprefix("p ")
            rows.append(
                [
                    study.name,
                    arm.name,
                    format_count(arm.customers),
                    format_estimate(arm.effect, 2),
                    format_estimate(arm.relative, 0),
                    p_value,
                ]
            )
            estimates[f"{finding_id(study)}-{arm.name}".replace(" ", "-").lower()] = arm.effect
    if not rows:
        show_reason(NotEstimable(message("No programme has several arms.")))
        return
    header = [
        message("Programme"), message("Arm"), message("Customers"),
        message("Margin per customer-quarter"), message("In per cent"), message("p, Holm"),
    ]  # fmt: skip
    caption = message("Arms that share one control")
    note = message("Intervals are not widened for the number of arms; p-values are.")
    show_table(html_table(header, rows, caption, 2, note), "programme-arms", estimates)


def show_balance(studies: Studies) -> None:
    """How different the selected customers were, before and after the adjustment."""
    rows = []
    currency = message("the currency of the export")
    for study in studies:
        if study.label != "association" or study.adjusted is None:
            continue
        if isinstance(study.effect, Estimate):
            currency = study.effect.unit.split(" ")[0]
        left = {row.name for row in study.unbalanced}
        worst = sorted(
            study.adjusted.balance, key=lambda row: (row.name not in left, -abs(row.before))
        )
        rows += [
            [
                study.name,
                covariate_text(row.name),
                format_number(row.before),
                format_number(row.after),
            ]
            for row in worst[: max(MOST_BALANCE_ROWS, len(left))]
        ]
    if not rows:
        show_reason(NotEstimable(message("No programme had to be adjusted for who was chosen.")))
        return
    header = [message("Programme"), message("Recorded before"), message("Raw"), message("Adjusted")]
    caption = message("Treated less untreated, in standard deviations of the treated")
    note = message(
        "All that is left beyond a tenth after the adjustment comes first, which is a warning; then "
        "the largest raw differences. Money recorded before enters as a broken line, “above” its bends, "
        "which are in {currency}.", currency=currency,
    )  # fmt: skip
    show_table(html_table(header, rows, caption, 2, note))


def show_overlap(studies: Studies) -> None:
    """Show whether those chosen have counterparts among the others."""
    show_figure(*draw_overlap(studies))
