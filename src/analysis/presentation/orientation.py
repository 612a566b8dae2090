"""Sheets of employees in words and tables: how many, how reliable, how spread, how changed."""

from __future__ import annotations

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.orientation.reliability import Alpha, EmployeeScores
from analysis.methods.orientation.study import OrientationStudy
from analysis.methods.orientation.teams import Team
from analysis.presentation.churn_words import format_p_value
from analysis.presentation.output import show_reason, show_sentence, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_interval,
    format_number,
    message,
    message_for,
)

TENTHS = (0.1, 0.25, 0.5, 0.75, 0.9)


def withheld(study: OrientationStudy, disclosure: Disclosure) -> NotEstimable | None:
    """Why nothing may be said of the sheets: there are none, or too few people behind them."""
    if isinstance(study.sheets, NotEstimable):
        return study.sheets
    if disclosure.suppressed(study.sheets.n):
        return NotEstimable(
            message(
                "Withheld: fewer than eight employees have a sheet that counts, and nobody is to be "
                "told from it."
            )
        )
    return None


def pointed_back(study: OrientationStudy, disclosure: Disclosure) -> NotEstimable | None:
    """As `withheld`, in a few words, for all places but the first."""
    if withheld(study, disclosure) is None:
        return None
    return NotEstimable(message("Not shown: the sheets do not bear it, as said under the data."))


def said_count(n: int, disclosure: Disclosure) -> str:
    """A number of people or sheets as it may be published."""
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)


