"""Who answers: weights by the chance of being invited and of answering, and what they cannot mend.

Weights are one over the product of two fitted chances (invited; answered, if invited), from what
was known before the invitation. They give back the mean of all candidates where, among those alike
in these columns, answering has nothing to do with the answer. Where it has, no weight can help;
`tipping_point` says how different the silent would have to be.

The interval counts that the chances are estimated: with θ = Σ wy / Σ w, the influence of a
candidate is w(y − θ)/Σw, if it answered, plus D₁ψ₁ + D₂ψ₂ with ψ the influence on the coefficients
of either stage and D the derivative of θ in them (Lunceford & Davidian 2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.likelihood import Separation
from analysis.methods.logistic import LogisticFit, fit_logistic
from analysis.methods.regression import Floats, Ints, LeastSquares, fit_least_squares

Flags = NDArray[np.bool_]

# A weight above so many times the mean is cut to it: few answers must not speak for everybody.
LARGEST_RELATIVE_WEIGHT = 10.0
FEWEST_ANSWERS = 30
# What a column adds to those before it, relatively, that is too little to tell candidates apart.
UNTELLING = 1e-9


@dataclass(frozen=True, slots=True)
class Balance:
    """How well those who answered stand for all candidates in one column.

    candidates, answered, weighted: means of all, of those who answered, of the same weighted.
    before, after: distance of the latter two from the first, in standard deviations of all.
    """

    name: str
    candidates: float
    answered: float
    weighted: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One fitted stage.

    rows: the candidates it was fitted on. passed: who of them did. design: theirs, with a constant.
    """

    rows: Ints
    passed: Flags
    design: Floats
    fit: LogisticFit


@dataclass(frozen=True, slots=True)
class ResponseWeights:
    """Weights for those who answered, mean one, in the order of `rows`.

    rows: which candidates answered. share_invited: of the candidates. share_answered: of those
    invited. effective_n: Kish's (Σw)²/Σw², answers that would be as precise unweighted.
    truncated: weights cut to the largest one allowed. balance: by column, worst before first.
    stages: what was fitted; a stage in which everybody passed has none.
    candidates: rows in all; customers: codes of their customers.
    """

    weights: Floats
    rows: Ints
    share_invited: float
    share_answered: float
    effective_n: float
    truncated: int
    balance: tuple[Balance, ...]
    candidates: int
    customer: Ints = field(repr=False)
    cut: Flags = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)

    @property
    def n(self) -> int:
        return len(self.rows)

    @property
    def response_share(self) -> float:
        """Share of the candidates who answered."""
        return self.n / self.candidates


def response_weights(
    invited: Flags,
    answered: Flags,
    covariates: Floats,
    names: tuple[str, ...],
    customer: Ints | None = None,
    largest: float = LARGEST_RELATIVE_WEIGHT,
) -> ResponseWeights:
    """Two-stage weights from columns known before the invitation.

    invited, answered: n candidates; an answer implies an invitation. covariates: n × c without a
    constant; those that do not vary or follow from others are passed over. customer: codes from
    zero where a customer has several rows. Raises CannotEstimate where fewer than thirty answered,
    or where everybody or nobody with some property did (no weight can stand in for them).
    """
    asked, replied = np.asarray(invited, dtype=bool), np.asarray(answered, dtype=bool)
    if (replied & ~asked).any():
        raise ValueError("answered without an invitation")
    rows = np.flatnonzero(replied)
    if len(rows) < FEWEST_ANSWERS:
        raise CannotEstimate(
            f"There are fewer than {FEWEST_ANSWERS} answers; weights need at least as many."
        )
    codes = np.arange(len(asked)) if customer is None else np.asarray(customer, dtype=np.int64)
    everybody = np.arange(len(asked))
    stages = (
        *_stage(asked, everybody, covariates, names, codes, "an invitation"),
        *_stage(replied, np.flatnonzero(asked), covariates, names, codes, "an answer"),
    )
    raised = np.ones(len(asked))
    for stage in stages:
        raised[stage.rows] /= stage.fit.probabilities
    weights = raised[rows]
    bound = largest * weights.mean()
    cut = weights > bound
    weights = np.minimum(weights, bound)
    weights = weights / weights.mean()
    return ResponseWeights(
        weights=weights,
        rows=rows,
        share_invited=float(asked.mean()),
        share_answered=len(rows) / int(asked.sum()),
        effective_n=float(weights.sum() ** 2 / (weights**2).sum()),
        truncated=int(cut.sum()),
        balance=_balance(covariates, names, rows, weights),
        candidates=len(asked),
        customer=codes,
        cut=cut,
        stages=stages,
    )


