"""Nobody who subtracts and divides all that a period's reports say gets at a few customers.

A small company with small cells in several places; the outputs of its reports, of all customers and
of every region, are collected with their labels and attacked. With `disclosure: off` the same
attacks succeed, so they are able to.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from analysis.errors import NotAvailable, ParameterError
from analysis.intake.dataset import open_dataset
from analysis.intake.disclosure_family import TOGETHER, read_family
from analysis.paths import NOTEBOOKS_FOLDER
from analysis.presentation import output

PERIOD, ALL = "2025Q2", ""
DAYS = 731
# Customers by region; the last has none.
REGIONS = {"North": 75, "South": 60, "East": 30, "West": 3, "": 2}
SETTINGS = """\
company: Small Cells
currency: EUR
covers: {{from: 2023-07-01, to: 2025-06-30}}
disclosure: "{disclosure}"
economics: {{gross_margin: 0.4, discount_rate_annual: 0.1, horizon_months: 12}}
sources: {{customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv, contacts: contacts.csv}}
tables:
  customers: {{}}
  transactions: {{}}
  surveys: {{scales: {{csat: [1, 5], nps: [0, 10]}}}}
  contacts: {{}}
"""
NUMBER = re.compile(r"[−-]?€?\d[\d,]*(?:\.\d+)?(?:bn|k|m(?![a-z]))?%?")
COUNTED = re.compile(r"\b(customers|answers|contacts|orders|employees)\b")
SMALL_IN_WORDS = re.compile(
    r"(?<![\d.,–+−-])[1-7] (?:customers|answers|contacts|orders|employees)\b"
)


def days(offsets: np.ndarray) -> pd.Series:
    known = np.isfinite(offsets)
    whole = np.where(known, offsets, 0).astype(np.int64)
    return pd.Series((np.datetime64("2023-07-01") + whole).astype(str)).where(known, "")


def small_company() -> dict[str, pd.DataFrame]:
    """Three customers in the West, who spend most; two without a region; two referred ones in the North."""
    rng = np.random.default_rng(5)
    regions = [name for name, n in REGIONS.items() for _ in range(n)]
    n = len(regions)
    who = np.array([f"C{i:03d}" for i in range(n)])
    channel = np.array(["web", "shop"])[rng.integers(0, 2, n)]
    channel[[0, 1, *range(80, 92), *range(140, 150)]] = "referral"
    started, lasts = rng.integers(-300, 500, n), rng.integers(200, 1500, n)
    ended = np.where((started + lasts > 0) & (started + lasts < DAYS), started + lasts, np.nan)
    last = np.where(np.isnan(ended), DAYS - 1, ended).astype(int)
    spends = rng.gamma(3, 20, n)
    spends[165:168] = 900, 400, 300

    def events(every: float) -> tuple[np.ndarray, np.ndarray]:
        owner, day = [], []
        for i in range(n):
            at = np.cumsum(rng.exponential(every, 60)).astype(int) + max(started[i], 0)
            day.append(at[at <= last[i]])
            owner.append(np.full(len(day[-1]), i))
        return np.concatenate(owner), np.concatenate(day)

    buyer, bought = events(40.0)
    asked, invited = events(60.0)
    caller, called = events(250.0)
    nps = rng.random(len(asked)) < 0.5
    answered = rng.random(len(asked)) < 0.7
    top = np.where(nps, 10, 5)
    score = np.clip(np.round(rng.normal(0.72, 0.2, len(asked)) * top), np.where(nps, 0, 1), top)
    touchpoints = np.array(["delivery", "service", "website"])
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": who, "started_on": days(started), "ended_on": days(ended),
                "region": regions, "acquisition_channel": channel,
                "segment": np.array(["private", "business"])[(rng.random(n) < 0.35).astype(int)],
            }
        ),
        "transactions": pd.DataFrame(
            {
                "transaction_id": [f"T{i:05d}" for i in range(len(buyer))],
                "customer_id": who[buyer], "occurred_on": days(bought),
                "amount": np.round(rng.gamma(4, spends[buyer] / 4), 2),
            }
        ),
        "surveys": pd.DataFrame(
            {
                "response_id": [f"R{i:05d}" for i in range(len(asked))],
                "customer_id": who[asked], "instrument": np.where(nps, "nps", "csat"),
                "invited_on": days(invited), "answered_on": days(np.where(answered, invited, np.nan)),
                "score": np.where(answered, score.astype(int).astype(str), ""),
                "touchpoint": touchpoints[rng.choice(3, len(asked), p=[0.6, 0.36, 0.04])],
            }
        ),
        "contacts": pd.DataFrame(
            {
                "contact_id": [f"K{i:04d}" for i in range(len(caller))],
                "customer_id": who[caller], "opened_at": days(called), "resolved_at": days(called),
                "touchpoint": touchpoints[rng.choice(3, len(caller), p=[0.5, 0.45, 0.05])],
                "cost": np.round(rng.gamma(3, 4, len(caller)), 2),
            }
        ),
    }  # fmt: skip


def write_company(folder: Path, disclosure: str) -> Path:
    folder.mkdir()
    for name, table in small_company().items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "dataset.yml").write_text(SETTINGS.format(disclosure=disclosure), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Number:
    """A published number: value, how far apart its neighbours can stand, and what it is of."""

    value: float
    grain: float
    unit: str

    @property
    def low(self) -> float:
        return self.value - self.grain / 2

    @property
    def high(self) -> float:
        return self.value + self.grain / 2


def coarsest_grain(text: str) -> float:
    """The power of ten that a number as printed is a multiple of; a five at the end counts five."""
    digits = text.replace(",", "")
    if "." in digits:
        digits = digits.rstrip("0")
        places = len(digits) - digits.index(".") - 1
        if places:
            return 10.0**-places
        digits = digits.rstrip(".")
    whole = digits.lstrip("0") or "0"
    zeros = len(whole) - len(whole.rstrip("0"))
    if zeros == 0 or whole == "0":
        return 5.0 if whole.endswith("5") else 1.0
    return 5.0 if zeros == 1 and len(whole) == 2 else 10.0 ** max(zeros, 1)


def numbers_in(text: str, unit: str = "") -> Iterator[Number]:
    for found in NUMBER.findall(text):
        plain = re.sub(r"[€%]|bn|k|m", "", found).replace("−", "-")
        scale = 1e9 if "bn" in found else 1e6 if "m" in found else 1e3 if "k" in found else 1.0
        kind = "EUR" if "€" in found else "share" if "%" in found else unit
        value = float(plain.replace(",", ""))
        grain = coarsest_grain(plain.lstrip("-")) * scale
        if kind == "count":  # published in fives
            grain = 5.0 if value % 5 == 0 else 1.0
        yield Number(value * scale, grain, kind)


@dataclass
class Said:
    """What one report publishes: numbers by label, and its words."""

    numbers: dict[tuple[str, ...], Number] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    bases: list[int] = field(default_factory=list)

    def add(self, data: dict[str, Any]) -> None:
        for mime in (output.ESTIMATES_MIME, output.METRICS_MIME, output.FINDING_MIME):
            if mime in data:
                self._add_json(data[mime], (mime, str(data[mime].get("id", ""))))
        soup = BeautifulSoup(data.get("text/html", ""), "html.parser")
        for table in soup.find_all("table"):
            self._add_table(table)
            table.extract()
        words = soup.get_text(" ") or data.get("text/plain", "")
        self.words.append(words)
        template = NUMBER.sub("#", words)
        unit = "count" if COUNTED.search(words) else ""
        for place, number in enumerate(numbers_in(words, unit)):
            self.numbers["words", template, str(place)] = number

    def _add_json(self, value: Any, label: tuple[str, ...]) -> None:
        if isinstance(value, dict) and "unit" in value and "n" in value:
            self.bases.append(value["n"])
            self.numbers[*label, "n"] = Number(
                value["n"], 5.0 if value["n"] % 5 == 0 else 1.0, "count"
            )
            text = f"{value['value']:.9f}".rstrip("0")
            self.numbers[*label, "value"] = Number(
                value["value"], coarsest_grain(text.lstrip("-")), value["unit"]
            )
        elif isinstance(value, dict):
            for key, item in value.items():
                self._add_json(item, (*label, key))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                name = item.get("id", str(place)) if isinstance(item, dict) else str(place)
                self._add_json(item, (*label, name))

    def _add_table(self, table: Any) -> None:
        caption = table.caption.get_text()
        header = [cell.get_text() for cell in table.thead.find_all("th")]
        for row in table.tbody.find_all("tr"):
            cells = [cell.get_text(" ") for cell in row.find_all(["th", "td"])]
            for name, text in zip(header[1:], cells[1:], strict=True):
                unit = "count" if COUNTED.search(name) else ""
                for number in itertools.islice(numbers_in(text, unit), 1):
                    self.numbers["table", caption, cells[0], name] = number
                    if unit == "count":
                        self.bases.append(round(number.value))


def run_family(
    dataset: Path, segments: tuple[str, ...], stems: tuple[str, ...], patch: pytest.MonkeyPatch
) -> dict[str, Said]:
    """Run notebooks for all customers and for segments, in this process; give what they publish.

    Pictures are made up but not drawn: it takes half of the time, and their words are read.
    """
    from matplotlib.figure import Figure

    patch.setattr(Figure, "savefig", lambda *args, **how: None)
    family: dict[str, Said] = {}
    for segment in segments:
        said = family[segment] = Said()
        patch.setattr(output, "publish_output", lambda data, metadata=None, to=said: to.add(data))
        for stem in stems:
            notebook = nbformat.read(NOTEBOOKS_FOLDER / f"{stem}.ipynb", as_version=4)
            names: dict[str, Any] = {}
            for cell in notebook.cells:
                if "parameters" in cell.metadata.get("tags", []):
                    names |= {"dataset": str(dataset), "period": PERIOD, "segment": segment}
                elif cell.cell_type == "code":
                    try:
                        exec(compile(cell.source, f"{stem}:{cell.id}", "exec"), names)
                    except NotAvailable:
                        break
    return family


def differences(family: dict[str, Said]) -> dict[tuple[str, ...], Number]:
    """All customers less the segments: what is left over, by label, with its doubt."""
    parts = [said for segment, said in family.items() if segment != ALL]
    left: dict[tuple[str, ...], Number] = {}
    for label, number in family[ALL].numbers.items():
        held = [said.numbers.get(label) for said in parts]
        others = [other for other in held if other is not None]
        if len(others) == len(parts):
            rest = number.value - sum(other.value for other in others)
            grain = number.grain + sum(other.grain for other in others)
            left[label] = Number(rest, grain, number.unit)
    return left


def counts_given_away(family: dict[str, Said]) -> list[tuple[str, ...]]:
    """Labels of counts whose difference can only be from one to seven."""
    found = differences(family).items()
    return [
        label for label, rest in found
        if rest.unit == "count" and math.ceil(rest.low) >= 1 and math.floor(rest.high) < 8
    ]  # fmt: skip


def sums_given_away(family: dict[str, Said], true: float, within: float) -> list[tuple[str, ...]]:
    """Labels of money whose difference is a group's true sum to a part of it, and known to be."""
    return [
        label for label, rest in differences(family).items()
        if rest.unit == "EUR" and rest.low <= true <= rest.high and rest.grain / 2 < within * abs(true)
    ]  # fmt: skip


