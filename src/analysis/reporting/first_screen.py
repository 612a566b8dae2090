"""The first screen's key figures, and its findings side by side; all worded by code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from analysis.intake.periods import Period
from analysis.methods.estimate import Estimate
from analysis.presentation.wording import (
    NO_VALUE,
    format_value,
    message,
)
from analysis.reporting.anchors import place_of
from analysis.reporting.finding_words import (
    as_estimate,
    headline,
    label_explained,
    money_in_words,
    ordered,
)
from analysis.reporting.small_charts import common_scale, draw_interval, draw_sparkline

MOST_TILES = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A change in words: its size, its limits (empty where there are none), since when.

    verdict: better, worse, not told from chance; tone: the same, for the style sheet.
    """

    size: str
    interval: str
    since: str
    verdict: str = ""
    tone: str = "neutral"

    def __str__(self) -> str:
        if not self.interval:
            return message("{size} on {since}", size=self.size, since=self.since)
        return message(
            "{size} ({interval}) on {since}, {verdict}",
            size=self.size, interval=self.interval, since=self.since, verdict=self.verdict,
        )  # fmt: skip

    @property
    def is_clear(self) -> bool:
        """Whether it is told from chance."""
        return self.verdict in (_better(), _worse(), _higher(), _lower())


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure on the first screen, in words and with a small trend (inline SVG).

    interval: its limits; empty where there are none. changes: on the period before, on the year.
    place: where the code that made it stands in the page. against: how it stands to its target;
    empty where it has none.
    """

    id: str
    name: str
    value: str
    interval: str
    changes: tuple[Change, ...]
    verdict: str
    tone: str
    sparkline: str
    trend_text: str
    place: str = ""
    against: str = ""

    @property
    def clear_changes(self) -> tuple[Change, ...]:
        """The changes that are told from chance."""
        return tuple(change for change in self.changes if change.is_clear)


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding on the first screen.

    head, rest: its sentence, what is said first apart. money: with its interval, in words; empty
    where it has none. drawing: the interval on the scale of its column (inline SVG). place: of the
    code. section: where it is argued.
    """

    id: str
    label: str
    label_explained: str
    head: str
    rest: str
    assumption: str
    money: str
    drawing: str
    place: str
    section: str


def _better() -> str:
    return message("better")


def _worse() -> str:
    return message("worse")


def _higher() -> str:
    return message("higher")


def _lower() -> str:
    return message("lower")


def judge(change: Estimate | None, higher_is_better: bool | None) -> tuple[str, str]:
    """Whether a change is better, worse or not told from chance; in words and as a tone."""
    if change is None or change.lower is None or change.upper is None:
        return message("no comparison"), "neutral"
    if change.lower <= 0 <= change.upper:
        return message("no clear change"), "neutral"
    up = change.lower > 0
    if higher_is_better is None:
        return (_higher() if up else _lower()), "neutral"
    if up == higher_is_better:
        return _better(), "better"
    return _worse(), "worse"


def _signed(value: float, unit: str) -> str:
    text = format_value(value, unit)
    return f"+{text}" if any(c in "123456789" for c in text) and value > 0 else text


def _change_in_words(
    content: dict[str, Any] | None, since: str, higher_is_better: bool | None
) -> Change | None:
    """A change with its limits and what it is measured from; None where there is none."""
    change = as_estimate(content)
    if change is None:
        return None
    judged = judge(change, higher_is_better)
    if change.unit == "share":
        limits = [None if x is None else 100 * x for x in (change.lower, change.upper)]
        change = replace(
            change, value=100 * change.value, lower=limits[0], upper=limits[1], unit="points"
        )
    size = _signed(change.value, change.unit)
    if change.unit == "points":
        size = message("{size} points", size=size)
    if change.lower is None or change.upper is None:
        return Change(size, "", since, *judged)
    low, high = (_signed(limit, change.unit) for limit in (change.lower, change.upper))
    return Change(size, message("{low} to {high}", low=low, high=high), since, *judged)


