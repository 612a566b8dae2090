"""How much worse customers rate a touchpoint than the same customers rate the others.

Score on touchpoint with customer and period effects taken out: whoever always answers low, and a bad
quarter, drop out. The gap of a touchpoint is its level less the mean of the others', weighted by answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, holm, p_value_t
from analysis.methods.pain_points.answers import LATE_DELIVERY
from analysis.methods.regression import Floats, Ints, clustered_covariance, fit_least_squares
from analysis.methods.spending.absorb import changing_customers, take_out_customers_and_periods

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ANSWERS = 30
FEWEST_CHANGING = 30
NAMED_WELL_FROM = 2
POINTS = "CSAT points"


@dataclass(frozen=True, slots=True)
class Gap:
    """A touchpoint against the others.

    place: its name. gap: its level less the others', points; within customers where `within`, else
    between all answers. plain: the difference as it stands. p_value: of the gap, adjusted by Holm over
    all places. recent_change: how much the gap has moved in the last year. answers: given there.
    influence: by customer (in the order of `Gaps.customer_ids`), points; empty where not `within`.
    """

    place: str
    gap: Estimate
    plain: Estimate
    within: bool
    p_value: float
    recent_change: Estimate | NotEstimable
    answers: int
    influence: Floats

    @property
    def hurts(self) -> bool:
        """Whether it is rated worse than the others beyond chance, all places considered."""
        return self.gap.value < 0 and self.p_value < 0.05


@dataclass(frozen=True, slots=True)
class Gaps:
    """All places, the worst first.

    customer_ids: of the influences, sorted. left_out: answers at places too rare to compare. reason: why
    the comparison is between customers only; "" where each is compared with itself.
    """

    places: tuple[Gap, ...]
    customer_ids: tuple[str, ...]
    left_out: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Rows:
    score: Floats
    columns: dict[str, Floats]
    weights: dict[str, int]
    customers: NDArray[Any]
    customer: Ints
    period: Ints
    recent: Floats


def period_codes(days: NDArray[Any], period_months: int) -> Ints:
    """Calendar quarters or months of days, as codes in their order."""
    months = days.astype("datetime64[M]").astype(np.int64)
    return np.unique(months // period_months, return_inverse=True)[1].astype(np.int64)


def _places(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str], int]:
    counts = rows["place"].value_counts()
    kept = sorted(str(name) for name, n in counts.items() if n >= FEWEST_ANSWERS)
    chosen = rows[rows["place"].isin(kept)]
    return chosen, kept, len(rows) - len(chosen)


def _columns(rows: pd.DataFrame, kept: list[str]) -> tuple[dict[str, Floats], dict[str, int]]:
    columns = {name: np.asarray(rows["place"] == name, dtype=np.float64) for name in kept}
    late = rows["late"].fillna(0.0).to_numpy(float)
    enough = min(late.sum(), (rows["late"] == 0).sum()) >= FEWEST_ANSWERS
    if LATE_DELIVERY not in kept and enough:
        columns[LATE_DELIVERY] = late
    return columns, {name: int(column.sum()) for name, column in columns.items()}


def _contrast(place: str, names: list[str], kept: list[str], weights: dict[str, int]) -> Floats:
    """Coefficients (of `names`, the reference's left out) that make up a place's gap."""
    vector = np.zeros(len(names))
    if place not in kept:  # late beside the touchpoint, not a place of its own
        vector[names.index(place)] = 1.0
        return vector
    others = [name for name in kept if name != place]
    total = sum(weights[name] for name in others)
    for name in kept:
        if name in names:
            vector[names.index(name)] = 1.0 if name == place else -weights[name] / total
    return vector


def _plain(place: str, kept: list[str], rows: _Rows) -> tuple[Estimate, float]:
    """Difference of means as it stands, clustered by customer; and its p-value."""
    here = rows.columns[place] > 0
    if not 0 < here.sum() < len(here):
        raise CannotEstimate(
            "All answers are about one touchpoint, so there is nothing to compare."
        )
    design = np.column_stack([np.ones(len(here)), here.astype(float)])
    fit = fit_least_squares(rows.score, design, ("constant", "place"), "cluster", rows.customer)
    value, error = float(fit.coefficients[1]), float(fit.standard_errors[1])
    estimate = from_standard_error(
        value, error, POINTS, fit.clusters, "difference of means, clustered by customer",
        fit.degrees_of_freedom,
    )  # fmt: skip
    return estimate, _p_value(value, error, fit.degrees_of_freedom)


def _p_value(value: float, error: float, degrees: float) -> float:
    if error <= 0:
        return 1.0 if value == 0 else 0.0
    return p_value_t(value / error, degrees)


def _recent_change(place: str, kept: list[str], rows: _Rows) -> Estimate:
    """Change of a gap in the last year: its indicator times that of the last year, all else as before."""
    reference = max(kept, key=lambda name: (rows.weights[name], name))
    others = [name for name in rows.columns if name != reference]
    moved = rows.columns[place] * rows.recent
    if min(moved.sum(), (rows.columns[place] * (1 - rows.recent)).sum()) < FEWEST_ANSWERS:
        raise CannotEstimate("Too few answers in the last year, or before it, for a change.")
    columns = [rows.score, *(rows.columns[name] for name in others), moved]
    left = take_out_customers_and_periods(columns, rows.customer, rows.period)
    if changing_customers(moved, rows.customer) < FEWEST_CHANGING:
        raise CannotEstimate("Too few customers answered about it and others to see a change.")
    fit = fit_least_squares(
        left[0], np.column_stack(left[1:]), (*others, "moved"), "cluster", rows.customer
    )
    return from_standard_error(
        float(fit.coefficients[-1]), float(fit.standard_errors[-1]), POINTS, fit.clusters,
        "least squares within customers", fit.degrees_of_freedom,
    )  # fmt: skip


def _within(
    kept: list[str], rows: _Rows
) -> tuple[dict[str, tuple[Estimate, Floats, float]], tuple[str, ...]]:
    """Gap, influence and p-value of every place, customers and periods taken out; and whose influences."""
    changing = {
        name: changing_customers(column, rows.customer) for name, column in rows.columns.items()
    }
    if min(changing.values()) < FEWEST_CHANGING:
        raise CannotEstimate(
            "Too few customers answered about more than one touchpoint, so customers are compared with "
            "one another instead of with themselves."
        )
    reference = max(kept, key=lambda name: (rows.weights[name], name))
    names = [name for name in rows.columns if name != reference]
    columns = [rows.score, *(rows.columns[name] for name in names)]
    left = take_out_customers_and_periods(columns, rows.customer, rows.period)
    if np.abs(left[0]).max() < 1e-9:
        raise CannotEstimate("No customer's answers differ, so there is nothing to compare.")
    fit = fit_least_squares(
        left[0], np.column_stack(left[1:]), tuple(names), "cluster", rows.customer
    )
    found = {}
    for place in rows.columns:
        vector = _contrast(place, names, kept, rows.weights)
        influence = fit.influence @ vector
        error = float(np.sqrt(clustered_covariance(influence, influence)))
        value, degrees = float(fit.coefficients @ vector), changing[place] - 1
        estimate = from_standard_error(
            value, error, POINTS, changing[place],
            "within customers and periods, clustered by customer", degrees,
        )  # fmt: skip
        found[place] = (estimate, influence, _p_value(value, error, degrees))
    return found, tuple(str(name) for name in rows.customers)


def touchpoint_gaps(answers: pd.DataFrame, period_months: int = 3, recent_from: Any = None) -> Gaps:
    """Every place against the others, the worst first.

    answers: as `answers.answered` gives. recent_from: first day of the last year, for the change of gaps.
    Raises CannotEstimate with fewer than two places that were answered about often enough.
    """
    chosen, kept, left_out = _places(answers)
    if len(kept) < NAMED_WELL_FROM:
        raise CannotEstimate(
            f"Fewer than two touchpoints have {FEWEST_ANSWERS} answers, so none can be set against the others."
        )
    known = chosen["customer_id"].notna()
    named = chosen[known]
    columns, weights = _columns(chosen, kept)
    everyone = chosen["customer_id"].where(known, "answer " + chosen["response_id"].astype(str))
    all_rows = _rows(
        chosen, columns, weights, everyone.to_numpy(object), period_months, recent_from
    )
    own: dict[str, tuple[Estimate, Floats, float]] = {}
    ids: tuple[str, ...] = ()
    reason, rows = "", all_rows
    if named.empty:
        reason = "Answers are anonymous, so customers cannot be compared with themselves."
    else:
        if len(named) < len(chosen):
            columns, weights = _columns(named, kept)
            rows = _rows(
                named, columns, weights, named["customer_id"].to_numpy(object), period_months,
                recent_from,
            )  # fmt: skip
        found = attempt(_within, kept, rows)
        if isinstance(found, NotEstimable):
            reason = found.reason
        else:
            own, ids = found
    gaps = []
    for place in all_rows.columns:
        plain, plain_p = _plain(place, kept, all_rows)
        nothing = (plain, np.empty(0), plain_p)
        gap, influence, p_value = own.get(place, nothing)
        change: Estimate | NotEstimable = NotEstimable("Changes are seen within customers only.")
        if place in own and recent_from is not None:
            change = attempt(_recent_change, place, kept, rows)
        gaps.append(
            Gap(
                place, gap, plain, place in own, p_value, change, all_rows.weights[place], influence
            )
        )
    adjusted = holm([gap.p_value for gap in gaps])
    gaps = [replace(gap, p_value=float(p)) for gap, p in zip(gaps, adjusted, strict=True)]
    return Gaps(
        tuple(sorted(gaps, key=lambda gap: (gap.gap.value, gap.place))), ids, left_out, reason
    )


def _rows(
    frame: pd.DataFrame, columns: dict[str, Floats], weights: dict[str, int],
    customers: NDArray[Any], period_months: int, recent_from: Any,
) -> _Rows:  # fmt: skip
    names, customer = np.unique(customers.astype(str), return_inverse=True)
    days = frame["day"].to_numpy("datetime64[D]")
    recent = np.zeros(len(frame))
    if recent_from is not None:
        recent = (days >= np.datetime64(recent_from, "D")).astype(float)
    return _Rows(
        frame["score"].to_numpy(float), columns, weights, names, customer.astype(np.int64),
        period_codes(days, period_months), recent,
    )  # fmt: skip
