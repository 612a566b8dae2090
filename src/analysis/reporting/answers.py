"""Five questions answered on the first screen, each in a few sentences worded by code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.presentation.wording import message
from analysis.reporting.anchors import place_of
from analysis.reporting.finding_words import (
    PROVEN,
    as_estimate,
    headline,
    lower_bound_of_money,
    money_in_words,
    ordered,
)
from analysis.reporting.first_screen import Tile
from analysis.reporting.sections import Section

PAIN_POINT = "pain-point-"
PROGRAMME = "programme-"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer and the place of the code that its numbers come from."""

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the five questions with its sentences. id: its place in the page."""

    id: str
    question: str
    sentences: tuple[Said, ...]


def five_answers(sections: list[Section], tiles: list[Tile], horizon_months: int) -> list[Answer]:
    """How are we, what changed, what does it cost, what paid, what to do: each with sentences.

    horizon_months: over which the money of an association is added up.
    """
    findings = [finding for section in sections for finding in section.findings]
    programmes = [f for f in findings if str(f["id"]).startswith(PROGRAMME)]
    paid = sorted(programmes, key=lambda f: (-lower_bound_of_money(f), f["id"]))
    associations = [f for f in ordered(findings, ("association",)) if f not in programmes]
    answers = (
        ("how-are-we", message("How are we?"), _how_are_we(tiles, findings)),
        ("what-changed", message("What changed?"), _what_changed(tiles)),
        (
            "what-it-costs",
            message("What does it cost?"),
            _what_it_costs(associations, horizon_months),
        ),
        ("what-paid", message("What paid?"), _what_paid(paid)),
        ("what-to-do", message("What to do?"), _advice(paid, associations)),
    )
    return [Answer(name, question, tuple(said)) for name, question, said in answers]


def _how_are_we(tiles: list[Tile], findings: list[dict[str, Any]]) -> list[Said]:
    """Key figures beside their targets; where none has one, their levels, by the cell they are of."""
    aimed = [tile for tile in tiles if tile.against]
    if aimed:
        return [
            Said(
                message(
                    "{name} {value}: {against}.", name=t.name, value=t.value, against=t.against
                ),
                t.place,
            )
            for t in aimed
        ]
    if tiles:
        places = dict.fromkeys(tile.place for tile in tiles)
        return [
            Said("; ".join(f"{t.name} {t.value}" for t in tiles if t.place == place) + ".", place)
            for place in places
        ]
    kept = [f for f in findings if f["id"] == "retention-12-months"]
    described = [f for f in findings if f["label"] == "description"]
    said = [Said(f["sentence"], place_of(f)) for f in (kept or described)[:1]]
    return said or [Said(message("The data carry no key figure for this period."))]


def _what_changed(tiles: list[Tile]) -> list[Said]:
    """Key figures with a change told from chance, on the period before or on the year."""
    moved = [tile for tile in tiles if tile.clear_changes]
    if moved:
        said = [
            Said(
                message("{name}: {changes}.", name=t.name, changes="; ".join(map(str, t.changes))),
                t.place,
            )
            for t in moved
        ]
        if len(moved) < len(tiles):
            said.append(Said(message("The other key figures moved no more than chance would.")))
        return said
    if any(tile.changes for tile in tiles):
        return [Said(message("None of the key figures moved by more than chance would."))]
    return [Said(message("There is nothing to compare with."))]


def _what_it_costs(associations: list[dict[str, Any]], months: int) -> list[Said]:
    """What hurts, with what closing it would be worth; then what satisfaction goes with."""
    pains = [f for f in associations if str(f["id"]).startswith(PAIN_POINT)]
    lasting = [f for f in associations if f not in pains and f.get("money")]
    said = [Said(_pain_line(f, months), place_of(f)) for f in pains]
    said += [Said(headline(f["sentence"])[0], place_of(f)) for f in lasting[:2]]
    return said or [Said(message("The data do not connect satisfaction with money."))]


def _pain_line(finding: dict[str, Any], months: int) -> str:
    """A pain point with what closing it would be worth, if satisfaction carried the margin."""
    name = _name(finding, PAIN_POINT)
    money = money_in_words(finding)
    if not money:
        return message("{name}.", name=name)
    return message(
        "{name}: {money} over {months} months, if margin follows satisfaction there.",
        name=name, money=money, months=months,
    )  # fmt: skip


def became_of(finding: dict[str, Any]) -> str:
    """What a decision's finding says now, as short as it can be said."""
    money = money_in_words(finding)
    if not money:
        return headline(str(finding["sentence"]))[0]
    said = {
        "extend": message("extend"), "continue": message("go on"), "stop": message("do not repeat"),
        "test": message("test further"),
    }.get(str(finding.get("advice") or ""), "")  # fmt: skip
    if not said:
        return message("{money} over the horizon", money=money)
    return message("{money} after costs: {advice}", money=money, advice=said)


