"""Decoders of JSON for use in threads.

msgspec 0.22 writes down what it knows of a struct when it meets it first, and lets others see it
half written: sixteen threads that call ``msgspec.json.decode(data, type=Kind)`` for the first time
at once end the process with a segmentation fault. A type that is met under a lock is met once.
"""

from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises; the last for a body that is nothing but brackets."""

_MADE: Final[dict[tuple[Any, bool], msgspec.json.Decoder[Any]]] = {}
_LOCK: Final = Lock()


def decoder(kind: type[T], *, strict: bool = True) -> msgspec.json.Decoder[T]:
    """Return the decoder of a type; the same one each time, for all threads.

    Args:
        kind: What is to come out.
        strict: Whether a number in quotes is no number.
    """
    found = _MADE.get((kind, strict))
    if found is None:
        with _LOCK:
            found = _MADE.setdefault((kind, strict), msgspec.json.Decoder(kind, strict=strict))
    return found


def convert(given: Any, kind: type[T]) -> T:
    """Return what was decoded as a type.

    Raises:
        ValidationError: It is none.
    """
    decoder(kind)  # The type is met.
    return msgspec.convert(given, kind)
