"""What goes with employees' orientation: the finding, the figure, the table, the doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.orientation.links import Link
from analysis.methods.orientation.study import OrientationStudy
from analysis.presentation.churn_words import format_p_value
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.orientation import pointed_back, said_count, withheld
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
    format_estimate,
    format_estimate_lines,
    format_number,
    message,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 5.6
LEVEL = 0.05


def link_shown(link: Link | NotEstimable, disclosure: Disclosure) -> Link | NotEstimable:
    """A link as it may be published: not where it rests on fewer than eight customers."""
    if isinstance(link, Link) and disclosure.suppressed(link.customers):
        return NotEstimable(message("Withheld: it rests on fewer than eight customers."))
    return link


def _held(link: Link) -> str:
    names = [name.replace("_", " ") for name in link.held_equal]
    if len(names) < 2:
        return "".join(names)
    return message("{several} and {last}", several=", ".join(names[:-1]), last=names[-1])


def excludes_zero(estimate: Estimate) -> bool:
    """Whether an interval leaves out nought."""
    low, high = estimate.lower, estimate.upper
    return low is not None and high is not None and (low > 0 or high < 0)


def find_orientation(study: OrientationStudy, disclosure: Disclosure) -> Finding | NotEstimable:
    """Whether customers of more customer-oriented employees are more satisfied, in a sentence."""
    reason = withheld(study, disclosure)
    if reason is not None:
        return reason
    link, scores = link_shown(study.satisfaction, disclosure), study.scores
    if isinstance(link, NotEstimable):
        return link
    if isinstance(scores, NotEstimable):
        return scores
    slope = link.slope
    values = {
        "spread": format_number(scores.spread, 1),
        "size": format_number(abs(slope.value), 2),
        "slope": format_estimate(slope, 2),
        "interval": format_estimate(slope, 2),
    }
    if study.adjusted["satisfaction"] >= LEVEL:
        sentence = message(
            "Whether customers of more customer-oriented employees are more satisfied cannot be told: "
            "{slope} CSAT points per standard deviation of the score.",
            **values,
        )
    elif slope.value > 0:
        sentence = message(
            "Where employees are one standard deviation more customer-oriented ({spread} points of "
            "the scale), the customers they serve are more satisfied: by {slope} CSAT points.",
            **values,
        )
    else:
        sentence = message(
            "Where employees are one standard deviation more customer-oriented ({spread} points of "
            "the scale), the customers they serve are less satisfied: {slope} CSAT points.",
            **values,
        )
    estimates = {"slope": slope}
    if isinstance(link.corrected, Estimate):
        estimates["slope-freed-of-chance"] = link.corrected
    held = _held(link)
    assumption = (
        message(
            "Assumes that customers who meet more oriented employees, alike in what is recorded "
            "({held}), differ in nothing else that moves their answers.",
            held=held,
        )
        if held
        else message(
            "Assumes that customers who meet more oriented employees differ in nothing that moves "
            "their answers."
        )
    )
    return Finding(
        id="orientation-and-satisfaction",
        sentence=sentence,
        estimates=estimates,
        label="association",
        assumption=assumption,
    )


def show_orientation_finding(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show the finding."""
    show_finding(find_orientation(study, disclosure), disclosure=disclosure)


