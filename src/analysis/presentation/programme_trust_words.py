"""How a programme's design was recognised, and what the data say for or against the comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.investment.portfolio import DOUBTFUL_PRE_TREND
from analysis.methods.programme_effect.cutoff import Cutoff
from analysis.methods.programme_effect.honest_trends import HonestTrends
from analysis.methods.programme_effect.permutation import PermutationTest
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_money,
    format_number,
    format_share,
    message,
    message_for,
)

IMBALANCE = 0.1
DOUBTFUL_DRAW = 0.01


def worst_balance(study: ProgrammeStudy) -> float:
    """The largest difference left between the groups, in standard deviations."""
    if study.adjusted is None:
        return 0.0
    return max((abs(row.after) for row in study.adjusted.balance), default=0.0)


def p_text(p_value: float) -> str:
    """A p-value with its sign: "p = 0.012"; never nought."""
    if p_value < 0.001:
        return message("p < 0.001")
    return message("p = {p}", p=format_number(p_value, 3))


def trust_sentences(study: ProgrammeStudy, names: Mapping[str, str] | None = None) -> list[str]:
    """How the design was recognised, and what the data say for or against it.

    names: of all programmes by id, for those that share a control.
    """
    if study.design == "none" or isinstance(study.effect, NotEstimable):
        return []  # the finding says why
    if study.design == "staggered":
        sentences = _trust_rollout(study)
    elif study.design in ("experiment", "balanced"):
        sentences = [_trust_draw(study)]
    elif study.design == "cut-off":
        sentences = _trust_threshold(study)
    else:
        sentences = _trust_selected(study)
    sentences += _shared_control(study, names or {})
    if study.overturned_by:
        sentences.append(
            message(
                "{name}: this would overturn it: {what}",
                name=study.name, what=study.overturned_by[:1].lower() + study.overturned_by[1:],
            )
        )  # fmt: skip
    return sentences


def design_sentence(study: ProgrammeStudy) -> str:
    """How a programme is compared and the check that bears on it, in one sentence; empty where
    nothing could be compared."""
    if study.design == "none" or isinstance(study.effect, NotEstimable):
        return ""
    p_value = study.assignment_p_value
    values = {"name": study.name, "p": "" if p_value is None else p_text(p_value)}
    if study.design == "staggered":
        return _rollout_sentence(study)
    if study.design == "cut-off":
        return message("{name}: chosen by a threshold, and compared close to it.", **values)
    if study.design == "contradicted":
        return message(
            "{name}: recorded as drawn, which the groups belie; compared with others of the same "
            "past.", **values,
        )  # fmt: skip
    if study.design == "selected":
        return message(
            "{name}: customers were chosen; compared with others of the same past, which leaves up "
            "to {left} standard deviations between them in what was recorded.",
            left=format_number(worst_balance(study)), **values,
        )  # fmt: skip
    if p_value is None:
        return message("{name}: a recorded draw, whose arms are too small to check it.", **values)
    if study.design == "balanced":
        return message(
            "{name}: two groups, of which nothing says how they were chosen and nothing recorded "
            "tells them apart ({p}).", **values,
        )  # fmt: skip
    if p_value < DOUBTFUL_DRAW:
        return message(
            "{name}: a recorded draw, though what was recorded beforehand tells the groups apart "
            "({p}).", **values,
        )  # fmt: skip
    return message(
        "{name}: a recorded draw, which nothing recorded beforehand contradicts ({p}).", **values
    )


def _rollout_sentence(study: ProgrammeStudy) -> str:
    assert study.areas is not None
    treated, control = study.areas
    if study.pre_trend is None:
        trend = message("whether they moved in parallel before cannot be tested")
    else:
        p_value, _ = study.pre_trend
        values = {"p": p_text(p_value)}
        trend = (
            message("their trends before differed ({p})", **values)
            if p_value < DOUBTFUL_PRE_TREND
            else message("no difference in trend before ({p}, a weak test)", **values)
        )
    return message(
        "{name}: {reached} against {others} not reached by then; {trend}.",
        name=study.name, trend=trend, others=format_count(control),
        reached=message_for("{count} area reached,", "{count} areas, each from when it was reached,", treated),
    )  # fmt: skip


def trust_paragraph(study: ProgrammeStudy, names: Mapping[str, str]) -> str:
    """All of `trust_sentences` in one paragraph that names the programme once."""
    sentences = trust_sentences(study, names)
    prefix = f"{study.name}: "
    later = [sentence.removeprefix(prefix) for sentence in sentences[1:]]
    return " ".join([*sentences[:1], *(text[:1].upper() + text[1:] for text in later)])


def _trust_threshold(study: ProgrammeStudy) -> list[str]:
    if study.cutoff is None or study.discontinuity is None:
        return []
    side = message("or more") if study.cutoff.above else message("or less")
    return [
        message(
            "{name}: everybody whose {number} was about {threshold} {side} got it and nobody else. "
            "Customers close to that threshold are compared across it; adjusting for the past could "
            "not make the two sides alike.",
            name=study.name, side=side, number=covariate_text(study.cutoff.name),
            threshold=_threshold_text(study, study.cutoff),
        )
    ]  # fmt: skip


def _threshold_text(study: ProgrammeStudy, cutoff: Cutoff) -> str:
    """The threshold to two digits: it is the recorded value of a single customer."""
    size = abs(cutoff.threshold)
    step = 10.0 ** (math.floor(math.log10(size)) - 1) if size > 0 else 1.0
    rounded = round(cutoff.threshold / step) * step
    decimals = 0 if step >= 1 else 2
    if cutoff.name.startswith("margin_") and isinstance(study.effect, Estimate):
        return format_money(rounded, study.effect.unit.split(" ")[0], decimals)
    return format_number(rounded, decimals)


def _shared_control(study: ProgrammeStudy, names: Mapping[str, str]) -> list[str]:
    if not study.shares_control_with or study.p_value_holm is None:
        return []
    return [
        message(
            "{name}: its untreated customers are also those of {others}; looked at together, {p} "
            "after Holm's correction.",
            name=study.name, p=p_text(study.p_value_holm),
            others=", ".join(names.get(key, key) for key in study.shares_control_with),
        )
    ]  # fmt: skip


def _trust_draw(study: ProgrammeStudy) -> str:
    p_value = study.assignment_p_value
    if p_value is None:
        return message("{name}: the arms are too small to check the draw.", name=study.name)
    values = {"name": study.name, "p": p_text(p_value)}
    if study.design == "balanced":
        return message(
            "{name}: both arms are recorded, but not how they were chosen. Nothing recorded "
            "beforehand tells them apart ({p}), as after a random draw; a choice by something "
            "not recorded would look the same. Record the way of choosing to settle it.", **values,
        )  # fmt: skip
    if p_value < DOUBTFUL_DRAW:
        return message(
            "{name}: a random draw is recorded, yet what was recorded beforehand tells the arms apart "
            "better than after most draws ({p}). Treated are compared with controls, adjusted "
            "for it; read the figure with care.", **values,
        )  # fmt: skip
    return message(
        "{name}: a random draw is recorded, and nothing recorded beforehand tells the arms apart "
        "({p}). Treated are compared with controls, adjusted for what was recorded before.",
        **values,
    )


def _trust_rollout(study: ProgrammeStudy) -> list[str]:
    assert study.areas is not None
    sentences = [
        message(
            "{name}: it reached areas, not single customers. Each start is compared with areas not "
            "reached by then, as the change since the year before; {treated} reached and {control} "
            "to compare with.", name=study.name, control=format_count(study.areas[1]),
            treated=message_for("{count} area", "{count} areas", study.areas[0]),
        )
    ]  # fmt: skip
    if isinstance(study.permutation, PermutationTest):
        sentences.append(
            message(
                "{name}: areas are too few, or count too unequally, for an interval. Of {picks} ways to "
                "pick as many, {share} show a difference as large; the least that share could be is {smallest}.",
                name=study.name, picks=format_count(study.permutation.picks),
                share=_small_share(study.permutation.p_value),
                smallest=_small_share(study.permutation.smallest),
            )
        )  # fmt: skip
    if study.pre_trend is None:
        sentences.append(
            message(
                "{name}: whether the areas moved in parallel before cannot be tested.",
                name=study.name,
            )
        )
        return sentences
    p_value, quarters = study.pre_trend
    values = {
        "name": study.name,
        "p": p_text(p_value),
        "quarters": message_for("{count} quarter", "{count} quarters", quarters),
    }
    if p_value < DOUBTFUL_PRE_TREND:
        sentences.append(
            message(
                "{name}: the areas did not move in parallel over {quarters} before the start "
                "({p}); read the figure with care.", **values,
            )
        )  # fmt: skip
    else:
        sentences.append(
            message(
                "{name}: no difference in trend over {quarters} before the start ({p}). "
                "Such a test has little power, so it supports the comparison without proving it.",
                **values,
            )
        )
    return sentences


def _recognised_choice(study: ProgrammeStudy) -> str:
    if study.design == "contradicted":
        return message(
            "{name}: a random draw is recorded, but what was recorded beforehand tells who was chosen "
            "(p below 0.001), which contradicts it.", name=study.name,
        )  # fmt: skip
    if study.assignment_p_value is None or study.assignment_p_value >= DOUBTFUL_DRAW:
        return message("{name}: customers were chosen, not drawn.", name=study.name)
    return message(
        "{name}: what was recorded beforehand tells who was chosen, so this was no random draw.",
        name=study.name,
    )


def _trust_selected(study: ProgrammeStudy) -> list[str]:
    compared = message(
        "Those chosen are compared with others of the same past, twice over: by how likely they were "
        "to be chosen, and by what they would have been expected to bring."
    )
    sentences = [f"{_recognised_choice(study)} {compared}"]
    if study.adjusted is None:
        return sentences
    balance = study.adjusted.balance
    raw = max((abs(row.before) for row in balance), default=0.0)
    left = worst_balance(study)
    values = {
        "name": study.name,
        "raw": format_number(raw),
        "left": format_number(left),
        "where": _unbalanced_names(study),
        "controls": format_count(study.adjusted.overlap.effective_controls),
    }
    if left <= IMBALANCE:
        sentences.append(
            message(
                "{name}: the largest difference in the past falls from {raw} to {left} standard "
                "deviations; the comparison carries as much as {controls} untreated customers.",
                **values,
            )
        )
    else:
        sentences.append(
            message(
                "{name}: the adjustment leaves up to {left} standard deviations (from {raw}) between "
                "the groups, in {where}; the comparison carries as much as {controls} untreated "
                "customers. Read the figure with care.", **values,
            )
        )  # fmt: skip
    sentences += _placebo(study)
    if study.adjusted.overlap.left_out != 0:
        sentences.append(
            message(
                "{name}: {left_out} of those given it have no counterpart among the others; they are "
                "left out of the comparison and of the benefit, but not of the cost.",
                name=study.name, left_out=_few(study.adjusted.overlap.left_out),
            )
        )  # fmt: skip
    return sentences


def _placebo(study: ProgrammeStudy) -> list[str]:
    placebo = study.placebo
    if isinstance(placebo, NotEstimable) or placebo.lower is None or placebo.upper is None:
        return []
    values = {"name": study.name, "said": format_estimate(placebo, 2)}
    if placebo.lower <= 0 <= placebo.upper:
        return [
            message(
                "{name}: for the year before last, in which it cannot have had a part, the same "
                "comparison shows no difference told from chance, {said}.", **values,
            )
        ]  # fmt: skip
    return [
        message(
            "{name}: for the year before last, in which it cannot have had a part, the same "
            "comparison shows a difference of {said}: what was recorded does not make the groups "
            "alike.", **values,
        )
    ]  # fmt: skip


def _unbalanced_names(study: ProgrammeStudy) -> str:
    rows = sorted(study.unbalanced, key=lambda row: -abs(row.after))
    return ", ".join(f"{covariate_text(r.name)} ({format_number(abs(r.after))})" for r in rows)


def covariate_text(name: str) -> str:
    """A covariate's name for readers."""
    for column, text in (
        ("margin_older", message("margin in the year before last")),
        ("margin_year_before", message("margin in the year before")),
        ("margin_quarter_before", message("margin in the quarter before")),
        ("tenure_months", message("tenure in months")),
        ("csat_age_days", message("age of the last CSAT answer")),
        ("nps_age_days", message("age of the last NPS answer")),
        ("ces_age_days", message("age of the last CES answer")),
        ("csat_score", message("last CSAT")),
        ("nps_score", message("last NPS answer")),
        ("ces_score", message("last CES")),
    ):
        name = name.replace(column, text)
    return name.replace("_", " ")


