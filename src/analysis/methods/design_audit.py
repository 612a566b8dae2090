"""What a careful reader would ask before believing a number: asked of the data beforehand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import AuditRemark, NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from analysis.methods.spending.rows import PanelRows

FEWEST_ROWS = 30
FEWEST_EVENTS_PER_COVARIATE = 10
FEWEST_ANSWERING_SHARE = 0.2
# A group this large in which nobody, or everybody, left is a sign of a column recorded afterwards.
SEPARATED_GROUP_ROWS = 30
FEWEST_CUSTOMERS_PER_COEFFICIENT = 10
# More answers too old than this share of those known: satisfaction is hardly followed.
MANY_STALE_SHARE = 0.5


def audit_lifetimes(
    lifetimes: pd.DataFrame, group: str, covariates: int
) -> tuple[AuditRemark, ...]:
    """Remarks on a table of lifetimes: events, groups, size, entry, separation.

    group: the column that curves are split by ("" without). covariates: number of coefficients.
    """
    remarks: list[AuditRemark] = []
    n, events = len(lifetimes), int(lifetimes["ended"].sum())
    if events == 0:
        remarks.append(
            AuditRemark(
                "no-events",
                "stop",
                "Nobody has left. Either nobody did, or the export holds only current customers: "
                "survival cannot be told from it.",
            )
        )
    elif events == n:
        remarks.append(
            AuditRemark(
                "all-events",
                "caution",
                "Everybody has left. If the export leaves out current customers, lifetimes are "
                "shown far too short.",
            )
        )
    if n < FEWEST_ROWS:
        remarks.append(
            AuditRemark(
                "few-rows", "caution", f"Fewer than {FEWEST_ROWS} customers: intervals say little."
            )
        )
    if events and covariates and events < FEWEST_EVENTS_PER_COVARIATE * covariates:
        remarks.append(
            AuditRemark(
                "few-events",
                "caution",
                f"Fewer than {FEWEST_EVENTS_PER_COVARIATE} losses for each covariate: the hazard "
                "model leans on few customers.",
            )
        )
    if group and lifetimes[group].nunique() < 2:
        remarks.append(
            AuditRemark(
                "one-group",
                "note",
                f"All customers share one {group.replace('_', ' ')}: nothing to compare.",
            )
        )
    elif group and 0 < events < n:
        level = lifetimes[group].astype(object).fillna("(missing)")
        rates = lifetimes["ended"].groupby(level).agg(["mean", "size"])
        extreme = rates[(rates["size"] >= SEPARATED_GROUP_ROWS) & rates["mean"].isin([0.0, 1.0])]
        if len(extreme):
            names = ", ".join(str(name) for name in extreme.index)
            remarks.append(
                AuditRemark(
                    "separation",
                    "caution",
                    f"In {group.replace('_', ' ')} {names} nobody or everybody left: check that the column was "
                    "recorded before the end.",
                )
            )
    entered_late = float((lifetimes["entry_months"] > 0).mean()) if n else 0.0
    if entered_late > 0:
        remarks.append(
            AuditRemark(
                "delayed-entry",
                "note",
                f"{entered_late:.0%} of the customers came under observation only after they had "
                "been customers for some time; who left before that was never seen.",
            )
        )
    return tuple(remarks)


def audit_panel(
    customer_periods: pd.DataFrame,
    rows: PanelRows | NotEstimable,
    surveys: pd.DataFrame,
    customers: pd.DataFrame,
    controls: tuple[str, ...],
) -> tuple[AuditRemark, ...]:
    """Remarks on customers × periods with their last answers, before spend is set beside them.

    rows: those that the comparison stands on. customers: with `started_on` and `ended_on`, where
    known. controls: names of columns that would be held fixed.
    """
    if customer_periods.empty:
        return (
            AuditRemark("no-rows", "stop", "No customer was active when any whole period opened."),
        )
    return (
        *_who_is_left(customer_periods),
        *answers_outside(surveys, customers),
        *_who_answers(customer_periods, rows, surveys),
        *_what_is_held(customer_periods, rows, controls),
    )


def _who_is_left(customer_periods: pd.DataFrame) -> list[AuditRemark]:
    left = customer_periods["left"].to_numpy(bool)
    if not left.any():
        return [
            AuditRemark(
                "nobody-left",
                "caution",
                "Nobody leaves in these periods. Either nobody did, or the export holds only current "
                "customers: then those whose spend fell to nothing are missing from the comparison.",
            )
        ]
    last = customer_periods["period_index"] == customer_periods["period_index"].max()
    if left[last.to_numpy()].all():
        return [
            AuditRemark(
                "nobody-stays",
                "caution",
                "Nobody stays to the end of the last period. If the export leaves out current "
                "customers, the comparison is one of those who were about to leave.",
            )
        ]
    return []


def answers_outside(surveys: pd.DataFrame, customers: pd.DataFrame) -> list[AuditRemark]:
    """A remark if answers are dated before their customer's start or after the end."""
    if surveys.empty or "answered_on" not in surveys.columns or customers.empty:
        return []
    dates = [name for name in ("started_on", "ended_on") if name in customers.columns]
    known = surveys[surveys["customer_id"].notna() & surveys["answered_on"].notna()]
    if not dates or known.empty:
        return []
    joined = known[["customer_id", "answered_on"]].merge(
        customers[["customer_id", *dates]], on="customer_id"
    )
    answered = joined["answered_on"].to_numpy("datetime64[D]")
    outside = np.zeros(len(joined), dtype=bool)
    if "started_on" in dates:
        outside |= answered < joined["started_on"].to_numpy("datetime64[D]")
    if "ended_on" in dates:
        outside |= answered > joined["ended_on"].to_numpy("datetime64[D]")
    concerned = len(set(joined["customer_id"].to_numpy(object)[outside].tolist()))
    if not concerned:
        return []
    return [
        AuditRemark(
            "answers-outside",
            "caution",
            "Some answers are dated before their customer started or after the customer left. Answers "
            "after leaving are not used; if there are many, check the dates.",
            {"customers": concerned},
        )
    ]


