"""Spend on satisfaction in tables: the ladder, what moved it, other forms, what it is worth."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.intervals import scaled
from analysis.methods.spending.horizon import HorizonWorth
from analysis.methods.spending.ladder import Rung
from analysis.methods.spending.study import SpendDepth, SpendStudy
from analysis.methods.spending.worth import Worth, WorthStudy
from analysis.presentation.output import disclosed, show_reason, show_table
from analysis.presentation.spend_words import (
    currency_of,
    moved_name,
    rung_name,
    said_count,
    share_of_raw,
    span_of,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_estimate_lines,
    format_money,
    message,
)

# The lines of the table on worth that the argument needs.
ARGUED = ("per-customer", "base-margin", "horizon")


def _fitted(study: SpendStudy) -> list[Rung]:
    return [rung for rung in study.spend.rungs if isinstance(rung, Rung)]


def _first_reason(study: SpendStudy) -> NotEstimable:
    return next(rung for rung in study.spend.rungs if isinstance(rung, NotEstimable))


def show_ladder_table(study: SpendStudy, disclosure: Disclosure) -> None:
    """The ladder: one line per comparison, spend and margin per point, share of the raw slope."""
    fitted = _fitted(study)
    if not fitted:
        show_reason(_first_reason(study))
        return
    margins = {rung.id: rung for rung in study.margin.rungs if isinstance(rung, Rung)}
    lines, estimates = [], {}
    for rung in fitted:
        key = rung.id.replace("_", "-")
        estimates[f"slope-{key}"] = rung.slope
        margin: Estimate | NotEstimable = NotEstimable("")
        if rung.id in margins:
            margin = margins[rung.id].slope
            estimates[f"margin-slope-{key}"] = margin
        lines.append(
            [
                rung_name(rung.id, study),
                format_estimate_lines(rung.slope, 2),
                share_of_raw(rung, study.spend) or NO_VALUE,
                format_estimate_lines(margin, 2),
            ]
        )
    header = [
        message("Comparison"),
        message("Spend"),
        message("Of raw"),
        message("Margin"),
    ]
    caption = message("Per CSAT point, {unit}, 95% intervals", unit=fitted[0].slope.unit)
    note = message(
        "The same {rows} rows of {customers} customers throughout; errors clustered by customer.",
        rows=said_count(fitted[0].rows, disclosure),
        customers=said_count(fitted[0].customers, disclosure),
    )
    show_table(html_table(header, lines, caption, note=note), "spend-ladder", estimates, disclosure)


def show_accounts(study: SpendStudy) -> None:
    """What each thing held fixed took from the raw slope, and what the customers themselves did."""
    fitted = {rung.id: rung for rung in _fitted(study)}
    if "history" not in fitted or "raw" not in fitted:
        show_reason(_first_reason(study))
        return
    currency = currency_of(fitted["raw"].slope)

    def money(amount: float) -> str:
        return format_money(amount, currency, 2)

    def whole(rung_id: str) -> list[str]:
        return [rung_name(rung_id, study), format_estimate_lines(fitted[rung_id].slope, 2)]

    lines = [whole("raw")]
    lines += [
        [message("held fixed: {what}", what=moved_name(name)), money(-amount)]
        for name, amount in fitted["history"].moved_by
    ]
    lines.append(whole("history"))
    difference = study.spend.difference
    if "fixed_effects" in fitted and isinstance(difference, Estimate):
        step = scaled(difference, -1.0, difference.unit)
        lines.append(
            [
                message("from raw, held fixed: the customer itself, and period"),
                format_estimate_lines(step, 2),
            ]
        )
        lines.append(whole("fixed_effects"))
    caption = message("What moves the slope, {unit}", unit=fitted["raw"].slope.unit)
    note = message(
        "An account in Gelbach's sense (2016): it does not depend on the order in which things are "
        "held fixed. Its single lines are parts of the slopes and have no interval of their own."
    )
    header = [message("Slope"), message("Amount, 95% interval")]
    show_table(html_table(header, lines, caption, note=note))


def show_forms(study: SpendStudy, depth: SpendDepth, disclosure: Disclosure) -> None:
    """The defended comparison in other forms."""
    fixed, forms, silence = study.spend.fixed_effects, depth.forms, depth.silence
    if isinstance(fixed, NotEstimable) or isinstance(forms, NotEstimable):
        show_reason(fixed if isinstance(fixed, NotEstimable) else _reason(forms))
        return
    # Two digits: the limit itself is what some customer spent.
    cut = format_money(float(f"{forms.cut_at:.2g}"), currency_of(fixed.slope), 0)
    span = span_of(fixed.slope)
    weighted = silence if isinstance(silence, NotEstimable) else silence.slope
    corrected: Estimate | NotEstimable = NotEstimable("")
    if not isinstance(study.reliability, NotEstimable):
        corrected = study.reliability.corrected
    margin = study.margin.fixed_effects
    named: list[tuple[str, str, Estimate | NotEstimable, int]] = [
        ("spend", message("Spend (defended)"), fixed.slope, 2),
        ("margin", message("Margin"), margin.slope if isinstance(margin, Rung) else margin, 2),
        ("relative", message("Spend, relative"), forms.elasticity, 1),
        ("buying", message("Share of {span}s with spend", span=span), forms.buying, 1),
        ("if-buying", message("Spend in {span}s with spend", span=span), forms.if_buying, 2),
        ("winsorised", message("Spend, cut at about {cut}", cut=cut), forms.winsorised, 2),
        ("weighted", message("Spend, weighted for who answers"), weighted, 2),
        ("corrected", message("Spend, corrected for noise in answers"), corrected, 2),
    ]
    lines = [[name, format_estimate_lines(estimate, digits)] for _, name, estimate, digits in named]
    estimates = {key: estimate for key, _, estimate, _ in named if isinstance(estimate, Estimate)}
    note = message(
        "All within customers and periods. A dash: the data do not bear the figure, for the reason "
        "given in the text. Shares with spend are in percentage points; relative spend leaves out "
        "those who never spent ({never}).",
        never=said_count(forms.never_spent, disclosure),
    )
    show_table(
        html_table(
            [message("What is compared"), message("Per CSAT point, 95% interval")],
            lines,
            message("The defended comparison in other forms"),
            note=note,
        ),
        "spend-forms",
        estimates,
        disclosure,
    )


def _reason(value: object) -> NotEstimable:
    assert isinstance(value, NotEstimable)
    return value


def _parts(horizon: HorizonWorth | NotEstimable) -> tuple[Estimate | NotEstimable, ...]:
    if isinstance(horizon, NotEstimable):
        return horizon, horizon, horizon
    return horizon.by_spend, horizon.by_staying, horizon.total


def _over_base(
    value: Estimate | NotEstimable, active: int, disclosure: Disclosure
) -> Estimate | NotEstimable:
    """A sum over all active customers, of as many as may be published.

    Divided by the figure per customer, an exact sum would give away the exact count.
    """
    shown = disclosure.count(active)
    if isinstance(value, NotEstimable) or not shown or not active:
        return value
    return scaled(value, shown / active, value.unit)


def _column(
    worth: Worth, active: int, disclosure: Disclosure
) -> tuple[Estimate | NotEstimable, ...]:
    base = _over_base(worth.base, active, disclosure)
    margin = _over_base(worth.base_margin, active, disclosure)
    return (worth.per_customer, base, margin, *_parts(worth.horizon))


def show_worth_table(worth: WorthStudy, disclosure: Disclosure, whole: bool = False) -> None:
    """What one CSAT point and ten NPS points go with: per customer, for the base, in time.

    whole: with spend of the base and the parts of the sum over the horizon.
    """
    csat, nps = (
        [
            disclosed(value, disclosure)
            for value in _column(each, worth.active_customers, disclosure)
        ]
        for each in (worth.csat, worth.nps)
    )
    known = [value for value in (*csat, *nps) if isinstance(value, Estimate)]
    if not known:
        show_reason(csat[0])
        return
    span = next((span_of(value) for value in known if " per " in value.unit), message("period"))
    months = worth.horizon_months
    names = [
        ("per-customer", message("Spend of an active customer, per {span}", span=span)),
        ("base", message("Spend of all active customers, per {span}", span=span)),
        ("base-margin", message("Margin of all active customers, per {span}", span=span)),
        ("horizon-spend", message("Margin over {m} months: spend of those who stay", m=months)),
        ("horizon-staying", message("Margin over {m} months: how many stay", m=months)),
        ("horizon", message("Margin over {m} months: spend and staying together", m=months)),
    ]
    lines: list[list[str]] = []
    estimates: dict[str, Estimate | NotEstimable] = {}
    for (key, name), point, ten in zip(names, csat, nps, strict=True):
        decimals = 2 if key == "per-customer" else 0
        if whole or key in ARGUED:
            lines.append(
                [name, format_estimate_lines(point, decimals), format_estimate_lines(ten, decimals)]
            )
        estimates |= {f"csat-{key}": point, f"nps-{key}": ten}
    note = message(
        "Associations, not effects; carried over to all customers active at the end ({active}), those "
        "who never answered among them. Ten NPS points: one customer in ten moves up a group.",
        active=said_count(worth.active_customers, disclosure),
    )
    if whole:
        note += " " + message(
            "Over the horizon: discounted at month ends, for active customers who answered, can gain, "
            "and whose horizon lies within follow-up; intervals count margin and slope jointly, hazard "
            "ratio and survival curve as independent of them. Figures per period hold the zeros of "
            "those who leave in it; they must not be added to those over the horizon."
        )
    header = [message("What goes with it"), message("One CSAT point"), message("Ten NPS points")]
    caption = message("What a higher score goes with, {currency}", currency=currency_of(known[0]))
    shown = {key: value for key, value in estimates.items() if isinstance(value, Estimate)}
    table = html_table(header, lines, caption, note=note)
    if whole:
        show_table(table)
    else:
        show_table(table, "spend-worth", shown, disclosure)
