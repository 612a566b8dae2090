"""Numbers and sentences for readers: one message function, one number format."""

from __future__ import annotations

import gettext
from pathlib import Path

from babel.numbers import (
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
    list_currencies,
)

from analysis.methods.estimate import Estimate, NotEstimable

LOCALE = "en_GB"
NO_VALUE = "–"
WHOLE_FROM = 1000  # money from here on is given without cents
MINUS = "−"

_translations = gettext.translation(
    "clientele", localedir=Path(__file__).parent / "locale", languages=["en"], fallback=True
)


def message(text: str, **values: object) -> str:
    """Give a text for readers in the report's language, with {named} values filled in."""
    translated = _translations.gettext(text)
    return translated.format(**values) if values else translated


def message_for(singular: str, plural: str, count: int, **values: object) -> str:
    """Like `message`, choosing the form that goes with `count` (available as {count})."""
    return _translations.ngettext(singular, plural, count).format(
        count=format_count(count), **values
    )


def format_count(count: float) -> str:
    """A whole number with thousands separators: 12,345."""
    return str(format_decimal(round(count), locale=LOCALE)).replace("-", MINUS)


def format_number(value: float, decimals: int = 2) -> str:
    """A number with a fixed number of decimals and a true minus sign."""
    rounded = round(float(value), decimals) + 0.0  # no negative zero
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return str(format_decimal(rounded, format=pattern, locale=LOCALE)).replace("-", MINUS)


def format_share(share: float, decimals: int = 1) -> str:
    """A fraction as per cent: .1234 becomes 12.3%."""
    pattern = "0" + ("." + "0" * decimals if decimals else "") + "%"
    rounded = round(float(share), decimals + 2) + 0.0
    return str(format_percent(rounded, format=pattern, locale=LOCALE)).replace("-", MINUS)


def format_money(amount: float, currency: str, decimals: int | None = None) -> str:
    """An amount with its currency, shortened from a hundred thousand on: €1.24m."""
    size = abs(amount)
    # A code made of letters stands apart from the number: "RUB 1,240" but "€1,240".
    apart = get_currency_symbol(currency, locale=LOCALE)[-1:].isalpha()
    sign = "¤\u00a0" if apart else "¤"
    if decimals is None and size >= 1e5:
        scale, suffix = (1e9, "bn") if size >= 1e9 else (1e6, "m") if size >= 1e6 else (1e3, "k")
        scaled = amount / scale
        digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
        pattern = sign + "#,##0" + ("." + "0" * digits if digits else "")
        text = format_currency(
            scaled, currency, format=pattern, locale=LOCALE, currency_digits=False
        )
        return str(text).replace("-", MINUS) + suffix
    places = (0 if size >= WHOLE_FROM else 2) if decimals is None else decimals
    pattern = sign + "#,##0" + ("." + "0" * places if places else "")
    rounded = round(float(amount), places) + 0.0
    text = format_currency(rounded, currency, format=pattern, locale=LOCALE, currency_digits=False)
    return str(text).replace("-", MINUS)


def is_currency(unit: str) -> bool:
    """Whether a unit is money: a currency code, alone or per something."""
    code = unit.split(" ", 1)[0]
    return len(code) == 3 and code.isupper() and code in list_currencies()


def format_value(value: float, unit: str, decimals: int | None = None) -> str:
    """A number in its unit, without the words after the currency ("per customer-quarter")."""
    if is_currency(unit):
        return format_money(value, unit.split(" ", 1)[0], decimals)
    if unit == "share":
        return format_share(value, 1 if decimals is None else decimals)
    if unit == "count":
        return format_count(value)
    if unit in {"months", "points"}:
        return format_number(value, 1 if decimals is None else decimals)
    return format_number(value, 2 if decimals is None else decimals)


def format_interval(estimate: Estimate, decimals: int | None = None) -> str:
    """The limits of an estimate: "3.1 to 4.7"; a dash where there is no interval."""
    if estimate.lower is None or estimate.upper is None:
        return NO_VALUE
    limits = (estimate.lower, estimate.upper)
    if decimals is None and is_currency(estimate.unit) and max(map(abs, limits)) >= WHOLE_FROM:
        # Cents at one limit and none at the other would read as two kinds of figure.
        places = [0 if abs(limit) < WHOLE_FROM else None for limit in limits]
    else:
        places = [decimals, decimals]
    low, high = (
        format_value(limit, estimate.unit, own) for limit, own in zip(limits, places, strict=True)
    )
    return message("{low} to {high}", low=low, high=high)


def format_estimate(estimate: Estimate | NotEstimable, decimals: int | None = None) -> str:
    """An estimate with its interval: "3.9 (3.1 to 4.7)"; a dash where there is none."""
    if isinstance(estimate, NotEstimable):
        return NO_VALUE
    value = format_value(estimate.value, estimate.unit, decimals)
    if estimate.lower is None or estimate.upper is None:
        return value
    return f"{value} ({format_interval(estimate, decimals)})"


def format_estimate_lines(estimate: Estimate | NotEstimable, decimals: int | None = None) -> str:
    """An estimate for a narrow table cell: the value, its interval on a line of its own."""
    if isinstance(estimate, NotEstimable):
        return NO_VALUE
    value = format_value(estimate.value, estimate.unit, decimals)
    if estimate.lower is None or estimate.upper is None:
        return value
    return f"{value}\n{format_interval(estimate, decimals)}"
