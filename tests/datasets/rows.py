"""Small companies as plain rows: people who stay or leave, what they order, what they answer."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

Row = dict[str, object]


@dataclass(frozen=True)
class Person:
    """A customer. mood: 1 to 5, what the answers vary around; the content stay longer."""

    key: str
    started: dt.date
    ended: dt.date | None
    mood: int

    def there(self, last: dt.date) -> dt.date:
        """The last day on which something can be known of the customer."""
        return self.ended or last


def days(first: dt.date, number: int) -> dt.date:
    """The day so many days later."""
    return first + dt.timedelta(days=number)


def people(
    chance: Random,
    number: int,
    first: dt.date,
    last: dt.date,
    name: Callable[[int], str] = "C{:03d}".format,
    stay: int = 420,
) -> list[Person]:
    """Customers won in the first two thirds of the time; stay: days, on average."""
    span = (last - first).days * 2 // 3
    found = []
    for i in range(1, number + 1):
        mood = chance.choice((1, 2, 3, 3, 4, 4, 5, 5))
        started = days(first, chance.randrange(span))
        ended = days(started, 30 + int(chance.expovariate(1 / (stay * (0.4 + 0.2 * mood)))))
        found.append(Person(name(i), started, ended if ended <= last else None, mood))
    return found


def spread(
    chance: Random, person: Person, last: dt.date, shortest: int, longest: int
) -> list[dt.date]:
    """Days on which something happens to a customer, so many days apart."""
    day, found = days(person.started, chance.randrange(5)), []
    while day <= person.there(last):
        found.append(day)
        day = days(day, chance.randint(shortest, longest))
    return found


def answer(chance: Random, person: Person, low: int, high: int) -> int:
    """An answer on a scale: the customer's mood and some chance."""
    middle = low + (high - low) * (person.mood - 1) / 4
    return min(high, max(low, round(middle + chance.choice((-1, 0, 0, 0, 1)) * (high - low) / 5)))


def money(value: float) -> str:
    """Money as the canonical tables hold it."""
    return f"{value:.2f}"


def with_duplicates(rows: list[Row], *places: int) -> list[Row]:
    """Rows some of which an export gave twice: those at `places` once more, at the end."""
    return [*rows, *(rows[place] for place in places)]


def write(
    path: Path,
    rows: Iterable[Row],
    encoding: str = "utf-8",
    delimiter: str = ",",
    end: str = "\n",
) -> None:
    """Write rows as CSV; encoding "utf-8-sig" puts a byte order mark in front."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, lineterminator=end)
        writer.writeheader()
        writer.writerows(rows)
