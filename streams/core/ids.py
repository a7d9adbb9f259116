"""Ids and chance by keyed hashes: the same today, tomorrow and in a replay."""

from hashlib import blake2b
from typing import Final

import msgspec

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
_SHIFTS: Final = tuple(range(150, -1, -10))
"""Base32 (RFC 4648, small letters) of 160 bits, ten at a time: a tenth of the library's time."""


class FormerKey(msgspec.Struct, frozen=True):
    """A key that was in force until an instant of event time, exclusive.

    Attributes:
        key: At most 64 bytes.
        until_ms: Epoch ms UTC.
    """

    key: bytes
    until_ms: int

    def __repr__(self) -> str:
        return f"FormerKey({key_id(self.key)}, {self.until_ms})"


class Ids(msgspec.Struct, frozen=True):
    """Makes every id of one deployment.

    What belongs to an instant (a case to its opening, a question to its asking) is named with the
    key that was in force then, so that a new key renames nothing that there is.

    Attributes:
        key: Secret of the deployment; whoever has it can tell which user an id belongs to.
        former: Those before it, oldest first.
    """

    key: bytes
    former: tuple[FormerKey, ...] = ()

    def __repr__(self) -> str:
        return f"Ids({key_id(self.key)}, {self.former!r})"

    def touch_id(self, user_id: str, opened_at_ms: int, step: int) -> str:
        """Return the 32 characters that name a touch of the case that was opened then."""
        key = self.key_at(opened_at_ms)
        return _name(f"touch\0{user_id}\0{opened_at_ms}\0{step}", key)

    def case_id(self, user_id: str, opened_at_ms: int) -> str:
        """Return the 32 characters that name a case."""
        return _name(f"case\0{user_id}\0{opened_at_ms}", self.key_at(opened_at_ms))

    def pseudonym(self, user_id: str, at_ms: float) -> str:
        """Return the 32 characters that stand for a user who is written down at an instant."""
        return _name(f"user\0{user_id}", self.key_at(at_ms))

    def pseudonyms(self, user_id: str) -> list[str]:
        """Return what may stand for a user in a list, the newest first."""
        return [_name(f"user\0{user_id}", key) for key in self.keys]

    def tokens(self, user_id: str) -> list[bytes]:
        """Return what may stand for a user where only equality matters, the newest first."""
        data = f"token\0{user_id}".encode()
        return [blake2b(data, digest_size=8, key=key).digest() for key in self.keys]

    def token(self, user_id: str, at_ms: float) -> bytes:
        """Return the 8 bytes that stand for a user where only equality at an instant matters."""
        data = f"token\0{user_id}".encode()
        return blake2b(data, digest_size=8, key=self.key_at(at_ms)).digest()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every key, the newest first."""
        return (self.key, *(former.key for former in reversed(self.former)))

    def key_at(self, at_ms: float) -> bytes:
        """Return the key that is in force at an instant."""
        for former in self.former:
            if at_ms < former.until_ms:
                return former.key
        return self.key


def key_id(key: bytes) -> str:
    """Return the 8 characters by which a key may be spoken of: nobody can tell the key from it."""
    return blake2b(key, digest_size=4, person=b"winback key id").hexdigest()


def _name(text: str, key: bytes) -> str:
    number = int.from_bytes(blake2b(text.encode(), digest_size=20, key=key).digest())
    return "".join([_PAIRS[number >> shift & 1_023] for shift in _SHIFTS])


def share_of(salt: str, user_id: str) -> float:
    """Return where a user falls in [0, 1) under a salt: the only chance that there is."""
    digest = blake2b(f"{salt}\0{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
