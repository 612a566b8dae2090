"""Text into dates, numbers and flags: by the declared forms, and a reason wherever it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis.intake.currencies import other_money, shared_money, shared_signs, sign_pattern
from analysis.intake.declarations import DIRECTIVE, EXCEL_SERIAL, ColumnSource, Reading
from analysis.intake.schema import Column

# Days that systems write for "no end" and "unknown start"; 1899-12-30 is a spreadsheet's zero.
OPEN_ENDED = ("9999-12-31", "2999-12-31", "1900-01-01", "1899-12-30")
TRUE_WORDS = "('true','yes','y','1','да','ja','oui')"
FALSE_WORDS = "('false','no','n','0','нет','nein','non')"
SQL_TYPES = {
    "id": "VARCHAR", "text": "VARCHAR", "category": "VARCHAR", "date": "DATE",
    "datetime": "TIMESTAMP", "money": "DECIMAL(18,4)", "number": "DOUBLE", "integer": "BIGINT",
    "flag": "BOOLEAN",
}  # fmt: skip
MOST_WHOLE_DIGITS = 14  # of DECIMAL(18,4)
NUMERIC_TYPES = (
    "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
    "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
)  # fmt: skip
# A double holds no more digits than these: a longer number has lost its last ones.
LARGEST_EXACT_ID = "1e15"
SPACE = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}]"
DIRECTIVE_PATTERNS = {
    "Y": r"[0-9]{4}", "j": r"[0-9]{1,3}", "f": r"[0-9]{1,6}", "p": r"(?i:[ap]m)", "%": "%",
    "z": r"(?:[zZ]|[-+][0-9]{2}(?::?[0-9]{2})?)",
    **dict.fromkeys("aAbB", r"[\p{L}.]+"), **dict.fromkeys("dmyHIMS", r"[0-9]{1,2}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cast:
    """How text becomes a canonical value.

    sql: the value as SQL, NULL where it cannot be read. advice: what to say then; empty where
    nothing can fail. reasons: pairs of a condition on the text and a closer advice, tried in turn.
    sentinel: SQL of whether a date stands for “open”. offset: SQL of whether a moment came with
    an offset that was converted. plain: SQL of a typed value that will do where `unusual` holds in
    no row.
    """

    sql: str
    advice: str = ""
    reasons: tuple[tuple[str, str], ...] = field(default=())
    sentinel: str = ""
    offset: str = ""
    plain: str = ""
    unusual: str = ""


def literal(text: str) -> str:
    """An SQL literal, whatever characters it holds."""
    return "'" + text.replace("'", "''") + "'"


def literals(words: tuple[str, ...]) -> str:
    """SQL literals with commas between them."""
    return ", ".join(literal(word) for word in words)


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
        return _date_cast(column, text, typed, sql_type, formats, time_zone, reading.decimal)
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


def parse_date(text: str, formats: tuple[str, ...], time_zone: str, decimal: str = ".") -> str:
    """SQL of a TIMESTAMP read from text by the declared formats; NULL where none fits."""
    conditions = {form: _only_if(text, form) for form in formats}
    plain = tuple(
        form
        for form in formats
        if form != EXCEL_SERIAL and "%z" not in form and not conditions[form]
    )
    parts = []
    if plain:
        parts.append(f"try_strptime({text}, [{literals(plain)}])")
    for form in formats:
        if form == EXCEL_SERIAL:
            days = f"TRY_CAST(replace({text}, '{decimal}', '.') AS DOUBLE)"
            shape = f"regexp_full_match({text}, '[0-9]{{1,6}}({re.escape(decimal)}[0-9]+)?')"
            parts.append(
                f"CASE WHEN {shape} THEN TIMESTAMP '1899-12-30' + "
                f"to_seconds(CAST(round({days} * 86400) AS BIGINT)) END"
            )
            continue
        if form in plain:
            continue
        read = f"try_strptime({text}, {literal(form)})"
        if "%z" in form:
            moment = f"try_strptime(regexp_replace({text}, '[zZ]$', '+00:00'), {literal(form)})"
            read = in_zone(moment, time_zone)
        condition = " AND ".join(part.format(read=read) for part in conditions[form])
        parts.append(f"CASE WHEN {condition} THEN {read} END" if condition else read)
    found = parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
    # strptime reads "24" as the year 24: a two-digit year needs %y. It reads "epoch" and
    # "infinity" too, whatever the format, as days of 1900.
    return (
        f"CASE WHEN year({found}) BETWEEN 1000 AND 9999 AND "
        f"(year({found}) <> 1900 OR regexp_matches({text}, '[0-9]')) THEN {found} END"
    )


def _only_if(text: str, date_format: str) -> list[str]:
    """Conditions under which a text means the day that strptime makes of it, over {read}."""
    conditions = []
    if re.search(r"%-?[YmdyHIMSj]%-?[YmdyHIMSj]", date_format):
        # Nothing stands between the numbers: 2024105 might be two days, if not all digits are there.
        strict = literal(pattern_of(date_format, strict=True)).replace("{", "{{").replace("}", "}}")
        conditions.append(f"regexp_full_match({text}, {strict})")
    if "%z" in date_format:
        return conditions  # the day is another one in another zone
    if "%j" in date_format and "%Y" in date_format:
        # Day 366 of a year that has 365 is read as the next year's first.
        conditions.append(f"contains({text}, strftime({{read}}, '%Y'))")
    for day_of_week in ("%a", "%A"):
        if day_of_week in date_format:
            named = f"lower(strftime({{read}}, '{day_of_week}'))"
            conditions.append(f"contains(lower({text}), {named})")
    return conditions


def in_zone(moment: str, time_zone: str) -> str:
    """SQL of the local time of a moment with an offset; “open” stays the day that it is."""
    universal = f"timezone('UTC', {moment})"
    return (
        f"CASE WHEN CAST({universal} AS DATE) IN ({literals(OPEN_ENDED)}) THEN {universal} "
        f"ELSE timezone({literal(time_zone)}, {moment}) END"
    )


def _date_cast(
    column: Column,
    text: str,
    typed: str,
    sql_type: str,
    formats: tuple[str, ...],
    time_zone: str,
    decimal: str,
) -> Cast:
    target = SQL_TYPES[column.kind]
    if sql_type.startswith(("DATE", "TIMESTAMP")):
        zoned = "TIME ZONE" in sql_type
        found = in_zone(typed, time_zone) if zoned else typed
        sentinel = f"CAST({found} AS DATE) IN ({literals(OPEN_ENDED)})"
        # Some write an infinite day for none, or days that no calendar of ours reaches.
        beyond = f"coalesce(year({typed}) NOT BETWEEN 1000 AND 9999, {typed} IS NOT NULL)"
        return Cast(
            f"CASE WHEN NOT {beyond} THEN CAST({found} AS {target}) END",
            "is no day of the years 1000 to 9999; leave the cell empty where there is none",
            sentinel=sentinel,
            offset=f"{typed} IS NOT NULL" if zoned else "",
            plain="" if zoned else f"CAST({found} AS {target})",
            unusual=f"{sentinel} OR {beyond}",
        )
    found = parse_date(text, formats, time_zone, decimal)
    advice, reasons = _date_advice(text, formats)
    offset = f"regexp_matches({text}, '([zZ]|[-+][0-9]{{2}}(:?[0-9]{{2}})?)$')"
    offset = offset if any("%z" in form for form in formats) else ""
    sentinel = f"CAST({found} AS DATE) IN ({literals(OPEN_ENDED)})"
    return Cast(f"CAST({found} AS {target})", advice, reasons, sentinel, offset)


def pattern_of(date_format: str, strict: bool = False) -> str:
    """The regular expression of the texts that look like a format, whether days or not.

    strict: numbers have all their digits.
    """
    parts, position = [], 0
    for found in DIRECTIVE.finditer(date_format):
        pattern = DIRECTIVE_PATTERNS[found.group(1)]
        if strict:
            pattern = pattern.replace("{1,2}", "{2}").replace("{1,3}", "{3}")
        parts.append(re.escape(date_format[position : found.start()]))
        parts.append(pattern)
        position = found.end()
    return "".join([*parts, re.escape(date_format[position:])])


def _date_advice(text: str, formats: tuple[str, ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
    forms = " or ".join(formats)
    head = f"is not a date of the form {forms}"
    write = 'write the column\'s format under dates, such as {column: …, dates: "%d.%m.%Y"}'
    looks = "|".join(f"(?:{pattern_of(form)})" for form in formats if form != EXCEL_SERIAL)
    reasons = [
        (
            f"regexp_full_match({text}, '[1-7][0-9]{{4}}([.,][0-9]+)?')",
            f"{head}: these are a spreadsheet's serial numbers of days; write "
            "{column: …, dates: excel}, or save the column as dates",
        ),
        (
            f"regexp_full_match({text}, '[0-9]{{1,2}}[-./ ][0-9]{{1,2}}[-./ ][0-9]{{2}}([ T].*)?')",
            f"{head}: the year has two digits; write the column's format with %y, such as "
            '{column: …, dates: "%d.%m.%y"}',
        ),
        (
            f"regexp_full_match({text}, '.*[0-9]:[0-9]{{2}}.*([zZ]|[-+][0-9]{{2}}:?[0-9]{{2}})')",
            f"{head}: the time bears an offset; write the format with %z, such as "
            '{column: …, dates: "%Y-%m-%dT%H:%M:%S%z"}, and time_zone: Europe/Berlin or the like',
        ),
    ]
    if looks:
        calendar = f"{head}: there is no such day in the calendar; correct it in the export"
        reasons.insert(0, (f"regexp_full_match({text}, {literal(looks)})", calendar))
    return f"{head}; {write}", tuple(reasons)


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
