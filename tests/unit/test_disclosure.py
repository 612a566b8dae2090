"""Small cells are withheld, counts rounded, dominated money kept back."""

from __future__ import annotations

import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, Metric, NotEstimable
from analysis.presentation.output import disclosed

ON, OFF = Disclosure(), Disclosure(enabled=False)


@pytest.mark.parametrize(
    ("n", "shown"), [(0, 0), (1, None), (7, None), (8, 10), (12, 10), (13, 15)]
)
def test_counts_are_withheld_below_eight_and_rounded_above(n: int, shown: int | None) -> None:
    assert ON.count(n) == shown
    assert OFF.count(n) == n


def test_suppression_begins_below_eight_but_zero_hides_nobody() -> None:
    assert [n for n in range(12) if ON.suppressed(n)] == list(range(1, 8))
    assert not any(OFF.suppressed(n) for n in range(12))


def test_rates_come_from_rounded_counts() -> None:
    assert ON.share(13, 52) == pytest.approx(15 / 50)
    assert ON.share(3, 52) is None, "three events would be known"
    assert ON.share(0, 52) == 0.0
    assert ON.share(0, 0) is None
    assert ON.share(13, 13) == 1.0
    assert OFF.share(3, 52) == pytest.approx(3 / 52)


def test_one_customer_with_half_of_the_money_dominates() -> None:
    assert ON.dominated([50, 25, 25])
    assert not ON.dominated([49, 26, 25])
    assert ON.dominated([-60, 30, 20]), "refunds weigh by their size"
    assert not ON.dominated([])
    assert not OFF.dominated([100])


def test_small_estimates_are_withheld_wherever_they_stand() -> None:
    small = Estimate(0.5, 0.1, 0.9, "share", 7, "Wilson")
    large = Estimate(0.5, 0.4, 0.6, "share", 103, "Wilson")
    withheld = disclosed(small, ON)
    assert isinstance(withheld, NotEstimable)
    assert "fewer than eight" in withheld.reason
    assert disclosed(large, ON).n == 105
    metric = Metric("retention", "Retention", large, small, small, small, small)
    shown = disclosed([metric], ON)[0]
    assert isinstance(shown.now, Estimate)
    assert isinstance(shown.previous, NotEstimable)
    finding = Finding("x", "X.", {"a": large}, "description", "None.")
    assert disclosed(finding, ON).estimates["a"].n == 105
    assert disclosed(metric, OFF) == metric
