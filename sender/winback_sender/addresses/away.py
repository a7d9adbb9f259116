"""The reasons an address book has for not answering."""

from typing import Final

from winback_sender.receipt import NotSentError

AWAY: Final = "addresses_unavailable"
"""The system that knows cannot answer now."""
NO_BOOK: Final = "no_address_book"
"""WINBACK_SENDER_ADDRESSES names none."""


def away(after_s: float = 0.0) -> NotSentError:
    """Return what is raised when the system that knows cannot answer now: ask again later."""
    return NotSentError(AWAY, retry=True, after_s=after_s)
