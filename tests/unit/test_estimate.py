"""The vocabulary of results: reasons in place of numbers, and what may be published of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import (
    CannotEstimate,
    Estimate,
    Finding,
    Metric,
    NotEstimable,
    attempt,
)
from analysis.presentation.output import disclosed, json_ready

ON, OFF = Disclosure(enabled=True), Disclosure(enabled=False)


def estimate(n: int = 100, value: float = 0.5) -> Estimate:
    return Estimate(value, 0.4, 0.6, "share", n, "Wilson")


def refuse(*_: object) -> float:
    raise CannotEstimate("Nobody answered.")


# attempt


def test_attempt_gives_the_result() -> None:
    assert attempt(max, 1, 2) == 2


def test_attempt_gives_the_reason() -> None:
    assert attempt(refuse, 1) == NotEstimable("Nobody answered.")


def test_attempt_hands_on_a_missing_number_without_calling() -> None:
    missing = NotEstimable("Nobody was asked.")
    assert attempt(refuse, 1, missing) is missing
    assert attempt(sorted, [], key=missing) is missing


def test_attempt_hides_no_mistake() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)


# json_ready


def test_json_of_an_estimate() -> None:
    ready = json_ready(estimate())
    assert ready == {
        "value": 0.5, "lower": 0.4, "upper": 0.6, "unit": "share", "n": 100, "method": "Wilson",
        "confidence_level": 0.95,
    }  # fmt: skip
    assert json.loads(json.dumps(ready)) == ready


def test_json_keeps_nine_significant_digits() -> None:
    assert json_ready(1 / 3) == 0.333333333
    assert json_ready(123456.7890123) == 123456.789
    assert math.copysign(1, json_ready(-0.0)) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_json_has_no_word_for_not_a_number(value: float) -> None:
    assert json_ready(value) is None
    json.dumps(json_ready({"a": [value]}), allow_nan=False)


def test_json_of_numpy_and_containers() -> None:
    ready = json_ready({1: (np.int64(3), np.float64(0.5), np.bool_(True), "x", None, True)})
    assert ready == {"1": [3, 0.5, True, "x", None, True]}
    assert type(ready["1"][2]) is bool
    assert type(ready["1"][0]) is int


def test_json_of_a_reason() -> None:
    assert json_ready(NotEstimable("Nobody.")) == {"not_estimable": "Nobody."}


# disclosed


def test_bases_are_rounded_to_five() -> None:
    assert disclosed(estimate(103), ON).n == 105
    assert disclosed(estimate(103), OFF).n == 103


@pytest.mark.parametrize(("n", "withheld"), [(0, False), (1, True), (7, True), (8, False)])
def test_an_estimate_on_fewer_than_eight_is_withheld(n: int, withheld: bool) -> None:
    shown = disclosed(estimate(n), ON)
    assert isinstance(shown, NotEstimable) is withheld
    assert isinstance(disclosed(estimate(n), OFF), Estimate)


def test_a_withheld_reason_tells_no_number() -> None:
    shown = disclosed(estimate(3), ON)
    assert not any(character.isdigit() for character in shown.reason)


def test_everything_within_is_disclosed() -> None:
    finding = Finding("id", "Said.", {"a": estimate(3), "b": estimate(12)}, "association", "", None)
    shown = disclosed(finding, ON)
    assert isinstance(shown.estimates["a"], NotEstimable)
    assert shown.estimates["b"].n == 10
    assert finding.estimates["b"].n == 12  # the original is left as it was
    missing = NotEstimable("No answers.")
    metric = Metric("nps", "NPS", estimate(7), missing, missing, missing, missing)
    (shown_metric,) = disclosed([metric], ON)
    assert isinstance(shown_metric.now, NotEstimable)
    assert shown_metric.previous == missing


def test_limits_of_money_are_given_alike() -> None:
    from analysis.presentation.wording import format_interval

    def limits(lower: float, upper: float, decimals: int | None = None) -> str:
        return format_interval(Estimate(1.0, lower, upper, "EUR", 10, "made up"), decimals)

    assert limits(400, 8400) == "€400 to €8,400"
    assert limits(-2500, -3.5) == "−€2,500 to −€4"
    assert limits(8.8, 15.2) == "€8.80 to €15.20"
    assert limits(400, 8400, decimals=2) == "€400.00 to €8,400.00"