def interval_in_words(estimate: Estimate) -> str:
    """The limits of a level; empty where there are none."""
    if estimate.lower is None or estimate.upper is None:
        return ""
    low, high = (format_value(limit, estimate.unit) for limit in (estimate.lower, estimate.upper))
    return message("{low} to {high}", low=low, high=high)


def _against_target(now: Estimate, metric: dict[str, Any]) -> str:
    """How a level stands to its target; empty where it has none."""
    target, better = metric.get("target"), metric["higher_is_better"]
    if target is None or better is None:
        return ""
    said = format_value(target, now.unit)
    if now.lower is None or now.upper is None:
        return message("the target is {target}", target=said)
    if now.value == target:
        return message("on its target of {target}", target=said)
    within = now.lower <= target <= now.upper
    chance = message(", by no more than chance") if within else ""
    if (now.value > target) == better:
        return message("better than its target of {target}{chance}", target=said, chance=chance)
    return message("short of its target of {target}{chance}", target=said, chance=chance)


def make_tile(metric: dict[str, Any], period: Period | None = None) -> Tile | None:
    """A tile from a metric's JSON; None where it has no level.

    period: names the periods that are compared with; without it they are said in words.
    """
    now = as_estimate(metric["now"])
    if now is None:
        return None
    verdict, tone = judge(as_estimate(metric["change"]), metric["higher_is_better"])
    values = [level for _, level in metric["trend"]]
    shown = [NO_VALUE if v is None else format_value(v, now.unit) for v in values]
    labels = [label for label, _ in metric["trend"]]
    before, year = message("the period before"), message("the year before")
    if period:
        before, year = period.previous.label, period.year_before.label
    changes = (
        _change_in_words(metric["change"], before, metric["higher_is_better"]),
        _change_in_words(metric["change_on_year"], year, metric["higher_is_better"]),
    )
    return Tile(
        id=metric["id"],
        name=metric["name"],
        value=format_value(now.value, now.unit),
        interval=interval_in_words(now),
        changes=tuple(change for change in changes if change),
        verdict=verdict,
        tone=tone,
        sparkline=draw_sparkline(values, now.lower, now.upper),
        trend_text=", ".join(f"{a} {b}" for a, b in zip(labels, shown, strict=True)),
        place=place_of(metric),
        against=_against_target(now, metric),
    )


def make_tiles(metrics: list[dict[str, Any]], period: Period) -> list[Tile]:
    """The tiles of the first screen: the first metrics that have a level."""
    made = [make_tile(metric, period) for metric in metrics]
    return [tile for tile in made if tile][:MOST_TILES]


def scale_of(findings: list[dict[str, Any]]) -> tuple[float, float]:
    """One scale on which the money of all these findings is drawn."""
    worth = [as_estimate(finding.get("money")) for finding in findings]
    return common_scale(
        [(m.lower, m.upper) for m in worth if m and m.lower is not None and m.upper is not None]
    )


def finding_lines(
    findings: list[dict[str, Any]], labels: tuple[str, ...], scale: tuple[float, float]
) -> list[FindingLine]:
    """The findings of these labels as lines, ordered by the lower bound of their money."""
    return [_finding_line(finding, scale) for finding in ordered(findings, labels)]


def _finding_line(finding: dict[str, Any], scale: tuple[float, float]) -> FindingLine:
    head, rest = headline(str(finding["sentence"]))
    money = as_estimate(finding.get("money"))
    drawing = ""
    if money and money.lower is not None and money.upper is not None:
        drawing = draw_interval(money.value, money.lower, money.upper, scale)
    return FindingLine(
        id=str(finding["id"]),
        label=str(finding["label"]),
        label_explained=label_explained(str(finding["label"])),
        head=head,
        rest=rest,
        assumption=str(finding["assumption"]),
        money=money_in_words(finding),
        drawing=drawing,
        place=place_of(finding),
        section=str(finding["section"]),
    )
