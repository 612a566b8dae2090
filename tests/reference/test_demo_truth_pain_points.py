"""The example company hurts at the returns desk and where deliveries come late: both are named first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.comments import CommentStudy
from analysis.methods.drivers import DriverStudy
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.importance_performance import ImportanceMap
from analysis.methods.pain_points.answers import LATE_DELIVERY
from analysis.methods.pain_points.channels import Spread
from analysis.methods.pain_points.depth import PainDepth, study_depth
from analysis.methods.pain_points.gaps import Gaps
from analysis.methods.pain_points.levels import Levels
from analysis.methods.pain_points.study import Economics, PainStudy, study_pain_points
from analysis.methods.pain_points.voices import words_at
from analysis.presentation.pain_points_words import find_pain
from analysis.simulation.journeys import live_through, quarter_openings
from analysis.simulation.people import draw_people
from analysis.simulation.world import Streams, World

DEMO = Path(__file__).resolve().parents[2] / "data/demo"
DRAWS = 400_000


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def study(data: Dataset) -> PainStudy:
    rules = data.settings.economics
    return study_pain_points(
        data.table("surveys"), data.table("contacts"), data.table("transactions"),
        data.customer_periods(), data.table("journey"), data.period, data.as_of, data.first_day,
        Economics(data.currency, rules.discount_rate_annual, rules.horizon_months, 3),
        data.settings.scales,
    )  # fmt: skip


@pytest.fixture(scope="module")
def depth(data: Dataset, study: PainStudy) -> PainDepth:
    return study_depth(
        study, data.table("surveys"), data.table("contacts"), data.table("transactions"),
        data.customer_periods(), data.period, data.as_of, data.settings.scales,
    )  # fmt: skip


def interval(estimate: object) -> tuple[float, float]:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.upper


def expected_opinion(world: World, push: float) -> float:
    """Mean opinion after an encounter with this push, on the scale from 1 to 5 as it is answered."""
    people = draw_people(world, Streams(5), 6000)
    rng = np.random.default_rng(0)
    middle = rng.choice(people.mean_satisfaction, DRAWS)
    around = world.orientation_on_satisfaction * rng.normal(size=DRAWS)
    around = around + world.satisfaction_noise * rng.normal(size=DRAWS)
    return float(np.clip(np.rint(middle + push + around), 1, 5).mean())


def test_both_are_named_first_with_their_money(study: PainStudy, data: Dataset) -> None:
    assert [pain.gap.place for pain in study.pains] == ["returns desk", LATE_DELIVERY]
    findings = [find_pain(pain, i, study, data.disclosure) for i, pain in enumerate(study.pains)]
    for finding, id in zip(findings, ("returns-desk", "late-delivery"), strict=True):
        assert isinstance(finding, Finding)
        assert finding.id == f"pain-point-{id}"
        assert finding.label == "association"
        assert interval(finding.money)[0] > 0
        assert "if the difference in satisfaction carried" in finding.sentence.lower()
    assert "hurts most" in findings[0].sentence  # type: ignore[union-attr]
    assert "A first reply there takes" in findings[0].sentence  # type: ignore[union-attr]
    assert "came late" in findings[1].sentence  # type: ignore[union-attr]


def test_gaps_cover_what_was_planted(study: PainStudy) -> None:
    assert isinstance(study.gaps, Gaps)
    world = World()
    pushes = dict(zip(world.touchpoints, world.touchpoint_on_satisfaction, strict=True))
    pushes[LATE_DELIVERY] = world.late_on_satisfaction
    truth = {place: expected_opinion(world, push) for place, push in pushes.items()}
    answers = {gap.place: gap.answers for gap in study.gaps.places}
    assert set(answers) == set(truth)
    for gap in study.gaps.places:
        others = [place for place in truth if place != gap.place]
        weights = [answers[place] for place in others]
        planted = truth[gap.place] - np.average([truth[place] for place in others], weights=weights)
        lower, upper = interval(gap.gap)
        assert lower <= planted <= upper, gap.place
    assert study.gaps.places[0].gap.value < -0.9


def test_as_it_stands_late_delivery_looks_better_than_it_is(study: PainStudy) -> None:
    # Who orders more is happier and meets more late deliveries: compared with others, that flatters.
    assert isinstance(study.gaps, Gaps)
    late = next(gap for gap in study.gaps.places if gap.place == LATE_DELIVERY)
    assert late.plain.value > interval(late.gap)[1]


def test_the_money_covers_a_company_without_the_pain(study: PainStudy) -> None:
    """Margin of those concerned in the quarters of the last year, with the place as good as the others."""
    world = replace(World(), csat_hazard_ratio=1.0)  # staying is not in the sum
    streams = Streams(5)
    people = draw_people(world, streams, 6000)
    base = live_through(world, people, streams, record=True)
    who, day, touch, _, opinion = (
        np.concatenate(part) for part in zip(*base.log.encounters, strict=True)
    )
    answered = ~np.isnan(opinion)
    who, day, touch = who[answered], day[answered], touch[answered]
    openings = quarter_openings(world)
    mended = {
        "returns desk": (2, {"touchpoint_on_satisfaction": (0.15, 0.05, -0.086, 0.20)}),
        LATE_DELIVERY: (-1, {"late_on_satisfaction": -0.12}),
    }
    for pain in study.pains:
        code, change = mended[pain.gap.place]
        other = live_through(replace(world, **change), people, streams)  # type: ignore[arg-type]
        gained = 0.0
        for quarter in range(8, 12):
            before = day < openings[quarter]
            last, when = np.full(people.n, -9), np.full(people.n, -(10**6))
            order = np.argsort(day[before], kind="stable")
            last[who[before][order]] = touch[before][order]
            when[who[before][order]] = day[before][order]
            concerned = (last == code) & (when >= openings[quarter] - 365)
            concerned &= base.active_at_opening[:, quarter]
            gained += float((other.spend - base.spend)[concerned, quarter].sum())
        truth = gained / 4 * world.gross_margin
        lower, upper = interval(pain.per_period)
        assert lower <= truth <= upper, (pain.gap.place, truth)


def test_the_desk_replies_slowly(study: PainStudy) -> None:
    here, there = study.waits["returns desk"]
    # Planted: three times as long as elsewhere.
    assert here.value / there.value == pytest.approx(3, rel=0.15)
    assert isinstance(study.levels, Levels)


def test_one_order_in_ten_comes_late(study: PainStudy) -> None:
    assert not isinstance(study.orders, NotEstimable)
    covered = [interval(level.late)[0] <= 0.10 <= interval(level.late)[1] for level in study.orders]
    assert sum(covered) >= len(covered) - 1


def test_no_step_of_the_path_has_changed(study: PainStudy) -> None:
    assert not isinstance(study.path, NotEstimable)
    planted = {"visit": 0.42, "basket": 0.61, "checkout": 0.55, "payment": 0.93}
    assert [step.name for step in study.path.steps] == list(planted)
    for step in study.path.steps:
        lower, upper = interval(step.goes_on)
        assert lower - 0.005 <= planted[step.name] <= upper + 0.005
    assert (study.path.leaks_most, study.path.turned_worst) == ("visit", "")


def test_nothing_has_moved_and_channels_are_alike(study: PainStudy, depth: PainDepth) -> None:
    for pain in study.pains:
        lower, upper = interval(pain.gap.recent_change)
        assert lower <= 0 <= upper
    for spread in (depth.channels.satisfaction, depth.channels.reply):
        assert isinstance(spread, Spread)
        assert spread.p_value > 0.05


@pytest.mark.parametrize(
    ("place", "english", "russian"),
    [
        ("returns desk", {"refund", "returns", "returned"}, {"возврат", "денег", "вернул"}),
        (LATE_DELIVERY, {"delivery", "late"}, {"доставка", "опоздала", "опозданием"}),
    ],
)
def test_its_words_are_among_the_five_first_in_both_languages(
    depth: PainDepth, place: str, english: set[str], russian: set[str]
) -> None:
    words = depth.words
    assert isinstance(words, CommentStudy)
    for language, planted in (("en", english), ("ru", russian)):
        five = words.top(language, 5)  # type: ignore[arg-type]
        there = [term for term in five if term.touchpoint == place]
        told = " ".join(part for term in there for part in (term.term, *term.companions)).split()
        assert planted & set(told), (language, told)
        assert planted & set(" ".join(words_at(words, place)[language]).split())


def test_what_was_planted_drives_recommending(depth: PainDepth) -> None:
    # NPS follows the last answer; leaving goes with it as well, a little.
    assert isinstance(depth.overall, DriverStudy)
    told = [driver for driver in depth.overall.drivers if driver.distinguishable]
    assert [driver.name for driver in told[:2]] == ["returns desk", LATE_DELIVERY]
    assert all(driver.coefficient.value > 0 for driver in told)
    # Replies are slow at the desk, but it is the desk and not the wait that was planted.
    assert not depth.overall.named("slow replies").distinguishable
    assert isinstance(depth.margin, DriverStudy)
    assert not depth.margin.named("slow replies").distinguishable
    assert isinstance(depth.importance, ImportanceMap)
    mend = [point.name for point in depth.importance.points if point.quadrant == "concentrate here"]
    assert mend == ["returns desk", LATE_DELIVERY]


def test_what_a_point_brings_is_even(depth: PainDepth) -> None:
    # NPS is linear in the answer: no touchpoint punishes more than it rewards.
    assert not isinstance(depth.asymmetry, NotEstimable)
    assert {one.kind for one in depth.asymmetry.attributes} == {"performance"}
