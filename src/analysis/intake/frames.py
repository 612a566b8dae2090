"""The few tables that methods need, each one SQL statement over the tables as of a day.

lifetimes: a row per customer, or per spell where churn is inactivity.
intervals: lifetimes split where the last known satisfaction changes.
customer_periods: customer × period, customers active when the period opened.
Tenure is in months of 30.4375 days; money in the data set's currency.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from analysis.intake.notes import Note
from analysis.intake.periods import Period, complete_periods
from analysis.intake.reading import quoted
from analysis.intake.settings import Settings
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import duckdb

GROUPS = ("segment", "region", "area", "acquisition_channel")
TENURE_UNIT_MONTHS = {
    "days": 1 / DAYS_PER_MONTH,
    "weeks": 7 / DAYS_PER_MONTH,
    "months": 1,
    "years": 12,
}


def _present(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    exists = connection.execute(
        "SELECT count(*) FROM information_schema.tables WHERE table_name = ?", [f"as_of_{table}"]
    ).fetchone()
    if not exists or not exists[0]:
        return []
    return [str(row[0]) for row in connection.execute(f"DESCRIBE as_of_{table}").fetchall()]


def _carried(columns: list[str], settings: Settings) -> str:
    """The grouping columns and covariates that a frame carries along, as SQL of customers c."""
    groups = [name for name in GROUPS if name in columns]
    names = groups + [name for name in settings.covariates if name not in groups]
    return "".join(f", c.{quoted(name)}" for name in names)


def build_lifetimes(
    connection: duckdb.DuckDBPyConnection, settings: Settings, day: dt.date
) -> list[Note]:
    """Create table `lifetimes`; give notes on customers left out.

    contract: from started_on to ended_on. flag: tenure and `ended`, entry at the opening of the
    observation window, or at the start if none is declared. inactivity: the event is the day on
    which the threshold is reached after the last order (first passage); a later order opens a
    new spell. Of customers who started before the exported orders begin, the last order is unknown
    for the first `days` of the export: they enter after these, if an order shows them active.
    """
    columns = _present(connection, "customers")
    rest = _carried(columns, settings)
    by_orders = False
    if "tenure" in columns:
        spells = _snapshot_spells(columns, settings)
    elif "started_on" not in columns:
        return [Note("warning", "no start of the customers: no lifetimes", "customers")]
    elif settings.churn.rule == "inactivity" and _present(connection, "transactions"):
        by_orders = True
        spells = _inactivity_spells(columns, settings, day)
    else:
        spells = _contract_spells(columns, day)
    connection.execute(
        f"CREATE TABLE all_lifetimes AS SELECT s.*{rest} FROM ({spells}) s "
        "JOIN as_of_customers c USING (customer_id)"
    )
    connection.execute(
        "CREATE TABLE lifetimes AS SELECT * FROM all_lifetimes WHERE exit_months > entry_months "
        "ORDER BY customer_id, spell"
    )
    row = connection.execute(
        "SELECT count(*) FILTER (NOT unknown AND NOT nothing), count(*) FILTER (unknown), "
        "count(*) FILTER (nothing AND NOT unknown) FROM (SELECT "
        f"{_lasts_nothing(columns, by_orders)} AS nothing, "
        f"{_starts_unseen(columns, settings)} AND customer_id NOT IN "
        f"(SELECT customer_id FROM all_lifetimes) AND {by_orders} AS unknown FROM as_of_customers "
        "WHERE customer_id NOT IN (SELECT customer_id FROM lifetimes))"
    ).fetchone()
    assert row is not None
    connection.execute("DROP TABLE all_lifetimes")
    notes = []
    if "tenure" in columns and not settings.churn.observation_window_months:
        message = (
            "no churn.observation_window_months declared: losses count as recorded since each "
            "customer's start"
        )
        notes.append(Note("warning", message, "customers", "tenure"))
    if row[0]:
        message = (
            "customers without time at risk (no start, or the end comes before a loss could be "
            "seen) are left out"
        )
        notes.append(Note("warning", message, "customers", count=row[0]))
    if row[2]:
        message = (
            "customers whose time as a customer is zero (gone on the day of their start) are left "
            "out of the lifetimes, and so of all models of them"
        )
        notes.append(Note("warning", message, "customers", count=row[2]))
    if row[1]:
        message = (
            "customers who started before the exported orders begin, and have none in them, are "
            "left out of the lifetimes: when they last ordered is unknown"
        )
        notes.append(Note("warning", message, "customers", "started_on", count=row[1]))
    return notes


def _lasts_nothing(columns: list[str], by_orders: bool) -> str:
    """SQL of whether a customer left on the very day of the start, or has a tenure of zero."""
    if "tenure" in columns:
        return "coalesce(tenure = 0, false)"
    if by_orders or "ended_on" not in columns:
        return "false"
    return "coalesce(started_on = ended_on, false)"


def _seen_from(columns: list[str], settings: Settings) -> str:
    """SQL of the first day on which a customer's orders and loss are seen; NULL if not declared."""
    days = ["observed_from"] if "observed_from" in columns else []
    if settings.covers is not None:
        days.append(f"DATE '{settings.covers.first}'")
    return f"greatest({', '.join(days)})" if days else "CAST(NULL AS DATE)"


