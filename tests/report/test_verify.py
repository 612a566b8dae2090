"""A report verified: identical, or what differs and why; each cause by its name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import BuildError, ParameterError
from analysis.reporting.verify import explain, find_dataset, read_manifest

REPORT = "reports/stub-sons/2024Q3"


def verify(project: Any, report: str = REPORT, **variables: str) -> tuple[int, str]:
    """Exit status and what is said."""
    done = project.run("verify", REPORT=report, **variables)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout if done.returncode < 2 else done.stderr


def test_identical_in_another_folder_with_another_home_zone_and_seed(project: Any) -> None:
    status, said = verify(
        project,
        HOME="/nowhere",
        USER="somebody",
        TZ="Asia/Tokyo",
        PYTHONHASHSEED="7",
        LANG="ru_RU.UTF-8",
    )
    assert (status, said) == (0, "identical: 3 files, same bytes\n")
    assert not (project.root / "build" / "executed").exists()
    assert not list((project.root / "build" / "scratch").iterdir())


CAUSES: dict[str, tuple[Callable[[Any], None], list[str]]] = {
    "data": (
        lambda p: p.add_late_rows(),
        [
            "late or changed data:",
            "transactions: rows dated 2024Q1 (about 10 rows more) (from transactions.csv)",
            "differs: index.html, manifest.json, numbers.json",
            "3 of 3 numbers differ",
        ],
    ),
    "settings": (
        lambda p: p.change("data/small/dataset.yml", "gross_margin: 0.5", "gross_margin: 0.4"),
        ["changed settings:", "economics.gross_margin: 0.5 became 0.4"],
    ),
    "code": (
        lambda p: p.change("src/analysis/methods/intervals.py", "from __f", "# Mended.\nfrom __f"),
        ["changed code:", "methods: intervals.py", "all 3 numbers are the same"],
    ),
    "notebook": (
        lambda p: p.change("notebooks/01_money.ipynb", "Customers spent", "Customers paid"),
        ["changed notebooks:", "01_money.ipynb: its cells changed"],
    ),
    "lock": (
        lambda p: p.change("requirements.lock", "==2", "==3"),
        ["other versions:", "requirements.lock changed, but none of the versions in use"],
    ),
    "page changed by hand": (
        lambda p: p.change(f"{REPORT}/index.html", "Stub", "Best"),
        ["differs: index.html\n", "index.html was changed after it was built"],
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_named_and_no_other(project: Any, cause: str) -> None:
    change, expected = CAUSES[cause]
    change(project)
    status, said = verify(project)
    assert status == 1
    for words in expected:
        assert words in said, said
    headings = ("late or changed data", "changed settings", "changed code", "changed notebooks",
                "other versions", "changed after it was built")  # fmt: skip
    named = [heading for heading in headings if heading in said]
    assert len(named) == 1, said


def test_what_cannot_be_verified_is_said(project: Any) -> None:
    for report, words in [
        ("", "write REPORT="),
        ("reports/stub-sons/2031Q1", "there is no folder"),
        ("data/small", "holds no manifest.json"),
    ]:
        status, said = verify(project, report)
        assert status == 2
        assert said.startswith("cannot be verified: ")
        assert words in said
    shutil.move(project.root / "data" / "small", project.root / "data" / "moved")
    status, said = verify(project)
    assert (status, "write DATASET=path/to/small" in said) == (2, True)
    manifest = project.root / REPORT / "manifest.json"
    manifest.write_text('{"parameters": {"dataset": "small", "period": "2024Q3", "segment": ""}}')
    status, said = verify(project)
    assert (status, "says too little" in said) == (2, True)
    manifest.write_text("[1]")
    assert verify(project)[0] == 2


HOLDS = """
import sys, time
from dataclasses import replace
from pathlib import Path
from analysis.reporting.layout import current_layout
from analysis.reporting.scratch import scratch_layout
with scratch_layout(replace(current_layout(), build=Path(sys.argv[1]))) as fresh:
    fresh.reports.mkdir()
    (fresh.reports / "half").write_text("x")
    print(fresh.reports.parent.name, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_verification_leaves_is_cleared_by_the_next(tmp_path: Path) -> None:
    from analysis.reporting.layout import current_layout
    from analysis.reporting.scratch import scratch_layout

    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    names = [process.stdout.readline().strip() for process in processes if process.stdout]
    try:
        processes[0].kill()
        processes[0].wait()
        with scratch_layout(replace(current_layout(), build=tmp_path)) as fresh:
            found = {path.name for path in (tmp_path / "scratch").iterdir()}
            assert found == {names[1], fresh.build.parent.name}
            assert (tmp_path / "scratch" / names[1] / "reports" / "half").is_file()
        assert {path.name for path in (tmp_path / "scratch").iterdir()} == {names[1]}
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def report_of(**changes: Any) -> dict[str, bytes]:
    manifest = {
        "inputs": {"data/a.csv": "1", "data/dataset.yml": "1"},
        "tables": {"customers": {"by": "md5", "rows": 20, "digest": "x", "quarters": {}}},
        "settings": {"sources": {"customers": {"file": "a.csv"}}},
        "notebooks": {}, "code": {}, "lock": "1", "libraries": {"numpy": "1"}, "python": "3",
        "platform": "Linux", "clientele": "1", "files": {}, "lists": {}, **changes,
    }  # fmt: skip
    return {"manifest.json": json.dumps(manifest).encode(), "index.html": b"page"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"libraries": {"numpy": "2"}}, "numpy: 1 became 2"),
        ({"python": "3.12"}, "Python: 3 became 3.12"),
        ({"platform": "Darwin"}, "platform: Linux became Darwin"),
        ({"code": {"src/analysis/methods/new.py": "1"}}, "methods: new.py (new)"),
        ({"settings": {"unit": "market"}}, "unit: not set became market"),
        (
            {"inputs": {"data/a.csv": "2", "data/dataset.yml": "1"}},
            "a.csv changed, but nothing that counts",
        ),
        (
            {"inputs": {"data/a.csv": "1", "data/dataset.yml": "2"}},
            "dataset.yml was written differently, but sets the same",
        ),
        (
            {"tables": {"customers": {"by": "md5", "rows": 25, "digest": "y", "quarters": {}}}},
            "manifest.json was changed after it was built: tables",
        ),
        ({"digest": "of another day"}, "the same: either the files and manifest.json were both"),
    ],
)
def test_what_two_manifests_differ_in_is_said(changes: dict[str, Any], words: str) -> None:
    found = explain(report_of(), report_of(**changes), [])
    assert not found.identical
    assert words in "\n".join(found.lines)