def _small_share(share: float) -> str:
    return message("under 0.1%") if share < 0.001 else format_share(share, 1)


def _few(count: int | None) -> str:
    return message("a few") if count is None else format_count(count)


def trend_sentences(study: ProgrammeStudy) -> list[str]:
    """What a roll-out's effect would be if areas had not gone on in parallel."""
    honest = study.honest
    if not isinstance(honest, HonestTrends) or not isinstance(honest.linear, Estimate):
        return []
    unit = honest.effect.unit.split(" ")[0]
    values = {
        "name": study.name,
        "effect": format_estimate(honest.effect, 2),
        "linear": format_estimate(honest.linear, 2),
        "change": format_money(honest.largest_change, unit, 2),
        "ratio": format_number(honest.breakdown, 2),
        "slope": format_money(honest.detectable_slope, unit, 2),
    }
    sentences = [
        message(
            "{name}: against the last quarter before the start alone it is {effect}; had the "
            "difference in trend before the start gone on, {linear}. A difference in trend of less "
            "than {slope} a quarter would mostly have gone unnoticed before the start.", **values,
        )
    ]  # fmt: skip
    if honest.breakdown == 0:
        last = message(
            "{name}: against that one quarter alone it cannot be told from zero.", **values
        )
    elif honest.breakdown == float("inf"):
        last = message(
            "{name}: it stays apart from zero whatever multiple of the largest change before the "
            "start ({change} from one quarter to the next) areas may have drifted by since.", **values,
        )  # fmt: skip
    else:
        last = message(
            "{name}: it can no longer be told from zero once areas may have drifted apart by {ratio} "
            "times the largest change before the start, {change}, from one quarter to the next.",
            **values,
        )
    return [*sentences, last]
