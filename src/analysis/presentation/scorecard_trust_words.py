"""Sentences on what stands behind the figures: books, silence, mix, maturity, concentration."""

from __future__ import annotations

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.revenue_split import Reconciliation
from analysis.methods.scorecard.customer_value import MarginConcentration
from analysis.methods.scorecard.maturity import Maturity, Requirement
from analysis.methods.scorecard.nonresponse import WeightedScore
from analysis.methods.scorecard.study import Scorecard
from analysis.presentation.scorecard_words import in_points, may_be_chance, signed
from analysis.presentation.wording import (
    NO_VALUE,
    format_estimate,
    format_money,
    format_number,
    format_share,
    format_value,
    message,
    message_for,
)

# A declared total that differs by less than this share counts as rounding, not as missing rows.
NEGLIGIBLE_DIFFERENCE = 0.001


def sum_to_compare(amount: float, step: float, currency: str) -> str:
    """A sum held against another: to the cent, or about, where it is given in steps."""
    if not step:
        return format_money(amount, currency, 2)
    places = 0 if step >= 1 else 2
    return message("about {money}", money=format_money(amount, currency, places))


def word_reconciliation(found: Reconciliation, currency: str) -> str:
    """Whether the sum of the transactions is the total that the books declare."""
    values = {
        "what": message("Revenue") if found.what == "revenue" else message("Margin"),
        "period": found.period,
        "declared": sum_to_compare(found.declared, found.step, currency),
        "money": format_money(abs(found.difference), currency, 2),
        "share": NO_VALUE if found.share is None else format_share(abs(found.share), 2),
    }
    if found.difference == 0:
        return message(
            "{what} in {period}, {declared}, agrees to the cent with the control total.", **values
        )
    more = found.difference > 0
    if found.share is not None and abs(found.share) < NEGLIGIBLE_DIFFERENCE:
        text = (
            "{what} in {period} exceeds the control total of {declared} by {money} ({share}), too "
            "little to change anything said here."
            if more
            else "{what} in {period} falls short of the control total of {declared} by {money} "
            "({share}), too little to change anything said here."
        )
    else:
        text = (
            "{what} in {period} exceeds the control total of {declared} by {money} ({share}): look "
            "for rows counted twice or refunds left out before relying on it."
            if more
            else "{what} in {period} falls short of the control total of {declared} by {money} "
            "({share}): look for rows that were left out before relying on it."
        )
    return message(text, **values)


def word_silence(score: WeightedScore, previous: str) -> str:
    """A score as it stands and weighted, and what the silent would have to be for it to turn."""
    said = message(
        "{name}: {answered} of the customers invited answered. As the answers stand it is {raw}; "
        "weighted for who answered, {weighted}.",
        name=message(score.name),
        answered=format_share(score.response_share, 0),
        raw=format_estimate(score.raw),
        weighted=format_estimate(score.weighted),
    )
    return f"{said} {_word_tipping(score, previous)}".strip()


def _word_tipping(score: WeightedScore, previous: str) -> str:
    tipping = score.tipping
    if isinstance(tipping, NotEstimable) or score.threshold is None:
        return ""
    unit = score.raw.unit
    level = format_value(score.threshold, unit)
    aim = (
        message("the target of {level}", level=level)
        if score.threshold_is == "target"
        else message("the level of {period} ({level})", period=previous, level=level)
    )
    weighted = score.weighted
    if (
        weighted.lower is not None
        and weighted.upper is not None
        and weighted.lower <= score.threshold <= weighted.upper
    ):
        return message(
            "{aim} lies within the interval, so the silent need not differ at all for it to be the "
            "true one.",
            aim=aim[0].upper() + aim[1:],
        )
    silent = format_value(tipping.silent_mean, unit)
    gap = in_points(_alone(abs(tipping.difference), unit, score.raw.n))
    better = tipping.difference > 0
    values = {"aim": aim, "silent": silent, "gap": format_value(gap.value, gap.unit)}
    if tipping.possible is False:
        text = (
            "Even if all the silent had given the best answer, {aim} would not be reached."
            if better
            else "Even if all the silent had given the worst answer, it would stay above {aim}."
        )
        return message(text, **values)
    text = (
        "To reach {aim}, the silent would have to stand at {silent}: {gap} points above what is "
        "expected of them. No weight can tell whether they do."
        if better
        else "To fall to {aim}, the silent would have to stand at {silent}: {gap} points below what "
        "is expected of them. No weight can tell whether they do."
    )
    return message(text, **values)


