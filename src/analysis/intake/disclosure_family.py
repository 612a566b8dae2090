"""What the reports of one period may show of groups: decided once, the same in every one of them.

The reports of a period are a family: one of all customers, and one of every value of every column
that customers can be split by. Whatever two of them publish can be subtracted. So values that too
few customers hold are put together with others in every report, those that would still follow
from a difference as well, and a report of such a value alone is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import SMALLEST_CELL
from analysis.intake.reading import quoted
from analysis.intake.suppression import Counts, Flags, hide_in_line, hide_in_table

if TYPE_CHECKING:
    import duckdb

GROUPS = ("segment", "region", "area", "acquisition_channel")
FAMILY_FILE = "disclosure.json"
# Stands in place of the values that are put together.
TOGETHER = "small groups together"
# Split by, but no table shows it: what a programme is rolled out over must stay what it is.
NOT_SHOWN = ("area",)
# Columns with more values are ids rather than groups: nobody reads a report of each.
MOST_VALUES = 200

# What customers are asked or helped about; a report shows it by value, and so all reports' differ.
FACTS = {"surveys": "answered_on", "contacts": "opened_at"}
FACT_COLUMNS = ("touchpoint", "channel", "reason")
# Of a column with more values no report shows a table by touchpoint.
MOST_VALUES_BY_FACT = 20

Value = str | None


@dataclass(frozen=True, slots=True)
class Family:
    """What is put together. None among values stands for customers without one.

    hidden: by column, values that no report shows alone. within: by segment column, its value and
    another column, the values of the latter that the report of the former does not show alone
    (those of `hidden` included). What answers and contacts are about, under `fact_key`, is not put
    together but left out.
    """

    hidden: dict[str, tuple[Value, ...]]
    within: dict[str, dict[str, dict[str, tuple[Value, ...]]]]

    def refuses(self, column: str, value: str) -> bool:
        """Whether the report of a value would give fewer than eight customers away."""
        return value in self.hidden.get(column, ())

    def together(self, column: str = "", value: str = "") -> dict[str, tuple[Value, ...]]:
        """By column, the values put together in the report of a segment, or of all ("")."""
        found = self.within.get(column, {}).get(value, self.hidden) if column else self.hidden
        return {name: held for name, held in found.items() if held and name not in NOT_SHOWN}

    def blank_in_facts(self, column: str = "", value: str = "") -> dict[str, tuple[Value, ...]]:
        """By column of answers and contacts, the values that stand in no table of the report."""
        found = self.together(column, value)
        return {name: found[key] for name in FACT_COLUMNS if (key := fact_key(name)) in found}


def fact_key(column: str) -> str:
    """The name of a column of facts among those of customers, which may be called the same."""
    return f"facts.{column}"


NOTHING_HIDDEN = Family({}, {})


def decide_family(prepared: Path, columns: tuple[str, ...]) -> Family:
    """Decide for a prepared data set what its period's reports put together.

    columns: those that customers can be split by.
    """
    from analysis.intake.engine import open_engine

    with open_engine() as connection:
        bases = _bases(prepared)
        counted = {
            name: held
            for name in columns
            if (held := _values(connection, prepared, name)) and len(held) <= MOST_VALUES
        }
        hidden = {
            name: _hidden_values(connection, bases, name, held) for name, held in counted.items()
        }
        within: dict[str, dict[str, dict[str, tuple[Value, ...]]]] = {
            name: {str(v): dict(hidden) for v in held if v is not None}
            for name, held in counted.items()
        }
        names = sorted(counted)
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                _decide_pair(connection, bases, (one, other), counted, hidden, within)
        for fact in FACT_COLUMNS:
            _decide_facts(connection, prepared, fact, counted, hidden, within)
    return Family(hidden, within)


def write_family(prepared: Path, covariates: Mapping[str, str]) -> None:
    """Decide, and leave the decision beside the tables; nothing to decide without customers.

    covariates: further columns of customers, of kind "category" where one can split by them.
    """
    import pyarrow.parquet as pq

    customers = prepared / "customers.parquet"
    carried = set(pq.read_schema(customers).names) if customers.is_file() else set()
    categories = [name for name, kind in covariates.items() if kind == "category"]
    split_by = tuple(name for name in (*GROUPS, *categories) if name in carried)
    family = decide_family(prepared, split_by) if split_by else NOTHING_HIDDEN
    text = json.dumps({"hidden": family.hidden, "within": family.within}, ensure_ascii=False)
    (prepared / FAMILY_FILE).write_text(text, encoding="utf-8")


@lru_cache(maxsize=8)
def read_family(prepared: Path) -> Family:
    """What `write_family` left."""
    read = json.loads((prepared / FAMILY_FILE).read_text(encoding="utf-8"))
    hidden = {name: tuple(held) for name, held in read["hidden"].items()}
    within = {
        column: {
            value: {name: tuple(held) for name, held in others.items()}
            for value, others in by_value.items()
        }
        for column, by_value in read["within"].items()
    }
    return Family(hidden, within)


def _bases(prepared: Path) -> list[str]:
    """SQL of the customers that figures rest on: all, and those with money in the last period."""
    customers = f"read_parquet({_text(str(prepared / 'customers.parquet'))})"
    found = [customers]
    periods = prepared / "frame_customer_periods.parquet"
    if periods.is_file():
        rows = f"read_parquet({_text(str(periods))})"
        last = f"SELECT max(period_index) FROM {rows}"
        buying = f"SELECT customer_id FROM {rows} WHERE period_index = ({last}) AND (spend <> 0 OR orders > 0)"
        found.append(f"(SELECT * FROM {customers} WHERE customer_id IN ({buying}))")
    return found


def _values(
    connection: duckdb.DuckDBPyConnection, prepared: Path, column: str
) -> tuple[Value, ...]:
    """The values of a column in order, None last where some customers have none."""
    customers = f"read_parquet({_text(str(prepared / 'customers.parquet'))})"
    rows = connection.execute(
        f"SELECT DISTINCT CAST({quoted(column)} AS VARCHAR) FROM {customers} LIMIT {MOST_VALUES + 2}"
    ).fetchall()
    held = [row[0] for row in rows]
    return (*sorted(value for value in held if value is not None), *(v for v in held if v is None))


def _count(
    connection: duckdb.DuckDBPyConnection,
    bases: list[str],
    columns: tuple[str, ...],
    values: list[tuple[Value, ...]],
) -> Counts:
    """Distinct customers by base and the values of one or two columns."""
    shape = [len(bases), *(len(held) for held in values)]
    counts = np.zeros(shape, dtype=np.int64)
    places = [{value: place for place, value in enumerate(held)} for held in values]
    asked = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in columns)
    for layer, base in enumerate(bases):
        query = f"SELECT {asked}, count(DISTINCT customer_id) FROM {base} GROUP BY ALL"
        for *found, n in connection.execute(query).fetchall():
            at = tuple(place[value] for place, value in zip(places, found, strict=True))
            counts[(layer, *at)] = n
    return counts


def _hidden_values(
    connection: duckdb.DuckDBPyConnection, bases: list[str], column: str, held: tuple[Value, ...]
) -> tuple[Value, ...]:
    # Customers without a value have no report of their own: they are what all reports leave over.
    counts = _count(connection, bases, (column,), [held])
    hidden = hide_in_line(counts)
    return tuple(value for value, flag in zip(held, hidden, strict=True) if flag)


def _put_together(counts: Counts, hidden: Flags, axis: int) -> Counts:
    """Counts with the hidden values of an axis as one, in the last place."""
    shown = np.compress(~hidden, counts, axis=axis)
    rest = np.compress(hidden, counts, axis=axis).sum(axis=axis, keepdims=True)
    return np.concatenate([shown, rest], axis=axis)


def _decide_pair(
    connection: duckdb.DuckDBPyConnection,
    bases: list[str],
    columns: tuple[str, str],
    counted: dict[str, tuple[Value, ...]],
    hidden: dict[str, tuple[Value, ...]],
    within: dict[str, dict[str, dict[str, tuple[Value, ...]]]],
) -> None:
    """Decide the table of two columns, and enter it from both sides."""
    one, other = columns
    counts = _count(connection, bases, columns, [counted[one], counted[other]])
    shown = []
    for axis, name in enumerate(columns, start=1):
        away = np.array([value in hidden[name] for value in counted[name]], dtype=bool)
        counts = _put_together(counts, away, axis)
        shown.append([value for value in counted[name] if value not in hidden[name]])
    mask = hide_in_table(counts)
    for row, value in enumerate(shown[0]):
        if value is not None:
            more = tuple(v for v, flag in zip(shown[1], mask[row], strict=False) if flag)
            within[one][str(value)][other] = (*hidden[other], *more)
    for column, value in enumerate(shown[1]):
        if value is not None:
            more = tuple(v for v, flag in zip(shown[0], mask[:, column], strict=False) if flag)
            within[other][str(value)][one] = (*hidden[one], *more)


def _decide_facts(
    connection: duckdb.DuckDBPyConnection,
    prepared: Path,
    fact: str,
    counted: dict[str, tuple[Value, ...]],
    hidden: dict[str, tuple[Value, ...]],
    within: dict[str, dict[str, dict[str, tuple[Value, ...]]]],
) -> None:
    """Decide which values of answers and contacts no report shows, and which that of a segment.

    One value at a time, over the segments, whose customers add up to all; customers of several
    values do not.
    """
    selects = _facts(prepared, fact)
    if not selects:
        return
    connection.execute(f"CREATE OR REPLACE TABLE facts AS {' UNION ALL '.join(selects)}")
    rows = connection.execute("SELECT layer, value, count(*) FROM facts GROUP BY ALL").fetchall()
    held = sorted({value for _, value, _ in rows})
    if not held or len(held) > MOST_VALUES:
        return
    key, few = fact_key(fact), {value for _, value, n in rows if n < SMALLEST_CELL}
    hidden[key] = tuple(sorted(few))
    shown = [value for value in held if value not in few]
    customers = f"read_parquet({_text(str(prepared / 'customers.parquet'))})"
    for name, values in counted.items():
        for by_value in within[name].values():
            by_value[key] = hidden[key]
        if name in NOT_SHOWN or len(values) > MOST_VALUES_BY_FACT:
            continue
        split_by = [value for value in values if value not in hidden[name]]
        # The last place holds what is put together.
        counts = np.zeros((len(shown), len(selects), len(split_by) + 1), dtype=np.int64)
        query = (
            f"SELECT layer, CAST(customers.{quoted(name)} AS VARCHAR), value, count(*) "
            f"FROM facts JOIN {customers} AS customers USING (customer_id) GROUP BY ALL"
        )
        for layer, group, value, n in connection.execute(query).fetchall():
            if value in shown:
                place = split_by.index(group) if group in split_by else len(split_by)
                counts[shown.index(value), layer, place] += n
        for value, layers in zip(shown, counts, strict=True):
            for group, away in zip(split_by, hide_in_line(layers), strict=False):
                if away and group is not None:
                    within[name][group][key] = (*within[name][group][key], value)


def _facts(prepared: Path, fact: str) -> list[str]:
    """SQL of customers and what an answer or contact of theirs is about; a layer for each table."""
    import pyarrow.parquet as pq

    found: list[str] = []
    for table, dated in FACTS.items():
        path = prepared / f"{table}.parquet"
        names = set(pq.read_schema(path).names) if path.is_file() else set()
        if {"customer_id", fact, dated} <= names:
            found.append(
                f"SELECT DISTINCT {len(found)} AS layer, customer_id, "
                f"CAST({quoted(fact)} AS VARCHAR) AS value FROM read_parquet({_text(str(path))}) "
                f"WHERE customer_id IS NOT NULL AND {quoted(fact)} IS NOT NULL AND {dated} IS NOT NULL"
            )
    return found


def _text(value: str) -> str:
    """An SQL literal, whatever characters it holds."""
    return "'" + value.replace("'", "''") + "'"
