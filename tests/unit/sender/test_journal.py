"""The journal survives what a sender does not."""

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from winback_sender.adapter import Heard
from winback_sender.contract.words import Status
from winback_sender.engine import journal_rows
from winback_sender.engine.hearsay import Hearsay
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Entry, Intent, Word
from winback_sender.errors import Exit, UserError
from winback_sender.receipt import Receipt

DELIVERED = Receipt(Status.DELIVERED)
DIE = """
import os, sys
from pathlib import Path
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Intent
journal = Journal(Path(sys.argv[1]))
journal.begin([Intent("t1", "ada", "sms", "postbox", 5, 9)])
os.kill(os.getpid(), 9)
"""
FULL = """
import resource, sys
from pathlib import Path
from winback_sender.errors import UserError
from winback_sender.engine.journal import Journal
from winback_sender.engine.journal_rows import Intent
journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
begun = 0
try:
    while True:
        name = f"t{begun}"
        assert journal.begin([Intent(name, "ada" * 100, "sms", "postbox", 5, 9)]) == [None]
        begun += 1
except UserError as error:
    print(begun, error.exit_code, error.message)
"""


def intent(touch_id: str, user_id: str = "ada", at_ms: int = 1, expires_ms: int = 9) -> Intent:
    return Intent(touch_id, user_id, "sms", "postbox", at_ms, expires_ms)


def early(journal: Journal) -> list[tuple[str, str]]:
    return journal.file.soon.execute("SELECT ref, status FROM early ORDER BY rowid").fetchall()


def settled(journal: Journal, touch_id: str, receipt: Receipt, at_ms: int = 2) -> Entry:
    (entry,) = journal.settle([Word(touch_id, receipt, at_ms)])
    assert entry is not None
    return entry


def test_an_intent_outlives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "会员" / "journal.sqlite"
    subprocess.run([sys.executable, "-c", DIE, str(path)], check=False)

    with Journal(path) as journal:
        (known,) = journal.begin([intent("t1", at_ms=9)])
        assert known is not None
        assert (known.state, known.begun_ms, known.user_id) == ("intended", 5, "ada")
        assert journal.begin([intent("t2")]) == [None]


def test_what_is_heard_of_other_systems_is_kept_once_for_a_while_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_rows, "EARLY_MAX", 3)
    with Journal(tmp_path / "journal.sqlite") as journal:
        hearsay = Hearsay(journal)
        sent = Receipt(Status.SENT)
        for now_ms, ref in enumerate("aabbcd", start=1):
            hearsay.note("postbox", [Heard(sent, ref=ref), Heard(sent, ref=ref)], now_ms)
        assert [ref for ref, _ in early(journal)] == ["b", "c", "d"]

        hearsay.note("postbox", [Heard(DELIVERED, ref="d")], 7)
        journal.prune(before_ms=0, heard_before_ms=6)
        assert early(journal) == [("d", "sent"), ("d", "delivered")]

        journal.begin([intent("t1")])
        assert settled(journal, "t1", Receipt(Status.ACCEPTED, ref="d")).receipt == Receipt(
            Status.DELIVERED, ref="d"
        )
        assert early(journal) == []


def test_two_senders_with_one_journal_begin_a_touch_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first, Journal(path) as second:
        assert first.id == second.id
        both = [intent("t1"), intent("t2"), intent("t1")]
        begun = [entry is None for entry in (*first.begin(both), *second.begin(both))]
    assert begun == [True, True, False, False, False, False]


