"""Every table, frame and remark as of every period equals what exports drawn at its end give.

A small company with all twelve tables, in which most things happen late: answers long after the
invitation, cases settled months later, ends and programmes that lie ahead. For each quarter and
month of half a year, the exports are cut by a few lines of pandas that know nothing of the schema, and
both are prepared.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.intake.periods import choose_period
from analysis.intake.prepared import NOTES_FILE, prepare
from analysis.intake.schema import TABLES
from analysis.intake.settings import load_settings

FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 6, 30)
QUARTERS = [f"2025Q{number}" for number in (1, 2)]
MONTHS = [f"2025-{number:02d}" for number in range(1, 7)]
OPEN = ("9999-12-31", "31.12.9999")
# By hand, not from the schema, which is what is being tested.
ROW_SINCE = {
    "customers": ["started_on"], "transactions": ["occurred_on"], "periods": ["to_on"],
    "surveys": ["invited_on", "answered_on"], "contacts": ["opened_at"],
    "exposures": ["assigned_on"], "orientation": ["answered_on"], "marketing": ["month"],
    "journey": ["month"], "decisions": ["decided_on"], "lines": ["day"],
}  # fmt: skip
FIELD_SINCE = {
    "customers": {"ended_on": "ended_on", "end_reason": "ended_on"},
    "transactions": {"fulfilled_on": "fulfilled_on"},
    "surveys": dict.fromkeys(("answered_on", "score", "importance", "comment"), "answered_on"),
    "contacts": {"first_reply_at": "first_reply_at", "resolved_at": "resolved_at"},
    "exposures": {"exposed_on": "exposed_on"},
}
CUSTOMERS = 40
DAYS = 180  # from FIRST to LAST


class Made:
    """Random text columns of exports, in no order."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def days(self, rows: int, earliest: int = -60, latest: int = DAYS) -> np.ndarray:
        days = self.random.integers(earliest, latest + 1, rows)
        days[0] = 1  # so that no table is empty at the end of the first month
        return days

    def later(self, days: np.ndarray, share: float, most: int = 200, ahead: int = 0) -> np.ndarray:
        """Days after others, −9999 for never; some lie after the last day where ahead is given."""
        later = days + self.random.integers(0, most, len(days))
        never = (self.random.random(len(days)) > share) | (later > DAYS + ahead)
        return np.where(never, -9999, later)

    def of(self, words: list[str], rows: int) -> list[str]:
        return [words[i] for i in self.random.integers(0, len(words), rows)]

    def people(self, rows: int) -> list[str]:
        """Ids of customers, some with stray spaces, some unknown, some missing."""
        ids = [f"c{i}" for i in range(CUSTOMERS)] + ["c1 ", " c2", "x1", "x2", "", "\uff433"]
        return self.of(ids, rows)


def text_of(days: np.ndarray, hour: int | None = None) -> list[str]:
    at = "" if hour is None else f" {hour:02d}:30:00"
    return ["" if day == -9999 else f"{FIRST + dt.timedelta(days=int(day))}{at}" for day in days]


