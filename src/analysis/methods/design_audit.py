"""What a careful reader would ask before believing a number: asked of the data beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.methods.estimate import AuditRemark

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 30
FEWEST_EVENTS_PER_COVARIATE = 10
FEWEST_ANSWERING_SHARE = 0.2
# A group this large in which nobody, or everybody, left is a sign of a column recorded afterwards.
SEPARATED_GROUP_ROWS = 30


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
                "one-group", "note", f"All customers share one {group}: nothing to compare."
            )
        )
    elif group and 0 < events < n:
        rates = lifetimes.groupby(group, observed=True)["ended"].agg(["mean", "size"])
        extreme = rates[(rates["size"] >= SEPARATED_GROUP_ROWS) & rates["mean"].isin([0.0, 1.0])]
        if len(extreme):
            names = ", ".join(str(name) for name in extreme.index)
            remarks.append(
                AuditRemark(
                    "separation",
                    "caution",
                    f"In {group} {names} nobody or everybody left: check that the column was "
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