def test_only_a_stronger_word_changes_what_is_known(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([intent("t1")])
        accepted = settled(journal, "t1", Receipt(Status.ACCEPTED, ref="m-1"), 2)
        journal.reported([("t1", "accepted")])
        assert settled(journal, "t1", Receipt(Status.UNKNOWN), 3) == accepted._replace(
            is_reported=True
        )
        delivered = settled(journal, "t1", DELIVERED, 4)
        assert (delivered.receipt, delivered.is_reported) == (
            Receipt(Status.DELIVERED, ref="m-1"), False,
        )  # fmt: skip
        journal.reported([("t1", "accepted")])  # an acknowledgement that comes late
        assert journal.owed(5, 9) == [delivered]


def test_what_is_said_twice_in_one_breath_is_written_in_order(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([intent("t1")])
        words = [Word("t1", DELIVERED, 2), Word("t1", Receipt(Status.SENT), 3)]
        assert [entry and entry.receipt.status for entry in journal.settle(words)] == [
            "delivered", "delivered",
        ]  # fmt: skip


def test_a_receipt_that_comes_before_the_answer_is_kept_for_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([intent("t1")])
        told = Hearsay(journal).note("postbox", [Heard(DELIVERED, 7, ref="m-1")], 8)
        assert told == ([], [])

        entry = settled(journal, "t1", Receipt(Status.ACCEPTED, ref="m-1"))
        assert (entry.receipt.status, entry.at_ms) == ("delivered", 7)


def test_a_reply_is_about_the_latest_touch_that_went_to_its_address(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path, "one key") as journal:
        for number, name in enumerate(("t1", "t2")):
            journal.begin([intent(name, at_ms=number)])
            settled(journal, name, Receipt(Status.ACCEPTED, address="+8613800138000"))
        reply = Heard(Receipt(Status.REPLIED), address="+8613800138000")
        stranger = Heard(Receipt(Status.REPLIED), address="+8613900139000")
        told = Hearsay(journal).note("postbox", [reply, stranger], 9)
        assert [entry.touch_id for entry in told.entries] == ["t2"]
        assert told.missed == [stranger]
    assert b"13800138000" not in path.read_bytes()


def test_a_reply_is_understood_after_the_key_was_changed(tmp_path: Path) -> None:
    path, phone = tmp_path / "journal.sqlite", "+8613800138000"
    with Journal(path, "one key") as journal:
        journal.begin([intent("t1", at_ms=0)])
        settled(journal, "t1", Receipt(Status.ACCEPTED, address=phone))
    reply = Heard(Receipt(Status.OPTED_OUT), address=phone)
    with Journal(path, "another key") as journal:
        assert Hearsay(journal).note("postbox", [reply], 9).missed == [reply]
    with Journal(path, "another key", ["a third one", "one key"]) as journal:
        told = Hearsay(journal).note("postbox", [reply], 9)
        assert [entry.touch_id for entry in told.entries] == ["t1"]


def test_a_touch_that_did_not_leave_may_be_begun_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([intent("t1")])
        assert journal.postpone(["t1", "t2"]) == [True, False]
        assert journal.begin([intent("t1", at_ms=4)]) == [None]
        journal.postpone(["t1"])
        assert journal.revoke(["t1"], 5) == [True]
        (known,) = journal.begin([intent("t1")])
        assert known is not None
        assert known.state == "revoked"


def test_a_revocation_that_is_too_late_is_seen_by_whoever_looks(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([intent("t1")])
        assert not journal.is_revoked("t1")
        assert journal.revoke(["t1", "t2"], 5) == [False, True]
        assert journal.is_revoked("t1")
        journal.postpone(["t1"])
        assert journal.begin([intent("t1")])[0] is not None


def test_who_is_erased_is_forgotten_once_kafka_knows_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.begin([intent("t1"), intent("t2"), intent("t3", "bob")])
        settled(journal, "t1", Receipt(Status.ACCEPTED, address="+8613800138000"))
        journal.revoke(["t4"], 3)
        journal.scrub("ada", "t4")
        settled(journal, "t2", DELIVERED)
        journal.begin([intent("t4")])
        users = [entry and entry.user_id for entry in map(journal.entry, ("t1", "t2", "t4"))]
        assert users == ["ada", "ada", "ada"]  # their feedback needs the key

        settled(journal, "t4", Receipt(Status.FAILED))
        journal.reported([("t1", "accepted"), ("t2", "delivered"), ("t4", "failed")])
        users = [entry and entry.user_id for entry in map(journal.entry, ("t1", "t2", "t4"))]
        assert users == ["", "", ""]
        reply = Heard(Receipt(Status.REPLIED), address="+8613800138000")
        assert Hearsay(journal).note("postbox", [reply], 9).missed == [reply]
        bob = journal.entry("t3")
        assert bob is not None
        assert bob.user_id == "bob"


def test_of_who_was_erased_no_byte_is_left_in_the_files(tmp_path: Path) -> None:
    """Also not in free pages and in the write-ahead log, while the journal is open."""
    path, user_id = tmp_path / "journal.sqlite", "ada-4711-lovelace"
    with Journal(path) as journal:
        journal.begin([intent("t1", user_id), intent("t2", "bob")])
        settled(journal, "t1", DELIVERED)
        journal.scrub(user_id)
        journal.reported([("t1", "delivered")])
        journal.prune(0, 0)
        files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"bob" in files
    assert user_id.encode() not in files


def test_who_is_to_be_asked_is_asked_by_one_sender(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first, Journal(path) as second:
        first.begin([intent("t1"), intent("t2")])
        first.settle([Word("t1", Receipt(Status.UNKNOWN), 2, ask_ms=10), Word("t2", DELIVERED, 2)])
        assert first.to_ask(9, 99, 5) == []
        ((entry, asked),) = first.to_ask(10, 99, 5)
        assert (entry.touch_id, asked) == ("t1", 0)
        assert second.to_ask(98, 999, 5) == []
        ((_, asked),) = second.to_ask(99, 999, 5)
        assert asked == 1
        first.ask_again("t1", None)
        assert second.to_ask(10_000, 0, 5) == []


def test_it_is_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_expired_long_ago_and_is_reported_is_forgotten(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin([
            intent("old"), intent("owed"), intent("new", expires_ms=10), intent("interrupted"),
        ])  # fmt: skip
        journal.revoke(["taken back", "yesterday"], 9)
        journal.revoke(["today"], 10)
        for name in ("old", "owed", "new"):
            settled(journal, name, DELIVERED)
        journal.reported([("old", "delivered"), ("new", "delivered")])

        assert journal.prune(before_ms=10, heard_before_ms=10) == 3
        left = [name for name in ("old", "owed", "new", "interrupted", "today", "yesterday")
                if journal.entry(name)]  # fmt: skip
        assert left == ["owed", "new", "interrupted", "today"]


def test_a_journal_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE touches (touch_id TEXT PRIMARY KEY, state TEXT NOT NULL, "
            "status TEXT NOT NULL, outcome TEXT NOT NULL, at_ms INTEGER NOT NULL, "
            "is_reported INTEGER NOT NULL, expires_ms INTEGER) WITHOUT ROWID"
        )
        database.executemany(
            "INSERT INTO touches VALUES (?, ?, ?, '', 1, ?, NULL)",
            [("begun", "intended", "unknown", 0), ("known", "known", "delivered", 0)],
        )
    with Journal(path) as journal:
        begun, known = journal.begin([intent("begun"), intent("known")])
        assert begun is not None
        assert known is not None
        assert (begun.state, known.receipt, known.user_id) == ("intended", DELIVERED, "ada")
        assert journal.begin([intent("new")]) == [None]


def test_a_file_that_is_no_journal_is_a_clear_refusal(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("this is a letter, and no database, and long enough to be looked at" * 20)

    with pytest.raises(UserError, match=r"letter\.txt cannot be used") as refused:
        Journal(path)
    assert "WINBACK_SENDER_STATE" in refused.value.hint
    assert refused.value.exit_code == Exit.FAILED


def test_a_full_disk_ends_the_sender_and_loses_no_intent(tmp_path: Path) -> None:
    """The limit of a file stands for the disk: SQLite cannot write, and says so."""
    path = tmp_path / "journal.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    begun, code, *words = run.stdout.split()
    assert int(begun) > 10
    assert int(code) == Exit.FAILED
    assert "journal.sqlite cannot be used" in " ".join(words)
    with Journal(path) as journal:
        assert all(journal.entry(f"t{number}") for number in range(int(begun)))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 200_000
