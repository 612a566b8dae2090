"""Gaps, channels, medians and shares equal R's; see pain_points/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile, wilson
from analysis.methods.pain_points.channels import channel_spread
from analysis.methods.pain_points.gaps import Gap, touchpoint_gaps
from analysis.methods.pain_points.journey import _p_value, difference_of_shares
from analysis.methods.pain_points.small_samples import median_of

HERE = Path(__file__).parent / "pain_points"
RELATIVE = 1e-8
FIRST_DAYS = np.array(["2025-01-10", "2025-04-10", "2025-07-10", "2025-10-10"])


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    table = pd.read_csv(HERE / "answers.csv")
    return pd.DataFrame(
        {
            "customer_id": table["customer"].map("C{:02d}".format),
            "response_id": [f"R{i:03d}" for i in range(len(table))],
            "day": pd.to_datetime(FIRST_DAYS[table["quarter"]]),
            "score": table["score"].astype(float),
            "touchpoint": table["place"],
            "place": table["place"],
            "channel": table["channel"],
            "late": np.nan,
        }
    )


@pytest.fixture(scope="module")
def gaps(answers: pd.DataFrame) -> dict[str, Gap]:
    found = touchpoint_gaps(answers)
    assert found.reason == ""
    return {gap.place: gap for gap in found.places}


def half(estimate: Estimate) -> float:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return (estimate.upper - estimate.lower) / 2


@pytest.mark.parametrize("place", ["desk", "line", "shop"])
def test_gap_equals_dummies_for_customers_and_quarters(
    place: str, gaps: dict[str, Gap], golden: dict[str, float]
) -> None:
    gap = gaps[place].gap
    assert gap.value == pytest.approx(golden[f"gap {place}"], rel=RELATIVE)
    error = half(gap) / t_quantile(0.95, gap.n - 1)
    assert error == pytest.approx(golden[f"gap error {place}"], rel=RELATIVE)


@pytest.mark.parametrize("place", ["desk", "line", "shop"])
def test_plain_gap_equals_a_difference_of_means(
    place: str, gaps: dict[str, Gap], golden: dict[str, float]
) -> None:
    plain = gaps[place].plain
    assert plain.value == pytest.approx(golden[f"plain {place}"], rel=RELATIVE)
    error = half(plain) / t_quantile(0.95, plain.n - 1)
    assert error == pytest.approx(golden[f"plain error {place}"], rel=RELATIVE)


def test_channels_equal_a_wald_test(answers: pd.DataFrame, golden: dict[str, float]) -> None:
    spread = channel_spread(answers, "score", "CSAT points")
    assert spread.p_value == pytest.approx(golden["channel p"], rel=RELATIVE)
    apart = spread.by_channel["mail"].value - spread.by_channel["chat"].value
    assert apart == pytest.approx(golden["channel mail less chat"], rel=RELATIVE)


def test_median_has_the_ranks_of_the_sign_test(golden: dict[str, float]) -> None:
    hours = pd.read_csv(HERE / "hours.csv")["hours"].to_numpy(float)
    found = median_of(hours, np.arange(len(hours)), "hours")
    assert (found.value, found.lower, found.upper) == pytest.approx(
        (golden["median"], golden["median lower"], golden["median upper"])
    )


def test_difference_of_shares_equals_newcombe(golden: dict[str, float]) -> None:
    # Newcombe 1998, table II, 56/70 - 48/80, method 10: .0524 to .3339.
    found = difference_of_shares(wilson(56, 70), wilson(48, 80))
    assert found.lower == pytest.approx(golden["shares lower"], rel=RELATIVE)
    assert found.upper == pytest.approx(golden["shares upper"], rel=RELATIVE)
    assert (found.lower, found.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert _p_value(wilson(56, 70), wilson(48, 80)) == pytest.approx(golden["shares p"])
