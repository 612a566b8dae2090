"""Who may leave next, in words and pictures; the list itself goes beside the report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.survival.at_risk import AtRiskList, AtRiskSummary
from analysis.methods.survival.outlook import ChurnOutlook
from analysis.methods.survival.prediction import PredictionCheck
from analysis.methods.survival.silence_check import SilenceCheck
from analysis.presentation.figures import INK, MUTED, PALETTE, new_figure
from analysis.presentation.lists import write_list
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
    format_count,
    format_estimate,
    format_number,
    format_share,
    message,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANCE = 0.5
LIST_NAME = "customers_at_risk"


def _show_silence_check(check: SilenceCheck | NotEstimable) -> None:
    """How the list did a quarter earlier, where it rests on how long customers have been silent."""
    if isinstance(check, NotEstimable):
        show_reason(check)
        return
    sentence = message(
        "The list of customers at risk rests on how long each has been silent. Drawn up {days} days earlier, it "
        "expected {expected} to be lost in them; {observed} were.",
        days=check.days, expected=format_estimate(check.expected), observed=format_estimate(check.observed),
    )  # fmt: skip
    low, high = check.expected.lower, check.expected.upper
    if low is not None and high is not None and not low <= check.observed.value <= high:
        sentence += " " + message(
            "That lies outside what chance allows, so take the order of the list, not its sum."
        )
    if isinstance(check.auc, Estimate):
        sentence += " " + message(
            "Of a customer who was lost and one who was not, it had put the higher risk on the lost one in "
            "{auc} of all pairs; many are easy, as who ordered lately cannot be lost so soon.",
            auc=format_estimate(check.auc, 0),
        )
    show_sentence(sentence)


def show_check(outlook: ChurnOutlook, is_snapshot: bool) -> None:
    """How well the model predicted months that it had not seen."""
    check = outlook.check
    if outlook.by_silence is not None:
        _show_silence_check(outlook.by_silence)
    if isinstance(check, NotEstimable):
        show_reason(check)
        return
    sentence = message(
        "Tried out on {months} months that it had not seen, the hazard model expected {predicted} to leave; "
        "{observed} did.",
        months=format_number(check.months, 0), predicted=format_share(check.predicted),
        observed=format_estimate(check.observed),
    )  # fmt: skip
    if is_snapshot:
        # A snapshot counts a leaver as at risk for the whole window: levels cannot be right.
        sentence = message(
            "Tried out on the half of the customers that it had not seen, only the order of the risks can "
            "be judged: a snapshot does not show how long leavers were at risk, so predicted shares are "
            "too low where many leave."
        )
    if isinstance(check.auc, Estimate):
        sentence += " " + message(
            "Of a customer who left and one who stayed, it had put the higher risk on the one who left in "
            "{auc} of all pairs; chance would be a half.",
            auc=format_estimate(_as_share(check.auc), 0),
        )
    if is_snapshot:
        show_sentence(sentence)
        return
    better, worse = check.brier_difference.upper, check.brier_difference.lower
    if better is not None and better < 0:
        sentence += " " + message("It predicts better than tenure alone does.")
    elif worse is not None and worse > 0:
        sentence += " " + (
            message("It predicts worse than tenure alone does.")
            if outlook.by_silence is not None
            else message("It predicts worse than tenure alone does: do not use the list.")
        )
    else:
        sentence += " " + message("It cannot be told from a prediction by tenure alone.")
    show_sentence(" ".join(filter(None, (sentence, _calibration_in_words(check)))))


def _calibration_in_words(check: PredictionCheck) -> str:
    """Whether the lowest and the highest fifth came out as predicted."""
    if len(check.calibration) < 2:
        return ""
    lowest, highest = check.calibration[0], check.calibration[-1]

    def side(predicted: float, observed: Estimate) -> int:
        if observed.lower is None or observed.upper is None:
            return 0
        return int(predicted > observed.upper) - int(predicted < observed.lower)

    low, high = (side(g.predicted, g.observed) for g in (lowest, highest))
    if low < 0 < high:
        return message(
            "Its predictions are too extreme: low risks come out higher, high ones lower."
        )
    if high < 0 < low:
        return message("Its predictions are too timid: low risks come out lower, high ones higher.")
    if low or high:
        return message("Not every fifth of the risks came out as predicted; see the appendix.")
    return ""


def _as_share(auc: Estimate) -> Estimate:
    return Estimate(
        auc.value, auc.lower, auc.upper, "share", auc.n, auc.method, auc.confidence_level
    )


def draw_calibration(check: PredictionCheck) -> tuple[Figure | NotEstimable, str]:
    """Predicted against observed by fifths of risk; and the alt text."""
    figure, (axes,) = new_figure(width=5.2, height=3.6)
    highest = 0.0
    for group in check.calibration:
        low, high = group.observed.lower or 0.0, group.observed.upper or 1.0
        axes.plot([group.predicted] * 2, [low, high], color=PALETTE[0], linewidth=2.2)
        axes.plot(group.predicted, group.observed.value, "o", color=PALETTE[0], markersize=7)
        highest = max(highest, high, group.predicted)
    axes.plot([0, highest], [0, highest], color=MUTED, linewidth=1, linestyle="--")
    axes.annotate(
        message("predicted = observed"), (highest * 0.25, highest * 0.25), (8, -6),
        textcoords="offset points", ha="left", va="top", fontsize=8.5, color=INK,
    )  # fmt: skip
    axes.xaxis.set_major_formatter(lambda value, _: format_share(value, 0))
    axes.yaxis.set_major_formatter(lambda value, _: format_share(value, 0))
    axes.set_xlim(0, highest * 1.05)
    axes.set_ylim(0, highest * 1.05)
    axes.set_xlabel(message("Predicted to leave"))
    axes.set_ylabel(message("Left"))
    said = "; ".join(
        message(
            "predicted {p}, left {o}",
            p=format_share(group.predicted), o=format_share(group.observed.value),
        )
        for group in check.calibration
    )  # fmt: skip
    return figure, message("By fifths of predicted risk: {said}.", said=said)


def calibration_may_be_shown(check: PredictionCheck, disclosure: Disclosure) -> bool:
    """Whether all fifths are large enough: with one withheld, the others would give it away."""
    shares = [(group.n, group.observed.value) for group in check.calibration]
    return not any(
        disclosure.suppressed(round(n * share)) or disclosure.suppressed(round(n * (1 - share)))
        for n, share in shares
    )


def show_calibration(outlook: ChurnOutlook, is_snapshot: bool, disclosure: Disclosure) -> None:
    """Predicted against observed, and the scores of the prediction; of a snapshot the AUC alone."""
    check = outlook.check
    if isinstance(check, NotEstimable):
        show_reason(check)
        return
    named = {message("pairs in the right order (AUC)"): check.auc}
    if not is_snapshot:
        if calibration_may_be_shown(check, disclosure):
            show_figure(*draw_calibration(check))
        else:
            show_reason(
                NotEstimable(
                    message(
                        "Predicted against observed by fifths of risk is withheld: a fifth holds fewer than "
                        "eight customers who left, or who stayed."
                    )
                )
            )
        named |= {
            message("Brier score"): check.brier,
            message("Brier score of tenure alone"): check.brier_kaplan_meier,
            message("difference"): check.brier_difference,
        }
    rows = [[name, _precise(value)] for name, value in named.items()]
    note = (
        message("Fitted on one half of the customers, judged on the other.")
        if is_snapshot
        else message(
            "Fitted on what was known then, judged on what followed. Brier score: mean squared distance "
            "between prediction and what happened, smaller is better."
        )
    )
    html = html_table(
        [message("Score"), message("value")], rows, message("The prediction judged"), note=note
    )
    estimates = {name: value for name, value in named.items() if isinstance(value, Estimate)}
    show_table(html, "prediction", estimates, disclosure)


def _precise(value: Estimate | NotEstimable) -> str:
    if isinstance(value, NotEstimable):
        return NO_VALUE
    return format_estimate(value, 1 if value.unit == "share" else 4)


def find_at_risk(
    summary: AtRiskSummary, is_snapshot: bool, disclosure: Disclosure
) -> Finding | NotEstimable:
    """How many are expected to leave next, and what they bring; of a snapshot the order alone."""
    if disclosure.suppressed(summary.customers):
        return NotEstimable(message("Too few customers for a list."))
    sentence = message(
        "Of {n} active customers, about {losses} are expected to leave in the coming quarter.",
        n=format_count(disclosure.count(summary.customers) or 0),
        losses=_count_in_words(summary.expected_losses),
    )
    estimates = {"expected-losses": summary.expected_losses}
    if is_snapshot:
        sentence = message(
            "The list puts {n} active customers in the order of their risk; how many will leave, a snapshot "
            "does not show.",
            n=format_count(disclosure.count(summary.customers) or 0),
        )
        estimates = {}
    elif isinstance(summary.margin_at_risk, Estimate):
        sentence += " " + message(
            "With them goes {money} of margin a quarter.",
            money=format_estimate(summary.margin_at_risk),
        )
        estimates["margin-at-risk-per-quarter"] = summary.margin_at_risk
        tenth = -(-summary.customers // 10)
        if summary.share_of_top_tenth is not None and not disclosure.suppressed(tenth):
            sentence += " " + message(
                "The first tenth of the list holds {share} of it.",
                share=format_share(summary.share_of_top_tenth, 0),
            )
    return Finding(
        id="customers-at-risk",
        sentence=sentence,
        estimates=estimates,
        label="description",
        assumption=message(
            "Assumes that the coming quarter is like those that the model was fitted on."
        ),
    )


def _count_in_words(losses: Estimate) -> str:
    value = format_count(losses.value)
    if losses.lower is None or losses.upper is None:
        return value
    low, high = format_count(max(losses.lower, 0)), format_count(losses.upper)
    return message("{value} ({low} to {high})", value=value, low=low, high=high)


def _without_dominated(at_risk: AtRiskList, disclosure: Disclosure) -> AtRiskSummary:
    """The summary without its sum of money where one customer makes up half of that."""
    summary, listed = at_risk.summary, at_risk.customers
    if "margin_at_risk" not in listed or not disclosure.dominated(
        listed["margin_at_risk"].dropna().tolist()
    ):
        return summary
    reason = NotEstimable(message("Withheld: one customer makes up half of it or more."))
    return replace(summary, margin_at_risk=reason, share_of_top_tenth=None)


def show_at_risk(outlook: ChurnOutlook, is_snapshot: bool, disclosure: Disclosure) -> None:
    """Show counts and totals; write the list beside the report."""
    at_risk = outlook.at_risk
    if isinstance(at_risk, NotEstimable):
        show_reason(at_risk)
        return
    summary = _without_dominated(at_risk, disclosure)
    show_finding(find_at_risk(summary, is_snapshot, disclosure), disclosure)
    show_sentence(
        message(
            "Risk is not what a call can change: those likeliest to leave need not be those whom attention "
            "would keep (Ascarza 2018). One customer in ten, drawn at random, is marked “hold out” in the "
            "list: leave them alone, and in a quarter compare. Only that shows what the calls bring."
        )
    )
    if summary.beyond_follow_up:
        shown = disclosure.count(summary.beyond_follow_up)
        show_sentence(
            message(
                "Active customers who are not on the list, as hardly anybody has been followed over their coming "
                "quarter: {n}.",
                n=message("fewer than eight") if shown is None else format_count(shown),
            )
        )
    if summary.without_history and isinstance(summary.margin_at_risk, Estimate):
        shown = disclosure.count(summary.without_history)
        show_sentence(
            message(
                "Customers too new for a margin of their own stand at the mean of the others: {n}.",
                n=message("fewer than eight") if shown is None else format_count(shown),
            )
        )
    write_list(at_risk.customers, LIST_NAME)
