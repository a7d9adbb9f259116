"""A partition as it lies in its changelog, but quicker to take out and to take in again."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Part = tuple[list[str], list[bytes]]
"""User ids, and the changelog value of each; an empty value is nobody's."""


class Stored(NamedTuple):
    """What lies in a changelog at an instant.

    Attributes:
        ours: Key and value of what is no user's.
        parts: The users, each of them once.
    """

    ours: Mapping[bytes, bytes]
    parts: Iterable[Part]


class StaleStartError(Exception):
    """What was stored and what was changed since do not come to what the partition says it is."""
