"""Whether a report is what its manifest says: built anew from nothing, compared byte for byte."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import BuildError, ParameterError, shown_value
from analysis.paths import PROJECT_ROOT, SETTINGS_FILE
from analysis.presentation.wording import message, message_for
from analysis.reporting.commands import parameter, run_command, say
from analysis.reporting.layout import Layout, current_layout
from analysis.reporting.manifest import MANIFEST_FILE, NUMBERS_FILE, PDF_FILE, digest_of_bytes
from analysis.reporting.provenance import (
    DATA,
    SETTINGS_OF_THE_DATA,
    Cause,
    changed_files,
    changed_keys,
    files_without_effect,
    find_causes,
    name_of_kind,
)

IDENTICAL, DIFFERS = 0, 1
NEEDED_KEYS = ("parameters", "files", "inputs", "tables", "settings", "code", "lists")
# They follow from the rest: what they differ in is said where the rest is.
FOLLOWING_KEYS = ("digest", "inputs", "files", "lists")


@dataclass(frozen=True, slots=True)
class Verification:
    """identical: whether all files are the same, byte for byte. lines: what to tell."""

    identical: bool
    lines: tuple[str, ...]


def find_report(text: str) -> Path:
    """The folder of a report, named relative to the working folder or the project.

    Raises ParameterError if there is none.
    """
    if not text:
        raise ParameterError(
            "report: write REPORT=reports/company/2026Q2, or a folder under published/"
        )
    for base in (Path.cwd(), PROJECT_ROOT):
        path = base / text
        folder = path.parent if path.is_file() else path
        if folder.is_dir():
            return folder.resolve()
    raise ParameterError(f"report: there is no folder {shown_value(text)}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a report. Raises BuildError if it is missing or does not say enough."""
    place = "/".join(folder.parts[-2:])
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        parameters = manifest["parameters"]
        wanted = [str(parameters[name]) for name in ("dataset", "period", "segment")]
    except OSError:
        raise BuildError(
            f"{place} holds no {MANIFEST_FILE}: it does not say what it is made of"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BuildError(f"{place}/{MANIFEST_FILE} is not a manifest of a report") from None
    missing = [key for key in NEEDED_KEYS if not isinstance(manifest.get(key), dict)]
    if missing or not all(wanted[:2]):
        raise BuildError(
            f"{place}/{MANIFEST_FILE} says too little to verify the report by: it lacks "
            f"{', '.join(missing)}; build the report anew"
        )
    checked: dict[str, Any] = manifest
    return checked


def find_dataset(name: str, given: str) -> str:
    """The folder of the data set with this name: the given one if it is it, or data/<name>.

    Raises ParameterError if there is none.
    """
    # A manifest can come from anywhere: a name in it is never a path.
    if Path(name).name != name or name == "..":
        raise ParameterError(f"dataset: {shown_value(name)} in the manifest is no name of a folder")
    candidates = [given] if given and Path(given).resolve().name == name else []
    for candidate in [*candidates, f"data/{name}"]:
        for base in (Path.cwd(), PROJECT_ROOT):
            if (base / candidate / SETTINGS_FILE).is_file():
                return candidate
    raise ParameterError(
        f"dataset: the report was made of a data set in a folder {shown_value(name)}, which is not here; write "
        f"DATASET=path/to/{name}"
    )


def changed_by_hand(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Sentences on files of a report that are not those that its manifest names."""
    expected = dict(manifest["files"])
    lists = {f"lists/{name}": digest for name, digest in manifest["lists"].items()}
    # What is published is kept without lists.
    if any((folder / name).is_file() for name in lists):
        expected |= lists
    found = []
    for name, digest in sorted(expected.items()):
        path = folder / name
        if not path.is_file():
            found.append(message("{file} is missing", file=name))
        elif digest_of_bytes(path.read_bytes()) != digest:
            found.append(message("{file} was changed after it was built", file=name))
    return found


def _manifest_contradicts_itself(
    causes: list[Cause], old: dict[str, Any], new: dict[str, Any]
) -> bool:
    """Whether tables are said to differ although everything that they are read from is the same."""
    if not causes or any(cause.kind != DATA for cause in causes) or changed_files(old, new):
        return False
    return not any("connect" in source for source in new["settings"].get("sources", {}).values())


def _causes_in_lines(causes: list[Cause], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    lines = []
    for kind in dict.fromkeys(cause.kind for cause in causes):
        lines.append(f"  {name_of_kind(kind)}:")
        lines += [f"    {cause.sentence}" for cause in causes if cause.kind == kind]
    unread = files_without_effect(old, new)
    if unread:
        lines.append(
            "  "
            + message(
                "{files} changed, but nothing that counts up to the period's end did: only later "
                "rows, or the order of rows, are different",
                files=", ".join(unread),
            )
        )
    reworded = old["inputs"].get(SETTINGS_OF_THE_DATA) != new["inputs"].get(SETTINGS_OF_THE_DATA)
    if reworded and old["settings"] == new["settings"]:
        lines.append("  " + message("dataset.yml was written differently, but sets the same"))
    return lines


def explain(kept: dict[str, bytes], rebuilt: dict[str, bytes], tampered: list[str]) -> Verification:
    """What a report and the same built anew have in common, or what differs and why.

    tampered: what is known of files that were changed by hand.
    """
    found = _compare({n: c for n, c in kept.items() if n != PDF_FILE}, rebuilt, tampered)
    if PDF_FILE not in kept:
        return found
    note = message("{file} was not compared: it is a print of index.html", file=PDF_FILE)
    return Verification(found.identical, (*found.lines, note))


def _compare(
    kept: dict[str, bytes], rebuilt: dict[str, bytes], tampered: list[str]
) -> Verification:
    extra = [name for name in kept if name not in rebuilt]
    other = [name for name in kept if name in rebuilt and kept[name] != rebuilt[name]]
    if not (extra or other or tampered):
        said = message_for(
            "identical: {count} file, same bytes", "identical: {count} files, same bytes", len(kept)
        )
        return Verification(True, (said,))
    old, new = json.loads(kept[MANIFEST_FILE]), json.loads(rebuilt[MANIFEST_FILE])
    lines = (
        [message("differs: {files}", files=", ".join(sorted([*other, *extra])))] if other else []
    )
    lines += [f"  {sentence}" for sentence in tampered]
    lines += ["  " + message("{file} is not part of the report", file=name) for name in extra]
    try:
        causes = find_causes(old, new)
    except (AttributeError, KeyError, TypeError, ValueError):
        lines.append("  " + message("{file} holds what no build writes", file=MANIFEST_FILE))
        return Verification(False, tuple(lines))
    if _manifest_contradicts_itself(causes, old, new):
        keys = ", ".join(changed_keys(old, new))
        lines.append(
            "  " + message("manifest.json was changed after it was built: {keys}", keys=keys)
        )
        return Verification(False, tuple(lines))
    why = _causes_in_lines(causes, old, new)
    if why and NUMBERS_FILE in kept:
        lines.append("  " + _numbers_in_words(kept[NUMBERS_FILE], rebuilt[NUMBERS_FILE]))
    lines += why
    if not why and not tampered and not extra:
        own = [key for key in changed_keys(old, new) if key not in FOLLOWING_KEYS]
        lines.append("  " + _unexplained(own))
    return Verification(False, tuple(lines))


def _unexplained(own: list[str]) -> str:
    if own:
        return message("manifest.json was changed after it was built: {keys}", keys=", ".join(own))
    return message(
        "data, settings, code and versions are the same: either the files and manifest.json were both "
        "changed by hand, or this machine computes differently from the one that built the report"
    )


def _numbers_in_words(old: bytes, new: bytes) -> str:
    from analysis.reporting.compare.difference import find_differences, numbers_of

    try:
        before, after = json.loads(old), json.loads(new)
        count = len(find_differences(before, after))
        total = len(numbers_of(before))
    except (ValueError, KeyError, TypeError, AttributeError):
        return message("numbers.json cannot be read")
    if not count:
        return message("all {total} numbers are the same", total=total)
    return message("{count} of {total} numbers differ", count=count, total=total)


def verify_report(text: str, dataset: str = "", layout: Layout | None = None) -> Verification:
    """Build a report anew from its manifest and compare. Raises ClienteleError if that is not
    possible."""
    layout = layout or current_layout()
    folder = find_report(text)
    manifest = read_manifest(folder)
    parameters = manifest["parameters"]
    chosen = find_dataset(str(parameters["dataset"]), dataset)
    tampered = changed_by_hand(folder, manifest)
    from analysis.reporting.scratch import build_apart, files_in, scratch_layout

    # Revisions of a published report lie within the folder of the first one.
    kept = {n: c for n, c in files_in(folder).items() if not n.startswith("revision-")}
    say(message("building anew, from nothing that was made before:"))
    with scratch_layout(layout) as fresh:
        rebuilt = build_apart(chosen, parameters["period"], parameters["segment"], fresh)
    return explain(kept, rebuilt, tampered)


def _verify() -> int:
    found = verify_report(parameter("REPORT"), parameter("DATASET"))
    sys.stdout.write("\n".join(found.lines) + "\n")
    return IDENTICAL if found.identical else DIFFERS


def main() -> int:
    """Verify the report that REPORT names: status 0 identical, 1 differs, 2 not verifiable."""
    return run_command(
        _verify,
        message("the report stays as it was"),
        lead=message("cannot be verified: "),
    )


if __name__ == "__main__":
    sys.exit(main())
