"""How each source's text is to be understood, and what most sources have in common."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.text_files import PLAIN_LETTERS
from analysis.intake.proposal.values import ColumnLook

ISO = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class ReadingForm:
    """The reading of one source.

    encoding: "" where all letters are plain. decimal: "" where no number shows it.
    thousands, negative: as `reading` names them.
    dates: forms in the order of their frequency.
    own_dates: columns whose days are written unlike those of the rest, with their form.
    undecided: columns whose days or numbers can be read in two ways, with what else they may be.
    """

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    negative: str
    dates: tuple[str, ...]
    missing: tuple[str, ...]
    own_dates: dict[str, str]
    undecided: dict[str, str]


def reading_form(look: Look, columns: dict[str, ColumnLook]) -> ReadingForm:
    """Put together what the columns of a source show of its reading."""
    forms: Counter[str] = Counter()
    doubtful: dict[str, tuple[str, str]] = {}
    undecided_months: dict[str, str] = {}
    for name, shape in columns.items():
        if shape.dates is None:
            continue
        if shape.is_month_only:
            undecided_months[name] = (
                "months without a day; where a day is wanted, the first is taken"
            )
        if shape.dates.undecided:
            doubtful[name] = (shape.dates.format, shape.dates.undecided)
        else:
            forms[shape.dates.format] += 1
    own: dict[str, str] = {}
    undecided = undecided_months
    for name, (day_first, month_first) in doubtful.items():
        # Another column of the file may show which comes first.
        chosen = month_first if any(_days_alike(form, month_first) for form in forms) else day_first
        shown = any(
            shape.dates and not shape.dates.undecided and _days_alike(shape.dates.format, chosen)
            for shape in columns.values()
        )
        forms[chosen] += 1
        other = day_first if chosen == month_first else month_first
        undecided[name] = (
            f"read like the other columns; alone it could be {other}"
            if shown
            else f"days and months could stand the other way round: then {other}"
        )
    ordered = [form for form, _ in sorted(forms.items(), key=lambda item: (-item[1], item[0]))]
    main: list[str] = []
    for form in ordered:
        swapped = _swapped(form)
        if swapped != form and swapped in main:
            own |= {
                n: form
                for n, s in columns.items()
                if s.dates and form in (s.dates.format, s.dates.undecided)
            }
        else:
            main.append(form)
    decimals = Counter(
        shape.numbers.decimal for shape in columns.values() if shape.numbers and shape.numbers.decimal
        and not shape.numbers.undecided
    )  # fmt: skip
    decimal = decimals.most_common(1)[0][0] if decimals else ""
    for name, shape in columns.items():
        if shape.numbers and shape.numbers.undecided:
            sign = "," if "," in shape.numbers.undecided else "."
            what = "a decimal sign or one between thousands"
            if not decimals:
                decimal = sign
                undecided[name] = f"in {shape.numbers.undecided} the {sign} may be {what}"
    missing = sorted({word for shape in columns.values() for word in shape.missing_words})
    numbers = [shape.numbers for shape in columns.values() if shape.numbers]
    # Spaces need no word, and neither does the point where the decimal is a comma.
    marks = [form.thousands.replace("’", "'") for form in numbers]
    thousands = next((mark for mark in marks if mark in (",", "'") and mark != decimal), "")
    negative = next((form.negative for form in numbers if form.negative != "minus"), "minus")
    return ReadingForm(
        # Plain letters are the same in every encoding but the wide ones.
        "" if look.encoding_reason == PLAIN_LETTERS else look.encoding,
        look.delimiter,
        decimal,
        thousands,
        negative,
        tuple(main),
        tuple(missing),
        own,
        undecided,
    )


def _days_alike(one: str, other: str) -> bool:
    """Whether two forms write the day alike, whatever is said of the time."""
    return re.split("[ T]", one)[0] == re.split("[ T]", other)[0]


def _swapped(form: str) -> str:
    return form.replace("%d", "#").replace("%m", "%d").replace("#", "%m")


def common_reading(forms: list[ReadingForm]) -> ReadingForm:
    """What most sources share: their encoding, separator and decimal sign, and all date forms
    that do not contradict one another."""
    texts = [form for form in forms if form.delimiter]
    dates = Counter(text for form in forms for text in form.dates)
    ordered = [text for text, _ in sorted(dates.items(), key=lambda item: (-item[1], item[0]))]
    agreed: list[str] = []
    for text in ordered:
        swapped = _swapped(text)
        if swapped == text or swapped not in agreed:
            agreed.append(text)
    missing = sorted({word for form in forms for word in form.missing})
    decimal = _commonest([form.decimal for form in forms if form.decimal]) or "."
    return ReadingForm(
        _commonest([form.encoding for form in texts if form.encoding]) or "utf-8",
        _commonest([form.delimiter for form in texts]) or ",",
        decimal,
        _agreed([form.thousands for form in forms if form.decimal == decimal]),
        _agreed([form.negative for form in forms if form.decimal]) or "minus",
        tuple(agreed) or (ISO,),
        tuple(missing),
        {},
        {},
    )


def _agreed(words: list[str]) -> str:
    """The one word that all have; "" if they differ."""
    return words[0] if len(set(words)) == 1 else ""


def _commonest(words: list[str]) -> str:
    counts = Counter(words)
    return min(counts, key=lambda word: (-counts[word], word)) if counts else ""


def differences(form: ReadingForm, common: ReadingForm) -> dict[str, object]:
    """What a source has to declare beside the common reading."""
    own: dict[str, object] = {}
    if form.encoding and form.encoding != common.encoding:
        own["encoding"] = form.encoding
    if form.delimiter and not form.encoding and common.encoding.startswith("utf-16"):
        own["encoding"] = "utf-8"
    if form.delimiter and form.delimiter != common.delimiter:
        own["delimiter"] = form.delimiter
    if form.decimal and form.decimal != common.decimal:
        own["decimal"] = form.decimal
    if (form.decimal or form.thousands) and form.thousands != common.thousands:
        own["thousands"] = form.thousands
    if form.decimal and form.negative != common.negative:
        own["negative"] = form.negative
    if not set(form.dates) <= set(common.dates):
        own["dates"] = list(form.dates)
    return own
