"""Whether customers are served alike in every channel: satisfaction and reply time, touchpoints held equal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, holm
from analysis.methods.pain_points.gaps import period_codes
from analysis.methods.regression import Floats, clustered_covariance, fit_least_squares
from analysis.methods.spending.absorb import Held, take_out

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure across channels.

    by_channel: what each channel lies above or below the mean of all rows, with the mix of touchpoints and
    periods held equal. spread: the highest less the lowest, in the figure's unit; p_value: of all being
    alike, in a study adjusted by Holm over both figures.
    """

    by_channel: dict[str, Estimate]
    spread: Estimate
    p_value: float


@dataclass(frozen=True, slots=True)
class Consistency:
    """satisfaction: in points. reply: as a ratio of geometric means, each channel against all."""

    satisfaction: Spread | NotEstimable
    reply: Spread | NotEstimable


def _p_value_f(statistic: float, first: int, second: float) -> float:
    from scipy.special import fdtrc

    return float(fdtrc(first, second, statistic))


def channel_spread(frame: pd.DataFrame, figure: str, unit: str, period_months: int = 3) -> Spread:
    """Levels by channel with touchpoints and periods held equal; a joint test, clustered by customer.

    frame: customer_id, channel, touchpoint, day and the figure. The test is Wald's, as F with as many
    degrees as channels less one and customers less one. Raises CannotEstimate with fewer than two channels.
    """
    rows = frame.dropna(subset=[figure, "channel", "touchpoint", "day"])
    counts = rows["channel"].value_counts()
    names = sorted(str(name) for name, n in counts.items() if n >= FEWEST_ROWS)
    if len(names) < 2:
        raise CannotEstimate(
            "There is only one channel with enough rows, so channels cannot be set against one another."
            if names else "It is not known in which channel customers were served."
        )  # fmt: skip
    rows = rows[rows["channel"].isin(names)]
    named = rows["customer_id"].notna().to_numpy()
    own = np.array([f"row {place}" for place in rows.index], dtype=object)
    who = np.where(named, rows["customer_id"].to_numpy(object), own)
    _, customer = np.unique(who.astype(str), return_inverse=True)
    value = rows[figure].to_numpy(float)
    _, touchpoint = np.unique(rows["touchpoint"].to_numpy(object).astype(str), return_inverse=True)
    period = period_codes(rows["day"].to_numpy("datetime64[D]"), period_months)
    held = Held((("touchpoint", touchpoint.astype(np.int64)), ("period", period)))
    indicators = [np.asarray(rows["channel"] == name, dtype=np.float64) for name in names]
    left, _ = take_out([value, *indicators[1:]], held)
    if np.abs(left[0]).max() < 1e-9:
        raise CannotEstimate("The figure is the same everywhere, so no channel differs.")
    fit = fit_least_squares(
        left[0], np.column_stack(left[1:]), tuple(names[1:]), "cluster", customer.astype(np.int64)
    )
    shares = np.array([column.mean() for column in indicators])
    contrasts = (np.eye(len(names)) - shares)[:, 1:]
    method = "least squares, touchpoint and period held equal, clustered by customer"
    by = {
        name: _contrast(
            fit.coefficients, fit.influence, contrasts[i], unit, int(column.sum()), method
        )
        for i, (name, column) in enumerate(zip(names, indicators, strict=True))
    }
    highest = max(names, key=lambda name: (by[name].value, name))
    lowest = min(names, key=lambda name: (by[name].value, name))
    apart = contrasts[names.index(highest)] - contrasts[names.index(lowest)]
    spread = _contrast(fit.coefficients, fit.influence, apart, unit, len(rows), method)
    restricted = len(names) - 1
    statistic = float(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))
    p_value = _p_value_f(statistic / restricted, restricted, fit.degrees_of_freedom)
    return Spread(by, spread, p_value)


def _contrast(
    coefficients: Floats, influence: Floats, vector: Floats, unit: str, n: int, method: str
) -> Estimate:
    moved = influence @ vector
    error = float(np.sqrt(clustered_covariance(moved, moved)))
    return from_standard_error(
        float(coefficients @ vector), error, unit, n, method, len(influence) - 1
    )


def _as_ratio(estimate: Estimate) -> Estimate:
    assert estimate.lower is not None
    assert estimate.upper is not None
    value, lower, upper = (
        float(np.exp(x)) for x in (estimate.value, estimate.lower, estimate.upper)
    )
    return Estimate(value, lower, upper, "ratio", estimate.n, estimate.method)


def _reply_spread(contacts: pd.DataFrame, period_months: int) -> Spread:
    if "channel" not in contacts.columns or not contacts["channel"].notna().any():
        raise CannotEstimate("It is not known in which channel customers were served.")
    hours = contacts["reply_hours"].to_numpy(float)
    known = np.isfinite(hours)
    if not known.any():
        raise CannotEstimate("The exports hold no time of first reply.")
    # A minute at least: the logarithm of nothing is not a time.
    rows = contacts[known].assign(
        log_hours=np.log(np.maximum(hours[known], 1 / 60)), day=contacts["opened_at"][known]
    )
    plain = channel_spread(rows, "log_hours", "log hours", period_months)
    return Spread(
        {name: _as_ratio(level) for name, level in plain.by_channel.items()},
        _as_ratio(plain.spread), plain.p_value,
    )  # fmt: skip


def study_consistency(
    answers: pd.DataFrame | NotEstimable, contacts: pd.DataFrame | NotEstimable, period_months: int
) -> Consistency:
    """Satisfaction and reply time across channels.

    answers: as `answers.answered`. contacts: as `levels.usable_contacts`.
    """
    found = [
        attempt(channel_spread, answers, "score", "CSAT points", period_months),
        attempt(_reply_spread, contacts, period_months),
    ]
    tested = [spread for spread in found if isinstance(spread, Spread)]
    both = iter(holm([spread.p_value for spread in tested]).tolist() if tested else [])
    satisfaction, reply = (
        replace(spread, p_value=next(both)) if isinstance(spread, Spread) else spread
        for spread in found
    )
    return Consistency(satisfaction, reply)