def numbers_of_customers(said: Said) -> list[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    """How many whole numbers a sum over a figure per customer or order could be, for each pair."""
    values = {
        label: n
        for label, n in said.numbers.items()
        if label[-1] == "value" and n.value > 0 and "now" in label
    }
    found = []
    for (one, total), (other, each) in itertools.permutations(values.items(), 2):
        if (
            total.unit == "EUR"
            and each.unit in ("EUR per order", "EUR per customer")
            and each.low > 0
        ):
            low, high = total.low / each.high, total.high / each.low
            if high >= 8:
                found.append((math.floor(high) - math.ceil(low) + 1, one, other))
    return found


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def company(
    tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("family")
    patch.setenv("CLIENTELE_BUILD_FOLDER", str(folder / "build"))
    return lambda disclosure: write_company(folder / disclosure, disclosure)


@pytest.fixture(scope="module")
def protected(company: Callable[[str], Path]) -> Path:
    return company("on")


@pytest.fixture(scope="module")
def family(protected: Path, patch: pytest.MonkeyPatch) -> dict[str, Said]:
    stems = ("01_scorecard", "02_churn_survival", "05_pain_points")
    return run_family(protected, (ALL, "region=North", "region=South"), stems, patch)


@pytest.fixture(scope="module")
def bare(company: Callable[[str], Path], patch: pytest.MonkeyPatch) -> dict[str, Said]:
    """The same reports without disclosure, all regions but the West."""
    segments = (ALL, *(f"region={name}" for name in REGIONS if name not in ("", "West")))
    return run_family(company("off"), segments, ("01_scorecard",), patch)


def spent(region: tuple[str, ...]) -> pd.Series:
    """True spend by customer of some regions in the period."""
    tables = small_company()
    inside = tables["customers"].query("region in @region")["customer_id"]
    orders = tables["transactions"]
    orders = orders[orders["customer_id"].isin(inside) & (orders["occurred_on"] >= "2025-04-01")]
    return orders.groupby("customer_id")["amount"].sum()


LEFT_OVER = ("East", "West", "")
FEW = ("West", "")


def test_without_disclosure_the_attacks_succeed(bare: dict[str, Said]) -> None:
    few = spent(FEW)
    assert 0 < len(few) < 8
    assert counts_given_away(bare)
    assert any("revenue" in label for label in sums_given_away(bare, float(few.sum()), 0.001))
    assert min(count for count, *_ in numbers_of_customers(bare[ALL])) <= 1


def test_no_count_below_eight_follows_from_a_difference(family: dict[str, Said]) -> None:
    compared = [label for label, rest in differences(family).items() if rest.unit == "count"]
    assert len(compared) > 20, "there is something to attack"
    assert not counts_given_away(family)


def test_no_sum_of_a_few_or_of_one_above_all_follows_from_a_difference(
    family: dict[str, Said],
) -> None:
    rest = spent(LEFT_OVER)
    assert len(rest) >= 8
    assert rest.max() >= 0.3 * rest.sum(), "one customer weighs most in what is left over"
    assert any("revenue" in label for label in differences(family))
    assert not sums_given_away(family, float(rest.sum()), 0.1)
    assert not sums_given_away(family, float(spent(FEW).sum()), 0.1)


def test_no_division_gives_the_number_of_customers(family: dict[str, Said]) -> None:
    for said in family.values():
        found = numbers_of_customers(said)
        assert found
        assert min(count for count, *_ in found) >= 5


def test_no_small_count_is_published(family: dict[str, Said]) -> None:
    for said in family.values():
        assert len(said.bases) > 30
        assert not [n for n in said.bases if 0 < n < 8]
        assert not [words for words in said.words if SMALL_IN_WORDS.search(words)]


def test_reports_that_would_give_few_away_are_refused(protected: Path) -> None:
    for value in ("West", "East"):
        with pytest.raises(
            ParameterError, match=rf"region={value} would give fewer than 8.*values:"
        ):
            open_dataset(protected, PERIOD, f"region={value}")
    assert open_dataset(protected, PERIOD, "region=North").segment is not None


def test_small_groups_are_put_together_in_every_frame(protected: Path) -> None:
    data = open_dataset(protected, PERIOD)
    for frame in (data.table("customers"), data.lifetimes(), data.customer_periods()):
        assert set(frame["region"]) == {"North", "South", TOGETHER}
    counted = data.lifetime_counts("region").groupby("group")["entries"].sum()
    assert counted.to_dict() == {"North": 75, "South": 60, TOGETHER: 35}
    north = open_dataset(protected, PERIOD, "region=North").table("customers")
    channels = north["acquisition_channel"].value_counts()
    assert channels.min() >= 8, "two referred customers stand with others"


def test_the_decision_is_the_same_whatever_the_order_of_rows(
    protected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset(protected, PERIOD)
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for path in protected.iterdir():
        (shuffled / path.name).write_bytes(path.read_bytes())
    customers = pd.read_csv(protected / "customers.csv", keep_default_na=False)
    customers.sample(frac=1, random_state=1).to_csv(shuffled / "customers.csv", index=False)
    other = open_dataset(shuffled, PERIOD)
    assert read_family(other.prepared) == read_family(data.prepared)