def make_tables(seed: int) -> dict[str, pd.DataFrame]:
    made = Made(seed)
    tables = {}
    started = made.days(CUSTOMERS, -400)
    ended = text_of(made.later(started, 0.6, 500, ahead=300))
    ended[3], ended[5] = OPEN[0], OPEN[0]
    tables["customers"] = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(CUSTOMERS)],
            "started_on": text_of(started),
            "ended_on": ended,
            "end_reason": made.of(["moved", "price", ""], CUSTOMERS),
            "observed_from": text_of(made.later(started, 0.3, 90)),
            "segment": made.of(["NA", "home ", "", "firm"], CUSTOMERS),
            "area": made.of(["north", "south", "east"], CUSTOMERS),
            "acquisition_channel": made.of(["shop", "web"], CUSTOMERS),
            "age": made.of(["31", "47", "77", ""], CUSTOMERS),
        }
    )
    bought = made.days(300)
    tables["transactions"] = pd.DataFrame(
        {
            "transaction_id": made.of([f"t{i}" for i in range(290)] + [""], 300),
            "customer_id": made.people(300),
            "occurred_on": text_of(bought),
            "amount": made.of(["10.5", "98", "-10.5", "3.25"], 300),
            "promised_on": text_of(made.later(bought, 0.9, 20, ahead=60)),
            "fulfilled_on": text_of(made.later(bought, 0.9, 90)),
        }
    )
    opens = np.repeat([0, 31, 59, 90, 120], CUSTOMERS)
    closes = np.repeat([30, 58, 89, 119, 150], CUSTOMERS)
    tables["periods"] = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(CUSTOMERS)] * 5,
            "from_on": text_of(opens), "to_on": text_of(closes),
            "spend": made.of(["5", "7.5", "0"], len(opens)),
            "orders": made.of(["0", "1", "2"], len(opens)),
        }
    )  # fmt: skip
    invited = made.days(250)
    without = made.random.random(250) < 0.2
    answered = made.later(invited, 0.8, 120)
    scores = made.of(["1", "2", "3", "4", "5", "88"], 250)
    tables["surveys"] = pd.DataFrame(
        {
            "response_id": made.of([f"r{i}" for i in range(240)] + [""], 250),
            "customer_id": made.people(250),
            "instrument": made.of(["nps", "csat", "ces", "csi"], 250),
            "invited_on": np.where(without, "", text_of(invited)),
            "answered_on": text_of(answered),
            "score": np.where(answered == -9999, "", scores),
            "importance": made.of(["1", "5", ""], 250),
            "touchpoint": made.of(["shop", "phone"], 250),
            "comment": made.of(["fine", "slow ", ""], 250),
        }
    )
    at = made.days(200)
    replied = made.later(at, 0.8, 40)
    tables["contacts"] = pd.DataFrame(
        {
            "contact_id": [f"k{i}" for i in range(200)],
            "customer_id": made.people(200),
            "opened_at": text_of(at, 23),
            "first_reply_at": text_of(replied, 23),
            "resolved_at": text_of(
                np.where(replied == -9999, -9999, made.later(replied, 0.7, 60)), 23
            ),
            "reason": made.of(["bill", "late"], 200),
            "cost": made.of(["3", "4.5"], 200),
            "compensation": made.of(["", "10"], 200),
        }
    )
    tables["programmes"] = pd.DataFrame(
        {
            "programme_id": ["p", "q"], "name": ["Faster", "Nicer"],
            "starts_on": ["2025-02-01", "2025-09-01"], "ends_on": ["2027-01-01", ""],
            "upfront_cost": ["100", "5"],
        }
    )  # fmt: skip
    tables["rollout"] = pd.DataFrame(
        {"programme_id": ["p", "p", "p"], "area": ["north", "south", "east"],
         "starts_on": ["2025-02-01", "2025-08-01", ""]}
    )  # fmt: skip
    assigned = made.days(CUSTOMERS, 1)
    tables["exposures"] = pd.DataFrame(
        {
            "programme_id": made.of(["p", "q", "gone"], CUSTOMERS),
            "customer_id": [f"c{i}" for i in range(CUSTOMERS)],
            "assigned_on": text_of(assigned),
            "arm": made.of(["treated", "control"], CUSTOMERS),
            "exposed_on": text_of(made.later(assigned, 0.6, 100)),
        }
    )
    tables["orientation"] = pd.DataFrame(
        {
            "employee_id": [f"e{i}" for i in range(30)],
            "answered_on": text_of(made.days(30)),
            "item_01": made.of(["1", "9", ""], 30), "item_02": made.of(["2", "8"], 30),
        }
    )  # fmt: skip
    months = [f"2025-{number:02d}-01" for number in range(1, 7)]
    tables["marketing"] = pd.DataFrame(
        {"month": months * 2, "channel": ["web"] * 6 + ["shop"] * 6,
         "cost": made.of(["9", "7"], 12), "new_customers": made.of(["1", "2"], 12)}
    )  # fmt: skip
    tables["journey"] = pd.DataFrame(
        {"month": months, "step": "basket", "entered": made.of(["9", "8"], 6),
         "completed": made.of(["5", "4"], 6)}
    )  # fmt: skip
    tables["decisions"] = pd.DataFrame(
        {"finding_id": [f"f{i}" for i in range(8)], "decided_on": text_of(made.days(8)),
         "action": "act", "due_on": text_of(made.later(made.days(8), 0.8, 300, ahead=300)),
         "status": made.of(["open", "done"], 8)}
    )  # fmt: skip
    lines = made.days(200)
    tables["lines"] = pd.DataFrame(
        {"invoice": made.of([f"i{i}" for i in range(60)], 200), "client": made.people(200),
         "day": text_of(lines), "price": made.of(["5", "6.5", "-2"], 200)}
    )  # fmt: skip
    return {
        name: with_copies(table, made).sample(frac=1, random_state=seed)
        for name, table in tables.items()
    }


