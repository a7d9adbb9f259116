"""One step: what becomes of each value when the version of the state is raised by one."""

from collections.abc import Callable
from typing import Any, NamedTuple


def _as_it_is(value: bytes) -> bytes:
    return value


class Step(NamedTuple):
    """From one version of the state to the next; every part is a pure function of one value.

    A step knows both versions by itself: it must not use what says how a state looks *now*.

    Attributes:
        record: The partition record, as JSON has it.
        user: The state of a user.
        erasure: What is remembered of an erasure.
        stub: What is left of an id that was given up.
    """

    record: Callable[[dict[str, Any]], dict[str, Any]]
    user: Callable[[bytes], bytes] = _as_it_is
    erasure: Callable[[bytes], bytes] = _as_it_is
    stub: Callable[[bytes], bytes] = _as_it_is
