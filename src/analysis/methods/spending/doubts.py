"""What could overturn the slope: something unrecorded, a bend, few customers, tangled columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import NotEstimable, attempt
from analysis.methods.regression import Floats, Ints, LeastSquares, dummies, fit_least_squares
from analysis.methods.regression_diagnostics import (
    Conditioning,
    FormTest,
    Influence,
    conditioning,
    influence_of_customers,
    reset,
)
from analysis.methods.sensitivity import Sensitivity, slope_sensitivity
from analysis.methods.spending.absorb import (
    Held,
    require_changes,
    take_out,
    take_out_customers_and_periods,
)
from analysis.methods.spending.ladder import PREVIOUS_SPEND
from analysis.methods.spending.rows import PanelRows

SCORE = ("score",)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Diagnostics of the defended slope.

    robustness: of the defended slope. benchmark: of the slope beside what is recorded of the
    customer and previous spend, with each as a yardstick. form: RESET. influence: of customers.
    columns: condition of the design of that rung.
    """

    robustness: Sensitivity | NotEstimable
    benchmark: Sensitivity | NotEstimable
    form: FormTest | NotEstimable
    influence: Influence | NotEstimable
    columns: Conditioning | NotEstimable


@dataclass(frozen=True, slots=True)
class _Moved:
    """Spend and score within customers and periods, the defended fit and the effects taken out."""

    spend: Floats
    score: Floats
    fit: LeastSquares
    effects: int


def _moved(rows: PanelRows) -> _Moved:
    spend, score = take_out_customers_and_periods(
        [rows.spend, rows.score], rows.customer, rows.period
    )
    require_changes((rows.spend, spend), (rows.score, score), rows.customer)
    fit = fit_least_squares(spend, score[:, None], SCORE, "cluster", rows.customer)
    return _Moved(spend, score, fit, rows.customers + int(rows.period.max()))


def _robustness(rows: PanelRows, moved: _Moved) -> Sensitivity:
    return slope_sensitivity(
        moved.spend, moved.score[:, None], SCORE, "score", rows.customer, absorbed=moved.effects
    )


def _recorded(
    rows: PanelRows,
) -> tuple[list[Floats], tuple[str, ...], dict[str, tuple[str, ...]]]:
    columns = [rows.tenure_months[:, None], rows.previous_spend[:, None]]
    names = ["tenure", PREVIOUS_SPEND]
    covariates: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    for category in rows.categories:
        block, labelled = dummies(category.codes, category.labels, category.name)
        if labelled:
            columns.append(block)
            names += labelled
            covariates[category.name] = labelled
    return columns, tuple(names), covariates


def _benchmark(rows: PanelRows) -> Sensitivity:
    columns, names, covariates = _recorded(rows)
    together = np.column_stack([rows.spend, rows.score, *columns])
    moved, _ = take_out(list(together.T), Held((("period", rows.period),)))
    return slope_sensitivity(
        moved[0], np.column_stack(moved[1:]), ("score", *names), "score", rows.customer, covariates,
        absorbed=int(rows.period.max()) + 1,
    )  # fmt: skip


def _form(rows: PanelRows, moved: _Moved) -> FormTest:
    absorb: tuple[Ints, Ints] = (rows.customer, rows.period)
    return reset(moved.fit, moved.spend, moved.score[:, None], rows.customer, absorb)


def _influence(moved: _Moved) -> Influence:
    return influence_of_customers(moved.fit, "score")


def _columns(rows: PanelRows) -> Conditioning:
    columns, names, _ = _recorded(rows)
    design = np.column_stack([np.ones(rows.n), rows.score, *columns])
    return conditioning(design, ("constant", "score", *names))


def find_doubts(rows: PanelRows) -> Doubts:
    """All diagnostics on the rows of the ladder."""
    moved = attempt(_moved, rows)
    return Doubts(
        robustness=attempt(_robustness, rows, moved),
        benchmark=attempt(_benchmark, rows),
        form=attempt(_form, rows, moved),
        influence=attempt(_influence, moved),
        columns=attempt(_columns, rows),
    )
