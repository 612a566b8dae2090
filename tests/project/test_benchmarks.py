"""Every comparison that `make bench` measures names functions that are there and agree."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import all_comparisons  # noqa: E402
from benchmarks.harness import (  # noqa: E402
    Contender,
    Limit,
    Measurement,
    RContender,
    Skipped,
    absent_import,
    is_equal,
    make_data,
    measure,
    run_here,
)
from benchmarks.tables import report  # noqa: E402

COMPARISONS = all_comparisons()
NOTHING_SPECIAL = next(iter(COMPARISONS.values()))
TWO = dataclasses.replace(
    NOTHING_SPECIAL,
    contenders=(Contender("ours", "m:f"), Contender("other", "m:g")),
    limits=(Limit("other", time=1 / 3, memory=1 / 4),),
)


@pytest.mark.filterwarnings("default")  # other libraries' own warnings are theirs
@pytest.mark.parametrize("name", COMPARISONS)
def test_contenders_agree_on_few_rows(name: str, tmp_path: Path) -> None:
    comparison = COMPARISONS[name]
    folder = make_data(comparison, comparison.few_rows, tmp_path)
    results = {
        c.name: run_here(c, folder)
        for c in comparison.contenders
        if isinstance(c, Contender) and not absent_import(c.imports)
    }
    ours, *others = results
    for other in others:
        assert is_equal(results[ours], results[other], comparison.tolerance), (
            f"{other} gives {results[other]}, ours {results[ours]}"
        )


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_name_what_is_there(name: str) -> None:
    comparison = COMPARISONS[name]
    contenders = [contender.name for contender in comparison.contenders]
    assert contenders[0].startswith("ours")
    assert len(set(contenders)) == len(contenders) > 1
    assert {limit.against for limit in comparison.limits} <= set(contenders[1:])
    for contender in comparison.contenders:
        if isinstance(contender, RContender):
            assert (ROOT / "benchmarks" / contender.script).is_file()


def test_data_are_made_once_and_replaced_with_their_source(tmp_path: Path) -> None:
    earlier = tmp_path / "curves-500-0badc0de"
    other_size = tmp_path / "curves-5000-0badc0de"
    earlier.mkdir()
    other_size.mkdir()
    folder = make_data(COMPARISONS["curves"], 500, tmp_path)
    made = next(folder.iterdir()).stat().st_mtime_ns
    assert make_data(COMPARISONS["curves"], 500, tmp_path) == folder
    assert next(folder.iterdir()).stat().st_mtime_ns == made
    assert not earlier.exists()
    assert other_size.exists()


def test_a_contender_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    folder = make_data(COMPARISONS["curves"], 500, tmp_path)
    contender = COMPARISONS["curves"].contenders[0]
    assert isinstance(contender, Contender)
    outcome = measure(contender, folder)
    assert isinstance(outcome, Measurement), outcome
    assert outcome.seconds > 0
    assert outcome.megabytes > 0
    assert is_equal(outcome.result, run_here(contender, folder), 0.0)


def test_a_contender_that_cannot_run_says_why(tmp_path: Path) -> None:
    outcome = measure(Contender("ours", "no_such_module:function"), tmp_path)
    assert isinstance(outcome, Skipped)
    assert outcome.failed
    assert "no_such_module" in outcome.reason


def outcomes(seconds: float, megabytes: float, result: float = 1.0) -> list[Measurement]:
    other = Measurement(3.0, 400.0, np.array([1.0]))
    return [Measurement(seconds, megabytes, np.array([result])), other]


@pytest.mark.parametrize(
    ("seconds", "megabytes", "result", "good"),
    [
        (0.9, 90.0, 1.0, True),
        (1.1, 90.0, 1.0, False),
        (0.9, 110.0, 1.0, False),
        (0.9, 90.0, 1.01, False),
    ],
)
def test_limits_and_results_decide(
    seconds: float, megabytes: float, result: float, good: bool
) -> None:
    told = report(TWO, list(outcomes(seconds, megabytes, result)), TWO.rows)
    assert told.good is good
    assert ("NOT MET" in told.text or "DIFFERS" in told.text) is not good
    assert str(ROOT) not in told.text


def test_results_are_compared_number_by_number() -> None:
    ours = np.array([0.5, 1e6])
    assert is_equal(ours, np.array([0.5, 1e6 + 1e-4]), 1e-9)
    assert not is_equal(ours, np.array([0.5001, 1e6]), 1e-9), "a large number hides none"
    assert not is_equal(ours, np.array([0.5]), 1e-9)
    assert not is_equal(np.array([np.nan]), np.array([np.nan]), 1e-9)


def test_limits_are_judged_at_full_scale_only() -> None:
    told = report(TWO, list(outcomes(2.0, 300.0)), TWO.rows // 10)
    assert told.good
    assert f"judged at {TWO.rows:,} rows only" in told.text


def test_what_is_not_installed_decides_nothing_and_what_fails_does() -> None:
    ours = Measurement(1.0, 10.0, np.array([1.0]))
    assert report(TWO, [ours, Skipped("R is not here, skipped")], TWO.rows).good
    assert not report(TWO, [ours, Skipped("failed: no memory", failed=True)], TWO.rows).good
