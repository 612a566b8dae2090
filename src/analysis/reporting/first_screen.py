"""The first screen: key figures, five answers, findings in two columns; all worded by code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from analysis.methods.estimate import Estimate
from analysis.presentation.wording import (
    NO_VALUE,
    format_interval,
    format_value,
    message,
    message_for,
)
from analysis.reporting.sections import Section

MOST_TILES = 5
PROVEN = ("experiment", "quasi-experiment")
SPARK_WIDTH, SPARK_HEIGHT = 96, 26


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure on the first screen, in words and with a small trend (inline SVG)."""

    id: str
    name: str
    value: str
    interval: str
    change: str
    change_on_year: str
    verdict: str
    tone: str
    sparkline: str
    trend_text: str


def as_estimate(content: dict[str, Any] | None) -> Estimate | None:
    """An estimate from its JSON; None where there is none."""
    if not content or "not_estimable" in content:
        return None
    return Estimate(**content)


def judge(change: Estimate | None, higher_is_better: bool | None) -> tuple[str, str]:
    """Whether a change is better, worse or not told from chance; in words and as a tone."""
    if change is None or change.lower is None or change.upper is None:
        return message("no comparison"), "neutral"
    if change.lower <= 0 <= change.upper:
        return message("no change that could be told from chance"), "neutral"
    up = change.lower > 0
    if higher_is_better is None:
        return (message("higher") if up else message("lower")), "neutral"
    if up == higher_is_better:
        return message("better"), "better"
    return message("worse"), "worse"


