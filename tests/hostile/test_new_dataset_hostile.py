"""Folders that nobody wants: `make new-dataset` says so, keeps within data/ and changes no file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from analysis.errors import ParameterError
from analysis.intake.proposal import text_files
from analysis.intake.proposal.looking import look_at_folder
from analysis.intake.settings import load_settings
from analysis.reporting import new_dataset as command
from analysis.reporting.new_dataset import new_dataset

CUSTOMERS = "customer_id,started_on,region\n" + "".join(
    f"C{i},2024-01-{i % 28 + 1:02d},{'North' if i % 2 else 'South'}\n" for i in range(40)
)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "customers.csv").write_text(CUSTOMERS)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "name",
    ["", "../evil", "a/b", "/etc", "..", ".hidden", "a b", "x" * 65, "data/../x", "a\nb", "$(ls)"],
)
def test_a_name_cannot_leave_the_data_folder(name: str, exports: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(ParameterError, match=r"NAME: .*write letters, digits"):
        new_dataset(name, exports, data)
    assert not data.exists()


def test_the_originals_are_only_read(exports: Path, tmp_path: Path) -> None:
    before = digests(exports)
    made = new_dataset("acme", exports, tmp_path / "data")
    assert digests(exports) == before
    assert digests(made.folder)["customers.csv"] == before["customers.csv"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["acme"]


def test_in_place_nothing_is_copied_and_nothing_overwritten(exports: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    exports.rename(data / "acme")
    before = digests(data / "acme")
    made = new_dataset("acme", "", data)
    assert made.copied == ()
    after = digests(data / "acme")
    text = after.pop("dataset.yml")
    assert after == before
    with pytest.raises(ParameterError, match="never overwritten"):
        new_dataset("acme", data / "acme", data)
    assert digests(data / "acme")["dataset.yml"] == text


def test_a_folder_that_exists_is_not_written_into(exports: Path, tmp_path: Path) -> None:
    taken = tmp_path / "data" / "acme"
    taken.mkdir(parents=True)
    (taken / "customers.csv").write_text("mine")
    with pytest.raises(ParameterError, match="data/acme exists"):
        new_dataset("acme", exports, tmp_path / "data")
    assert (taken / "customers.csv").read_text() == "mine"


def test_empty_folders_junk_and_missing_folders_are_said_in_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ParameterError, match="no table was found in empty"):
        new_dataset("acme", empty, tmp_path / "data")
    (empty / "junk.csv").write_bytes(bytes(range(256)) * 40)
    (empty / "page.xlsx").write_bytes(b"<html><table></table></html>")
    (empty / "torn.xlsx").write_bytes(b"PK\x03\x04torn")
    (empty / "old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"x" * 600)
    (empty / "torn.parquet").write_bytes(b"PAR1torn")
    (empty / "torn.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 200)
    (empty / "noheader.csv").write_text("1,2024-01-02\n2,2024-01-03\n")
    (empty / "one.csv").write_text("only\nwords\n")
    (empty / "quote.csv").write_text('a,b\n"never closed,' + "x" * 200_000)
    with pytest.raises(ParameterError) as caught:
        new_dataset("acme", empty, tmp_path / "data")
    said = str(caught.value)
    for words in (
        "junk.csv: it holds bytes that no text has",
        "page.xlsx: a web page named xlsx",
        "torn.xlsx: the workbook is damaged",
        "old.xlsx: an old or password-protected workbook",
        "torn.parquet: the Parquet file is damaged",
        "torn.db: the database cannot be read",
        "noheader.csv: its first line looks like values",
        "one.csv: it holds no columns",
        "quote.csv:",
    ):
        assert words in said
    assert not (tmp_path / "data").exists()
    with pytest.raises(ParameterError, match="there is no folder"):
        new_dataset("acme", tmp_path / "nowhere", tmp_path / "data")
    with pytest.raises(ParameterError, match="names a file"):
        new_dataset("acme", empty / "one.csv", tmp_path / "data")


def test_of_a_huge_file_only_a_part_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "HEAD_BYTES", 20_000)
    monkeypatch.setattr(text_files, "BLOCK_BYTES", 2_000)
    rows = [
        f"T{i:07d},C{i % 500},{2020 + i // 40000}-0{i % 9 + 1}-15,{i % 90}.50\n"
        for i in range(200_000)
    ]
    path = tmp_path / "orders.csv"
    path.write_text("order_id,customer,date,amount\n" + "".join(rows))
    blocks, whole = text_files._read_blocks(path)
    assert not whole
    assert sum(len(block) for block in blocks) <= 20_000 + 9 * 2_000
    made = new_dataset("acme", tmp_path, tmp_path / "data")
    text = (made.folder / "dataset.yml").read_text()
    # The end of the file is among what was looked at.
    assert "covers: {from: 2020-01-15, to: 2024-09-15}" in text
    assert "of large files only a part was looked at" in text


HOSTILE = [
    'x"}\n  evil: {file: /etc/passwd',
    "yes: no # confirmed: yes",
    "Kunden\nNr",
    "a; DROP TABLE customers --",
    "{{ 7*7 }}",
    "\u202egnp.exe",
    "'",
]


def test_names_from_files_stay_names(tmp_path: Path) -> None:
    import csv

    folder = tmp_path / "exports"
    folder.mkdir()
    with (folder / "customers.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["customer_id", "started_on", *HOSTILE])
        for i in range(40):
            writer.writerow([f"C{i}", "2024-01-05", *[f"v{i % 3}"] * len(HOSTILE)])
    (folder / "we ird'; --confirmed: yes.csv").write_text("a,b\nx,y\nz,w\n")
    made = new_dataset("acme", folder, tmp_path / "data")
    path = made.folder / "dataset.yml"
    path.write_text(path.read_text() + "currency: EUR\n")
    settings = load_settings(made.folder)
    assert not settings.confirmed
    assert list(settings.sources) == ["customers"]
    assert set(settings.tables) == {"customers"}
    assert set(settings.covariates) <= set(HOSTILE)
    assert settings.covariates["Kunden\nNr"] == "category"


def test_a_file_behind_a_link_is_copied_not_followed_later(tmp_path: Path, exports: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(
        "order_id,customer_id,date,amount\n"
        + "".join(f"T{i},C{i % 40},2024-02-03,5.00\n" for i in range(60))
    )
    (exports / "orders.csv").symlink_to(outside)
    made = new_dataset("acme", exports, tmp_path / "data")
    assert not (made.folder / "orders.csv").is_symlink()
    assert (made.folder / "orders.csv").read_bytes() == outside.read_bytes()


def test_reading_a_database_leaves_nothing_beside_it(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute("pragma journal_mode=wal")
    connection.execute('create table "cli""ents"(client_id text, signup text)')
    connection.executemany(
        'insert into "cli""ents" values (?, ?)', [(f"A{i}", "2024-01-05") for i in range(30)]
    )
    connection.commit()
    connection.close()
    before = digests(tmp_path)
    looks, _ = look_at_folder(tmp_path)
    assert [look.table for look in looks] == ['cli"ents']
    assert digests(tmp_path) == before


def test_the_command_gives_a_message_and_status_two(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    exports: Path,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(command, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("NAME", "../evil")
    monkeypatch.setenv("FROM", str(exports))
    assert command.main() == 2
    assert "cannot be a folder's name" in capsys.readouterr().err
    monkeypatch.setenv("NAME", "acme")
    monkeypatch.setattr(command.shutil, "copyfile", _no_space)
    assert command.main() == 2
    said = capsys.readouterr().err
    assert "No space left" in said
    assert "Traceback" not in said
    # Nothing half-made is left.
    assert list((tmp_path / "data").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setattr(command, "PROJECT_ROOT", tmp_path)
    monkeypatch.setenv("NAME", "acme")
    monkeypatch.setenv("FROM", str(exports))
    assert command.main() == 0
    said = capsys.readouterr().out
    assert "data/acme/dataset.yml was written" in said
    assert "make check-data DATASET=data/acme" in said


def _no_space(source: Path, target: Path) -> None:
    raise OSError(28, "No space left on device", str(target))
