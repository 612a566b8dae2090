"""A build runs what is due and nothing else, and a failing one leaves the last report alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.reporting import build, publish

NOTEBOOKS = ["01_money", "02_scores"]
FILES = {"index.html", "manifest.json", "numbers.json"}


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], int]:
    """Build within this process, where it can be tampered with; no notebook may be due."""

    def run(workshop: Any) -> int:
        for name, value in workshop.environment().items():
            if name.startswith("CLIENTELE_") or name == "DATASET":
                monkeypatch.setenv(name, value)
        for name in ("PERIOD", "SEGMENT"):
            monkeypatch.delenv(name, raising=False)
        return build.main()

    return run


def make_binding_due(workshop: Any) -> None:
    """Have the report bound and published again from the notebooks as executed."""
    manifest = workshop.reports / "stub-sons" / "2024Q3" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "digest": "of another day"}), encoding="utf-8")


def assert_refused(done: Any, *words: str) -> None:
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_first_build_publishes_three_files(built_once: Any) -> None:
    files = built_once.files()
    assert set(files) == FILES
    numbers = json.loads(files["numbers.json"])
    manifest = json.loads(files["manifest.json"])
    assert numbers["provenance"]["digest"] == manifest["digest"]
    assert numbers["dataset"] == "small"
    assert numbers["period"] == "2024Q3"
    assert numbers["as_of"] == "2024-09-30"
    assert numbers["findings"][0]["id"] == "spend"
    spend = numbers["estimates"]["01-money"]["money"]["spend"]
    lines = (built_once.dataset / "transactions.csv").read_text().splitlines()[1:]
    paid = [float(line.rsplit(",", 1)[1]) for line in lines if line.split(",")[2] <= "2024-09-30"]
    assert spend["value"] == pytest.approx(sum(paid))
    assert sorted(manifest["notebooks"]) == [f"{name}.ipynb" for name in NOTEBOOKS]
    assert list(built_once.executed()) == NOTEBOOKS


def test_nothing_changed_runs_nothing(workshop: Any) -> None:
    before, files = workshop.executed(), workshop.files()
    done = workshop.run()
    assert done.returncode == 0
    assert "is up to date" in done.stdout
    assert "due" not in done.stderr
    assert workshop.executed() == before
    assert workshop.files() == files


def test_saving_in_jupyterlab_reruns_nothing(workshop: Any) -> None:
    before, files = workshop.executed(), workshop.files()
    first, second = (workshop.notebooks / f"{name}.ipynb" for name in NOTEBOOKS)
    os.utime(first)
    notebook = json.loads(second.read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    for cell in notebook["cells"]:
        cell["metadata"]["collapsed"] = True
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["seen"]}]
    second.write_text(json.dumps(notebook, indent=2), encoding="utf-8")
    done = workshop.run()
    assert "is up to date" in done.stdout
    assert workshop.executed() == before
    assert workshop.files() == files


def test_a_changed_notebook_reruns_alone_and_may_lack_its_data(workshop: Any) -> None:
    before = workshop.executed()
    workshop.change_cell("02_scores", "data", lambda s: s.replace("surveys.score", "contacts"))
    done = workshop.run()
    assert done.returncode == 0
    assert "1 of 2 notebooks are due" in done.stderr
    after = workshop.executed()
    assert after["01_money"] == before["01_money"]
    assert after["02_scores"] != before["02_scores"]
    files = workshop.files()
    assert json.loads(files["numbers.json"])["not_available"] == {
        "02-scores": "not available: needs contacts"
    }
    page = files["index.html"].decode()
    assert "Not available: needs contacts." in page
    assert "Histogram" not in page
    assert "Customers spent" in page


def test_changed_data_reruns_and_data_changed_meanwhile_publish_nothing(workshop: Any) -> None:
    workshop = workshop.with_own_data()
    # The path of a data set is a parameter, so its first build runs all; 02 tampers with data.
    tamper = "from pathlib import Path\n" + (
        "log = Path(dataset) / 'surveys.csv'\n"
        "text = log.read_text()\n"
        "log.write_text(text + 'S9999,C0001,csat,2024-09-01,2024-09-01,5\\n')\n"
    )
    old = workshop.files()
    exports = (workshop.dataset / "surveys.csv").read_bytes()
    workshop.change_cell("02_scores", "sentence", lambda source: tamper + source)
    done = workshop.run()
    assert_refused(done, "02_scores.ipynb", "changed while it ran", "nothing was published")
    assert workshop.files() == old
    # Put back as they were, the data must not find the result of the others.
    (workshop.dataset / "surveys.csv").write_bytes(exports)
    workshop.change_cell("02_scores", "sentence", lambda source: source.removeprefix(tamper))
    first = workshop.run()
    assert first.returncode == 0, first.stderr
    before = workshop.executed()
    mean = json.loads(workshop.files()["numbers.json"])
    workshop.change_file("transactions.csv", lambda t: t + "T9999,C0001,2024-09-01,1000.00\n")
    second = workshop.run()
    assert "2 of 2 notebooks are due" in second.stderr
    after = workshop.executed()
    assert all(after[name] != before[name] for name in NOTEBOOKS)
    now = json.loads(workshop.files()["numbers.json"])
    spend = [n["estimates"]["01-money"]["money"]["spend"]["value"] for n in (mean, now)]
    assert spend[1] - spend[0] == pytest.approx(1000)


def test_changes_while_binding_publish_nothing(
    workshop: Any,
    run_here: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from analysis.reporting import assemble

    make_binding_due(workshop)
    old, bind = workshop.files(), assemble.assemble

    def assemble_meanwhile(*arguments: Any) -> Any:
        workshop.change_cell("01_money", "result", lambda source: source + "\n# changed")
        return bind(*arguments)

    monkeypatch.setattr(assemble, "assemble", assemble_meanwhile)
    assert run_here(workshop) == 2
    assert "changed during the build" in capsys.readouterr().err
    assert workshop.files() == old


def test_another_period_or_segment_is_another_report(workshop: Any) -> None:
    first, executed = workshop.files(), workshop.executed()
    done = workshop.run(PERIOD="2024Q2", SEGMENT="region=North")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (workshop.reports / "stub-sons").iterdir())
    other = next(name for name in names if name != "2024Q3")
    assert len(names) == 2
    assert other.startswith("2024Q2-region-north-")
    assert workshop.files() == first
    assert workshop.executed() == executed
    numbers = json.loads(workshop.files(other)["numbers.json"])
    assert (numbers["period"], numbers["segment"]) == ("2024Q2", "region=North")
    lines = (workshop.dataset / "transactions.csv").read_text().splitlines()[1:]
    orders = [line.split(",") for line in lines]
    expected = sum(
        float(amount)
        for _, customer, day, amount in orders
        if day <= "2024-06-30" and int(customer[1:]) % 2 == 0
    )
    spend = numbers["estimates"]["01-money"]["money"]["spend"]
    assert spend["value"] == pytest.approx(expected)


def test_a_failing_notebook_publishes_nothing_and_alone_is_run_again(workshop: Any) -> None:
    old, before = workshop.files(), workshop.executed()
    good = (workshop.notebooks / "02_scores.ipynb").read_bytes()
    workshop.change_cell("01_money", "finding", lambda source: source.replace("spent", "paid"))
    workshop.change_cell("02_scores", "result", lambda source: "1 / 0\n" + source)
    done = workshop.run()
    assert_refused(
        done, "02_scores.ipynb, cell 5", "ZeroDivisionError: division by zero", "the last report"
    )
    assert workshop.files() == old
    between = workshop.executed()
    assert between["01_money"] != before["01_money"]
    (workshop.notebooks / "02_scores.ipynb").write_bytes(good)
    workshop.change_cell(
        "02_scores", "sentence", lambda source: source.replace("The mean", "The average")
    )
    done = workshop.run()
    assert done.returncode == 0
    assert "1 of 2 notebooks are due" in done.stderr
    assert workshop.executed()["01_money"] == between["01_money"]
    assert b"Customers paid" in workshop.files()["index.html"]


def test_a_dying_kernel_is_told_in_words(workshop: Any) -> None:
    old = workshop.files()
    workshop.change_cell("02_scores", "data", lambda _: "import os\nos._exit(1)")
    assert_refused(workshop.run(), "02_scores.ipynb", "kernel died")
    assert workshop.files() == old


@pytest.mark.parametrize(
    ("misspelt", "said"),
    [("peroid", "period"), ("segments", "segment")],
)
def test_a_misspelt_parameter_of_a_notebook_is_refused(
    workshop: Any, misspelt: str, said: str
) -> None:
    old = workshop.files()
    workshop.change_cell("01_money", "parameters", lambda source: source.replace(said, misspelt))
    assert_refused(workshop.run(), "01_money.ipynb", said)
    assert workshop.files() == old


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"PERIOD": "2024Q5"}, ("2024Q5", "2024Q1, 2024Q2, 2024Q3")),
        ({"PERIOD": "2025Q1"}, ("2025Q1", "2024Q3")),
        ({"PERIOD": "$(id)"}, ("$(id)", "2024Q3")),
        ({"SEGMENT": "region=Nord"}, ("Nord", "North")),
        ({"SEGMENT": "regoin=North"}, ("regoin", "region")),
        ({"SEGMENT": "North"}, ("column=value", "region")),
        ({"DATASET": "data/demmo"}, ("demmo", "data/demo")),
    ],
)
def test_a_parameter_out_of_place_is_refused(
    workshop: Any, parameters: dict[str, str], words: tuple[str, ...]
) -> None:
    old = workshop.files()
    assert_refused(workshop.run(**parameters), *words)
    assert workshop.files() == old
    assert [path.name for path in (workshop.reports / "stub-sons").iterdir()] == ["2024Q3"]


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("dataset.yml", "currency:", "curency:", ("curency", "currency")),
        ("dataset.yml", "gross_margin", "gros_margin", ("gros_margin", "gross_margin")),
        ("dataset.yml", "economics:", "company:", ("company",)),
        ("dataset.yml", "surveys.csv", "../surveys.csv", ("surveys",)),
        ("customers.csv", "C0002,", "C0001,", ("customers.csv", "customer_id", "C0001")),
        ("transactions.csv", "2024-01-05", "2024-02-30", ("transactions.csv", "2024-02-30")),
        ("surveys.csv", ",csat,2024-01-10,2024-01-10,1", ",csat,2024-01-10,2024-01-10,11", ("11",)),
    ],
)
def test_data_that_cannot_be_used_leave_the_last_report(
    workshop: Any, name: str, old: str, new: str, words: tuple[str, ...]
) -> None:
    workshop = workshop.with_own_data()
    files = workshop.files()
    content = (workshop.dataset / name).read_text(encoding="utf-8")
    assert old in content
    workshop.change_file(name, lambda text: text.replace(old, new, 1))
    done = workshop.run()
    assert_refused(done, *words)
    assert str(workshop.dataset) not in done.stderr
    assert workshop.files() == files


def test_a_second_build_at_once_is_refused(workshop: Any) -> None:
    old = workshop.files()
    workshop.change_cell("01_money", "result", lambda source: source + "\n# due")
    locks = list((workshop.build / "locks").iterdir())
    assert [lock.name for lock in locks] == ["stub-sons--2024Q3.lock"]
    with locks[0].open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        done = workshop.run()
    assert_refused(done, "being built by another process")
    assert workshop.files() == old


def test_a_folder_that_cannot_be_written_leaves_the_last_report(
    workshop: Any,
    run_here: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_binding_due(workshop)
    old = workshop.files()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publish.os, "fsync", full)
        assert run_here(workshop) == 2
    said = capsys.readouterr()
    assert "No space left on device" in said.err
    assert said.out == ""
    assert workshop.files() == old
    assert [p.name for p in (workshop.reports / "stub-sons").iterdir()] == ["2024Q3"]
    assert run_here(workshop) == 0
    assert workshop.files() != old


def test_remains_of_a_killed_build_that_cannot_be_cleared_are_told(
    workshop: Any,
    run_here: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = workshop.reports / "stub-sons"
    (folder / "2024Q3").rename(folder / ".2024Q3.old")

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "rename", refuse)
    assert run_here(workshop) == 2
    said = capsys.readouterr().err
    assert "Read-only file system" in said
    assert str(folder) not in said


def test_a_damaged_manifest_is_bound_again(workshop: Any, run_here: Any) -> None:
    old = workshop.files()
    manifest = workshop.reports / "stub-sons" / "2024Q3" / "manifest.json"
    for damage in ("", "[]", '{"digest"'):
        manifest.write_text(damage)
        assert run_here(workshop) == 0
        assert workshop.files() == old


def test_two_clean_builds_give_the_same_bytes(built_once: Any, fresh_workshop: Any) -> None:
    done = fresh_workshop.run()
    assert done.returncode == 0, done.stderr
    assert fresh_workshop.files() == built_once.files()


def test_no_path_is_published(built_once: Any) -> None:
    for content in built_once.files().values():
        for path in (built_once.build.parent, built_once.dataset, Path.home()):
            assert str(path).encode() not in content


def test_no_notebooks_is_told(workshop: Any) -> None:
    old = workshop.files()
    shutil.rmtree(workshop.notebooks)
    workshop.notebooks.mkdir()
    assert_refused(workshop.run(), "no notebook")
    (workshop.notebooks / "01_money.ipynb").write_text("{}")
    assert_refused(workshop.run(), "01_money.ipynb is not a notebook")
    assert workshop.files() == old


def test_report_of_another_data_set_is_not_overwritten(workshop: Any) -> None:
    manifest = workshop.reports / "stub-sons" / "2024Q3" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "dataset": "other"}), encoding="utf-8")
    before = workshop.files()
    assert_refused(workshop.run(), "holds the report of the data set 'other'", "company:")
    assert workshop.files() == before


def test_a_misspelt_open_section_is_refused_with_the_nearest(workshop: Any) -> None:
    own = workshop.with_own_data()
    own.change_file("dataset.yml", lambda text: text + "open_sections: [02-score]\n")
    assert_refused(own.run(), "open_sections", "02-score", "02-scores")
