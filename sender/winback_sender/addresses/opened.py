"""Opens the address book that ``WINBACK_SENDER_ADDRESSES`` names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from winback_sender.addresses.away import NO_BOOK
from winback_sender.addresses.book import AddressBook
from winback_sender.addresses.cached import CachedAddresses
from winback_sender.addresses.csv import CsvAddresses, Encoding
from winback_sender.addresses.drivers import database
from winback_sender.addresses.http import HttpAddresses
from winback_sender.addresses.sql import QUERY, SqlAddresses
from winback_sender.errors import UserError
from winback_sender.http.guard import demand_hidden
from winback_sender.own_settings import load_own
from winback_sender.receipt import NotSentError
from winback_sender.settings import SENDER_PREFIX, SenderSettings
from winback_sender.settings_catalogue import load, says

PREFIX: Final = f"{SENDER_PREFIX}ADDRESSES_"


class AddressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an address book besides its place needs: ``WINBACK_SENDER_ADDRESSES_*``."""

    encoding: Annotated[Encoding, says("Of a CSV file.")] = "utf-8"
    query: Annotated[
        str, says("SQL: has `:user_id` and `:channel`, the first column is the address.")
    ] = QUERY
    find_query: Annotated[
        str,
        says(
            "SQL: has `:channel` and `:address`, the first column is the user id: whose a reply "
            "is that names no touch. Empty: that cannot be said."
        ),
    ] = ""
    password: Annotated[str, says("SQL: password of the database's user.", is_secret=True)] = ""
    token: Annotated[str, says("HTTP: sent as `Authorization: Bearer …`.", is_secret=True)] = ""
    timeout_s: Annotated[
        float, Meta(ge=0.1, le=60), says("SQL and HTTP: silence after which to ask again.", "s")
    ] = 3.0
    cache_s: Annotated[
        float,
        Meta(ge=0, le=86_400),
        says("SQL and HTTP: an address is remembered so long; 0 = not at all.", "s"),
    ] = 60.0
    cache_unknown_s: Annotated[
        float,
        Meta(ge=0, le=86_400),
        says("SQL and HTTP: that there is no address is remembered so long.", "s"),
    ] = 10.0
    cache_size: Annotated[
        int, Meta(ge=1, le=10_000_000), says("SQL and HTTP: so many answers are remembered.")
    ] = 100_000


class NoAddresses:
    """Stands for an address book that nobody has named."""

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Say that there is no book: the user's channel is not to blame, the touch never left.

        Raises:
            NotSentError: Always.
        """
        del user_id, channel
        raise NotSentError(NO_BOOK)

    def find(self, channel: str, address: str) -> None:
        """Cannot say."""
        del channel, address

    def close(self) -> None:
        """Hold nothing."""


def open_addresses(spec: str, environ: Mapping[str, str]) -> AddressBook:
    """Return the address book of a setting.

    Args:
        spec: ``csv:PATH``, ``sql:URL``, ``http://…`` or ``https://…``; empty = none.
        environ: Has the book's own settings and secrets.

    Raises:
        UserError: The setting, one of the book's own, or the book itself is wrong.
        Unavailable: The database is away.
    """
    settings = load_own(AddressSettings, environ, PREFIX)
    kind, _, rest = spec.strip().partition(":")
    if kind == "csv" and rest:
        return CsvAddresses(Path(rest).expanduser(), settings.encoding)
    if kind == "sql" and rest:
        asked = database(rest, settings.password, settings.timeout_s)
        return _cached(SqlAddresses(asked, settings.query, settings.find_query), settings)
    if kind in ("http", "https") and rest.startswith("//") and len(rest) > len("//"):
        parallel = load(SenderSettings, environ, SENDER_PREFIX).parallel
        base = spec.strip().rstrip("/")
        demand_hidden(base, settings.token, f"{PREFIX}TOKEN")
        return _cached(HttpAddresses(base, settings.timeout_s, settings.token, parallel), settings)
    if not spec.strip():
        return NoAddresses()
    raise UserError(
        "WINBACK_SENDER_ADDRESSES names no kind of address book that is known",
        "csv:PATH, sql:URL, http://… or https://…",
    )


def _cached(book: AddressBook, settings: AddressSettings) -> AddressBook:
    if not settings.cache_s:
        return book
    return CachedAddresses(book, settings.cache_s, settings.cache_unknown_s, settings.cache_size)
