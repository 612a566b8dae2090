"""What service programmes brought and cost, in tables."""

from __future__ import annotations

from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.investment import InvestmentValue
from analysis.methods.investment.portfolio import Recommendation
from analysis.methods.investment.published import AIRLINE, check_published_return
from analysis.methods.investment.scenarios import MARGIN_FACTORS, scenario_grid
from analysis.methods.investment.uncertainty import JointValue, Spreads, joint_value
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.output import show_figure, show_reason, show_sentence, show_table
from analysis.presentation.programme_disclosure import Studies
from analysis.presentation.programme_figures import draw_tornado, nothing_studied
from analysis.presentation.programme_plans import action_text
from analysis.presentation.programme_words import (
    finding_id,
    money_lines,
    payback_text,
    share_text,
    shared_reasons,
    without_name,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate_lines,
    format_money,
    format_number,
    format_share,
    message,
)

OFF_BY = Spreads(cost=0.1, margin=0.1)


def show_portfolio(studies: Studies, recommendations: tuple[Recommendation, ...] = ()) -> None:
    """One line per programme: what to do, net present value, return, margin, cost."""
    advice = {item.programme_id: item for item in recommendations}
    rows = []
    estimates: dict[str, Estimate] = {}
    for study in studies:
        value, mine = study.value, advice.get(study.programme_id)
        worth, ratio, cost = NO_VALUE, NO_VALUE, NO_VALUE
        if not isinstance(value, NotEstimable):
            if value.cost > 0:
                worth = money_lines(value.net_present_value)
                ratio = format_estimate_lines(value.return_on_investment)
                cost = format_money(value.cost, value.net_present_value.unit)
            estimates[f"{finding_id(study)}-benefit"] = value.benefit
        action = NO_VALUE if mine is None else action_text(mine)
        margin = format_estimate_lines(study.effect, 2)
        rows.append([study.name, action, worth, ratio, margin, cost])
    if not rows:
        show_reason(nothing_studied())
        return
    header = [
        message("Programme"), message("What to do"), message("NPV"), message("ROI"),
        message("Margin"), message("Cost"),
    ]  # fmt: skip
    note = message(
        "Ordered by the lower limit of the net present value (NPV); 95% intervals. ROI: benefit less "
        "cost, over cost. Margin: per customer and quarter, zeros after leaving. From the start to "
        "the last quarter counted, discounted to the start, nothing extrapolated; costs as declared. "
        "Of chosen customers all this holds only if the whole difference is its doing."
    )
    show_table(
        html_table(header, rows, message("What each programme brought and cost"), 2, note),
        "programmes",
        dict(estimates),
    )


def show_money(studies: Studies) -> None:
    """Benefit, cost, return, payback, and the effect at which nothing is won or lost."""
    rows = []
    for study in studies:
        value = study.value
        if isinstance(value, NotEstimable):
            if isinstance(study.break_even, Estimate):
                even = format_estimate_lines(study.break_even, 2)
                rows.append([study.name, *[NO_VALUE] * 4, even])
            continue
        rows.append(
            [
                study.name,
                money_lines(value.benefit),
                format_estimate_lines(value.return_on_investment),
                format_estimate_lines(value.benefit_per_cost),
                payback_text(value),
                format_estimate_lines(value.break_even_effect, 2),
            ]
        )
    if rows:
        header = [
            message("Programme"), message("Benefit"), message("ROI"),
            message("Per unit of cost"), message("Paid back"), message("Break-even"),
        ]  # fmt: skip
        note = message(
            "ROI: benefit less cost, over cost. Per unit of cost: benefit over cost. Paid back: end "
            "of the first quarter from which on benefits cover costs to the end. Break-even: margin "
            "per customer and quarter at which it would have cost as much as it brought. Of chosen "
            "customers all this holds only if the whole difference is its doing."
        )
        show_table(html_table(header, rows, message("Benefit against cost, discounted"), 1, note))
    else:
        show_reason(nothing_studied())
    # Why there is no figure at all has been said with the findings.
    reasons = [
        (without_name(study, study.value.reason), study.name)
        for study in studies
        if isinstance(study.value, NotEstimable) and isinstance(study.effect, Estimate)
    ]
    for reason in shared_reasons(reasons):
        show_reason(NotEstimable(reason))


def show_tornado(studies: Studies) -> None:
    """Show which input moves the net present value most."""
    show_figure(*draw_tornado(studies))


def _free(study: ProgrammeStudy) -> bool:
    """Whether no cost is recorded, so that nobody knows the net present value."""
    return isinstance(study.value, InvestmentValue) and study.value.cost <= 0