def _alone(value: float, unit: str, n: int) -> Estimate:
    return Estimate(value, None, None, unit, n, "")


def word_mix(study: Scorecard) -> str:
    """Whether the mix of segments moved any key figure."""
    if not study.mixes:
        return study.mix_reason.reason if study.mix_reason else ""
    moved = [(id, split) for id, split in study.mixes if not may_be_chance(split.mix)]
    if not moved:
        return message(
            "That the mix of segments changed accounts for none of the changes on {period} beyond "
            "chance.",
            period=study.previous,
        )
    parts = []
    for id, split in moved:
        change = in_points(split.mix)
        total = in_points(_alone(split.total, split.mix.unit, split.mix.n))
        parts.append(
            message(
                "{part} of the change of {total} in {name}",
                part=signed(change.value, change.unit),
                total=signed(total.value, total.unit),
                name=message(study.metric(id).name),
            )
        )
    return message(
        "A changed mix of segments accounts for {parts}, without any customer having changed.",
        parts="; ".join(parts),
    )


def word_requirement(found: Requirement) -> str:
    """What a stage asks of a figure."""
    unit = found.now.unit if isinstance(found.now, Estimate) else _usual_unit(found)
    plain = unit in ("", "hours", "months") or unit.startswith("contacts")
    level = (
        format_number(found.asked, 0 if float(found.asked).is_integer() else 2)
        if plain
        else format_value(found.asked, unit)
    )
    text = "“{name}” of at least {level}" if found.at_least else "“{name}” of at most {level}"
    return message(text, name=message(found.name), level=level)


def _usual_unit(found: Requirement) -> str:
    """The unit of a figure that was not measured: shares are declared below one."""
    if found.id == "net-promoter-score":
        return "points"
    return "share" if 0 < abs(found.asked) < 1 else ""


def word_maturity(found: Maturity) -> str:
    """The stage that the service has reached, and what keeps it from the next."""
    measured = [r for r in found.requirements if r.verdict != "not measured"]
    if not measured:
        return message(
            "How far the service has come cannot be read: none of the figures that its stages ask "
            "for was measured."
        )
    if found.reached:
        said = message(
            "Of the stages basic, expected, extended and anticipating, the service has reached "
            "{stage}.",
            stage=message(found.reached),
        )
    else:
        said = message(
            "Of the stages basic, expected, extended and anticipating, the service has not reached "
            "the first."
        )
    short = [r for r in measured if r.stage == found.open and "missed" in r.verdict]
    if short:
        said += " " + message(
            "For the stage {stage} it lacks {what}.",
            stage=message(found.open),
            what=message(" and ").join(word_requirement(r) for r in short),
        )
    elif found.open:
        said += " " + message(
            "Of what the stage {stage} asks for, nothing was measured.", stage=message(found.open)
        )
    if not found.certain:
        said += " " + message("Some of these levels were met or missed by no more than chance.")
    if found.default:
        said += " " + message("What the stages ask for is a convention until it is declared.")
    return said


def word_concentration(found: MarginConcentration) -> str:
    """Who brings the margin, and how many customers cost more than they bring."""
    said = message_for(
        "In the last month, the tenth of the customers who brought most brought {top} of the margin.",
        "In the last {count} months, the tenth of the customers who brought most brought {top} of "
        "the margin.",
        found.months,
        top=format_estimate(found.top_share),
    )
    after = message(" after the cost of their contacts") if found.service_cost else ""
    loss = found.at_a_loss
    if isinstance(loss, NotEstimable):
        lost = message(
            "Fewer than eight customers cost more than they brought{after}.", after=after
        )
    elif not loss.value:
        lost = message("Nobody cost more than they brought{after}.", after=after)
    else:
        lost = message(
            "{share} of the customers cost more than they brought{after}.",
            share=format_estimate(loss), after=after,
        )  # fmt: skip
    return f"{said} {lost}"