def _starts_unseen(columns: list[str], settings: Settings) -> str:
    """SQL of whether a customer started before being seen."""
    if "started_on" not in columns:
        return "false"
    return f"coalesce(started_on < {_seen_from(columns, settings)}, false)"


def _contract_spells(columns: list[str], day: dt.date) -> str:
    ended_on = "ended_on" if "ended_on" in columns else "CAST(NULL AS DATE)"
    reason = "end_reason" if "end_reason" in columns else "CAST(NULL AS VARCHAR)"
    entry = "0.0"
    if "observed_from" in columns:
        entry = f"greatest(coalesce(date_diff('day', started_on, observed_from), 0), 0) / {DAYS_PER_MONTH}"
    end = f"coalesce({ended_on}, DATE '{day}')"
    return (
        f"SELECT customer_id, CAST(1 AS BIGINT) AS spell, started_on, {entry} AS entry_months, "
        f"date_diff('day', started_on, {end}) / {DAYS_PER_MONTH} AS exit_months, "
        f"{ended_on} IS NOT NULL AS ended, {reason} AS end_reason FROM as_of_customers"
    )


def _snapshot_spells(columns: list[str], settings: Settings) -> str:
    window = settings.churn.observation_window_months
    entry = f"greatest(tenure * {{factor}} - {window}, 0)" if window else "0.0"
    factor = "1.0"
    if "tenure_unit" in columns:
        cases = " ".join(
            f"WHEN '{unit}' THEN {months}" for unit, months in TENURE_UNIT_MONTHS.items()
        )
        factor = f"CASE coalesce(tenure_unit, 'months') {cases} END"
    ended = "coalesce(ended, false)" if "ended" in columns else "false"
    reason = "end_reason" if "end_reason" in columns else "CAST(NULL AS VARCHAR)"
    return (
        "SELECT customer_id, CAST(1 AS BIGINT) AS spell, CAST(NULL AS DATE) AS started_on, "
        f"{entry.format(factor=factor)} AS entry_months, "
        f"tenure * {factor} AS exit_months, {ended} AS ended, {reason} AS end_reason "
        "FROM as_of_customers"
    )


def _inactivity_spells(columns: list[str], settings: Settings, day: dt.date) -> str:
    """Spells by gaps between orders, started_on counting as one where it is seen.

    A customer who started unseen may have last ordered on any day before: a passage within the
    first `days` of what is seen cannot be told from none. At risk from the end of the last such
    day, if ordered by then, with tenure from started_on; else the first order seen is a return,
    and its spell the second.
    """
    days = settings.churn.days
    return f"""
        WITH begun AS (
            SELECT customer_id, started_on, {_seen_from(columns, settings)} AS seen_from,
                {_starts_unseen(columns, settings)} AS unseen FROM as_of_customers
        ), orders AS (
            SELECT t.customer_id, t.occurred_on FROM as_of_transactions t JOIN begun b
                USING (customer_id) WHERE t.amount > 0 AND (NOT b.unseen OR t.occurred_on >= b.seen_from)
            UNION ALL SELECT customer_id, started_on FROM begun
                WHERE started_on IS NOT NULL AND NOT unseen
        ), days AS (SELECT DISTINCT customer_id, occurred_on FROM orders),
        gaps AS (
            SELECT customer_id, occurred_on, CASE WHEN date_diff('day', lag(occurred_on) OVER w,
                occurred_on) < {days} THEN 0 ELSE 1 END AS opens
            FROM days WINDOW w AS (PARTITION BY customer_id ORDER BY occurred_on)
        ), numbered AS (
            SELECT *, sum(opens) OVER (PARTITION BY customer_id ORDER BY occurred_on) AS spell FROM gaps
        ), spells AS (
            SELECT customer_id, spell, min(occurred_on) AS opened_on, max(occurred_on) + {days} AS passes
            FROM numbered GROUP BY customer_id, spell
        ), placed AS (
            SELECT s.*, b.started_on AS customer_since, b.seen_from + {days - 1} AS enters_on,
                b.unseen AND s.spell = 1 AND s.opened_on <= b.seen_from + {days - 1} AS goes_on,
                b.unseen AND min(s.opened_on) OVER (PARTITION BY s.customer_id)
                    > b.seen_from + {days - 1} AS returns
            FROM spells s JOIN begun b USING (customer_id)
        ), dated AS (
            SELECT *, CASE WHEN goes_on THEN customer_since ELSE opened_on END AS started_on FROM placed
        )
        SELECT customer_id, CAST(spell + CASE WHEN returns THEN 1 ELSE 0 END AS BIGINT) AS spell,
            started_on, CASE WHEN goes_on THEN date_diff('day', started_on, enters_on) ELSE 0 END
                / {DAYS_PER_MONTH} AS entry_months,
            date_diff('day', started_on, least(passes, DATE '{day}')) / {DAYS_PER_MONTH} AS exit_months,
            passes <= DATE '{day}' AS ended, CAST(NULL AS VARCHAR) AS end_reason
        FROM dated"""


