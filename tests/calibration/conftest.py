"""Coverage and error rates by simulation: 200 runs in `make test`, 2,000 in `make calibrate`.

The bounds widen with fewer runs, so that a sound estimator fails at neither size; each figure is
printed at the end of `make calibrate`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pytest

MANY_RUNS = 2000
COVERAGE_OF_MANY = (0.935, 0.965)
COVERAGE_OF_FEW = (0.895, 0.99)
REJECTIONS_OF_MANY = 0.065
REJECTIONS_OF_FEW = 0.10
FIGURE = "calibration"


@dataclass(frozen=True)
class Calibration:
    """Judges shares among simulated runs, and notes each for the summary."""

    runs: int
    record: Callable[[str, object], None]

    def _share(self, name: str, outcomes: Iterable[bool]) -> float:
        chosen = np.asarray(list(outcomes), dtype=bool)
        assert len(chosen) == self.runs, f"{name}: {len(chosen)} outcomes of {self.runs} runs"
        share = float(chosen.mean())
        self.record(FIGURE, f"{name}: {share:.4f}")
        return share

    def coverage(self, name: str, covered: Iterable[bool]) -> None:
        """The interval holds the truth as often as it says."""
        low, high = COVERAGE_OF_MANY if self.runs >= MANY_RUNS else COVERAGE_OF_FEW
        share = self._share(f"coverage, {name}", covered)
        assert low <= share <= high, f"{name}: covers in {share:.1%} of {self.runs} runs"

    def misses(self, name: str, covered: Iterable[bool]) -> None:
        """The interval does not hold the truth as often as it says: what the remedy is for."""
        share = self._share(f"coverage (meant to miss), {name}", covered)
        assert share < COVERAGE_OF_FEW[0], f"{name}: covers in {share:.1%} of {self.runs} runs"

    def rejections(self, name: str, rejected: Iterable[bool]) -> None:
        """Where nothing differs, a difference is found in no more runs than the level allows."""
        bound = REJECTIONS_OF_MANY if self.runs >= MANY_RUNS else REJECTIONS_OF_FEW
        share = self._share(f"false alarms, {name}", rejected)
        assert share <= bound, f"{name}: false alarms in {share:.1%} of {self.runs} runs"

    def at_least(self, name: str, happened: Iterable[bool], bound: float) -> None:
        """What should happen in `bound` of all runs does, two binomial errors allowed for."""
        share = self._share(name, happened)
        slack = 2 * float(np.sqrt(bound * (1 - bound) / self.runs))
        assert share >= bound - slack, f"{name}: in {share:.1%} of {self.runs} runs"


@pytest.fixture(scope="session")
def runs() -> int:
    """How often each simulation is repeated."""
    return int(os.environ.get("CALIBRATION_RUNS", "200"))


@pytest.fixture
def calibration(runs: int, record_property: Callable[[str, object], None]) -> Calibration:
    return Calibration(runs, record_property)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every figure, where `make calibrate` asked for many runs."""
    if "CALIBRATION_RUNS" not in os.environ:
        return
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    figures = sorted(
        str(value)
        for report in reports
        if report.when == "call"
        for key, value in report.user_properties
        if key == FIGURE
    )
    if figures:
        terminalreporter.section(f"calibration, {os.environ['CALIBRATION_RUNS']} runs")
        for figure in figures:
            terminalreporter.write_line(figure)
