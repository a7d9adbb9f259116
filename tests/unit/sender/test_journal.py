"""The journal survives what a sender does not."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import UserError
from winback_sender.contract.words import Status
from winback_sender.journal import Entry, Journal
from winback_sender.receipt import Receipt

DIE = """
import os, sys
from pathlib import Path
from winback_sender.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.begin("t1", 5)
os.kill(os.getpid(), 9)
"""


def test_an_intent_outlives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "会员" / "journal.sqlite"
    subprocess.run([sys.executable, "-c", DIE, str(path)], check=False)

    with Journal(path) as journal:
        assert journal.begin("t1", 9) == Entry(
            "intended", Receipt(Status.UNKNOWN), 5, is_reported=False
        )
        assert journal.begin("t2", 9) is None


def test_two_senders_with_one_journal_begin_a_touch_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first, Journal(path) as second:
        assert [first.begin("t1", 1), second.begin("t1", 2)] == [
            None,
            Entry("intended", Receipt(Status.UNKNOWN), 1, is_reported=False),
        ]


def test_it_is_in_wal_mode_and_knows_no_user(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.begin("t1", 1)
        journal.settle("t1", Receipt(Status.DELIVERED), 2, expires_ms=9)
        journal.reported(["t1"])
        assert journal.entry("t1") == Entry("known", Receipt(Status.DELIVERED), 2, is_reported=True)
        assert journal.entry("t2") is None

    database = sqlite3.connect(path)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    columns = {row[1] for row in database.execute("PRAGMA table_info(touches)")}
    assert columns == {
        "touch_id", "state", "status", "outcome", "at_ms", "is_reported", "expires_ms",
    }  # fmt: skip


def test_what_expired_long_ago_and_is_reported_is_forgotten(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        for touch_id, expires_ms in (("old", 9), ("unreported", 9), ("new", 10)):
            journal.begin(touch_id, 1)
            journal.settle(touch_id, Receipt(Status.DELIVERED), 2, expires_ms)
        journal.begin("interrupted", 1)
        journal.reported(["old", "new"])

        assert journal.prune(before_ms=10) == 1
        assert journal.entry("old") is None
        assert None not in map(journal.entry, ("unreported", "new", "interrupted"))


def test_a_journal_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.begin("t1", 1)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE touches DROP COLUMN expires_ms")
    with Journal(path) as journal:
        assert journal.begin("t1", 2) is not None
        assert journal.begin("t2", 2) is None
        journal.settle("t2", Receipt(Status.DELIVERED), 3, expires_ms=9)


def test_a_file_that_is_no_journal_is_a_clear_refusal(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("this is a letter, and no database, and long enough to be looked at" * 20)

    with pytest.raises(UserError, match=r"letter\.txt cannot be used") as refused:
        Journal(path)
    assert "--journal" in refused.value.hint
