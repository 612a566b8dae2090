"""Spend on satisfaction: a ladder of comparisons, each fairer than the one before.

Rows are customer × period for customers active when the period opened, zeros included; the
regressor is the last score known before it opened. A slope here is an association: nobody
assigned satisfaction.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, p_value_t, scaled
from analysis.methods.regression import (
    Floats,
    Ints,
    LeastSquares,
    clustered_covariance,
    dummies,
    fit_least_squares,
    within,
)

if TYPE_CHECKING:
    import pandas as pd

OLDEST_ANSWER_DAYS = 365
FEWEST_CUSTOMERS = 30
CONTROLS = ("segment", "acquisition_channel", "region")
RUNG_NAMES = ("raw", "customer", "history", "fixed_effects")
LEAST_SQUARES = "least squares, clustered by customer"
# What is left of a column within customers and periods, relative to its size, that is rounding.
UNCHANGING = 1e-9


@dataclass(frozen=True, slots=True)
class PanelRows:
    """The rows that the ladder stands on, one entry each.

    outcome: spend (or margin) in the period, currency. score: points. customer, period: codes from zero.
    controls: n × c columns, `control_names` their names. previous_spend: currency.
    """

    outcome: Floats
    score: Floats
    customer: Ints
    period: Ints
    controls: Floats
    control_names: tuple[str, ...]
    previous_spend: Floats
    period_labels: tuple[str, ...]
    left_out_unscored: int
    left_out_stale: int
    left_out_first: int

    @property
    def n(self) -> int:
        return len(self.outcome)

    @property
    def customers(self) -> int:
        return int(self.customer.max()) + 1

    @property
    def changing_customers(self) -> int:
        """Customers with more than one score: those whom the defended slope is drawn from."""
        same_customer = self.customer[1:] == self.customer[:-1]
        changed = same_customer & (self.score[1:] != self.score[:-1])
        return len(np.unique(self.customer[1:][changed]))


@dataclass(frozen=True, slots=True)
class Rung:
    """One comparison of the ladder.

    id: raw, customer, history or fixed_effects. slope: currency per point and period.
    rows, customers: what it rests on. influence: by customer, how much each moves the slope.
    """

    id: str
    slope: Estimate
    rows: int
    customers: int
    influence: Floats = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class StepMeans:
    """Mean spend by rounded score, between customers and within them.

    raw: mean spend. own: levels of a regression on the scores with customer and period effects,
    shifted so that their mean over the rows is the overall mean; differences between them are
    those of a customer against itself. Their intervals take the overall mean as given.
    """

    scores: tuple[float, ...]
    raw: tuple[Estimate, ...]
    own: tuple[Estimate, ...] | NotEstimable


@dataclass(frozen=True, slots=True)
class SpendStudy:
    """Spend on satisfaction, everything that a number could be given for.

    share_surviving: defended slope over raw slope. difference: raw slope less the defended one.
    sign_flips: ids of neighbouring rungs between which the sign changes while both intervals
    exclude zero. feedback: slope of the *next* score in the fixed-effects rung; away from zero
    means that spend moves scores, or something moves both.
    active_customers: those active when the last period opened and not gone by its end.
    worth_base: defended slope × active customers, per period. worth_horizon: the same of margin,
    over the whole periods within the horizon, discounted. oldest_answer_days: answers older than
    this when a period opens do not count.
    """

    rows: PanelRows | NotEstimable
    raw: Rung | NotEstimable
    customer: Rung | NotEstimable
    history: Rung | NotEstimable
    fixed_effects: Rung | NotEstimable
    share_surviving: Estimate | NotEstimable
    difference: Estimate | NotEstimable
    sign_flips: tuple[tuple[str, str], ...]
    feedback: Estimate | NotEstimable
    feedback_p_value: float | NotEstimable
    steps: StepMeans | NotEstimable
    worth_base: Estimate | NotEstimable
    worth_horizon: Estimate | NotEstimable
    active_customers: int
    horizon_months: int
    oldest_answer_days: float

    @property
    def rungs(self) -> tuple[Rung | NotEstimable, ...]:
        return (self.raw, self.customer, self.history, self.fixed_effects)


def panel_rows(
    customer_periods: pd.DataFrame,
    instrument: str = "csat",
    outcome: str = "spend",
    oldest_answer_days: float = OLDEST_ANSWER_DAYS,
) -> PanelRows:
    """Choose and code the rows: scored not too long ago, and active the period before.

    All rungs stand on the same rows, so that differences between them are not differences of
    customers. Raises CannotEstimate where too few remain.
    """
    score, age = f"{instrument}_score", f"{instrument}_age_days"
    if score not in customer_periods.columns or customer_periods[score].isna().all():
        raise CannotEstimate(f"No customer has a known {instrument.upper()} answer.")
    scored = customer_periods[score].notna()
    fresh = scored & (customer_periods[age] <= oldest_answer_days)
    kept = customer_periods[fresh & customer_periods["previous_spend"].notna()]
    if kept.empty:
        raise CannotEstimate(
            f"No customer has a {instrument.upper()} answer that was fresh when a period opened."
        )
    if kept["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers have a fresh {instrument.upper()} answer; "
            "a slope needs at least as many."
        )
    if not kept[outcome].any():
        raise CannotEstimate("Nobody spent anything in these periods.")
    if kept[score].nunique() < 2:
        raise CannotEstimate(f"Every {instrument.upper()} answer is the same.")
    kept = kept.sort_values(["customer_id", "period_index"], kind="stable")
    customer = np.asarray(kept["customer_id"].astype("category").cat.codes, dtype=np.int64)
    labels = kept.drop_duplicates("period_index").sort_values("period_index")["period"]
    period = np.searchsorted(np.unique(kept["period_index"]), kept["period_index"])
    columns, names = [kept["tenure_months"].to_numpy(float)[:, None]], ["tenure"]
    for control in CONTROLS:
        if control in kept.columns:
            coded = kept[control].fillna("(missing)").astype("category")
            block, labelled = dummies(
                np.asarray(coded.cat.codes, dtype=np.int64), tuple(coded.cat.categories), control
            )
            columns.append(block)
            names += labelled
    return PanelRows(
        outcome=kept[outcome].to_numpy(float),
        score=kept[score].to_numpy(float),
        customer=customer,
        period=period.astype(np.int64),
        controls=np.hstack(columns),
        control_names=tuple(names),
        previous_spend=kept["previous_spend"].to_numpy(float),
        period_labels=tuple(labels),
        left_out_unscored=int((~scored).sum()),
        left_out_stale=int((scored & ~fresh).sum()),
        left_out_first=int((fresh & customer_periods["previous_spend"].isna()).sum()),
    )


def _slope(fit: LeastSquares, name: str, unit: str) -> Estimate:
    place = fit.position(name)
    return from_standard_error(
        float(fit.coefficients[place]),
        float(fit.standard_errors[place]),
        unit,
        fit.clusters,
        LEAST_SQUARES,
        fit.degrees_of_freedom,
    )


def _fit_within(
    outcome: Floats, regressors: Floats, names: tuple[str, ...], customer: Ints, period: Ints
) -> LeastSquares:
    """Least squares with customer and period effects taken out, clustered by customer."""
    moved = within(np.column_stack([outcome, regressors]), customer, period)
    left = np.abs(moved[:, 1:]).max(axis=0)
    if (left < UNCHANGING * np.maximum(np.abs(regressors).max(axis=0), 1)).any():
        raise CannotEstimate(
            "No customer's score ever changed, so none can be compared with itself."
        )
    return fit_least_squares(moved[:, 0], moved[:, 1:], names, "cluster", customer)


def fit_rung(rows: PanelRows, rung: str, unit: str) -> Rung:
    """Fit one rung: raw, customer (+ what is recorded of the customer, and period), history (+
    spend in the period before) or fixed_effects (each customer against itself).

    Raises CannotEstimate.
    """
    if rung == "fixed_effects":
        fit = _fit_within(rows.outcome, rows.score[:, None], ("score",), rows.customer, rows.period)
    else:
        columns = [np.ones((rows.n, 1)), rows.score[:, None]]
        names: tuple[str, ...] = ("constant", "score")
        if rung != "raw":
            block, labelled = dummies(rows.period, rows.period_labels, "period")
            columns += [rows.controls, block]
            names += (*rows.control_names, *labelled)
        if rung == "history":
            columns.append(rows.previous_spend[:, None])
            names += ("spend in the period before",)
        fit = fit_least_squares(rows.outcome, np.hstack(columns), names, "cluster", rows.customer)
    influence = fit.influence[:, fit.position("score")]
    return Rung(rung, _slope(fit, "score", unit), rows.n, fit.clusters, influence)


def feedback_slope(rows: PanelRows, unit: str) -> tuple[Estimate, float]:
    """Slope of the next period's score beside this one's, customer and period effects out.

    Under strict exogeneity a future score says nothing about present spend. Gives the slope and
    its p-value. Raises CannotEstimate.
    """
    follows = (rows.customer[1:] == rows.customer[:-1]) & (rows.period[1:] == rows.period[:-1] + 1)
    now = np.flatnonzero(follows)
    if len(now) < FEWEST_CUSTOMERS:
        raise CannotEstimate("Too few customers have a score in two periods running.")
    _, customer = np.unique(rows.customer[now], return_inverse=True)
    _, period = np.unique(rows.period[now], return_inverse=True)
    scores = np.column_stack([rows.score[now], rows.score[now + 1]])
    fit = _fit_within(rows.outcome[now], scores, ("score", "next score"), customer, period)
    estimate = _slope(fit, "next score", unit)
    error = float(fit.standard_errors[fit.position("next score")])
    if error <= 0:
        raise CannotEstimate("Spend does not vary beside the score, so nothing can be checked.")
    return estimate, p_value_t(estimate.value / error, fit.degrees_of_freedom)


def _mean_of_rows(values: Floats, customer: Ints, unit: str) -> Estimate:
    _, codes = np.unique(customer, return_inverse=True)
    mean = float(values.mean())
    influence = np.bincount(codes, values - mean) / len(values)
    customers = len(influence)
    if customers < 2:
        return Estimate(mean, None, None, unit, customers, "mean")
    error = float(np.sqrt(clustered_covariance(influence, influence)))
    return from_standard_error(
        mean, error, unit, customers, "mean, clustered by customer", customers - 1
    )


def own_levels(rows: PanelRows, rounded: Floats, unit: str) -> tuple[Estimate, ...]:
    """Spend by score within customers: level contrasts of a fixed-effects regression.

    With b the slopes of the levels' indicators (the first level's is zero) and w the levels'
    shares of the rows, a level is the overall mean + b − w'b. Raises CannotEstimate where the
    changes of score do not connect all levels.
    """
    levels, codes = np.unique(rounded, return_inverse=True)
    labels = tuple(f"{level:g}" for level in levels)
    indicators, names = dummies(codes.astype(np.int64), labels, "score")
    fit = _fit_within(rows.outcome, indicators, names, rows.customer, rows.period)
    shares = np.bincount(codes) / rows.n
    contrasts = np.eye(len(levels))[:, 1:] - shares[1:]
    values = rows.outcome.mean() + contrasts @ fit.coefficients
    errors = np.sqrt(np.einsum("lk,km,lm->l", contrasts, fit.covariance, contrasts))
    holders = [len(np.unique(rows.customer[codes == code])) for code in range(len(levels))]
    return tuple(
        from_standard_error(
            float(value), float(error), unit, n, LEAST_SQUARES, fit.degrees_of_freedom
        )
        for value, error, n in zip(values, errors, holders, strict=True)
    )


def step_means(rows: PanelRows, unit: str) -> StepMeans:
    """Mean spend by rounded score, between customers and within them."""
    rounded = np.rint(rows.score)
    levels = np.unique(rounded)
    chosen = [rounded == level for level in levels]
    return StepMeans(
        tuple(float(level) for level in levels),
        tuple(_mean_of_rows(rows.outcome[own], rows.customer[own], unit) for own in chosen),
        attempt(own_levels, rows, rounded, unit),
    )


def _share_surviving(raw: Rung, defended: Rung) -> Estimate:
    """Ratio of the slopes; interval by the delta method from the customers' joint influence."""
    low, high = raw.slope.lower, raw.slope.upper
    if low is None or high is None or low <= 0 <= high:
        raise CannotEstimate("The raw slope cannot be told from zero, so no share of it survives.")
    share = defended.slope.value / raw.slope.value
    influence = (defended.influence - share * raw.influence) / raw.slope.value
    return _combined(share, influence, "share", "ratio of slopes, delta method")


