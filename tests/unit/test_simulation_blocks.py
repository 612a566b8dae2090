"""A company made in blocks: the same world at any size, whatever the format and the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from analysis.errors import ParameterError
from analysis.simulation.__main__ import main
from analysis.simulation.blocks import make_blocks, scaled_world, world_with_transactions
from analysis.simulation.cells import TextCells, TypedCells
from analysis.simulation.journeys import live_through
from analysis.simulation.people import draw_people
from analysis.simulation.programmes import NEVER, Switches, draw_rollout
from analysis.simulation.world import Streams, World
from analysis.simulation.writing import area_names

WORLD = World()
CUSTOMERS, BLOCK = 3_000, 1_000
TABLES_OF_CUSTOMERS = ("customers", "transactions", "surveys", "contacts", "exposures")


def joined(size: int, seed: int = 8, customers: int = CUSTOMERS) -> dict[str, pd.DataFrame]:
    """The tables of all blocks, one after the other."""
    blocks = list(make_blocks(WORLD, seed, customers, TextCells(), size))
    return {
        name: pd.concat([block.tables[name] for block in blocks], ignore_index=True)
        for name in TABLES_OF_CUSTOMERS
    }


@pytest.fixture(scope="module")
def whole() -> dict[str, pd.DataFrame]:
    return joined(CUSTOMERS)


@pytest.fixture(scope="module")
def blocks() -> dict[str, pd.DataFrame]:
    return joined(BLOCK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("parquet")
    main(["--customers", "700", "--seed", "8", "--replicates", "0", "--format", "parquet",
          "--to", str(target)])  # fmt: skip
    return target


def test_ids_go_on_over_the_blocks(blocks: dict) -> None:
    for name, key in (("customers", "customer_id"), ("transactions", "transaction_id"),
                      ("surveys", "response_id"), ("contacts", "contact_id")):  # fmt: skip
        assert blocks[name][key].is_unique, name
    assert list(blocks["customers"]["customer_id"]) == [f"C{i:04d}" for i in range(CUSTOMERS)]
    known = set(blocks["customers"]["customer_id"])
    for name in TABLES_OF_CUSTOMERS:
        assert set(blocks[name]["customer_id"]) <= known, name
    referred = blocks["customers"]["referred_by"]
    assert set(referred[referred != ""]) <= known
    assert referred.iloc[BLOCK:].str.slice(1).replace("", "9999").astype(int).min() >= BLOCK


def test_blocks_differ_and_the_first_is_the_small_company(blocks: dict) -> None:
    first, second = blocks["customers"].iloc[:BLOCK], blocks["customers"].iloc[BLOCK : 2 * BLOCK]
    assert (first["started_on"].to_numpy() != second["started_on"].to_numpy()).mean() > 0.9
    alone = joined(BLOCK, customers=BLOCK)
    pd.testing.assert_frame_equal(alone["customers"], first)


def test_what_belongs_to_the_company_is_the_same_in_all_blocks() -> None:
    company, other = Streams(8), Streams(8, block=3)
    np.testing.assert_array_equal(draw_rollout(WORLD, company), draw_rollout(WORLD, other))
    for purpose in ("orientation", "marketing"):
        np.testing.assert_array_equal(company.of(purpose).random(9), other.of(purpose).random(9))
    assert not np.isin(company.of("churn").random(9), other.of("churn").random(9)).any()


def shares(tables: dict[str, pd.DataFrame]) -> dict[str, tuple[float, float]]:
    """Figures that describe a company, each with its standard error."""
    customers, surveys = tables["customers"], tables["surveys"]
    amount = tables["transactions"]["amount"].astype(float)
    per_customer = amount.groupby(tables["transactions"]["customer_id"]).sum()
    per_customer = per_customer.reindex(customers["customer_id"]).fillna(0.0)
    score = surveys.loc[(surveys["instrument"] == "csat") & (surveys["score"] != ""), "score"]
    samples = {
        "left": (customers["ended_on"].notna()).astype(float),
        "monthly": (customers["contract"] == "monthly").astype(float),
        "spend": per_customer,
        "order": amount[amount > 0],
        "refund": (amount < 0).astype(float),
        "csat": score.astype(float),
        "treated": (tables["exposures"]["arm"] == "treated").astype(float),
        "contacts": tables["contacts"].groupby("customer_id").size()
        .reindex(customers["customer_id"]).fillna(0.0),
    }  # fmt: skip
    # Answers and orders of a customer hang together: the errors are taken twice as large.
    return {k: (float(v.mean()), 2 * float(v.std() / np.sqrt(len(v)))) for k, v in samples.items()}


def test_a_company_in_blocks_is_distributed_as_one_made_whole(whole: dict, blocks: dict) -> None:
    ours, theirs = shares(blocks), shares(whole)
    for name, (value, error) in ours.items():
        other, other_error = theirs[name]
        assert abs(value - other) < 3 * np.hypot(error, other_error), name
        assert error < 0.2 * abs(value), f"{name} is too coarse to tell anything"


def test_the_planted_gain_is_found_over_blocks() -> None:
    # The chat's customers gain what the world says, in every block's areas alike.
    gains, weeks = 0.0, 0.0
    for number in range(3):
        streams = Streams(8, number)
        people = draw_people(WORLD, streams, BLOCK)
        on = live_through(WORLD, people, streams)
        off = live_through(WORLD, people, streams, Switches(live_chat=False))
        start = on.rollout_day[people.area]
        last = np.minimum(np.minimum(on.end_day, off.end_day), WORLD.days)
        gains += float((on.spend - off.spend).sum())
        first = np.maximum(start, people.start_day)
        weeks += float(np.where(start < NEVER, np.maximum(last - first, 0), 0).sum()) / 91.3
    assert gains / weeks == pytest.approx(WORLD.live_chat_spend_per_quarter, rel=0.25)


# Parquet


def test_parquet_holds_what_csv_holds(folder: Path, tmp_path: Path) -> None:
    main(["--customers", "700", "--seed", "8", "--replicates", "0", "--to", str(tmp_path)])
    for name in (*TABLES_OF_CUSTOMERS, "programmes", "rollout", "orientation", "marketing"):
        text = pd.read_csv(tmp_path / f"{name}.csv", dtype=str, keep_default_na=False)
        nested = folder / name
        typed = pd.read_parquet(nested if nested.is_dir() else folder / f"{name}.parquet")
        assert list(typed.columns) == list(text.columns), name
        assert len(typed) == len(text), name
        for column in text.columns:
            ours, theirs = typed[column], text[column].replace("", None)
            if column.endswith("_id") or column == "referred_by":
                # Ids are wider; they count the same things.
                ours, theirs = ours.str.lstrip("CTSKE0"), theirs.str.lstrip("CTSKE0")
            elif column.endswith(("_on", "_at", "_from")):
                ours, theirs = pd.to_datetime(ours), pd.to_datetime(theirs)
                ours, theirs = ours.astype("datetime64[s]"), theirs.astype("datetime64[s]")
            elif pd.api.types.is_numeric_dtype(ours) or column in (
                "amount",
                "cost",
                "acquisition_cost",
            ):
                ours, theirs = ours.astype(float), theirs.astype(float)
            assert ((ours == theirs) | (ours.isna() & theirs.isna())).all(), f"{name}.{column}"


def test_parquet_is_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    main(["--customers", "700", "--seed", "8", "--replicates", "0", "--format", "parquet",
          "--to", str(tmp_path)])  # fmt: skip
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(names) > 10
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_parquet_comes_in_several_files_and_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis.simulation import parquet

    monkeypatch.setattr(parquet, "BLOCKS_A_FILE", 2)
    files, revenue = parquet.write_parquet(tmp_path, WORLD, 8, 250, size=50)
    parts = sorted((tmp_path / "transactions").iterdir())
    assert [pq.ParquetFile(part).num_row_groups for part in parts] == [2, 2, 1]
    amounts = pd.read_parquet(tmp_path / "transactions")["amount"]
    assert int(sum(amounts) * 100) == int(revenue.sum())
    assert files["transactions"] == "transactions/*.parquet"
    customers = pd.read_parquet(tmp_path / "customers")
    marketing = pd.read_parquet(tmp_path / "marketing.parquet")
    covered = pd.to_datetime(customers["started_on"]) >= pd.Timestamp(WORLD.first_day)
    assert marketing["new_customers"].sum() == covered.sum()


def test_settings_name_the_files_and_the_ledger(folder: Path) -> None:
    settings = yaml.safe_load((folder / "dataset.yml").read_text(encoding="utf-8"))
    assert settings["sources"]["transactions"] == "transactions/*.parquet"
    rows = pd.read_parquet(folder / "transactions")
    quarter = pd.PeriodIndex(pd.to_datetime(rows["occurred_on"]), freq="Q").astype(str)
    sums = rows["amount"].astype(float).groupby(quarter).sum()
    for name, total in settings["control_totals"]["revenue"].items():
        assert sums[name] == pytest.approx(total, abs=0.005)


# Size


def test_more_transactions_are_smaller_ones_for_the_same_spend(whole: dict) -> None:
    world = world_with_transactions(WORLD, 40.0)
    block = next(make_blocks(world, 8, 1_500, TypedCells(), 1_500))
    rows = block.tables["transactions"]
    assert len(rows) / 1_500 == pytest.approx(40.0, rel=0.05)
    spend = rows["amount"].sum() / 1_500
    before = whole["transactions"]["amount"].astype(float).sum() / CUSTOMERS
    assert spend == pytest.approx(before, rel=0.10)
    contacts = len(block.tables["contacts"]) / 1_500
    assert contacts == pytest.approx(len(whole["contacts"]) / CUSTOMERS, rel=0.10)


def test_transactions_that_cannot_be_reached_are_refused(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(ParameterError, match="an order a week at most"):
        world_with_transactions(WORLD, 400.0)
    with pytest.raises(SystemExit):
        main(["--customers", "100", "--transactions", "40000", "--to", "unused"])
    assert "--transactions" in capsys.readouterr().err


def test_fixed_costs_staff_and_visits_grow_with_the_company() -> None:
    large = scaled_world(WORLD, 60_000)
    assert large.employees == 10 * WORLD.employees
    assert large.visits_per_month == 10 * WORLD.visits_per_month
    assert large.live_chat_upfront_cost == 10 * WORLD.live_chat_upfront_cost
    assert large.spend_per_csat_point_per_quarter == WORLD.spend_per_csat_point_per_quarter
    assert len(area_names(large)) == WORLD.areas
    assert scaled_world(WORLD, 300) == WORLD
