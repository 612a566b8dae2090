"""How noisy single answers are, and the slope that they would give without the noise.

An answer is what lasts plus chance. Chance is seen in two answers of the same customer a short
time apart: half their mean squared difference. Within customers it weighs more than between them,
because what lasts has less room to vary there (Griliches & Hausman 1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.regression import Floats, Ints
from analysis.methods.spending.absorb import take_out_customers_and_periods, unchanging
from analysis.methods.spending.ladder import from_influence
from analysis.methods.spending.rows import FEWEST_CUSTOMERS, SAME_ANSWER, PanelRows
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

SHORT_TIME_DAYS = 45
# A divisor whose square is below this many of its variances makes a ratio that no interval holds.
FIRM_DIVISOR = 10.0


@dataclass(frozen=True, slots=True)
class AnswerNoise:
    """Chance in single answers, from pairs of one customer close in time.

    variance: points squared. by_customer: sum of half the squared differences of a customer's
    pairs, pairs: how many it has; customers of the rows by their codes, others after them.
    """

    variance: float
    by_customer: Floats
    pairs: Floats


@dataclass(frozen=True, slots=True)
class Reliability:
    """How much of the variation of scores lasts, and the slope corrected for the rest.

    within, between: share of the variance that is not chance, within customers (as the defended
    slope sees it) and over all rows. corrected: the defended slope over `within`, where that is
    known well enough to divide by. pairs: pairs of answers that chance was seen in.
    """

    within: Estimate
    between: Estimate
    corrected: Estimate | NotEstimable
    pairs: int


def answer_noise(
    customer: Ints, day: Floats, score: Floats, customers: int, short_days: float = SHORT_TIME_DAYS
) -> AnswerNoise:
    """Chance in single answers from consecutive answers at most `short_days` apart.

    customer (codes), day, score: one entry per answer. Raises CannotEstimate with too few pairs.
    """
    order = np.lexsort((day, customer))
    customer, day, score = customer[order], day[order], score[order]
    close = (customer[1:] == customer[:-1]) & (np.diff(day) <= short_days)
    half = np.diff(score)[close] ** 2 / 2
    who = customer[1:][close]
    if len(np.unique(who)) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers answered twice within {short_days:g} days, so "
            "chance in single answers cannot be told from change."
        )
    size = max(customers, int(customer.max()) + 1)
    return AnswerNoise(
        float(half.mean()),
        np.bincount(who, half, minlength=size).astype(float),
        np.bincount(who, minlength=size).astype(float),
    )


def _noise_left(rows: PanelRows) -> Floats:
    """How much of one unit of an answer's chance is left within customers and periods, by customer.

    An answer carried over n of a customer's T rows leaves n − n²/T of its variance; period effects
    take their share of the degrees of freedom.
    """
    same_customer = rows.customer[1:] == rows.customer[:-1]
    passed = np.diff(rows.period) * rows.period_months * DAYS_PER_MONTH
    carried = same_customer & (rows.score[1:] == rows.score[:-1])
    carried &= np.diff(rows.age_days) >= SAME_ANSWER * passed
    opens = np.concatenate([[True], ~carried])
    answer = np.cumsum(opens) - 1
    rows_of_answer = np.bincount(answer).astype(float)
    holder = rows.customer[opens]
    seen = np.bincount(rows.customer).astype(float)
    left = np.bincount(
        holder, rows_of_answer - rows_of_answer**2 / seen[holder], minlength=len(seen)
    )
    freedom = rows.n - len(seen)
    return np.asarray(left * (1 - int(rows.period.max()) / max(freedom, 1)), dtype=np.float64)


def correct_for_noise(rows: PanelRows, noise: AnswerNoise, unit: str) -> Reliability:
    """The defended slope over the reliability of scores within customers.

    β = Σ x̃ỹ / (Σ x̃² − c σ²), with x̃, ỹ within customers and periods, σ² the chance in an answer and
    c what is left of it; all influences by customer are joint. Where what lasts cannot be told from
    nothing, a ratio to it would be anything, so none is given. Raises CannotEstimate where no
    customer's score changed.
    """
    y, x = take_out_customers_and_periods([rows.spend, rows.score], rows.customer, rows.period)
    size = len(noise.pairs)

    def by_customer(values: Floats) -> Floats:
        return np.bincount(rows.customer, values, minlength=size).astype(float)

    counts = by_customer(np.ones(rows.n))
    chance_left = np.zeros(size)
    chance_left[: rows.customers] = _noise_left(rows)
    if unchanging(rows.score, x):
        raise CannotEstimate(
            "No customer's score ever changed, so none can be compared with itself."
        )
    squares, products = by_customer(x * x), by_customer(x * y)
    centred = (rows.score - rows.score.mean()) ** 2
    apart = by_customer(centred)
    drawn = (noise.by_customer - noise.variance * noise.pairs) / noise.pairs.sum()
    concerned = (counts > 0) | (noise.pairs > 0)
    counts, chance_left, squares, products, apart, drawn = (
        values[concerned] for values in (counts, chance_left, squares, products, apart, drawn)
    )
    total, spread = float(squares.sum()), float(centred.sum())
    lasting = total - float(chance_left.sum()) * noise.variance
    within, overall = lasting / total, 1 - rows.n * noise.variance / spread
    moved = (
        (1 - within) * squares - chance_left * noise.variance - chance_left.sum() * drawn
    ) / total
    moved_overall = ((1 - overall) * apart - counts * noise.variance - rows.n * drawn) / spread
    slope = float(products.sum()) / lasting
    moments = products - slope * (squares - chance_left * noise.variance)
    moved_slope = (moments + slope * chance_left.sum() * drawn) / lasting
    pairs = "pairs of answers close in time"
    lasts = from_influence(within, moved, "share", pairs)
    corrected: Estimate | NotEstimable
    if lasts.lower is None or lasts.lower <= 0:
        corrected = NotEstimable(
            "Lasting change within customers cannot be told from chance in these scores, so there is "
            "nothing that a slope could be corrected to; the defended slope is that of single answers."
        )
    elif within**2 < FIRM_DIVISOR * float((moved**2).sum()):
        corrected = NotEstimable(
            "How much of the change lasts is known too roughly to correct a slope by it; the defended "
            "slope is that of single answers."
        )
    else:
        method = "slope over reliability, delta method"
        corrected = from_influence(slope, moved_slope, unit, method)
    return Reliability(
        lasts,
        from_influence(overall, moved_overall, "share", pairs),
        corrected,
        int(noise.pairs.sum()),
    )


def noise_of_surveys(surveys: pd.DataFrame, rows: PanelRows) -> AnswerNoise:
    """Chance in the answers of a table of surveys, days with several answers averaged.

    Raises CannotEstimate without repeated answers.
    """
    import pandas as pd

    chosen = surveys[surveys["instrument"] == rows.instrument]
    chosen = chosen.dropna(subset=["customer_id", "answered_on", "score"])
    if chosen.empty:
        raise CannotEstimate(f"No customer has a known {rows.instrument.upper()} answer.")
    daily = chosen.groupby(["customer_id", "answered_on"], sort=True)["score"].mean().reset_index()
    ids = pd.Index(rows.customer_ids)
    codes = ids.get_indexer(pd.Index(daily["customer_id"]))
    others, _ = pd.factorize(daily["customer_id"].where(codes < 0))
    customer = np.where(codes >= 0, codes, len(ids) + others).astype(np.int64)
    day = daily["answered_on"].to_numpy("datetime64[D]").astype(float)
    return answer_noise(customer, day, daily["score"].to_numpy(float), len(ids))
