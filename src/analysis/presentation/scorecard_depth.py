"""The scorecard in depth: all figures, splits, mix, stages, weights, margin by tenths, books."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Metric, NotEstimable
from analysis.methods.revenue_split import RevenueSplit
from analysis.methods.scorecard.measures import FAMILIES
from analysis.methods.scorecard.study import Scorecard
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.scorecard import count_shown, format_change, missing_note
from analysis.presentation.scorecard_figures import draw_deciles, draw_small_trends
from analysis.presentation.scorecard_trust_words import sum_to_compare, word_requirement
from analysis.presentation.scorecard_words import in_points, signed
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_estimate_lines,
    format_money,
    format_number,
    format_share,
    format_value,
    message,
)

FAMILY_CAPTIONS = {
    "satisfaction": "Satisfaction",
    "customers": "Customers",
    "money": "Money",
    "service": "Service",
    "marketing": "Marketing",
}


def show_other_trends(study: Scorecard) -> None:
    """Show small trends of all figures that are not key figures."""
    others = [m for m in study.metrics if m.id not in study.key_figures]
    show_figure(*draw_small_trends(others, study))


def show_all_figures(study: Scorecard, disclosure: Disclosure) -> None:
    """A table for each family: level now, before and a year ago, and both changes."""
    for family in FAMILIES:
        metrics = [m for m in study.metrics if study.families[m.id] == family]
        shown = [m for m in metrics if isinstance(m.now, Estimate)]
        caption = message(FAMILY_CAPTIONS[family])
        if not shown:
            show_reason(NotEstimable(message("{family}. ", family=caption) + missing_note(metrics)))
            continue
        table = _family_table(shown, study, caption, missing_note(metrics))
        parts = {
            f"{m.id}-{name}": part
            for m in shown
            for name, part in (
                ("now", m.now), ("previous", m.previous), ("change", m.change),
                ("year-before", m.year_before), ("change-on-year", m.change_on_year),
            )
            if isinstance(part, Estimate)
        }  # fmt: skip
        show_table(table, f"scorecard-{family}", parts, disclosure)


def _family_table(metrics: list[Metric], study: Scorecard, caption: str, note: str) -> str:
    """A table of a family; targets and competitors where declared for one of its figures."""
    declared = {
        message("Target"): {m.id: m.target for m in metrics if m.target is not None},
        message("Competitors"): {
            m.id: study.competitors[m.id] for m in metrics if m.id in study.competitors
        },
    }
    extra = {name: levels for name, levels in declared.items() if levels}

    def level(metric: Metric, levels: dict[str, float]) -> str:
        unit = metric.now.unit if isinstance(metric.now, Estimate) else ""
        return format_value(levels[metric.id], unit) if metric.id in levels else NO_VALUE

    rows = [
        [
            message(metric.name),
            format_estimate_lines(metric.now),
            format_estimate_lines(metric.previous),
            format_change(metric.change),
            format_estimate_lines(metric.year_before),
            format_change(metric.change_on_year),
            *(level(metric, levels) for levels in extra.values()),
        ]
        for metric in metrics
    ]
    header = [
        message("Figure"), study.period, study.previous, message("Change"), study.year_before,
        message("Change"), *extra,
    ]  # fmt: skip
    return html_table(header, rows, message("{name}, 95% intervals", name=caption), note=note)


def show_definitions(study: Scorecard) -> None:
    """Say how each figure is taken."""
    rows = [[message(m.name), message(study.definitions[m.id])] for m in study.metrics]
    header = [message("Figure"), message("How it is taken")]
    show_table(html_table(header, rows, message("Definitions"), text_columns=2))


def show_flow(study: Scorecard, disclosure: Disclosure) -> None:
    """Customers at the start, lost, joined and at the end."""
    flow = study.flow
    if isinstance(flow, NotEstimable):
        show_reason(flow)
        return
    text = (
        "Customers in {period}: {start} at the start, {lost} of them lost; {joined} joined, "
        "{gone} of whom left again; {end} at the end."
        if flow.joined_and_left
        else "Customers in {period}: {start} at the start, {lost} of them lost; {joined} joined; "
        "{end} at the end."
        if flow.joined
        else "Customers in {period}: {start} at the start, {lost} of them lost; nobody joined; "
        "{end} at the end."
    )
    show_sentence(
        message(
            text,
            period=study.period,
            start=count_shown(flow.at_start, disclosure),
            lost=count_shown(flow.lost, disclosure),
            joined=count_shown(flow.joined, disclosure),
            gone=count_shown(flow.joined_and_left, disclosure),
            end=count_shown(flow.at_end, disclosure),
        )
    )


def show_split(study: Scorecard, currency: str, disclosure: Disclosure) -> None:
    """The exact split of revenue's changes."""
    shown = []
    for split, period, part in (
        (study.split_on_previous, study.previous, "previous"),
        (study.split_on_year, study.year_before, "year_before"),
    ):
        if not isinstance(split, NotEstimable):
            show_table(_split_table(split, study, period, part, currency, disclosure))
        elif split.reason not in shown:
            shown.append(split.reason)
            show_reason(split)


