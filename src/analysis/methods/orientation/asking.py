"""Where pay hangs on scores, scores get managed: who is asked, and whether top marks heap.

Tests of a density at a threshold (McCrary 2008) need a continuous score; on five steps there is
none. What the data can bear is a comparison of employees with one another: does someone ask
satisfied customers rather, does someone get more top marks than their other marks foretell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error, holm, wilson
from analysis.methods.orientation.served import encounters
from analysis.methods.orientation.sheets import places_of
from analysis.methods.regression import Floats

if TYPE_CHECKING:
    import pandas as pd

ASKED_WITHIN_DAYS = 14
FEWEST_EMPLOYEES = 8
FEWEST_GOOD_MARKS = 20
FEWEST_OF_EACH = 10
# Median of a chi-squared variable with one degree of freedom.
MEDIAN_CHI_SQUARED = 0.4549364
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Employees compared with one another.

    employees: how many could be compared. p_values: one-sided, adjusted by Holm over them all.
    scatter: variance between employees over what chance gives, at least 1. The order tells nothing.
    """

    employees: int
    p_values: Floats
    scatter: float

    @property
    def stands_out(self) -> bool:
        """Whether at least one employee stands out after allowing for so many comparisons."""
        return bool((self.p_values < LEVEL).any())


@dataclass(frozen=True, slots=True)
class Invitations:
    """invited: share of contacts followed by an invitation. n of it: contacts.

    preference: by how many points the last earlier answer of customers invited exceeds that of
    those not invited, in the average employee. comparison: whether any employee prefers more.
    """

    invited: Estimate
    preference: Estimate | None
    comparison: Comparison | None
    reason: str


def compare_top_marks(surveys: pd.DataFrame, highest: float) -> Comparison:
    """Whether some employees get more top marks than their other marks foretell.

    Among the two best marks, the share of the best rises with how often either is given; a line
    through all employees (logistic) says how. Employees far above it get marks moved from good to
    best. Their scatter about the line is measured by the median, so that a few do not hide
    themselves. Raises CannotEstimate where too few employees have twenty good marks.
    """
    employees, scores = _answers(surveys)
    number = int(employees.max()) + 1
    total = np.bincount(employees, minlength=number).astype(float)
    good = np.bincount(employees[scores >= highest - 1], minlength=number).astype(float)
    best = np.bincount(employees[scores >= highest], minlength=number).astype(float)
    enough = good >= FEWEST_GOOD_MARKS
    if int(enough.sum()) < FEWEST_EMPLOYEES:
        raise CannotEstimate(
            "Whether top marks heap cannot be told: fewer than eight employees have twenty good marks "
            "each."
        )
    total, good, best = total[enough], good[enough], best[enough]
    ease = np.log((good + 0.5) / (total - good + 0.5))
    expected, leverage = _logistic_line(best, good, ease)
    variance = good * expected * (1 - expected) * np.maximum(1 - leverage, 1e-6)
    if (variance <= 1e-9).any():
        raise CannotEstimate("Whether top marks heap cannot be told: the marks hardly differ.")
    # Half a mark less, because marks are counted and not measured (continuity correction).
    return _compare((best - good * expected - 0.5) / np.sqrt(variance))


def compare_invitations(contacts: pd.DataFrame, surveys: pd.DataFrame) -> Invitations:
    """Who is asked: invitations within a fortnight of a contact with the same employee.

    The last answer before the contact says how satisfied a customer probably was. Raises
    CannotEstimate if invitations, contacts or their employees are not recorded.
    """
    rows = encounters(contacts)
    needed = {"instrument", "invited_on", "employee_id", "customer_id"}
    if not needed <= set(surveys.columns):
        raise CannotEstimate(
            "Invitations do not say who served the customer, or when they went out."
        )
    csat = surveys[(surveys["instrument"] == "csat") & surveys["customer_id"].notna()]
    asked = csat[csat["invited_on"].notna() & csat["employee_id"].notna()]
    if asked.empty:
        raise CannotEstimate(
            "Invitations do not say who served the customer, or when they went out."
        )
    day = rows["opened_at"].to_numpy("datetime64[D]")
    covered = day <= asked["invited_on"].max().to_datetime64().astype("datetime64[D]")
    rows, day = rows[covered], day[covered]
    if rows.empty:
        raise CannotEstimate("No contact was followed by invitations.")
    invited = _followed(rows, day, asked)
    share = wilson(int(invited.sum()), len(invited))
    if invited.all() or not invited.any():
        return Invitations(share, None, None, "all" if invited.all() else "none")
    earlier = _last_answer_before(rows, day, csat)
    known = np.isfinite(earlier)
    _, codes = np.unique(rows["employee_id"].astype(str).to_numpy(), return_inverse=True)
    gaps, errors, degrees = _gaps(codes[known], earlier[known], invited[known])
    if len(gaps) < FEWEST_EMPLOYEES:
        return Invitations(share, None, None, "few")
    return Invitations(share, *_preference(gaps, errors, degrees), "")


def _answers(surveys: pd.DataFrame) -> tuple[np.ndarray, Floats]:
    if not {"instrument", "score", "employee_id"} <= set(surveys.columns):
        raise CannotEstimate("No answer of a customer is linked to the employee who served them.")
    chosen = (surveys["instrument"] == "csat") & surveys["score"].notna()
    rows = surveys[chosen & surveys["employee_id"].notna()]
    if rows.empty:
        raise CannotEstimate("No answer of a customer is linked to the employee who served them.")
    _, codes = np.unique(rows["employee_id"].astype(str).to_numpy(), return_inverse=True)
    return codes, rows["score"].to_numpy(float)


