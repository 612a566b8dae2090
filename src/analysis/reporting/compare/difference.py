"""The numbers of a report by name, and in which of them two reports differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.presentation.wording import (
    NO_VALUE,
    format_estimate,
    format_interval,
    format_value,
    message,
)
from analysis.reporting.finding_words import as_estimate

# Numbers are published at nine significant digits; less than this is their rounding.
ROUNDING = 1e-7
SMALLEST = 1e-9
LIMITS = ("value", "lower", "upper")

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a report, or the reason why there is none.

    key: the same in every report that has this number. section: where it stands. name: what it is,
    for readers. content: an estimate as JSON, or {"not_estimable": reason}.
    """

    key: str
    section: str
    name: str
    content: Content


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that two reports give differently; None on the side that lacks it.

    visible: whether the two differ as they are printed.
    """

    key: str
    section: str
    name: str
    old: Content | None
    new: Content | None

    @property
    def visible(self) -> bool:
        return in_words(self.old) != in_words(self.new)


def in_words(content: Content | None) -> str:
    """A number with its interval as readers see it; a dash where there is none."""
    estimate = as_estimate(content)
    return NO_VALUE if estimate is None else format_estimate(estimate)


def level_in_words(content: Content | None) -> tuple[str, str]:
    """A number and its interval, apart, for a narrow cell; the interval empty where there is none."""
    estimate = as_estimate(content)
    if estimate is None:
        return NO_VALUE, ""
    interval = "" if estimate.lower is None else format_interval(estimate)
    return format_value(estimate.value, estimate.unit), interval


def words_of_id(text: str) -> str:
    """An id as words: "programme-live-chat" becomes "Programme live chat"."""
    plain = text.replace("-", " ").replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def _aspects() -> dict[str, str]:
    return {
        "now": "",
        "change": message("change on the period before"),
        "change_on_year": message("change on the year before"),
        "previous": message("the period before"),
        "year_before": message("the year before"),
    }


def _of_metric(metric: dict[str, Any]) -> list[Number]:
    section, name, key = metric.get("section", ""), metric["name"], f"metric:{metric['id']}"
    found = []
    for aspect, words in _aspects().items():
        if metric.get(aspect):
            said = f"{name}, {words}" if words else str(name)
            found.append(Number(f"{key}:{aspect}", section, said, metric[aspect]))
    unit = str((metric.get("now") or {}).get("unit", ""))
    for label, level in metric.get("trend", []):
        if level is not None:
            content = {
                "value": level, "lower": None, "upper": None, "unit": unit, "n": 0, "method": "",
            }  # fmt: skip
            said = message("{name}, level of {period}", name=name, period=label)
            found.append(Number(f"{key}:trend:{label}", section, said, content))
    return found


def _of_finding(finding: dict[str, Any]) -> list[Number]:
    section, key = finding.get("section", ""), f"finding:{finding['id']}"
    title = words_of_id(finding["id"])
    parts = {**finding.get("estimates", {}), "money": finding.get("money")}
    return [
        Number(f"{key}:{name}", section, f"{title}: {words_of_id(name).lower()}", content)
        for name, content in parts.items()
        if content
    ]


def numbers_of(report: dict[str, Any]) -> dict[str, Number]:
    """Every number of a `numbers.json` by its key, in the order of the report."""
    found = [number for metric in report.get("metrics", []) for number in _of_metric(metric)]
    found += [number for finding in report.get("findings", []) for number in _of_finding(finding)]
    for section, tables in report.get("estimates", {}).items():
        for table, estimates in tables.items():
            found += [
                Number(
                    f"table:{section}:{table}:{name}", section, f"{words_of_id(table)}: {name}", e
                )
                for name, e in estimates.items()
            ]
    return {number.key: number for number in found}


def _same_number(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is new
    return math.isclose(old, new, rel_tol=ROUNDING, abs_tol=SMALLEST)


def same(old: Content | None, new: Content | None) -> bool:
    """Whether two numbers agree beyond rounding: value, limits, base and unit, or the reason."""
    if old is None or new is None:
        return old is new
    if not all(_same_number(old.get(name), new.get(name)) for name in LIMITS):
        return False
    return all(old.get(name) == new.get(name) for name in ("n", "unit", "not_estimable"))


def find_differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """The numbers in which two `numbers.json` differ, in the order of the report."""
    before, after = numbers_of(old), numbers_of(new)
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        known = after.get(key) or before[key]
        pair = [side[key].content if key in side else None for side in (before, after)]
        if not same(*pair):
            found.append(Difference(key, known.section, known.name, *pair))
    return found


def apart(old: Content | None, new: Content | None) -> bool:
    """Whether both have intervals and these do not overlap."""
    first, second = as_estimate(old), as_estimate(new)
    if first is None or second is None or first.unit != second.unit:
        return False
    limits = (first.lower, first.upper, second.lower, second.upper)
    if any(limit is None for limit in limits):
        return False
    low, high, lower, upper = (float(limit) for limit in limits if limit is not None)
    return high < lower or upper < low