def _split_table(
    split: RevenueSplit,
    study: Scorecard,
    before: str,
    part: str,
    currency: str,
    disclosure: Disclosure,
) -> str:
    """part: which earlier level of a figure belongs to the split ("previous", "year_before")."""
    old, new = split.before, split.after

    def money(amount: float) -> str:
        return format_money(amount, currency, 2)

    def whole(cents: int) -> str:
        in_steps = disclosure.enabled and cents % 100 == 0
        return format_money(cents / 100, currency, 0 if in_steps else 2)

    def levels(id: str) -> list[str]:
        metric = study.metric(id)
        both = (getattr(metric, part), metric.now)
        return [
            NO_VALUE if isinstance(level, NotEstimable) else format_value(level.value, level.unit)
            for level in both
        ]

    rows = [
        [
            message("Customers who ordered"),
            count_shown(old.customers, disclosure),
            count_shown(new.customers, disclosure),
            money(split.customers),
        ],
        [message("× orders each"), *levels("orders-per-customer"), money(split.frequency)],
        [message("× order value"), *levels("average-order-value"), money(split.order_value)],
        [
            message("− refunds"),
            whole(old.refund_cents),
            whole(new.refund_cents),
            money(split.refunds),
        ],
        [
            message("= revenue"),
            whole(old.revenue_cents),
            whole(new.revenue_cents),
            money(split.total),
        ],
    ]
    header = [message("Part"), before, study.period, message("Part of the change")]
    caption = message("How the change of revenue on {period} is made up", period=before)
    note = message("The parts add up to the change, to the cent.")
    if disclosure.enabled:
        note += " " + message("They are reckoned from counts rounded to five.")
    return html_table(header, rows, caption, note=note)


def show_mix(study: Scorecard) -> None:
    """The change of the key figures, split into mix and within."""
    if not study.mixes:
        if study.mix_reason:
            show_reason(study.mix_reason)
        return
    rows = []
    for id, split in study.mixes:
        total = in_points(Estimate(split.total, None, None, split.mix.unit, split.mix.n, ""))
        rows.append(
            [
                message(study.metric(id).name),
                signed(total.value, total.unit),
                format_change(split.mix),
                format_change(split.within),
            ]
        )
    header = [
        message("Figure"), message("Change on {period}", period=study.previous),
        message("By the mix of segments"), message("Within segments"),
    ]  # fmt: skip
    caption = message("Change by mix and within segments, 95% intervals")
    show_table(html_table(header, rows, caption))


def show_stages(study: Scorecard) -> None:
    """What each stage of maturity asks for, and whether it is met."""
    rows = [
        [
            message(found.stage),
            word_requirement(found),
            format_estimate_lines(found.now),
            message(found.verdict),
        ]
        for found in study.maturity.requirements
    ]
    header = [message("Stage"), message("Asks for"), study.period, message("Verdict")]
    note = message("“Just” met or missed: the level asked for lies within the interval.")
    table = html_table(header, rows, message("Stages of service"), text_columns=2, note=note)
    show_table(table)


def show_weights(study: Scorecard, disclosure: Disclosure) -> None:
    """Raw and weighted scores, and how unlike all invited those were who answered."""
    for score in study.weighted:
        if isinstance(score, NotEstimable):
            continue
        rows = [
            [message(b.name), format_number(b.before), format_number(b.after)]
            for b in score.balance[:6]
        ]
        header = [
            message("Known before the invitation"),
            message("As it stands"),
            message("Weighted"),
        ]
        caption = message(
            "{name}: those who answered less all invited, in standard deviations",
            name=message(score.name),
        )
        note = message(
            "The weights leave the precision of {share} of the answers; they move the figure by "
            "{shift}.",
            share=format_share(score.effective_n / max(score.raw.n, 1), 0),
            shift=format_change(score.shift).replace("\n", " (") + ")",
        )
        parts = {"raw": score.raw, "weighted": score.weighted, "shift": score.shift}
        table = html_table(header, rows, caption, note=note)
        show_table(table, f"scorecard-weighted-{score.id}", parts, disclosure)


def show_deciles(study: Scorecard, currency: str, disclosure: Disclosure) -> None:
    """Margin by tenths of the customers."""
    found = study.concentration
    if isinstance(found, NotEstimable):
        show_reason(found)
        return
    show_figure(*draw_deciles(found, currency))
    rows = [
        [
            message("{place} of 10", place=decile.place),
            NO_VALUE if decile.mean is None else format_money(decile.mean, currency),
            format_share(decile.share),
        ]
        for decile in found.deciles
    ]
    header = [
        message("Tenth of the customers"), message("Margin per customer"), message("Share of margin"),
    ]  # fmt: skip
    note = message(
        "Gini coefficient {gini}: nought if all customers brought the same, one if a single one "
        "brought everything.",
        gini=format_number(found.gini),
    )
    parts = {"top-share": found.top_share}
    if isinstance(found.at_a_loss, Estimate):
        parts["at-a-loss"] = found.at_a_loss
    table = html_table(header, rows, message("Margin by tenths of the customers"), note=note)
    show_table(table, "scorecard-margin", parts, disclosure)


def show_books(study: Scorecard, currency: str) -> None:
    """Revenue and control totals of earlier periods."""
    if not study.reconciliations:
        show_sentence(message("No control total of an earlier period could be compared."))
        return
    rows = [
        [
            past.period,
            sum_to_compare(past.ours, past.step, currency),
            sum_to_compare(past.declared, past.step, currency),
            format_money(past.difference, currency, 2),
            NO_VALUE if past.share is None else format_share(past.share, 2),
        ]
        for past in study.reconciliations
    ]
    header = [
        message("Period"), message("Exports"), message("Control total"), message("Difference"),
        message("In per cent"),
    ]  # fmt: skip
    show_table(html_table(header, rows, message("Revenue and control totals, earlier periods")))