def _stage(
    passed: Flags, rows: Ints, covariates: Floats, names: tuple[str, ...], codes: Ints, what: str
) -> tuple[Stage, ...]:
    """The fitted stage; none where everybody passed it."""
    if passed[rows].all():
        return ()
    theirs = covariates if len(rows) == len(covariates) else covariates[rows]
    used = _telling(theirs)
    design = np.empty((len(rows), len(used) + 1))
    design[:, 0] = 1
    design[:, 1:] = theirs if len(used) == theirs.shape[1] else theirs[:, used]
    kept = ("the share overall", *(names[column] for column in used))
    try:
        fit = fit_logistic(passed[rows], design, kept, codes[rows], what)
    except Separation as separation:
        raise CannotEstimate(
            f"Whether a customer has {what} follows from {separation.column} alone, "
            "so no weight can make others stand in for those without."
        ) from separation
    return (Stage(rows, passed[rows], design, fit),)


def _telling(covariates: Floats) -> Ints:
    """Columns that vary and do not follow from a constant and those before them."""
    if not len(covariates):
        return np.empty(0, dtype=np.int64)
    centred = covariates - covariates.mean(axis=0)
    gram = centred.T @ centred
    size = np.sqrt(np.diag(gram))
    largest = np.maximum(covariates.max(axis=0), -covariates.min(axis=0))
    smallest = UNTELLING * np.maximum(largest * math.sqrt(len(covariates)), 1e-300)
    varies = np.flatnonzero(size > smallest)
    left = gram[np.ix_(varies, varies)] / np.outer(size[varies], size[varies])
    kept = []
    for place, column in enumerate(varies):
        pivot = left[place, place]
        if pivot > UNTELLING:
            kept.append(int(column))
            left = left - np.outer(left[:, place], left[place]) / pivot
    return np.asarray(kept, dtype=np.int64)


def _balance(
    covariates: Floats, names: tuple[str, ...], rows: Ints, weights: Floats
) -> tuple[Balance, ...]:
    everybody = covariates.mean(axis=0)
    spread = covariates.std(axis=0)
    plain = covariates[rows].mean(axis=0)
    weighted = weights @ covariates[rows] / weights.sum()
    size = np.where(spread > 0, spread, 1.0)
    found = [
        Balance(
            name, *(float(x) for x in (all_, raw, mended, (raw - all_) / s, (mended - all_) / s))
        )
        for name, all_, raw, mended, s in zip(names, everybody, plain, weighted, size, strict=True)
    ]
    return tuple(sorted(found, key=lambda balance: (-abs(balance.before), balance.name)))


def raw_mean(values: Floats, weights: ResponseWeights, unit: str = "points") -> Estimate:
    """Mean of those who answered, as it stands, clustered by customer."""
    answered = _answers(values, weights)
    mean = float(answered.mean())
    return _estimate(mean, _raw_influence(answered, weights), weights, unit, "mean")


def weighted_mean(values: Floats, weights: ResponseWeights, unit: str = "points") -> Estimate:
    """Weighted mean, meant for all candidates; the interval counts that weights are estimated.

    values: one per candidate (those who did not answer are not looked at).
    """
    answered = _answers(values, weights)
    mean = float(weights.weights @ answered / weights.weights.sum())
    influence = _weighted_influence(answered, mean, weights)
    return _estimate(mean, influence, weights, unit, "weighted mean")


def weighting_shift(values: Floats, weights: ResponseWeights, unit: str = "points") -> Estimate:
    """Weighted mean less the raw one, with the interval of the difference."""
    answered = _answers(values, weights)
    mean = float(weights.weights @ answered / weights.weights.sum())
    influence = _weighted_influence(answered, mean, weights) - _raw_influence(answered, weights)
    value = mean - float(answered.mean())
    return _estimate(value, influence, weights, unit, "difference of means")


def _answers(values: Floats, weights: ResponseWeights) -> Floats:
    answered = np.asarray(values, dtype=float)[weights.rows]
    if not np.isfinite(answered).all():
        raise CannotEstimate("Some of those who answered have no score.")
    return answered


def _raw_influence(answered: Floats, weights: ResponseWeights) -> Floats:
    influence = np.zeros(weights.candidates)
    influence[weights.rows] = (answered - answered.mean()) / len(answered)
    return influence


