"""Service programmes in words, tables and figures: all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.disclosure import LARGEST_SHARE_OF_ONE, Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.programme_effect.selected import AdjustedDifference
from analysis.methods.programme_effect.staggered import ENOUGH_CLUSTERS
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import (
    show_figure,
    show_finding,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.programme_words import (
    assumption_of,
    design_name,
    finding_id,
    naive_sentence,
    payback_text,
    probability_text,
    trust_sentences,
    verdict_sentence,
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
    from matplotlib.figure import Figure

Studies = tuple[ProgrammeStudy, ...]


def withhold_small(studies: Studies, disclosure: Disclosure) -> Studies:
    """The studies as they may be published: few customers hidden, counts rounded.

    Money of which one customer makes up half or more is withheld as well.
    """

    def publish(value: Any) -> Any:
        if not isinstance(value, Estimate):
            return value
        shown = disclosure.count(value.n)
        if shown is None:
            return NotEstimable(message("Withheld: it rests on fewer than eight customers."))
        return replace(value, n=shown)

    def publish_fields(item: Any, names: tuple[str, ...]) -> Any:
        return replace(item, **{name: publish(getattr(item, name)) for name in names})

    money = (
        "benefit", "net_present_value", "return_on_investment", "benefit_per_cost",
        "payback_month", "break_even_effect",
    )  # fmt: skip
    published = []
    for original in studies:
        study = _withhold_dominated(original) if _dominated(original, disclosure) else original
        value = study.value
        if not isinstance(value, NotEstimable):
            small = disclosure.suppressed(value.benefit.n)
            value = (
                NotEstimable(message("Withheld: it rests on fewer than eight customers."))
                if small
                else publish_fields(value, money)
            )
        events = {
            time: shown
            for time, estimate in study.event_study.items()
            if isinstance(shown := publish(estimate), Estimate)
        }
        published.append(
            replace(
                study,
                effect=publish(study.effect),
                satisfaction=publish(study.satisfaction),
                naive=publish_fields(study.naive, ("before_after", "treated_untreated")),
                variants={name: publish(item) for name, item in study.variants.items()},
                value=value,
                event_study=events,
                adjusted=_withhold_bins(study.adjusted, disclosure),
            )
        )
    return tuple(published)


def _dominated(study: ProgrammeStudy, disclosure: Disclosure) -> bool:
    share = study.largest_share
    return disclosure.enabled and share is not None and share >= LARGEST_SHARE_OF_ONE


def _withhold_dominated(study: ProgrammeStudy) -> ProgrammeStudy:
    """The study without its money: one customer could read the others' from it."""
    reason = NotEstimable(message("Withheld: one customer makes up half of the margin or more."))
    return replace(
        study,
        effect=reason,
        naive=replace(study.naive, before_after=reason, treated_untreated=reason),
        variants={},
        value=reason,
        event_study={},
    )


def _withhold_bins(
    adjusted: AdjustedDifference | None, disclosure: Disclosure
) -> AdjustedDifference | None:
    """The histograms of overlap with small bars as none and others rounded."""
    if adjusted is None:
        return None
    overlap = adjusted.overlap
    treated, control = (
        tuple(disclosure.count(count) or 0 for count in side)
        for side in (overlap.treated, overlap.control)
    )
    left_out = None if overlap.left_out is None else disclosure.count(overlap.left_out)
    shown = replace(overlap, treated=treated, control=control, left_out=left_out)
    return replace(adjusted, overlap=shown)


def _nothing() -> NotEstimable:
    return NotEstimable(message("No programme could be studied."))


def _by_name(
    studies: Studies, estimates: Iterable[tuple[str, Estimate | NotEstimable]]
) -> dict[str, Estimate | NotEstimable]:
    return {name: estimate for name, estimate in estimates if isinstance(estimate, Estimate)}


def show_findings(studies: Studies) -> None:
    """Show every programme's finding, the best first, or why there is none."""
    if not studies:
        show_reason(NotEstimable(message("No programme is declared.")))
    for study in studies:
        show_finding(find_programme(study))


def find_programme(study: ProgrammeStudy) -> Finding | NotEstimable:
    """The finding on one programme, worded by its numbers."""
    effect, value = study.effect, study.value
    if isinstance(effect, NotEstimable):
        return effect
    estimates: dict[str, Estimate] = {
        "effect" if study.label != "association" else "difference": effect
    }
    naive = {
        "naive-before-after": study.naive.before_after,
        "naive-treated-untreated": study.naive.treated_untreated,
    }
    money = None
    if not isinstance(value, NotEstimable):
        money = value.net_present_value
        naive |= {
            "net-present-value": money,
            "return-on-investment": value.return_on_investment,
            "payback-month": value.payback_month,
            "break-even": value.break_even_effect,
        }
    estimates |= {name: item for name, item in naive.items() if isinstance(item, Estimate)}
    sentence = " ".join(filter(None, (verdict_sentence(study), naive_sentence(study))))
    return Finding(finding_id(study), sentence, estimates, study.label, assumption_of(study), money)


