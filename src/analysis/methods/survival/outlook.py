"""Who may leave next: a model judged on months that it has not seen, then asked about the coming ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.survival.at_risk import AtRiskList, rank_customers_at_risk
from analysis.methods.survival.baseline import baseline_hazard
from analysis.methods.survival.cox import Booleans, Floats, Ints, fit_cox
from analysis.methods.survival.groups import group_codes
from analysis.methods.survival.hazard import SCORE, HazardModel
from analysis.methods.survival.prediction import PredictionCheck, check_prediction
from analysis.methods.survival.prediction_rows import (
    as_known_at,
    customer_halves,
    months_between,
    tenure_on_day,
)
from analysis.methods.survival.second_opinions import recorded_design
from analysis.methods.survival.silence import rank_silent_customers, risk_of_silence
from analysis.methods.survival.silence_check import SilenceCheck, check_silence
from analysis.methods.survival.study import ChurnStudy
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

MONTHS_HELD_BACK = 6
NO_ANSWER = "no answer yet"
DAYS_AHEAD = 91


@dataclass(frozen=True, slots=True)
class ChurnOutlook:
    """check: predictions set beside what happened. at_risk: active customers by margin at risk.

    by_silence: where the list rests on how long customers have been silent, how that list did a
    quarter earlier (`check` is then of the hazard model); None elsewhere.
    """

    check: PredictionCheck | NotEstimable
    at_risk: AtRiskList | NotEstimable
    by_silence: SilenceCheck | NotEstimable | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """Intervals of all customers, with or without an answer, as arrays for a model of leaving."""

    frame: pd.DataFrame
    start: Floats
    stop: Floats
    ended: Booleans
    spell: Ints
    design: Floats
    names: tuple[str, ...]
    strata: Ints | None


def _rows(lifetimes: pd.DataFrame, intervals: pd.DataFrame, study: ChurnStudy) -> _Rows:
    """Rows to predict with: an unknown score stands at the mean, and an indicator says so.

    Prediction is of everybody; the hazard ratio that is argued with is of those who answered.
    """
    if intervals.empty:
        frame = lifetimes.assign(
            start_months=lifetimes["entry_months"],
            stop_months=lifetimes["exit_months"],
            score=np.nan,
        )
    else:
        frame = intervals
    chosen = study.chosen_model
    stratified_by = chosen.stratified_by if isinstance(chosen, HazardModel) else ""
    recorded, recorded_names = recorded_design(frame, stratified_by)
    columns: list[Floats] = []
    names: tuple[str, ...] = ()
    score = frame["score"].to_numpy(float)
    known = np.isfinite(score)
    if known.any() and np.ptp(score[known]) > 0:
        columns.append(np.where(known, score, score[known].mean())[:, None])
        names = (SCORE,)
        if not known.all():
            columns.append((~known).astype(float)[:, None])
            names += (NO_ANSWER,)
    if recorded_names:
        columns.append(recorded)
        names += recorded_names
    if not columns:
        raise CannotEstimate("Nothing is recorded that could tell who is likelier to leave.")
    spells = frame.groupby(["customer_id", "spell"], sort=True).ngroup()
    rows = _Rows(
        frame,
        frame["start_months"].to_numpy(float),
        frame["stop_months"].to_numpy(float),
        frame["ended"].to_numpy(bool),
        np.asarray(spells, dtype=np.int64),
        np.hstack(columns),
        names,
        group_codes(frame[stratified_by])[0] if stratified_by else None,
    )
    return rows if _fits(rows) else _without(rows, NO_ANSWER)


def _fits(rows: _Rows) -> bool:
    fit = attempt(fit_cox, rows.start, rows.stop, rows.ended, rows.design, rows.names, rows.strata)
    return not isinstance(fit, NotEstimable)


def _without(rows: _Rows, name: str) -> _Rows:
    """The same without a column: all are asked at the same tenure where the indicator is flat."""
    kept = [place for place, other in enumerate(rows.names) if other != name]
    if not kept:
        return rows
    return replace(
        rows, design=rows.design[:, kept], names=tuple(rows.names[place] for place in kept)
    )


def _held_back_from(as_of: dt.date) -> dt.date:
    """The end of the month, half a year before a day."""
    import pandas as pd

    return (
        pd.Timestamp(as_of) - pd.DateOffset(months=MONTHS_HELD_BACK) + pd.offsets.MonthEnd(0)
    ).date()


def _check(
    rows: _Rows, lifetimes: pd.DataFrame, study: ChurnStudy, as_of: dt.date
) -> PredictionCheck:
    lives = (rows.start, rows.stop, rows.ended)
    if study.is_snapshot:
        return check_prediction(
            *customer_halves(
                *lives, rows.frame["customer_id"].tolist(), rows.design, rows.names,
                study.window_months, rows.strata,
            )
        )  # fmt: skip
    cut = _held_back_from(as_of)
    started = rows.frame.merge(
        lifetimes[["customer_id", "spell", "started_on"]], on=["customer_id", "spell"], how="left",
        suffixes=("_of_row", ""),
    )["started_on"]  # fmt: skip
    return check_prediction(
        *as_known_at(
            *lives, rows.spell, rows.design, rows.names, tenure_on_day(started, cut),
            months_between(cut, as_of), rows.strata,
        )
    )  # fmt: skip


def _at_risk(
    rows: _Rows,
    customer_periods: pd.DataFrame,
    period_label: str,
    currency: str,
    period_months: int,
) -> AtRiskList:
    fit = fit_cox(rows.start, rows.stop, rows.ended, rows.design, rows.names, rows.strata)
    baseline = baseline_hazard(fit, rows.start, rows.stop, rows.ended, rows.design, rows.strata)
    newest = np.full(int(rows.spell.max()) + 1, -np.inf)
    np.maximum.at(newest, rows.spell, rows.stop)
    gone = np.bincount(rows.spell, rows.ended) > 0
    today = np.flatnonzero((rows.stop == newest[rows.spell]) & ~gone[rows.spell])
    active = rows.frame.iloc[today].assign(tenure_months=rows.stop[today])
    return rank_customers_at_risk(
        fit, baseline, active, rows.design[today], customer_periods, period_label, currency,
        None if rows.strata is None else rows.strata[today], period_months,
    )  # fmt: skip


def _orders_with_starts(transactions: pd.DataFrame, lifetimes: pd.DataFrame) -> pd.DataFrame:
    """Orders, and the starts of customers seen from their start, which count as one (as in lifetimes)."""
    import pandas as pd

    columns = ["customer_id", "occurred_on", "amount"]
    seen = lifetimes[(lifetimes["spell"] == 1) & (lifetimes["entry_months"] == 0)]
    starts = seen[["customer_id", "started_on"]].rename(columns={"started_on": "occurred_on"})
    starts = starts[starts["occurred_on"].notna()].assign(amount=1.0)
    return pd.concat([transactions[columns].astype({"amount": float}), starts], ignore_index=True)


def study_outlook(
    lifetimes: pd.DataFrame,
    intervals: pd.DataFrame,
    customer_periods: pd.DataFrame,
    study: ChurnStudy,
    as_of: dt.date,
    period_label: str,
    currency: str,
    period_months: int = 3,
    transactions: pd.DataFrame | None = None,
) -> ChurnOutlook:
    """Fit as of half a year earlier and judge the prediction; then rank who is active today.

    transactions: where churn is inactivity, the list rests on how long each has been silent.
    """
    rows = attempt(_rows, lifetimes, intervals, study)
    check = attempt(_check, rows, lifetimes, study, as_of)
    if study.measurable_from_months and transactions is not None:
        if not transactions.empty:
            transactions = _orders_with_starts(transactions, lifetimes)
        threshold = round(study.measurable_from_months * DAYS_PER_MONTH)
        silence = attempt(risk_of_silence, transactions, as_of, threshold, DAYS_AHEAD)
        return ChurnOutlook(
            check,
            attempt(
                rank_silent_customers, silence, customer_periods, period_label, currency,
                period_months,
            ),
            attempt(check_silence, transactions, as_of, threshold, DAYS_AHEAD),
        )  # fmt: skip
    return ChurnOutlook(
        check, attempt(_at_risk, rows, customer_periods, period_label, currency, period_months)
    )
