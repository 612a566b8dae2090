"""Service programmes in words, tables and figures: all of them at once."""

from __future__ import annotations

from analysis.methods.estimate import Advice, Estimate, Finding, NotEstimable
from analysis.methods.investment.portfolio import Recommendation
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.output import show_finding, show_reason
from analysis.presentation.programme_checks import (
    show_arms,
    show_balance,
    show_designs,
    show_event_studies,
    show_naive_and_defended,
    show_overlap,
    show_trends,
    show_trust,
    show_variants,
    show_windows,
)
from analysis.presentation.programme_disclosure import Studies, withhold_small
from analysis.presentation.programme_figures import (
    draw_event_studies,
    draw_naive_and_defended,
    draw_overlap,
    draw_tornado,
)
from analysis.presentation.programme_money import (
    show_money,
    show_portfolio,
    show_published_example,
    show_scenarios,
    show_tornado,
    show_uncertainty,
)
from analysis.presentation.programme_plans import advice_sentence, show_planned, show_tests
from analysis.presentation.programme_service import (
    show_agreement,
    show_bought,
    show_recovery,
    show_score_and_money,
    show_use,
)
from analysis.presentation.programme_words import (
    arms_sentence,
    assumption_of,
    finding_id,
    naive_sentence,
    reason_of,
    verdict_sentence,
)
from analysis.presentation.wording import format_money, message

__all__ = [
    "draw_event_studies",
    "draw_naive_and_defended",
    "draw_overlap",
    "draw_tornado",
    "find_programme",
    "show_agreement",
    "show_arms",
    "show_balance",
    "show_bought",
    "show_designs",
    "show_event_studies",
    "show_findings",
    "show_money",
    "show_naive_and_defended",
    "show_overlap",
    "show_planned",
    "show_portfolio",
    "show_published_example",
    "show_recovery",
    "show_scenarios",
    "show_score_and_money",
    "show_tests",
    "show_tornado",
    "show_trends",
    "show_trust",
    "show_uncertainty",
    "show_use",
    "show_variants",
    "show_windows",
    "withhold_small",
]


def show_findings(studies: Studies, recommendations: tuple[Recommendation, ...] = ()) -> None:
    """Show every programme's finding, the best first, or why there is none."""
    if not studies:
        show_reason(NotEstimable(message("No programme is declared.")))
    advice = {item.programme_id: item for item in recommendations}
    for study in studies:
        show_finding(find_programme(study, advice.get(study.programme_id)))


ADVICE: dict[str, Advice] = {
    "extend": "extend", "continue": "continue", "stop": "stop", "test": "test",
}  # fmt: skip


def find_programme(
    study: ProgrammeStudy, recommendation: Recommendation | None = None
) -> Finding | NotEstimable:
    """The finding on one programme, worded by its numbers, and what to do."""
    effect, value = study.effect, study.value
    if isinstance(effect, NotEstimable):
        return NotEstimable(" ".join([reason_of(study, effect.reason), *_break_even_only(study)]))
    estimates: dict[str, Estimate] = {
        "effect" if study.label != "association" else "difference": effect
    }
    naive = {
        "naive-before-after": study.naive.before_after,
        "naive-treated-untreated": study.naive.treated_untreated,
    }
    money = None
    if not isinstance(value, NotEstimable) and value.cost <= 0:
        naive["benefit"] = value.benefit  # without a cost there is no net present value
    elif not isinstance(value, NotEstimable):
        money = value.net_present_value
        naive |= {
            "net-present-value": money,
            "return-on-investment": value.return_on_investment,
            "payback-month": value.payback_month,
            "break-even": value.break_even_effect,
        }
    estimates |= {name: item for name, item in naive.items() if isinstance(item, Estimate)}
    advice = "" if recommendation is None else advice_sentence(recommendation)
    parts = (verdict_sentence(study), arms_sentence(study), naive_sentence(study), advice)
    sentence = " ".join(filter(None, parts))
    return Finding(
        finding_id(study), sentence, estimates, study.label, assumption_of(study), money,
        "" if recommendation is None else ADVICE.get(recommendation.action, ""), study.name,
    )  # fmt: skip


def _break_even_only(study: ProgrammeStudy) -> list[str]:
    """What it would have had to bring, where nothing shows what it brought."""
    even = study.break_even
    if isinstance(even, NotEstimable):
        return []
    money = format_money(even.value, even.unit.split(" ")[0], 2)
    return [
        message("To cover its cost it has to bring {money} per customer and quarter.", money=money)
    ]
