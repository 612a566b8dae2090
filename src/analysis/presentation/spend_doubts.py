"""What could overturn the slope of spend, in sentences: hidden causes, few customers, form."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import NotEstimable
from analysis.methods.regression_diagnostics import HIGH_CONDITION, FormTest, Influence
from analysis.methods.sensitivity import Sensitivity
from analysis.methods.spending.doubts import Doubts
from analysis.methods.spending.study import SpendDepth
from analysis.presentation.output import show_reason
from analysis.presentation.spend_words import (
    CHECK_P_VALUE,
    format_p_value,
    moved_name,
    show_each,
)
from analysis.presentation.wording import (
    format_count,
    format_money,
    format_number,
    format_share,
    message,
    message_for,
)

# One customer who moves the slope by more than this share of it is named as a doubt.
LARGE_INFLUENCE = 0.1


def word_robustness(own: Sensitivity, beside: Sensitivity | NotEstimable, currency: str) -> str:
    """How strong something unrecorded would have to be, measured by what is recorded."""
    values = {
        "needed": format_share(own.robustness_value),
        "doubt": format_share(own.robustness_value_interval),
    }
    if not own.robustness_value_interval:
        said = message(
            "Robustness: the interval of the defended slope already holds zero; a hidden influence that "
            "explains {needed} of what is left of both scores and spend would bring the slope itself "
            "there.",
            **values,
        )
    else:
        said = message(
            "Robustness: something unrecorded that changes over time would have to explain {needed} of "
            "what is left of both scores and spend to bring the defended slope to zero, and {doubt} to "
            "bring its interval there (Cinelli & Hazlett 2020).",
            **values,
        )
    if isinstance(beside, NotEstimable) or not beside.benchmarks:
        return said
    strongest = beside.benchmarks[0]
    return said + " " + message(
        "For scale, in the comparison of customers with one another: {what}, the strongest thing on "
        "record, explains {score} of what is left of scores and {spend} of what is left of spend; "
        "another like it, unrecorded, would bring that slope from {slope} to {after}.",
        what=moved_name(strongest.name), score=format_share(strongest.r2_regressor),
        spend=format_share(strongest.r2_outcome), slope=format_money(beside.slope, currency, 2),
        after=format_money(strongest.confounder.value, currency, 2),
    )  # fmt: skip


def word_influence(found: Influence, disclosure: Disclosure, told: bool = True) -> str:
    """How much of the slope hangs on few customers; told: whether it can be told from zero."""
    if not told:
        return message(
            "Influence: the defended slope cannot be told from zero, so no customer's share of it is "
            "given."
        )
    share = format_share(found.largest_share)
    if found.fewest_to_turn is None:
        turn = message("Leaving out no set of customers would turn its sign.")
    else:
        shown = disclosure.count(found.fewest_to_turn)
        if shown is None:
            turn = message("Leaving out fewer than eight, chosen for it, would turn its sign.")
        else:
            turn = message_for(
                "Leaving out {count} customer, chosen for it, would turn its sign.",
                "It would take leaving out {count} customers, chosen for it, to turn its sign.",
                shown,
            )
    if found.largest_share > LARGE_INFLUENCE:
        said = message(
            "Influence: a single customer moves the defended slope by {share} of it; look at that "
            "customer before relying on it.",
            share=share,
        )
    else:
        said = message(
            "Influence: no single customer moves the defended slope by more than {share} of it.",
            share=share,
        )
    return f"{said} {turn}"


def word_form(found: FormTest) -> str:
    """Whether RESET sees a bend."""
    if found.p_value < CHECK_P_VALUE:
        return message(
            "RESET: powers of the fitted values add something ({p}), so the straight line leaves out a "
            "bend.",
            p=format_p_value(found.p_value),
        )
    return message(
        "RESET: powers of the fitted values add nothing that could be told from chance ({p}).",
        p=format_p_value(found.p_value),
    )


def _column_name(column: str) -> str:
    """A column of the design in words: "segment: family"."""
    name, _, level = column.partition(": ")
    return f"{moved_name(name)}: {level}" if level else moved_name(name)


def word_columns(doubts: Doubts) -> str | NotEstimable:
    """Whether columns are so tangled that single coefficients hang on little."""
    columns = doubts.columns
    if isinstance(columns, NotEstimable):
        return columns
    number = format_number(columns.number, 0)
    if columns.number <= HIGH_CONDITION:
        return message(
            "Condition number of the columns held fixed: {number}, below the {limit} from which single "
            "coefficients begin to hang on little.",
            number=number, limit=format_count(HIGH_CONDITION),
        )  # fmt: skip
    return message(
        "Condition number of the columns held fixed: {number}, above {limit}: {names} can hardly be told "
        "apart, and the rungs below the defended one hang on little.",
        number=number, limit=format_count(HIGH_CONDITION),
        names=", ".join(map(_column_name, columns.entangled)) or message("some columns"),
    )  # fmt: skip


def show_doubts(depth: SpendDepth, currency: str, disclosure: Disclosure) -> None:
    """What could overturn the slope, in sentences."""
    doubts = depth.doubts
    if isinstance(doubts, NotEstimable):
        show_reason(doubts)
        return
    robustness, influence, form = doubts.robustness, doubts.influence, doubts.form
    strong: str | NotEstimable
    if isinstance(robustness, NotEstimable):
        strong, told = robustness, True
    else:
        strong = word_robustness(robustness, doubts.benchmark, currency)
        told = robustness.robustness_value_interval > 0
    show_each(
        strong,
        influence
        if isinstance(influence, NotEstimable)
        else word_influence(influence, disclosure, told),
        form if isinstance(form, NotEstimable) else word_form(form),
        word_columns(doubts),
    )
