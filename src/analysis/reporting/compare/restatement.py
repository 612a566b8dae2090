"""What was restated: a report as published beside the same computed now, and why."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import BuildError
from analysis.intake.fingerprint import source_files
from analysis.intake.settings import load_settings
from analysis.paths import SETTINGS_FILE
from analysis.presentation.wording import message
from analysis.reporting.compare.difference import (
    Content,
    Difference,
    find_differences,
    numbers_of,
    same,
    words_of_id,
)
from analysis.reporting.compare.movement import changes_of
from analysis.reporting.provenance import (
    CODE,
    DATA,
    NOTEBOOKS,
    SETTINGS,
    VERSIONS,
    Cause,
    files_without_effect,
    find_causes,
    name_of_kind,
)

Report = dict[str, Any]
KINDS = (DATA, SETTINGS, CODE, NOTEBOOKS, VERSIONS)


@dataclass(frozen=True, slots=True)
class Restated:
    """A number that is no longer as published. why: kinds of causes that it can be put down to.

    One kind: it is the cause. Several: they cannot be told apart, unless `together` says that the
    settings and something else changed it both. None: nothing is known that could have.
    """

    difference: Difference
    why: tuple[str, ...]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Restatement:
    """A published report against the same computed now.

    revision, publications: which of how many was compared. total: numbers that were published.
    restated: those that differ. sentences: findings whose wording, label or advice is another.
    causes: all that differs in the making. unread: files that changed without any effect.
    rerun: whether the report was computed with the settings of then as well; refused: why not.
    """

    period: str
    revision: int
    publications: int
    total: int
    restated: tuple[Restated, ...]
    sentences: tuple[str, ...]
    causes: tuple[Cause, ...]
    unread: tuple[str, ...]
    rerun: bool
    refused: str = ""

    @property
    def visible(self) -> tuple[Restated, ...]:
        """Restated numbers that differ as they are printed."""
        return tuple(r for r in self.restated if r.difference.visible)


def possible_kinds(causes: Iterable[Cause], section: str) -> tuple[str, ...]:
    """Kinds of causes that can have touched a number of this section, in a fixed order."""
    kinds = {
        cause.kind
        for cause in causes
        if not cause.binding and (not cause.sections or section in cause.sections)
    }
    return tuple(kind for kind in KINDS if kind in kinds)


def _content(report: Report, key: str) -> Content | None:
    number = numbers_of(report).get(key)
    return number.content if number else None


def attribute(
    difference: Difference, causes: Iterable[Cause], with_old_settings: dict[str, Content] | None
) -> Restated:
    """Put a restated number down to what can have changed it.

    with_old_settings: the numbers computed now but with the settings of then. A number that is
    then as published is the settings' doing; one that is then as now is not; one that is neither
    was changed by both.
    """
    kinds = possible_kinds(causes, difference.section)
    if with_old_settings is None or SETTINGS not in kinds or len(kinds) == 1:
        return Restated(difference, kinds)
    between = with_old_settings.get(difference.key)
    if same(between, difference.old):
        return Restated(difference, (SETTINGS,))
    if same(between, difference.new):
        return Restated(difference, tuple(kind for kind in kinds if kind != SETTINGS))
    return Restated(difference, kinds, together=True)


def _section_in_words(section: str) -> str:
    return words_of_id(section.lstrip("0123456789-"))


def reworded(old: Report, new: Report) -> list[str]:
    """Sentences on findings whose label or advice is no longer as published, or that came or went,
    and on sections that became available or no longer are."""
    first, second = ({f["id"]: f for f in side.get("findings", [])} for side in (old, new))
    found = [
        message("{finding}: {changes}", finding=words_of_id(id), changes="; ".join(changes))
        for id in dict.fromkeys([*first, *second])
        if (changes := changes_of(first.get(id), second.get(id)))
    ]
    before, after = old.get("not_available", {}), new.get("not_available", {})
    found += [
        message("{section}: the section has become available", section=_section_in_words(s))
        for s in before
        if s not in after
    ]
    found += [
        message("{section}: the section is no longer available", section=_section_in_words(s))
        for s in after
        if s not in before
    ]
    return found


def restored_settings(old: dict[str, Any], now: dict[str, Any], current: Path) -> dict[str, Any]:
    """The settings of a manifest as they can be read again: SQL and rows put back where they are
    the same today.

    now: today's settings as a manifest holds them. current: today's data set. Raises BuildError
    where they are not the same.
    """
    from analysis.intake.strict_yaml import load_text_tree
    from analysis.reporting.manifest import HIDDEN_SETTINGS

    written = load_text_tree((current / SETTINGS_FILE).read_bytes(), SETTINGS_FILE)
    restored: dict[str, Any] = json.loads(json.dumps(old))
    for name, table in restored.get("tables", {}).items():
        for key in HIDDEN_SETTINGS:
            if key not in table:
                continue
            if now.get("tables", {}).get(name, {}).get(key) != table[key]:
                raise BuildError(
                    message("tables.{table}.{key} is different today, and only its digest was kept",
                            table=name, key=key)
                )  # fmt: skip
            given = written["tables"][name]
            inner = given["source"] if isinstance(given.get("source"), dict) else given
            table[key] = inner[key]
    return restored


def lay_out_old_settings(tree: dict[str, Any], current: Path, parent: Path) -> Path:
    """A data set of today's files under the settings of then, in a folder of the same name."""
    folder = parent / current.name
    folder.mkdir(parents=True)
    (folder / SETTINGS_FILE).write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    for name, source in load_settings(folder).sources.items():
        for path in source_files(name, source, current) if source.file else []:
            target = folder / path.relative_to(current)
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
    return folder


def restate(
    published: Report,
    manifest: dict[str, Any],
    now: Report,
    manifest_now: dict[str, Any],
    revision: tuple[int, int],
    with_old_settings: dict[str, Content] | None = None,
    refused: str = "",
) -> Restatement:
    """Compare a published report with the same computed now, and put each difference down to
    what can have made it. revision: which of how many."""
    causes = find_causes(manifest, manifest_now)
    restated = tuple(
        attribute(difference, causes, with_old_settings)
        for difference in find_differences(published, now)
    )
    return Restatement(
        period=str(published.get("period", "")),
        revision=revision[0],
        publications=revision[1],
        total=len(numbers_of(published)),
        restated=restated,
        sentences=tuple(reworded(published, now)),
        causes=tuple(causes),
        unread=tuple(files_without_effect(manifest, manifest_now)),
        rerun=with_old_settings is not None,
        refused=refused,
    )


def needs_rerun(manifest: dict[str, Any], manifest_now: dict[str, Any], differs: bool) -> bool:
    """Whether computing with the settings of then would tell causes apart."""
    kinds = {cause.kind for cause in find_causes(manifest, manifest_now) if not cause.binding}
    return differs and SETTINGS in kinds and len(kinds) > 1


def why_in_words(found: Restated) -> str:
    """What a number is put down to; that it cannot be told where several things changed."""
    if not found.why:
        return message("not known")
    names = [name_of_kind(kind) for kind in found.why if not (found.together and kind == SETTINGS)]
    said = names[0]
    if len(names) > 1:
        said = message("{first}, or {last}", first=", ".join(names[:-1]), last=names[-1])
    if found.together:
        settings = name_of_kind(SETTINGS)
        return message("{other}, together with {settings}", other=said, settings=settings)
    return said
