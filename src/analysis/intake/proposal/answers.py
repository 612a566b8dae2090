"""Answers to surveys, whichever way the files hold them: long, wide, or a file for each question."""

from __future__ import annotations

import re
from dataclasses import replace

from analysis.intake.proposal.instruments import (
    NO_ANSWER,
    answer_columns,
    answered_range,
    instrument_of,
    no_answer_codes,
)
from analysis.intake.proposal.matching import Shapes, TableGuess
from analysis.intake.proposal.reading_form import ReadingForm
from analysis.intake.proposal.tables import Guess, ProposedTable, dated_by, declare_table
from analysis.intake.proposal.values import ColumnLook
from analysis.intake.reading import quoted
from analysis.intake.schema import DEFAULT_SCALES, TABLES


def declare_surveys(
    guesses: list[TableGuess], shapes: Shapes, forms: dict[str, ReadingForm], common: ReadingForm
) -> ProposedTable:
    first = guesses[0]
    columns = shapes[first.look.name]
    wide = answer_columns(columns, first.leads)
    if len(guesses) == 1 and not wide and {"response_id", "score"} <= set(first.leads):
        table = declare_table(first, shapes, forms, common)
        declared = dict(table.columns)
        if "instrument" not in first.leads:
            declared["instrument"] = _constant(first, columns)
        own_codes = no_answer_codes(columns[first.leads["score"].column])
        return replace(
            table, columns=declared, scales=_scales(first, columns), no_answer=_no_answer(own_codes)
        )
    selects: list[str] = []
    scales: dict[str, Guess] = {}
    dates: list[str] = []
    codes: set[str] = set()
    wanted = [
        name
        for name in TABLES["surveys"].column_names
        if name not in ("instrument", "score", "response_id")
        and any(name in g.leads for g in guesses)
    ]
    for guess in guesses:
        columns = shapes[guess.look.name]
        answers = answer_columns(columns, guess.leads)
        if not answers and "instrument" in guess.leads:
            answers = {}
        elif not answers:
            score = guess.leads["score"].column
            answers = {score: instrument_of(guess.look, columns, score)}
        selects += _selects(guess, answers, wanted)
        for column, name in answers.items():
            scale = _scale(name, columns[column])
            scales[name] = replace(scale, reason=f"asked in {column}; {scale.reason}")
        codes |= {code for column in answers for code in no_answer_codes(columns[column])}
        dates += [form for form in forms[guess.look.name].dates if form not in dates]
    columns_declared: dict[str, Guess] = {}
    if not set(dates) <= set(common.dates):
        for name in ("invited_on", "answered_on"):
            if name in wanted:
                columns_declared[name] = Guess(
                    {"column": name, "dates": dates}, "as their files write days"
                )
    what = "a column for each question" if wide else "a file for each question"
    reason = f"{', '.join(guess.look.place for guess in guesses)}: {what}, put under one another"
    dated: dict[str, str] = {}
    for guess in guesses:
        dated |= dated_by(guess, shapes[guess.look.name], forms[guess.look.name])
    sql = "\nUNION ALL\n".join(selects)
    return ProposedTable(
        "surveys", "", reason, columns_declared, scales=scales, sql=sql, dated=dated,
        remarks=tuple(dict.fromkeys(r for guess in guesses for r in guess.look.remarks)),
        no_answer=_no_answer(tuple(sorted(codes))),
    )  # fmt: skip


def _no_answer(codes: tuple[str, ...]) -> Guess | None:
    return Guess(list(codes), "far from all other answers") if codes else None


def _selects(guess: TableGuess, answers: dict[str, str], wanted: list[str]) -> list[str]:
    """One SELECT for each instrument; rows without an answer stay out."""
    leads = guess.leads
    several = len(answers) > 1
    identifiers = [leads[n].column for n in ("response_id",) if n in leads] or [
        leads[n].column for n in ("customer_id", "answered_on", "invited_on") if n in leads
    ]
    key = " || ' ' || ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in identifiers)
    kept = "".join(
        f", {quoted(leads[name].column) if name in leads else 'NULL'} AS {name}" for name in wanted
    )
    if not answers:
        score, instrument = quoted(leads["score"].column), quoted(leads["instrument"].column)
        return [
            f"SELECT {key} AS response_id, lower(CAST({instrument} AS VARCHAR)) AS instrument, "
            f"CAST({score} AS VARCHAR) AS score{kept} FROM {guess.look.name}"
            f"{f' WHERE {guess.look.kept}' if guess.look.kept else ''}"
        ]
    made = []
    for column, instrument in answers.items():
        name = f"{key} || ' {instrument}'" if several else key
        made.append(
            f"SELECT {name} AS response_id, '{instrument}' AS instrument, "
            f"CAST({quoted(column)} AS VARCHAR) AS score{kept}\n"
            f"FROM {guess.look.name} WHERE {quoted(column)} IS NOT NULL"
            f"{f' AND {guess.look.kept}' if guess.look.kept else ''}"
        )
    return made


def _constant(guess: TableGuess, columns: dict[str, ColumnLook]) -> Guess:
    score = guess.leads["score"].column
    instrument = instrument_of(guess.look, columns, score)
    shape = columns[score]
    return Guess(
        {"value": instrument},
        f"no column says what was asked; answers run from {shape.low:g} to {shape.high:g}",
        "nps, csat, ces or csi",
    )


def _scale(instrument: str, shape: ColumnLook) -> Guess:
    low, high = DEFAULT_SCALES[instrument]
    lowest, highest = answered_range(shape)
    seen = f"answers run from {lowest:g} to {highest:g}"
    if highest > high or lowest < low:
        wide = f"{seen}, beyond the usual {low:g} to {high:g}"
        return Guess([lowest, highest], wide, "the whole scale")
    if highest < high or lowest > low:
        usual = f"the usual one; {seen} only"
        return Guess([low, high], usual, f"[{lowest:g}, {highest:g}]")
    return Guess([low, high], f"the usual one; {seen}")


def _scales(guess: TableGuess, columns: dict[str, ColumnLook]) -> dict[str, Guess]:
    """Scales by instrument, from the answers to each."""
    score = guess.leads["score"].column
    if "instrument" not in guess.leads:
        instrument = instrument_of(guess.look, columns, score)
        return {instrument: _scale(instrument, columns[score])}
    lead = guess.leads["instrument"]
    found: dict[str, list[float]] = {}
    for word, text in zip(guess.look.columns[lead.column], guess.look.columns[score], strict=True):
        name = lead.values.get(word or "", word or "")
        plain = (text or "").replace(",", ".")
        answered = re.fullmatch(r"-?\d+(\.\d+)?", plain) and plain not in NO_ANSWER
        if name in DEFAULT_SCALES and answered:
            found.setdefault(name, []).append(float(plain))
    return {
        name: _scale(name, replace(columns[score], low=min(scores), high=max(scores), words=()))
        for name, scores in sorted(found.items())
    }
