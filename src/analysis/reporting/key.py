"""Which report is asked for, and what it is made of: names and digests, no heavy imports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import DataError
from analysis.intake.dataset import Segment, choose_segment
from analysis.intake.fingerprint import cached_digests, fingerprint_code, fingerprint_files
from analysis.intake.periods import Period, choose_period
from analysis.intake.prepared import prepare, say_all_problems
from analysis.intake.reading.database import hold_database_digests
from analysis.intake.settings import Settings, load_settings, refuse_unless_confirmed
from analysis.paths import PROJECT_ROOT, find_dataset_folder
from analysis.reporting.layout import Layout, slug

CODE_THAT_COMPUTES = ("", "intake", "methods", "presentation")
CODE_THAT_BINDS = ("reporting",)
BOUND_DOCUMENTS = ("docs/assumptions.md", "docs/glossary.md")


@dataclass(frozen=True, slots=True)
class Run:
    """One report: a data set, a period, a segment.

    dataset: as given to the notebooks, relative to the project where it lies within.
    inputs: digests of everything that the notebooks' results depend on, by kind.
    """

    dataset: str
    folder: Path
    settings: Settings
    period: Period
    segment: Segment | None
    prepared: Path
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        return self.period.label + (f"-{self.segment.slug}" if self.segment else "")

    @property
    def company(self) -> str:
        return slug(self.settings.company)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as handed to every notebook."""
        return {
            "dataset": self.dataset,
            "period": self.period.label,
            "segment": self.segment.label if self.segment else "",
        }


def digest_of(content: object) -> str:
    """SHA-256 of anything that JSON can hold."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def collect_inputs(settings: Settings, folder: Path, layout: Layout) -> dict[str, str]:
    """Digests of data, settings and code; the same inputs give the same digests."""
    cache = layout.build / "fingerprints.json"
    files = fingerprint_files(settings, folder, cache)
    return {
        **{f"data/{name}": digest for name, digest in files.items()},
        "code": fingerprint_code(CODE_THAT_COMPUTES, cache),
    }


def plan_run(
    dataset: str,
    period: str,
    segment: str,
    layout: Layout,
    before_preparing: Callable[[], object] | None = None,
) -> Run:
    """Validate the parameters and the data, and say which report they stand for.

    before_preparing: called once the digests are taken, where tables have to be prepared.
    Raises ParameterError, SettingsError, DataError before anything is run.
    """
    folder = find_dataset_folder(dataset)
    settings = load_settings(folder)
    refuse_unless_confirmed(settings)
    chosen = choose_period(period, settings)
    try:
        hold_database_digests(settings)
        inputs = collect_inputs(settings, folder, layout)
    except DataError:
        # One source cannot be read. The others are all the same: everything wrong is said at once.
        say_all_problems(settings, folder)
        raise
    prepared = prepare(settings, folder, chosen, layout.build, before_preparing)
    part = choose_segment(segment, settings, prepared)
    inside = PROJECT_ROOT in folder.parents
    name = folder.relative_to(PROJECT_ROOT).as_posix() if inside else str(folder)
    return Run(name, folder, settings, chosen, part, prepared, inputs)


def digest_of_binding(layout: Layout) -> str:
    """Digest of what turns executed notebooks into a report."""
    cache = layout.build / "fingerprints.json"
    documents = [PROJECT_ROOT / name for name in BOUND_DOCUMENTS if (PROJECT_ROOT / name).is_file()]
    digests = cached_digests(documents, cache)
    return digest_of([fingerprint_code(CODE_THAT_BINDS, cache), sorted(digests.values())])
