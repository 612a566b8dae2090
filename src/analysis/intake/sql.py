"""SQL from `dataset.yml` is half-trusted: one SELECT over named sources, nothing else.

Two fences that do not rest on each other. The text is read by the engine's own parser, and what
it is made of has to be on a list: sources, subqueries, joins, plain functions. And the engine
that runs it can reach no file, no network and no setting.
"""

from __future__ import annotations

import json
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from analysis.errors import SettingsError
from analysis.intake.engine import memory_limit_bytes
from analysis.intake.reading.naming import quoted
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

LONGEST_SELECT_SECONDS = 900.0
# What the engine takes for constant, though it depends on the moment, the machine or the session.
# Beyond these it says itself which functions change from call to call.
CHANGING_FUNCTIONS = frozenset({
    "current_localtime", "current_localtimestamp", "getvariable", "current_setting", "version",
    "getenv", "query", "query_table", "reservoir_quantile", "approx_quantile", "approx_top_k",
    "localtime", "localtimestamp", "current_time", "current_timestamp", "current_catalog",
    "current_role", "current_user", "session_user", "user", "which_secret", "sample", "rand",
    "write_log", "stats", "pg_postmaster_start_time", "pg_conf_load_time",
})  # fmt: skip
# These need no parentheses. A column may well be called "user".
CHANGING_WORDS = frozenset({
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user",
})  # fmt: skip
TABLE_FUNCTIONS = frozenset({"unnest", "generate_series", "range"})
# Parts of a query, as the engine's parser calls them.
KNOWN_PARTS = frozenset({
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "BASE_TABLE", "SUBQUERY",
    "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "ORDER_MODIFIER",
    "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING",
    "DESCENDING",
})  # fmt: skip