def show_portfolio(studies: Studies) -> None:
    """One line per programme: design, effect, cost, net present value, return, payback."""
    rows = []
    estimates: dict[str, Estimate] = {}
    for study in studies:
        value = study.value
        line = [study.name, design_name(study), format_estimate_lines(study.effect, 2)]
        if isinstance(value, NotEstimable):
            line += [NO_VALUE] * 5
        else:
            currency = value.net_present_value.unit
            line += [
                format_money(value.cost, currency),
                format_estimate_lines(value.net_present_value),
                format_estimate_lines(value.return_on_investment),
                payback_text(value),
                probability_text(value),
            ]
            estimates[f"{finding_id(study)}-benefit"] = value.benefit
        rows.append(line)
    if not rows:
        show_reason(_nothing())
        return
    header = [
        message("Programme"), message("Design"), message("Margin per customer-quarter"),
        message("Cost"), message("Net present value"), message("ROI"), message("Paid back"),
        message("NPV above zero"),
    ]  # fmt: skip
    note = message(
        "Margin with zeros after leaving; 95% intervals. Costs and benefits from the start to the "
        "last quarter counted, discounted to the start; nothing is extrapolated. Costs are taken as "
        "known and include those of customers not followed for a whole quarter yet. Paid back: end "
        "of the first quarter from which on benefits cover costs to the end. "
        "Last column: probability if the estimated benefit is normally distributed about its value."
    )
    show_table(
        html_table(header, rows, message("What each programme brought and cost"), 2, note),
        "programmes",
        dict(estimates),
    )


def show_money(studies: Studies) -> None:
    """Benefit, cost, benefit per unit of cost and the effect at which nothing is won or lost."""
    rows = []
    for study in studies:
        value = study.value
        if isinstance(value, NotEstimable):
            rows.append([study.name, *[NO_VALUE] * 5])
            continue
        currency = value.net_present_value.unit
        rows.append(
            [
                study.name,
                format_count(value.months),
                format_estimate_lines(value.benefit),
                format_money(value.cost, currency),
                format_estimate_lines(value.benefit_per_cost),
                format_estimate_lines(value.break_even_effect, 2),
            ]
        )
    if not rows:
        show_reason(_nothing())
        return
    header = [
        message("Programme"), message("Months"), message("Benefit"), message("Cost"),
        message("Benefit per unit of cost"), message("Break-even per customer-quarter"),
    ]  # fmt: skip
    note = message(
        "Break-even: the margin per customer-quarter at which the programme would have cost as much "
        "as it brought."
    )
    show_table(html_table(header, rows, message("Benefit against cost, discounted"), 1, note))
    for reason in dict.fromkeys(
        study.value.reason for study in studies if isinstance(study.value, NotEstimable)
    ):
        show_reason(NotEstimable(reason))


