"""A proposal as the text of a `dataset.yml`, every guess marked with its reason."""

from __future__ import annotations

from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.proposing import Proposal
from analysis.intake.proposal.reading_form import differences
from analysis.intake.proposal.tables import Guess, ProposedTable
from analysis.intake.proposal.text_files import PLAIN_LETTERS
from analysis.intake.proposal.yaml_text import comment, flow, scalar
from analysis.intake.schema import TABLES

HEAD = """\
# A first dataset.yml, written from a look at the files. What each key means: data/README.md.
# A line marked “guess” says what it rests on; one marked “undecided” can be read in two ways.
# Look at each, correct what is wrong, fill in what no file tells (lines that begin with #), then
# write yes here. Until then `make check-data` works and `make report` does not.
confirmed: no
"""
UNTOLD = """\
# What no file tells; write what applies.
# economics: {gross_margin: 0.40, discount_rate_annual: 0.10, horizon_months: 24}  # margin as a share of spend
# year_starts: 1            # first month of the fiscal year
# targets: {net-promoter-score: 30, retention: 0.95}   # levels aimed at
# control_totals: {revenue: {2026Q1: 0.00}}            # what the ledger says, to reconcile with
# disclosure: "off"         # only for public data or internal use: shows small groups
"""
ZONE = """\
# time_zone: Europe/Berlin  # times bear offsets from UTC: without a zone of your own, days are those of UTC
"""


def _marked(line: str, guess: Guess) -> str:
    also = f"; undecided: {guess.undecided}" if guess.undecided else ""
    word = "undecided" if guess.undecided else "guess"
    return f"{line}  # {word}: {comment(guess.reason)}{comment(also.replace('; undecided: ', '; '))}; confirm"


def render(proposal: Proposal, name: str, variable: str) -> str:
    """The whole text. variable: environment variable for the address of a database file."""
    lines = [HEAD]
    company = name.replace("_", " ").replace("-", " ").strip().title()
    lines.append(_marked(f"company: {scalar(company)}", Guess("", "the folder's name")))
    if proposal.currency:
        lines.append(_marked(f"currency: {proposal.currency.value}", proposal.currency))
    else:
        lines.append(
            "# currency: EUR   # no file tells the currency: write its three letters, take the # away"
        )
    lines.append(_marked(f"unit: {proposal.unit.value}", proposal.unit))
    lines += _time_lines(proposal)
    if proposal.churn:
        lines.append(_marked(f"churn: {flow(proposal.churn.value)}", proposal.churn))
    else:
        lines.append(
            "# churn: {rule: inactivity, days: 180}   # no file tells when a customer is lost"
        )
    lines += _reading_lines(proposal)
    zoned = any("%z" in text for form in proposal.forms.values() for text in form.dates)
    untold = UNTOLD + (ZONE if zoned else "")
    lines += ["", untold, *_source_lines(proposal, variable), "", *_table_lines(proposal)]
    lines += _rest_lines(proposal)
    return "\n".join(lines).rstrip() + "\n"


def _time_lines(proposal: Proposal) -> list[str]:
    if proposal.covers:
        return [_marked(f"covers: {flow_plain(proposal.covers.value)}", proposal.covers)]
    if proposal.snapshot:
        return [
            "# snapshot_on: 2026-06-30   # no file tells on which day the export was drawn: write it, take "
            "the # away"
        ]
    return [
        "# covers: {from: 2025-01-01, to: 2026-06-30}   # no file tells; write the days, take the # away"
    ]


def flow_plain(value: object) -> str:
    """A mapping of days, which need no quotes."""
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{key}: {day}" for key, day in value.items()) + "}"


def _reading_lines(proposal: Proposal) -> list[str]:
    common = proposal.common
    reading: dict[str, object] = {
        "encoding": common.encoding,
        "delimiter": common.delimiter,
        "decimal": common.decimal,
        "dates": list(common.dates),
    }
    if common.thousands:
        reading["thousands"] = common.thousands
    if common.negative != "minus":
        reading["negative"] = common.negative
    if common.missing:
        reading["missing"] = list(common.missing)
    reasons = sorted(
        {look.encoding_reason for look in proposal.looks if look.encoding == common.encoding},
        key=lambda reason: (reason == PLAIN_LETTERS, reason),
    )
    shown = any(form.decimal for form in proposal.forms.values())
    why = "; ".join(
        [
            f"{common.encoding}: {reasons[0] if reasons else 'no text file says otherwise'}",
            "decimal sign as in the numbers" if shown else "no number shows a decimal sign",
        ]
    )
    doubts = [
        f"{look.place}, {column}: {text}"
        for look in proposal.looks
        for column, text in proposal.forms[look.name].undecided.items()
    ]
    parts = ", ".join(f"{key}: {_quoted_flow(value)}" for key, value in reading.items())
    lines = [_marked(f"reading: {{{parts}}}", Guess("", why))]
    lines += [f"# undecided: {comment(text)}; confirm" for text in doubts]
    return lines


