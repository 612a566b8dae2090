"""What `make check-data` writes on the terminal."""

from __future__ import annotations

from analysis.errors import Problem
from analysis.intake.inventory import TableInventory
from analysis.intake.notes import Note
from analysis.intake.periods import complete_periods
from analysis.intake.settings import Settings
from analysis.reporting.check_data import DataCheck
from analysis.reporting.terminal import Page

# Beyond these the list of a table's columns helps nobody.
MOST_COLUMNS = 30


def show(check: DataCheck, command: str, page: Page) -> None:
    """Write the whole check. command: what builds the report, such as `make report DATASET=…`."""
    _say_what_it_is(check, page)
    _say_tables(check, page)
    _say_columns(check, page)
    _say_notes(check, page)
    if check.guesses:
        _say_guesses(check, page)
    if check.notebooks:
        _say_notebooks(check, page)
    if check.problems:
        _say_problems(check.problems, page)
    if check.hints:
        page.heading("What may be behind it")
        for hint in check.hints:
            page.line(f"- {hint}", indent=2)
    page.heading("Next")
    page.line(_next_step(check, command), indent=2)


def _say_what_it_is(check: DataCheck, page: Page) -> None:
    settings = check.settings
    page.heading(f"{settings.company} ({check.name})")
    covers = settings.covers
    rows = [("period", f"{check.period.label}: everything below is as of {_as_of(check)}")]
    if check.problems:
        rows = [("period", f"{check.period.label}; tables below are as exported, where readable")]
    if covers is not None:
        rows.append(("covers", f"{covers.first} to {covers.last}"))
        rows.append(("can be asked for", _periods_in_words(settings)))
    else:
        rows.append(
            ("snapshot", f"{settings.snapshot_on}: tenure instead of dates, one period only")
        )
    rows.append(("currency", settings.currency))
    rows.append(("money", _economics_in_words(settings)))
    rows.append(("a customer is lost", _churn_in_words(check)))
    rows.append(
        ("small cells", "hidden" if settings.disclosure == "on" else "shown (disclosure: off)")
    )
    page.pairs(rows)


def _as_of(check: DataCheck) -> str:
    return str(check.period.last_day if check.settings.covers else check.settings.last_day)


def _periods_in_words(settings: Settings) -> str:
    parts = []
    for months, word in ((3, "quarter"), (1, "month")):
        labels = [period.label for period in complete_periods(settings, months)]
        if labels:
            span = f"{labels[0]} to {labels[-1]}" if len(labels) > 1 else labels[0]
            parts.append(f"{len(labels)} {word}{'s' if len(labels) > 1 else ''}, {span}")
    return "; ".join(parts) or "no whole month is covered: widen covers"


def _economics_in_words(settings: Settings) -> str:
    economics = settings.economics
    margin = (
        f"gross margin {economics.gross_margin:.1%}"
        if economics.margin_declared
        else "no gross margin declared: spend counts as margin unless a column says it"
    )
    return (
        f"{margin}; {economics.discount_rate_annual:.1%} a year; valued over "
        f"{economics.horizon_months} months"
    )


def _churn_in_words(check: DataCheck) -> str:
    churn = check.settings.churn
    said = {
        "contract": "on the day of ended_on (contract)",
        "inactivity": f"after {churn.days} days without an order (inactivity)",
        "flag": "where a mark says so (flag), recorded over "
        f"{churn.observation_window_months:g} months",
    }[churn.rule]
    wanted = {"contract": "ended_on", "flag": "ended"}.get(churn.rule, "")
    for table in check.tables:
        if table.name == "customers" and wanted and table.missing.get(wanted, 1.0) == 1.0:
            gives = "holds nothing" if wanted in table.missing else "is not in the export"
            return f"{said}; but {wanted} {gives}, so that nobody counts as lost: see churn in data/README.md"
    return said