def test_a_file_that_no_build_makes_is_named() -> None:
    found = explain({**report_of(), "extra.csv": b""}, report_of(), [])
    assert found.lines == ("  extra.csv is not part of the report",)


def test_a_print_of_the_page_is_no_part_of_the_report() -> None:
    found = explain({**report_of(), "report.pdf": b"%PDF"}, report_of(), [])
    assert found.identical
    assert found.lines == (
        "identical: 2 files, same bytes",
        "report.pdf was not compared: it is a print of index.html",
    )


@pytest.mark.parametrize("part", ["tables", "settings", "code", "libraries", "notebooks", "inputs"])
@pytest.mark.parametrize(
    "content", [3, "text", ["list"], {"customers": 3}, {"customers": [1]}, None]
)
def test_whatever_a_manifest_holds_it_is_answered_in_words(part: str, content: Any) -> None:
    found = explain(report_of(**{part: content}), report_of(), [])
    assert not found.identical
    assert len(found.lines) > 1


def test_a_setting_that_the_product_did_not_have_yet_is_no_cause() -> None:
    now = report_of(settings={"unit": "customer", "reading": {"decimal": ","}}, lock="2")
    said = "\n".join(explain(report_of(settings={}), now, []).lines)
    assert "reading.decimal: not set became ," in said
    assert "unit" not in said


def test_a_name_in_a_manifest_is_never_a_path() -> None:
    for name in ("../small", "/etc", "a/b", ".", ".."):
        with pytest.raises(ParameterError, match="is no name of a folder"):
            find_dataset(name, "")


def test_a_foreign_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"parameters": 3}')
    with pytest.raises(BuildError, match="is not a manifest of a report"):
        read_manifest(tmp_path)


def test_the_data_set_is_the_given_one_only_if_it_bears_the_name(tmp_path: Path) -> None:
    for name in ("small", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset.yml").touch()
    assert find_dataset("small", str(tmp_path / "small")) == str(tmp_path / "small")
    assert find_dataset("demo", str(tmp_path / "other")) == "data/demo"
    with pytest.raises(ParameterError, match="write DATASET=path/to/small"):
        find_dataset("small", str(tmp_path / "other"))
