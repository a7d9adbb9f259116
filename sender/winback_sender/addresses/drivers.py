"""Databases: how one is opened to be read, and how its driver writes parameters.

SQLite comes with Python. For another database the company installs its driver (DB-API 2.0) beside
the sender; here stands what differs.
"""

import importlib
import re
import sqlite3
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from winback_sender.errors import UserError

_NAMED: Final = re.compile(r"(?<![:\w]):(user_id|channel|address)\b")
_WAIT_S: Final = 5.0
_EXAMPLES: Final = "sqlite:///PATH, postgresql://USER@HOST/NAME or mysql://USER@HOST/NAME"

Connect = Callable[[], Any]
"""Opens a DB-API connection that reads only, and from which no transaction stays open."""


class Database(NamedTuple):
    """A database that can be asked.

    Attributes:
        connect: Opens a connection.
        error: The base of all errors of its driver.
        prepare: Takes a query with ``:name`` for its parameters and writes it as the driver wants.
    """

    connect: Connect
    error: type[Exception]
    prepare: Callable[[str], str]


def database(url: str, password: str, timeout_s: float) -> Database:
    """Return the database of a URL.

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
            ``postgresql://user@host:5432/name`` (psycopg), ``mysql://user@host:3306/name``
            (PyMySQL); parameters after ``?`` go to the driver.
        password: Of the database's user; the URL, which is printed with the settings, has none.
        timeout_s: For connecting and, where the driver can, for an answer.

    Raises:
        UserError: The URL names no database that is known here, or its driver is not installed.
    """
    parts = _split(url)
    match parts.scheme:
        case "sqlite":
            return _sqlite(parts)
        case "postgresql" | "postgres":
            return _postgresql(parts, password, timeout_s)
        case "mysql":
            return _mysql(parts, password, timeout_s)
    raise UserError(
        f"no database is known by {parts.scheme or 'an empty name'}:",
        _EXAMPLES,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        secret = parts.password
        _ = parts.port
    except ValueError:
        raise UserError("WINBACK_SENDER_ADDRESSES is no URL of a database", _EXAMPLES) from None
    if secret:
        raise UserError(
            "WINBACK_SENDER_ADDRESSES has a password in it, and is printed with the settings",
            "give it as WINBACK_SENDER_ADDRESSES_PASSWORD",
        )
    return parts


def pyformat(query: str) -> str:
    """Return a query with ``%(name)s`` for ``:name``; a percent sign stays one."""
    return _NAMED.sub(r"%(\1)s", query.replace("%", "%%"))


def _sqlite(parts: SplitResult) -> Database:
    # Three slashes are a relative path, four an absolute one, as SQLAlchemy has taught everybody.
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or not path:
        raise UserError(
            "sqlite:// must be followed by a path: sqlite:///addresses.db",
            "sqlite:////srv/addresses.db, with four slashes, is an absolute path",
        )

    def connect() -> sqlite3.Connection:
        # Threads have a connection each; another one closes them all at the end.
        name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        return sqlite3.connect(
            f"file:{name}?mode=ro", uri=True, timeout=_WAIT_S, check_same_thread=False,
            isolation_level=None,
        )  # fmt: skip

    return Database(connect, sqlite3.Error, str)


def _postgresql(parts: SplitResult, password: str, timeout_s: float) -> Database:
    driver = _driver("psycopg", "postgresql")
    options = {
        "connect_timeout": str(max(1, round(timeout_s))),
        "options": f"-c statement_timeout={round(timeout_s * 1_000)}",
        **dict(parse_qsl(parts.query)),
        **_place(parts, password, user="user", name="dbname"),
    }

    def connect() -> Any:
        connection = driver.connect(**options, autocommit=True)
        connection.read_only = True
        return connection

    return Database(connect, driver.Error, pyformat)


def _mysql(parts: SplitResult, password: str, timeout_s: float) -> Database:
    driver = _driver("pymysql", "mysql")
    wait_s = max(1, round(timeout_s))
    options = {
        "charset": "utf8mb4",
        **dict(parse_qsl(parts.query)),
        **_place(parts, password, user="user", name="database"),
    }

    def connect() -> Any:
        return driver.connect(
            **options, autocommit=True, connect_timeout=wait_s, read_timeout=wait_s,
            init_command="SET SESSION TRANSACTION READ ONLY",
        )  # fmt: skip

    return Database(connect, driver.Error, pyformat)


def _place(parts: SplitResult, password: str, *, user: str, name: str) -> dict[str, Any]:
    """Return where a database is and who asks, by the driver's names."""
    found = {
        "host": parts.hostname,
        "port": parts.port,
        user: unquote(parts.username or ""),
        "password": password,
        name: unquote(parts.path.removeprefix("/")),
    }
    return {key: value for key, value in found.items() if value}


def _driver(module: str, scheme: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UserError(
            f"{scheme}: needs the driver {module}, which is not installed",
            f"install it beside the sender: pip install {module}",
        ) from None
