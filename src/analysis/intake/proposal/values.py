"""The shape of a column's values: dates and their form, numbers and their signs, words, keys."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from analysis.intake.proposal.looking import Look

Kind = Literal["date", "datetime", "number", "flag", "text", "empty"]

# A column is of a kind if this share of its values is: the rest may be words for “no value”.
NEARLY_ALL = 0.9
MOST_DISTINCT = 5_000
NUMBER_SPACES = " \u00a0\u202f\u2009'’"
SIGNS = {
    "€": "EUR", "₽": "RUB", "руб": "RUB", "£": "GBP", "$": "USD", "zł": "PLN", "kč": "CZK", "₴": "UAH",
    "₺": "TRY", "¥": "JPY", "₸": "KZT", "chf": "CHF", "eur": "EUR", "usd": "USD", "gbp": "GBP",
    "rub": "RUB", "rur": "RUB", "pln": "PLN", "czk": "CZK", "sek": "SEK", "nok": "NOK", "dkk": "DKK",
    "huf": "HUF", "uah": "UAH", "kzt": "KZT", "try": "TRY", "byn": "BYN",
}  # fmt: skip
TRUE_WORDS = {"true", "yes", "y", "1", "да", "ja", "oui", "si", "sí", "tak", "t"}
FALSE_WORDS = {"false", "no", "n", "0", "нет", "nein", "non", "nie", "f"}
MISSING_WORDS = {
    "n/a", "na", "none", "null", "nan", "-", "–", "—", "?", "unknown", "keine angabe", "k.a.", "k. a.",
    "нет данных", "н/д", "нд", "#n/a", "(null)", "\\n", "nd", "n.d.", "..", "...", "missing", "#н/д",
}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?P<open>\()?(?:(?P<before>{_SIGN})\.?\s*)?(?P<minus>[-+−]?)\s*(?P<body>\d[\d.,{NUMBER_SPACES}]*|[.,]\d+)"
    rf"\s*(?:(?P<after>{_SIGN})\.?|%)?(?P<behind>[-−])?(?P<close>\))?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[-./])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{2,4})"
    r"(?P<time>(?P<gap>[ T])(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2}(?P<parts>\.\d{1,6})?)?"
    r"(?P<half> [AaPp][Mm])?(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
)
# A month alone, its year first or last.
_MONTHS = (
    (re.compile(r"\d{4}(?P<sep>[-/.])(?:0?[1-9]|1[0-2])"), "%Y{sep}%m"),
    (re.compile(r"(?:0?[1-9]|1[0-2])(?P<sep>[-/.])(?:19|20)\d{2}"), "%m{sep}%Y"),
)
# Days since the end of 1899, as spreadsheets count them: 1990 to 2050.
SERIALS = (32_874, 55_153)
_NAMED = re.compile(r"\d{1,2}(?P<sep>[-. /])[A-Z][a-z]{2}(?P=sep)(?P<year>\d{4}|\d{2})")
_COMPACT = re.compile(r"(?:19[5-9]|20[0-6])\d[01]\d[0-3]\d")


@dataclass(frozen=True, slots=True)
class DateForm:
    """How days are written. format: strptime's. undecided: the other reading fits as well, or ""."""

    format: str
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How numbers are written. decimal: "." or ",", "" if no value shows it.

    thousands: what stands between groups of three, "" if nothing. negative: as `reading` names
    it. currencies: those whose sign stands beside a number.
    undecided: an example whose comma or point may be either, or "".
    """

    decimal: str = ""
    thousands: str = ""
    negative: str = "minus"
    currencies: tuple[str, ...] = ()
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """What the values of one column look like.

    filled: share with a value. distinct: different values. unique: none stands twice and none is
    missing. words: values with their counts, commonest first, where there are few. low, high: of
    numbers. first, last: of days. monthly: the days are months, written alone or as their first day.
    missing_words: words in it that mean “no value”.
    """

    name: str
    kind: Kind
    rows: int
    filled: float
    distinct: int
    unique: bool
    words: tuple[tuple[str, int], ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole_numbers: bool = False
    first: dt.date | None = None
    last: dt.date | None = None
    monthly: bool = False
    dates: DateForm | None = None
    numbers: NumberForm | None = None
    missing_words: tuple[str, ...] = ()
    values: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_dated(self) -> bool:
        return self.kind in ("date", "datetime")

    @property
    def is_month_only(self) -> bool:
        """Whether months are written without a day."""
        return self.dates is not None and "%d" not in self.dates.format and self.is_dated

    @property
    def could_be_serials(self) -> bool:
        """Whether the numbers could be days as spreadsheets count them; the name has to say so."""
        low, high = SERIALS
        return self.kind == "number" and self.low >= low and self.high <= high and self.distinct > 1


def look_at_column(look: Look, name: str) -> ColumnLook:
    """The shape of one column's values."""
    return _shape(name, look.columns[name], look.typed.get(name, ""))


