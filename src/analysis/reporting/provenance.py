"""Why two reports differ: what their manifests say of data, settings, code and versions."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from analysis.presentation.wording import format_count, message, message_for

DATA, SETTINGS, CODE, NOTEBOOKS, VERSIONS = "data", "settings", "code", "notebooks", "versions"
MOST_NAMED = 8
LOCK = "requirements.lock"
SETTINGS_OF_THE_DATA = "data/dataset.yml"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing in which the making of two reports differs.

    kind: "data", "settings", "code", "notebooks" or "versions". name: which table, key, package,
    notebook or library. sentence: what changed, for the reader. sections: the sections of the
    report that it can have touched; empty stands for all. binding: it touches the page only.
    """

    kind: str
    name: str
    sentence: str
    sections: tuple[str, ...] = ()
    binding: bool = False


def changed_keys(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Keys whose values differ, in order; a key missing on one side counts."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of a tree of mappings, by dotted path; lists are leaves."""
    if not isinstance(tree, dict):
        return {prefix: tree}
    leaves: dict[str, Any] = {}
    for key, item in tree.items():
        leaves |= flatten(item, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _written(value: Any) -> str:
    if value is None:
        return message("not set")
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _defaults() -> dict[str, Any]:
    """What settings are where `dataset.yml` does not set them."""
    from analysis.intake.settings import Settings
    from analysis.reporting.manifest import describe_settings

    least = {
        "company": "-", "currency": "EUR", "tables": {"customers": {}},
        "covers": {"from": "2000-01-01", "to": "2000-12-31"},
    }  # fmt: skip
    return flatten(describe_settings(Settings.model_validate(least)))


def _settings_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    before, after = flatten(old), flatten(new)
    # A setting that the product did not have yet, and that nobody has set since, changes nothing.
    usual = _defaults() if before != after else {}
    after = {k: v for k, v in after.items() if k in before or k not in usual or usual[k] != v}
    return [
        Cause(
            SETTINGS,
            key,
            message(
                "{key}: {old} became {new}",
                key=key, old=_written(before.get(key)), new=_written(after.get(key)),
            ),
        )
        for key in changed_keys(before, after)
    ]  # fmt: skip


def _rows_in_words(old: dict[str, Any], new: dict[str, Any]) -> str:
    """How the rows of one quarter differ, as far as counts that may be published tell."""
    before, after = old.get("rows"), new.get("rows")
    if not old:
        return _counted(
            after, message_for("about {count} row, new", "about {count} rows, new", after or 0)
        )
    if not new:
        return _counted(
            before, message_for("about {count} row, gone", "about {count} rows, gone", before or 0)
        )
    if before is None or after is None or before == after:
        return message("content changed, about as many rows")
    more = after - before
    if more > 0:
        return message_for("about {count} row more", "about {count} rows more", more)
    return message_for("about {count} row fewer", "about {count} rows fewer", -more)


def _counted(rows: int | None, words: str) -> str:
    return words if rows else message("few rows")


def _table_cause(name: str, old: dict[str, Any], new: dict[str, Any], files: str) -> Cause:
    if not old or not new:
        said = message("the table is new") if not old else message("the table is gone")
        return Cause(DATA, name, message("{table}: {said}", table=name, said=said))
    if old.get("by") != new.get("by"):
        said = message(
            "{old} rows became {new}; their content cannot be compared: they were fingerprinted by "
            "another version of the database engine",
            old=format_count(old.get("rows") or 0), new=format_count(new.get("rows") or 0),
        )  # fmt: skip
        return Cause(DATA, name, message("{table}: {said}", table=name, said=said))
    before, after = old.get("quarters", {}), new.get("quarters", {})
    parts = [
        f"{quarter} ({_rows_in_words(before.get(quarter, {}), after.get(quarter, {}))})"
        for quarter in changed_keys(before, after)
    ]
    shown = ", ".join(parts[:MOST_NAMED])
    if len(parts) > MOST_NAMED:
        shown += message(" and {count} more quarters", count=len(parts) - MOST_NAMED)
    return Cause(
        DATA,
        name,
        message("{table}: rows dated {quarters}{files}", table=name, quarters=shown, files=files),
    )


def _files_of_table(name: str, settings: dict[str, Any], changed: list[str]) -> str:
    """The changed files that a table is read from, in brackets; empty where it cannot be told."""
    table = settings.get("tables", {}).get(name, {})
    sources = settings.get("sources", {})
    own = str(table.get("source") or name)
    patterns = [
        source.get("file") or f"database/{label}"
        for label, source in sources.items()
        if "sql" in table or label == own
    ]
    found = [f for f in changed if any(fnmatch(f, pattern) for pattern in patterns)]
    return message(" (from {files})", files=", ".join(found[:MOST_NAMED])) if found else ""


def changed_files(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Data files whose content differs, `dataset.yml` left out."""

    def digests(manifest: dict[str, Any]) -> dict[str, str]:
        found = {k: v for k, v in manifest.get("inputs", {}).items() if k.startswith("data/")}
        return {k: v for k, v in found.items() if k != SETTINGS_OF_THE_DATA}

    return [key.removeprefix("data/") for key in changed_keys(digests(old), digests(new))]


def data_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    """Tables whose content as of the period's end differs, quarter by quarter of their dates."""
    before, after = old.get("tables", {}), new.get("tables", {})
    files = changed_files(old, new)
    return [
        _table_cause(
            name,
            before.get(name, {}),
            after.get(name, {}),
            _files_of_table(name, new.get("settings", {}), files),
        )
        for name in changed_keys(before, after)
    ]


def _package(path: str) -> str:
    folder, _, _ = path.removeprefix("src/analysis/").rpartition("/")
    return folder or path


def _code_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    packages: dict[str, list[str]] = {}
    for path in changed_keys(old, new):
        packages.setdefault(_package(path), []).append(path)
    causes = []
    for package, paths in sorted(packages.items()):
        names = [_with_fate(path, old, new) for path in paths]
        shown = ", ".join(names[:MOST_NAMED])
        if len(names) > MOST_NAMED:
            shown += message(" and {count} more", count=len(names) - MOST_NAMED)
        binding = package.startswith(("reporting", "docs"))
        sentence = message("{package}: {modules}", package=package, modules=shown)
        causes.append(Cause(CODE, package, sentence, binding=binding))
    return causes


def _with_fate(path: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    name = path.rpartition("/")[2]
    if path not in old:
        return message("{name} (new)", name=name)
    return name if path in new else message("{name} (gone)", name=name)


def _notebook_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    causes = []
    for name in changed_keys(old, new):
        said = (
            message("{notebook} is new", notebook=name)
            if name not in old
            else message("{notebook} is gone", notebook=name)
            if name not in new
            else message("{notebook}: its cells changed", notebook=name)
        )
        section = name.removesuffix(".ipynb").replace("_", "-")
        causes.append(Cause(NOTEBOOKS, name, said, (section,)))
    return causes


def _version_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    def versions(manifest: dict[str, Any]) -> dict[str, str]:
        own = {
            "Python": manifest.get("python"),
            "platform": manifest.get("platform"),
            "clientele": manifest.get("clientele"),
        }
        return {**manifest.get("libraries", {}), **own}

    before, after, none = versions(old), versions(new), message("none")
    causes = [
        Cause(
            VERSIONS,
            name,
            message(
                "{name}: {old} became {new}",
                name=name, old=before.get(name) or none, new=after.get(name) or none,
            ),
        )
        for name in changed_keys(before, after)
    ]  # fmt: skip
    if old.get("lock") != new.get("lock"):
        said = message("requirements.lock changed")
        if not causes:
            said = message(
                "requirements.lock changed, but none of the versions in use is another one"
            )
        causes.append(Cause(VERSIONS, LOCK, said, binding=True))
    return causes


def find_causes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    """All in which two manifests differ, by kind: data, settings, code, notebooks, versions."""
    return [
        *data_causes(old, new),
        *_settings_causes(old.get("settings", {}), new.get("settings", {})),
        *_code_causes(old.get("code", {}), new.get("code", {})),
        *_notebook_causes(old.get("notebooks", {}), new.get("notebooks", {})),
        *_version_causes(old, new),
    ]


def files_without_effect(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Data files that changed although no table as of the period's end did."""
    if data_causes(old, new):
        return []
    return changed_files(old, new)


def name_of_kind(kind: str) -> str:
    """A kind of cause in the words of readers."""
    return {
        DATA: message("late or changed data"),
        SETTINGS: message("changed settings"),
        CODE: message("changed code"),
        NOTEBOOKS: message("changed notebooks"),
        VERSIONS: message("other versions"),
    }[kind]
