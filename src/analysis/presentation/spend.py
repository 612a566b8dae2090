"""Spend on satisfaction in words, tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.spending import Rung, SpendStudy
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.output import (
    disclosed,
    show_figure,
    show_finding,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_interval,
    format_money,
    format_number,
    format_value,
    message,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Below this p-value a future score that predicts present spend is not put down to chance.
FEEDBACK_P_VALUE = 0.05


def rung_name(rung_id: str, study: SpendStudy) -> str:
    """A rung of the ladder as readers know it, with the controls that these data have."""
    if rung_id == "customer":
        return message("+ {controls}", controls=", ".join(_controls(study)))
    return {
        "raw": message("Raw: satisfied against dissatisfied"),
        "history": message("+ spend in the period before"),
        "fixed_effects": message("Each customer against itself (defended)"),
    }[rung_id]


def _controls(study: SpendStudy) -> list[str]:
    words = {
        "segment": message("segment"),
        "acquisition_channel": message("channel"),
        "region": message("region"),
        "tenure": message("tenure"),
    }
    names = () if isinstance(study.rows, NotEstimable) else study.rows.control_names
    held = {name.split(":")[0] for name in names}
    return [word for name, word in words.items() if name in held] + [message("period")]


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
            "period. Spend is net of refunds; periods without an order count as zero. The answer of "
            "{changing} customers changes at least once: the defended comparison draws its slope "
            "from them, the others only help to tell periods apart.",
            rows=_count(rows.n, disclosure),
            customers=_count(rows.customers, disclosure),
            unscored=_count(rows.left_out_unscored, disclosure),
            stale=_count(rows.left_out_stale, disclosure),
            first=_count(rows.left_out_first, disclosure),
            days=format_count(study.oldest_answer_days),
            changing=_count(rows.changing_customers, disclosure),
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
            rung_name(rung.id, study),
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
    show_table(html_table(header, lines, caption, note=note), "spend-ladder", estimates, disclosure)


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
    axes.set_yticks(range(len(fitted)), [rung_name(rung.id, study) for rung in reversed(fitted)])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(-0.5, len(fitted) - 0.3)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(message("Spend per CSAT point, {unit}", unit=fitted[0].slope.unit))
    said = "; ".join(
        f"{rung_name(rung.id, study)} {format_estimate(rung.slope, 2)}" for rung in fitted
    )
    return figure, message("Spend per CSAT point by comparison: {said}.", said=said)


def draw_steps(study: SpendStudy, disclosure: Disclosure) -> tuple[Figure | NotEstimable, str]:
    """Mean spend by score, between customers and within them; and its alt text.

    Scores that too few customers gave are left out.
    """
    steps = study.steps
    if isinstance(steps, NotEstimable):
        return steps, ""
    shown = [i for i, mean in enumerate(steps.raw) if not disclosure.suppressed(mean.n)]
    if not shown:
        return NotEstimable(message("Withheld: every score was given by fewer than eight.")), ""
    scores = [steps.scores[i] for i in shown]
    figure, (axes,) = new_figure(height=3.4)
    raw = [steps.raw[i] for i in shown]
    series = [(message("between customers (raw)"), raw, MUTED, -0.06, "s")]
    if not isinstance(steps.own, NotEstimable):
        own = [steps.own[i] for i in shown]
        series.append((message("the same customers over time"), own, PALETTE[0], 0.06, "o"))
    for label, means, colour, shift, marker in series:
        places = [score + shift for score in scores]
        for place, mean in zip(places, means, strict=True):
            if mean.lower is not None and mean.upper is not None:
                axes.plot([place, place], [mean.lower, mean.upper], color=colour, linewidth=1.6)
        values = [mean.value for mean in means]
        axes.plot(places, values, marker=marker, color=colour, markersize=6, label=label)
    axes.set_xticks(scores)
    axes.set_xlabel(message("Last CSAT answer before the period opened"))
    axes.set_ylabel(message("Mean spend, {unit}", unit=steps.raw[0].unit))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    said = "; ".join(
        message(
            "CSAT {score}: {means}",
            score=f"{score:g}",
            means=", ".join(
                f"{label} {format_value(means[place].value, means[place].unit, 0)}"
                for label, means, *_ in series
            ),
        )
        for place, score in enumerate(scores)
    )
    return figure, message("Mean spend by CSAT: {said}.", said=said)


def show_ladder_figure(study: SpendStudy) -> None:
    """Show the ladder as a figure."""
    show_figure(*draw_ladder(study))


def show_steps_figure(study: SpendStudy, disclosure: Disclosure) -> None:
    """Show mean spend by score as a figure."""
    show_figure(*draw_steps(study, disclosure))


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
    values = {
        "raw": format_money(raw.slope.value, currency, 2),
        "own": format_money(fixed.slope.value, currency, 2),
        "rest": format_estimate(share, 0),
    }
    assert share.lower is not None
    assert share.upper is not None
    if share.upper < 0:
        return message(
            "The sign turns: compared with one another, customers differ by {raw} per point; "
            "compared with themselves over time, by {own}.",
            **values,
        )
    if share.lower <= 0:
        return message(
            "Whether any of the raw association survives cannot be told from these data: {raw} per "
            "point between customers, {own} within the same customer, a share of {rest}.",
            **values,
        )
    if share.upper < 1:
        return message(
            "{rest} of the raw association survives: customers who differ by one point differ in "
            "spend by {raw}, but when the same customer's answer changes by one point, spend goes "
            "with it by {own}. That is consistent with customers who are easier to satisfy spending "
            "more anyway, and with noise in single answers; it proves neither.",
            **values,
        )
    if share.lower > 1:
        return message(
            "The association is stronger within the same customer: {raw} per point between "
            "customers, {own} when a customer's own answer changes ({rest}).",
            **values,
        )
    return message(
        "The association holds up as far as these data can tell: {raw} per point between customers, "
        "{own} within the same customer ({rest}).",
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
                first=rung_name(first, study),
                second=rung_name(second, study),
            )
        )


def find_spend(study: SpendStudy) -> Finding | NotEstimable:
    """The finding on spend, worded by what the data show."""
    fixed = study.fixed_effects
    if isinstance(fixed, NotEstimable):
        return fixed
    slope = fixed.slope
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


def find_raw_slope(study: SpendStudy) -> Finding | None:
    """What the raw figure would have made of a point, where that differs from the defended one.

    None unless the raw interval excludes the defended slope and their difference is more than
    chance allows, which a defended slope known only roughly does not show.
    """
    raw, fixed, difference = study.raw, study.fixed_effects, study.difference
    if not (isinstance(raw, Rung) and isinstance(fixed, Rung) and isinstance(difference, Estimate)):
        return None
    if not (_excludes(raw.slope, fixed.slope.value) and _excludes(difference, 0)):
        return None
    values = {
        "raw": format_estimate(raw.slope, 2),
        "own": format_estimate(fixed.slope, 2),
        "span": raw.slope.unit.split("-")[-1],
    }
    if raw.slope.value * fixed.slope.value < 0:
        kind = "turns"
        sentence = message(
            "Customers set against one another point the wrong way: {raw} per point and {span}, "
            "against {own} when each is compared with itself.", **values,
        )  # fmt: skip
    elif abs(raw.slope.value) > abs(fixed.slope.value):
        kind = "overstates"
        sentence = message(
            "Setting satisfied customers against dissatisfied ones overstates what goes with a point: "
            "{raw} per {span}, against {own} when each is compared with itself.", **values,
        )  # fmt: skip
    else:
        kind = "understates"
        sentence = message(
            "Setting satisfied customers against dissatisfied ones understates what goes with a "
            "point: {raw} per {span}, against {own} when each is compared with itself.", **values,
        )  # fmt: skip
    estimates = {"raw-slope": raw.slope, "slope": fixed.slope, "difference": difference}
    if isinstance(study.share_surviving, Estimate):
        estimates["share-surviving"] = study.share_surviving
    return Finding(
        id=f"raw-slope-{kind}",
        sentence=sentence,
        estimates=estimates,
        label="description",
        assumption=message(
            "Both figures rest on the same customers and periods. Noise in single answers can be part "
            "of the difference."
        ),
    )


def _excludes(estimate: Estimate, value: float) -> bool:
    low, high = estimate.lower, estimate.upper
    return low is not None and high is not None and not low <= value <= high


def show_findings(study: SpendStudy, disclosure: Disclosure) -> None:
    """Show the finding on spend and, where the raw figure misleads, the finding that it does."""
    show_finding(find_spend(study), disclosure=disclosure)
    raw = find_raw_slope(study)
    if raw is not None:
        show_finding(raw, disclosure=disclosure)


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
                "Feedback check: no evidence that spend moves scores. The next score goes with "
                "present spend by {said} per point (p = {p}); what lies in that interval cannot be "
                "ruled out.",
                **values,
            )
        )


def show_worth(study: SpendStudy, disclosure: Disclosure) -> None:
    """Show what a point is worth per customer, for the base, and over the horizon."""
    base = disclosed(study.worth_base, disclosure)
    horizon = disclosed(study.worth_horizon, disclosure)
    fixed = study.fixed_effects
    if isinstance(base, NotEstimable) or isinstance(horizon, NotEstimable):
        show_reason(base if isinstance(base, NotEstimable) else horizon)
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
        message("Value, 95% interval"),
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
        disclosure,
    )