def build_answers(connection: duckdb.DuckDBPyConnection) -> bool:
    """Create table `answers`: customer × instrument × day, mean of the day's answers."""
    columns = _present(connection, "surveys")
    if not {"customer_id", "answered_on", "score"} <= set(columns):
        return False
    connection.execute(
        "CREATE TABLE answers AS SELECT customer_id, instrument, answered_on, avg(score) AS score "
        "FROM as_of_surveys WHERE customer_id IS NOT NULL AND score IS NOT NULL "
        "AND answered_on IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    return True


def build_intervals(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create table `intervals` from `lifetimes` and the CSAT answers in `answers`.

    An answer counts from the day after it was given. An interval holds the losses after its start
    and up to its stop, so it is cut at the end of the answer's day; score_age_months is the age
    of the answer at the interval's start.
    """
    rest = _carried(_present(connection, "customers"), settings).replace("c.", "l.")
    connection.execute(f"""
        CREATE TABLE intervals AS
        WITH marks AS (
            SELECT l.customer_id, l.spell, l.entry_months AS start_months FROM lifetimes l
            UNION
            SELECT l.customer_id, l.spell,
                date_diff('day', l.started_on, a.answered_on) / {DAYS_PER_MONTH}
            FROM lifetimes l JOIN answers a ON a.customer_id = l.customer_id AND a.instrument = 'csat'
            WHERE date_diff('day', l.started_on, a.answered_on) / {DAYS_PER_MONTH} > l.entry_months
              AND date_diff('day', l.started_on, a.answered_on) / {DAYS_PER_MONTH} < l.exit_months
        ), spans AS (
            SELECT *, lead(start_months) OVER (PARTITION BY customer_id, spell ORDER BY start_months)
                AS next_months FROM marks
        ), placed AS (
            SELECT l.customer_id, l.spell, s.start_months, coalesce(s.next_months, l.exit_months)
                AS stop_months, l.ended AND s.next_months IS NULL AS ended,
                l.started_on + CAST(round(s.start_months * {DAYS_PER_MONTH}) AS INTEGER) AS opens_on{rest}
            FROM spans s JOIN lifetimes l USING (customer_id, spell)
        )
        SELECT p.* EXCLUDE (opens_on), a.score AS score,
            date_diff('day', a.answered_on, p.opens_on) / {DAYS_PER_MONTH} AS score_age_months
        FROM placed p ASOF LEFT JOIN (SELECT * FROM answers WHERE instrument = 'csat') a
            ON p.customer_id = a.customer_id AND p.opens_on >= a.answered_on
        ORDER BY p.customer_id, p.spell, p.start_months""")


def money_by_period(
    connection: duckdb.DuckDBPyConnection, settings: Settings, periods: list[Period]
) -> bool:
    """Create table `period_money`: customer × period with spend, orders, refunds and margin."""
    spans = ", ".join(
        f"({i}, '{p.label}', DATE '{p.first_day}', DATE '{p.last_day}')"
        for i, p in enumerate(periods)
    )
    if not spans:
        return False
    connection.execute(
        f"CREATE TABLE spans AS SELECT * FROM (VALUES {spans}) AS v(period_index, period, opens, closes)"
    )
    columns = _present(connection, "transactions")
    gross = settings.economics.gross_margin
    if columns:
        margin = (
            f"coalesce(margin, amount * {gross})" if "margin" in columns else f"amount * {gross}"
        )
        connection.execute(
            "CREATE TABLE period_money AS SELECT t.customer_id, p.period_index, "
            "CAST(sum(amount) AS DOUBLE) AS spend, count(*) FILTER (amount > 0) AS orders, "
            "CAST(-coalesce(sum(amount) FILTER (amount < 0), 0) AS DOUBLE) AS refunded, "
            f"CAST(sum({margin}) AS DOUBLE) AS margin FROM as_of_transactions t "
            "JOIN spans p ON t.occurred_on BETWEEN p.opens AND p.closes GROUP BY ALL"
        )
        return True
    columns = _present(connection, "periods")
    if not columns:
        return False
    orders = "coalesce(sum(orders), 0)" if "orders" in columns else "count(*)"
    refunded = "coalesce(sum(refunded), 0)" if "refunded" in columns else "0"
    margin = f"coalesce(margin, spend * {gross})" if "margin" in columns else f"spend * {gross}"
    connection.execute(
        "CREATE TABLE period_money AS SELECT t.customer_id, p.period_index, "
        f"CAST(sum(spend) AS DOUBLE) AS spend, CAST({orders} AS BIGINT) AS orders, "
        f"CAST({refunded} AS DOUBLE) AS refunded, CAST(sum({margin}) AS DOUBLE) AS margin "
        "FROM as_of_periods t JOIN spans p ON t.to_on BETWEEN p.opens AND p.closes GROUP BY ALL"
    )
    return True


def build_customer_periods(
    connection: duckdb.DuckDBPyConnection, settings: Settings, period: Period
) -> bool:
    """Create table `customer_periods` for all whole periods up to `period`.

    Customers active, and seen to be, when the period opened; the period in which they leave stays in, with the
    money of what remains; later ones drop out.
    """
    columns = _present(connection, "customers")
    if settings.covers is None or "started_on" not in columns:
        return False
    periods = [
        p for p in complete_periods(settings, period.months) if p.last_day <= period.last_day
    ]
    if not money_by_period(connection, settings, periods):
        return False
    connection.execute(
        "CREATE TABLE spells AS SELECT customer_id, started_on, "
        "started_on + CAST(round(entry_months * $1) AS INTEGER) AS entered_on, "
        "CASE WHEN ended THEN started_on + CAST(round(exit_months * $1) AS INTEGER) END AS ended_on "
        "FROM lifetimes", [DAYS_PER_MONTH],
    )  # fmt: skip
    seen = f"coalesce(p.opens >= {_seen_from(columns, settings)}, true)"
    if settings.churn.rule == "inactivity":
        # Whoever enters by an order is known to be active only after it.
        seen += " AND (s.entered_on = s.started_on OR p.opens > s.entered_on)"
    rest = _carried(columns, settings)
    answers, scores = "", ""
    if build_answers_exist(connection):
        rows = connection.execute("SELECT DISTINCT instrument FROM answers ORDER BY 1").fetchall()
        for (instrument,) in rows:
            alias, literal = quoted(f"a_{instrument}"), instrument.replace("'", "''")
            answers += (
                f" ASOF LEFT JOIN (SELECT * FROM answers WHERE instrument = '{literal}') {alias} "
                f"ON b.customer_id = {alias}.customer_id AND b.opens > {alias}.answered_on"
            )
            scores += (
                f", {alias}.score AS {quoted(f'{instrument}_score')}, "
                f"CAST(date_diff('day', {alias}.answered_on, b.opens) AS DOUBLE) "
                f"AS {quoted(f'{instrument}_age_days')}"
            )
    connection.execute(f"""
        CREATE TABLE customer_periods AS
        WITH base AS (
            SELECT s.customer_id, p.period, CAST(p.period_index AS BIGINT) AS period_index, p.opens,
                min(date_diff('day', c.started_on, p.opens)) / {DAYS_PER_MONTH} AS tenure_months,
                bool_or(coalesce(s.ended_on <= p.closes, false)) AS "left"
            FROM spells s JOIN as_of_customers c USING (customer_id)
            JOIN spans p ON s.started_on < p.opens AND (s.ended_on IS NULL OR s.ended_on >= p.opens)
                AND {seen}
            GROUP BY ALL
        ), paid AS (
            SELECT b.*, coalesce(m.spend, 0) AS spend, coalesce(m.orders, 0) AS orders,
                coalesce(m.refunded, 0) AS refunded, coalesce(m.margin, 0) AS margin
            FROM base b LEFT JOIN period_money m USING (customer_id, period_index)
        ), b AS (
            SELECT *, CASE WHEN lag(period_index) OVER w = period_index - 1 THEN lag(spend) OVER w END
                AS previous_spend
            FROM paid WINDOW w AS (PARTITION BY customer_id ORDER BY period_index)
        )
        SELECT b.* EXCLUDE (opens){scores}{rest} FROM b{answers}
        JOIN as_of_customers c ON c.customer_id = b.customer_id
        ORDER BY b.customer_id, b.period_index""")
    return True


def build_answers_exist(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether `build_answers` has made its table."""
    row = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'answers'"
    ).fetchone()
    return bool(row and row[0])