def _difference(raw: Rung, defended: Rung) -> Estimate:
    value = raw.slope.value - defended.slope.value
    influence = raw.influence - defended.influence
    return _combined(value, influence, raw.slope.unit, "difference of slopes")


def _combined(value: float, influence: Floats, unit: str, method: str) -> Estimate:
    error = float(np.sqrt(clustered_covariance(influence, influence)))
    customers = len(influence)
    return from_standard_error(
        value, error, unit, customers, f"{method}, clustered by customer", customers - 1
    )


def _sign_flips(rungs: tuple[Rung | NotEstimable, ...]) -> tuple[tuple[str, str], ...]:
    def sign(rung: Rung) -> int:
        low, high = rung.slope.lower, rung.slope.upper
        if low is None or high is None or low <= 0 <= high:
            return 0
        return 1 if low > 0 else -1

    fitted = [rung for rung in rungs if isinstance(rung, Rung)]
    return tuple((a.id, b.id) for a, b in itertools.pairwise(fitted) if sign(a) * sign(b) < 0)


def _for_base(slope: Estimate, active: int, unit: str) -> Estimate:
    """A slope carried over to all active customers; it rests on as many as it is spread over."""
    if active == 0:
        raise CannotEstimate("No customer was active at the end of the last period.")
    return replace(scaled(slope, active, unit), n=active)