def _shape(name: str, values: list[str | None], typed: str) -> ColumnLook:
    counts = Counter(value for value in values if value is not None)
    missing = tuple(sorted(word for word in counts if word.lower() in MISSING_WORDS))
    given = {word: count for word, count in counts.items() if word not in missing}
    filled = sum(given.values()) / len(values) if values else 0.0
    common = {
        "rows": len(values),
        "filled": filled,
        "distinct": len(given),
        "unique": bool(values) and len(given) == len(values),
        "values": frozenset(given),
    }
    if not given:
        return ColumnLook(name, "empty", **common)  # type: ignore[arg-type]
    few = (
        tuple(sorted(given.items(), key=lambda item: (-item[1], item[0])))
        if len(given) <= 200
        else ()
    )
    sample = list(given)[:MOST_DISTINCT]
    if typed == "date" or not typed:
        dated = _as_dates(sample, typed == "date")
        if dated is not None:
            # All of them, as the first and the last day are wanted.
            form, timed = dated
            first, last, monthly = _ends(given, form)
            return ColumnLook(
                name, "datetime" if timed else "date", words=few, first=first, last=last, monthly=monthly,
                dates=None if typed else form, missing_words=missing, **common,  # type: ignore[arg-type]
            )  # fmt: skip
    if (
        {word.lower() for word in given} <= TRUE_WORDS | FALSE_WORDS
        and len(given) == 2
        and not typed
    ):
        return ColumnLook(name, "flag", words=few, missing_words=missing, **common)  # type: ignore[arg-type]
    numbers = _as_numbers(sample, typed == "number")
    if numbers is not None:
        form_of_numbers, parsed = numbers
        return ColumnLook(
            name, "number", words=few, low=min(parsed), high=max(parsed),
            whole_numbers=all(value == int(value) for value in parsed),
            first=_serial_day(min(parsed)), last=_serial_day(max(parsed)),
            numbers=None if typed else form_of_numbers, missing_words=missing, **common,  # type: ignore[arg-type]
        )  # fmt: skip
    return ColumnLook(name, "text", words=few, missing_words=missing, **common)  # type: ignore[arg-type]


def _as_dates(sample: list[str], typed: bool) -> tuple[DateForm, bool] | None:
    if typed:
        timed = any(" " in value for value in sample)
        return DateForm("%Y-%m-%d %H:%M:%S" if timed else "%Y-%m-%d"), timed
    for shape, short in (*_MONTHS, (_COMPACT, "%Y%m%d")):
        found = [match for value in sample if (match := shape.fullmatch(value))]
        if len(found) >= NEARLY_ALL * len(sample):
            if shape is not _COMPACT:
                short = short.format(sep=found[0]["sep"])
            parsed = [_day(match.group(), short) for match in found]
            return (DateForm(short), False) if None not in parsed else None
    named = [match for value in sample if (match := _NAMED.fullmatch(value))]
    if len(named) >= NEARLY_ALL * len(sample):
        year = "%Y" if len(named[0]["year"]) == 4 else "%y"
        short = f"%d{named[0]['sep']}%b{named[0]['sep']}{year}"
        parsed = [_day(match.group(), short) for match in named]
        return (DateForm(short), False) if None not in parsed else None
    fitting = [match for value in sample if (match := _DATE.fullmatch(value))]
    if len(fitting) < NEARLY_ALL * len(sample):
        return None
    shapes = Counter(
        (
            match["sep"],
            "year" if len(match["a"]) == 4 else "day" if len(match["c"]) in (2, 4) else "",
            "%Y" if 4 in (len(match["a"]), len(match["c"])) else "%y",
            _time_form(match),
        )
        for match in fitting
    )
    (separator, order, year, time), _ = shapes.most_common(1)[0]
    if order == "year":
        form = f"%Y{separator}%m{separator}%d"
        undecided = ""
    else:
        first = max(int(m["a"]) for m in fitting if len(m["a"]) <= 2)
        second = max(int(m["b"]) for m in fitting)
        day_first = f"%d{separator}%m{separator}{year}"
        month_first = f"%m{separator}%d{separator}{year}"
        if second > 12 >= first:
            form, undecided = month_first, ""
        elif first > 12 or separator == ".":
            form, undecided = day_first, ""
        else:
            form, undecided = day_first, month_first
    suffix = time
    parsed = [_day(value, form + suffix) for value in sample]
    if sum(day is not None for day in parsed) < NEARLY_ALL * len(sample) and not len(shapes) > 1:
        return None
    return DateForm(form + suffix, undecided + suffix if undecided else ""), bool(time)


