"""Frames for programmes: who was reached when, and each customer's margin by quarter since.

Quarters are counted from the day that was *assigned*, not by the calendar: quarter 0 is the three
months that begin on that day, quarter −1 the three before it. Only whole quarters that end by
the as-of date appear. Customers are those active just before the day (started before it, not
ended before it) and already observed; later joiners are left out. After a customer has left, the
margin is zero. Margin from before a customer was observed is missing, not zero.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.intake.programme_answers import (
    SCORES,
    answer_sums,
    mean_answer,
    with_scores,
)
from analysis.intake.programme_ledger import (
    FAR_AHEAD,
    Days,
    add_months,
    build_ledger,
    days_of,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

    from analysis.intake.dataset import Dataset

__all__ = [
    "add_months", "assignment_outcomes", "days_of", "experiment_outcomes", "rollout_panel",
    "rollout_panels",
]  # fmt: skip

MOST_QUARTERS_BEFORE = 8
MOST_WAVES = 12
BEFORE_MONTHS = {"margin_quarter_before": 3, "margin_year_before": 12}
OLDER_QUARTERS = range(5, 9)  # before the year before: no choice made on that year looked at them
MOST_QUARTERS_AFTER = 8
GROUPS = ("segment", "region", "acquisition_channel")


def _day(date: dt.date) -> int:
    return int(np.datetime64(date, "D").astype(np.int64))


def _last_day(data: Dataset) -> int:
    return _day(data.period.last_day)


def _spells(data: Dataset) -> pd.DataFrame:
    """customer_id, opens, closes, seen (days).

    closes lies far ahead while the customer is active. seen: the first day observed, by default
    the day before the data begin, so that a day counts if it is later.
    """
    import pandas as pd

    lifetimes = data.lifetimes()
    if lifetimes.empty or lifetimes["started_on"].isna().all():
        nothing: dict[str, Any] = {"opens": [], "closes": [], "seen": []}
        return pd.DataFrame({"customer_id": pd.Series(dtype=str), **nothing})
    opens = days_of(lifetimes["started_on"])
    length = np.round(lifetimes["exit_months"].to_numpy(float) * DAYS_PER_MONTH).astype(np.int64)
    closes = np.where(lifetimes["ended"].to_numpy(bool), opens + length, FAR_AHEAD)
    ids = lifetimes["customer_id"].astype(str)
    return pd.DataFrame(
        {"customer_id": ids, "opens": opens, "closes": closes, "seen": _first_seen(data, ids)}
    )


def _first_seen(data: Dataset, ids: pd.Series) -> Days:
    import pandas as pd

    assert data.settings.covers is not None
    before = _day(data.settings.covers.first) - 1
    customers = data.table("customers")
    if "observed_from" not in customers.columns:
        return np.full(len(ids), before, dtype=np.int64)
    days = days_of(customers["observed_from"])
    days = np.where(customers["observed_from"].isna(), before, np.maximum(days, before))
    by_id = pd.Series(days, index=customers["customer_id"].astype(str))
    return by_id.reindex(ids).fillna(before).to_numpy(np.int64)


def _known(span_opens: Days, joined: Days, seen: Days, first: int) -> npt.NDArray[np.bool_]:
    """Whether all margin since `span_opens` is recorded.

    It is where the customer was observed by then, or joined only when already observed.
    """
    watched = np.maximum(seen, first)
    return np.asarray((span_opens >= watched) | (joined >= watched))


def _active_rows(rows: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """The rows (customer_id, day, …) whose customer was active and observed before `day`.

    With the columns `opens` and `seen` of the spell.
    """
    joined = rows.merge(spells, on="customer_id", how="inner")
    active = joined[
        (joined["opens"] < joined["day"])
        & (joined["closes"] >= joined["day"])
        & (joined["seen"] < joined["day"])
    ]
    keys = ["customer_id", "day"]
    return active.sort_values([*keys, "opens"]).drop_duplicates(keys).drop(columns="closes")


def rollout_panel(data: Dataset, programme_id: str) -> pd.DataFrame:
    """Stacked risk sets of a roll-out over areas: start date × customer × quarter.

    For each start date, customers of the areas assigned that day (`treated`) and of areas not
    yet reached, all active just before it. Columns: starts_on (the start date whose risk set it
    is), customer_id, area, treated, never (the area is never reached by the as-of date), quarter
    (int, 0 begins on the start date), margin (currency in that quarter, zero after leaving). Rows
    of controls end with the last quarter before their own area is reached; quarters before a
    customer's first day are missing, but for the one just before the start, and so are quarters
    in which an older customer was not observed yet. csat, nps: mean of the answers given in that
    quarter (nps as −100, 0 or 100), missing without one. Areas that the table `rollout` does not
    name count as never reached.
    """
    import pandas as pd

    columns = [
        "starts_on", "customer_id", "area", "treated", "never", "quarter", "margin", "csat", "nps",
    ]  # fmt: skip
    rollout = data.table("rollout")
    customers = data.table("customers")
    spells = _spells(data)
    empty = pd.DataFrame(columns=columns)
    if rollout.empty or "area" not in customers.columns or spells.empty:
        return empty
    mine = rollout[rollout["programme_id"] == programme_id]
    day_of_area = dict(zip(mine["area"], days_of(mine["starts_on"]), strict=True))
    people = customers[customers["area"].notna()][["customer_id", "area"]].reset_index(drop=True)
    index = pd.Index(people["customer_id"])
    own = people["area"].map(lambda area: day_of_area.get(area, FAR_AHEAD)).to_numpy(np.int64)
    covers = data.settings.covers
    assert covers is not None
    first, end = _day(covers.first), _last_day(data) + 1
    ledger = build_ledger(data, index)
    answers = {name: answer_sums(data, index, name) for name in SCORES}
    starts = sorted({int(day) for day in day_of_area.values() if first < day < end})
    parts = []
    for start in starts:
        rows = _active_rows(people[own >= start].assign(day=start), spells)
        codes = index.get_indexer(pd.Index(rows["customer_id"])).astype(np.int64)
        reached, joined = own[codes], rows["opens"].to_numpy(np.int64)
        base = rows[["customer_id", "area"]].assign(
            starts_on=np.datetime64(start, "D").astype("datetime64[ns]"),
            treated=reached == start,
            never=reached >= end,
        )
        at = np.full(len(rows), start, dtype=np.int64)
        for quarter in range(-MOST_QUARTERS_BEFORE, (end - start) // 89 + 1):
            opens, closes = add_months(at, 3 * quarter), add_months(at, 3 * quarter + 3)
            if not len(at) or opens[0] < first or closes[0] > end:
                continue
            clean = (reached == start) | (reached >= closes)
            # In the last quarter before the start the newest customers count with what they
            # spent; further back only who was a customer when the quarter opened.
            clean &= (quarter >= -1) | (joined < opens)
            clean &= _known(opens, joined, rows["seen"].to_numpy(np.int64), first)
            margin = ledger.between(codes, opens, closes)
            scores = {name: mean_answer(answers[name], codes, opens, closes) for name in SCORES}
            parts.append(base.assign(quarter=quarter, margin=margin, **scores)[clean])
    return pd.concat(parts, ignore_index=True)[columns] if parts else empty


def experiment_outcomes(data: Dataset, programme_id: str) -> pd.DataFrame:
    """Customers assigned to a programme and comparison customers, before and after.

    One row per assigned customer who was active just before the assignment. Where no control arm
    is recorded, further rows (`recorded` False, arm "control") hold the active customers not
    assigned by then, once for each wave: a day of assignment, or the middle day of each calendar
    month of assignments where there are more than twelve days. They are followed to the end like
    the others, also if they are assigned later (a sequence of trials, each by intention to
    treat): that dilutes a difference, whereas to stop following those assigned later would keep
    the quarters of whoever leaves first and so invent one.

    Columns: customer_id, wave, arm, recorded, assigned_on, quarters (whole quarters followed),
    margin_per_quarter (mean over these, zeros after leaving), margin_after_1 … (in the k-th
    quarter since the assignment, missing where not followed so far), margin_quarter_before,
    margin_year_before (missing where not all of it was observed), margin_older (mean per quarter
    over the year before that one, as far as the customer was there), tenure_months, last score
    and its age for each instrument, csat_after, nps_after (mean of answers during follow-up, nps
    as −100, 0 or 100), segment, region,
    acquisition_channel, covariates.
    """
    import pandas as pd

    exposures = data.table("exposures")
    spells = _spells(data)
    if exposures.empty or spells.empty:
        return pd.DataFrame(columns=["customer_id", "wave", "arm", "recorded", "quarters"])
    mine = exposures[exposures["programme_id"] == programme_id]
    arm = mine["arm"].fillna("treated") if "arm" in mine.columns else "treated"
    own_day = days_of(mine["assigned_on"])
    assigned = pd.DataFrame({"customer_id": mine["customer_id"].astype(str), "day": own_day})
    assigned = assigned.assign(arm=arm, recorded=True)
    assigned["wave"] = _waves(own_day)
    everybody = pd.Index(data.table("customers")["customer_id"].astype(str))
    rows = assigned
    if not (assigned["arm"] == "control").any():
        others = _comparison_rows(assigned, everybody)
        rows = pd.concat([assigned, others], ignore_index=True)
    rows = _active_rows(rows, spells)
    rows = _with_outcomes(data, rows, everybody)
    rows = with_scores(data, rows)
    carried = [name for name in GROUPS if name in data.table("customers").columns]
    carried += list(data.settings.covariates)
    traits = data.table("customers")[["customer_id", *dict.fromkeys(carried)]]
    rows = rows.merge(traits.astype({"customer_id": str}), on="customer_id", how="left")
    for name in ("wave", "day"):
        rows[name] = rows[name].to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[ns]")
    rows = rows.rename(columns={"day": "assigned_on"}).drop(columns=["opens", "seen"])
    return rows.sort_values(["wave", "customer_id"]).reset_index(drop=True)


def _waves(days: Days) -> Days:
    """The wave of each assignment: its day, or its month's middle assignment if days are many."""
    if len(np.unique(days)) <= MOST_WAVES:
        return days
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    waves = np.empty_like(days)
    for month in np.unique(months):
        inside = months == month
        waves[inside] = np.sort(days[inside])[inside.sum() // 2]
    return waves


def _comparison_rows(assigned: pd.DataFrame, everybody: pd.Index) -> pd.DataFrame:
    import pandas as pd

    own = assigned.set_index("customer_id")["day"].reindex(everybody)
    own_day = own.fillna(FAR_AHEAD).to_numpy(np.int64)
    parts = [
        pd.DataFrame({"customer_id": everybody[own_day > wave], "day": wave}).assign(
            arm="control", recorded=False, wave=wave
        )
        for wave in sorted({int(day) for day in assigned["wave"]})
    ]
    return pd.concat(parts, ignore_index=True) if parts else assigned.iloc[:0]


def _with_outcomes(data: Dataset, rows: pd.DataFrame, everybody: pd.Index) -> pd.DataFrame:
    import pandas as pd

    ledger = build_ledger(data, everybody)
    codes = everybody.get_indexer(pd.Index(rows["customer_id"])).astype(np.int64)
    day = rows["day"].to_numpy(np.int64)
    end = _last_day(data) + 1
    quarters = np.zeros(len(rows), dtype=np.int64)
    most = int((end - day).max(initial=0) // 89 + 1)
    for quarter in range(1, most + 1):
        quarters[add_months(day, 3 * quarter) <= end] = quarter
    closes = np.empty_like(day)
    for quarter in np.unique(quarters):
        same = quarters == quarter
        closes[same] = add_months(day[same], 3 * int(quarter))
    total = ledger.between(codes, day, closes)
    assert data.settings.covers is not None
    first = _day(data.settings.covers.first)
    joined, seen = (rows[name].to_numpy(np.int64) for name in ("opens", "seen"))
    before = {}
    for name, months in BEFORE_MONTHS.items():
        opens = add_months(day, -months)
        known = _known(opens, joined, seen, first)
        before[name] = np.where(known, ledger.between(codes, opens, day), np.nan)
    older, counted = np.zeros(len(rows)), np.zeros(len(rows))
    for quarter in OLDER_QUARTERS:
        opens = add_months(day, -3 * quarter)
        there = _known(opens, joined, seen, first) & (joined < opens)
        older += np.where(there, ledger.between(codes, opens, add_months(opens, 3)), 0.0)
        counted += there
    before["margin_older"] = np.where(counted > 0, older / np.maximum(counted, 1), np.nan)
    per_quarter = np.where(quarters > 0, total / np.maximum(quarters, 1), np.nan)
    for quarter in range(1, min(int(quarters.max(initial=0)), MOST_QUARTERS_AFTER) + 1):
        opens, closes = add_months(day, 3 * quarter - 3), add_months(day, 3 * quarter)
        margin = ledger.between(codes, opens, closes)
        before[f"margin_after_{quarter}"] = np.where(quarters >= quarter, margin, np.nan)
    tenure = (day - joined) / DAYS_PER_MONTH
    return rows.assign(
        quarters=quarters, margin_per_quarter=per_quarter, tenure_months=tenure, **before
    )


def rollout_panels(data: Dataset) -> dict[str, pd.DataFrame]:
    """The roll-out frame of each programme that has rows in the table `rollout`."""
    if not data.has("rollout") or data.settings.covers is None:
        return {}
    known = sorted(data.table("rollout")["programme_id"].astype(str).unique())
    return {programme: rollout_panel(data, programme) for programme in known}


def assignment_outcomes(data: Dataset) -> dict[str, pd.DataFrame]:
    """The outcomes frame of each programme that has rows in the table `exposures`."""
    if not data.has("exposures") or data.settings.covers is None:
        return {}
    known = sorted(data.table("exposures")["programme_id"].astype(str).unique())
    return {programme: experiment_outcomes(data, programme) for programme in known}
