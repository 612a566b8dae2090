"""Sums over risk sets equal their definition, written out event by event."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.survival import risk_sets
from analysis.methods.survival.risk_sets import arrange, derive, sum_risks


def by_definition(start, stop, ended, x, beta, ties, weight):
    """Log-likelihood, and gradient and information with events weighed by time."""
    k = x.shape[1]
    likelihood, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
    risk = np.exp(x @ beta)
    for time in np.unique(stop[ended]):
        under = (start < time) & (stop >= time)
        dead = np.flatnonzero(ended & (stop == time))
        for place, death in enumerate(dead):
            shares = under * risk
            if ties == "efron":
                shares[dead] *= 1 - place / len(dead)
            total = shares.sum()
            mean = shares @ x / total
            likelihood += x[death] @ beta - np.log(total)
            gradient += weight(time) * (x[death] - mean)
            centred = x - mean
            information += weight(time) * (centred * shares[:, None]).T @ centred / total
    return likelihood, gradient, information


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_sums_equal_their_definition(ties, delayed, tied, monkeypatch) -> None:
    monkeypatch.setattr(risk_sets, "BLOCK", 7)  # several blocks, the last not full
    rng = np.random.default_rng(5)
    n = 60
    start = rng.random(n) * 3 if delayed else np.zeros(n)
    length = np.ceil(rng.exponential(4, n)) if tied else rng.exponential(4, n)
    stop = np.ceil(start) + length
    ended = rng.random(n) < 0.6
    x = rng.normal(size=(n, 3))
    beta = np.array([0.4, -0.7, 0.1])
    (sets,) = arrange(start, stop, ended, x, np.zeros(3), np.ones(3), None, ties)
    assert sets.tied == (tied and ties == "efron")
    assert sets.delayed == delayed
    sums = sum_risks(sets, beta)
    for weights, weight in ((None, lambda _: 1.0), (np.sqrt(sets.times), np.sqrt)):
        likelihood, *expected = by_definition(start, stop, ended, x, beta, ties, weight)
        assert sums.log_likelihood == pytest.approx(likelihood, rel=1e-12)
        for got, wanted in zip(derive(sets, sums, weights), expected, strict=True):
            assert got == pytest.approx(wanted, rel=1e-11, abs=1e-11)


def test_rows_in_no_risk_set_are_left_out() -> None:
    start = np.array([0.0, 0.0, 5.0, 0.0, 2.0])
    stop = np.array([3.0, 1.0, 9.0, 4.0, 2.0])  # the last never was at risk
    ended = np.array([True, False, False, True, True])
    x = np.arange(5.0)[:, None]
    (sets,) = arrange(start, stop, ended, x, np.zeros(1), np.ones(1), None, "efron")
    assert sets.times.tolist() == [3, 4]
    assert sets.covariates.tolist() == [[0.0, 3.0]]
    assert sets.at_risk(np.ones(2)).tolist() == [2, 1]


def test_a_stratum_without_events_is_left_out() -> None:
    strata = np.array([0, 0, 1, 1])
    ended = np.array([True, False, False, False])
    ones = np.ones(4)
    made = list(
        arrange(
            np.zeros(4), ones, ended, np.zeros((4, 1)), np.zeros(1), np.ones(1), strata, "efron"
        )
    )
    assert [sets.covariates.shape for sets in made] == [(1, 2)]


def test_a_step_too_far_is_noticed() -> None:
    x = np.array([[0.0], [2000.0]])
    (sets,) = arrange(
        np.zeros(2),
        np.array([2.0, 1.0]),
        np.ones(2, bool),
        x,
        np.zeros(1),
        np.ones(1),
        None,
        "efron",
    )
    assert sum_risks(sets, np.ones(1)) is None