def show_sheets(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show how many sheets there are, what is left out, and what the design audit found."""
    reason = withheld(study, disclosure)
    if reason is not None or isinstance(study.sheets, NotEstimable):
        show_reason(reason or study.sheets)  # type: ignore[arg-type]
        return
    sheets = study.sheets
    said = [
        message_for(
            "One employee has filled in the questionnaire.",
            "{employees} employees have filled in the questionnaire ({sheets} sheets in all); each "
            "one's last sheet that can be scored counts.",
            sheets.n,
            employees=said_count(sheets.n, disclosure),
            sheets=said_count(sheets.sheets, disclosure),
        ),
        message(
            "A score is the mean of both halves, from {lowest} to {highest}; statements on selling "
            "count in reverse.",
            lowest=format_number(sheets.key.lowest, 0), highest=format_number(sheets.key.highest, 0),
        ),
    ]  # fmt: skip
    for remark in study.audit:
        number = next(iter(remark.counts.values()), 0)
        count = said_count(number, disclosure) if number else ""
        what = next(iter(remark.counts), "")
        said.append(
            f"{remark.sentence.removesuffix('.')} ({message(what)}: {count})."
            if count
            else remark.sentence
        )
    show_sentence(" ".join(said))


def _alphas(study: OrientationStudy) -> dict[str, Alpha | NotEstimable]:
    return {
        message("customer-oriented half"): study.customer_alpha,
        message("selling-oriented half"): study.selling_alpha,
        message("all statements"): study.overall_alpha,
    }


def show_reliability_table(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show Cronbach's alpha by half and of all statements."""
    reason = pointed_back(study, disclosure)
    if reason is not None:
        show_reason(reason)
        return
    rows, estimates = [], {}
    for name, found in _alphas(study).items():
        if isinstance(found, NotEstimable) or disclosure.suppressed(found.alpha.n):
            rows.append((name, NO_VALUE, NO_VALUE, NO_VALUE))
            continue
        estimates[name] = found.alpha
        known = found.rest_correlations[np.isfinite(found.rest_correlations)]
        span = (
            message(
                "{low} to {high}",
                low=format_number(float(known.min()), 2), high=format_number(float(known.max()), 2),
            )
            if len(known) else NO_VALUE
        )  # fmt: skip
        rows.append(
            (name, format_count(found.statements), format_estimate_lines(found.alpha, 2), span)
        )
    reasons = [found.reason for found in _alphas(study).values() if isinstance(found, NotEstimable)]
    html = html_table(
        (
            message("Statements"), message("Number"), message("Cronbach's alpha"),
            message("Each with the rest"),
        ),
        rows,
        message("Do the statements measure one thing? With 95% intervals"),
        note=reasons[0] if reasons else message(
            "Each with the rest: correlation of a statement with the sum of the others, lowest and "
            "highest."
        ),
    )  # fmt: skip
    show_table(html, "orientation-reliability", estimates, disclosure)


def word_scores(scores: EmployeeScores, disclosure: Disclosure) -> str:
    """How far a single score can be trusted."""
    n = len(scores.observed)
    return message(
        "Chance moves a single employee's score by {error} points of the scale (standard error of "
        "measurement), against a spread of {spread} between employees. Drawn towards the mean by as "
        "much as is chance, the scores of {apart} of {n} employees can be told from the mean.",
        error=format_number(scores.error_of_measurement, 2),
        spread=format_number(scores.spread, 2),
        apart=said_count(scores.apart, disclosure) if scores.apart else message("none"),
        n=said_count(n, disclosure),
    )


def show_scores(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show how employees' scores are spread, as read and drawn towards the mean; nobody's own."""
    reason = pointed_back(study, disclosure)
    scores = study.scores
    if reason is not None or isinstance(scores, NotEstimable):
        show_reason(reason or scores)  # type: ignore[arg-type]
        return
    show_sentence(word_scores(scores, disclosure))
    # Quantiles near the ends would be the scores of one or two people.
    shares = [
        q for q in TENTHS if not disclosure.suppressed(round(min(q, 1 - q) * len(scores.observed)))
    ]
    if not shares:
        return
    header = [message("Score"), *(_quantile_name(q) for q in shares)]
    rows = [
        [name, *(format_number(float(np.quantile(values, q)), 1) for q in shares)]
        for name, values in (
            (message("as read from the sheets"), scores.observed),
            (message("drawn towards the mean"), scores.shrunk),
        )
    ]
    caption = message(
        "How employees' scores are spread; mean {mean}", mean=format_estimate(scores.mean, 2)
    )
    show_table(
        html_table(header, rows, caption), "orientation-scores",
        {"mean-orientation": scores.mean}, disclosure,
    )  # fmt: skip


def _quantile_name(share: float) -> str:
    names = {
        0.1: message("a tenth below"), 0.25: message("a quarter below"), 0.5: message("half below"),
        0.75: message("a quarter above"), 0.9: message("a tenth above"),
    }  # fmt: skip
    return names[share]


def show_change(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show the change since the sheet before, and how alike the two sheets are."""
    reason = pointed_back(study, disclosure)
    change = study.change
    if reason is not None or isinstance(change, NotEstimable):
        show_reason(reason or change)  # type: ignore[arg-type]
        return
    if disclosure.suppressed(change.change.n):
        show_reason(
            NotEstimable(message("Withheld: fewer than eight employees have filled in two sheets."))
        )
        return
    moved = change.change
    if moved.lower is not None and moved.upper is not None and moved.lower <= 0 <= moved.upper:
        sentence = message(
            "From the sheet before to the last one, no change of the average employee can be told "
            "from chance: {change} points of the scale.",
            change=format_estimate(moved, 2),
        )
    else:
        sentence = message(
            "From the sheet before to the last one, the average employee has moved by {change} "
            "points of the scale.",
            change=format_estimate(moved, 2),
        )
    if isinstance(change.stability, Estimate):
        sentence += " " + message(
            "The two sheets of an employee correlate with {stability}, a second reading of how far a "
            "score can be trusted.",
            stability=format_estimate(change.stability, 2),
        )
    estimates = {"change": moved, "stability": change.stability}
    show_sentence(sentence)
    html = html_table(
        (message("Two sheets of the same employees"), message("Estimate")),
        [
            (message("change, points of the scale"), format_estimate_lines(moved, 2)),
            (message("correlation"), format_estimate_lines(change.stability, 2)),
        ],
        message("The last sheet against the one before, with 95% intervals"),
    )
    show_table(html, "orientation-change", estimates, disclosure)


def teams_shown(study: OrientationStudy, disclosure: Disclosure) -> tuple[Team, ...]:
    """Teams that may be published.

    Where those hidden, with employees of no team, are fewer than eight together, the smallest of
    the others is hidden as well: else the mean of all would give the hidden ones away.
    """
    if isinstance(study.teams, NotEstimable):
        return ()
    teams = [team for team in study.teams.teams if not disclosure.suppressed(team.score.n)]
    hidden = sum(team.score.n for team in study.teams.teams if team not in teams)
    hidden += study.teams.without
    if disclosure.suppressed(hidden) and teams:
        teams.remove(min(teams, key=lambda team: (team.score.n, team.name)))
    return tuple(teams)


def show_teams(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show the mean score of groups of at least eight employees, and which of them differ."""
    reason = pointed_back(study, disclosure)
    if reason is not None or isinstance(study.teams, NotEstimable):
        show_reason(reason or study.teams)  # type: ignore[arg-type]
        return
    shown = teams_shown(study, disclosure)
    column = study.teams.column.replace("_", " ")
    if len(shown) < 2:
        show_reason(
            NotEstimable(message("Withheld: groups of employees are too small to be shown apart."))
        )
        return
    names = {team.name for team in shown}
    rows = [
        (
            team.name, said_count(team.score.n, disclosure), format_number(team.score.value, 2),
            format_interval(team.score, 2),
        )
        for team in shown
    ]  # fmt: skip
    html = html_table(
        (column, message("Employees"), message("Mean score"), message("95% interval")),
        rows,
        message("Customer orientation of employees by the {column} they mostly serve", column=column),
        note="" if len(shown) == len(study.teams.teams) else message(
            "Groups of fewer than eight employees are hidden, and another where theirs could be "
            "worked out."
        ),
    )  # fmt: skip
    show_table(html, "orientation-teams", {team.name: team.score for team in shown}, disclosure)
    apart = [
        pair
        for pair in study.teams.differences
        if pair.adjusted_p_value < 0.05 and {pair.first, pair.second} <= names
    ]
    if not apart:
        show_sentence(
            message(
                "No two of these groups can be told apart after allowing for the number of pairs "
                "(Holm)."
            )
        )
        return
    said = "; ".join(
        message(
            "{first} against {second}: {difference} ({p})",
            first=pair.first, second=pair.second,
            difference=format_estimate(pair.difference, 2), p=format_p_value(pair.adjusted_p_value),
        )
        for pair in apart
    )  # fmt: skip
    show_sentence(message("Groups that differ after Holm's correction: {said}.", said=said))
