"""What everybody says, beside this company's figures: the table of notebook 07."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.lifetime_value.retention_worth import RetentionWorth
from analysis.methods.received_wisdom.retention import WITHOUT_END
from analysis.methods.received_wisdom.study import ReceivedWisdom, Row
from analysis.presentation.output import disclosed, show_reason, show_sentence, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_money,
    format_number,
    format_value,
    message,
    message_for,
)

SIGNIFICANT = 0.05
UNTESTED = "cannot be tested here"
EFFECTS = ("experiment", "quasi-experiment")
TWO_DECIMALS = ("points", "ratio", "hazard ratio")


def _said(row: Row) -> str:
    said = message(row.claim.said)
    return message("{said}: {about}", said=said, about=row.about) if row.about else said


def _said_and_printed(row: Row) -> str:
    """The claim with its published figure, if it has one."""
    published = row.claim.published
    if published is None:
        return _said(row)
    decimals = 0 if published.unit == "share" else 2
    low, high = (
        format_value(value, published.unit, decimals) for value in (published.low, published.high)
    )
    figure = low if low == high else message("{low} to {high}", low=low, high=high)
    return message("{said} (published: {figure})", said=_said(row), figure=figure)


def _key(row: Row) -> str:
    return f"{row.claim.id}, {row.about}" if row.about else row.claim.id


def _ours(row: Row, disclosure: Disclosure) -> Estimate | NotEstimable:
    if isinstance(row.reading, NotEstimable):
        return row.reading
    shown = disclosed(row.reading.estimate, disclosure)
    assert isinstance(shown, (Estimate, NotEstimable))
    return shown


def _withheld(row: Row, disclosure: Disclosure) -> bool:
    ours = _ours(row, disclosure)
    return isinstance(ours, NotEstimable) and not isinstance(row.reading, NotEstimable)


def _decimals(unit: str) -> int | None:
    return 2 if unit in TWO_DECIMALS else None


def _lines(estimate: Estimate | NotEstimable) -> str:
    if isinstance(estimate, NotEstimable):
        return NO_VALUE
    return format_estimate_lines(estimate, _decimals(estimate.unit))


def _measure(row: Row) -> str:
    """What of ours is measured, what reaches further where the published figure does, the remark."""
    measure = message(row.claim.measure)
    if isinstance(row.reading, NotEstimable):
        return measure
    if WITHOUT_END in row.reading.asides:
        further = format_value(row.reading.asides[WITHOUT_END].value, "share", 0)
        measure = message(
            "{measure}; {further} if extrapolated without end", measure=measure, further=further
        )
    if not row.reading.remark:
        return measure
    remark = message(row.reading.remark).removesuffix(".")
    remark = remark[:1].lower() + remark[1:]
    return message("{measure} · {remark}", measure=measure, remark=remark)


def _settled(row: Row) -> str:
    """What would settle a verdict; nothing more where chance decided who was treated."""
    if row.label == "experiment":
        return message("chance decided here")
    return message(row.claim.settled_by)


def _verdict(row: Row, disclosure: Disclosure) -> str:
    if _withheld(row, disclosure):
        return message("withheld")
    verdict = message(row.verdict.word)
    return f"{verdict}\n{message(row.label)}" if row.label else verdict


def _sorted(wisdom: ReceivedWisdom) -> list[Row]:
    """Rows with a verdict first; the order of the catalogue within."""
    return sorted(wisdom.rows, key=lambda row: row.verdict.word == UNTESTED)


def show_summary(wisdom: ReceivedWisdom) -> None:
    """How many claims there are, and what became of them."""
    words: list[str] = [row.verdict.word for row in wisdom.rows]
    holds, weaker, stronger, refuted, untested = (
        words.count(word) for word in ("holds", "weaker", "stronger", "not supported", UNTESTED)
    )
    said = [
        (holds, message_for("{count} holds", "{count} hold", holds)),
        (weaker, message_for(
            "{count} points the way it is said, but is weaker",
            "{count} point the way they are said, but are weaker", weaker,
        )),
        (stronger, message_for("{count} is stronger than said", "{count} are stronger than said", stronger)),
        (refuted, message_for("{count} is not supported", "{count} are not supported", refuted)),
        (untested, message_for("{count} cannot be tested here", "{count} cannot be tested here", untested)),
    ]  # fmt: skip
    show_sentence(
        message(
            "Of {all} things that are said: {parts}.",
            all=format_count(len(words)), parts="; ".join(text for n, text in said if n),
        )
    )  # fmt: skip


def show_claims(wisdom: ReceivedWisdom, disclosure: Disclosure) -> None:
    """Every claim that can be tested here: verdict, what would settle it, published figure, ours."""
    rows, estimates = [], {}
    for row in wisdom.rows:
        if not isinstance(row.reading, NotEstimable):
            estimates[_key(row)] = row.reading.estimate
        if row.verdict.word == UNTESTED:
            continue
        beneath = message(
            "{measure} · to settle it: {settled}",
            measure=_measure(row), settled=_settled(row),
        )  # fmt: skip
        said = f"{_said_and_printed(row)}\n{beneath}"
        rows.append([said, _verdict(row, disclosure), _lines(_ours(row, disclosure))])
    if not rows:
        show_sentence(message("None of it can be tested on these data."))
        return
    head = [message("What is said"), message("Verdict here"), message("Ours")]
    note = message(
        "Beneath each claim: what of ours is measured, and what would settle it; beneath each verdict: "
        "the kind of evidence. An association stays one however the claim is worded. Limits of ours: "
        "95%, one row at a time. Where each is said stands below, folded away."
    )
    caption = message("What is said, and what is found here")
    html = html_table(head, rows, caption, text_columns=2, note=note)
    show_table(html, "received-wisdom", estimates, disclosure)


def show_untested(wisdom: ReceivedWisdom) -> None:
    """Every claim that cannot be tested here, and what it would need."""
    rows = [
        [_said_and_printed(row), message(row.verdict.needs)]
        for row in wisdom.rows
        if row.verdict.word == UNTESTED
    ]
    if rows:
        head = [message("What is said"), message("What it would need")]
        caption = message("Cannot be tested here")
        show_table(html_table(head, rows, caption, text_columns=2))


def show_trust(wisdom: ReceivedWisdom) -> None:
    """What many comparisons at once leave, and what kind of evidence the verdicts rest on."""
    tested = [row for row in wisdom.rows if row.p_value is not None]
    if not tested:
        show_sentence(message("Nothing was compared, so nothing can be found by chance."))
        return
    lost = [
        _said(row) for row in tested if (row.p_value or 0) < SIGNIFICANT <= (row.p_value_holm or 0)
    ]
    opening = message_for(
        "{count} figure was set against no difference",
        "{count} figures were set against no difference",
        len(tested),
    )
    if not lost:
        show_sentence(
            message(
                "{opening}; whatever stands out on its own stands out of all of them together as well "
                "(Holm).",
                opening=opening,
            )
        )
    else:
        show_sentence(
            message(
                "{opening}. Taken together (Holm), some that stand out on their own might be chance: "
                "{lost}.",
                opening=opening, lost="; ".join(lost),
            )
        )  # fmt: skip
    judged = [row for row in wisdom.rows if row.verdict.word != UNTESTED]
    caused = sum(row.label in EFFECTS for row in judged)
    show_sentence(
        message(
            "Verdicts that rest on an experiment or a quasi-experiment: {caused}; on an association or a "
            "description: {others}. The latter say what goes together here, not what brings it about.",
            caused=format_count(caused), others=format_count(len(judged) - caused),
        )
    )  # fmt: skip


def show_missed(wisdom: ReceivedWisdom, disclosure: Disclosure) -> None:
    """How large a difference would have shown, where none could be told."""
    rows = []
    for row in _sorted(wisdom):
        reading, seen = row.reading, row.verdict.detectable
        if isinstance(reading, NotEstimable) or seen is None or _withheld(row, disclosure):
            continue
        unit = reading.estimate.unit
        matters = reading.value_at(reading.smallest)
        rows.append(
            [
                _said(row) + f"\n{message(row.claim.measure)}",
                message(row.verdict.word),
                _lines(reading.estimate),
                format_value(matters, unit, _decimals(unit)),
                format_value(seen, unit, _decimals(unit)),
            ]
        )
    if not rows:
        show_sentence(message("Every figure that was compared can be told from no difference."))
        return
    head = [
        message("What is said"), message("Verdict here"), message("Ours"), message("Would matter"),
        message("Would have shown"),
    ]  # fmt: skip
    note = message(
        "Would matter: declared beforehand. Would have shown: told from no difference in four of five "
        "samples like this one. Not supported: everything that would matter lies outside the interval."
    )
    caption = message("Figures that cannot be told from no difference")
    show_table(html_table(head, rows, caption, text_columns=2, note=note))


def show_sources(wisdom: ReceivedWisdom) -> None:
    """Where each claim is printed, and what exactly was compared."""
    seen: dict[str, list[str]] = {}
    for row in wisdom.rows:
        claim = row.claim
        compared = message(claim.compared) if claim.compared else NO_VALUE
        seen.setdefault(claim.id, [message(claim.said), message(claim.source), compared])
    head = [message("What is said"), message("Where"), message("What was compared")]
    caption = message("Sources, and how each claim was read")
    show_table(html_table(head, list(seen.values()), caption, text_columns=3))


def show_asides(wisdom: ReceivedWisdom, disclosure: Disclosure) -> None:
    """Further figures that belong to a row."""
    rows, estimates = [], {}
    for row in _sorted(wisdom):
        if isinstance(row.reading, NotEstimable) or _withheld(row, disclosure):
            continue
        for name, aside in row.reading.asides.items():
            shown = disclosed(aside, disclosure)
            rows.append([_said(row), message(name), _lines(shown)])
            estimates[f"{_key(row)}, {name}"] = aside
    if not rows:
        show_sentence(message("No further figures belong to these rows."))
        return
    head = [message("What is said"), message("Beside it"), message("Ours")]
    html = html_table(head, rows, message("Figures beside those above"), text_columns=2)
    show_table(html, "received-wisdom-beside", estimates, disclosure)


def show_nearest(wisdom: ReceivedWisdom, disclosure: Disclosure) -> None:
    """The latest half-year that can be set beside the first, where the published one cannot."""
    if isinstance(wisdom.nearest, NotEstimable):
        show_reason(wisdom.nearest)
        return
    last, reading = wisdom.nearest
    estimate = disclosed(reading.estimate, disclosure)
    if isinstance(estimate, NotEstimable):
        show_reason(estimate)
        return
    show_sentence(
        message(
            "Of repeat buyers, what can be seen reaches to month {last}: those still there then spent "
            "{rise} more in months {first} to {last} than in their first six. It is not the published "
            "comparison, and whatever changed for everybody meanwhile, programmes included, is in it.",
            rise=format_estimate(estimate), first=last - 5, last=last,
        )
        if estimate.value >= 0
        else message(
            "Of repeat buyers, what can be seen reaches to month {last}: spend of those still there then "
            "changed by {rise} from their first six months to months {first} to {last}. It is not the "
            "published comparison, and whatever changed for everybody meanwhile is in it.",
            rise=format_estimate(estimate), first=last - 5, last=last,
        )
    )  # fmt: skip


def show_worth(
    worth: tuple[RetentionWorth, RetentionWorth] | NotEstimable,
    currency: str,
    disclosure: Disclosure,
) -> None:
    """The claim on retention in this company's money."""
    if isinstance(worth, NotEstimable):
        show_reason(worth)
        return
    gain = worth[0].active
    if isinstance(gain, NotEstimable):
        show_reason(gain)
        return
    money = disclosed(gain.gain, disclosure)
    if isinstance(money, NotEstimable) or money.lower is None or money.upper is None:
        show_sentence(message("What retention would be worth is withheld."))
        return
    show_sentence(
        message(
            "The claim most often quoted, in money: five points more of yearly retention would keep "
            "{money} ({low} to {high}) of margin over {months} months among those active, {times} per "
            "cent of what they bring. It is arithmetic: what raising retention costs is not in it, and a "
            "programme that costs more than that does not pay however often the claim is repeated.",
            money=format_money(money.value, currency), low=format_money(money.lower, currency),
            high=format_money(money.upper, currency), months=format_count(worth[0].horizon_months),
            times=format_number(100 * gain.lift.value, 1),
        )
    )  # fmt: skip
