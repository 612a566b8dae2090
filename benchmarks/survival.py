"""Survival at scale: curves and log-rank from counts, Cox's model, against lifelines and R."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Contender, Limit, RContender

Floats = NDArray[np.float64]

DAYS_PER_MONTH = 30.4375
MONTHS_READ = (12.0, 24.0, 36.0)
COVARIATES = tuple(f"x{i}" for i in range(1, 9))
LIFETIMES, INTERVALS = "lifetimes.parquet", "intervals.parquet"


def _uniform(salt: int, key: str = "i") -> str:
    """SQL of numbers in (0, 1), the same for the same row always."""
    return f"((hash({key} * 64 + {salt}) % 9007199254740992 + 0.5) / 9007199254740992)"


def _write(folder: Path, name: str, query: str, csv: bool) -> None:
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        target = folder / name
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
        if csv:
            # What R reads without further packages.
            read = f"SELECT * FROM '{target}'"
            connection.execute(f"COPY ({read}) TO '{target.with_suffix('.csv')}' (FORMAT csv)")


def _lifetimes(rows: int) -> str:
    """Three contracts with hazards of their own; followed for up to five years; days of tenure."""
    return f"""
        WITH drawn AS (SELECT i, 1 + i % 3 AS kind,
                ceil(-ln({_uniform(1)}) * 500 * (1 + i % 3)) AS leaves,
                ceil({_uniform(2)} * 1826) AS followed FROM range({rows}) r(i))
        SELECT ['Month-to-month', 'One year', 'Two years'][kind] AS contract, 0.0::DOUBLE AS entry_months,
            least(leaves, followed) / {DAYS_PER_MONTH} AS exit_months, leaves <= followed AS ended
        FROM drawn"""


def make_lifetimes(folder: Path, rows: int) -> None:
    """Lifetimes as `frame_lifetimes` holds them."""
    _write(folder, LIFETIMES, _lifetimes(rows), csv=False)


def make_lifetimes_for_r(folder: Path, rows: int) -> None:
    """The same with a copy that R reads."""
    _write(folder, LIFETIMES, _lifetimes(rows), csv=True)


def make_covariates(folder: Path, rows: int) -> None:
    """Whole lifetimes with four shares and four flags, which the hazard goes with."""
    columns = [f"{_uniform(10 + i)} AS x{i}" for i in range(1, 5)]
    columns += [f"CAST({_uniform(10 + i)} < {i / 10} AS DOUBLE) AS x{i}" for i in range(5, 9)]
    predictor = " + ".join(f"{0.1 * i - 0.4:.1f} * x{i}" for i in range(1, 9))
    query = f"""
        WITH drawn AS (SELECT i, {", ".join(columns)} FROM range({rows}) r(i)),
        timed AS (SELECT *, ceil(-ln({_uniform(1)}) * 1500 * exp(-({predictor}))) AS leaves,
            ceil({_uniform(2)} * 1826) AS followed FROM drawn)
        SELECT 0.0::DOUBLE AS start_months, least(leaves, followed) / {DAYS_PER_MONTH} AS stop_months,
            CAST(leaves <= followed AS INTEGER) AS ended, {", ".join(COVARIATES)} FROM timed"""
    _write(folder, INTERVALS, query, csv=True)


def make_intervals(folder: Path, rows: int) -> None:
    """Lifetimes split each quarter, when a score between 1 and 5 is asked for anew."""
    score = f"(1 + floor({_uniform(3, '(i * 32 + s)')} * 5))"
    customers = max(rows // 6, 20)  # some six intervals each; cut to the number of rows
    query = f"""
        WITH drawn AS (SELECT i, CAST({_uniform(4)} < 0.4 AS DOUBLE) AS contract,
                {_uniform(5)} AS price, ceil({_uniform(2)} * 1826) AS followed FROM range({customers}) r(i)),
        split AS (SELECT *, s * 91 AS opens, {score} AS score FROM drawn, range(21) r(s)
            WHERE s * 91 < followed),
        timed AS (SELECT *, ceil(-ln({_uniform(6, "(i * 32 + s)")}) * 1200
                * exp(0.25 * (score - 3) + 0.5 * contract - 0.3 * price)) AS wait FROM split),
        ended AS (SELECT *, opens + wait <= least(opens + 91, followed) AS ended,
            least(opens + wait, opens + 91, followed) AS closes FROM timed),
        kept AS (SELECT *, coalesce(sum(CAST(ended AS INTEGER)) OVER (PARTITION BY i ORDER BY s
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS gone FROM ended)
        SELECT i AS customer, opens / {DAYS_PER_MONTH} AS start_months,
            closes / {DAYS_PER_MONTH} AS stop_months,
            CAST(ended AS INTEGER) AS ended, score, contract, price FROM kept
        WHERE gone = 0 ORDER BY i, s LIMIT {rows}"""
    _write(folder, INTERVALS, query, csv=True)


@dataclass(frozen=True, slots=True)
class Rows:
    """Arrays that a hazard model is fitted to."""

    start: Floats
    stop: Floats
    ended: NDArray[np.bool_]
    covariates: Floats
    names: tuple[str, ...]


def load_rows(folder: Path) -> Rows:
    """The intervals as arrays."""
    frame = load_frame(folder)
    names = tuple(c for c in frame if c not in ("customer", "start_months", "stop_months", "ended"))
    return Rows(
        frame["start_months"].to_numpy(float),
        frame["stop_months"].to_numpy(float),
        frame["ended"].to_numpy() == 1,
        frame[list(names)].to_numpy(float),
        names,
    )


def load_frame(folder: Path) -> Any:
    """The data as a pandas frame."""
    import pandas as pd

    return pd.read_parquet(next(folder.glob("*.parquet")))


def load_lifetimes(folder: Path) -> Any:
    """Lifetimes as a pandas frame, contracts as categories."""
    return load_frame(folder).astype({"contract": "category"})


def curves_from_counts(folder: Path) -> Floats:
    """Survival overall and by contract, and the log-rank statistic, from the file on disk."""
    import duckdb

    from analysis.intake.lifetime_counts import lifetime_counts
    from analysis.methods.survival.counts import (
        counts_by_group,
        kaplan_meier_from_counts,
        log_rank_from_counts,
        pool,
    )

    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        frame = lifetime_counts(connection, f"read_parquet('{folder / LIFETIMES}')", "contract")
    groups = counts_by_group(frame)
    curves = [kaplan_meier_from_counts(part) for part in (pool(groups), *groups.values())]
    read = [curve.at(months).value for curve in curves for months in MONTHS_READ]
    return np.array([*read, log_rank_from_counts(groups).statistic])


def curves_from_rows(frame: Any) -> Floats:
    """The same by our estimators on the customers' own rows."""
    from analysis.methods.survival.nonparametric import kaplan_meier, log_rank

    entry, exit_ = frame["entry_months"].to_numpy(), frame["exit_months"].to_numpy()
    ended, codes = (
        frame["ended"].to_numpy(),
        frame["contract"].cat.codes.to_numpy().astype(np.int64),
    )
    parts = [np.ones(len(frame), dtype=bool), *(codes == code for code in np.unique(codes))]
    curves = [kaplan_meier(entry[part], exit_[part], ended[part]) for part in parts]
    read = [curve.at(months).value for curve in curves for months in MONTHS_READ]
    return np.array([*read, log_rank(entry, exit_, ended, codes).statistic])


def curves_lifelines(frame: Any) -> Floats:
    """The same by lifelines on the customers' own rows."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test

    exit_, ended = frame["exit_months"].to_numpy(), frame["ended"].to_numpy()
    codes = frame["contract"].cat.codes.to_numpy()
    parts = [slice(None), *(codes == code for code in np.unique(codes))]
    read: list[float] = []
    for part in parts:
        fitter = KaplanMeierFitter().fit(exit_[part], ended[part])
        read.extend(fitter.survival_function_at_times(MONTHS_READ))
    return np.array([*read, multivariate_logrank_test(exit_, codes, ended).test_statistic])


def cox(rows: Rows) -> Floats:
    """Log hazard ratios and their errors, Efron ties."""
    from analysis.methods.survival.cox import fit_cox

    fit = fit_cox(rows.start, rows.stop, rows.ended, rows.covariates, rows.names)
    return np.concatenate([fit.coefficients, fit.standard_errors])


def cox_and_trend(rows: Rows) -> Floats:
    """Chi-squared of a time trend in each hazard ratio, and in all."""
    from analysis.methods.survival.cox import fit_cox, proportionality

    fit = fit_cox(rows.start, rows.stop, rows.ended, rows.covariates, rows.names)
    test = proportionality(fit, rows.start, rows.stop, rows.ended, rows.covariates)
    return np.array([*test.statistics, test.global_statistic])


def cox_lifelines(frame: Any) -> Floats:
    """The same by lifelines."""
    from lifelines import CoxPHFitter

    fitter = CoxPHFitter()
    fitter.fit(frame.drop(columns="start_months"), "stop_months", "ended")
    return np.concatenate([fitter.params_.to_numpy(), fitter.standard_errors_.to_numpy()])


def cox_lifelines_intervals(frame: Any) -> Floats:
    """The same by lifelines, for intervals."""
    from lifelines import CoxTimeVaryingFitter

    fitter = CoxTimeVaryingFitter()
    fitter.fit(
        frame,
        id_col="customer",
        event_col="ended",
        start_col="start_months",
        stop_col="stop_months",
    )
    return np.concatenate([fitter.params_.to_numpy(), fitter.standard_errors_.to_numpy()])


HERE = "benchmarks.survival"
LIFELINES = "lifelines on raw rows"
COMPARISONS: tuple[Comparison, ...] = (
    Comparison(
        "curves",
        "Kaplan–Meier overall and by contract, and log-rank",
        f"{HERE}:make_lifetimes",
        10_000_000,
        (
            Contender(
                "ours, counted in the engine",
                f"{HERE}:curves_from_counts",
                imports=("duckdb", "pandas"),
            ),
            Contender("ours on raw rows", f"{HERE}:curves_from_rows", f"{HERE}:load_lifetimes"),
            Contender(
                LIFELINES, f"{HERE}:curves_lifelines", f"{HERE}:load_lifetimes", ("lifelines",)
            ),
        ),
        (Limit(LIFELINES, time=1 / 3, memory=1 / 4),),
        tolerance=1e-9,
    ),
    Comparison(
        "curves_r",
        "the same, with R, at a size that it reads from text in reasonable time",
        f"{HERE}:make_lifetimes_for_r",
        1_000_000,
        (
            Contender(
                "ours, counted in the engine",
                f"{HERE}:curves_from_counts",
                imports=("duckdb", "pandas"),
            ),
            Contender(
                LIFELINES, f"{HERE}:curves_lifelines", f"{HERE}:load_lifetimes", ("lifelines",)
            ),
            RContender("R survival on raw rows", "curves.R"),
        ),
        (Limit("R survival on raw rows", time=1 / 3),),
        tolerance=1e-9,
    ),
    Comparison(
        "cox",
        "Cox's model of whole lifetimes, 8 covariates, Efron ties",
        f"{HERE}:make_covariates",
        1_000_000,
        (
            Contender("ours", f"{HERE}:cox", f"{HERE}:load_rows"),
            Contender(
                "lifelines",
                f"{HERE}:cox_lifelines",
                f"{HERE}:load_frame",
                ("lifelines",),
            ),
            RContender("R survival", "cox.R"),
        ),
        (Limit("R survival", time=2.0),),
        tolerance=1e-5,
    ),
    Comparison(
        "cox_intervals",
        "Cox's model of (start, stop] intervals, time-varying score, Efron ties",
        f"{HERE}:make_intervals",
        100_000,
        (
            Contender("ours", f"{HERE}:cox", f"{HERE}:load_rows"),
            Contender(
                "lifelines",
                f"{HERE}:cox_lifelines_intervals",
                f"{HERE}:load_frame",
                ("lifelines",),
            ),
            RContender("R survival", "cox.R"),
        ),
        (Limit("R survival", time=2.0),),
        tolerance=1e-5,
    ),
    Comparison(
        "cox_trend",
        "the same with the test of proportional hazards (cox.zph, km transform)",
        f"{HERE}:make_intervals",
        100_000,
        (
            Contender("ours", f"{HERE}:cox_and_trend", f"{HERE}:load_rows"),
            RContender("R survival", "cox_trend.R"),
        ),
        (Limit("R survival", time=2.0),),
        tolerance=1e-5,
    ),
)
