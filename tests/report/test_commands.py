"""What all commands share: failures told in words, each with its status, no path among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import ParameterError
from analysis.reporting.commands import parameters_of_a_report, run_command, shown


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ParameterError("period: none"), 2, "so: period: none\n"),
        (
            OSError(28, "No space left", "/home/jane/x/a.csv"),
            2,
            "so: a.csv: No space left; it stands\n",
        ),
        (OSError(28, "No space left"), 2, "so: the project's folder: No space left; it stands\n"),
        (OSError(13, "Denied", b"/x/b.csv"), 2, "so: b.csv: Denied; it stands\n"),
        (OSError(13, "Denied", "/x/\x1b[2Jb"), 2, "so: \\x1b[2Jb: Denied; it stands\n"),
        (OSError(13, "Denied", 7), 2, "so: the project's folder: Denied; it stands\n"),
        (OSError("odd"), 2, "so: the project's folder: odd; it stands\n"),
        (KeyboardInterrupt(), 130, "so: stopped; it stands\n"),
        (RuntimeError("Query interrupted"), 130, "so: stopped; it stands\n"),
    ],
)
def test_failures_are_told_in_words(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert run_command(fail, "it stands", lead="so: ") == status
    assert capsys.readouterr() == ("", said)


def test_what_went_well_keeps_its_status_and_what_nobody_expected_its_trace() -> None:
    assert run_command(lambda: 1, "") == 1

    def fail() -> int:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        run_command(fail, "")


def test_parameters_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATASET", "  ")
    monkeypatch.setenv("PERIOD", " 2026Q1 ")
    monkeypatch.delenv("SEGMENT", raising=False)
    assert parameters_of_a_report() == ("data/demo", "2026Q1", "")


def test_a_path_is_shown_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "reports" / "a") == "reports/a"
    assert shown(Path("/elsewhere/a")) == "/elsewhere/a"
