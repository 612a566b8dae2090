"""Signs of money: which belong to the data set's currency, and which to another."""

from __future__ import annotations

import re

SIGNS = {
    "EUR": ("€", "Euro"), "USD": ("US$", "$"), "GBP": ("£",), "RUB": ("₽", "руб.", "руб", "р.", "р", "RUR"),
    "CHF": ("Fr.", "Fr", "SFr."), "JPY": ("¥", "円"), "CNY": ("¥", "元"), "INR": ("₹", "Rs."),
    "UAH": ("₴", "грн.", "грн"), "KZT": ("₸",), "BYN": ("Br",), "PLN": ("zł",), "CZK": ("Kč",),
    "HUF": ("Ft",), "RON": ("lei",), "BGN": ("лв.", "лв"), "SEK": ("kr", "kr."), "NOK": ("kr", "kr."),
    "DKK": ("kr", "kr."), "ISK": ("kr", "kr."), "TRY": ("₺", "TL"), "ILS": ("₪",), "KRW": ("₩",),
    "VND": ("₫",), "THB": ("฿",), "PHP": ("₱",), "NGN": ("₦",), "GEL": ("₾",), "AZN": ("₼",),
    "AMD": ("֏",), "BRL": ("R$",), "CAD": ("C$", "CA$", "$"), "AUD": ("A$", "AU$", "$"),
    "NZD": ("NZ$", "$"), "SGD": ("S$", "$"), "HKD": ("HK$", "$"), "MXN": ("MX$", "$"), "ZAR": ("R",),
}  # fmt: skip
# Letters of a code, or any sign of money: whose it is, the known signs say.
ANY_MONEY = r"\p{Sc}|\b[A-Z]{3}\b|руб|грн|zł|Kč|\bkr\b"


def sign_pattern(currency: str, but_of: tuple[str, ...] = ()) -> str:
    """A regular expression of what a currency is written as, beside a number.

    but_of: currencies whose signs do not tell this one, as they use them as well.
    """
    taken = {sign.lower() for other in but_of for sign in SIGNS.get(other, ())}
    signs = [currency, *(s for s in SIGNS.get(currency, ()) if s.lower() not in taken)]
    longest_first = sorted(signs, key=len, reverse=True)
    return "(?i:" + "|".join(re.escape(sign) for sign in longest_first) + ")"


def other_money(text: str, currency: str) -> tuple[str, str]:
    """A condition on a text that could not be read, and the advice where it is other money."""
    return (
        f"regexp_matches({text}, '[0-9]') AND regexp_matches({text}, '{ANY_MONEY}')",
        f"bears the sign of another currency than {currency}; write what one unit is worth, such "
        f"as rates: {{{'EUR' if currency == 'USD' else 'USD'}: 0.92}}, or export {currency} alone",
    )


def shared_signs(currency: str, others: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Signs that several other currencies share, and the data set's own does not: with whom."""
    own = {sign.lower() for sign in SIGNS.get(currency, ())}
    owners: dict[str, list[str]] = {}
    for other in others:
        for sign in SIGNS.get(other, ()):
            if sign.lower() not in own and other != currency:
                owners.setdefault(sign, []).append(other)
    return {sign: tuple(codes) for sign, codes in owners.items() if len(codes) > 1}


def shared_money(text: str, shared: dict[str, tuple[str, ...]]) -> tuple[str, str]:
    """A condition on a text that could not be read, and the advice where its sign is shared."""
    signs = "|".join(re.escape(sign) for sign in sorted(shared, key=len, reverse=True))
    codes = sorted({code for codes in shared.values() for code in codes})
    return (
        f"regexp_full_match({text}, '[-+(]?(?:(?:{signs}).*[0-9][^A-Za-z]*|[^A-Za-z]*[0-9].*(?:{signs}))')",
        f"bears a sign of money that {' and '.join(codes)} share; export the currency's code as a "
        "column and write {column: …, currency: …}",
    )
