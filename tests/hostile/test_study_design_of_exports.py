"""What the design of the exports lets nobody conclude: each case with its remark and its count."""

from __future__ import annotations

from analysis.intake.dataset import open_dataset
from analysis.methods.design_audit import answers_outside, audit_lifetimes
from analysis.methods.estimate import AuditRemark, NotEstimable
from analysis.methods.programme_effect.results import Terms
from analysis.methods.programme_effect.study import study_programmes
from analysis.tenure import DAYS_PER_MONTH

HEAD = "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"


def settings(*tables: str) -> str:
    return (
        HEAD + "sources: {" + ", ".join(f"{name}: {name}.csv" for name in tables) + "}\n"
        "tables: {" + ", ".join(f"{name}: {{}}" for name in tables) + "}\n"
    )


def remark(remarks: tuple[AuditRemark, ...], name: str) -> AuditRemark:
    return {found.id: found for found in remarks}[name]


def test_survivors_only(make_dataset) -> None:
    rows = "".join(f"{i},2024-0{i % 9 + 1}-01,\n" for i in range(40))
    data = open_dataset(
        make_dataset(settings("customers"), customers="customer_id,started_on,ended_on\n" + rows)
    )
    found = remark(audit_lifetimes(data.lifetimes(), "", 0), "no-events")
    assert found.severity == "stop"
    assert "the export holds only current customers" in found.sentence


def test_only_those_who_left(make_dataset) -> None:
    rows = "".join(f"{i},2025-01-01,2025-0{i % 5 + 2}-01\n" for i in range(40))
    data = open_dataset(
        make_dataset(settings("customers"), customers="customer_id,started_on,ended_on\n" + rows)
    )
    found = remark(audit_lifetimes(data.lifetimes(), "", 0), "all-events")
    assert "leaves out current customers, lifetimes are shown far too short" in found.sentence


def test_delayed_entry(make_dataset) -> None:
    rows = "".join(f"{i},2023-01-01,,{'2025-02-01' if i % 4 else ''}\n" for i in range(40))
    folder = make_dataset(
        settings("customers"), customers="customer_id,started_on,ended_on,observed_from\n" + rows
    )
    lifetimes = open_dataset(folder).lifetimes()
    found = remark(audit_lifetimes(lifetimes, "", 0), "delayed-entry")
    assert found.sentence.startswith("75% of the customers came under observation only after")
    assert (lifetimes["entry_months"] > 0).sum() == 30


def test_scores_after_churn(make_dataset) -> None:
    folder = make_dataset(
        settings("customers", "surveys"),
        customers="customer_id,started_on,ended_on\nA,2025-01-01,2025-02-01\nB,2025-01-01,\n"
        "C,2025-04-01,\n",
        surveys="response_id,customer_id,instrument,invited_on,answered_on,score\n"
        "1,A,csat,2025-03-01,2025-03-02,1\n2,B,csat,2025-03-01,2025-03-02,5\n"
        "3,C,csat,2025-03-01,2025-03-02,4\n4,A,csat,2025-01-10,2025-01-11,3\n",
    )
    data = open_dataset(folder)
    (found,) = answers_outside(data.table("surveys"), data.table("customers"))
    assert "dated before their customer started or after the customer left" in found.sentence
    assert found.counts == {"customers": 2}
    intervals = data.intervals()
    assert 1.0 not in set(intervals["score"]), "no answer after leaving is used"


def test_exposure_counted_before_it_began(make_dataset, noted) -> None:
    folder = make_dataset(
        settings("customers", "programmes", "exposures"),
        customers="customer_id,started_on\nA,2024-01-01\nB,2024-01-01\nC,2024-01-01\n",
        programmes="programme_id,name,starts_on\np,P,2025-03-01\n",
        exposures="programme_id,customer_id,assigned_on,arm,exposed_on\n"
        "p,A,2025-01-10,treated,2025-02-10\np,B,2025-03-01,treated,2025-03-20\n"
        "p,C,2025-02-01,treated,\n",
    )
    data = open_dataset(folder)
    said = "customers assigned or reached before the programme's first day; correct the dates"
    assert noted(data, "warning", said, "exposures", "assigned_on") == 2
    assert noted(open_dataset(folder, "2025-01"), "warning", said) == 1, "as of then"


def test_time_is_counted_from_the_assignment_and_from_the_answer(make_dataset) -> None:
    """Immortal time: who is reached or asked later had to stay until then."""
    folder = make_dataset(
        settings("customers", "transactions", "programmes", "exposures", "surveys"),
        transactions="transaction_id,customer_id,occurred_on,amount\n1,A,2025-01-20,5\n",
        customers="customer_id,started_on,ended_on\nA,2024-12-02,2025-06-02\nB,2024-12-02,\n",
        programmes="programme_id,name,starts_on\np,P,2025-01-10\n",
        exposures="programme_id,customer_id,assigned_on,arm,exposed_on\n"
        "p,A,2025-01-10,treated,2025-03-20\np,B,2025-01-10,control,\n",
        surveys="response_id,customer_id,instrument,invited_on,answered_on,score\n"
        "1,A,nps,2025-05-01,2025-05-02,9\n",
    )
    data = open_dataset(folder)
    outcomes = data.experiment_outcomes("p")
    assert {f"{day:%Y-%m-%d}" for day in outcomes["assigned_on"]} == {"2025-01-10"}
    (landmark,) = data.landmarks().to_dict("records")
    assert landmark["entry_months"] == 0
    assert round(landmark["exit_months"] * DAYS_PER_MONTH) == 31  # from 2 May to 2 June


def test_no_comparison_group(make_dataset) -> None:
    rows = "".join(f"{i},2024-01-01\n" for i in range(40))
    exposed = "".join(f"p,{i},2025-02-01,treated\n" for i in range(40))
    orders = "".join(f"{i},{i},2025-0{i % 5 + 1}-03,50\n" for i in range(40))
    folder = make_dataset(
        settings("customers", "transactions", "programmes", "exposures"),
        customers="customer_id,started_on\n" + rows,
        transactions="transaction_id,customer_id,occurred_on,amount\n" + orders,
        programmes="programme_id,name,starts_on,upfront_cost\np,P,2025-02-01,10\n",
        exposures="programme_id,customer_id,assigned_on,arm\n" + exposed,
    )
    data = open_dataset(folder)
    (study,) = study_programmes(
        data.table("programmes"), {}, {"p": data.experiment_outcomes("p")},
        Terms(data.as_of, "EUR", 0.1),
    )  # fmt: skip
    assert isinstance(study.effect, NotEstimable)
    assert study.effect.reason.endswith("nobody without it is there to compare with")


def test_programmes_nobody_knows_and_areas_nobody_lives_in(make_dataset, noted) -> None:
    folder = make_dataset(
        settings("customers", "programmes", "rollout"),
        customers="customer_id,started_on,area\nA,2024-01-01,north\n",
        programmes="programme_id,name,starts_on\np,P,2025-02-01\n",
        rollout="programme_id,area,starts_on\np,north,2025-02-01\np,North,2025-02-01\nq,north,\n",
    )
    data = open_dataset(folder)
    said = "rows of programmes that are not in the table of programmes"
    assert noted(data, "warning", said, "rollout", "programme_id") == 1
    said = "areas of a roll-out in which no customer lives; are they spelt alike?"
    assert noted(data, "warning", said, "rollout", "area") == 1