def draw_naive_and_defended(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Three dots a programme: before and after, treated against untreated, defended; alt text."""
    shown = [study for study in studies if isinstance(study.effect, Estimate)]
    if not shown:
        return _nothing(), ""
    figure, (axes,) = new_figure(height=0.9 + 0.85 * len(shown))
    kinds = (
        (message("before and after"), MUTED, "s", 0.24),
        (message("treated against untreated"), PALETTE[1], "^", 0.0),
        (message("defended"), PALETTE[0], "o", -0.24),
    )
    said = []
    for place, study in enumerate(reversed(shown)):
        trio = (study.naive.before_after, study.naive.treated_untreated, study.effect)
        texts = []
        for (name, colour, marker, shift), estimate in zip(kinds, trio, strict=True):
            label = name if place == 0 else None
            if isinstance(estimate, NotEstimable):
                continue
            y = place + shift
            if estimate.lower is not None and estimate.upper is not None:
                axes.plot([estimate.lower, estimate.upper], [y, y], color=colour, linewidth=2)
            axes.plot(
                estimate.value, y, marker, color=colour, markersize=7, linestyle="none", label=label
            )
            texts.append(f"{name} {format_estimate(estimate, 2)}")
        said.append(f"{study.name}: {', '.join(texts)}")
    axes.set_yticks(range(len(shown)), [study.name for study in reversed(shown)])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    effect = shown[0].effect
    assert isinstance(effect, Estimate)
    axes.set_xlabel(message("Margin, {unit}", unit=effect.unit))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    text = "; ".join(reversed(said))
    return figure, message("Naive and defended figures by programme: {said}.", said=text)


def show_naive_and_defended(studies: Studies) -> None:
    """Show what one would read off without thinking beside the defended figure."""
    show_figure(*draw_naive_and_defended(studies))


def draw_event_studies(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Effect by quarter since the start, one panel per roll-out, with intervals; alt text."""
    shown = [study for study in studies if study.event_study]
    if not shown:
        return NotEstimable(message("No programme was rolled out over areas.")), ""
    figure, panels = new_figure(rows=len(shown), height=0.4 + 2.9 * len(shown))
    said = []
    for axes, study in zip(panels, shown, strict=True):
        for time, estimate in study.event_study.items():
            colour = PALETTE[0] if time >= 0 else MUTED
            if estimate.lower is not None and estimate.upper is not None:
                axes.plot([time, time], [estimate.lower, estimate.upper], color=colour, linewidth=2)
            axes.plot(time, estimate.value, "o", color=colour, markersize=6)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.axvline(-0.5, color=MUTED, linewidth=0.8, linestyle=":")
        axes.set_title(study.name)
        unit = next(iter(study.event_study.values())).unit
        axes.set_ylabel(message("Margin,\n{unit}", unit=unit))
        axes.set_xlabel(message("Quarters since the start in the area"))
        axes.set_xticks(sorted(study.event_study))
        texts = (
            f"{time}: {format_estimate(e, 2)}" for time, e in sorted(study.event_study.items())
        )
        said.append(f"{study.name}, {'; '.join(texts)}")
    return figure, message("By quarter since the start: {said}.", said=". ".join(said))


def show_event_studies(studies: Studies) -> None:
    """Show the event study of each roll-out, and say where areas are too few for intervals."""
    show_figure(*draw_event_studies(studies))
    for study in studies:
        bare = [time for time, e in sorted(study.event_study.items()) if e.lower is None]
        if bare:
            show_sentence(
                message(
                    "{name}: no interval for quarters {quarters}, where fewer than {enough} areas "
                    "reached, or as many to compare with, are left.",
                    name=study.name, quarters=", ".join(map(str, bare)), enough=ENOUGH_CLUSTERS,
                )
            )  # fmt: skip


def show_trust(studies: Studies) -> None:
    """Say, for each programme, how its design was recognised and what speaks for or against it."""
    for study in studies:
        for sentence in trust_sentences(study):
            show_sentence(sentence)


def show_variants(studies: Studies) -> None:
    """The same figure under other choices, and satisfaction afterwards."""
    rows, estimates = [], []
    for study in studies:
        items = {message("defended"): study.effect}
        items |= {message(name): item for name, item in study.variants.items()}
        items[message("CSAT given afterwards (association)")] = study.satisfaction
        for name, item in items.items():
            if isinstance(item, Estimate):
                rows.append([study.name, name, format_estimate(item, 2), item.unit])
                estimates.append((f"{finding_id(study)}-{name}".replace(" ", "-").lower(), item))
    if not rows:
        show_reason(_nothing())
        return
    header = [message("Programme"), message("Choice"), message("95% interval"), message("Unit")]
    note = message(
        "CSAT given afterwards compares those who answered only, and the programme may decide who "
        "does: an association, whatever the design. No interval: too few areas for one."
    )
    show_table(
        html_table(header, rows, message("The same question, asked otherwise"), 2, note),
        "programme-variants",
        _by_name(studies, estimates),
    )


MOST_BALANCE_ROWS = 8


def show_balance(studies: Studies) -> None:
    """How different the selected customers were, before and after the adjustment."""
    rows = []
    for study in studies:
        if study.label != "association" or study.adjusted is None:
            continue
        worst = sorted(study.adjusted.balance, key=lambda row: -abs(row.before))
        rows += [
            [
                study.name,
                row.name.replace("_", " "),
                format_number(row.before),
                format_number(row.after),
            ]
            for row in worst[:MOST_BALANCE_ROWS]
        ]
    if not rows:
        show_reason(NotEstimable(message("No programme had to be adjusted for who was chosen.")))
        return
    header = [message("Programme"), message("Recorded before"), message("Raw"), message("Adjusted")]
    caption = message("Treated less untreated, in standard deviations of the treated")
    note = message("The largest raw differences; beyond a tenth after adjustment is a warning.")
    show_table(html_table(header, rows, caption, 2, note))


def draw_overlap(studies: Studies) -> tuple[Figure | NotEstimable, str]:
    """Probability of being chosen, those chosen against the others, by programme; alt text."""
    shown = [s for s in studies if s.label == "association" and s.adjusted is not None]
    if not shown:
        return NotEstimable(message("No programme selected its customers.")), ""
    figure, panels = new_figure(rows=len(shown), height=0.5 + 2.4 * len(shown))
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
        axes.set_xlabel(message("Probability of being chosen, from what was recorded before"))
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


def show_overlap(studies: Studies) -> None:
    """Show whether those chosen have counterparts among the others."""
    show_figure(*draw_overlap(studies))
