"""Text into ids, numbers, flags and days: by the declared forms, and a reason wherever it fails."""

from __future__ import annotations

import re

from analysis.intake.cast import SQL_TYPES, Cast, literal
from analysis.intake.currencies import other_money, shared_money, shared_signs, sign_pattern
from analysis.intake.date_casting import date_cast
from analysis.intake.declarations import ColumnSource, Reading
from analysis.intake.schema import Column

TRUE_WORDS = "('true','yes','y','1','да','ja','oui')"
FALSE_WORDS = "('false','no','n','0','нет','nein','non')"
MOST_WHOLE_DIGITS = 14  # of DECIMAL(18,4)
NUMERIC_TYPES = (
    "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
)  # fmt: skip
# A double holds no more digits than these: a longer number has lost its last ones.
LARGEST_EXACT_ID = "1e15"
SPACE = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}]"


def is_numeric(sql_type: str) -> bool:
    """Whether a source column holds numbers and no text."""
    return sql_type in NUMERIC_TYPES or sql_type.startswith("DECIMAL")


def as_text(expression: str, sql_type: str) -> str:
    """A source column as text; numbers that come typed keep their plain form."""
    if sql_type == "VARCHAR":
        return expression
    if sql_type in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN {expression} = floor({expression}) AND abs({expression}) < "
            f"{LARGEST_EXACT_ID} THEN CAST(CAST({expression} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({expression} AS VARCHAR) END"
        )
    return f"CAST({expression} AS VARCHAR)"


def cast_column(
    column: Column,
    text: str,
    typed: str,
    sql_type: str,
    reading: Reading,
    origin: ColumnSource,
    money: tuple[str, dict[str, float]],
    time_zone: str,
) -> Cast:
    """The cast of one column.

    text, typed: SQL of the cleaned text and of the value as it comes. sql_type: the latter's type.
    money: the data set's currency, and what one unit of other currencies is worth in it.
    """
    if column.kind == "id":
        return _id_cast(text, typed, sql_type)
    if column.kind in ("text", "category"):
        return Cast(text)
    if column.kind in ("date", "datetime"):
        formats = origin.dates or reading.dates
        return date_cast(column, text, typed, sql_type, formats, time_zone, reading.decimal)
    if column.kind == "flag":
        return _flag_cast(text, typed, sql_type)
    if is_numeric(sql_type):
        return _typed_number_cast(column, typed, sql_type)
    return _number_cast(column, text, reading, *money)


def _id_cast(text: str, typed: str, sql_type: str) -> Cast:
    advice = (
        "holds numbers of more digits than a spreadsheet keeps, so the last ones are lost; export "
        "the column as text"
    )
    if sql_type in ("DOUBLE", "FLOAT"):
        return Cast(f"CASE WHEN abs({typed}) < {LARGEST_EXACT_ID} THEN {text} END", advice)
    lost = f"regexp_full_match({text}, '[0-9]([.,][0-9]+)?[eE][+][0-9]+')"
    # The pattern is tried on few values only: it is slow on many.
    return Cast(
        f"CASE WHEN NOT contains({text}, '+') THEN {text} WHEN NOT {lost} THEN {text} END", advice
    )


def _flag_cast(text: str, typed: str, sql_type: str) -> Cast:
    if sql_type == "BOOLEAN":
        return Cast(typed)
    lowered = f"lower({text})"
    return Cast(
        f"CASE WHEN {lowered} IN {TRUE_WORDS} THEN true "
        f"WHEN {lowered} IN {FALSE_WORDS} THEN false END",
        "is neither yes nor no; map it with {column: …, values: {theirs: yes, …}}",
    )


def _always_fits(column: Column, sql_type: str) -> bool:
    """Whether every number of a type is one that the column can hold."""
    if sql_type in ("TINYINT", "SMALLINT", "INTEGER"):
        return True
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", sql_type)
    if decimal is None or column.kind == "integer":
        return False
    return column.kind == "number" or int(decimal[1]) - int(decimal[2]) <= MOST_WHOLE_DIGITS


def _typed_number_cast(column: Column, typed: str, sql_type: str) -> Cast:
    if _always_fits(column, sql_type):
        return Cast(f"CAST({typed} AS {SQL_TYPES[column.kind]})")
    whole = f" AND {typed} = floor({typed})" if column.kind == "integer" else ""
    number = f"CASE WHEN isfinite(CAST({typed} AS DOUBLE)){whole} THEN {typed} END"
    kind = "whole number" if column.kind == "integer" else "finite number"
    return Cast(f"TRY_CAST({number} AS {SQL_TYPES[column.kind]})", f"is not a {kind}")


def _without_signs(text: str, signs: str, reading: Reading) -> str:
    """SQL of the digits of a number with their marks: no sign of money, the minus in front."""
    inner = f"replace({text}, '−', '-')"
    if signs:
        inner = f"regexp_replace({inner}, '^([-+(]?){SPACE}*(?:{signs}){SPACE}*', '\\1')"
        inner = f"regexp_replace({inner}, '{SPACE}*(?:{signs})([-)]?)$', '\\1')"
    inner = f"regexp_replace({inner}, '^([-+]){SPACE}+', '\\1')"
    if reading.negative == "brackets":
        inner = f"regexp_replace({inner}, '^\\(([^-+]*)\\)$', '-\\1')"
    elif reading.negative == "trailing":
        inner = f"regexp_replace({inner}, '^([0-9].*?){SPACE}*-$', '-\\1')"
    return inner