def _name(finding: dict[str, Any], prefix: str) -> str:
    """What a finding is about: its name, or its id where it has none."""
    if finding.get("name"):
        return str(finding["name"])
    return str(finding["id"]).removeprefix(prefix).replace("-", " ").capitalize()


def _what_paid(programmes: list[dict[str, Any]]) -> list[Said]:
    """Programmes with their net worth; doubt where nothing is proven; the rest together."""
    valued = [f for f in programmes if as_estimate(f.get("money"))]
    said = [Said(_programme_line(f), place_of(f)) for f in valued]
    rest = [_name(f, PROGRAMME) for f in programmes if f not in valued]
    if rest:
        names = _listed(rest)
        said.append(
            Said(message("No figure after costs: {names}. Their section says why.", names=names))
        )
    return said or [Said(message("No service programme is in the data."))]


def _programme_line(finding: dict[str, Any]) -> str:
    """Whether a programme paid, by the whole interval; what it came to after costs."""
    name, money = _name(finding, PROGRAMME), as_estimate(finding.get("money"))
    assert money is not None
    words = money_in_words(finding)
    if finding["label"] not in PROVEN:
        return message(
            "{name}, not proven: {money} after costs, if the whole difference comes from it.",
            name=name, money=words,
        )  # fmt: skip
    if money.lower is not None and money.lower > 0:
        return message("{name} paid: {money} after costs.", name=name, money=words)
    if money.upper is not None and money.upper < 0:
        return message("{name} did not pay: {money} after costs.", name=name, money=words)
    return message("{name}, not decided: {money} after costs.", name=name, money=words)


def _listed(names: Iterable[str]) -> str:
    """Names within a sentence: small at the beginning, unless it is an abbreviation."""
    return ", ".join(name if name[1:2].isupper() else name[:1].lower() + name[1:] for name in names)


def _advice(programmes: list[dict[str, Any]], associations: list[dict[str, Any]]) -> list[Said]:
    """What the findings on programmes advise, together.

    An association never makes an order: it is tested with a random hold-out. A proven finding that
    advises nothing, as one of a segment whose costs are not known, makes none either.
    """
    said = {
        "extend": message("Extend"),
        "continue": message("Go on with"),
        "stop": message("Do not repeat as it is"),
        "test": message("Test with a random hold-out first"),
    }
    advised = [
        (finding.get("advice") if finding["label"] in PROVEN else "test", finding)
        for finding in programmes
    ]
    advice = []
    for verdict, words in said.items():
        names = [_name(f, PROGRAMME) for given, f in advised if given == verdict]
        if names:
            advice.append(message("{what}: {names}.", what=words, names=_listed(names)))
    worth = [f for f in associations if lower_bound_of_money(f) > 0]
    pains = [_name(f, PAIN_POINT) for f in worth if str(f["id"]).startswith(PAIN_POINT)]
    if pains:
        advice.append(
            message("Mend on trial, with some left as they are: {names}.", names=_listed(pains))
        )
    elif worth:
        advice.append(message("Try what stands under “worth testing”, first things first."))
    return [
        Said(text) for text in advice or [message("Collect what the sections below say they need.")]
    ]
