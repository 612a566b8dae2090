"""Second opinions on churn in words, tables and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable, first_reason
from analysis.methods.survival.families import FamilyResult, ParametricStudy
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.parametric import FAMILY_NAMES, ParametricFit
from analysis.methods.survival.second_opinions import SecondOpinions
from analysis.methods.survival.study import ChurnStudy
from analysis.presentation.churn_figures import CURVE_INCHES, drawn, shown_until
from analysis.presentation.churn_words import format_p_value
from analysis.presentation.figures import (
    DASHES,
    INK,
    NARROW,
    PALETTE,
    LineEnd,
    label_ends,
    new_figure,
)
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_number,
    format_share,
    message,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A true family lies within pointwise 95% limits at most loss times.
WELL_INSIDE_BAND = 0.8


def show_standardised(opinions: SecondOpinions) -> None:
    """The second opinion on satisfaction and staying, in shares of customers instead of a ratio."""
    result = opinions.standardised
    if isinstance(result, NotEstimable):
        show_reason(result)
        return
    sentence = message(
        "A second model, built differently, says it in customers: of those active today who have answered, "
        "{as_is} would still be here in {months} months, and {shifted} if those who can still gain a point left "
        "at the rate of those one point happier, a difference of {difference} points.",
        as_is=format_estimate(result.as_is), shifted=format_estimate(result.shifted),
        months=format_number(result.at_months, 0), difference=_in_points(result.difference),
    )  # fmt: skip
    if result.agrees is True:
        sentence += " " + message("The hazard ratio above does not contradict it.")
    elif result.agrees is False:
        sentence += " " + message(
            "The hazard ratio above implies something else ({implied} points): the two models disagree, "
            "and neither figure should be relied on before it is known why.",
            implied=_in_points(result.implied_by_cox),
        )
    show_sentence(sentence)


def _in_points(share: Estimate | NotEstimable) -> str:
    """A difference of shares in percentage points with its interval."""
    if isinstance(share, NotEstimable):
        return NO_VALUE
    value = format_number(100 * share.value, 1)
    if share.lower is None or share.upper is None:
        return value
    low, high = format_number(100 * share.lower, 1), format_number(100 * share.upper, 1)
    return message("{value} ({low} to {high})", value=value, low=low, high=high)


def show_e_value(opinions: SecondOpinions) -> None:
    """How strong a cause that nobody recorded would have to be; silent where no ratio is there."""
    result = opinions.e_value
    if isinstance(result, NotEstimable):
        if result != opinions.standardised:
            show_reason(result)
        return
    if result.limit == 1:
        show_sentence(
            message(
                "The interval of the ratio for a score of {contrast} holds one: nothing has to be explained "
                "away.",
                contrast=result.contrast,
            )
        )
        return
    show_sentence(
        message(
            "To explain the ratio for a score of {contrast} ({ratio}) away, something not recorded would have "
            "to make both {scores} scores and leaving {point} times as likely, over and above what is recorded "
            "(E-value; {limit} times for the nearer limit of the interval). Whether such a cause exists is a "
            "question to those who know the customers.",
            contrast=result.contrast, ratio=format_estimate(result.hazard_ratio),
            scores=message("low") if result.hazard_ratio.value > 1 else message("high"),
            point=format_number(result.point, 1), limit=format_number(result.limit, 1),
        )
    )  # fmt: skip


def show_censoring(opinions: SecondOpinions, disclosure: Disclosure) -> None:
    """How far retention rests on those no longer followed being like the rest."""
    result = opinions.censoring
    if isinstance(result, NotEstimable):
        show_reason(result)
        return
    sentences = []
    later = result.later_start
    if isinstance(later, Estimate):
        verdict = message("cannot be told from those who started a year before them")
        if later.upper is not None and later.upper < 1:
            verdict = message("leave more slowly than those who started a year before them")
        elif later.lower is not None and later.lower > 1:
            verdict = message("leave faster than those who started a year before them")
        sentences.append(
            message(
                "Curves take newer customers to leave as older ones did at the same tenure. Those who "
                "started later {verdict} (hazard ratio {ratio} for a year).",
                verdict=verdict, ratio=format_estimate(later),
            )
        )  # fmt: skip
    if not isinstance(result.bounds, NotEstimable) and isinstance(result.plain, Estimate):
        worst = result.bounds[-1]
        sentences.append(
            message(
                "If those no longer followed left at {times} times the rate of the others, retention after "
                "{months} months would be {bound} instead of {plain}.",
                times=format_number(worst.times_hazard, 0), months=format_number(result.horizon_months, 0),
                bound=format_estimate(worst.retention), plain=format_share(result.plain.value),
            )
        )  # fmt: skip
    if not sentences:
        reason = first_reason(result.bounds, later)
        if reason:
            show_reason(reason)
        return
    show_sentence(" ".join(sentences))


def show_restricted_means(opinions: SecondOpinions, disclosure: Disclosure) -> None:
    """Mean months as a customer within the horizon, and the differences between groups."""
    result = opinions.restricted_means
    if isinstance(result, NotEstimable):
        show_reason(result)
        return
    months = format_number(result.horizon_months, 0)
    rows = [[name, format_estimate_lines(mean), NO_VALUE] for name, mean in result.groups]
    rows += [
        [
            message("{first} less {second}", first=pair.first, second=pair.second),
            format_estimate_lines(pair.difference),
            format_p_value(pair.adjusted_p_value),
        ]
        for pair in result.differences
    ]
    estimates = {name: mean for name, mean in result.groups if isinstance(mean, Estimate)}
    estimates |= {
        f"{pair.first} less {pair.second}": pair.difference for pair in result.differences
    }
    header = [message("Group"), message("months"), message("p, Holm")]
    caption = message("Mean months as a customer within the first {months}", months=months)
    note = " ".join(
        [
            message("Area under the Kaplan–Meier curve; intervals unadjusted."),
            *(mean.reason for _, mean in result.groups if isinstance(mean, NotEstimable)),
        ]
    )
    show_table(
        html_table(header, rows, caption, note=note), "restricted-mean", estimates, disclosure
    )


def draw_families(
    families: ParametricStudy, curve: SurvivalCurve, disclosure: Disclosure
) -> tuple[Figure | NotEstimable, str]:
    """Each family's curve over Kaplan–Meier; and the alt text."""
    figure, (axes,) = new_figure(width=NARROW, height=CURVE_INCHES + 0.8)
    limit = shown_until(curve, disclosure)
    times, levels, low, high = drawn(curve, disclosure)
    axes.fill_between(times, low, high, step="post", color=INK, alpha=0.15, linewidth=0)
    axes.step(times, levels, where="post", color=INK, linewidth=2.2)
    ends = [LineEnd("Kaplan–Meier", float(times[-1]), float(levels[-1]), INK)]
    grid = np.linspace(0, limit, 120)
    said = []
    for place, result in enumerate(families.families):
        if not isinstance(result.alone, ParametricFit):
            continue
        name = FAMILY_NAMES[result.family]
        modelled = np.concatenate([[1.0], result.alone.curve(grid[1:])])
        axes.plot(grid, modelled, color=PALETTE[place], linestyle=DASHES[place + 1])
        ends.append(LineEnd(name, limit, float(modelled[-1]), PALETTE[place]))
        if not isinstance(result.distance, NotEstimable):
            said.append(
                message(
                    "{name} at most {points} points away",
                    name=name, points=format_number(100 * result.distance.largest, 0),
                )
            )  # fmt: skip
    axes.set_xlim(0, limit)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(lambda value, _: format_share(value, 0))
    axes.set_xlabel(message("Months since the start"))
    axes.set_ylabel(message("Still customers"))
    label_ends(axes, ends, CURVE_INCHES)
    return figure, message("Parametric curves over Kaplan–Meier: {said}.", said="; ".join(said))


