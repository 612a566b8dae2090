"""The report on paper: printed where there is a browser, told in words where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import BuildError
from analysis.reporting import pdf

ROOT = Path(__file__).resolve().parents[2]
A4_POINTS = (595, 842)


def has_browser() -> bool:
    try:
        pdf.find_browser()
    except BuildError:
        return False
    return True


def make_pdf(workshop: Any, **parameters: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analysis.reporting.pdf"],
        env=workshop.environment(**parameters),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.browser
@pytest.mark.skipif(not has_browser(), reason="there is no Chromium or Chrome on this machine")
def test_the_report_is_printed_on_a4_without_a_clock(workshop: Any) -> None:
    import pypdf

    done = make_pdf(workshop)
    assert done.returncode == 0, done.stderr
    target = workshop.reports / "stub-sons" / "2024Q3" / "report.pdf"
    first = target.read_bytes()
    reader = pypdf.PdfReader(target)
    assert tuple(round(float(side)) for side in reader.pages[0].mediabox[2:]) == A4_POINTS
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Stub & Sons" in text
    assert f"1 / {len(reader.pages)}" in text
    assert reader.metadata is not None
    assert str(reader.metadata["/CreationDate"]).startswith("D:2000")
    assert make_pdf(workshop).returncode == 0
    assert target.read_bytes() == first


def test_without_a_browser_it_says_what_to_install(
    workshop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    done = make_pdf(workshop, PATH=str(tmp_path / "empty"))
    assert done.returncode == 2
    assert "apt install chromium" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workshop.reports / "stub-sons" / "2024Q3" / "report.pdf").exists()
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "no-such-browser")
    with pytest.raises(BuildError, match="no program 'no-such-browser'"):
        pdf.find_browser()


def test_a_browser_that_gives_no_pdf_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\nexit 3\n")
    browser.chmod(0o755)
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(browser))
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / pdf.PDF_FILE).write_bytes(b"%PDF last")
    with pytest.raises(BuildError, match=r"gave no PDF \(status 3\)"):
        pdf.print_report(tmp_path)
    assert (tmp_path / pdf.PDF_FILE).read_bytes() == b"%PDF last"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "browser",
        "index.html",
        pdf.PDF_FILE,
    ]


def test_dates_and_numbers_of_elements_keep_their_length() -> None:
    page = b"/CreationDate (D:20260630101112+00'00') /ID (node00000042) /H (node00000007)"
    same = pdf.without_chance(page)
    assert len(same) == len(page)
    assert b"20260630" not in same
    assert same.endswith(b"/ID (node00000002) /H (node00000001)")
