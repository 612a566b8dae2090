"""Service programmes as they may be published."""

from __future__ import annotations

from dataclasses import replace

from analysis.disclosure import LARGEST_SHARE_OF_ONE, Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.programme_effect.results import ProgrammeStudy, map_estimates
from analysis.methods.programme_effect.selected import AdjustedDifference
from analysis.presentation.published import round_estimate
from analysis.presentation.wording import is_currency, message

Studies = tuple[ProgrammeStudy, ...]


def withhold_small(studies: Studies, disclosure: Disclosure) -> Studies:
    """The studies as they may be published: few customers hidden, counts rounded.

    Money of which one customer makes up half or more is withheld as well.
    """
    return (
        tuple(_publish(study, disclosure) for study in studies) if disclosure.enabled else studies
    )


def _publish(original: ProgrammeStudy, disclosure: Disclosure) -> ProgrammeStudy:
    few = NotEstimable(message("withheld, for it rests on fewer than eight customers"))

    def publish(estimate: Estimate) -> Estimate | NotEstimable:
        small = disclosure.suppressed(estimate.n)
        return few if small else round_estimate(estimate, disclosure)

    study = _without_money(original) if _dominated(original) else original
    value = study.value
    if not isinstance(value, NotEstimable) and disclosure.suppressed(value.benefit.n):
        study = replace(study, value=few)
    study = map_estimates(study, publish)
    return replace(
        study,
        event_study=_known(study.event_study),
        windows=_known(study.windows),
        adjusted=_withhold_bins(study.adjusted, disclosure),
        arms=tuple(
            replace(arm, customers=disclosure.count(arm.customers) or 0) for arm in study.arms
        ),
    )


def _known(estimates: dict[int, Estimate]) -> dict[int, Estimate]:
    return {time: item for time, item in estimates.items() if isinstance(item, Estimate)}


def _dominated(study: ProgrammeStudy) -> bool:
    return study.largest_share is not None and study.largest_share >= LARGEST_SHARE_OF_ONE


def _without_money(study: ProgrammeStudy) -> ProgrammeStudy:
    """The study without its money: one customer could read the others' from it."""
    reason = NotEstimable(message("withheld, for one customer makes up half of the margin or more"))

    def hide(estimate: Estimate) -> Estimate | NotEstimable:
        return reason if is_currency(estimate.unit) or estimate.unit == "share" else estimate

    bare = map_estimates(replace(study, value=reason, honest=reason, permutation=reason), hide)
    return replace(bare, variants={}, event_study={}, windows={}, arms=(), discontinuity=None)


def _withhold_bins(
    adjusted: AdjustedDifference | None, disclosure: Disclosure
) -> AdjustedDifference | None:
    """The histograms of overlap with small bars as none and others rounded."""
    if adjusted is None:
        return None
    overlap = adjusted.overlap
    treated, control = (
        tuple(disclosure.count(count) or 0 for count in side)
        for side in (overlap.treated, overlap.control)
    )
    left_out = None if overlap.left_out is None else disclosure.count(overlap.left_out)
    shown = replace(overlap, treated=treated, control=control, left_out=left_out)
    return replace(adjusted, overlap=shown)