def _time_form(match: re.Match[str]) -> str:
    if not match["time"]:
        return ""
    seconds = ":%S" if match["seconds"] else ""
    parts = ".%f" if match["parts"] else ""
    hour, half = ("%I", " %p") if match["half"] else ("%H", "")
    zone = "" if not match["zone"] else " %z" if match["zone"].startswith(" ") else "%z"
    return f"{match['gap']}{hour}:%M{seconds}{parts}{half}{zone}"


def _day(text: str, form: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, form).date()
    except ValueError:
        return None


def _ends(given: dict[str, int], form: DateForm) -> tuple[dt.date | None, dt.date | None, bool]:
    """First and last day, and whether all of them are months."""
    days = {_day(text, form.format) for text in given} - {None}
    # Years that systems write for “no end” and “unknown start”.
    real = sorted(day for day in days if day is not None and 1901 <= day.year <= 2900)
    firsts = len(real) > 1 and all(day.day == 1 for day in real)
    return (real[0], real[-1], firsts) if real else (None, None, False)


def _serial_day(number: float) -> dt.date | None:
    low, high = SERIALS
    return dt.date(1899, 12, 30) + dt.timedelta(days=int(number)) if low <= number <= high else None


def is_number_or_day(text: str) -> bool:
    """Whether a cell holds a number or a day, however it is written."""
    plain = text.strip()
    return bool(_NUMBER.fullmatch(plain) or _DATE.fullmatch(plain) or _NAMED.fullmatch(plain))


def _as_numbers(sample: list[str], typed: bool) -> tuple[NumberForm, list[float]] | None:
    matches = [_NUMBER.fullmatch(value) for value in sample]
    fitting = [match for match in matches if match is not None]
    if not fitting or len(fitting) < NEARLY_ALL * len(sample):
        return None
    bodies = [match["body"].strip() for match in fitting]
    # Zeros in front and long digits are keys: as numbers they would lose something.
    if not typed and sum(bool(re.fullmatch(r"0\d+|\d{16,}", body)) for body in bodies) > 0.05 * len(
        bodies
    ):
        return None
    form = NumberForm(".") if typed else _number_form(bodies)
    signs = {
        SIGNS[(match["before"] or match["after"]).lower()]
        for match in fitting
        if match["before"] or match["after"]
    }
    parsed = [
        number * (-1 if match["minus"] in ("-", "−") or match["open"] or match["behind"] else 1)
        for match, body in zip(fitting, bodies, strict=True)
        if (number := _number(body, form.decimal or ".")) is not None
    ]
    if len(parsed) < NEARLY_ALL * len(sample):
        return None
    brackets = any(match["open"] for match in fitting)
    behind = any(match["behind"] for match in fitting)
    negative = "brackets" if brackets else "trailing" if behind else "minus"
    return (
        NumberForm(form.decimal, form.thousands, negative, tuple(sorted(signs)), form.undecided),
        parsed,
    )


def _number_form(bodies: list[str]) -> NumberForm:
    decimal: Counter[str] = Counter()
    thousands: Counter[str] = Counter()
    unclear = ""
    for body in bodies:
        for space in NUMBER_SPACES:
            if space in body:
                thousands[space] += 1
        plain = re.sub(f"[{NUMBER_SPACES}]", "", body)
        marks = re.findall(r"[.,]", plain)
        if not marks:
            continue
        if len(set(marks)) == 2:
            decimal[marks[-1]] += 1
            thousands[marks[0]] += 1
        elif len(marks) > 1:
            thousands[marks[0]] += 1
        elif re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain):
            unclear = unclear or body
        else:
            decimal[marks[0]] += 1
    mark = decimal.most_common(1)[0][0] if decimal else ""
    between = thousands.most_common(1)[0][0] if thousands else ""
    if unclear:
        sign = "," if "," in unclear else "."
        if mark and mark != sign:
            between, unclear = between or sign, ""
        elif mark == sign:
            unclear = ""
        elif between == sign:
            mark, unclear = "." if sign == "," else ",", ""
        else:
            mark = sign
    return NumberForm(mark, between, undecided=unclear)


def _number(body: str, decimal: str) -> float | None:
    plain = re.sub(f"[{NUMBER_SPACES}]", "", body)
    plain = plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return None
