"""SQL from `dataset.yml` is half-trusted: one SELECT over named sources, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import SettingsError
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "8GB"
# What depends on the moment, on chance, or on the machine would make a report irreproducible.
REFUSED_FUNCTIONS = {
    "now", "random", "uuid", "gen_random_uuid", "getenv", "get_current_time", "get_current_timestamp",
    "current_date", "current_time", "current_timestamp", "current_localtime", "setseed",
    "current_localtimestamp", "today", "getvariable", "current_setting", "currval", "nextval",
    "localtime", "localtimestamp", "currentdate", "currenttime", "currenttimestamp", "rand",
    "transaction_timestamp", "current_user", "current_database", "current_schema", "version",
    "query", "query_table", "txid_current",
}  # fmt: skip


def check_select(query: str, table: str, sources: list[str]) -> str:
    """Let one SELECT over the named sources pass; give it back as checked.

    Raises SettingsError for anything else, in words.
    """
    import sqlglot
    from sqlglot import expressions as exp

    place = f"dataset.yml: tables.{table}.source.sql"
    try:
        statements = [s for s in sqlglot.parse(query, read="duckdb") if s is not None]
    except sqlglot.errors.SqlglotError as error:
        raise SettingsError(f"{place}: not readable as SQL: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SettingsError(f"{place}: write exactly one SELECT")
    statement = statements[0]
    forbidden = statement.find(exp.DDL, exp.DML, exp.Command, exp.Into)
    if forbidden is not None and not isinstance(forbidden, exp.Query):
        raise SettingsError(f"{place}: only SELECT is allowed")
    if statement.find(exp.TableSample) is not None:
        raise SettingsError(f"{place}: samples are not allowed, they change from run to run")
    for function in statement.find_all(exp.Func):
        name = (
            function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        ).lower()
        if name in REFUSED_FUNCTIONS or name.replace("_", "") in REFUSED_FUNCTIONS:
            raise SettingsError(f"{place}: {name}() is not allowed, it changes from run to run")
    names = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    known = names | {source.lower() for source in sources}
    for reference in statement.find_all(exp.Table):
        if not isinstance(reference.this, exp.Identifier) or reference.db or reference.catalog:
            raise SettingsError(
                f"{place}: {reference.sql()} is not a source; only sources are read"
            )
        if reference.name.lower() not in known:
            raise SettingsError(
                f"{place}: there is no source {reference.name!r}; "
                + did_you_mean(reference.name, sources)
            )
    return query.strip().rstrip(";")


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """After the sources are loaded: no files, no network, no extensions, no way back."""
    for setting in (
        f"memory_limit='{MEMORY_LIMIT}'",
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
        "python_enable_replacements=false",
        "enable_external_access=false",
        "lock_configuration=true",
    ):
        connection.execute(f"SET {setting}")
