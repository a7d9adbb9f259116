"""Remembers answers of an address book for a while."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from winback_sender.addresses.book import AddressBook


class _Known(NamedTuple):
    address: str | None
    until_s: float


class CachedAddresses:
    """Asks a book at most once in a while for the same address; no answer outlives its time.

    That a book does not know an address is remembered for a shorter time; that it could not answer
    is not remembered. Replies are not looked up here.

    Args:
        book: Knows.
        found_s: How long an address is remembered; 0 = not at all.
        unknown_s: How long it is remembered that there is none.
        size: So many answers are remembered; those not used for longest go first.
        clock_s: Seconds that never go back.
    """

    def __init__(
        self,
        book: AddressBook,
        found_s: float,
        unknown_s: float,
        size: int,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._book = book
        self._found_s, self._unknown_s, self._size = found_s, unknown_s, size
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Return what was answered lately, else what the book says.

        Raises:
            NotSentError: The book cannot answer.
        """
        key = user_id, channel
        asked_s = self._clock_s()
        with self._lock:
            known = self._known.get(key)
            if known is not None and asked_s < known.until_s:
                self._known.move_to_end(key)
                return known.address
        address = self._book.resolve(user_id, channel)
        # It is as old as the question: while the answer was under way it may have changed.
        lasts_s = self._unknown_s if address is None else self._found_s
        with self._lock:
            self._known[key] = _Known(address, asked_s + lasts_s)
            self._known.move_to_end(key)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return address

    def find(self, channel: str, address: str) -> str | None:
        """Return what the book says."""
        return self._book.find(channel, address)

    def close(self) -> None:
        """Forget everything, and close the book."""
        with self._lock:
            self._known.clear()
        self._book.close()
