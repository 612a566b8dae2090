"""Text into days and moments: by the declared forms, and a reason wherever it fails."""

from __future__ import annotations

import re

from analysis.intake.cast import SQL_TYPES, Cast, literal, literals
from analysis.intake.declarations import DIRECTIVE, EXCEL_SERIAL
from analysis.intake.schema import Column

# Days that systems write for "no end" and "unknown start"; 1899-12-30 is a spreadsheet's zero.
OPEN_ENDED = ("9999-12-31", "2999-12-31", "1900-01-01", "1899-12-30")


DIRECTIVE_PATTERNS = {
    "Y": r"[0-9]{4}", "j": r"[0-9]{1,3}", "f": r"[0-9]{1,6}", "p": r"(?i:[ap]m)", "%": "%",
    "z": r"(?:[zZ]|[-+][0-9]{2}(?::?[0-9]{2})?)",
    **dict.fromkeys("aAbB", r"[\p{L}.]+"), **dict.fromkeys("dmyHIMS", r"[0-9]{1,2}"),
}  # fmt: skip


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


def date_cast(
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