def with_copies(table: pd.DataFrame, made: Made) -> pd.DataFrame:
    """Some rows stand twice, equal throughout."""
    twice = table.iloc[made.random.integers(0, len(table), 3)]
    return pd.concat([table, twice.drop_duplicates()])


def cut(table: pd.DataFrame, name: str, day: dt.date) -> pd.DataFrame:
    """The export as it would have been drawn at the end of a day."""
    table = table.copy()

    def is_later(dates: pd.Series) -> pd.Series:
        return (dates.str[:10] > str(day)) & ~dates.str[:10].isin(OPEN)

    if name in ROW_SINCE:
        since = table[ROW_SINCE[name][0]]
        for other in ROW_SINCE[name][1:]:
            since = since.where(since != "", table[other])
        table = table[~is_later(since)].copy()
    if name == "customers":
        # Who came under observation later was in no export before.
        table = table[~is_later(table["observed_from"])].copy()
    later = {field: is_later(table[since]) for field, since in FIELD_SINCE.get(name, {}).items()}
    for field, mask in later.items():
        table[field] = table[field].mask(mask, "")
    return table


SURVEYS = 'surveys: {scales: {nps: [0, 10]}, no_answer: ["88"]}'
SQL = (
    "transactions: {source: {sql: 'SELECT invoice AS transaction_id, client AS customer_id, "
    "min(day) AS occurred_on, sum(CAST(price AS DOUBLE)) AS amount FROM lines GROUP BY ALL'}}"
)
REST = (
    "contacts", "programmes", "rollout", "exposures", "orientation", "marketing", "journey", "decisions",
)  # fmt: skip
VARIANTS = {
    "contract": ("{rule: contract}", ("transactions", *REST), ""),
    "inactivity": ("{rule: inactivity, days: 45}", ("transactions", "programmes", "exposures"), ""),
    "periods": ("{rule: contract}", ("periods", "rollout", "programmes"), ""),
    "sql": ("{rule: inactivity, days: 60}", (), SQL),
}


def write(folder: Path, tables: dict[str, pd.DataFrame], variant: str, last: dt.date) -> None:
    rule, declared, sql = VARIANTS[variant]
    names = ("customers", "surveys", *declared)
    sources = ", ".join(f"{name}: {name}.csv" for name in names)
    if sql:
        sources += ", lines: {file: lines.csv, dated: day}"
    others = "".join(f"  {name}: {{}}\n" for name in declared)
    (folder / "dataset.yml").write_text(
        f"company: A\ncurrency: EUR\ncovers: {{from: {FIRST}, to: {last}}}\nchurn: {rule}\n"
        'reading: {missing: ["77"], dates: ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"]}\n'
        f"sources: {{{sources}}}\ntables:\n  customers: {{covariates: {{age: number}}}}\n"
        f"  {SURVEYS}\n{others}" + (f"  {sql}\n" if sql else ""),
        encoding="utf-8",
    )
    for name in (*names, "lines") if sql else names:
        tables[name].to_csv(folder / f"{name}.csv", index=False)