def _family_row(result: FamilyResult, best: float) -> list[str]:
    name = FAMILY_NAMES[result.family]
    if isinstance(result.fit, NotEstimable):
        return [name, NO_VALUE, NO_VALUE, NO_VALUE]
    distance = (
        NO_VALUE
        if isinstance(result.distance, NotEstimable)
        else message("{points} points", points=format_number(100 * result.distance.largest, 1))
    )
    return [
        name,
        format_number(result.fit.aic - best, 1),
        format_number(result.fit.scale, 2),
        distance,
    ]


def _outside(result: FamilyResult) -> bool:
    """Whether a family lies outside the band more often than a true one would."""
    distance = result.distance
    return isinstance(distance, NotEstimable) or distance.inside_band < WELL_INSIDE_BAND


def show_families(opinions: SecondOpinions, study: ChurnStudy, disclosure: Disclosure) -> None:
    """Which family of lifetimes fits, by AIC and by distance from Kaplan–Meier."""
    families = opinions.families
    if isinstance(families, NotEstimable):
        show_reason(families)
        return
    if isinstance(study.overall, SurvivalCurve):
        show_figure(*draw_families(families, study.overall, disclosure))
    rows = [_family_row(result, families.best.aic) for result in families.families]
    header = [
        message("Family"),
        message("AIC above the best"),
        message("scale"),
        message("furthest from Kaplan–Meier"),
    ]
    note = message(
        "Accelerated failure time models with what is recorded of customers; the curves drawn are without. "
        "A family that fits within follow-up says nothing beyond it; two that fit equally well can part there."
    )
    judged = [r for r in families.families if not isinstance(r.distance, NotEstimable)]
    if judged and all(_outside(result) for result in judged):
        note += " " + message("None of them fits: each leaves the band of Kaplan–Meier.")
    if study.spells > study.customers:
        note += " " + message("Spells of one customer are taken as independent.")
    left_out = families.best.left_out
    if left_out:
        note += " " + message(
            "Customers who left on the day they came have no time to model and are left out: {n}.",
            n=NO_VALUE if disclosure.count(left_out) is None else format_count(left_out),
        )
    caption = message("Three families of lifetimes")
    estimates = {
        f"{FAMILY_NAMES[fit.family]}, {name}": fit.acceleration(name)
        for fit in families.fitted
        for name in fit.names[1:]
    }
    show_table(
        html_table(header, rows, caption, note=note), "lifetime-families", estimates, disclosure
    )


