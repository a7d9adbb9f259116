"""The address book in a database."""

import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from winback_sender.addresses import drivers
from winback_sender.addresses.drivers import database, pyformat
from winback_sender.addresses.sql import QUERY, SqlAddresses
from winback_sender.errors import Exit, Unavailable, UserError
from winback_sender.receipt import NotSentError

FIND = "SELECT user_id FROM addresses WHERE channel = :channel AND address = :address"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crm 100%.db"
    with sqlite3.connect(path) as crm:
        crm.execute("CREATE TABLE addresses (user_id TEXT, channel TEXT, address)")
        crm.executemany(
            "INSERT INTO addresses VALUES (?, ?, ?)",
            [("900", "sms", "13800138000"), ("901", "sms", 13900139000), ("902", "sms", None),
             ("903", "sms", " "), ("904", "wechat", "oX"), ("905", "wechat", "oX")],
        )  # fmt: skip
    crm.close()
    return path


def book_of(path: Path, query: str = QUERY, find_query: str = FIND) -> SqlAddresses:
    return SqlAddresses(database(f"sqlite:///{path}", "", 1.0), query, find_query)


def test_it_knows_whom_the_database_knows(file: Path) -> None:
    book = book_of(file)

    found = [book.resolve(user, "sms") for user in ("900", "901", "902", "903", "nobody")]

    assert found == ["13800138000", "13900139000", None, None, None]
    assert book.find("sms", "13800138000") == "900"
    assert book.find("sms", "13000130000") is None
    assert book.find("wechat", "oX") is None, "two users have it"
    book.close()


def test_without_a_query_for_it_a_reply_s_user_cannot_be_said(file: Path) -> None:
    book = book_of(file, find_query="")

    assert book.find("sms", "13800138000") is None
    book.close()


def test_a_user_id_is_a_value_and_never_sql(file: Path) -> None:
    book = book_of(file)

    assert book.resolve("x' OR '1'='1", "sms") is None
    book.close()


def test_the_database_is_only_read(file: Path) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        book_of(file, query="DELETE FROM addresses WHERE user_id = :user_id || :channel")


def test_a_wrong_query_is_told_at_the_start(file: Path) -> None:
    with pytest.raises(Unavailable, match="no such column: phone") as refused:
        book_of(file, query="SELECT phone FROM addresses WHERE user_id = :user_id")
    assert refused.value.exit_code == Exit.UNAVAILABLE
    assert "WINBACK_SENDER_ADDRESSES_QUERY" in refused.value.hint


def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="unable to open"):
        book_of(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_after_an_error_the_connection_is_opened_anew(file: Path) -> None:
    opened: list[sqlite3.Connection] = []
    real = database(f"sqlite:///{file}", "", 1.0)

    def connect() -> sqlite3.Connection:
        opened.append(real.connect())
        return opened[-1]

    book = SqlAddresses(real._replace(connect=connect))
    opened[0].close()  # as a server that restarts does

    with pytest.raises(NotSentError) as away:
        book.resolve("900", "sms")
    assert (away.value.retry, away.value.reason) == (True, "addresses_unavailable")
    assert book.resolve("900", "sms") == "13800138000"
    assert len(opened) == 2
    book.close()


def test_every_thread_has_its_own_connection_and_all_are_closed(file: Path) -> None:
    opened: list[sqlite3.Connection] = []
    real = database(f"sqlite:///{file}", "", 1.0)

    def connect() -> sqlite3.Connection:
        opened.append(real.connect())
        return opened[-1]

    book = SqlAddresses(real._replace(connect=connect))
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(book.resolve("900", "sms"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()

    assert found == ["13800138000"] * 3
    assert len(opened) == 4
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("oracle://host/x", "no database is known by oracle"),
        ("addresses.db", "no database is known by an empty name"),
        ("sqlite://addresses.db", "must be followed by a path"),
        ("sqlite://", "must be followed by a path"),
    ],
)
def test_a_url_that_names_no_database_is_refused(url: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        database(url, "", 1.0)


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(drivers.importlib, "import_module", is_missing)

    with pytest.raises(UserError, match="needs the driver psycopg"):
        database("postgresql://ada@db/crm", "", 1.0)


@pytest.mark.parametrize("url", ["postgresql://ada:secret@db/crm", "mysql://:secret@db/crm"])
def test_a_password_does_not_stand_where_settings_are_printed(url: str) -> None:
    with pytest.raises(UserError, match="password") as refused:
        database(url, "", 1.0)
    assert "secret" not in f"{refused.value} {refused.value.hint}"
    assert "WINBACK_SENDER_ADDRESSES_PASSWORD" in refused.value.hint


@pytest.mark.parametrize("url", ["postgresql://ada@db:port/crm", "mysql://[db/crm"])
def test_a_url_that_is_none_is_said(url: str) -> None:
    with pytest.raises(UserError, match="no URL of a database"):
        database(url, "", 1.0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://reader@db.local:5433/crm?sslmode=require",
            {"host": "db.local", "port": 5433, "user": "reader", "password": "s3cret",
             "dbname": "crm", "sslmode": "require", "autocommit": True, "connect_timeout": "2",
             "options": "-c statement_timeout=2000"},
        ),
        (
            "mysql://reader@db.local/crm",
            {"host": "db.local", "user": "reader", "password": "s3cret", "database": "crm",
             "charset": "utf8mb4", "autocommit": True, "connect_timeout": 2, "read_timeout": 2,
             "init_command": "SET SESSION TRANSACTION READ ONLY"},
        ),
    ],
)  # fmt: skip
def test_a_driver_is_told_where_and_to_read_only(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: dict[str, Any]
) -> None:
    """The drivers themselves are not installed here: this is what they are called with."""
    connection = SimpleNamespace(read_only=None)
    told: dict[str, Any] = {}

    def connect(**options: Any) -> SimpleNamespace:
        told.update(options)
        return connection

    driver = SimpleNamespace(connect=connect, Error=RuntimeError)
    monkeypatch.setattr(
        drivers.importlib, "import_module", {"psycopg": driver, "pymysql": driver}.get
    )

    asked = database(url, "s3cret", 2.0)

    assert asked.connect() is connection
    assert told == expected
    assert asked.error is RuntimeError
    assert asked.prepare(QUERY) == pyformat(QUERY)


def test_parameters_are_written_as_the_driver_wants() -> None:
    query = "SELECT a::text FROM t WHERE u = :user_id AND c LIKE :channel || '%' AND t > '12:30'"

    assert pyformat(query) == (
        "SELECT a::text FROM t WHERE u = %(user_id)s AND c LIKE %(channel)s || '%%' AND t > '12:30'"
    )
