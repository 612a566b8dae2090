"""Keys of exports: what survives, what is mended and counted, what is doubted, what is refused."""

from __future__ import annotations

import pandas as pd

from analysis.intake.dataset import open_dataset

HEAD = "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
CUSTOMERS_ONLY = HEAD + "sources: {customers: customers.csv}\ntables: {customers: {}}\n"
WITH_ORDERS = (
    HEAD + "sources: {customers: customers.csv, transactions: transactions.csv}\n"
    "tables: {customers: {}, transactions: {}}\n"
)
WITH_SURVEYS = (
    HEAD + "sources: {customers: customers.csv, surveys: surveys.csv}\n"
    "tables: {customers: {}, surveys: {}}\n"
)
ORDER_HEAD = "transaction_id,customer_id,occurred_on,amount\n"


def test_ids_are_text_with_leading_zeros_and_eighteen_digits(make_dataset) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\n007,2025-01-02\n123456789012345678,2025-01-02\n"
        "123456789012345679,2025-01-02\n",
        transactions=ORDER_HEAD + "0001,007,2025-02-01,5\n0002,123456789012345678,2025-02-01,6\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["customer_id"].tolist() == [
        "007", "123456789012345678", "123456789012345679"
    ]  # fmt: skip
    assert data.table("transactions")["transaction_id"].tolist() == ["0001", "0002"]
    periods = data.customer_periods()
    spent = periods[periods["spend"] > 0].set_index("customer_id")["spend"].to_dict()
    assert spent == {}, "they ordered in the quarter before they were active at an opening"


def test_duplicate_customers_would_multiply_money(refused) -> None:
    error = refused(
        CUSTOMERS_ONLY,
        customers="customer_id,started_on,segment\nA,2025-01-02,x\nB,2025-01-02,x\nA,2025-01-02,y\n",
    )
    (problem,) = error.problems
    assert (problem.file, problem.table, problem.column) == (
        "customers.csv", "customers", "customer_id"
    )  # fmt: skip
    assert "stands more than once; a join would multiply money: keep one row each" in str(error)
    assert (problem.count, problem.examples) == (2, ("A",))


def test_customers_that_are_one_after_mending_are_duplicates(refused) -> None:
    error = refused(
        CUSTOMERS_ONLY,
        customers="customer_id,started_on\nA1,2025-01-02\n\uff21\uff11 ,2025-01-03\n",
    )
    assert "stands more than once" in str(error)
    assert error.problems[0].examples == ("A1",)


def test_exact_duplicate_rows_are_dropped_and_counted(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nA,2025-01-02\nA,2025-01-02\nA,2025-01-02\n",
        transactions=ORDER_HEAD + "1,A,2025-02-01,5\n1,A,2025-02-01,5\n2,A,2025-02-01,5\n",
    )
    data = open_dataset(folder)
    said = "exact duplicates of a row were dropped"
    assert noted(data, "repair", said, "customers") == 2
    assert noted(data, "repair", said, "transactions") == 1
    assert len(data.table("customers")) == 1
    assert data.table("transactions")["transaction_id"].tolist() == ["1", "2"]


def test_rows_alike_only_where_they_are_mapped_both_count(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nA,2025-01-02\n",
        transactions="transaction_id,customer_id,occurred_on,amount,line\n"
        "1,A,2025-02-01,5,1\n1,A,2025-02-01,5,2\n",
    )
    data = open_dataset(folder)
    assert data.table("transactions")["amount"].sum() == 10
    assert noted(data, "repair", "exact duplicates") == 0
    assert noted(data, "warning", "keys that stand more than once; every row counts") == 1


def test_stray_spaces_are_taken_off_and_counted(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on,segment\n A,2025-01-02,home\u00a0\nB\t,2025-01-02,home\n",
        transactions=ORDER_HEAD + "1,A ,2025-02-01,5\n2,B,2025-02-01,6\n",
    )
    data = open_dataset(folder)
    said = "spaces around values were taken off"
    assert noted(data, "repair", said, "customers", "customer_id") == 2
    assert noted(data, "repair", said, "customers", "segment") == 1
    assert noted(data, "repair", said, "transactions", "customer_id") == 1
    assert noted(data, "repair", said, "transactions", "transaction_id") == 0
    assert set(data.table("transactions")["customer_id"]) == {"A", "B"}
    assert noted(data, "warning", "not in the customer table") == 0