def prepared(folder: Path, period: str, build: Path) -> dict[str, object]:
    settings = load_settings(folder)
    made = prepare(settings, folder, choose_period(period, settings), build)
    return {
        path.name: pq.read_table(path) if path.suffix == ".parquet" else path.read_bytes()
        for path in sorted(made.iterdir())
    }


# Every table at several days and every day with several tables: the day enters every table's cut
# by the same few lines, and whether each table has its dates is asked below.
CASES = [
    *(("contract", period) for period in ("2025Q1", "2025-05")),
    *(("inactivity", period) for period in ("2025-02", "2025-04")),
    *(("periods", period) for period in ("2025-01", "2025-06")),
    *(("sql", period) for period in ("2025-03", "2025Q2")),
]


@pytest.mark.parametrize(("variant", "period"), CASES)
def test_an_earlier_period_shows_what_exports_of_then_show(
    tmp_path: Path, variant: str, period: str
) -> None:
    tables = make_tables(seed=CASES.index((variant, period)))
    full, then = tmp_path / "full" / "company", tmp_path / "then" / "company"
    for folder in (full, then):
        folder.mkdir(parents=True)
    write(full, tables, variant, LAST)
    day = choose_period(period, load_settings(full)).last_day
    write(then, {name: cut(table, name, day) for name, table in tables.items()}, variant, day)
    shown, exported = (
        prepared(folder, period, tmp_path / folder.parent.name) for folder in (full, then)
    )
    assert shown.keys() == exported.keys()
    differ = [
        name
        for name in shown
        if not (
            shown[name].equals(exported[name])
            if isinstance(shown[name], type(exported[name])) and hasattr(shown[name], "schema")
            else shown[name] == exported[name]
        )
    ]
    assert differ == []
    assert b'"count": ' in shown[NOTES_FILE], "repairs and doubts are compared as well"
    assert shown["frame_lifetimes.parquet"].num_rows > CUSTOMERS // 3


def test_every_period_and_every_table_is_among_the_cases() -> None:
    assert sorted(period for _, period in CASES) == sorted([*QUARTERS, *MONTHS])
    declared = {name for variant, _ in CASES for name in VARIANTS[variant][1]}
    assert declared | {"customers", "surveys"} == set(TABLES)


@pytest.mark.parametrize("day", [dt.date(2025, 1, 31), dt.date(2025, 3, 31), dt.date(2025, 4, 30)])
def test_the_cut_bites_in_every_table(day: dt.date) -> None:
    tables = make_tables(seed=0)
    for name in ROW_SINCE:
        assert 0 < len(cut(tables[name], name, day)) < len(tables[name]), name
    for name, fields in FIELD_SINCE.items():
        for field in fields:
            before = (tables[name][field] != "").loc[cut(tables[name], name, day).index]
            after = cut(tables[name], name, day)[field] != ""
            assert after.to_numpy().sum() < before.to_numpy().sum(), (name, field)
    assert set(ROW_SINCE) | {"programmes", "rollout"} == set(tables)


def test_no_date_of_something_that_happened_is_forgotten_by_the_cut() -> None:
    for table in TABLES.values():
        cutting = {table.dated, table.dated_else, table.dated_also}
        for column in table.columns:
            if column.kind in ("date", "datetime") and column.fact and column.name not in cutting:
                bounded = (table.name, column.name) == ("periods", "from_on")  # before to_on
                assert bounded or column.known_on == column.name, (table.name, column.name)
