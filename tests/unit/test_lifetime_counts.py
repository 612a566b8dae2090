"""Curves and tests from counts by time equal those from the customers' own rows, to the last bit."""

from __future__ import annotations

import dataclasses

import duckdb
import numpy as np
import pandas as pd
import pytest

from analysis.errors import ParameterError
from analysis.intake.dataset import open_dataset
from analysis.intake.lifetime_counts import MISSING, lifetime_counts
from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival import counts as by_counts
from analysis.methods.survival.nonparametric import kaplan_meier, log_rank, pairwise_log_rank

DAYS_PER_MONTH = 30.4375
SETTINGS = """\
company: A
currency: EUR
covers: {from: 2024-01-01, to: 2025-12-31}
economics: {gross_margin: 0.5}
disclosure: "off"
sources: {customers: customers.csv}
tables: {customers: {}}
"""
CUSTOMERS = """\
customer_id,started_on,ended_on,region,segment
a,2024-01-01,2024-12-31,North,home
b,2024-01-01,2024-12-31,North,home
c,2024-01-01,,South,home
d,2024-07-01,2025-06-30,South,shop
e,2024-07-01,,,shop
"""


def lifetimes(seed: int, n: int = 400, delayed: bool = True) -> pd.DataFrame:
    """Days of tenure with ties, delayed entry, three groups of which one is rare."""
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, 200, n) * (rng.random(n) < 0.5) if delayed else np.zeros(n)
    exit_ = entry + rng.integers(1, 300, n)
    return pd.DataFrame(
        {
            "entry_months": entry / DAYS_PER_MONTH,
            "exit_months": exit_ / DAYS_PER_MONTH,
            "ended": rng.random(n) < 0.6,
            "plan": rng.choice(["basic", "plus", "top"], n, p=[0.5, 0.45, 0.05]),
        }
    )


def counted(frame: pd.DataFrame, group: str = "plan") -> dict[str, by_counts.LifetimeCounts]:
    with duckdb.connect(":memory:") as connection:
        connection.register("lives", frame)
        return by_counts.counts_by_group(lifetime_counts(connection, "lives", group))


def arrays(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        frame["entry_months"].to_numpy(),
        frame["exit_months"].to_numpy(),
        frame["ended"].to_numpy(),
    )


def same(first: object, second: object) -> bool:
    fields = [field.name for field in dataclasses.fields(first)]  # type: ignore[arg-type]
    return all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)
        if isinstance(getattr(first, name), np.ndarray)
        else getattr(first, name) == getattr(second, name)
        for name in fields
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("delayed", [False, True])
def test_counts_and_rows_give_the_same_curves_and_tests(seed: int, delayed: bool) -> None:
    frame = lifetimes(seed, delayed=delayed)
    groups = counted(frame)
    assert sorted(groups) == ["basic", "plus", "top"]
    for name, part in frame.groupby("plan"):
        assert same(by_counts.kaplan_meier_from_counts(groups[name]), kaplan_meier(*arrays(part)))
    rows = kaplan_meier(*arrays(frame), 0.9)
    assert same(by_counts.kaplan_meier_from_counts(by_counts.pool(groups), 0.9), rows)
    assert same(by_counts.kaplan_meier_from_counts(counted(frame, "")["all"], 0.9), rows)
    codes = frame["plan"].astype("category").cat.codes.to_numpy().astype(np.int64)
    assert same(by_counts.log_rank_from_counts(groups), log_rank(*arrays(frame), codes))
    pairs = pairwise_log_rank(*arrays(frame), codes)
    assert list(by_counts.pairwise_log_rank_from_counts(groups).values()) == list(pairs.values())


def test_entry_can_be_ignored_on_purpose() -> None:
    frame = lifetimes(3)
    naive = counted(frame, "")["all"].from_the_start()
    entry, exit_, ended = arrays(frame)
    rows = kaplan_meier(np.zeros_like(entry), exit_, ended)
    assert same(by_counts.kaplan_meier_from_counts(naive), rows)
    assert not same(rows, kaplan_meier(entry, exit_, ended))


def test_counts_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "entry_months": [0.0, 0.0, 1.0, 2.0],
            "exit_months": [2.0, 2.0, 3.0, 3.0],
            "ended": [True, False, True, True],
            "plan": ["a", None, "a", "a"],
        }
    )
    groups = counted(frame)
    assert sorted(groups) == [MISSING, "a"]
    a = groups["a"]
    assert a.times.tolist() == [0, 1, 2, 3]
    assert a.entries.tolist() == [1, 1, 1, 0]
    assert a.exits.tolist() == [0, 0, 1, 2]
    assert a.losses.tolist() == [0, 0, 1, 2]
    assert (a.n, a.n_events, a.last_time) == (3, 3, 3.0)
    # Who enters at 2 is not yet at risk of leaving at 2.
    assert a.at_risk([0, 1, 2, 2.5, 3, 9]).tolist() == [0, 1, 2, 2, 2, 0]
    assert a.losses_at(np.array([1.0, 2.0, 2.5, 9.0])).tolist() == [0, 1, 0, 0]
    assert groups[MISSING].n_events == 0


def test_degenerate_samples_say_what_is_wrong() -> None:
    nobody = by_counts.lifetime_counts([], [], [], [])
    with pytest.raises(CannotEstimate, match="nobody to follow"):
        by_counts.kaplan_meier_from_counts(nobody)
    assert by_counts.counts_by_group(pd.DataFrame()) == {}
    assert by_counts.pool({}).n == 0
    stays = by_counts.lifetime_counts([0, 5], [3, 0], [0, 3], [0, 0])
    assert by_counts.kaplan_meier_from_counts(stays).at(4).value == 1
    for groups, sentence in (({}, "only one group"), ({"a": stays}, "only one group")):
        with pytest.raises(CannotEstimate, match=sentence):
            by_counts.log_rank_from_counts(groups)
    with pytest.raises(CannotEstimate, match="Nobody has left"):
        by_counts.log_rank_from_counts({"a": stays, "b": stays})
    assert by_counts.pairwise_log_rank_from_counts({"a": stays, "b": stays}) == {("a", "b"): 1.0}
    assert by_counts.pairwise_log_rank_from_counts({}) == {}


@pytest.mark.parametrize(
    ("entries", "exits", "losses"),
    [
        ([2, 0], [0, 1], [0, 1]),
        ([2, 0], [0, 2], [1, 2]),
        ([2.5, 0], [0, 2.5], [0, 1]),
        ([2, -1], [0, 1], [0, 1]),
        ([2], [0, 2], [0, 1]),
    ],
)
def test_counts_that_cannot_be_are_refused(entries, exits, losses) -> None:
    with pytest.raises(ValueError, match=r"customers|entered|entries"):
        by_counts.lifetime_counts([0, 5], entries, exits, losses)


def test_a_data_set_is_counted_as_it_would_be_read(make_dataset) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS)
    for segment, n in (("", 5), ("segment=shop", 2)):
        data = open_dataset(folder, segment=segment)
        groups = by_counts.counts_by_group(data.lifetime_counts("region"))
        assert sum(part.n for part in groups.values()) == n
        whole = by_counts.counts_by_group(data.lifetime_counts())["all"]
        rows = kaplan_meier(*arrays(data.lifetimes()))
        assert same(by_counts.kaplan_meier_from_counts(whole), rows)
    assert sorted(groups) == [MISSING, "South"]
    with pytest.raises(ParameterError, match=r"no column 'colour', only .*region"):
        data.lifetime_counts("colour")
