"""Spend on satisfaction: a ladder of comparisons, each fairer than the one before.

Rows are customer × period for customers active when the period opened, zeros included; the
regressor is the last score known before it opened. A slope here is an association: nobody
assigned satisfaction.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, p_value_t, scaled
from analysis.methods.regression import (
    Floats,
    Ints,
    LeastSquares,
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


@dataclass(frozen=True, slots=True)
class PanelRows:
    """The rows that the ladder stands on, one entry each.

    outcome: spend in the period, currency. score: points. customer, period: codes from zero.
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


@dataclass(frozen=True, slots=True)
class Rung:
    """One comparison of the ladder.

    id: raw, customer, history or fixed_effects. slope: currency per point and period.
    rows, customers: what it rests on.
    """

    id: str
    slope: Estimate
    rows: int
    customers: int


@dataclass(frozen=True, slots=True)
class StepMeans:
    """Mean spend by score, raw and relative to the customer's own mean.

    raw: mean spend. own: mean of spend less the customer's and the period's mean, shifted to the
    overall mean, so that both can be read on one axis.
    """

    scores: tuple[float, ...]
    raw: tuple[Estimate, ...]
    own: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class SpendStudy:
    """Spend on satisfaction, everything that a number could be given for.

    share_surviving: defended slope over raw slope. sign_flips: names of neighbouring rungs
    between which the sign changes while both intervals exclude zero.
    feedback: slope of the *next* score in the fixed-effects rung; away from zero means that
    spend moves scores, or something moves both. worth_base: defended slope × customers active
    when the last period opened, per period. periods_per_year: 4 or 12.
    """

    rows: PanelRows | NotEstimable
    raw: Rung | NotEstimable
    customer: Rung | NotEstimable
    history: Rung | NotEstimable
    fixed_effects: Rung | NotEstimable
    share_surviving: Estimate | NotEstimable
    sign_flips: tuple[tuple[str, str], ...]
    feedback: Estimate | NotEstimable
    feedback_p_value: float | NotEstimable
    steps: StepMeans | NotEstimable
    worth_base: Estimate | NotEstimable
    worth_horizon: Estimate | NotEstimable
    active_customers: int
    horizon_months: int

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
    if customer_periods.empty or score not in customer_periods.columns:
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
            f"Only {kept['customer_id'].nunique()} customers have a fresh {instrument.upper()} "
            f"answer; a slope needs at least {FEWEST_CUSTOMERS}."
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


def _slope(fit: LeastSquares, unit: str, method: str) -> Estimate:
    place = fit.position("score")
    return from_standard_error(
        float(fit.coefficients[place]),
        float(fit.standard_errors[place]),
        unit,
        fit.clusters,
        method,
        fit.degrees_of_freedom,
    )


def fit_rung(rows: PanelRows, rung: str, unit: str) -> Rung:
    """Fit one rung: raw, customer (+ what is recorded of the customer, and period), history (+
    spend in the period before) or fixed_effects (each customer against itself).

    Raises CannotEstimate.
    """
    if rung == "fixed_effects":
        moved = within(np.column_stack([rows.outcome, rows.score]), rows.customer, rows.period)
        if np.abs(moved[:, 1]).max() < 1e-9:
            raise CannotEstimate(
                "No customer's score ever changed, so none can be compared with itself."
            )
        fit = fit_least_squares(moved[:, 0], moved[:, 1:], ("score",), "cluster", rows.customer)
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
    return Rung(
        rung, _slope(fit, unit, "least squares, clustered by customer"), rows.n, fit.clusters
    )


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
    moved = within(
        np.column_stack([rows.outcome[now], rows.score[now], rows.score[now + 1]]), customer, period
    )
    fit = fit_least_squares(moved[:, 0], moved[:, 1:], ("score", "next score"), "cluster", customer)
    slope, error = float(fit.coefficients[1]), float(fit.standard_errors[1])
    estimate = from_standard_error(
        slope,
        error,
        unit,
        fit.clusters,
        "least squares, clustered by customer",
        fit.degrees_of_freedom,
    )
    return estimate, p_value_t(slope / error, fit.degrees_of_freedom)


