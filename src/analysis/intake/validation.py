"""Checks of canonical tables: everything wrong with a table is said at once, in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from analysis.errors import LONGEST_VALUE, Problem, shown_value
from analysis.intake.reading import MOST_EXAMPLES
from analysis.intake.schema import Column, Table
from analysis.intake.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

# A repeated key multiplies money where tables are joined on it. Credit notes may bear their
# order's number, and one answer may hold several attributes: there it is only remarked on.
KEYS_MAY_REPEAT = {"transactions", "contacts", "surveys"}
ENDS_AFTER_STARTS = {
    "customers": ("started_on", "ended_on"),
    "periods": ("from_on", "to_on"),
    "surveys": ("invited_on", "answered_on"),
    "contacts": ("opened_at", "resolved_at"),
    "programmes": ("starts_on", "ends_on"),
}


def needs_value(table: Table, column: Column) -> bool:
    """Whether an empty cell is an error.

    A fact without customer, such as an order at the till, is remarked on and left out; one
    without an id of its own is remarked on and counts.
    """
    if table.name in KEYS_MAY_REPEAT and column.name in table.key:
        return False
    return column.required and (column.name != "customer_id" or table.name == "customers")


def pandera_schema(table: Table, settings: Settings, present: list[str]) -> Any:
    """The table's columns as a pandera schema: presence, range, uniqueness."""
    import pandera.pandas as pa

    columns = {}
    for column in table.columns:
        if column.name not in present:
            continue
        checks = []
        if column.minimum is not None:
            checks.append(pa.Check.ge(column.minimum, error=f"lies below {column.minimum:g}"))
        if column.maximum is not None:
            checks.append(pa.Check.le(column.maximum, error=f"lies above {column.maximum:g}"))
        if column.allowed:
            words = ", ".join(column.allowed)
            checks.append(pa.Check.isin(column.allowed, error=f"is not one of {words}; map it"))
        needed = needs_value(table, column)
        columns[column.name] = pa.Column(nullable=not needed, checks=checks, required=False)
    key = [name for name in table.key if name in present]
    unique = key if len(key) == len(table.key) and table.name not in KEYS_MAY_REPEAT else None
    return pa.DataFrameSchema(columns, unique=unique or None)


def _words(check: str, column: str) -> str:
    if check == "not_nullable":
        return "is empty where a value is needed; fill it, or leave the rows out of the export"
    if check == "multiple_fields_uniqueness":
        return "stands more than once; a join would multiply money: keep one row each"
    return check


def check_table(frame: pd.DataFrame, table: Table, settings: Settings, file: str) -> list[Problem]:
    """All problems of one canonical table, its columns checked by pandera, in words."""
    import warnings

    import pandera.errors

    problems: list[Problem] = []
    try:
        with warnings.catch_warnings():
            # Pandera puts its own lists of failures together in a way that pandas will change.
            warnings.filterwarnings("ignore", "The behavior of DataFrame concat", FutureWarning)
            pandera_schema(table, settings, list(frame.columns)).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        if (cases["check"] == "multiple_fields_uniqueness").any():
            repeated = frame[frame.duplicated(list(table.key), keep=False)]
            shown = repeated[list(table.key)].drop_duplicates().head(MOST_EXAMPLES)
            examples = tuple(" × ".join(_plain(v) for v in row) for row in shown.to_numpy())
            problems.append(
                Problem(
                    _words("multiple_fields_uniqueness", ""),
                    file, table.name, " × ".join(table.key), examples, len(repeated),
                )
            )  # fmt: skip
            cases = cases[cases["check"] != "multiple_fields_uniqueness"]
        for (name, check), group in cases.groupby(["column", "check"], sort=True):
            examples = tuple(
                f"row {int(row['index']) + 1}: {_plain(row['failure_case'])}"
                for _, row in group.sort_values("index").head(MOST_EXAMPLES).iterrows()
            )
            problems.append(
                Problem(
                    _words(str(check), str(name)), file, table.name, str(name), examples, len(group)
                )
            )
    problems += _order_of_dates(frame, table, file)
    problems += _facts_after(frame, table, settings, file)
    if table.name == "surveys":
        problems += _scores_off_scale(frame, settings, file)
    return problems


def _plain(value: object) -> str:
    """A value as a message shows it: whole days without a time, long text cut, on one line."""
    text = str(value).removesuffix(" 00:00:00")
    if text in ("nan", "NaT", "None", "<NA>") and not isinstance(value, str):
        return "empty"
    return text if text.isprintable() and len(text) <= LONGEST_VALUE else shown_value(text)


def _examples(frame: pd.DataFrame, table: Table, columns: list[str]) -> tuple[str, ...]:
    shown = [table.key[0], *columns] if table.key and table.key[0] in frame.columns else columns
    rows = frame[list(dict.fromkeys(shown))].head(MOST_EXAMPLES)
    return tuple(
        ", ".join(f"{name} {_plain(value)}" for name, value in row.items())
        for row in rows.to_dict("records")
    )


def _order_of_dates(frame: pd.DataFrame, table: Table, file: str) -> list[Problem]:
    first, last = ENDS_AFTER_STARTS.get(table.name, ("", ""))
    if first not in frame.columns or last not in frame.columns:
        return []
    wrong = frame[frame[last] < frame[first]]
    if wrong.empty:
        return []
    message = f"lies before {first}; correct the dates, or check their declared format"
    return [
        Problem(message, file, table.name, last, _examples(wrong, table, [first, last]), len(wrong))
    ]


def _facts_after(frame: pd.DataFrame, table: Table, settings: Settings, file: str) -> list[Problem]:
    problems = []
    # Compared as a point in time: a column in which every date is empty has no days to compare.
    end = dt.datetime.combine(settings.last_day, dt.time.max)
    for column in table.columns:
        is_fact = column.kind in ("date", "datetime") and column.fact
        # An end that lies ahead is a cancellation already received: open, not wrong.
        if not is_fact or column.name not in frame.columns or column.name == "ended_on":
            continue
        late = frame[frame[column.name] > end]
        if len(late):
            key = "covers.to" if settings.covers else "snapshot_on"
            problems.append(
                Problem(
                    f"lies after {key} ({settings.last_day}); move {key} or correct the dates",
                    file, table.name, column.name,
                    _examples(late, table, [column.name]), len(late),
                )
            )  # fmt: skip
    return problems


def _scores_off_scale(frame: pd.DataFrame, settings: Settings, file: str) -> list[Problem]:
    if "score" not in frame.columns:
        return []
    problems = []
    unknown = frame[~frame["instrument"].isin(list(settings.scales))]
    if len(unknown):
        names = tuple(sorted({_plain(name) for name in unknown["instrument"]})[:MOST_EXAMPLES])
        message = (
            f"is not a declared instrument; map it with values to {', '.join(settings.scales)}"
        )
        problems.append(Problem(message, file, "surveys", "instrument", names, len(unknown)))
    for instrument, (low, high) in settings.scales.items():
        scores = frame[frame["instrument"] == instrument]
        off = scores[(scores["score"] < low) | (scores["score"] > high)]
        if len(off):
            examples = _examples(off, Table("surveys", "", ()), ["score"])
            message = (
                f"lies outside the {instrument} scale of {low:g} to {high:g}; declare "
                f"tables.surveys.scales.{instrument}, or list codes for “no answer” under no_answer"
            )
            problems.append(Problem(message, file, "surveys", "score", examples, len(off)))
    return problems