def _say_tables(check: DataCheck, page: Page) -> None:
    page.heading("Tables")
    if not check.tables:
        page.line("none could be read", indent=2)
        return
    rows = [
        (
            table.name,
            _origin(check.settings, table.name),
            f"{table.rows:,}",
            table.first or "",
            table.last or "",
            "" if table.customers is None else f"{table.customers:,}",
            "" if table.orphans is None else f"{table.orphans:,}",
        )
        for table in check.tables
    ]
    page.table(("table", "from", "rows", "first", "last", "customers", "orphans"), rows, "llrllrr")
    unread = [name for name in check.settings.tables if name not in {t.name for t in check.tables}]
    if unread:
        page.line(f"could not be made: {', '.join(unread)}", indent=2)
    if any(table.orphans for table in check.tables):
        page.line("orphans: rows of customers who are not in the customer table", indent=2)


def _origin(settings: Settings, name: str) -> str:
    table = settings.tables[name]
    if table.sql:
        return "SQL"
    if table.rows:
        return "rows in dataset.yml"
    source = settings.sources[table.source or name]
    if source.connect:
        return f"{source.table} at {source.connect.removeprefix('env:')}"
    return f"{source.file}{f' [{source.sheet}]' if source.sheet else ''}"


def _say_columns(check: DataCheck, page: Page) -> None:
    page.heading("Columns: share of rows without a value")
    page.pairs([(table.name, _gaps(table)) for table in check.tables])


def _gaps(table: TableInventory) -> str:
    gaps = [(name, share) for name, share in table.missing.items() if share > 0]
    gaps.sort(key=lambda gap: -gap[1])
    shown = [f"{name} {_share(share)}" for name, share in gaps[:MOST_COLUMNS]]
    given = "; ".join([", ".join(shown)] if shown else ["none missing"])
    if not table.not_given:
        return given
    absent = _items_joined(list(table.not_given))
    return f"{given}; not in the export: {absent}"


def _items_joined(names: list[str]) -> str:
    """Names in a row; the 24 statements of a sheet as one."""
    items = [name for name in names if name.startswith("item_")]
    plain = [name for name in names if not name.startswith("item_")]
    return ", ".join([*plain, *([f"{items[0]} … {items[-1]}"] if items else [])])


def _share(share: float) -> str:
    return (
        "<1 %"
        if share < 0.01
        else ">99 %"
        if 0.99 < share < 1
        else f"{share:.0%}".replace("%", " %")
    )


def _say_notes(check: DataCheck, page: Page) -> None:
    for kind, title in (("repair", "Mended"), ("warning", "Doubtful"), ("info", "To know")):
        notes = [note for note in check.notes if note.kind == kind]
        if notes:
            page.heading(title)
            rows = [
                (
                    ".".join(part for part in (note.table, note.column) if part),
                    f"{note.count:,}" if note.count else "",
                    note.message + _examples(note),
                )
                for note in notes
            ]
            page.table(("where", "rows", "what"), rows, "lrl")


def _examples(note: Note) -> str:
    """Keys to look for: whoever reads this owns the data."""
    return f"; such as {', '.join(note.examples)}" if note.examples else ""


def _say_notebooks(check: DataCheck, page: Page) -> None:
    later = ", once the problems below are put right" if check.problems else ""
    page.heading(f"What the report can answer{later}")
    rows = []
    for notebook in check.notebooks:
        number = notebook.name.split("_")[0]
        if notebook.missing:
            verdict = f"no: needs {notebook.missing}"
        elif notebook.without:
            verdict = f"in part, without {', '.join(dict.fromkeys(notebook.without))}"
        else:
            verdict = "yes"
        rows.append((number, notebook.question, verdict))
    page.table(("", "question", "can it?"), rows, "lll")


def _say_guesses(check: DataCheck, page: Page) -> None:
    open_ones = "not yet confirmed" if not check.settings.confirmed else "still marked"
    page.heading(f"Guesses in dataset.yml, {open_ones}")
    page.table(("line", "says"), check.guesses, "rl")


def _say_problems(problems: tuple[Problem, ...], page: Page) -> None:
    number = len(problems)
    page.heading("1 problem to put right" if number == 1 else f"{number} problems to put right")
    for problem in problems:
        for position, line in enumerate(str(problem).split("\n")):
            page.line(f"{'- ' if not position else '  '}{line.strip()}", indent=2)


def _next_step(check: DataCheck, command: str) -> str:
    if check.problems:
        return "put these right in the export or in dataset.yml, and check again"
    if not check.settings.confirmed:
        return (
            "look at every guess above, correct what is wrong, write `confirmed: yes` in dataset.yml; "
            f"then {command}"
        )
    return command
