"""An address book in a database of the company, asked by a query of the company."""

import threading
from typing import Any, Final

from winback_sender.addresses.away import away
from winback_sender.addresses.drivers import Database
from winback_sender.errors import Unavailable
from winback_sender.logs import get_logger

log = get_logger(__name__)

QUERY: Final = "SELECT address FROM addresses WHERE user_id = :user_id AND channel = :channel"


class SqlAddresses:
    """Asks a database; every thread has a connection of its own, opened anew after an error.

    Args:
        database: Where to ask.
        query: Has ``:user_id`` and ``:channel``; the first column of its first row is the address.
        find_query: Has ``:channel`` and ``:address``; the first column is the user id, and more
            than one row says nothing. Empty: whose a reply is cannot be said.

    Raises:
        Unavailable: The database cannot be reached, or does not understand a query.
    """

    def __init__(self, database: Database, query: str = QUERY, find_query: str = "") -> None:
        self._database = database
        self._query = database.prepare(query)
        self._find_query = database.prepare(find_query)
        self._lock = threading.Lock()
        self._own = threading.local()
        self._open: dict[int, Any] = {}
        try:
            self._rows(self._query, user_id="", channel="")
            if find_query:
                self._rows(self._find_query, channel="", address="")
        except database.error as error:
            self.close()
            raise Unavailable(
                f"the address book cannot be asked: {type(error).__name__}: {error}",
                "check the URL in WINBACK_SENDER_ADDRESSES and WINBACK_SENDER_ADDRESSES_QUERY",
            ) from error

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Return what the database says; a number is taken for its digits.

        Raises:
            NotSentError: It cannot answer now.
        """
        rows = self._ask(self._query, user_id=user_id, channel=channel)
        return _text(rows[0][0]) if rows else None

    def find(self, channel: str, address: str) -> str | None:
        """Return whose address it is, if that is one user's.

        Raises:
            NotSentError: The database cannot answer now.
        """
        if not self._find_query:
            return None
        rows = self._ask(self._find_query, channel=channel, address=address)
        return _text(rows[0][0]) if len(rows) == 1 else None

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            connections = list(self._open.values())
            self._open.clear()
        for connection in connections:
            self._let_go(connection)

    def _ask(self, query: str, **values: str) -> list[Any]:
        try:
            return self._rows(query, **values)
        except self._database.error as error:
            # The text of an error may carry the values: the kind of it says enough.
            log.warning("addresses_not_readable", error=type(error).__name__)
            raise away() from None

    def _rows(self, query: str, **values: str) -> list[Any]:
        """Return at most two rows."""
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._database.connect()
            with self._lock:
                self._open[id(connection)] = connection
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(query, values)
                return list(cursor.fetchmany(2))
            finally:
                cursor.close()
        except self._database.error:
            self._own.connection = None
            with self._lock:
                self._open.pop(id(connection), None)
            self._let_go(connection)
            raise

    def _let_go(self, connection: Any) -> None:
        try:
            connection.close()
        except self._database.error as error:
            log.debug("addresses_not_closed", error=type(error).__name__)


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None
