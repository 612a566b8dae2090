"""What customers said before and after an assignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.intake.programme_ledger import KEY_STEP, Days, days_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.intake.dataset import Dataset

SCORES = ("csat", "nps")


@dataclass(frozen=True, slots=True)
class AnswerSums:
    """Answers to one instrument: keys as in `MarginLedger`, running sums of scores."""

    keys: Days
    running: npt.NDArray[np.float64]


def answer_sums(data: Dataset, customers: pd.Index, instrument: str) -> AnswerSums:
    """The answers of `customers` to one instrument, ready for means over any span."""
    import pandas as pd

    nothing = AnswerSums(np.empty(0, dtype=np.int64), np.zeros(1))
    if not data.has("surveys.score") or "answered_on" not in data.table("surveys").columns:
        return nothing
    answers = data.table("surveys")
    answers = answers[
        (answers["instrument"] == instrument)
        & answers[["score", "answered_on", "customer_id"]].notna().all(axis=1)
    ]
    codes = customers.get_indexer(pd.Index(answers["customer_id"])).astype(np.int64)
    keys = codes * KEY_STEP + days_of(answers["answered_on"])
    score = _in_points(answers["score"].to_numpy(float), instrument)
    known = codes >= 0
    order = np.lexsort((score[known], keys[known]))
    running = np.concatenate([[0.0], np.cumsum(score[known][order])])
    return AnswerSums(keys[known][order], running)


def _in_points(scores: npt.NDArray[np.float64], instrument: str) -> npt.NDArray[np.float64]:
    """Recommendation as −100 (0–6), 0 (7, 8) or 100 (9, 10), so that means are NPS points."""
    if instrument != "nps":
        return scores
    return np.where(scores >= 9, 100.0, np.where(scores <= 6, -100.0, 0.0))


def mean_answer(
    answers: AnswerSums, codes: Days, first: Days, end: Days
) -> npt.NDArray[np.float64]:
    """Mean answer of customers `codes` from day `first` on and before `end`; missing without."""
    lower = np.searchsorted(answers.keys, codes * KEY_STEP + first)
    upper = np.searchsorted(answers.keys, codes * KEY_STEP + end)
    total, count = answers.running[upper] - answers.running[lower], upper - lower
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def with_scores(data: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """Last score per instrument known before the day, its age, and the CSAT given afterwards."""
    import pandas as pd

    if not data.has("surveys.score") or "answered_on" not in data.table("surveys").columns:
        return rows
    answers = data.table("surveys")
    answers = answers[answers["score"].notna() & answers["answered_on"].notna()]
    answers = answers[answers["customer_id"].notna()]
    answers = answers.assign(
        answered=days_of(answers["answered_on"]), customer_id=answers["customer_id"].astype(str)
    )
    daily = (
        answers.groupby(["instrument", "customer_id", "answered"], sort=True)["score"]
        .mean()
        .reset_index()
    )
    ordered = rows.sort_values(["day", "customer_id"]).reset_index(drop=True)
    for instrument in ("csat", "nps", "ces"):
        given = daily[daily["instrument"] == instrument].sort_values(["answered", "customer_id"])
        if given.empty:
            continue
        last = pd.merge_asof(
            ordered[["customer_id", "day"]],
            given[["customer_id", "answered", "score"]],
            left_on="day",
            right_on="answered",
            by="customer_id",
            allow_exact_matches=False,
        )
        ordered[f"{instrument}_score"] = last["score"].to_numpy(float)
        ordered[f"{instrument}_age_days"] = (last["day"] - last["answered"]).to_numpy(float)
    for instrument in SCORES:
        given = daily[daily["instrument"] == instrument][["customer_id", "answered", "score"]]
        given = given.assign(score=_in_points(given["score"].to_numpy(float), instrument))
        later = ordered[["customer_id", "day"]].merge(given, on="customer_id")
        later = later[later["answered"] > later["day"]]
        after = later.groupby(["customer_id", "day"])["score"].mean().rename(f"{instrument}_after")
        ordered = ordered.merge(after.reset_index(), on=["customer_id", "day"], how="left")
    return ordered
