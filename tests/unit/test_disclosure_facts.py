"""Answers and contacts by touchpoint: what a segment's report would give away is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import SettingsError
from analysis.intake.dataset import Dataset, open_dataset
from analysis.intake.disclosure_family import decide_family, fact_key

PERIOD = "2025Q2"
# Customers who wrote in, by region and touchpoint; each writes once.
WRITERS = {
    ("North", "shop"): 30, ("South", "shop"): 25, ("West", "shop"): 20,
    ("North", "delivery"): 20, ("South", "delivery"): 12, ("West", "delivery"): 4,
    ("North", "repairs"): 5,
}  # fmt: skip
SETTINGS = """\
company: Few
currency: EUR
covers: {{from: 2024-07-01, to: 2025-06-30}}
disclosure: "{disclosure}"
economics: {{gross_margin: 0.4, discount_rate_annual: 0.1, horizon_months: 12}}
sources: {{customers: customers.csv, contacts: contacts.csv}}
tables: {{customers: {{}}, contacts: {{}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("few")
    who = [pair for pair, n in WRITERS.items() for _ in range(n)]
    customers = [f"C{i},2024-08-01,{region}" for i, (region, _) in enumerate(who)]
    contacts = [f"K{i},C{i},2025-05-05,{place_}" for i, (_, place_) in enumerate(who)]
    for mode in ("on", "off"):
        (place / mode).mkdir()
        for name, header, rows in (
            ("customers", "customer_id,started_on,region", customers),
            ("contacts", "contact_id,customer_id,opened_at,touchpoint", contacts),
        ):
            (place / mode / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
        (place / mode / "dataset.yml").write_text(SETTINGS.format(disclosure=mode))
    return place


def opened(folder: Path, mode: str, segment: str = "") -> Dataset:
    try:
        return open_dataset(folder / mode, PERIOD, segment)
    except SettingsError as error:  # pragma: no cover - says what the fixture has wrong
        pytest.fail(str(error))


def counted(data: Dataset) -> dict[str, int]:
    contacts = data.table("contacts")
    return contacts["touchpoint"].dropna().value_counts().to_dict()


def test_a_small_cell_cannot_be_had_as_all_less_the_shown(folder: Path) -> None:
    regions = ("North", "South", "West")
    everything = counted(opened(folder, "on"))
    shown = [counted(opened(folder, "on", f"region={region}")) for region in regions]
    assert everything["delivery"] == 36
    left = everything["delivery"] - sum(one.get("delivery", 0) for one in shown)
    assert left == 4 + 12, "the four of the West together with the next smallest, never alone"
    assert everything["shop"] == sum(one["shop"] for one in shown), "what is not small stays"


def test_without_disclosure_the_difference_is_the_small_cell(folder: Path) -> None:
    north, south = (counted(opened(folder, "off", f"region={x}")) for x in ("North", "South"))
    everything = counted(opened(folder, "off"))
    assert everything["delivery"] - north["delivery"] - south["delivery"] == 4
    assert everything["repairs"] == 5


def test_a_touchpoint_of_few_is_named_nowhere_and_its_rows_still_count(folder: Path) -> None:
    for segment in ("", "region=North"):
        data = opened(folder, "on", segment)
        assert "repairs" not in counted(data)
        assert len(data.table("contacts")) == (116 if not segment else 55)


def test_the_decision_does_not_touch_customers_columns_of_the_same_name(folder: Path) -> None:
    data = opened(folder, "on")
    family = decide_family(data.prepared, ("region",))
    assert set(family.hidden) == {"region", fact_key("touchpoint")}
    assert family.hidden[fact_key("touchpoint")] == ("repairs",)
    assert "touchpoint" not in family.together()
    assert family.blank_in_facts("region", "West") == {"touchpoint": ("repairs", "delivery")}
