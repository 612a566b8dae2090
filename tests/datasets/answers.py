"""Raw files of survey tools: a wide panel, anonymous reviews."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from random import Random

from rows import Row, answer, days, people, with_duplicates, write

# Questions of the panel: instrument, attribute, lowest and highest answer, "no answer".
QUESTIONS = {
    "nps": ("nps", "", 0, 10, "98"),
    "csat": ("csat", "", 1, 5, "99"),
    "ces": ("ces", "", 1, 7, "99"),
    "sat_delivery": ("csi", "delivery", 1, 10, "99"),
    "sat_staff": ("csi", "staff", 1, 10, "99"),
}


def wide_survey(folder: Path) -> None:
    """One row per respondent and wave, questions as columns, codes for "no answer"."""
    chance, first, last = Random(102), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    customers: list[Row] = []
    members: list[Row] = []
    panel: list[Row] = []
    surveys: list[Row] = []

    def ask(key: str, wave: dt.date, answers: dict[str, int | str]) -> None:
        panel.append({"respondent": key, "wave": wave, **answers})
        for question, given in answers.items():
            instrument, attribute, _, _, no_answer = QUESTIONS[question]
            if given != "":
                surveys.append(
                    {
                        "response_id": f"{key}-{wave}-{question}", "customer_id": key,
                        "instrument": instrument, "answered_on": wave,
                        "score": "" if given == no_answer else given, "attribute": attribute,
                    }
                )  # fmt: skip

    for person in people(chance, 60, first, last):
        plan = chance.choice(("club", "guest"))
        customers.append(
            {
                "customer_id": person.key, "started_on": person.started,
                "ended_on": person.ended or "", "segment": plan,
            }
        )  # fmt: skip
        members.append(
            {
                "member": person.key,
                "joined": person.started,
                "left": person.ended or "9999-12-31",
                "plan": f"{plan} ",
            }
        )  # fmt: skip
        for wave in (dt.date(2024, 11, 5), dt.date(2025, 5, 6), dt.date(2025, 11, 4)):
            if not person.started < wave <= person.there(last):
                continue
            answers: dict[str, int | str] = {}
            for question, (_, _, low, high, no_answer) in QUESTIONS.items():
                # A harder way to a solution makes for lower answers: effort runs against the mood.
                given = answer(chance, person, low, high)
                effort = question == "ces"
                answers[question] = chance.choice((no_answer, "")) if chance.random() < 0.1 else (
                    low + high - given if effort else given
                )  # fmt: skip
            ask(person.key, wave, answers)
    ask("X901", dt.date(2025, 11, 4), dict.fromkeys(QUESTIONS, 3))
    write(folder / "members.csv", members, "utf-8-sig", ";", "\r\n")
    write(folder / "panel.csv", with_duplicates(panel, 2), delimiter=";")
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/surveys.csv", surveys)


def anonymous_reviews(folder: Path) -> None:
    """Reviews of a market place: stars, a subject and a text; nobody knows of whom."""
    chance, first, last = Random(111), dt.date(2025, 1, 1), dt.date(2025, 12, 31)
    texts = {
        1: "Late again, and the courier was rude. Call me: Zaphod Beeblebrox",
        2: "Waited two weeks for a refund;\nnobody answered",
        3: "It is all right",
        4: "Good quality, quick delivery",
        5: "Friendly courier, arrived early. Thank you!",
    }
    surveys: list[Row] = []
    raw: list[Row] = []
    for i in range(1, 181):
        posted = days(first, chance.randrange((last - first).days + 1))
        about = chance.choice(("delivery", "product", "returns"))
        low = (1, 2, 2, 3, 4) if about == "returns" else (2, 3, 4, 4, 5, 5)
        stars = chance.choice(low)
        text = texts[stars] if chance.random() < 0.6 else ""
        surveys.append(
            {
                "response_id": str(i), "instrument": "csat", "answered_on": posted, "score": stars,
                "touchpoint": about, "comment": text,
            }
        )  # fmt: skip
        raw.append(
            {
                "Id": i,
                "Posted": f"{posted:%d %b %y}",
                "Stars": stars,
                "About": f" {about}",
                "Text": text,
            }
        )
    write(folder / "reviews.tsv", with_duplicates(raw, 9, 10, 11), "utf-8-sig", "\t")
    write(folder / "expected/surveys.csv", surveys)