def draw_steps(
    study: OrientationStudy, disclosure: Disclosure
) -> tuple[Figure | NotEstimable, str]:
    """CSAT by group of employees alike in orientation, the model's line through it; alt text."""
    reason = pointed_back(study, disclosure)
    steps = study.steps
    if reason is not None or isinstance(steps, NotEstimable):
        return (reason or steps), ""  # type: ignore[return-value]
    link, scores = link_shown(study.satisfaction, disclosure), study.scores
    if isinstance(link, NotEstimable):
        return link, ""
    if isinstance(scores, NotEstimable):
        return scores, ""
    figure, (axes,) = new_figure(width=WIDTH, height=3.2)
    below = -13
    first, last = steps[0].orientation, steps[-1].orientation
    if last > first:
        centre = sum(step.orientation for step in steps) / len(steps)
        level = sum(step.level.value for step in steps) / len(steps)
        per_point = link.slope.value / scores.spread
        below = -13 if per_point >= 0 else 7
        ends = (first, last)
        axes.plot(
            ends, [level + per_point * (end - centre) for end in ends], color=MUTED, linestyle="--",
            linewidth=1.2, label=message("slope of the mixed model"),
        )  # fmt: skip
    for step in steps:
        if step.level.lower is not None and step.level.upper is not None:
            limits = [step.level.lower, step.level.upper]
            axes.plot([step.orientation] * 2, limits, color=PALETTE[0], linewidth=2)
    axes.plot(
        [step.orientation for step in steps], [step.level.value for step in steps], "o",
        color=PALETTE[0], markersize=8, label=message("employees alike in orientation"),
    )  # fmt: skip
    for step in steps:
        axes.annotate(
            format_number(step.level.value, 2), (step.orientation, step.level.value), (8, below),
            textcoords="offset points", color=INK,
        )  # fmt: skip
    axes.margins(x=0.12)
    axes.set_xlabel(message("Customer orientation of the employees, points of the scale"))
    axes.set_ylabel(message("CSAT of their customers"))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, columnspacing=1.2)
    said = "; ".join(
        message(
            "{orientation}: CSAT {level}",
            orientation=format_number(step.orientation, 1), level=format_estimate(step.level, 2),
        )
        for step in steps
    )  # fmt: skip
    return figure, message("CSAT by customer orientation of the employees. {said}.", said=said)