def _logistic_line(events: Floats, trials: Floats, ease: Floats) -> tuple[Floats, Floats]:
    """Expected shares and leverages of a logistic line through events among trials."""
    design = np.column_stack([np.ones(len(ease)), ease - ease.mean()])
    if ease.std() <= 1e-9:
        design = design[:, :1]
    # Half an event on either side keeps the line finite where all marks are the best.
    share = (events + 0.5) / (trials + 1)
    coefficients = np.linalg.lstsq(design, np.log(share / (1 - share)), rcond=None)[0]
    for _ in range(25):
        expected = 1 / (1 + np.exp(-np.clip(design @ coefficients, -30, 30)))
        weights = np.maximum(trials * expected * (1 - expected), 1e-9)
        information = design.T @ (design * weights[:, None])
        step = np.linalg.solve(information, design.T @ (events - trials * expected))
        coefficients = coefficients + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    leverage = weights * np.einsum("ij,jk,ik->i", design, np.linalg.inv(information), design)
    return expected, leverage


def _compare(scores: Floats, degrees: Floats | float = np.inf) -> Comparison:
    """Adjusted p-values of standardised residuals; more scatter than chance is allowed for."""
    from scipy.special import stdtr

    scatter = max(1.0, float(np.median(scores**2)) / MEDIAN_CHI_SQUARED)
    p_values = holm(stdtr(degrees, -scores / np.sqrt(scatter)))
    return Comparison(len(scores), np.sort(p_values), scatter)


def _followed(rows: pd.DataFrame, day: np.ndarray, asked: pd.DataFrame) -> np.ndarray:
    """Whether each contact was followed by an invitation about the same employee."""
    pairs = [
        (frame["customer_id"].astype(str) + "\x1f" + frame["employee_id"].astype(str)).to_numpy(str)
        for frame in (rows, asked)
    ]
    names = tuple(np.unique(pairs[1]).tolist())
    place, of_asked = places_of(pairs[0], names), places_of(pairs[1], names)
    stride = 1_000_000
    dated = np.sort(of_asked * stride + asked["invited_on"].to_numpy("datetime64[D]").astype(int))
    start = place * stride + day.astype(int)
    first = np.searchsorted(dated, start, side="left")
    last = np.searchsorted(dated, start + ASKED_WITHIN_DAYS, side="right")
    return (place >= 0) & (last > first)


def _last_answer_before(rows: pd.DataFrame, day: np.ndarray, csat: pd.DataFrame) -> Floats:
    """The customer's last CSAT answer before the day of each contact; NaN without one."""
    if not {"answered_on", "score"} <= set(csat.columns):
        return np.full(len(rows), np.nan)
    given = csat[csat["score"].notna() & csat["answered_on"].notna()]
    if given.empty:
        return np.full(len(rows), np.nan)
    ids = given["customer_id"].astype(str).to_numpy(str)
    names = tuple(np.unique(ids).tolist())
    stride = 1_000_000
    when = places_of(ids, names) * stride + given["answered_on"].to_numpy("datetime64[D]").astype(
        int
    )
    scores = given["score"].to_numpy(float)
    order = np.lexsort((scores, when))
    place = places_of(rows["customer_id"], names)
    last = np.searchsorted(when[order], place * stride + day.astype(int), side="left") - 1
    fits = (place >= 0) & (last >= 0)
    fits &= when[order][np.maximum(last, 0)] // stride == place
    return np.where(fits, scores[order][np.maximum(last, 0)], np.nan)


def _gaps(codes: np.ndarray, earlier: Floats, invited: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """By employee: earlier answers of the invited less those of the others, errors and degrees.

    Degrees of freedom after Welch.
    """
    number = int(codes.max()) + 1 if len(codes) else 0
    means, variances, enough = [], [], np.ones(number, dtype=bool)
    spread = np.zeros(number)
    for chosen in (invited, ~invited):
        n = np.bincount(codes[chosen], minlength=number).astype(float)
        enough &= n >= FEWEST_OF_EACH
        mean = np.bincount(codes[chosen], earlier[chosen], number) / np.maximum(n, 1)
        squares = np.bincount(codes[chosen], earlier[chosen] ** 2, number)
        variance = np.maximum(squares - n * mean**2, 0) / np.maximum(n - 1, 1)
        means.append(mean)
        variances.append(variance / np.maximum(n, 1))
        spread += variances[-1] ** 2 / np.maximum(n - 1, 1)
    errors = np.sqrt(variances[0] + variances[1])
    enough &= errors > 0
    degrees = errors[enough] ** 4 / spread[enough]
    return (means[0] - means[1])[enough], errors[enough], degrees


def _preference(gaps: Floats, errors: Floats, degrees: Floats) -> tuple[Estimate, Comparison]:
    """The average employee's preference, and whether any prefers more than the others."""
    n = len(gaps)
    mean = float(gaps.mean())
    error = float(gaps.std(ddof=1) / np.sqrt(n))
    average = from_standard_error(mean, error, "CSAT points", n, "mean of employees, t", n - 1)
    return average, _compare((gaps - np.median(gaps)) / errors, degrees)