def _joint(study: ProgrammeStudy) -> JointValue | NotEstimable:
    value = study.value
    if isinstance(value, NotEstimable):
        return value
    currency = value.net_present_value.unit
    return attempt(joint_value, value.flow, value.costs, value.rate_annual, currency, OFF_BY)


def show_uncertainty(studies: Studies) -> None:
    """The same with costs and margin uncertain as well as the effect."""
    rows, estimates = [], {}
    for study in studies:
        joint = _joint(study)
        if isinstance(study.value, NotEstimable) or isinstance(joint, NotEstimable) or _free(study):
            continue
        worth = joint.net_present_value
        ratio = joint.return_on_investment
        rows.append(
            [
                study.name,
                money_lines(study.value.net_present_value),
                share_text(study.value.share_positive),
                money_lines(worth),
                NO_VALUE if ratio is None else format_estimate_lines(ratio),
                share_text(joint.share_positive),
            ]
        )
        estimates[f"{finding_id(study)}-joint-net-present-value"] = worth
    if not rows:
        show_reason(nothing_studied())
        return
    header = [
        message("Programme"), message("NPV"), message("Above zero"),
        message("NPV, all"), message("ROI, all"), message("Above zero, all"),
    ]  # fmt: skip
    note = message(
        "Above zero: share of draws. Only the benefit is drawn, normal about its estimate with the "
        "joint covariance of the months. All: costs and "
        "gross margin besides, each normal about what is declared and within {off} of it in 95 of "
        "100 draws. The same draws for the same programme, every time.",
        off=format_share(OFF_BY.cost, 0),
    )
    caption = message("What if costs and margin are not known exactly?")
    show_table(
        html_table(header, rows, caption, 1, note), "programmes-uncertainty", dict(estimates)
    )


def show_scenarios(studies: Studies, gross_margin: float, horizon_months: int) -> None:
    """Net present value by gross margin and duration."""
    rows = []
    for study in studies:
        grid = attempt(scenario_grid, study.value, horizon_months)
        if isinstance(grid, NotEstimable) or _free(study):
            continue
        for months in sorted({cell.months for cell in grid}):
            line = [cell for cell in grid if cell.months == months]
            span = message("{count} months", count=format_count(months))
            if line[0].extrapolated:
                span = message("{span}, extrapolated", span=span)
            rows.append([study.name, span, *(money_lines(c.net_present_value) for c in line)])
    if not rows:
        show_reason(nothing_studied())
        return
    header = [message("Programme"), message("Counted until the end of")]
    header += [
        message("Margin {share}", share=format_share(gross_margin * factor, 1))
        for factor in MARGIN_FACTORS
    ]
    note = message(
        "Net present value with 95% intervals of the benefit. Extrapolated: the mean month of the "
        "last year counted goes on, benefits and running costs alike; nothing in the data shows "
        "that it will. Where the export carries margins of its own, read the columns as a quarter "
        "less, as it is, and a quarter more."
    )
    caption = message("Net present value under other margins and durations")
    show_table(html_table(header, rows, caption, 2, note))


def show_published_example(gross_margin: float, currency: str) -> None:
    """A published return, reckoned again from its own numbers."""
    check = check_published_return(AIRLINE, gross_margin)
    claim = check.claim
    millions = {
        name: format_money(amount * 1e6, currency)
        for name, amount in (
            ("cost", claim.cost), ("won", claim.additional_revenue),
            ("total", check.revenue_implied),
        )
    }  # fmt: skip
    show_sentence(
        message(
            "An airline is said to spend {cost} on service; {share} of its customers then spend "
            "{uplift} more, which is put at {won} of revenue, and {published} back per unit spent.",
            share=format_share(claim.share_of_customers, 0), uplift=format_share(claim.uplift, 0),
            published=format_number(claim.published_return), **millions,
        )
    )  # fmt: skip
    verdict = message("follows") if check.follows else message("does not follow")
    show_sentence(
        message(
            "The published figure {verdict} from these numbers: on revenue the return is {revenue} "
            "per unit spent, and on what is left of revenue at our gross margin of {margin} it is "
            "{left}. It pays only where more than {even} of the additional revenue is left. And a "
            "gain of {won} presupposes {total} of revenue before.",
            verdict=verdict, revenue=format_number(check.return_on_revenue),
            margin=format_share(gross_margin, 0), left=format_number(check.return_on_margin),
            even=format_share(check.break_even_margin, 1), **millions,
        )
    )  # fmt: skip