def show_steps_figure(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show CSAT by group of employees alike in orientation."""
    show_figure(*draw_steps(study, disclosure))


def show_reading(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show what the figure rests on, and that refunds and staying were looked at as well."""
    if withheld(study, disclosure) is not None:
        return
    said = []
    link = link_shown(study.satisfaction, disclosure)
    if isinstance(link, Link):
        said.append(
            message(
                "The comparison rests on {rows} answers of {customers} customers about {employees} "
                "employees.",
                rows=said_count(link.rows, disclosure),
                customers=said_count(link.customers, disclosure),
                employees=said_count(link.employees, disclosure),
            )
        )
    if not isinstance(study.steps, NotEstimable) and isinstance(link, Link):
        said.append(
            message(
                "Each dot stands for at least eight employees, each with the level of the customers "
                "served, held equal in what is recorded; lines are 95% intervals of that group alone."
            )
        )
    refunds = link_shown(study.refunds, disclosure)
    staying = link_shown(study.staying, disclosure)
    if isinstance(refunds, NotEstimable) and refunds == staying:
        said.append(
            message("The same holds for refunds and for staying.")
            if refunds == link
            else message("Refunds and staying after a contact: {reason}", reason=refunds.reason)
        )
    else:
        said += [
            _word_other(study, name, found)
            for name, found in (("refunds", refunds), ("staying", staying))
        ]
    show_sentence(" ".join(said))


def _word_other(study: OrientationStudy, name: str, link: Link | NotEstimable) -> str:
    what = (
        message("Refunds within ninety days of a contact")
        if name == "refunds"
        else message("Staying for half a year after a contact")
    )
    if isinstance(link, NotEstimable):
        return message("{what}: {reason}", what=what, reason=link.reason)
    values = {"what": what, "slope": format_estimate(link.slope, 1)}
    if study.adjusted[name] < LEVEL:
        return message(
            "{what}: {slope} percentage points per standard deviation, more than chance gives, after "
            "allowing for several outcomes (Holm).",
            **values,
        )
    return message(
        "{what}: no link that can be told from chance, {slope} percentage points per standard "
        "deviation.",
        **values,
    )


def show_links_table(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show the three outcomes with the corrected slope and the second opinions."""
    reason = pointed_back(study, disclosure)
    if reason is not None:
        show_reason(reason)
        return
    outcomes = {
        "satisfaction": (message("CSAT, points"), study.satisfaction, 2),
        "refunds": (message("refund within ninety days, percentage points"), study.refunds, 1),
        "staying": (message("still there after half a year, percentage points"), study.staying, 1),
    }
    rows: list[list[str]] = []
    estimates: dict[str, Estimate | NotEstimable] = {}
    reasons: list[str] = []
    for name, (label, found, decimals) in outcomes.items():
        link = link_shown(found, disclosure)
        if isinstance(link, NotEstimable):
            rows.append([label, *[NO_VALUE] * 5])
            reasons.append(link.reason)
            continue
        cells = (link.slope, link.corrected, link.by_means, link.after_sheet)
        kinds = ("slope", "freed-of-chance", "levels", "after-the-sheet")
        estimates |= {f"{name}-{kind}": cell for kind, cell in zip(kinds, cells, strict=True)}
        rows.append(
            [
                label, *(format_estimate_lines(cell, decimals) for cell in cells),
                format_p_value(study.adjusted[name]).removeprefix("p ").removeprefix("= "),
            ]
        )  # fmt: skip
    header = (
        message("Outcome"), message("Mixed model"), message("freed of chance in the sheets"),
        message("employees' levels"), message("after the sheet only"), message("p (Holm)"),
    )  # fmt: skip
    note = message(
        "Mixed model: employees' levels random, restricted likelihood. Freed of chance: divided by the "
        "square root of alpha, taken as known. Employees' levels: every employee counts once, errors "
        "HC3. p: of the mixed model, over the outcomes."
    )
    html = html_table(
        header,
        rows,
        message("Difference per standard deviation of orientation, with 95% intervals"),
        note=" ".join([*dict.fromkeys(reasons), note]),
    )
    show_table(html, "orientation-links", estimates, disclosure)


def show_doubts(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show, in sentences, what speaks for and against the comparison of satisfaction."""
    reason = pointed_back(study, disclosure)
    link = link_shown(study.satisfaction, disclosure)
    if reason is not None or isinstance(link, NotEstimable):
        show_reason(reason or link)  # type: ignore[arg-type]
        return
    said = []
    alpha = study.overall_alpha
    if not isinstance(alpha, NotEstimable) and isinstance(link.corrected, Estimate):
        said.append(
            message(
                "Cronbach's alpha of the sheets, where 1 would be free of chance, is {alpha}; freed of "
                "the chance in them the slope would be {corrected}.",
                alpha=format_estimate(alpha.alpha, 2), corrected=format_estimate(link.corrected, 2),
            )
        )  # fmt: skip
    if isinstance(link.by_means, Estimate):
        said.append(
            message(
                "Counting every employee once, whatever the number of answers, gives {levels}.",
                levels=format_estimate(link.by_means, 2),
            )
        )
    if isinstance(link.after_sheet, NotEstimable):
        said.append(
            message(
                "Answers given after the sheet are too few to be looked at alone, so that happy "
                "customers may have come first and the sheet after: {reason}",
                reason=link.after_sheet.reason,
            )
        )
    elif excludes_zero(link.after_sheet):
        said.append(
            message(
                "Answers given after the sheet say the same, {after}: the sheet is not merely an echo "
                "of praise that came before it.",
                after=format_estimate(link.after_sheet, 2),
            )
            if link.after_sheet.value * link.slope.value > 0
            else message(
                "Answers given after the sheet say the opposite, {after}: the link above does not hold "
                "forwards.",
                after=format_estimate(link.after_sheet, 2),
            )
        )
    else:
        said.append(
            message(
                "In answers given after the sheet alone the link cannot be told from chance, {after}: "
                "the sheet may be an echo of praise that came before it.",
                after=format_estimate(link.after_sheet, 2),
            )
        )
    said.append(
        message(
            "Orientation leaves {left} CSAT points (standard deviation) of the differences between "
            "employees unexplained.",
            left=format_number(link.between_sd, 2),
        )
        if link.between_sd > 0
        else message(
            "Beyond orientation, employees do not differ in their customers' satisfaction more than "
            "chance gives."
        )
    )
    show_sentence(" ".join(said))
