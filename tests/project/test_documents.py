"""What the documents tell readers to write or run is what the project accepts."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from analysis.intake.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")])


def test_the_settings_in_the_readme_are_valid(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "dataset.yml").write_text(textwrap.dedent(block), "utf-8")
    settings = load_settings(tmp_path)
    assert settings.reading_of(settings.sources["crm"]).decimal == ","
    assert set(settings.tables) == {"customers", "transactions", "surveys"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_named_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)[ `]", document.read_text("utf-8")))
    assert named <= targets


def test_the_two_commands_stand_on_the_first_screen_of_the_readme() -> None:
    first = (ROOT / "README.md").read_text("utf-8").splitlines()[:45]
    assert {"make report", "make test"} <= {line.split("#")[0].strip() for line in first}


def test_the_report_named_in_the_readme_is_the_one_built_by_default() -> None:
    from analysis.intake.periods import choose_period
    from analysis.reporting.layout import slug

    settings = load_settings(ROOT / "data/demo")
    path = f"reports/{slug(settings.company)}/{choose_period('', settings).label}/index.html"
    assert path in (ROOT / "README.md").read_text("utf-8")
