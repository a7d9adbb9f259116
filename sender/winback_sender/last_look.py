"""The last look: whether a touch may still leave, asked when its request is about to.

Between the decision and the request lie the company's address book and the provider's token, which
may take seconds. Whoever writes an adapter with a client of its own calls `look_again` itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from winback_sender.receipt import NotSentError

_LOOK: ContextVar[Callable[[], None] | None] = ContextVar("last_look", default=None)


class HandedBackError(NotSentError):
    """Raised when the sender ends or gives the partition away: another one sends the touch."""


def look_again() -> None:
    """Do nothing while a touch may leave, and where no touch is under way.

    Raises:
        NotSentError: It was taken back, has expired, or is another sender's.
    """
    look = _LOOK.get()
    if look is not None:
        look()


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Have `look_again` ask about one touch, in this thread."""
    token = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(token)
