"""The customer satisfaction index: scores of attributes, each weighing by its importance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.scorecard.answers import Answers
from analysis.methods.scorecard.level import Floats, Level, ReportPeriod, bounded

if TYPE_CHECKING:
    import pandas as pd


def index_level(
    answers: Answers,
    scale: tuple[float, float],
    declared: Mapping[str, float],
    period: ReportPeriod,
) -> Level:
    """CSI, 0 to 100: Σ importance × mean score of the attribute, on the scale, / Σ importance.

    Importance as declared; where nothing is declared, the mean of what customers answered; where
    they were not asked either, all attributes alike. Of several answers of one customer on one
    attribute the last counts. The interval counts that answered importance is an estimate as
    well. Raises CannotEstimate, also where an attribute has no importance,
    or none has any.
    """
    rows = answers.within("csi", period)
    if "attribute" not in rows.columns or rows["attribute"].isna().all():
        raise CannotEstimate("The index needs to know which attribute each answer is about.")
    rows = rows[rows["attribute"].notna()]
    keys = ["customer_id", "attribute"]
    rows = rows.sort_values([*keys, "answered_on", "response_id"], kind="stable")
    rows = rows.drop_duplicates(keys, keep="last")
    attributes, place = np.unique(rows["attribute"].to_numpy(str), return_inverse=True)
    customers, who = np.unique(rows["customer_id"].to_numpy(str), return_inverse=True)
    low, high = scale
    score = 100 * (rows["score"].to_numpy(float) - low) / (high - low)
    base = np.bincount(place)
    means = np.bincount(place, score) / base
    weights, of_weights = _importance(rows, attributes, place, declared, len(customers), who)
    total = weights.sum()
    if not total > 0:
        raise CannotEstimate("Every attribute has an importance of zero, so none weighs anything.")
    value = float(weights @ means / total)
    # By attribute: how far an answer pulls its mean; how far a stated importance pulls the weights.
    own = weights[place] * (score - means[place]) / base[place] / total
    influence = np.bincount(who, own, minlength=len(customers))
    influence = influence + of_weights @ ((means - value) / total)
    g = len(customers)
    error = math.sqrt(float((influence**2).sum()) * g / (g - 1)) if g > 1 else 0.0
    unit, method = "points of 100", "weighted mean, linearised by customer"
    if not error:
        return Level(Estimate(value, None, None, unit, g, method), customers, influence)
    estimate = from_standard_error(value, error, unit, g, method, g - 1)
    return Level(bounded(estimate, 0.0, 100.0), customers, influence)


def _importance(
    rows: pd.DataFrame,
    attributes: np.ndarray,
    place: np.ndarray,
    declared: Mapping[str, float],
    n: int,
    who: np.ndarray,
) -> tuple[Floats, Floats]:
    """Weight of each attribute, and each customer's influence on it (n × attributes)."""
    nothing = np.zeros((n, len(attributes)))
    if declared:
        missing = [name for name in attributes if name not in declared]
        if missing:
            raise CannotEstimate(f"No importance is declared for {', '.join(missing)}.")
        return np.array([float(declared[name]) for name in attributes]), nothing
    stated = rows["importance"].to_numpy(float) if "importance" in rows.columns else None
    if stated is None or not np.isfinite(stated).any():
        return np.ones(len(attributes)), nothing
    known = np.isfinite(stated)
    base = np.bincount(place[known], minlength=len(attributes))
    if (base == 0).any():
        name = attributes[int(np.argmax(base == 0))]
        raise CannotEstimate(f"Nobody said how important {name} is.")
    weights = np.bincount(place[known], stated[known], minlength=len(attributes)) / base
    if weights.sum() <= 0:
        raise CannotEstimate("No attribute is of any importance to those who answered.")
    pull = (stated[known] - weights[place[known]]) / base[place[known]]
    np.add.at(nothing, (who[known], place[known]), pull)
    return weights, nothing