def _worth_over_horizon(
    per_period: Estimate, horizon_months: int, discount_rate_annual: float, months: int
) -> Estimate:
    """Margin of a raised score over the horizon, period ends discounted, nobody leaving."""
    ends = np.arange(months, horizon_months + 1, months)
    if not len(ends):
        raise CannotEstimate("The horizon is shorter than a period.")
    factor = float(((1 + discount_rate_annual) ** (-ends / 12)).sum())
    return scaled(per_period, factor, per_period.unit.split(" ")[0])


def study_spend(
    customer_periods: pd.DataFrame,
    currency: str,
    discount_rate_annual: float,
    horizon_months: int,
    period_months: int = 3,
    instrument: str = "csat",
    oldest_answer_days: float = OLDEST_ANSWER_DAYS,
) -> SpendStudy:
    """All that notebook 03 shows, from the frame of customers × periods."""
    span = "quarter" if period_months == 3 else "month"
    unit, base_unit = f"{currency} per customer-{span}", f"{currency} per {span}"
    rows = attempt(panel_rows, customer_periods, instrument, "spend", oldest_answer_days)
    rungs = [attempt(fit_rung, rows, rung, unit) for rung in RUNG_NAMES]
    raw, customer, history, fixed = rungs
    feedback = attempt(feedback_slope, rows, unit)
    active = 0
    if not customer_periods.empty:
        last = customer_periods["period_index"] == customer_periods["period_index"].max()
        active = int((last & ~customer_periods["left"]).sum())
    margin_rows = attempt(panel_rows, customer_periods, instrument, "margin", oldest_answer_days)
    margin = attempt(fit_rung, margin_rows, "fixed_effects", unit)
    margin_base = attempt(_for_base, _slope_of(margin), active, base_unit)
    return SpendStudy(
        rows=rows,
        raw=raw,
        customer=customer,
        history=history,
        fixed_effects=fixed,
        share_surviving=attempt(_share_surviving, raw, fixed),
        difference=attempt(_difference, raw, fixed),
        sign_flips=_sign_flips(tuple(rungs)),
        feedback=feedback if isinstance(feedback, NotEstimable) else feedback[0],
        feedback_p_value=feedback if isinstance(feedback, NotEstimable) else feedback[1],
        steps=attempt(step_means, rows, unit),
        worth_base=attempt(_for_base, _slope_of(fixed), active, base_unit),
        worth_horizon=attempt(
            _worth_over_horizon, margin_base, horizon_months, discount_rate_annual, period_months
        ),
        active_customers=active,
        horizon_months=horizon_months,
        oldest_answer_days=oldest_answer_days,
    )


def _slope_of(rung: Rung | NotEstimable) -> Estimate | NotEstimable:
    return rung if isinstance(rung, NotEstimable) else rung.slope