def step_means(rows: PanelRows, unit: str) -> StepMeans:
    """Mean spend by rounded score, raw and with customer and period effects taken out."""
    rounded = np.rint(rows.score)
    levels = np.unique(rounded)
    own = within(rows.outcome[:, None], rows.customer, rows.period)[:, 0] + rows.outcome.mean()

    def mean(values: Floats, level: float) -> Estimate:
        chosen = rounded == level
        part = values[chosen]
        _, customer = np.unique(rows.customer[chosen], return_inverse=True)
        sums = np.bincount(customer, part - part.mean())
        customers = len(sums)
        if customers < 2:
            return Estimate(float(part.mean()), None, None, unit, customers, "mean")
        error = float(np.sqrt((sums**2).sum() * customers / (customers - 1))) / len(part)
        return from_standard_error(
            float(part.mean()), error, unit, customers, "mean, clustered by customer", customers - 1
        )

    return StepMeans(
        tuple(float(level) for level in levels),
        tuple(mean(rows.outcome, level) for level in levels),
        tuple(mean(own, level) for level in levels),
    )


def _share_surviving(raw: Rung, defended: Rung) -> Estimate:
    low, high = raw.slope.lower, raw.slope.upper
    if low is None or high is None or low <= 0 <= high:
        raise CannotEstimate("The raw slope cannot be told from zero, so no share of it survives.")
    return Estimate(
        defended.slope.value / raw.slope.value,
        None,
        None,
        "share",
        raw.customers,
        "ratio of slopes",
    )


def _sign_flips(rungs: tuple[Rung | NotEstimable, ...]) -> tuple[tuple[str, str], ...]:
    def sign(rung: Rung) -> int:
        low, high = rung.slope.lower, rung.slope.upper
        if low is None or high is None or low <= 0 <= high:
            return 0
        return 1 if low > 0 else -1

    fitted = [rung for rung in rungs if isinstance(rung, Rung)]
    return tuple((a.id, b.id) for a, b in itertools.pairwise(fitted) if sign(a) * sign(b) < 0)


def _worth_over_horizon(
    per_period: Estimate,
    horizon_months: int,
    discount_rate_annual: float,
    months: int,
    margin: float,
) -> Estimate:
    """Margin of a raised score over the horizon, period ends discounted, nobody leaving."""
    ends = np.arange(months, horizon_months + 1, months)
    factor = float(((1 + discount_rate_annual) ** (-ends / 12)).sum())
    return scaled(per_period, factor * margin, per_period.unit.split(" ")[0])


def study_spend(
    customer_periods: pd.DataFrame,
    currency: str,
    gross_margin: float,
    discount_rate_annual: float,
    horizon_months: int,
    period_months: int = 3,
    instrument: str = "csat",
) -> SpendStudy:
    """All that notebook 03 shows, from the frame of customers × periods."""
    span = "quarter" if period_months == 3 else "month"
    unit = f"{currency} per customer-{span}"
    rows = attempt(panel_rows, customer_periods, instrument)
    rungs = [attempt(fit_rung, rows, rung, unit) for rung in RUNG_NAMES]
    raw, customer, history, fixed = rungs
    feedback = attempt(feedback_slope, rows, unit)
    active = 0
    if not customer_periods.empty:
        last = customer_periods["period_index"] == customer_periods["period_index"].max()
        active = int((last & ~customer_periods["left"]).sum())
    base = (
        scaled(fixed.slope, active, f"{currency} per {span}") if isinstance(fixed, Rung) else fixed
    )
    horizon = attempt(
        _worth_over_horizon, base, horizon_months, discount_rate_annual, period_months, gross_margin
    )
    return SpendStudy(
        rows=rows,
        raw=raw,
        customer=customer,
        history=history,
        fixed_effects=fixed,
        share_surviving=attempt(_share_surviving, raw, fixed),
        sign_flips=_sign_flips(tuple(rungs)),
        feedback=feedback if isinstance(feedback, NotEstimable) else feedback[0],
        feedback_p_value=feedback if isinstance(feedback, NotEstimable) else feedback[1],
        steps=attempt(step_means, rows, unit),
        worth_base=base,
        worth_horizon=horizon,
        active_customers=active,
        horizon_months=horizon_months,
    )
