"""Pain points in words: findings, and the sentences beside them."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.pain_points.answers import LATE_DELIVERY
from analysis.methods.pain_points.channels import Consistency, Spread
from analysis.methods.pain_points.gaps import Gap, Gaps
from analysis.methods.pain_points.journey import PurchasePath
from analysis.methods.pain_points.study import PainStudy
from analysis.methods.pain_points.worth import Affected, Valued
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_money,
    format_number,
    format_share,
    message,
)

MOST_NAMED = 3
DEFINITE = 0.05


def place_name(place: str) -> str:
    """A touchpoint as readers know it; late deliveries by that name."""
    return message("late delivery") if place == LATE_DELIVERY else place


def finding_id(place: str) -> str:
    """Stable from quarter to quarter: `pain-point-returns-desk`."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in place.lower()).split())
    return f"pain-point-{slug or 'unnamed'}"


def shown(estimate: Estimate | NotEstimable, disclosure: Disclosure) -> Estimate | NotEstimable:
    """An estimate as it may be published: not on fewer than eight, nor a share that tells of so few."""
    if isinstance(estimate, NotEstimable):
        return estimate
    hidden = disclosure.suppressed(estimate.n)
    if estimate.unit == "share":
        events = round(estimate.value * estimate.n)
        hidden |= disclosure.suppressed(events) or disclosure.suppressed(estimate.n - events)
    if hidden:
        return NotEstimable(message("Withheld: it rests on fewer than eight customers."))
    return estimate


def said_points(estimate: Estimate) -> str:
    """A gap as so many points lower, its limits turned round: 0.96 points (0.89 to 1.03)."""
    value = format_number(abs(estimate.value))
    if estimate.lower is None or estimate.upper is None:
        return message("{value} points", value=value)
    sign = -1 if estimate.value < 0 else 1
    low, high = sorted((sign * estimate.lower, sign * estimate.upper))
    return message(
        "{value} points ({low} to {high})",
        value=value, low=format_number(low), high=format_number(high),
    )  # fmt: skip


def said_wait(place: str, study: PainStudy) -> str:
    """How long a first reply takes there and elsewhere, where the difference is plain; else ""."""
    if place not in study.waits:
        return ""
    here, there = study.waits[place]
    if here.lower is None or there.upper is None or here.lower <= there.upper:
        return ""
    return message(
        "A first reply there takes {here} hours (median of the last year), elsewhere {there}.",
        here=format_number(here.value, 1), there=format_number(there.value, 1),
    )  # fmt: skip


def said_late(study: PainStudy, disclosure: Disclosure) -> str:
    """Which share of orders came late in the period; "" where it is not known."""
    if isinstance(study.orders, NotEstimable):
        return ""
    late = shown(study.orders[-1].late, disclosure)
    if isinstance(late, NotEstimable):
        return ""
    return message(
        "Of the orders promised for {period}, {share} came late.",
        period=study.period_label, share=format_estimate(late),
    )  # fmt: skip


def _who_it_concerns(affected: Affected, disclosure: Disclosure, study: PainStudy) -> str:
    count, active = (
        disclosure.count(round(affected.answered)),
        disclosure.count(round(affected.active)),
    )
    if count is None or active is None:
        return ""
    span = message("quarter") if "quarter" in _unit(study) else message("month")
    return message(
        "When a {span} opens, {count} of {active} active customers have it as their last answer.",
        span=span, count=format_count(count), active=format_count(active),
    )  # fmt: skip


def _unit(study: PainStudy) -> str:
    return study.slope.slope.unit if not isinstance(study.slope, NotEstimable) else "quarter"


def money_sentence(pain: Valued, months: int) -> str:
    """What the gap would be worth, in the words that keep it an association."""
    if isinstance(pain.horizon, NotEstimable):
        return message("It is not valued: {reason}", reason=pain.horizon.reason)
    low = pain.horizon.lower
    money = format_estimate(pain.horizon)
    if low is not None and low <= 0:
        return message(
            "What it is worth cannot be told from nothing: {money} of margin over {months} months, if the "
            "difference in satisfaction carried the margin that goes with a point.",
            money=money, months=months,
        )  # fmt: skip
    return message(
        "If the difference in satisfaction carried the margin that goes with a point, closing it would be "
        "worth {money} over {months} months.",
        money=money, months=months,
    )  # fmt: skip