def test_full_width_letters_become_plain_and_are_counted(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nＡ１２,2025-01-02\nМ7,2025-01-02\n",
        transactions=ORDER_HEAD + "1,A12,2025-02-01,5\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["customer_id"].tolist() == ["A12", "М7"]
    said = "(full width, ligatures) were written as plain ones (NFKC)"
    assert noted(data, "repair", said, "customers", "customer_id") == 1


def test_orphans_are_counted_by_table(make_dataset, noted) -> None:
    customers = "customer_id,started_on\nA,2025-01-02\n"
    orders = ORDER_HEAD + "1,A,2025-02-01,5\n2,X,2025-02-01,5\n3,X,2025-02-01,5\n4,Y,2025-02-01,5\n"
    said = "rows of customers who are not in the customer table"
    data = open_dataset(make_dataset(WITH_ORDERS, customers=customers, transactions=orders))
    assert noted(data, "warning", said, "transactions", "customer_id") == 3
    (note,) = (note for note in data.notes if said in note.message)
    assert note.examples == ("X", "Y")
    assert "X" not in repr(note), "ids are for the terminal"
    surveys = (
        "response_id,customer_id,instrument,invited_on,answered_on,score\n"
        "1,A,nps,2025-02-01,2025-02-02,9\n2,Z,nps,2025-02-01,2025-02-02,9\n"
    )
    data = open_dataset(make_dataset(WITH_SURVEYS, customers=customers, surveys=surveys))
    assert noted(data, "warning", said, "surveys", "customer_id") == 1


def test_missing_ids_are_counted(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nA,2025-01-02\n",
        transactions=ORDER_HEAD + "1,,2025-02-01,5\n,A,2025-02-01,5\n ,A,2025-02-02,7\n",
    )
    data = open_dataset(folder)
    said = "rows without a customer count only where none is needed"
    assert noted(data, "warning", said, "transactions", "customer_id") == 1
    said = "rows without an id of their own; every row counts"
    assert noted(data, "warning", said, "transactions", "transaction_id") == 2
    assert data.table("transactions")["amount"].sum() == 17


def test_a_customer_without_id_cannot_be_told(refused) -> None:
    error = refused(
        CUSTOMERS_ONLY, customers="customer_id,started_on\nA,2025-01-02\n ,2025-01-03\n"
    )
    assert "column customer_id: is empty where a value is needed" in str(error)


def test_characters_that_nobody_sees(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nA1,2025-01-02\nA\u200b1,2025-01-02\n\x0bA2\u2003,2025-01-02\n",
        transactions=ORDER_HEAD + "1,A\u00ad2,2025-02-01,5\n",
    )
    data = open_dataset(folder)
    assert sorted(data.table("customers")["customer_id"]) == ["A1", "A2", "A\u200b1"]
    assert noted(data, "warning", "looks the same as another's", "customers", "customer_id") == 1
    assert noted(data, "repair", "spaces around", "customers", "customer_id") == 1
    assert noted(data, "warning", "characters that are not seen", "transactions") == 1


def test_look_alike_letters_of_two_alphabets(make_dataset, noted) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on\nA12,2025-01-02\n\u041012,2025-01-02\n"
        "\u0412C7,2025-01-02\n\u0416Z1,2025-01-02\nk9,2025-01-02\n",
        transactions=ORDER_HEAD
        + "1,B\u04217,2025-02-01,5\n2,K9,2025-02-01,5\n3,\u0425,2025-02-01,5\n",
    )
    data = open_dataset(folder)
    twins = "customers whose id looks the same as another's, with Cyrillic letters"
    assert noted(data, "warning", twins, "customers", "customer_id") == 1
    assert len(data.table("customers")) == 5, "they stay two: nobody knows whether they are one"
    mixed = "ids that mix Latin letters with Cyrillic ones that look Latin"
    assert noted(data, "warning", mixed, "customers", "customer_id") == 1
    assert noted(data, "warning", "not in the customer table", "transactions") == 3
    nearly = "of these, rows whose id is a customer's but for capitals, for Cyrillic letters"
    assert noted(data, "warning", nearly, "transactions") == 2


