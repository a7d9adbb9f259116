"""The address of a touch, or the reason why there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from winback_sender.addresses.away import NO_BOOK
from winback_sender.addresses.book import AddressBook
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError


class Destination:
    """Where a touch goes; empty: nobody has asked yet."""

    address = ""


_BOOK: ContextVar[AddressBook | None] = ContextVar("address_book", default=None)
_DESTINATION: ContextVar[Destination | None] = ContextVar("destination", default=None)


def address_for(touch: TouchRequested, book: AddressBook | None = None) -> str:
    """Return where a touch goes; the kit remembers it, so that a reply finds its touch.

    Args:
        touch: Which.
        book: Knows; None: that of `kit.serve`.

    Raises:
        NotSentError: There is no address, or the book cannot answer now.
    """
    book = book or _BOOK.get()
    if book is None:
        raise NotSentError(NO_BOOK)
    address = book.resolve(touch.user_id, touch.channel)
    if address is None:
        raise NotSentError(Why.NO_ADDRESS, HARD)
    destination = _DESTINATION.get()
    if destination is not None:
        destination.address = str(address)
    return address


@contextmanager
def asking(book: AddressBook | None) -> Iterator[None]:
    """Have `address_for` ask a book, where it is not given one."""
    token = _BOOK.set(book)
    try:
        yield
    finally:
        _BOOK.reset(token)


@contextmanager
def noting() -> Iterator[Destination]:
    """Take note of where a touch goes."""
    destination = Destination()
    token = _DESTINATION.set(destination)
    try:
        yield destination
    finally:
        _DESTINATION.reset(token)
