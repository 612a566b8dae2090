"""SQL of `dataset.yml`: what is let through, what is refused by reading it, what by the engine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from analysis.errors import ClienteleError, SettingsError
from analysis.intake import sql
from analysis.intake.dataset import open_dataset
from analysis.intake.engine import open_engine
from analysis.intake.sql import changing_functions, check_select, lock_down, run_select

SOURCES = ["customers", "Orders"]
ONE = "write exactly one SELECT"
ONLY_SOURCES = "only sources are read"
CHANGES = "is not allowed, it changes from run to run"

REFUSED = [
    # other files
    ("SELECT * FROM read_csv('x.csv')", "read_csv() is not a source; " + ONLY_SOURCES),
    ("SELECT * FROM read_csv_auto('x.csv')", ONLY_SOURCES),
    ("SELECT * FROM READ_Text('/etc/passwd')", ONLY_SOURCES),
    ('SELECT * FROM "read_blob"(\'x\')', ONLY_SOURCES),
    ("SELECT * FROM main.read_text('x')", ONLY_SOURCES),
    ("SELECT * FROM system.main.read_text('x')", ONLY_SOURCES),
    ("SELECT * FROM glob('*')", ONLY_SOURCES),
    ("SELECT * FROM parquet_scan('x')", ONLY_SOURCES),
    ("SELECT * FROM sniff_csv('x')", ONLY_SOURCES),
    ("SELECT * FROM read_json_auto('x')", ONLY_SOURCES),
    ("SELECT * FROM read_xlsx('x')", ONLY_SOURCES),
    ("SELECT * FROM sqlite_scan('x', 'y')", ONLY_SOURCES),
    ("SELECT * FROM postgres_query('x', 'y')", ONLY_SOURCES),
    ("SELECT * FROM 'customers.csv'", "there is no source 'customers.csv'"),
    ('SELECT * FROM "/etc/passwd"', "there is no source '/etc/passwd'"),
    ("SELECT (SELECT content FROM read_text('x')) FROM customers", ONLY_SOURCES),
    ("SELECT * FROM customers WHERE EXISTS (FROM read_text('x'))", ONLY_SOURCES),
    ("SELECT * FROM customers, LATERAL (SELECT * FROM read_text(customers.path))", ONLY_SOURCES),
    ("WITH c AS (SELECT * FROM read_text('x')) SELECT * FROM c", ONLY_SOURCES),
    ("SELECT * FROM customers UNION ALL SELECT * FROM read_text('x')", ONLY_SOURCES),
    ("SELECT * FROM query('SELECT 1')", ONLY_SOURCES),
    ("SELECT * FROM query_table(['customers'])", ONLY_SOURCES),
    ("SELECT * FROM json_execute_serialized_sql('{}')", ONLY_SOURCES),
    # other statements
    ("COPY customers TO 'x.csv'", ONE),
    ("COPY (SELECT 1) TO 'x.csv'", ONE),
    ("ATTACH 'x.db'", ONE),
    ("INSTALL httpfs", ONE),
    ("LOAD httpfs", ONE),
    ("PRAGMA database_list", ONE),
    ("CALL pragma_version()", ONE),
    ("SET threads = 8", ONE),
    ("SET VARIABLE x = 1", ONE),
    ("RESET threads", ONE),
    ("EXPORT DATABASE 'x'", ONE),
    ("CREATE TABLE x AS SELECT * FROM customers", ONE),
    ("CREATE TEMP MACRO m() AS 1", ONE),
    ("CREATE VIEW v AS SELECT 1", ONE),
    ("INSERT INTO customers VALUES (1)", ONE),
    ("UPDATE customers SET id = 1", ONE),
    ("DELETE FROM customers", ONE),
    ("DROP TABLE customers", ONE),
    ("TRUNCATE customers", ONE),
    ("EXPLAIN SELECT 1", ONE),
    ("CHECKPOINT", ONE),
    ("BEGIN", ONE),
    ("USE memory", ONE),
    ("PREPARE p AS SELECT 1", ONE),
    ("PIVOT customers ON id USING count(*)", ONE),
    ("SELECT 1; SELECT 2", ONE),
    ("SELECT 1; DROP TABLE customers", ONE),
    ("SELECT 1 /* ; */; -- x\n DROP TABLE customers", ONE),
    ("SELECT 1;;SELECT 2", ONE),
    ("-- nothing", ONE),
    (";", ONE),
    ("SELECT * INTO x FROM customers", "SELECT INTO"),
    ("SELECT * FROM customers FOR UPDATE", ""),
    ("DESCRIBE customers", "show ref is not allowed"),
    ("SUMMARIZE customers", "show ref is not allowed"),
    ("SHOW TABLES", "is not allowed"),
    ("SELECT * FROM (DESCRIBE customers)", "show ref is not allowed"),
    # what changes from run to run
    ("SELECT now() FROM customers", "now() " + CHANGES),
    ("SELECT NOW() FROM customers", CHANGES),
    ('SELECT "now"() FROM customers', CHANGES),
    ("SELECT main.now() FROM customers", CHANGES),
    ("SELECT system.main.now() FROM customers", CHANGES),
    ("SELECT pg_catalog.current_query() FROM customers", CHANGES),
    ("SELECT now/**/() FROM customers", CHANGES),
    ("SELECT id.random() FROM customers", CHANGES),
    ("SELECT today() FROM customers", CHANGES),
    ("SELECT current_date FROM customers", "current_date " + CHANGES),
    ("SELECT Current_Timestamp FROM customers", CHANGES),
    ("SELECT CURRENT_TIME FROM customers", CHANGES),
    ("SELECT localtimestamp FROM customers", CHANGES),
    ("SELECT current_localtimestamp() FROM customers", CHANGES),
    ("SELECT get_current_timestamp() FROM customers", CHANGES),
    ("SELECT transaction_timestamp() FROM customers", CHANGES),
    ("SELECT age(since) FROM customers", "write age(until, since)"),
    ("SELECT random() FROM customers", CHANGES),
    ("SELECT list_transform([1], x -> random()) FROM customers", CHANGES),
    ("SELECT list_transform([1], lambda x: x + random()) FROM customers", CHANGES),
    ("SELECT [random() for x in [1]] FROM customers", CHANGES),
    ("SELECT {'a': uuid()} FROM customers", CHANGES),
    ("SELECT gen_random_uuid() FROM customers", CHANGES),
    ("SELECT uuidv7() FROM customers", CHANGES),
    ("SELECT setseed(1) FROM customers", CHANGES),
    ("SELECT nextval('s') FROM customers", CHANGES),
    ("SELECT txid_current() FROM customers", CHANGES),
    ("SELECT sum(random()) OVER () FROM customers", CHANGES),
    ("SELECT count(*) FILTER (random() < 1) FROM customers", CHANGES),
    ("SELECT * FROM customers ORDER BY random()", CHANGES),
    ("SELECT * FROM customers WHERE random() < .5", CHANGES),
    ("SELECT * FROM customers LIMIT (SELECT random() * 10)", CHANGES),
    ("SELECT id FROM customers GROUP BY random()", CHANGES),
    ("SELECT * FROM customers JOIN orders ON random() < .5", CHANGES),
    ("SELECT * FROM range((random() * 10)::INT)", CHANGES),
    ("SELECT * FROM (VALUES (random())) v(x)", CHANGES),
    ("SELECT * REPLACE (random() AS id) FROM customers", CHANGES),
    ("SELECT CASE WHEN random() < .5 THEN 1 END FROM customers", CHANGES),
    ("SELECT * FROM customers USING SAMPLE 10", "samples are not allowed"),
    ("SELECT * FROM customers TABLESAMPLE 10%", "samples are not allowed"),
    ("SELECT reservoir_quantile(id, .5) FROM customers", CHANGES),
    # the machine, the session, the catalog
    ("SELECT getenv('HOME') FROM customers", "getenv() " + CHANGES),
    ("SELECT getvariable('x') FROM customers", CHANGES),
    ("SELECT current_setting('threads') FROM customers", CHANGES),
    ("SELECT version() FROM customers", CHANGES),
    ("SELECT current_user FROM customers", CHANGES),
    ("SELECT current_database() FROM customers", CHANGES),
    ("SELECT * FROM duckdb_settings()", "duckdb_settings() is not a source"),
    ("SELECT * FROM duckdb_secrets()", ONLY_SOURCES),
    ("SELECT * FROM duckdb_tables()", ONLY_SOURCES),
    ("SELECT * FROM duckdb_tables", "there is no source 'duckdb_tables'"),
    ("SELECT * FROM pragma_version()", ONLY_SOURCES),
    ("SELECT * FROM sqlite_master", "there is no source 'sqlite_master'"),
    ("SELECT * FROM information_schema.tables", ONLY_SOURCES),
    ("SELECT * FROM pg_catalog.pg_settings", ONLY_SOURCES),
    ("SELECT * FROM pg_tables", "there is no source 'pg_tables'"),
    ("SELECT * FROM canonical.customers", ONLY_SOURCES),
    ("SELECT * FROM main.customers", ONLY_SOURCES),
    ("SELECT * FROM memory.main.customers", ONLY_SOURCES),
    ("SELECT * FROM customers AT (VERSION => 1)", ONLY_SOURCES),
    ("SELECT pg_get_viewdef(1) FROM customers", CHANGES),
    # names of Python variables, and names that WITH gives elsewhere
    ("SELECT * FROM settings", "there is no source 'settings'"),
    ("WITH sqlite_master AS (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master",
     "there is no source 'sqlite_master'"),
    ("WITH sqlite_master AS MATERIALIZED (SELECT * FROM sqlite_master) SELECT * FROM sqlite_master",
     "there is no source 'sqlite_master'"),
    ("WITH RECURSIVE pg_tables AS (SELECT * FROM pg_tables UNION SELECT * FROM pg_tables) "
     "SELECT * FROM pg_tables", "there is no source 'pg_tables'"),
    ("SELECT * FROM (WITH pg_tables AS (SELECT 1) SELECT 1) a, pg_tables", "no source 'pg_tables'"),
    ("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", "there is no source 'b'"),
    # what cannot be read
    ("SELECT * FROM custmers", "did you mean customers?"),
    ("SELECT ? FROM customers", "write the value itself"),
    ("SELECT $x FROM customers", "write the value itself"),
    ("SELEC * FROM customers", "not readable as SQL"),
    ("SELECT * FROM customers WHERE", "not readable as SQL"),
    ("SELECT '", "not readable as SQL"),
    ("SELECT " + "abs(" * 5000 + "1" + ")" * 5000, ""),
    ("SELECT " + "-" * 3 + "1", ""),
    ("\0", ""),
]  # fmt: skip


@pytest.mark.parametrize(("query", "said"), REFUSED, ids=range(len(REFUSED)))
def test_refused_by_reading_it(query: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_select(query, "customers", SOURCES)
    text = str(caught.value)
    assert text.startswith("dataset.yml: tables.customers.source.sql: ")
    assert said in text
    assert "\n" not in text


ALLOWED = [
    "SELECT * FROM customers",
    "select * from ORDERS",
    'SELECT * FROM "customers" AS "a table"',
    "FROM customers",
    "TABLE customers",
    "SELECT * FROM customers -- a remark; with a semicolon",
    "SELECT * FROM customers;",
    "SELECT * FROM customers;\n-- the end\n",
    "SELECT 'DROP TABLE x; now()' AS text FROM customers",
    'SELECT id AS now, "user" FROM customers',
    "WITH customers AS (SELECT * FROM customers WHERE id <> '') SELECT * FROM customers",
    "WITH a AS (SELECT * FROM customers), b AS (SELECT * FROM a) SELECT * FROM a JOIN b USING (id)",
    "WITH a AS MATERIALIZED (SELECT * FROM customers) SELECT * FROM a WHERE id IN (FROM a)",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) FROM n",
    "SELECT * FROM customers c, LATERAL (SELECT c.id) d",
    "SELECT id, count(*) OVER (PARTITION BY id ORDER BY id ROWS 1 PRECEDING) FROM customers",
    "SELECT DISTINCT ON (id) * FROM customers ORDER BY id DESC NULLS LAST LIMIT 5",
    "SELECT * FROM customers QUALIFY row_number() OVER (PARTITION BY id ORDER BY day) = 1",
    "SELECT unnest(string_split(id, ',')) FROM customers",
    "SELECT * FROM customers /* ; */ ; -- Ы;",
    "SELECT * FROM range(3) r(i), generate_series(1, 2), unnest([1, 2])",
    "SELECT CAST(x AS DECIMAL(18, 2)), strptime(d, '%d.%m.%Y')::DATE, age(a, b) FROM orders",
    "SELECT CAST(x AS STRUCT(a INT, b VARCHAR[])), TRY_CAST(x AS ENUM('a', 'b')) FROM orders",
    "SELECT * FROM (PIVOT orders ON x IN (1, 2) USING sum(y))",
    "SELECT * FROM (UNPIVOT orders ON a, b INTO NAME k VALUE v)",
    "SELECT * EXCLUDE (id) REPLACE (upper(x) AS x), COLUMNS('a.*') FROM orders",
    "SELECT * FROM customers UNION BY NAME SELECT * FROM orders INTERSECT SELECT * FROM orders",
    "SELECT * FROM customers ASOF JOIN orders ON customers.id = orders.id AND a >= b",
    "SELECT list_transform([1], x -> x + 1), {'a': 1}.a, [i FOR i IN [1]] FROM customers",
    "SELECT sum(x) FILTER (x > 0), string_agg(x, ',' ORDER BY x), grouping(id) FROM orders "
    "GROUP BY ROLLUP (id)",
    "VALUES (1, 'a')",
]


@pytest.mark.parametrize("query", ALLOWED)
def test_a_select_passes(query: str) -> None:
    checked = check_select(query, "customers", SOURCES)
    assert query.startswith(checked)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM orders;",
        "SELECT * FROM orders -- not; the end",
        "SELECT * FROM orders -- not; the end\n ; -- but; this",
        "SELECT * FROM orders;\n/* the; end */\n",
        "SELECT *, ';' AS \"я;\" FROM orders; -- Москва;",
        "WITH a AS (FROM orders) FROM a ORDER BY x LIMIT 2",
    ],
)
def test_remarks_and_semicolons_are_no_harm(query: str) -> None:
    with open_engine() as engine:
        engine.execute("CREATE TABLE orders AS SELECT * FROM (VALUES (2), (1)) v(x)")
        lock_down(engine)
        relation = run_select(engine, check_select(query, "orders", SOURCES), "orders")
        rows = engine.execute(f"SELECT x FROM {relation}").fetchall()
    assert rows == [(1,), (2,)]


def test_which_functions_change_is_asked_of_the_engine() -> None:
    assert {"random", "now", "uuidv7", "nextval", "current_query_id"} <= changing_functions()
    useful = {"sum", "strptime", "date_trunc", "lower", "coalesce", "list", "array_agg", "round"}
    assert not useful & changing_functions()


BEHIND_THE_FENCE = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM parquet_scan('{file}')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "ATTACH '{folder}/out.db'",
    "EXPORT DATABASE '{folder}/out'",
    "INSTALL httpfs",
    "LOAD '{folder}/x.duckdb_extension'",
    "SET enable_external_access = true",
    "SET python_enable_replacements = true",
    "SET threads = 1",
    "SET lock_configuration = false",
    "RESET memory_limit",
    "PRAGMA threads = 1",
    "SELECT * FROM read_text('https://example.org/')",
    "SELECT * FROM a_python_variable",
    "SELECT getenv('HOME')",
    "CREATE PERSISTENT SECRET s (TYPE http)",
]


@pytest.mark.parametrize("query", BEHIND_THE_FENCE)
def test_refused_by_the_engine_were_it_not_read(query: str, tmp_path: Path) -> None:
    import pandas as pd

    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    a_python_variable = pd.DataFrame({"a": [1]})
    with open_engine() as engine:
        lock_down(engine)
        with pytest.raises(duckdb.Error):
            engine.execute(query.format(file=file, folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert len(a_python_variable) == 1


def test_the_engine_spills_though_it_is_locked(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        engine.execute("SET memory_limit = '60MB'")
        engine.execute("SET enable_external_access = false")
        engine.execute("SET lock_configuration = true")
        engine.execute(
            "CREATE TABLE wide AS SELECT i, hash(i)::VARCHAR || hash(i + 1)::VARCHAR AS text "
            "FROM range(1_500_000) r(i)"
        )
        assert list(tmp_path.rglob("*.tmp")), "nothing was spilt"
        assert engine.execute("SELECT count(*) FROM wide").fetchone() == (1_500_000,)
    assert list(tmp_path.iterdir()) == []


def test_a_select_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "LONGEST_SELECT_SECONDS", 0.3)
    endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n) SELECT count(*) FROM n"
    for query in (endless, "SELECT sum(i * j) FROM range(10_000_000) a(i), range(10_000_000) b(j)"):
        checked = check_select(query, "customers", SOURCES)
        with open_engine() as engine:
            lock_down(engine)
            with pytest.raises(SettingsError, match="does it ever end"):
                run_select(engine, checked, "customers")


def test_a_select_that_fails_says_why() -> None:
    with (
        open_engine() as engine,
        pytest.raises(SettingsError, match=r"customers.source.sql: .*nope"),
    ):
        run_select(engine, "SELECT nope FROM (SELECT 1 AS yes)", "customers")


HEAD = "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"


@pytest.mark.parametrize(
    "query",
    ["SELECT * FROM read_csv('customers.csv')", "SELECT 1; SELECT 2", "CREATE TABLE x (a INT)",
     "SELECT now()", "SELECT * FROM duckdb_settings()", "SELECT getenv('HOME')"],
)  # fmt: skip
def test_refused_where_a_data_set_is_opened(make_dataset, query: str) -> None:
    quoted = query.replace("'", "''")
    folder = make_dataset(
        HEAD + "sources: {customers: customers.csv}\n"
        f"tables: {{customers: {{source: {{sql: '{quoted}'}}}}}}\n",
        customers="customer_id,started_on\nA,2025-01-01\n",
    )
    with pytest.raises(ClienteleError) as caught:
        open_dataset(folder)
    assert "tables.customers.source.sql: " in str(caught.value)
    assert not list((folder.parent / "build").glob("prepared/*"))


def test_sql_gives_the_same_to_the_last_digit_from_run_to_run(make_dataset) -> None:
    """With several threads, sums of fractions depend on who adds first."""
    sizes = []

    def seen(connection: duckdb.DuckDBPyConnection, query: str, table: str) -> str:
        sizes.append(connection.execute("SELECT current_setting('threads')").fetchall()[0][0])
        return run_select(connection, query, table)

    folder = make_dataset(
        "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
        "sources: {lines: lines.csv}\n"
        "tables: {customers: {source: {sql: SELECT DISTINCT customer_id FROM lines}}}\n",
        lines="customer_id\nA\nB\n",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("analysis.intake.load.run_select", seen)
        open_dataset(folder)
    assert sizes == [1]