def test_segments_named_like_nothing_are_segments(make_dataset) -> None:
    names = ["NA", "None", "null", "NaN", "N/A", "nan", "#N/A", "-"]
    rows = "".join(f"{i},2024-12-02,{name}\n" for i, name in enumerate(names))
    folder = make_dataset(
        CUSTOMERS_ONLY, customers="customer_id,started_on,segment\n" + rows + "X,2024-12-02,\n"
    )
    data = open_dataset(folder)
    segments = data.table("customers")["segment"]
    assert segments.dropna().tolist() == names
    assert segments.isna().sum() == 1
    counts = data.lifetime_counts("segment")
    entered = counts.groupby("group")["entries"].sum()
    assert entered.to_dict() == {**dict.fromkeys(names, 1), "(missing)": 1}
    for name in names:
        chosen = open_dataset(folder, segment=f"segment={name}")
        assert len(chosen.lifetimes()) == 1, name


def test_declared_words_mean_missing_and_are_counted(make_dataset, noted) -> None:
    folder = make_dataset(
        CUSTOMERS_ONLY + 'reading: {missing: ["NA", "99"]}\n',
        customers="customer_id,started_on,segment,acquisition_cost\n"
        "A,2025-01-02,NA,99\nB,2025-01-02,x,1\nC,NA,NA ,2\n",
    )
    data = open_dataset(folder)
    said = "words declared to mean “no value” were blanked"
    assert noted(data, "repair", said, "customers", "segment") == 2
    assert noted(data, "repair", said, "customers", "acquisition_cost") == 1
    assert noted(data, "repair", said, "customers", "started_on") == 1
    assert data.table("customers")["segment"].isna().tolist() == [True, False, True]


def test_a_missing_segment_is_not_dropped_from_the_frames(make_dataset) -> None:
    folder = make_dataset(
        WITH_ORDERS,
        customers="customer_id,started_on,segment\nA,2024-12-02,x\nB,2024-12-02,\n",
        transactions=ORDER_HEAD + "1,A,2025-02-01,5\n2,B,2025-02-01,6\n",
    )
    data = open_dataset(folder, "2025Q1")
    for frame in (data.lifetimes(), data.customer_periods()):
        assert dict(zip(frame["customer_id"], frame["segment"].isna(), strict=True)) == {
            "A": False, "B": True
        }  # fmt: skip
    assert data.customer_periods().set_index("customer_id")["spend"].to_dict() == {"A": 5, "B": 6}


def test_numeric_ids_that_lost_their_digits(make_dataset, refused) -> None:
    error = refused(
        CUSTOMERS_ONLY,
        customers='customer_id,started_on\n1.23457E+17,2025-01-02\n"1,23457E+17",2025-01-03\n'
        "1E5,2025-01-02\n",
    )
    (problem,) = error.problems
    assert "holds numbers of more digits than a spreadsheet keeps" in problem.message
    assert "export the column as text" in problem.message
    assert problem.examples == ("row 1: '1.23457E+17'", "row 2: '1,23457E+17'")
    settings = CUSTOMERS_ONLY.replace("customers.csv", "customers.parquet")
    folder = make_dataset(settings)
    for value, lost in ((999_999_999_999_999.0, False), (1e15, True), (1.5e17, True)):
        frame = pd.DataFrame({"customer_id": [value], "started_on": ["2025-01-02"]})
        frame.to_parquet(folder / "customers.parquet")
        if lost:
            assert "column customer_id: holds numbers of more digits" in str(refused(settings))
        else:
            data = open_dataset(folder)
            assert data.table("customers")["customer_id"].tolist() == ["999999999999999"]
            for path in (folder.parent / "build" / "prepared").iterdir():
                for file in path.iterdir():
                    file.unlink()
                path.rmdir()


def test_whole_numbers_keep_all_digits(make_dataset) -> None:
    folder = make_dataset(CUSTOMERS_ONLY.replace("customers.csv", "customers.parquet"))
    frame = pd.DataFrame({"customer_id": [123456789012345678], "started_on": ["2025-01-02"]})
    frame.to_parquet(folder / "customers.parquet")
    assert open_dataset(folder).table("customers")["customer_id"].tolist() == ["123456789012345678"]
