"""Five points, or five per cent, more retention, and what it lifts."""

from __future__ import annotations

import contextlib

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.lifetime_value.retention_worth import RISE, RetentionGain, RetentionWorth
from analysis.methods.received_wisdom.reading import Reading

WITHOUT_END = "extrapolated without end"


def lift_without_end(gain: RetentionGain, points: bool, discount_rate_annual: float) -> Estimate:
    """The lift if losses stayed even and nobody stopped counting: an extrapolation.

    A customer who stays each year with chance r brings a yearly margin times
    (1 + d) / (1 + d − r), so raising r to r′ multiplies it by (1 + d − r) / (1 + d − r′). Limits
    from those of retention. Raises CannotEstimate where nothing is discounted and nobody would
    leave.
    """
    grown = 1 + discount_rate_annual

    def lift(retention: float) -> float:
        raised = min(retention + RISE if points else retention * (1 + RISE), 1.0)
        if raised >= grown:
            raise CannotEstimate("Without losses and discounting, no sum without end is finite.")
        return (grown - retention) / (grown - raised) - 1

    low, high = gain.retention.lower, gain.retention.upper
    # Where the rise is cut off at everybody, a higher retention leaves less to gain.
    ends = sorted(lift(min(max(end, 0.0), 1.0)) for end in (low, high) if end is not None)
    both = len(ends) == 2
    return Estimate(
        lift(gain.retention.value), ends[0] if both else None, ends[1] if both else None, "share",
        gain.retention.n, "even losses without end, extrapolated", gain.retention.confidence_level,
    )  # fmt: skip


def retention_lift(worth: RetentionWorth, discount_rate_annual: float = 0.0) -> Reading:
    """The lift for all active customers within the horizon, and beside it the one for a new customer.

    The published figure counts whole lifetimes: what the rise would come to without end stands
    beside as an extrapolation. Arithmetic on the curve and no comparison, so nothing is tested.
    Where active customers cannot be valued the new customer stands in. Raises CannotEstimate where
    neither can.
    """
    active, starting = worth.active, worth.per_customer
    gain = active if isinstance(active, RetentionGain) else starting
    if isinstance(gain, NotEstimable):
        raise CannotEstimate(gain.reason)
    asides: dict[str, Estimate] = {}
    # Without an end that is finite there is nothing to set beside it.
    with contextlib.suppress(CannotEstimate):
        asides[WITHOUT_END] = lift_without_end(gain, worth.rise == "points", discount_rate_annual)
    if gain is active:
        asides["active customers, money"] = gain.gain
        if isinstance(starting, RetentionGain):
            asides["new customer"] = starting.lift
    remark = gain.remark
    if isinstance(active, NotEstimable):
        remark = f"For a new customer. {active.reason} {gain.remark}".strip()
    return Reading(gain.lift, "description", None, asides=asides, remark=remark)