def draw_sparkline(values: list[float | None]) -> str:
    """A small trend as inline SVG; empty with fewer than two levels."""
    known = [(i, v) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    step = (SPARK_WIDTH - 6) / max(len(values) - 1, 1)
    scale = (SPARK_HEIGHT - 8) / (high - low) if high > low else 0.0
    points = [(3 + i * step, SPARK_HEIGHT - 4 - (v - low) * scale) for i, v in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" aria-hidden="true" '
        f'focusable="false"><polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/></svg>'
    )


def _signed(value: float, unit: str) -> str:
    text = format_value(value, unit)
    return f"+{text}" if value > 0 else text


def _change_in_words(change: Estimate | None, since: str) -> str:
    """A change with its interval and what it is measured from; empty where there is none."""
    if change is None:
        return ""
    if change.unit == "share":
        limits = [None if x is None else 100 * x for x in (change.lower, change.upper)]
        change = replace(
            change, value=100 * change.value, lower=limits[0], upper=limits[1], unit="points"
        )
    said = _signed(change.value, change.unit)
    unit = message(" points") if change.unit == "points" else ""
    interval = "" if change.lower is None else f" ({format_interval(change)})"
    return message(
        "{said}{unit}{interval} on {since}", said=said, unit=unit, interval=interval, since=since
    )


def make_tile(metric: dict[str, Any]) -> Tile | None:
    """A tile from a metric's JSON; None where this period has no level."""
    now = as_estimate(metric["now"])
    if now is None:
        return None
    change = as_estimate(metric["change"])
    verdict, tone = judge(change, metric["higher_is_better"])
    values = [level for _, level in metric["trend"]]
    shown = [NO_VALUE if v is None else format_value(v, now.unit) for v in values]
    labels = [label for label, _ in metric["trend"]]
    return Tile(
        id=metric["id"],
        name=metric["name"],
        value=format_value(now.value, now.unit),
        interval=""
        if now.lower is None
        else message("95%: {interval}", interval=format_interval(now)),
        change=_change_in_words(change, message("the period before")),
        change_on_year=_change_in_words(
            as_estimate(metric["change_on_year"]), message("the year before")
        ),
        verdict=verdict,
        tone=tone,
        sparkline=draw_sparkline(values),
        trend_text=", ".join(f"{a} {b}" for a, b in zip(labels, shown, strict=True)),
    )


PAIN_POINT = "pain-point-"


def lower_bound_of_money(finding: dict[str, Any]) -> float:
    """What findings are ordered by; those without money come last."""
    money = finding.get("money") or {}
    lower = money.get("lower")
    return float("-inf") if lower is None else float(lower)


def ordered(findings: list[dict[str, Any]], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Findings of these labels by the lower bound of their money, largest first."""
    chosen = [finding for finding in findings if finding["label"] in labels]
    return sorted(chosen, key=lambda f: (-lower_bound_of_money(f), f["id"]))


def money_in_words(finding: dict[str, Any]) -> str:
    """The money of a finding with its interval; empty where it has none."""
    money = as_estimate(finding.get("money"))
    if money is None:
        return ""
    value = format_value(money.value, money.unit)
    if money.lower is None:
        return value
    return message("{value} ({interval})", value=value, interval=format_interval(money))


def five_answers(
    sections: list[Section], metrics: list[dict[str, Any]]
) -> list[tuple[str, list[str]]]:
    """How are we, what changed, what it costs, what paid, what to do: questions with sentences."""
    findings = [finding for section in sections for finding in section.findings]
    tiles = [tile for tile in map(make_tile, metrics) if tile]
    described = [f["sentence"] for f in findings if f["label"] == "description"]
    levels = "; ".join(f"{tile.name} {tile.value}" for tile in tiles[:MOST_TILES])
    retention = [f["sentence"] for f in findings if f["id"] == "retention-12-months"]
    how = [f"{levels}."] if levels else (retention or described)[:1]
    changed = [
        message(
            "{name}: {verdict}, {changes}.",
            name=tile.name,
            verdict=tile.verdict,
            changes="; ".join(text for text in (tile.change, tile.change_on_year) if text),
        )
        for tile in tiles
        if tile.tone != "neutral"
    ]
    if tiles and not changed:
        changed = [message("None of the key figures moved by more than chance would.")]
    associations = ordered(findings, ("association",))
    programmes = [f for f in findings if f["id"].startswith("programme-")]
    paid = sorted(programmes, key=lambda f: (-lower_bound_of_money(f), f["id"]))
    pains = [f for f in associations if f["id"].startswith(PAIN_POINT)]
    associations = [f for f in associations if f not in programmes]
    lasting = [f for f in associations if f not in pains]
    return [
        (message("How are we?"), how or [message("The data carry no key figure for this period.")]),
        (message("What changed?"), changed or [message("There is nothing to compare with.")]),
        (
            message("What is satisfaction worth?"),
            [f["sentence"] for f in lasting[:2]]
            or [message("The data do not connect satisfaction with money.")],
        ),
        *([(message("What hurts?"), [_pain_line(f) for f in pains])] if pains else []),
        (
            message("What did programmes bring, after costs?"),
            [_programme_line(f) for f in paid] or [message("No service programme is in the data.")],
        ),
        (message("What to do?"), _advice(paid, associations)),
    ]


def _pain_line(finding: dict[str, Any]) -> str:
    """A pain point with what closing it would be worth, if satisfaction carried the margin."""
    name = str(finding["id"]).removeprefix(PAIN_POINT).replace("-", " ").capitalize()
    money = money_in_words(finding)
    if not money:
        return message("{name}.", name=name)
    return message(
        "{name}: {money} over the horizon, if satisfaction carried the margin that goes with it.",
        name=name, money=money,
    )  # fmt: skip


def became_of(finding: dict[str, Any]) -> str:
    """What a decision's finding says now, as short as it can be said."""
    money = money_in_words(finding)
    if not money:
        return str(finding["sentence"])
    said = {
        "extend": message("extend"), "continue": message("go on"), "stop": message("do not repeat"),
        "test": message("test further"),
    }.get(str(finding.get("advice") or ""), "")  # fmt: skip
    if not said:
        return message("{money} over the horizon", money=money)
    return message("{money} after costs: {advice}", money=money, advice=said)


def _programme_name(finding: dict[str, Any]) -> str:
    return str(finding["id"]).removeprefix("programme-").replace("-", " ").capitalize()


def _programme_line(finding: dict[str, Any]) -> str:
    """A programme with its net worth, or that it cannot be told; doubt where nothing is proven."""
    money = money_in_words(finding) or message("no figure can be given")
    name = _programme_name(finding)
    if finding["label"] in PROVEN:
        return f"{name}: {money}."
    return message(
        "{name}: {money}, if the whole difference were its doing.", name=name, money=money
    )


def _advice(programmes: list[dict[str, Any]], associations: list[dict[str, Any]]) -> list[str]:
    """What the findings on programmes advise, together; what gives no advice is tested first.

    An association never makes an order: it is tested with a random hold-out.
    """
    said = {
        "extend": message("Extend"),
        "continue": message("Go on with"),
        "stop": message("Do not repeat as it is"),
        "test": message("Test with a random hold-out first"),
    }
    advised = [
        (finding.get("advice") or "test" if finding["label"] in PROVEN else "test", finding)
        for finding in programmes
    ]
    advice = []
    for verdict, words in said.items():
        names = [_programme_name(f).lower() for given, f in advised if given == verdict]
        if names:
            advice.append(message("{what}: {names}.", what=words, names=", ".join(names)))
    worth = [f for f in associations if lower_bound_of_money(f) > 0]
    if worth:
        advice.append(
            message_for(
                "Try it: {count} association is worth an experiment, see “worth testing”.",
                "Try it: {count} associations are worth an experiment, see “worth testing”.",
                len(worth),
            )
        )
    return advice or [message("Collect what the sections below say they need.")]