@cache
def changing_functions() -> frozenset[str]:
    """Names of functions whose value changes with the moment, chance, session or machine."""
    import duckdb

    with duckdb.connect(":memory:") as engine:
        found = engine.execute(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
            "WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') "
            "OR schema_name IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        # A few live in both schemas, and are as harmless in the one as in the other.
        plain = engine.execute(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
            "WHERE stability = 'CONSISTENT' AND schema_name = 'main'"
        ).fetchall()
        named = {str(row[0]) for row in found} - {str(row[0]) for row in plain}
    return CHANGING_FUNCTIONS | named


def check_select(query: str, table: str, sources: list[str]) -> str:
    """Let one SELECT over the named sources pass; give it back as checked.

    Raises SettingsError for anything else, in words.
    """
    place = f"dataset.yml: tables.{table}.source.sql"
    try:
        tree = _parsed(query)
        if tree.get("error"):
            _refuse_unreadable(tree, place)
        statements = tree["statements"]
        if len(statements) != 1:
            raise SettingsError(f"{place}: write exactly one SELECT")
        _check(statements[0], frozenset(), _Rules(place, sources))
    except RecursionError:
        raise SettingsError(f"{place}: is nested too deeply; write it more simply") from None
    return _without_semicolon(query)


def _without_semicolon(query: str) -> str:
    """One statement without the semicolon that ends it, and without what follows that."""
    import duckdb

    text = query.encode()
    end = len(text)
    for offset, kind in reversed(duckdb.tokenize(query)):
        if kind is not duckdb.token_type.comment:
            if text[offset : offset + 1] != b";":
                break
            end = offset
    return text[:end].decode().strip()


def _parsed(query: str) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(":memory:") as engine:
        try:
            row = engine.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchone()
        except duckdb.Error as error:
            reason = str(error).split("\n")[0]
            return {"error": True, "error_type": "parser", "error_message": reason}
    assert row is not None
    tree = json.loads(row[0])
    assert isinstance(tree, dict)
    return tree


def _refuse_unreadable(tree: dict[str, Any], place: str) -> None:
    if tree.get("error_type") == "not implemented":
        raise SettingsError(f"{place}: write exactly one SELECT, nothing else is allowed")
    reason = str(tree.get("error_message", "")).split("\n")[0]
    raise SettingsError(f"{place}: not readable as SQL: {reason}")


class _Rules:
    def __init__(self, place: str, sources: list[str]) -> None:
        self.place = place
        self.sources = sources
        self.known = {source.lower() for source in sources}

    def refused(self, reason: str) -> SettingsError:
        return SettingsError(f"{self.place}: {reason}")

    def check_table(self, node: dict[str, Any], scope: frozenset[str]) -> None:
        """A table has to be a source, or a WITH that is in sight."""
        name = str(node.get("table_name", ""))
        path = [str(node.get(key) or "") for key in ("catalog_name", "schema_name")]
        if any(path) or node.get("at_clause") is not None:
            whole = ".".join(part for part in (*path, name) if part)
            raise self.refused(f"{whole} is not a source; only sources are read")
        if name.lower() in scope or name.lower() in self.known:
            return
        raise self.refused(f"there is no source {name!r}; {did_you_mean(name, self.sources)}")

    def check_function(self, node: dict[str, Any]) -> None:
        """A function has to give the same for the same arguments, today and tomorrow."""
        name = str(node.get("function_name", "")).lower()
        one_argument = len(node.get("children") or []) == 1
        if name in changing_functions() or (name == "age" and one_argument):
            raise self.refused(
                f"{name}() is not allowed, it changes from run to run"
                + ("; write age(until, since)" if name == "age" else "")
            )


def _check(node: Any, scope: frozenset[str], rules: _Rules) -> None:
    if isinstance(node, list):
        for part in node:
            _check(part, scope, rules)
        return
    if not isinstance(node, dict):
        return
    kind, group = node.get("type"), node.get("class")
    if isinstance(kind, str) and group is None:
        _check_part(node, kind, scope, rules)
    if kind == "VALUE_PARAMETER" or group == "PARAMETER":
        raise rules.refused("parameters are not known here; write the value itself")
    if node.get("sample") is not None:
        raise rules.refused("samples are not allowed, they change from run to run")
    if "function_name" in node and (group == "FUNCTION" or group == "WINDOW"):
        rules.check_function(node)
    if group == "COLUMN_REF":
        names = node.get("column_names") or []
        if len(names) == 1 and str(names[0]).lower() in CHANGING_WORDS:
            raise rules.refused(f"{names[0]} is not allowed, it changes from run to run")
    for part, inner in _parts_in_scope(node, scope):
        _check(part, inner, rules)


def _check_part(node: dict[str, Any], kind: str, scope: frozenset[str], rules: _Rules) -> None:
    if kind not in KNOWN_PARTS and not kind.endswith("_TYPE_INFO"):
        raise rules.refused(
            f"{kind.replace('_', ' ').lower()} is not allowed; write a plain SELECT"
        )
    if kind == "BASE_TABLE":
        rules.check_table(node, scope)
    if kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", ""))
        if name.lower() not in TABLE_FUNCTIONS:
            raise rules.refused(f"{name}() is not a source; only sources are read")


def _parts_in_scope(
    node: dict[str, Any], scope: frozenset[str]
) -> list[tuple[Any, frozenset[str]]]:
    """The parts of a node, each with the names that WITH gives it.

    A name is in sight in the query it stands before, and in what follows it in the same WITH;
    within itself only where it is recursive, as elsewhere the name means the source.
    """
    own = frozenset(str(node[key]).lower() for key in ("cte_name", "ctename") if node.get(key))
    before = {"CTE_NODE": "query", "RECURSIVE_CTE_NODE": "left"}.get(str(node.get("type")), "")
    parts: list[tuple[Any, frozenset[str]]] = []
    inside = scope
    for entry in (node.get("cte_map") or {}).get("map") or []:
        parts.append((entry.get("value"), inside))
        inside = inside | {str(entry.get("key", "")).lower()}
    for key, value in node.items():
        if key != "cte_map":
            parts.append((value, inside if key == before else inside | own))
    return parts


def run_select(connection: duckdb.DuckDBPyConnection, query: str, table: str) -> str:
    """Run a checked SELECT into a table of its own; give that table's name as SQL.

    Raises SettingsError if it fails or takes longer than a quarter of an hour.
    """
    import duckdb

    relation = quoted(f"select for {table}")
    place = f"dataset.yml: tables.{table}.source.sql"
    clock = threading.Timer(LONGEST_SELECT_SECONDS, connection.interrupt)
    clock.daemon = True
    clock.start()
    try:
        # Groups come in any order: sorted, the same sources give the same table.
        connection.execute(
            f"CREATE TEMP TABLE {relation} AS SELECT * FROM ({query}\n) ORDER BY ALL"
        )
    except duckdb.InterruptException:
        raise SettingsError(
            f"{place}: took longer than {LONGEST_SELECT_SECONDS:.0f} s; does it ever end?"
        ) from None
    except duckdb.OutOfMemoryException:
        raise SettingsError(
            f"{place}: needs more memory than there is; does it ever end?"
        ) from None
    except duckdb.Error as error:
        reason = str(error).split("\n")[0]
        raise SettingsError(f"{place}: {reason}") from None
    finally:
        clock.cancel()
    return relation


def lock_down(
    connection: duckdb.DuckDBPyConnection,
    readable: list[str] | None = None,
    writable: Path | None = None,
) -> None:
    """After the sources are loaded: no files, no network, no extensions, no way back.

    readable: files behind views, read still. writable: the one folder in which files are made.
    """
    for setting, allowed in (
        ("allowed_paths", readable or []),
        ("allowed_directories", [f"{writable}/"] if writable else []),
    ):
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in allowed)
        connection.execute(f"SET {setting} = [{listed}]")
    for setting in (
        f"memory_limit='{memory_limit_bytes()}B'",
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
        "python_enable_replacements=false",
        "enable_external_access=false",
        "lock_configuration=true",
    ):
        connection.execute(f"SET {setting}")