def few_answer(surveys: pd.DataFrame, instrument: str) -> list[AuditRemark]:
    """A remark if fewer than a fifth of those invited answer."""
    if surveys.empty or "invited_on" not in surveys.columns:
        return []
    asked = surveys[(surveys["instrument"] == instrument) & surveys["invited_on"].notna()]
    share = float(asked["score"].notna().mean()) if len(asked) else 1.0
    if share >= FEWEST_ANSWERING_SHARE:
        return []
    return [
        AuditRemark(
            "few-answer",
            "caution",
            f"Fewer than {FEWEST_ANSWERING_SHARE:.0%} of those invited answer: the comparison "
            "speaks for those who do.",
        )
    ]


def _who_answers(
    customer_periods: pd.DataFrame, rows: PanelRows | NotEstimable, surveys: pd.DataFrame
) -> list[AuditRemark]:
    remarks: list[AuditRemark] = []
    instrument = "csat" if isinstance(rows, NotEstimable) else rows.instrument
    remarks += few_answer(surveys, instrument)
    if isinstance(rows, NotEstimable):
        return remarks
    if rows.n < FEWEST_ANSWERING_SHARE * len(customer_periods):
        remarks.append(
            AuditRemark(
                "few-rows-scored",
                "caution",
                f"Fewer than {FEWEST_ANSWERING_SHARE:.0%} of the periods in which customers were "
                "active have a fresh answer before them: the comparison speaks for few.",
            )
        )
    known = rows.n + rows.left_out_stale + rows.left_out_first
    if rows.left_out_stale > MANY_STALE_SHARE * known:
        remarks.append(
            AuditRemark(
                "stale-answers",
                "caution",
                f"More than {MANY_STALE_SHARE:.0%} of the periods with an answer are left out because "
                "it was too old: satisfaction is asked too seldom to be followed.",
            )
        )
    return remarks


def _what_is_held(
    customer_periods: pd.DataFrame, rows: PanelRows | NotEstimable, controls: tuple[str, ...]
) -> list[AuditRemark]:
    remarks: list[AuditRemark] = []
    if isinstance(rows, NotEstimable):
        return remarks
    held = {category.name: category for category in rows.categories}
    present = [name for name in controls if name in customer_periods.columns]
    remarks += [
        AuditRemark(
            f"constant-{name}",
            "note",
            f"All customers share one {name.replace('_', ' ')}: there is nothing in it to hold fixed.",
        )
        for name in present
        if name not in held
    ]
    for first, second in itertools.combinations(held.values(), 2):
        pairs = int((np.bincount(first.codes * len(second.labels) + second.codes) > 0).sum())
        fine, coarse = (
            (first, second) if len(first.labels) >= len(second.labels) else (second, first)
        )
        if pairs == len(fine.labels):
            remarks.append(
                AuditRemark(
                    f"collinear-{coarse.name}",
                    "note",
                    f"The {coarse.name.replace('_', ' ')} follows from the "
                    f"{fine.name.replace('_', ' ')}: the two are held fixed as one.",
                )
            )
    coefficients = 2 + len(rows.period_labels) + sum(len(c.labels) - 1 for c in held.values())
    if rows.customers < FEWEST_CUSTOMERS_PER_COEFFICIENT * coefficients:
        remarks.append(
            AuditRemark(
                "few-customers",
                "caution",
                f"Fewer than {FEWEST_CUSTOMERS_PER_COEFFICIENT} customers for each thing held fixed: "
                "intervals are wide, and the comparisons lean on few customers.",
            )
        )
    return remarks
