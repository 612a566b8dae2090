"""What was presented is kept: a report's page, numbers and manifest, never overwritten.

`published/<company>/<run>/` holds what was published first; each later publication of the same run
with other content lies within it as `revision-2`, `revision-3`, … Lists of customers are never kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import BuildError
from analysis.presentation.wording import message
from analysis.reporting.build import build_report
from analysis.reporting.commands import parameters_of_a_report, run_command, shown
from analysis.reporting.layout import Layout, current_layout
from analysis.reporting.publish import only_build

KEPT_FILES = ("index.html", "manifest.json", "numbers.json")
FIRST = 1


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published of a run. revision: 1 for the first, then 2, 3, …"""

    folder: Path
    revision: int

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the publication. Raises BuildError if it is not what was published."""
        from analysis.reporting.manifest import MANIFEST_FILE, digest_of_bytes

        try:
            written = (self.folder / name).read_bytes()
            content: dict[str, Any] = json.loads(written)
            made = content if name == MANIFEST_FILE else self.read(MANIFEST_FILE)
            digests = made["files"]
            whole = name == MANIFEST_FILE or digests[name] == digest_of_bytes(written)
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            place = "/".join(self.folder.parts[-3:])
            raise BuildError(
                f"{place}/{name} is missing or is not what was published; fetch it from the archive's "
                "history"
            )
        return content


def find_publications(folder: Path) -> list[Publication]:
    """All that was published of a run, the first one first; `folder` is the run's."""
    if not (folder / "manifest.json").is_file():
        return []
    later = [
        Publication(path, int(path.name.removeprefix("revision-")))
        for path in folder.iterdir()
        if re.fullmatch(r"revision-\d+", path.name) and path.is_dir()
    ]
    return [Publication(folder, FIRST), *sorted(later, key=lambda found: found.revision)]


def read_kept_files(report: Path) -> dict[str, bytes]:
    """The files of a report that are kept, as its manifest says that they were made.

    Raises BuildError if one is not as it was built.
    """
    from analysis.reporting.manifest import digest_of_bytes

    try:
        files = {name: (report / name).read_bytes() for name in KEPT_FILES}
        made = json.loads(files["manifest.json"])["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BuildError(
            f"{report.name} is not whole; remove its folder under reports/ and publish again"
        ) from None
    for name, digest in made.items():
        if digest_of_bytes(files.get(name, b"")) != digest:
            raise BuildError(
                f"{report.name}/{name} was changed after it was built and is not published; remove "
                "the report's folder under reports/ and publish again"
            )
    return files


def _is_same(publication: Publication, files: dict[str, bytes]) -> bool:
    try:
        return all(
            (publication.folder / name).read_bytes() == content for name, content in files.items()
        )
    except OSError:
        return False


def keep(files: dict[str, bytes], folder: Path) -> tuple[Publication, bool]:
    """Keep a report's files as the run's latest publication, unless that is what they are.

    Gives the publication and whether it is new. What is there is never changed: the files are
    written beside and their folder renamed in one step. Raises BuildError if it cannot be written.
    """
    known = find_publications(folder)
    if known and _is_same(known[-1], files):
        return known[-1], False
    revision = known[-1].revision + 1 if known else FIRST
    target = folder / f"revision-{revision}" if known else folder
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)  # of a process that was killed
        fresh.mkdir()
        for name, content in files.items():
            with (fresh / name).open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        fresh.rename(target)
    except OSError as error:
        raise BuildError(
            f"nothing was published, what had been stays: {error.strerror or error}"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Publication(target, revision), True


def _refuse_foreign(folder: Path, files: dict[str, bytes]) -> None:
    known = find_publications(folder)
    dataset = json.loads(files["manifest.json"])["dataset"]
    if known and known[0].read("manifest.json").get("dataset") != dataset:
        raise BuildError(
            f"published/{folder.parent.name}/{folder.name} holds a report of another data set than "
            f"{dataset!r}; give one of the two another `company:` in its dataset.yml"
        )


def publish_report(
    dataset: str, period: str = "", segment: str = "", layout: Layout | None = None
) -> tuple[Publication, bool]:
    """Build the report if it is due and keep what is presented. Raises ClienteleError."""
    layout = layout or current_layout()
    report, _ = build_report(dataset, period, segment, layout)
    company, run = report.parts[-2:]
    with only_build(layout.build / "locks" / f"published--{company}--{run}.lock"):
        files = read_kept_files(report)
        folder = layout.published / company / run
        _refuse_foreign(folder, files)
        return keep(files, folder)


def _publish() -> int:
    publication, new = publish_report(*parameters_of_a_report())
    if not new:
        said = message("is published already")
    elif publication.revision == FIRST:
        said = message("is published; commit it to keep it")
    else:
        said = message(
            "is published as revision {number}; what was there before stays",
            number=publication.revision,
        )
    sys.stdout.write(f"{shown(publication.folder / 'index.html')} {said}\n")
    return 0


def main() -> int:
    """Publish the report that DATASET, PERIOD and SEGMENT name; give the exit status."""
    return run_command(_publish, message("what was published stays as it was"))


if __name__ == "__main__":
    sys.exit(main())