def _weighted_influence(answered: Floats, mean: float, weights: ResponseWeights) -> Floats:
    """Influence by candidate row on the weighted mean, both stages included."""
    total = weights.weights.sum()
    own = weights.weights * (answered - mean) / total
    influence = np.zeros(weights.candidates)
    influence[weights.rows] = own
    free = np.where(weights.cut, 0.0, own)
    for stage in weights.stages:
        where = np.searchsorted(stage.rows, weights.rows)
        chance = stage.fit.probabilities
        derivative = -(free * (1 - chance[where])) @ stage.design[where]
        along = stage.design @ (stage.fit.bread @ derivative)
        influence[stage.rows] += (stage.passed - chance) * along
    return influence


def _estimate(
    value: float, influence: Floats, weights: ResponseWeights, unit: str, method: str
) -> Estimate:
    """HC0 summed within customers × G/(G−1), t with G − 1 degrees; G customers who answered."""
    customers = len(np.unique(weights.customer[weights.rows]))
    if customers < 2:
        raise CannotEstimate("All answers are one customer's.")
    by_customer = np.bincount(weights.customer, influence)
    error = math.sqrt(float(by_customer @ by_customer) * customers / (customers - 1))
    return from_standard_error(
        value, error, unit, customers, f"{method}, clustered by customer", customers - 1
    )


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How different the silent would have to be for a mean to turn.

    threshold: the mean (of all) at which the result turns. silent_mean: mean of the silent at which
    that of all reaches it. difference: silent_mean less what is otherwise taken for the silent: the
    mean of those who answered, or, where weights were used, what the weights foretell of them.
    difference_in_sd: the same in standard deviations of the answers; None where all are the same.
    difference_within_noise: the least difference at which the interval reaches the threshold.
    possible: whether silent_mean lies on the scale; None where no scale was given.
    lowest_mean, highest_mean: of all, were all silent at an end of the scale (Manski's bounds).
    """

    threshold: float
    response_share: float
    silent_mean: float
    difference: float
    difference_in_sd: float | None
    difference_within_noise: float | None
    possible: bool | None
    lowest_mean: float | None
    highest_mean: float | None


def tipping_point(
    answered: Estimate,
    response_share: float,
    threshold: float,
    scale_sd: float,
    scale: tuple[float, float] | None = None,
    raw: float | None = None,
) -> TippingPoint:
    """With r the share who answered, the mean of all is r·(raw) + (1 − r)·(silent).

    A mean taken for that of all, raw or weighted, moves by 1 − r for every point by which the
    silent differ from what it takes them for. answered: that mean. raw: of those who answered,
    unweighted, where `answered` is weighted. scale_sd: standard deviation of single answers.
    scale: lowest and highest possible answer. Raises CannotEstimate where nobody or everybody
    answered.
    """
    heard = answered.value if raw is None else raw
    if response_share <= 0:
        raise CannotEstimate("Nobody answered, so there is no result to turn.")
    if response_share >= 1:
        raise CannotEstimate("Everybody answered, so there are no silent customers.")
    silent = 1 - response_share
    difference = (threshold - answered.value) / silent
    within_noise = None
    if answered.lower is not None and answered.upper is not None:
        nearest = min(max(threshold, answered.lower), answered.upper)
        within_noise = (threshold - nearest) / silent
    bounds = [
        response_share * heard + silent * end if scale is not None else None
        for end in (scale or (0.0, 0.0))
    ]
    silent_mean = (threshold - response_share * heard) / silent
    return TippingPoint(
        threshold=threshold,
        response_share=response_share,
        silent_mean=silent_mean,
        difference=difference,
        difference_in_sd=difference / scale_sd if scale_sd > 0 else None,
        difference_within_noise=within_noise,
        possible=None if scale is None else scale[0] <= silent_mean <= scale[1],
        lowest_mean=bounds[0],
        highest_mean=bounds[1],
    )


def slope_with_response_weights(
    outcome: Floats, design: Floats, names: tuple[str, ...], weights: Floats, cluster: Ints
) -> LeastSquares:
    """Weighted least squares, clustered: a slope as if all candidates had answered.

    weights: one per row of the regression, above zero; taken as known. A sensitivity: a slope is
    biased by silence only where answering depends on spend among customers with the same score.
    """
    root = np.sqrt(weights)
    fit = fit_least_squares(outcome * root, design * root[:, None], names, "cluster", cluster)
    return replace(fit, residuals=outcome - design @ fit.coefficients, method="weighted, cluster")
