"""Segments against the rest: planted ones are flagged, few answers that agree are not."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.segment_flags import flag_segments


def segments(n: int = 100, count: int = 6) -> list[str]:
    return [f"segment {i}" for i in range(count) for _ in range(n)]


def test_a_planted_difference_is_flagged_and_no_other() -> None:
    values = np.random.default_rng(1).normal(size=1200)
    values[120:180] -= 1.2
    flags = flag_segments(values, segments(60, 20))
    assert [one.segment for one in flags.flagged] == ["segment 2"]
    first = flags.segments[0]
    assert first.difference.lower is not None
    assert first.difference.upper is not None
    assert first.difference.lower < -1.2 < first.difference.upper
    assert first.adjusted_p_value == pytest.approx(20 * first.p_value)
    assert first.customers == 60


def test_eight_customers_who_agree_prove_nothing() -> None:
    rng = np.random.default_rng(2)
    values = np.r_[rng.choice([3.0, 4.0, 5.0], 200, p=[0.1, 0.2, 0.7]), np.full(8, 5.0)]
    flags = flag_segments(values, ["many"] * 100 + ["others"] * 100 + ["few"] * 8)
    few = next(one for one in flags.segments if one.segment == "few")
    assert few.difference.value > 0.2
    assert not few.flagged
    assert few.p_value > 0.05


def test_answers_of_one_customer_count_as_one() -> None:
    rng = np.random.default_rng(3)
    mood = rng.normal(size=40)
    who = np.repeat(np.arange(40), 50)
    values = mood[who] + 0.1 * rng.normal(size=len(who))
    groups = ["north" if code < 20 else "south" for code in who]
    alone = flag_segments(values, groups).segments[0]
    together = flag_segments(values, groups, list(who)).segments[0]
    assert together.p_value > 20 * alone.p_value or together.p_value > 0.05
    assert together.difference.value == pytest.approx(alone.difference.value)
    width_together = together.difference.upper - together.difference.lower  # type: ignore[operator]
    width_alone = alone.difference.upper - alone.difference.lower  # type: ignore[operator]
    assert width_together > 4 * width_alone


def test_a_customer_in_two_segments_is_compared_with_himself() -> None:
    rng = np.random.default_rng(4)
    mood = 3 * rng.normal(size=60)
    values = np.r_[mood, mood + 0.8 + 0.5 * rng.normal(size=60)]
    groups, who = ["shop"] * 60 + ["chat"] * 60, [*range(60), *range(60)]
    assert len(flag_segments(values, groups, who).flagged) == 2
    assert flag_segments(values, groups).flagged == ()


def test_rows_and_names_change_nothing() -> None:
    rng = np.random.default_rng(5)
    values, groups, who = rng.normal(size=300), segments(50), [f"c{i // 2}" for i in range(300)]
    order = rng.permutation(300)
    first = flag_segments(values, groups, who)
    second = flag_segments(values[order], [groups[i] for i in order], [who[i][::-1] for i in order])
    assert [one.segment for one in first.segments] == [one.segment for one in second.segments]
    for one, other in zip(first.segments, second.segments, strict=True):
        assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_small_segments_and_gaps_are_left_out_with_a_reason() -> None:
    values = np.r_[np.random.default_rng(6).normal(size=60), np.nan]
    groups = ["north"] * 30 + ["south"] * 25 + ["tiny"] * 4 + [""] + ["north"]
    flags = flag_segments(values, groups)
    assert {one.segment for one in flags.segments} == {"north", "south"}
    ((name, reason),) = flags.unavailable
    assert name == "tiny"
    assert reason.reason == "Fewer than 8 customers are in tiny or outside it."


def test_where_all_agree_nothing_is_flagged() -> None:
    flags = flag_segments(np.full(600, 4.0), segments())
    assert flags.flagged == ()
    assert all(one.p_value == 1 for one in flags.segments)


@pytest.mark.parametrize(
    ("values", "groups", "says"),
    [
        ([], [], "only one segment"),
        ([1.0] * 20, ["all"] * 20, "only one segment"),
        ([1.0, 2.0] * 3, ["a", "b"] * 3, "No segment has 8 customers"),
        ([float("nan")] * 20, ["a", "b"] * 10, "only one segment"),
    ],
)
def test_data_without_segments_give_a_sentence(
    values: list[float], groups: list[str], says: str
) -> None:
    with pytest.raises(CannotEstimate, match=says):
        flag_segments(np.array(values), groups)