def show_opinions_table(opinions: SecondOpinions, disclosure: Disclosure) -> None:
    """The figures behind the sentences of the second opinions."""
    named: dict[str, Estimate | NotEstimable] = {}
    standard, censoring = opinions.standardised, opinions.censoring
    if not isinstance(standard, NotEstimable):
        named |= {
            message("still here in a year, as answered"): standard.as_is,
            message("the same, a point happier"): standard.shifted,
            message("difference"): standard.difference,
            message("difference that the hazard ratio implies"): standard.implied_by_cox,
        }
    if not isinstance(censoring, NotEstimable):
        named[message("hazard ratio of starting a year later")] = censoring.later_start
        if not isinstance(censoring.bounds, NotEstimable):
            named |= {
                message(
                    "retention, those no longer followed at {times} times the rate",
                    times=f"{bound.times_hazard:g}",
                ): bound.retention
                for bound in censoring.bounds
            }
    if not named:
        show_reason(first_reason(standard, censoring) or NotEstimable(""))
        return
    known = {name: value for name, value in named.items() if isinstance(value, Estimate)}
    rows = [[name, format_estimate_lines(value)] for name, value in known.items()]
    if not isinstance(opinions.e_value, NotEstimable):
        value = opinions.e_value
        named_value = message("E-value, {contrast} (nearer limit)", contrast=value.contrast)
        rows.append(
            [named_value, f"{format_number(value.point, 2)}\n{format_number(value.limit, 2)}"]
        )
    caption = message("Second opinions in figures, with 95% intervals")
    header = [message("Figure"), message("value")]
    show_table(html_table(header, rows, caption), "second-opinions", known, disclosure)
