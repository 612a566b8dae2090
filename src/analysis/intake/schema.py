"""The data contract: every canonical table and column, with type, unit, range and meaning.

The data dictionary, the validation, the messages and the as-of cut are all derived from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "category", "date", "datetime", "money", "number", "integer", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column.

    required: the table is useless without it.
    minimum, maximum: the admissible range, both inclusive.
    allowed: the only admissible words, if not all are.
    fact: for dates, something that has happened; it cannot lie after the last day covered.
        Planned dates (fact=False) may.
    known_on: the date column of the same table from which on this field is known; before
        that date it is blank. A date that is a fact is known on itself.
    changes: it may change after the row came into being, on a day that no column tells.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    fact: bool = True
    known_on: str = ""
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table.

    key: columns that identify a row (empty: rows need not be unique).
    dated: the date on which a row comes into being; an earlier as-of date does not show it.
    dated_else: the date that stands in where `dated` is empty or not exported.
    dated_also: a second date before which no export shows the row, where there is one.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    dated: str = ""
    dated_else: str = ""
    dated_also: str = ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


C = Column
CUSTOMER = C("customer_id", "id", "The customer", required=True)

CUSTOMERS = Table(
    "customers",
    "a customer",
    (
        CUSTOMER,
        C("started_on", "date", "First day as a customer"),
        C("tenure", "number", "Time as a customer at the snapshot, instead of dates", minimum=0),
        C(
            "tenure_unit",
            "category",
            "Unit of tenure; months if not given",
            allowed=("days", "weeks", "months", "years"),
        ),
        C("ended_on", "date", "Last day as a customer; empty while active", known_on="ended_on"),
        C("ended", "flag", "Whether the customer has left, instead of a date", known_on="ended_on"),
        C("end_reason", "category", "Why the customer left", known_on="ended_on"),
        C("observed_from", "date", "First day on which a loss would have been seen"),
        C("segment", "category", "Customer segment"),
        C("region", "category", "Region"),
        C("area", "category", "Service area: the unit of roll-outs"),
        C("acquisition_channel", "category", "How the customer was won"),
        C("acquisition_cost", "money", "What winning the customer cost", unit="currency"),
        C("referred_by", "id", "The customer who recommended us"),
    ),
    key=("customer_id",),
    dated="started_on",
    dated_also="observed_from",
)
TRANSACTIONS = Table(
    "transactions",
    "an order; a negative amount is a refund on its own date, not an order",
    (
        C("transaction_id", "id", "The order or credit note", required=True),
        CUSTOMER,
        C("occurred_on", "date", "Day of the order or refund", required=True),
        C("amount", "money", "Money paid; negative for a refund", "currency", required=True),
        C("margin", "money", "Amount less direct cost", unit="currency"),
        C("discount", "money", "Reduction granted", unit="currency"),
        C("list_price", "money", "Price before the reduction", unit="currency"),
        C("category", "category", "What was bought"),
        C("channel", "category", "Where it was bought"),
        C("promised_on", "date", "Day promised for delivery", fact=False),
        C("fulfilled_on", "date", "Day delivered", known_on="fulfilled_on"),
    ),
    key=("transaction_id",),
    dated="occurred_on",
)
PERIODS = Table(
    "periods",
    "a customer × period already added up (subscriptions, warehouses)",
    (
        CUSTOMER,
        C("from_on", "date", "First day of the period", required=True),
        C("to_on", "date", "Last day of the period", required=True),
        C("spend", "money", "Money paid, refunds taken off", unit="currency", required=True),
        C("orders", "integer", "Number of orders", minimum=0),
        C("refunded", "money", "Money paid back", unit="currency", minimum=0),
        C("margin", "money", "Spend less direct cost", unit="currency"),
    ),
    key=("customer_id", "from_on"),
    dated="to_on",
)
SURVEYS = Table(
    "surveys",
    "an invitation, answered or not; anonymous ones have no customer",
    (
        C("response_id", "id", "The invitation", required=True),
        C("customer_id", "id", "The customer asked; empty where anonymous"),
        C("instrument", "category", "nps, csat, ces or csi", required=True),
        C("invited_on", "date", "Day of the invitation"),
        C("answered_on", "date", "Day of the answer; empty while silent", known_on="answered_on"),
        C("score", "number", "The answer, on the declared scale", known_on="answered_on"),
        C("attribute", "category", "What the answer is about (csi)"),
        C("importance", "number", "How important it is to the customer", known_on="answered_on"),
        C("touchpoint", "category", "The encounter that was asked about"),
        C("channel", "category", "Where the customer was served"),
        C("employee_id", "id", "Who served the customer"),
        C("comment", "text", "What the customer wrote", known_on="answered_on"),
    ),
    key=("response_id",),
    dated="invited_on",
    dated_else="answered_on",
)
CONTACTS = Table(
    "contacts",
    "a service contact",
    (
        C("contact_id", "id", "The contact", required=True),
        CUSTOMER,
        C("opened_at", "datetime", "When it was opened", required=True),
        C("first_reply_at", "datetime", "When it was first answered", known_on="first_reply_at"),
        C("resolved_at", "datetime", "When it was settled", known_on="resolved_at"),
        C("direction", "category", "inbound or outbound"),
        C("touchpoint", "category", "The step of the journey"),
        C("channel", "category", "Telephone, mail, chat …"),
        C("reason", "category", "Why the customer got in touch"),
        C("employee_id", "id", "Who dealt with it"),
        C("cost", "money", "Cost of handling", unit="currency", minimum=0, changes=True),
        C(
            "compensation",
            "money",
            "What the customer was given",
            unit="currency",
            minimum=0,
            changes=True,
        ),
    ),
    key=("contact_id",),
    dated="opened_at",
)
PROGRAMMES = Table(
    "programmes",
    "a service investment",
    (
        C("programme_id", "id", "The programme", required=True),
        C("name", "text", "Its name for readers", required=True),
        C("starts_on", "date", "First day", fact=False),
        C("ends_on", "date", "Last day; empty while it runs", fact=False),
        C("upfront_cost", "money", "Spent before the start", unit="currency", minimum=0),
        C("monthly_cost", "money", "Spent per month", unit="currency per month", minimum=0),
        C(
            "assignment",
            "category",
            "How customers or areas were chosen; `random` only if chance decided",
            allowed=("random", "selected", "area"),
        ),
    ),
    key=("programme_id",),
)
ROLLOUT = Table(
    "rollout",
    "programme × area",
    (
        C("programme_id", "id", "The programme", required=True),
        C("area", "category", "The service area", required=True),
        C("starts_on", "date", "Day assigned to the area; empty: never reached", fact=False),
    ),
    key=("programme_id", "area"),
)
EXPOSURES = Table(
    "exposures",
    "programme × customer",
    (
        C("programme_id", "id", "The programme", required=True),
        CUSTOMER,
        C("assigned_on", "date", "Day on which it was decided", required=True),
        C("arm", "category", "Who was to get it: control, treated, or the name of an arm"),
        C("exposed_on", "date", "Day on which it reached the customer", known_on="exposed_on"),
    ),
    key=("programme_id", "customer_id"),
    dated="assigned_on",
)
ORIENTATION = Table(
    "orientation",
    "an employee's SOCO sheet",
    (
        C("employee_id", "id", "The employee", required=True),
        C("answered_on", "date", "Day of the answers"),
        *(
            C(f"item_{i:02d}", "integer", f"Answer to statement {i}", minimum=1, maximum=9)
            for i in range(1, 25)
        ),
    ),
    key=("employee_id", "answered_on"),
    dated="answered_on",
)
MARKETING = Table(
    "marketing",
    "month × channel",
    (
        C("month", "date", "First day of the month", required=True),
        C("channel", "category", "The advertising channel", required=True),
        C("cost", "money", "Advertising cost", unit="currency", minimum=0),
        C("leads", "integer", "Enquiries", minimum=0),
        C("new_customers", "integer", "Customers won", minimum=0),
        C("revenue", "money", "Revenue from customers won", unit="currency", changes=True),
    ),
    key=("month", "channel"),
    dated="month",
)
JOURNEY = Table(
    "journey",
    "month × step of the purchase path",
    (
        C("month", "date", "First day of the month", required=True),
        C("step", "category", "Step of the purchase path", required=True),
        C("entered", "integer", "Visitors who reached it", minimum=0),
        C("completed", "integer", "Visitors who went on", minimum=0),
    ),
    key=("month", "step"),
    dated="month",
)
DECISIONS = Table(
    "decisions",
    "what the last review decided",
    (
        C("finding_id", "id", "The finding it answers", required=True),
        C("decided_on", "date", "Day of the decision"),
        C("action", "text", "What was decided", required=True),
        C("owner_role", "text", "Who sees to it", changes=True),
        C("due_on", "date", "By when", fact=False),
        C("status", "category", "open, done or dropped", changes=True),
    ),
    dated="decided_on",
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS, TRANSACTIONS, PERIODS, SURVEYS, CONTACTS, PROGRAMMES, ROLLOUT, EXPOSURES,
        ORIENTATION, MARKETING, JOURNEY, DECISIONS,
    )
}  # fmt: skip

DEFAULT_SCALES: dict[str, tuple[float, float]] = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "csi": (1, 10),
}
