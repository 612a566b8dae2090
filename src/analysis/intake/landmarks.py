"""What followed an answer: time as a customer, and money, counted from the day of the answer.

One has to stay to be asked and to answer. Curves by survey group that start at the customer's
start therefore credit the time before the answer to the group (immortal time); these frames start
the clock at the answer (a landmark).
landmarks: customer × instrument, the first answer given under observation, time from it on.
landmark_periods: the customer's later periods, with months since that answer at their opening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.intake.frames import build_answers_exist
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import duckdb

INSTRUMENTS = ("nps", "csat")


def build_landmarks(connection: duckdb.DuckDBPyConnection) -> None:
    """Create table `landmarks` from `lifetimes` and `answers`; nothing where answers are missing.

    The first answer of a customer that falls into a lifetime under observation. An answer on the
    very day of the end has no time after it and is left out.
    """
    if not build_answers_exist(connection):
        return
    named = ", ".join(f"'{name}'" for name in INSTRUMENTS)
    since_start = f"date_diff('day', l.started_on, a.answered_on) / {DAYS_PER_MONTH}"
    connection.execute(f"""
        CREATE TABLE landmarks AS
        WITH placed AS (
            SELECT a.customer_id, l.spell, a.instrument, a.answered_on, a.score,
                l.exit_months - {since_start} AS exit_months, l.ended,
                row_number() OVER (PARTITION BY a.customer_id, a.instrument ORDER BY a.answered_on)
                    AS place
            FROM answers a JOIN lifetimes l ON l.customer_id = a.customer_id
                AND {since_start} >= l.entry_months AND {since_start} < l.exit_months
            WHERE a.instrument IN ({named})
        )
        SELECT * EXCLUDE (place), 0.0 AS entry_months FROM placed WHERE place = 1
        ORDER BY instrument, customer_id""")


def build_landmark_periods(connection: duckdb.DuckDBPyConnection) -> None:
    """Create table `landmark_periods` from `landmarks`, `spans` and `customer_periods`.

    Periods that open after the answer and within the lifetime that it fell into.
    """
    connection.execute(f"""
        CREATE TABLE landmark_periods AS
        SELECT m.instrument, p.customer_id, p.period, p.period_index, p.margin, p.spend, p."left",
            date_diff('day', m.answered_on, s.opens) / {DAYS_PER_MONTH} AS months_since_answer
        FROM customer_periods p JOIN spans s USING (period_index)
        JOIN landmarks m ON m.customer_id = p.customer_id AND s.opens > m.answered_on
            AND date_diff('day', m.answered_on, s.opens) / {DAYS_PER_MONTH} <= m.exit_months
        ORDER BY m.instrument, p.customer_id, p.period_index""")
