"""Why customers leave: the incidence of each recorded reason, the others competing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.competing import Incidence, aalen_johansen
from analysis.methods.survival.groups import FEWEST_CUSTOMERS, lifetime_arrays

if TYPE_CHECKING:
    import pandas as pd

NOT_RECORDED = "not recorded"
OTHER_REASONS = "other reasons"
MOST_REASONS = 6


def incidence_by_reason(lifetimes: pd.DataFrame) -> dict[str, Incidence]:
    """Cumulative incidence by reason, the most frequent first.

    Reasons of fewer than eight customers, and those past the sixth, are taken together; were these
    fewer than eight in all, the rarest of the others joins them, so that no difference gives them
    away. Raises CannotEstimate if nobody left or no reason is recorded.
    """
    ended = lifetimes["ended"]
    if lifetimes["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers: reasons are not told apart."
        )
    if not ended.any():
        raise CannotEstimate("Nobody has left, so there is no reason to tell apart.")
    if lifetimes.loc[ended, "end_reason"].isna().all():
        raise CannotEstimate("The export carries no reasons for leaving.")
    reason = lifetimes["end_reason"].fillna(NOT_RECORDED).astype(str).where(ended)
    counts = reason.value_counts()
    counts = counts.iloc[np.lexsort((counts.index.to_numpy(str), -counts.to_numpy()))]
    large = list(counts.index[counts >= FEWEST_CUSTOMERS][:MOST_REASONS])
    rest = int(counts.sum() - counts[large].sum())
    if large and 0 < rest < FEWEST_CUSTOMERS:
        large = large[:-1]
    merged = reason.where(reason.isin(large) | ~ended, OTHER_REASONS)
    names = [*large, *([OTHER_REASONS] if merged[ended].eq(OTHER_REASONS).any() else [])]
    codes = merged.map({name: place for place, name in enumerate(names, 1)}).fillna(0)
    entry, exit_, _ = lifetime_arrays(lifetimes)
    found = aalen_johansen(entry, exit_, codes.to_numpy(np.int64))
    return {name: found[place] for place, name in enumerate(names, 1)}
