"""Spend on satisfaction in words, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.spending import OLDEST_ANSWER_DAYS, PanelRows, Rung, SpendStudy
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_interval,
    format_money,
    format_number,
    format_share,
    format_value,
    message,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Below this p-value a future score that predicts present spend is not put down to chance.
FEEDBACK_P_VALUE = 0.05


def rung_name(rung_id: str) -> str:
    """A rung of the ladder as readers know it."""
    return {
        "raw": message("Raw: satisfied against dissatisfied"),
        "customer": message("+ segment, channel, region, tenure, period"),
        "history": message("+ spend in the period before"),
        "fixed_effects": message("Each customer against itself (defended)"),
    }[rung_id]


def show_rows(study: SpendStudy, disclosure: Disclosure) -> None:
    """Say what the ladder stands on, and what was left out."""
    rows = study.rows
    if isinstance(rows, NotEstimable):
        show_reason(rows)
        return
    show_sentence(
        message(
            "{rows} customer-periods of {customers} customers; left out: {unscored} without an "
            "answer, {stale} whose last answer is older than {days} days, {first} in their first "
            "period. Spend is net of refunds; periods without an order count as zero.",
            rows=_count(rows.n, disclosure),
            customers=_count(rows.customers, disclosure),
            unscored=_count(rows.left_out_unscored, disclosure),
            stale=_count(rows.left_out_stale, disclosure),
            first=_count(rows.left_out_first, disclosure),
            days=OLDEST_ANSWER_DAYS,
        )
    )


def _count(n: int, disclosure: Disclosure) -> str:
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)


def show_ladder_table(study: SpendStudy, disclosure: Disclosure) -> None:
    """The ladder: one line per comparison, slope with interval, rows and customers."""
    fitted = [rung for rung in study.rungs if isinstance(rung, Rung)]
    if not fitted:
        show_reason(next(rung for rung in study.rungs if isinstance(rung, NotEstimable)))
        return
    lines = [
        [
            rung_name(rung.id),
            format_money(rung.slope.value, _currency(rung.slope), 2),
            format_interval(rung.slope, 2),
            _count(rung.rows, disclosure),
            _count(rung.customers, disclosure),
        ]
        for rung in fitted
    ]
    header = [
        message("Comparison"),
        message("Per point"),
        message("95% interval"),
        message("Rows"),
        message("Customers"),
    ]
    caption = message("Spend per CSAT point, {unit}", unit=fitted[0].slope.unit)
    note = message(
        "Standard errors are clustered by customer: HC0 × G/(G−1), t with G−1 degrees of freedom; "
        "absorbed customer and period effects are not counted."
    )
    estimates = {f"slope-{rung.id.replace('_', '-')}": rung.slope for rung in fitted}
    show_table(html_table(header, lines, caption, note=note), "spend-ladder", estimates)


def _currency(estimate: Estimate) -> str:
    return estimate.unit.split(" ", 1)[0]


def draw_ladder(study: SpendStudy) -> tuple[Figure | NotEstimable, str]:
    """Dots with intervals, one per comparison, the defended one in colour; and its alt text."""
    fitted = [rung for rung in study.rungs if isinstance(rung, Rung)]
    if not fitted:
        return next(rung for rung in study.rungs if isinstance(rung, NotEstimable)), ""
    figure, (axes,) = new_figure(height=0.7 + 0.62 * len(fitted))
    for place, rung in enumerate(reversed(fitted)):
        defended = rung.id == "fixed_effects"
        colour = PALETTE[0] if defended else MUTED
        low, high = rung.slope.lower or 0.0, rung.slope.upper or 0.0
        axes.plot([low, high], [place, place], color=colour, linewidth=2.4)
        axes.plot(rung.slope.value, place, "o", color=colour, markersize=8)
        label = format_money(rung.slope.value, _currency(rung.slope), 2)
        axes.annotate(
            label, (rung.slope.value, place), (0, 8), textcoords="offset points", ha="center",
            color=colour, fontweight="bold" if defended else "normal",
        )  # fmt: skip
    axes.set_yticks(range(len(fitted)), [rung_name(rung.id) for rung in reversed(fitted)])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(-0.5, len(fitted) - 0.3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(message("Spend per CSAT point, {unit}", unit=fitted[0].slope.unit))
    said = "; ".join(f"{rung_name(rung.id)} {format_estimate(rung.slope, 2)}" for rung in fitted)
    return figure, message("Spend per CSAT point by comparison: {said}.", said=said)


def draw_steps(study: SpendStudy) -> tuple[Figure | NotEstimable, str]:
    """Mean spend by score, between customers and within them; and its alt text."""
    steps = study.steps
    if isinstance(steps, NotEstimable):
        return steps, ""
    figure, (axes,) = new_figure(height=3.4)
    series = (
        (message("between customers (raw)"), steps.raw, MUTED, -0.06, "s"),
        (message("the same customers over time"), steps.own, PALETTE[0], 0.06, "o"),
    )
    for label, means, colour, shift, marker in series:
        places = [score + shift for score in steps.scores]
        for place, mean in zip(places, means, strict=True):
            if mean.lower is not None:
                axes.plot([place, place], [mean.lower, mean.upper], color=colour, linewidth=1.6)
        values = [mean.value for mean in means]
        axes.plot(places, values, marker=marker, color=colour, markersize=6, label=label)
    axes.set_xticks(list(steps.scores))
    axes.set_xlabel(message("Last CSAT answer before the period opened"))
    axes.set_ylabel(message("Mean spend, {unit}", unit=steps.raw[0].unit))
    axes.legend(loc="upper left")
    said = "; ".join(
        f"CSAT {score:g}: {format_value(raw.value, raw.unit, 0)} raw, "
        f"{format_value(own.value, own.unit, 0)} within"
        for score, raw, own in zip(steps.scores, steps.raw, steps.own, strict=True)
    )
    return figure, message("Mean spend by CSAT: {said}.", said=said)


def show_ladder_figure(study: SpendStudy) -> None:
    """Show the ladder as a figure."""
    show_figure(*draw_ladder(study))


def show_steps_figure(study: SpendStudy) -> None:
    """Show mean spend by score as a figure."""
    show_figure(*draw_steps(study))


def word_surviving(study: SpendStudy) -> str | NotEstimable:
    """How much of the raw association survives the fair comparison."""
    raw, fixed, share = study.raw, study.fixed_effects, study.share_surviving
    if isinstance(raw, NotEstimable):
        return raw
    if isinstance(fixed, NotEstimable):
        return fixed
    if isinstance(share, NotEstimable):
        return share
    currency = _currency(raw.slope)
    rest = format_share(share.value, 0)
    values = {
        "raw": format_money(raw.slope.value, currency, 2),
        "own": format_money(fixed.slope.value, currency, 2),
        "rest": rest,
    }
    if share.value < 0:
        return message(
            "The sign turns: compared with one another, customers differ by {raw} per point; "
            "compared with themselves over time, by {own}.",
            **values,
        )
    if share.value < 0.9:
        return message(
            "{rest} of the raw association survives: customers who differ by one point differ in "
            "spend by {raw}, but when the same customer's answer changes by one point, spend goes "
            "with it by {own}. The raw figure overstates, because customers who are easier to "
            "satisfy spend more anyway.",
            **values,
        )
    return message(
        "The association holds up: {raw} per point between customers, {own} within the same "
        "customer ({rest}).",
        **values,
    )


def show_surviving(study: SpendStudy) -> None:
    """Show how much survives, and any sign that turns between comparisons."""
    sentence = word_surviving(study)
    if isinstance(sentence, NotEstimable):
        show_reason(sentence)
        return
    show_sentence(sentence)
    for first, second in study.sign_flips:
        show_sentence(
            message(
                "The sign changes between “{first}” and “{second}”: what the second holds fixed "
                "worked against the first. The question is answered by the defended comparison.",
                first=rung_name(first),
                second=rung_name(second),
            )
        )


def find_spend(study: SpendStudy) -> Finding | NotEstimable:
    """The finding on spend, worded by what the data show."""
    fixed = study.fixed_effects
    if isinstance(fixed, NotEstimable):
        return fixed
    slope = fixed.slope
    currency = _currency(slope)
    said = format_estimate(slope, 2)
    assert slope.lower is not None
    assert slope.upper is not None
    span = slope.unit.split("-")[-1]
    if slope.lower > 0:
        sentence = message(
            "When a customer's satisfaction is one point higher than it used to be, spend is "
            "{said} higher per {span}.", said=said, span=span,
        )  # fmt: skip
    elif slope.upper < 0:
        sentence = message(
            "When a customer's satisfaction is one point higher than it used to be, spend is lower: "
            "{said} per {span}.", said=said, span=span,
        )  # fmt: skip
    else:
        sentence = message(
            "Whether spend goes with a customer's own satisfaction cannot be told from these data: "
            "{said} per point and {span}.", said=said, span=span,
        )  # fmt: skip
    estimates: dict[str, Estimate] = {"slope": slope}
    if isinstance(study.raw, Rung):
        estimates["raw-slope"] = study.raw.slope
    if isinstance(study.share_surviving, Estimate):
        estimates["share-surviving"] = study.share_surviving
    money = study.worth_horizon if isinstance(study.worth_horizon, Estimate) else None
    if money is not None:
        estimates["worth"] = money
    del currency
    return Finding(
        id="satisfied-customers-spend-more",
        sentence=sentence,
        estimates=estimates,
        label="association",
        assumption=message(
            "Assumes that nothing that changes over time moves both satisfaction and spend, and that "
            "past spend does not move scores."
        ),
        money=money,
    )


def show_trust(study: SpendStudy) -> None:
    """Say whether a future score predicts present spend, and what follows."""
    slope, p_value = study.feedback, study.feedback_p_value
    if isinstance(slope, NotEstimable):
        show_reason(slope)
        return
    assert isinstance(p_value, float)
    values = {"said": format_estimate(slope, 2), "p": format_number(p_value, 3)}
    if p_value < FEEDBACK_P_VALUE:
        show_sentence(
            message(
                "Feedback check: the next score goes with present spend ({said} per point, p = {p}). "
                "Spend may move scores, or something moves both; read the defended figure with care.",
                **values,
            )
        )
    else:
        show_sentence(
            message(
                "Feedback check: the next score does not predict present spend ({said} per point, "
                "p = {p}), as it should be if spend does not move scores.",
                **values,
            )
        )


def show_worth(study: SpendStudy) -> None:
    """Show what a point is worth per customer, for the base, and over the horizon."""
    base, horizon, fixed = study.worth_base, study.worth_horizon, study.fixed_effects
    if isinstance(base, NotEstimable) or isinstance(horizon, NotEstimable):
        show_reason(base if isinstance(base, NotEstimable) else horizon)  # type: ignore[arg-type]
        return
    assert isinstance(fixed, Rung)
    rows = [
        [message("Spend, per customer active"), format_estimate(fixed.slope, 2), fixed.slope.unit],
        [message("Spend, all active customers"), format_estimate(base), base.unit],
        [
            message("Margin over {months} months, discounted", months=study.horizon_months),
            format_estimate(horizon),
            horizon.unit,
        ],
    ]
    header = [
        message("If every answer were one point higher"),
        message("95% interval"),
        message("Unit"),
    ]
    note = message(
        "An association carried over to everybody, nobody leaving or joining; the effect of raising "
        "satisfaction is only known after trying."
    )
    estimates = {"per-customer": fixed.slope, "base": base, "horizon": horizon}
    show_table(
        html_table(header, rows, message("What one CSAT point goes with"), note=note),
        "spend-worth",
        estimates,
    )


__all__ = [
    "PanelRows", "draw_ladder", "draw_steps", "find_spend", "show_ladder_figure", "show_ladder_table",
    "show_rows", "show_steps_figure", "show_surviving", "show_trust", "show_worth", "word_surviving",
]  # fmt: skip