def group_marks(reading: Reading) -> tuple[str, ...]:
    """What may stand between groups of three digits, each a regular expression."""
    marks = [SPACE]
    if reading.thousands == "'":
        marks.append("['’]")
    elif reading.thousands:
        marks.append(f"[{reading.thousands}]")
    elif reading.decimal == ",":
        # The point is no decimal here: between groups of three it goes, elsewhere it is refused.
        marks.append("[.]")
    return tuple(marks)


def _plain_number(column: Column, text: str, reading: Reading, signs: str) -> str:
    digits = _without_signs(text, signs, reading)
    mark = re.escape(reading.decimal)
    whole = column.kind == "integer"
    tail = f"(?:{mark}0*)?" if whole else f"(?:{mark}[0-9]*)?"
    bare = f"[0-9]+{tail}" if whole else f"(?:[0-9]+{tail}|{mark}[0-9]+)"
    grouped = "|".join(
        f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+{tail}" for group in group_marks(reading)
    )
    inside = "|".join(group_marks(reading))
    # A plain number only: TRY_CAST alone would let "1e5", "inf" and "nan" pass.
    simple = f"CASE WHEN regexp_full_match({text}, '-?{bare}') THEN {text}"
    pointed = f"replace({{}}, '{reading.decimal}', '.')" if reading.decimal != "." else "{}"
    ungrouped = f"regexp_replace({digits}, {literal(inside)}, '', 'g')"
    return (
        f"{simple.replace(f'THEN {text}', 'THEN ' + pointed.format(text))} "
        f"WHEN regexp_full_match({digits}, '[-+]?{bare}') THEN {pointed.format(digits)} "
        f"WHEN regexp_full_match({digits}, {literal(f'[-+]?(?:{grouped})')}) "
        f"THEN {pointed.format(ungrouped)} END"
    )


def _number_cast(
    column: Column, text: str, reading: Reading, currency: str, rates: dict[str, float]
) -> Cast:
    target = SQL_TYPES[column.kind]
    signs = sign_pattern(currency) if column.kind == "money" else ""
    if column.kind == "number":
        signs = "%"
    value = f"TRY_CAST({_plain_number(column, text, reading, signs)} AS {target})"
    if column.kind == "money":
        # Signs that another currency shares with the data set's own are the own one's.
        for code, rate in rates.items():
            foreign = sign_pattern(code, but_of=(currency, *(c for c in rates if c != code)))
            digits = _plain_number(column, text, reading, foreign)
            value = (
                f"coalesce({value}, TRY_CAST(TRY_CAST({digits} AS DOUBLE) * {rate!r} AS {target}))"
            )
    kind = "whole number" if column.kind == "integer" else "number"
    mark = "comma" if reading.decimal == "," else "point"
    head = (
        f"is not a {kind}"
        if column.kind == "integer"
        else f"is not a {kind} with the decimal {mark}"
    )
    missing = "list words that mean “no value” under reading.missing"
    other = "." if reading.decimal == "," else ","
    commas = r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?"
    reasons = [
        (
            f"regexp_full_match(lower({text}), '[-+]?(inf|infinity|nan)')",
            f"{head}: it is infinite or undefined; correct it, or {missing}",
        ),
        (
            f"regexp_full_match({text}, '[-+]?[0-9]+([.,][0-9]+)?[eE][-+]?[0-9]+')",
            f"{head}: it is in scientific notation; export it in full",
        ),
        (
            f"regexp_full_match({text}, '{commas}') AND '{reading.decimal}' = '.' AND "
            f"(contains({text}, '.') OR regexp_matches({text}, ',.*,'))",
            f'{head}: commas stand between the thousands; write reading.thousands: ","',
        ),
        (
            f"regexp_full_match({text}, '[-+]?[0-9]{{1,3}}([''’][0-9]{{3}})+([.,][0-9]+)?')",
            f'{head}: apostrophes stand between the thousands; write reading.thousands: "\'"',
        ),
        (
            f"regexp_full_match({text}, '\\([^()]*[0-9][^()]*\\)')",
            f"{head}: it stands in brackets; write reading.negative: brackets if they mean minus",
        ),
        (
            f"regexp_full_match({text}, '[0-9][^-]*-')",
            f"{head}: the minus stands behind; write reading.negative: trailing",
        ),
        (
            f"regexp_full_match({text}, '[-+]?[0-9]+[{other}][0-9]+')",
            f'{head}; write reading.decimal: "{other}", or {missing}',
        ),
    ]
    if column.kind == "money":
        reasons.insert(0, other_money(text, currency))
        shared = shared_signs(currency, tuple(rates))
        if shared:
            reasons.insert(0, shared_money(text, shared))
    return Cast(value, f"{head}; write reading.decimal, or {missing}", tuple(reasons))