def find_pain(
    pain: Valued, rank: int, study: PainStudy, disclosure: Disclosure
) -> Finding | NotEstimable:
    """One pain point as a finding a manager can act on; rank 0 hurts most."""
    gap = pain.gap
    if disclosure.suppressed(gap.gap.n) or disclosure.suppressed(gap.answers):
        return NotEstimable(message("Withheld: it rests on fewer than eight customers."))
    late = gap.place == LATE_DELIVERY
    name = place_name(gap.place)
    first = message("{name} hurts most", name=_capital(name))
    if rank:
        first = message("{name} hurts next", name=_capital(name))
    how = (
        message(
            "the same customers rate it {points} lower than the other touchpoints",
            points=said_points(gap.gap),
        )
        if gap.within
        else message(
            "it is rated {points} lower than the other touchpoints", points=said_points(gap.gap)
        )
    )
    parts = [message("{first}: {how}.", first=first, how=how)]
    parts.append(said_late(study, disclosure) if late else said_wait(gap.place, study))
    estimates = {"gap": gap.gap, "gap-as-it-stands": gap.plain}
    if not isinstance(pain.affected, NotEstimable):
        parts.append(_who_it_concerns(pain.affected, disclosure, study))
    parts.append(money_sentence(pain, study.horizon_months))
    money = None
    if isinstance(pain.horizon, Estimate):
        money = pain.horizon
        if isinstance(pain.per_period, Estimate):
            estimates["margin-per-period"] = pain.per_period
        if not isinstance(study.slope, NotEstimable):
            estimates["margin-per-point"] = study.slope.slope
    return Finding(
        id=finding_id(gap.place),
        name=_capital(name),
        sentence=" ".join(part for part in parts if part),
        estimates=estimates,
        label="association",
        assumption=message(
            "Assumes that the difference comes from what happens there and not from why customers go there, "
            "and that margin follows a point of it as it follows any other. Only an attempt shows what "
            "mending brings."
        )
        if gap.within
        else message(
            "Customers who went there are compared with others who went elsewhere: they may differ in more "
            "than that."
        ),
        money=money,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def no_pain_sentence(study: PainStudy) -> str:
    """What to say where no touchpoint is worse than the others."""
    assert not isinstance(study.gaps, NotEstimable)
    worst = study.gaps.places[0]
    return message(
        "No touchpoint is rated worse than the others beyond chance; the lowest, {name}, lies {points} "
        "{side} them.",
        name=place_name(worst.place), points=said_points(worst.gap),
        side=message("below") if worst.gap.value < 0 else message("above"),
    )  # fmt: skip


def more_pains_sentence(study: PainStudy) -> str:
    """The pain points that stand in the table only; "" for none."""
    rest = [place_name(pain.gap.place) for pain in study.pains[MOST_NAMED:]]
    if not rest:
        return ""
    return message("Also rated worse than the others: {names}.", names=", ".join(rest))


def said_plain(gap: Gap) -> str:
    """The gap as it stands beside the one within customers."""
    return message(
        "{name}: {plain} as it stands, {own} within customers",
        name=place_name(gap.place), plain=format_number(gap.plain.value),
        own=format_number(gap.gap.value),
    )  # fmt: skip


def adjustment_sentence(study: PainStudy) -> str:
    """Whether comparing customers with themselves has changed the picture."""
    assert not isinstance(study.gaps, NotEstimable)
    gaps: Gaps = study.gaps
    if gaps.reason:
        return message(
            "Customers are compared with one another only. {reason} Those who go to a touchpoint may be "
            "others than those who do not.",
            reason=gaps.reason,
        )
    worst = [pain.gap for pain in study.pains] or [gaps.places[0]]
    said = "; ".join(said_plain(gap) for gap in worst[:MOST_NAMED])
    moved = max(abs(gap.plain.value - gap.gap.value) for gap in worst[:MOST_NAMED])
    verdict = (
        message("Who goes there explains little of it.")
        if moved < 0.1
        else message("The difference between the two is who goes there, and when.")
    )
    return message(
        "Whoever always answers low, and a bad quarter, drop out of the comparison ({said}). {verdict}",
        said=said, verdict=verdict,
    )  # fmt: skip


def change_sentence(study: PainStudy) -> str:
    """Whether the pain points have eased or worsened in the last year; "" where it cannot be seen."""
    said = []
    for pain in study.pains[:MOST_NAMED]:
        change = pain.gap.recent_change
        if isinstance(change, NotEstimable) or change.lower is None or change.upper is None:
            continue
        name = place_name(pain.gap.place)
        if change.lower > 0:
            said.append(message("{name} has eased by {c}", name=name, c=said_points(change)))
        elif change.upper < 0:
            said.append(message("{name} has worsened by {c}", name=name, c=said_points(change)))
        else:
            said.append(message("{name} has not moved beyond chance", name=name))
    if not said:
        return ""
    return message("In the last year, against the time before: {said}.", said="; ".join(said))


def response_sentence(study: PainStudy) -> str:
    """Whether those who answer about a pain point are as many as elsewhere; "" where it is not known."""
    known = study.response
    named = [pain.gap.place for pain in study.pains[:MOST_NAMED] if pain.gap.place in known]
    if not named or all(share.value == 1 for share in known.values()):
        return ""
    said = ", ".join(
        message("{name} {share}", name=place_name(place), share=format_share(known[place].value, 0))
        for place in named
    )
    assert not isinstance(study.gaps, NotEstimable)
    compared = [gap.place for gap in study.gaps.places if gap.place in known]
    others = [known[place].value for place in compared if place not in named]
    if not others:
        return message("Share of invitations answered: {said}.", said=said)
    return message(
        "Share of invitations answered: {said}; elsewhere {low} to {high}. What the silent felt is not known.",
        said=said, low=format_share(min(others), 0), high=format_share(max(others), 0),
    )  # fmt: skip


def path_sentence(path: PurchasePath, disclosure: Disclosure) -> str:
    """Where the purchase path loses people, and what has changed in a year."""
    if disclosure.suppressed(path.steps[0].entered):
        return message("Withheld: fewer than eight visitors entered the purchase path.")
    leak = next(step for step in path.steps if step.name == path.leaks_most)
    sentence = message(
        "Of 100 visitors who enter the purchase path in {period}, {through} come through; most are lost at "
        "the step “{step}”, {lost} of the 100.",
        period=path.period, through=format_number(100 * path.through.value, 0), step=leak.name,
        lost=format_number(leak.lost_per_100, 0),
    )  # fmt: skip
    compared = [step for step in path.steps if isinstance(step.change, Estimate)]
    if not compared:
        return sentence + " " + message("There is no year before to compare with.")
    if path.turned_worst:
        step = next(step for step in path.steps if step.name == path.turned_worst)
        assert isinstance(step.change, Estimate)
        return sentence + " " + message(
            "Against the year before, “{step}” has got worse: {change} percentage points.",
            step=step.name, change=said_change(step.change),
        )  # fmt: skip
    better = [
        step.name for step in compared
        if isinstance(step.change, Estimate) and step.change.value > 0
        and isinstance(step.p_value, float) and step.p_value < DEFINITE
    ]  # fmt: skip
    if better:
        return (
            sentence
            + " "
            + message(
                "Against the year before no step has got worse, and better: {names}.",
                names=", ".join(better),
            )
        )
    return sentence + " " + message("Against the year before no step has changed beyond chance.")


def said_change(change: Estimate) -> str:
    """A difference of shares in percentage points: −2.0 (−3.1 to −0.9)."""
    value = format_number(100 * change.value, 1)
    if change.lower is None or change.upper is None:
        return value
    low, high = format_number(100 * change.lower, 1), format_number(100 * change.upper, 1)
    return f"{value} ({low} to {high})"


def find_path(path: PurchasePath, disclosure: Disclosure) -> Finding | NotEstimable:
    """The purchase path as a finding."""
    if disclosure.suppressed(path.steps[0].entered):
        return NotEstimable(path_sentence(path, disclosure))
    found = {f"goes-on-{step.name}": shown(step.goes_on, disclosure) for step in path.steps}
    found["come-through"] = shown(path.through, disclosure)
    estimates = {name: value for name, value in found.items() if isinstance(value, Estimate)}
    return Finding(
        id="purchase-path-leaks",
        sentence=path_sentence(path, disclosure),
        estimates=estimates,
        label="description",
        assumption=message("Visitors are counted, not customers: who comes back is counted again."),
    )


def channel_sentences(found: Consistency) -> list[str]:
    """Whether customers are served alike in every channel, one sentence per figure."""
    said = []
    for spread, what in ((found.satisfaction, "satisfaction"), (found.reply, "reply")):
        if isinstance(spread, NotEstimable):
            said.append(spread.reason)
            continue
        said.append(_channel_sentence(spread, what))
    return list(dict.fromkeys(said))


def _channel_sentence(spread: Spread, what: str) -> str:
    names = list(spread.by_channel)
    highest = max(names, key=lambda name: (spread.by_channel[name].value, name))
    lowest = min(names, key=lambda name: (spread.by_channel[name].value, name))
    alike = spread.p_value >= DEFINITE
    values = {"high": highest, "low": lowest, "p": said_p(spread.p_value)}
    if what == "satisfaction":
        values["apart"] = said_points(spread.spread)
        if alike:
            return message(
                "Satisfaction is consistent across channels: with touchpoint and period held equal, {high} "
                "and {low} lie furthest apart, by {apart}, no more than chance allows ({p}).",
                **values,
            )
        return message(
            "Satisfaction depends on the channel: with touchpoint and period held equal, {high} is rated "
            "higher than {low} by {apart} ({p}).",
            **values,
        )
    values["apart"] = message("{ratio} times", ratio=format_estimate(spread.spread))
    if alike:
        return message(
            "Reply time is consistent across channels: at most {apart} as long, {high} against {low}, no "
            "more than chance allows ({p}).",
            **values,
        )
    return message(
        "Reply time depends on the channel: with touchpoint and period held equal, {high} takes {apart} as "
        "long as {low} ({p}).",
        **values,
    )


def said_p(p_value: float) -> str:
    """p < 0.001, or p = 0.042."""
    return (
        message("p < 0.001") if p_value < 0.001 else message("p = {p}", p=format_number(p_value, 3))
    )


def currency_amount(amount: float | NotEstimable, currency: str) -> str:
    """Money, or a dash."""
    return "–" if isinstance(amount, NotEstimable) else format_money(amount, currency)
