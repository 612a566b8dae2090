"""Intake at scale: a million customers with fifty million orders, made, checked and prepared.

The company is made within four gigabytes; `prepare` checks all tables and writes them with all
frames, within eight gigabytes and three times what plain SQL takes for the panel alone: no check,
no table, no other frame. Both give the same panel.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Contender, Limit
from benchmarks.worker import forget_peak, peak

Floats = NDArray[np.float64]

CUSTOMERS, TRANSACTIONS_EACH = 1_000_000, 50
MOST_BYTES_TO_MAKE, MOST_BYTES_TO_PREPARE = 4e9, 8e9
INSTRUMENTS = ("csat", "nps")
ENGINE: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "memory_limit": "5GB"}


def make_company(folder: Path, rows: int) -> None:
    """The example company with so many customers, and fifty times as many transactions."""
    from analysis.simulation.__main__ import main

    forget_peak()
    started = time.perf_counter()
    main(
        [
            "--customers", str(rows), "--transactions", str(rows * TRANSACTIONS_EACH),
            "--format", "parquet", "--replicates", "0", "--to", str(folder),
        ]
    )  # fmt: skip
    needed = peak()
    if needed > MOST_BYTES_TO_MAKE:
        raise MemoryError(f"making the company needed {needed / 1e6:,.0f} MB")
    sys.stdout.write(
        f"(made {rows:,} customers in {time.perf_counter() - started:.0f} s, the process at "
        f"{needed / 1e6:,.0f} MB at most)\n"
    )


def _sums(panel: Path) -> Floats:
    """What two panels that are equal have in common: rows and sums of every column."""
    import duckdb

    columns = ["tenure_months", "spend", "orders", "refunded", "margin", "previous_spend", "age"]
    columns += [f"{name}_{what}" for name in INSTRUMENTS for what in ("score", "age_days")]
    wanted = ", ".join(f"count({name}), coalesce(sum({name}), 0)" for name in columns)
    with duckdb.connect(config=ENGINE) as connection:
        row = connection.execute(
            f"""SELECT count(*), count(DISTINCT customer_id), sum(CAST("left" AS INTEGER)),
            sum(period_index), count(contract), {wanted} FROM read_parquet(?)""",
            [str(panel)],
        ).fetchone()
    assert row is not None
    return np.array([float(value) for value in row])


def prepared(folder: Path) -> Floats:
    """Ours: everything read, checked and written, tables and frames."""
    from analysis.intake.periods import choose_period
    from analysis.intake.prepared import prepare
    from analysis.intake.settings import load_settings

    build = Path(tempfile.mkdtemp(prefix="prepared-", dir=folder.parent))
    try:
        settings = load_settings(folder)
        target = prepare(settings, folder, choose_period("", settings), build)
        needed = peak()
        if needed > MOST_BYTES_TO_PREPARE:
            raise MemoryError(f"preparing needed {needed / 1e6:,.0f} MB")
        return _sums(target / "frame_customer_periods.parquet")
    finally:
        shutil.rmtree(build, ignore_errors=True)


PANEL = """
WITH spans AS (
    SELECT CAST(i AS BIGINT) AS period_index, opens, opens + INTERVAL 3 MONTH AS next_opens,
        year(opens) || 'Q' || quarter(opens) AS period
    FROM (SELECT i, CAST(DATE '2023-07-01' + i * INTERVAL 3 MONTH AS DATE) AS opens FROM range(12) t(i))
), money AS (
    SELECT t.customer_id, s.period_index, CAST(sum(amount) AS DOUBLE) AS spend,
        count(*) FILTER (amount > 0) AS orders,
        CAST(-coalesce(sum(amount) FILTER (amount < 0), 0) AS DOUBLE) AS refunded,
        CAST(sum(amount * 0.38) AS DOUBLE) AS margin
    FROM {transactions} t JOIN spans s ON t.occurred_on >= s.opens AND t.occurred_on < s.next_opens
    GROUP BY ALL
), base AS (
    SELECT c.customer_id, s.period, s.period_index, s.opens,
        date_diff('day', c.started_on, s.opens) / 30.4375 AS tenure_months,
        coalesce(c.ended_on < s.next_opens, false) AS "left", segment, region, area,
        acquisition_channel, contract, age
    FROM {customers} c JOIN spans s ON c.started_on < s.opens
        AND (c.ended_on IS NULL OR c.ended_on >= s.opens)
        AND (c.observed_from IS NULL OR s.opens >= c.observed_from)
    WHERE c.ended_on IS NULL OR c.ended_on > c.started_on
), paid AS (
    SELECT b.*, coalesce(m.spend, 0) AS spend, coalesce(m.orders, 0) AS orders,
        coalesce(m.refunded, 0) AS refunded, coalesce(m.margin, 0) AS margin
    FROM base b LEFT JOIN money m USING (customer_id, period_index)
), b AS (
    SELECT *, CASE WHEN lag(period_index) OVER w = period_index - 1 THEN lag(spend) OVER w END
        AS previous_spend
    FROM paid WINDOW w AS (PARTITION BY customer_id ORDER BY period_index)
), answers AS (
    SELECT customer_id, instrument, answered_on, avg(score) AS score FROM {surveys}
    WHERE score IS NOT NULL GROUP BY ALL
)
SELECT b.* EXCLUDE (opens), csat.score AS csat_score,
    date_diff('day', csat.answered_on, b.opens) AS csat_age_days, nps.score AS nps_score,
    date_diff('day', nps.answered_on, b.opens) AS nps_age_days
FROM b
ASOF LEFT JOIN (SELECT * FROM answers WHERE instrument = 'csat') csat
    ON b.customer_id = csat.customer_id AND b.opens > csat.answered_on
ASOF LEFT JOIN (SELECT * FROM answers WHERE instrument = 'nps') nps
    ON b.customer_id = nps.customer_id AND b.opens > nps.answered_on
ORDER BY b.customer_id, b.period_index
"""


def plain_panel(folder: Path) -> Floats:
    """DuckDB: the panel in one statement over the files, nothing checked, nothing else written."""
    import duckdb

    build = Path(tempfile.mkdtemp(prefix="plain-", dir=folder.parent))
    try:
        names = ("transactions", "customers", "surveys")
        files = {name: f"read_parquet('{folder}/{name}/*.parquet')" for name in names}
        target = build / "panel.parquet"
        config = {**ENGINE, "temp_directory": str(build)}
        with duckdb.connect(config=config) as connection:
            query = PANEL.format(**files)
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        return _sums(target)
    finally:
        shutil.rmtree(build, ignore_errors=True)


COMPARISONS = (
    Comparison(
        name="prepare",
        title="Customer × quarter with spend, orders, refunds, margin, last scores, customers",
        make_data="benchmarks.intake:make_company",
        rows=CUSTOMERS,
        contenders=(
            Contender(
                "ours, all checks, tables and frames", "benchmarks.intake:prepared",
                imports=("duckdb", "pandas", "pandera.pandas", "pyarrow.parquet"), repeats=2,
            ),
            Contender(
                "plain DuckDB SQL, the panel alone", "benchmarks.intake:plain_panel",
                imports=("duckdb",), repeats=2,
            ),
        ),
        limits=(Limit("plain DuckDB SQL, the panel alone", time=3),),
        few_rows=600,
    ),
)  # fmt: skip
