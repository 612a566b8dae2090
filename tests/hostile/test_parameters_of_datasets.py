"""Parameters and settings that cannot be: named, with what is valid, and harmless on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import ParameterError, SettingsError, neutralised, shown_value
from analysis.intake.dataset import open_dataset
from analysis.intake.settings import load_settings

SETTINGS = (
    "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
    "sources: {customers: customers.csv}\n"
    "tables: {customers: {covariates: {plan: category, age: number}}}\n"
)
CUSTOMERS = "customer_id,started_on,segment,plan,age\nA,2025-01-02,North,basic,3\n"


@pytest.fixture
def folder(make_dataset) -> Path:
    return make_dataset(SETTINGS, customers=CUSTOMERS)


def refusal(folder: Path | str, period: str = "", segment: str = "") -> str:
    with pytest.raises(ParameterError) as caught:
        open_dataset(folder, period, segment)
    return str(caught.value)


@pytest.mark.parametrize(
    "period", ["2025Q5", "2025Q0", "2025Q3", "2024Q4", "2026Q1", "2025-07", "2025-13", "2025-00"]
)
def test_periods_outside_the_exports_list_those_inside(folder: Path, period: str) -> None:
    said = refusal(folder, period)
    assert f"period: '{period}' is not a whole period that the exports cover" in said
    valid = (
        "2025-01, 2025-02, 2025-03, 2025-04, 2025-05, 2025-06"
        if "-" in period
        else "2025Q1, 2025Q2"
    )
    assert said.endswith(f"valid are {valid}")


@pytest.mark.parametrize(
    "period",
    ["Q2 2025", "2025q2", "2025", "25Q2", "2025-5", "2025-06-30", " 2025Q2", "2025Q2 ", "latest",
     "../2025Q2", "2025Q2/../../x", "2025Q2; rm -rf ~", "$(id)", "`id`", "%s%n", "2025Q2\n", "٢٠٢٥Q2"],
)  # fmt: skip
def test_what_is_no_period(folder: Path, period: str) -> None:
    said = refusal(folder, period)
    assert said.startswith(f"period: {shown_value(period)} is not a")
    assert "valid are" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("segment=Nort", "segment has no value 'Nort'; did you mean North?; valid are North"),
        ("segment=north", "did you mean North?"),
        ("plan=", "plan has no value ''; valid are: basic"),
        ("region=North", "'region' is not a column to split by, valid are segment, plan"),
        ("age=3", "'age' is not a column to split by, valid are segment, plan"),
        ("customer_id=A", "'customer_id' is not a column to split by"),
        ("North", "write column=value; 'North' is not a column to split by"),
        ("segment=../../etc", "segment has no value '../../etc'"),
        ("segment=$(id)", "segment has no value '$(id)'"),
        ("segment=North' OR 1=1 --", "segment has no value"),
        ("../x=North", "'../x' is not a column to split by"),
    ],
)
def test_unknown_segments_list_what_is_valid(folder: Path, segment: str, said: str) -> None:
    assert said in refusal(folder, segment=segment)


@pytest.mark.parametrize(
    "dataset",
    ["../../etc", "/etc", "..", "data/dmo", "data/demo/../../../etc", "data/demo\x00", "~", "$HOME",
     "nowhere/at all"],
)  # fmt: skip
def test_data_sets_that_are_none(dataset: str) -> None:
    said = refusal(dataset)
    assert said.startswith("dataset: ")
    assert "data/demo" in said
    assert "\x00" not in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency", "curency", "curency: this key is not known; did you mean currency?"),
        ("covers", "cover", "cover: this key is not known; did you mean covers?"),
        ("covariates", "covariate", "covariate: this key is not known; did you mean covariates?"),
        ("age: number", "age: nummer", "valid are 'number' or 'category'"),
        ("{from: 2025-01-01, to: 2025-06-30}", "2025", "covers: "),
        ("tables: {customers: ", "tables: {custmers: ", "did you mean customers?"),
        ("sources: {customers: customers.csv}", "sources: [customers.csv]", "sources: "),
        ("disclosure: off", "disclosure: 0", "disclosure: valid are 'on' or 'off'"),
        ("company: A", "company: [A]", "company: "),
        ("company: A", "company:\n  a: b", "company: "),
    ],
)
def test_misspelt_and_mistyped_settings(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "dataset.yml").write_text(SETTINGS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("NO", "NO"), ("12:30", "12:30"), ("010", "010"), ("0x1F", "0x1F"), ("1e3", "1e3"), ("1_000", "1_000"),
     ("null", "null"), ("~", "~"), ("yes", "yes"), ("2025-01-01", "2025-01-01"), (".inf", ".inf"),
     ("'*'", "*"), ("=1+1", "=1+1")],
)  # fmt: skip
def test_yaml_makes_nothing_of_words(tmp_path: Path, written: str, meant: str) -> None:
    text = SETTINGS.replace("company: A", f"company: {written}")
    (tmp_path / "dataset.yml").write_text(text, encoding="utf-8")
    assert load_settings(tmp_path).company == meant


BOMB = "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SETTINGS + "company: B\n", "line 7: key 'company' stands twice"),
        (SETTINGS.replace("plan: category", "plan: category, plan: number"), "key 'plan' stands twice"),
        (BOMB, "line 2: aliases (*name) are not read; write the value out"),
        ("base: &b {company: A}\n<<: *b\n", "line 2: aliases (*name) are not read"),
        (SETTINGS + "<<: {unit: x}\n", "<<: this key is not known"),
        (SETTINGS + "unit: !!python/object/apply:os.system ['id']\n", "line 7: tags (!…) are not read"),
        (SETTINGS + "unit: !!python/name:os.system\n", "line 7: tags (!…) are not read"),
        (SETTINGS + "unit: !env HOME\n", "line 7: tags (!…) are not read"),
        (SETTINGS + "churn:\n\trule: contract\n", "line 8: found character '\\t'"),
        (SETTINGS + "---\ncompany: B\n", "dataset.yml, line 7: "),
        ("company: {" * 5000, "dataset.yml"),
        ("- " * 5000 + "x", "dataset.yml"),
        (SETTINGS + "# " + "x" * (1 << 20), "is larger than 1 MB; keep rows in a file of their own"),
        (SETTINGS.replace("company: A", "company: 'A"), "dataset.yml, line "),
        (SETTINGS + "%TAG ! tag:x\n", "dataset.yml"),
    ],
)  # fmt: skip
def test_traps_of_yaml(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "dataset.yml").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 2000


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\x9b31m\r\n\x00"


def test_messages_steer_no_terminal_and_stay_short() -> None:
    assert neutralised("café — 5 €\nline two") == "café — 5 €\nline two"
    for text in (str(ParameterError(HOSTILE)), shown_value(HOSTILE)):
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\x9b", "\r", "\x00"}
    assert shown_value(HOSTILE).count("\n") == 0
    assert shown_value("x" * 1_000_000) == "'" + "x" * 60 + "'… (1,000,000 characters)"


@pytest.mark.parametrize("column", ["started_on", "acquisition_cost", "customer_id", "tenure_unit"])
def test_hostile_values_are_shown_escaped_and_cut(refused, column: str) -> None:
    value = "\x1b[31mred\u202e" + "y" * 100_000
    head = "customer_id,started_on,acquisition_cost,tenure_unit"
    row = {
        "customer_id": "A",
        "started_on": "2025-01-02",
        "acquisition_cost": "1",
        "tenure_unit": "",
    }
    row[column] = value
    line = ",".join(row.values())
    text = str(
        refused(
            SETTINGS.replace("{covariates: {plan: category, age: number}}", "{}"),
            customers=f"{head}\n{line}\n{line.replace(',1,', ',2,')}\n",
        )
    )
    assert f"column {column}" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert len(text) < 1000


def test_hostile_names_of_columns_are_shown_escaped(refused) -> None:
    error = refused(SETTINGS, customers="id\x1b[31m,started_on,segment,plan,age\nA,2025-01-02,,,\n")
    assert "the customer is needed and was not found" in str(error)
    assert "\x1b" not in str(error)
