"""Whether the tables behind churn agree with one another: asked before curves are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.methods.design_audit import answers_outside, few_answer
from analysis.methods.estimate import AuditRemark

if TYPE_CHECKING:
    import pandas as pd

# So many who order after their recorded end, or have long stopped ordering, are no oversight.
DISAGREEING_SHARE = 0.05
LONG_SILENT_DAYS = 365


def audit_churn_inputs(
    customers: pd.DataFrame, surveys: pd.DataFrame, transactions: pd.DataFrame, rule: str
) -> tuple[AuditRemark, ...]:
    """Remarks on answers outside lifetimes, on who answers, and on definitions that disagree.

    Canonical tables as of the period's end; rule: of churn, as declared.
    """
    remarks = [*answers_outside(surveys, customers), *few_answer(surveys, "csat")]
    if rule == "contract":
        remarks += _definitions_disagree(customers, transactions)
    return tuple(remarks)


def _definitions_disagree(customers: pd.DataFrame, transactions: pd.DataFrame) -> list[AuditRemark]:
    """Contracts that end while orders go on, or go on while orders have long ended."""
    needed = {"customer_id", "started_on"}
    if transactions.empty or not needed <= set(customers.columns):
        return []
    bought = transactions[transactions["amount"] > 0]
    if bought.empty:
        return []
    last = customers["customer_id"].map(bought.groupby("customer_id")["occurred_on"].max())
    remarks = []
    if "ended_on" in customers.columns and customers["ended_on"].notna().any():
        ended = customers["ended_on"].notna()
        after = float((last > customers["ended_on"])[ended].mean())
        if after > DISAGREEING_SHARE:
            remarks.append(
                AuditRemark(
                    "orders-after-the-end",
                    "caution",
                    f"{after:.0%} of those recorded as gone ordered again after their end: contract and "
                    "orders disagree on who has left.",
                )
            )
        active = ~ended
    else:
        active = customers["started_on"].notna()
    silent_since = bought["occurred_on"].max() - last.where(last.notna(), customers["started_on"])
    silent = float((silent_since.dt.days > LONG_SILENT_DAYS)[active].mean()) if active.any() else 0
    if silent > DISAGREEING_SHARE:
        remarks.append(
            AuditRemark(
                "silent-customers",
                "note",
                f"{silent:.0%} of those still under contract have not ordered for a year: by their orders "
                "they are gone, by their contract they are not.",
            )
        )
    return remarks
