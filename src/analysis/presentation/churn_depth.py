"""Churn in depth, for the folded part of the section: cohorts, reasons, models beside the plain one."""

from __future__ import annotations

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import wilson
from analysis.methods.survival.cohorts import CohortTable
from analysis.methods.survival.competing import Incidence
from analysis.presentation.churn_figures import draw_incidence
from analysis.presentation.output import show_figure, show_reason, show_table
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate_lines,
    format_number,
    format_share,
    message,
)

INCIDENCE_MONTHS = (12, 24, 48)


def _few() -> CannotEstimate:
    return CannotEstimate(message("Withheld: it rests on fewer than eight customers."))


def _cohort_cell(cell: Estimate, n: int, disclosure: Disclosure) -> Estimate:
    """Retention of a cohort; withheld where fewer than eight have left or are left.

    A mature cell is a plain share: it gives the count of losses away, and neighbouring cells that of
    the quarter between them, unless it is made of rounded counts.
    """
    left = round(n * (1 - cell.value))
    if disclosure.suppressed(left) or disclosure.suppressed(n - left):
        raise _few()
    stays, base = disclosure.count(n - left), disclosure.count(n)
    if not disclosure.enabled or stays is None or not base:
        return cell
    return wilson(min(stays, base), base, cell.confidence_level)


def _reason_cell(incidence: Incidence, months: float, disclosure: Disclosure) -> Estimate:
    """Incidence of a reason at a time; withheld where fewer than eight left for it or are at risk."""
    level = incidence.at(months)
    place = int(np.searchsorted(incidence.times, months, side="right")) - 1
    if place >= 0 and (
        disclosure.suppressed(int(incidence.events[: place + 1].sum()))
        or disclosure.suppressed(int(incidence.at_risk[place]))
    ):
        raise _few()
    return level


def show_cohorts(table: CohortTable | NotEstimable, disclosure: Disclosure) -> None:
    """Retention by quarter of the start as a map: dark where many stay, blank where not known."""
    if isinstance(table, NotEstimable):
        show_reason(table)
        return
    rows, shades = [], []
    estimates: dict[str, Estimate] = {}
    for cohort in table.cohorts:
        cells = [attempt(_cohort_cell, cell, cohort.n, disclosure) for cell in cohort.retention]
        if not any(isinstance(cell, Estimate) for cell in cells):
            continue
        n = disclosure.count(cohort.n)
        rows.append(
            [
                cohort.label,
                NO_VALUE if n is None else format_count(n),
                *(format_share(c.value, 0) if isinstance(c, Estimate) else "" for c in cells),
            ]
        )
        shades.append([None, *(c.value if isinstance(c, Estimate) else None for c in cells)])
        estimates |= {
            f"{cohort.label}, {months} months": cell
            for months, cell in zip(table.months, cells, strict=True)
            if isinstance(cell, Estimate)
        }
    if not estimates:
        show_reason(NotEstimable(message("No cohort is large enough to be shown.")))
        return
    halves = [
        (e.upper - e.lower) / 2
        for e in estimates.values()
        if e.upper is not None and e.lower is not None
    ]
    header = [
        message("Started"),
        message("customers"),
        *(message("{m} months", m=months) for months in table.months),
    ]
    note = message(
        "Kaplan–Meier for those seen from their start. Blank: not all of the cohort could have been "
        "customers for so long, or too few to be shown."
    )
    if disclosure.enabled:
        note += " " + message("Shares are made of counts rounded to five.")
    if halves:
        note += " " + message(
            "The 95% intervals stand in numbers.json; the widest is ±{widest} points.",
            widest=format_number(100 * max(halves), 0),
        )
    caption = message("Share still customers, by quarter of the start")
    html = html_table(header, rows, caption, note=note, shades=shades)
    show_table(html, "retention-by-cohort", estimates, disclosure)


def show_reasons(reasons: dict[str, Incidence] | NotEstimable, disclosure: Disclosure) -> None:
    """What share leaves for each recorded reason, the others competing."""
    if isinstance(reasons, NotEstimable):
        show_reason(reasons)
        return
    show_figure(*draw_incidence(reasons, disclosure))
    rows = []
    estimates: dict[str, Estimate] = {}
    for name, incidence in reasons.items():
        cells = [
            attempt(_reason_cell, incidence, months, disclosure) for months in INCIDENCE_MONTHS
        ]
        rows.append([name, *(format_estimate_lines(cell, 1) for cell in cells)])
        estimates |= {
            f"{name}, {months} months": cell
            for months, cell in zip(INCIDENCE_MONTHS, cells, strict=True)
            if isinstance(cell, Estimate)
        }
    header = [message("Reason"), *(message("{m} months", m=m) for m in INCIDENCE_MONTHS)]
    caption = message("Share that has left for each reason, with 95% intervals")
    note = message(
        "Aalen–Johansen: who left for one reason can no longer leave for another. Rare reasons are "
        "taken together; a dash: beyond follow-up, or too few to be shown."
    )
    show_table(html_table(header, rows, caption, note=note), "reasons", estimates, disclosure)