def _quoted_flow(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return flow(value)


def _source_lines(proposal: Proposal, variable: str) -> list[str]:
    # A key without anything under it would be refused.
    none = all(look.name in proposal.not_used for look in proposal.looks)
    lines = ["# sources:" if none else "sources:"]
    return lines + [_source_line(look, proposal, variable) for look in proposal.looks]


def _source_line(look: Look, proposal: Proposal, variable: str) -> str:
    used = look.name not in proposal.not_used
    prefix = "  " if used else "  # "
    tail = "" if used else f"   # {comment(proposal.not_used[look.name])}; not used"
    if look.table:
        entry = f'{look.name}: {{connect: "env:{variable}", table: {scalar(look.table)}}}'
        why = f"table of {look.file}; set {variable} to its address"
        return _marked(prefix + entry, Guess("", why)) if used else prefix + entry + tail
    own = differences(proposal.forms[look.name], proposal.common)
    details: dict[str, object] = {"file": look.file}
    if look.sheet:
        details["sheet"] = look.sheet
    if look.skip_lines:
        own = {"skip_lines": look.skip_lines, **own}
    if own:
        details["reading"] = own
    dated = {name: column for table in proposal.tables for name, column in table.dated.items()}
    if look.name in dated:
        details["dated"] = dated[look.name]
    plain = set(details) == {"file"}
    entry = f"{look.name}: {scalar(look.file) if plain else flow(details)}"
    if not used or plain:
        return prefix + entry + tail
    reasons = []
    if look.name in dated:
        reasons.append(f"cut by {dated[look.name]} when an earlier period is looked at")
    if "encoding" in own:
        reasons.append(look.encoding_reason)
    if "skip_lines" in own:
        lines = "1 line stands" if look.skip_lines == 1 else f"{look.skip_lines} lines stand"
        reasons.append(f"{lines} above the header")
    if set(own) - {"encoding", "skip_lines"}:
        reasons.append("its separator, numbers or dates differ from the other files'")
    if look.sheet:
        reasons.append("a sheet of the workbook")
    return _marked(prefix + entry, Guess("", "; ".join(reasons)))


def _table_lines(proposal: Proposal) -> list[str]:
    if not proposal.tables:
        return [
            "# tables: {customers: {source: customers}}   # nothing looked like one of our tables"
        ]
    lines = ["tables:"]
    for table in proposal.tables:
        lines += _one_table(table)
    return lines


def _one_table(table: ProposedTable) -> list[str]:
    lines = [_marked(f"  {table.name}:", Guess("", table.reason))]
    if table.sql:
        lines.append("    source:")
        if table.sql.replace("\n", "").isprintable():
            lines.append("      sql: |")
            lines += [f"        {line}" for line in table.sql.split("\n")]
        else:
            lines.append(f"      sql: {scalar(table.sql)}")
    else:
        lines.append(f"    source: {table.source}")
    if table.columns:
        lines.append("    columns:")
        for name, guess in table.columns.items():
            value = flow(guess.value)
            lines.append(_marked(f"      {name}: {value}", guess))
    for key, guesses in (("covariates", table.covariates), ("scales", table.scales)):
        if guesses:
            lines.append(f"    {key}:")
            lines += [_marked(f"      {scalar(n)}: {flow(g.value)}", g) for n, g in guesses.items()]
    if table.no_answer:
        lines.append(_marked(f"    no_answer: {flow(table.no_answer.value)}", table.no_answer))
    if table.more_covariates:
        lines.append(
            f"    # also possible as covariates: {comment(', '.join(table.more_covariates))}"
        )
    if table.aside:
        lines.append(f"    # left aside: {comment(', '.join(table.aside))}")
    absent = _could_lead(table)
    if absent:
        lines.append(f"    # nothing found for: {absent}")
    lines += [f"    # {comment(remark)}" for remark in table.remarks]
    return lines


def _could_lead(table: ProposedTable) -> str:
    """Columns of ours that a raw column left aside might still lead to."""
    if not table.aside:
        return ""
    known = [c for c in TABLES[table.name].column_names if not c.startswith("item_")]
    return ", ".join(name for name in known if name not in table.columns)


def _rest_lines(proposal: Proposal) -> list[str]:
    lines = []
    missing = [name for name in TABLES if name not in {table.name for table in proposal.tables}]
    if missing:
        lines += ["", f"# Not found in the folder: {', '.join(missing)}."]
    if proposal.unread:
        lines += ["", "# Files that were left aside:"]
        lines += [f"#   {comment(item.file)}: {comment(item.reason)}" for item in proposal.unread]
    return lines
