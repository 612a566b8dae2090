"""The example company's employees: what their orientation does to satisfaction is found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.special import ndtr

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import Estimate, Finding
from analysis.methods.orientation.asking import Comparison, Invitations
from analysis.methods.orientation.links import Link
from analysis.methods.orientation.reliability import Alpha, EmployeeScores
from analysis.methods.orientation.sheets import Key, Sheets
from analysis.methods.orientation.study import OrientationStudy, study_orientation
from analysis.methods.orientation.teams import Teams
from analysis.presentation.orientation_links import find_orientation
from analysis.simulation.people import draw_people
from analysis.simulation.world import Streams, World

DEMO = Path(__file__).resolve().parents[2] / "data/demo"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def study(data: Dataset) -> OrientationStudy:
    settings = data.settings
    asked = settings.orientation
    return study_orientation(
        data.table("orientation"), data.table("surveys"), data.table("contacts"),
        data.table("customers"), data.table("transactions"), data.lifetimes(), data.as_of,
        Key(asked.selling_items, *asked.scale, asked.most_missing), settings.scales["csat"][1],
        settings.covariates,
    )  # fmt: skip


@pytest.fixture(scope="module")
def person() -> np.ndarray:
    """The planted orientation of each employee, standard normal."""
    seed = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))["seed"]
    return Streams(seed).of("orientation").standard_normal(World().employees)


@pytest.fixture(scope="module")
def planted(data: Dataset, person: np.ndarray) -> float:
    """By how much answers would rise with every employee one standard deviation more oriented.

    The planted 0.25 is of an opinion before it is rounded and cut to the scale; what is left of it
    follows from the generator for every answer that was given.
    """
    world = World()
    seed = yaml.safe_load((DEMO / "truth.yml").read_text(encoding="utf-8"))["seed"]
    people = draw_people(world, Streams(seed), len(data.table("customers")))
    surveys = data.table("surveys")
    rows = surveys[(surveys["instrument"] == "csat") & surveys["score"].notna()]
    push = dict(zip(world.touchpoints, world.touchpoint_on_satisfaction, strict=True))
    push["delivery"] = world.late_on_satisfaction
    place = rows["customer_id"].str[1:].astype(int).to_numpy()
    employee = rows["employee_id"].str[1:].astype(int).to_numpy()
    level = people.mean_satisfaction[place] + rows["touchpoint"].map(push).to_numpy(float)
    level = level + world.orientation_on_satisfaction * person[employee]

    def expected(shift: float) -> float:
        steps = (1.5, 2.5, 3.5, 4.5)
        above = [ndtr((level + shift - step) / world.satisfaction_noise) for step in steps]
        return 1 + float(np.mean(np.sum(above, axis=0)))

    # The generator's own answers average to the same: the rows above are understood.
    assert expected(0) == pytest.approx(float(rows["score"].mean()), abs=0.04)
    half = world.orientation_on_satisfaction * float(person.std(ddof=1)) / 2
    return expected(half) - expected(-half)


def holds(estimate: object, truth: float) -> bool:
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= truth <= estimate.upper


def test_the_sheets_measure_what_was_planted(study: OrientationStudy, person: np.ndarray) -> None:
    assert isinstance(study.sheets, Sheets)
    assert isinstance(study.scores, EmployeeScores)
    assert isinstance(study.overall_alpha, Alpha)
    shared = float(np.corrcoef(study.sheets.overall, person)[0, 1] ** 2)
    assert holds(study.overall_alpha.alpha, shared)
    assert study.overall_alpha.against_the_rest == 0
    # Shrunk scores lie nearer to the truth, in points of the scale, than the scores as read.
    truth = study.scores.mean.value + 1.1 * (person - person.mean())
    errors = [float(((x - truth) ** 2).mean()) for x in (study.scores.shrunk, study.sheets.overall)]
    assert errors[0] < errors[1]


def test_the_link_with_satisfaction_is_found(study: OrientationStudy, planted: float) -> None:
    link = study.satisfaction
    assert isinstance(link, Link)
    assert 0.2 < planted < 0.27
    for estimate in (link.slope, link.corrected, link.by_means, link.after_sheet):
        assert holds(estimate, planted)
        assert not holds(estimate, 0)
    assert link.between_sd < 0.1
    assert study.adjusted["satisfaction"] < 0.001


def test_refunds_do_not_follow(study: OrientationStudy) -> None:
    assert isinstance(study.refunds, Link)
    assert holds(study.refunds.slope, 0)
    assert isinstance(study.staying, Link)
    # Satisfaction moves staying, so that more of them stay; by less than a point, within chance here.
    assert -1 < study.staying.slope.value < 2


def test_nobody_manages_scores(study: OrientationStudy) -> None:
    assert isinstance(study.top_marks, Comparison)
    assert study.top_marks.employees == 40
    assert not study.top_marks.stands_out
    assert isinstance(study.invitations, Invitations)
    assert study.invitations.reason == "all"


def test_teams_are_the_regions(study: OrientationStudy) -> None:
    assert isinstance(study.teams, Teams)
    assert study.teams.column == "region"
    assert [team.score.n for team in study.teams.teams] == [10, 10, 10, 10]


def test_the_usual_key_would_be_noticed(data: Dataset) -> None:
    # In this company every second statement is on selling: read by halves they contradict.
    found = study_orientation(
        data.table("orientation"), data.table("surveys"), data.table("contacts"),
        data.table("customers"), data.table("transactions"), data.lifetimes(), data.as_of,
    )  # fmt: skip
    assert "items-against-the-rest" in {remark.id for remark in found.audit}


def test_the_report_says_so(study: OrientationStudy, data: Dataset) -> None:
    finding = find_orientation(study, data.disclosure)
    assert isinstance(finding, Finding)
    assert (finding.id, finding.label) == ("orientation-and-satisfaction", "association")
    assert "more satisfied" in finding.sentence
    assert finding.money is None
