"""Ids and chance by keyed hashes: the same today, tomorrow and in a replay."""

from hashlib import blake2b
from typing import Final

import msgspec

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
_SHIFTS: Final = tuple(range(150, -1, -10))
"""Base32 (RFC 4648, small letters) of 160 bits, ten at a time: a tenth of the library's time."""


class Ids(msgspec.Struct, frozen=True):
    """Makes every id of one deployment.

    Attributes:
        key: Secret of the deployment; whoever has it can tell which user an id belongs to.
    """

    key: bytes

    def touch_id(self, user_id: str, opened_at_ms: int, step: int) -> str:
        """Return the 32 characters that name a touch."""
        return self._name(f"touch\0{user_id}\0{opened_at_ms}\0{step}")

    def case_id(self, user_id: str, opened_at_ms: int) -> str:
        """Return the 32 characters that name a case."""
        return self._name(f"case\0{user_id}\0{opened_at_ms}")

    def pseudonym(self, user_id: str) -> str:
        """Return the 32 characters that stand for a user in logs and in the list of the erased."""
        return self._name(f"user\0{user_id}")

    def token(self, user_id: str) -> bytes:
        """Return the 8 bytes that stand for a user where only equality matters."""
        return blake2b(f"token\0{user_id}".encode(), digest_size=8, key=self.key).digest()

    def _name(self, text: str) -> str:
        digest = blake2b(text.encode(), digest_size=20, key=self.key).digest()
        number = int.from_bytes(digest)
        return "".join([_PAIRS[number >> shift & 1_023] for shift in _SHIFTS])


def share_of(salt: str, user_id: str) -> float:
    """Return where a user falls in [0, 1) under a salt: the only chance that there is."""
    digest = blake2b(f"{salt}\0{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
