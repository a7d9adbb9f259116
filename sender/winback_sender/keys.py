"""Secrets that take turns: the one in force, and those before it, each until an instant."""

import hashlib
import re
from typing import Final, NamedTuple

from winback_sender.contract.instants import instant_ms
from winback_sender.errors import UserError

DEVELOPMENT_KEY: Final = "winback-development-key"
"""Anybody who has this code has it."""
SECRET_CHARACTERS_MIN: Final = 16

_NEXT: Final = re.compile(r"[,\n]\s*(?=\d{4}-)")


class FormerKey(NamedTuple):
    """A secret that was in force until an instant of event time, exclusive, epoch ms UTC."""

    until_ms: int
    secret: str

    def __repr__(self) -> str:
        return f"FormerKey({self.until_ms}, (hidden))"


class KeyRing(NamedTuple):
    """The secrets of a deployment for one purpose.

    Attributes:
        newest: In force from the last instant on.
        former: Oldest first.
    """

    newest: str
    former: tuple[FormerKey, ...] = ()

    def __repr__(self) -> str:
        return f"KeyRing((hidden), {self.former!r})"

    @property
    def alone(self) -> "KeyRing":
        """The newest secret without its past, for what is made once and compared with itself."""
        return KeyRing(self.newest)

    @property
    def secrets_before(self) -> tuple[str, ...]:
        """The former secrets, the newest first: what was marked with them is found again."""
        return tuple(former.secret for former in reversed(self.former))


DEVELOPMENT_RING: Final = KeyRing(DEVELOPMENT_KEY)


def derived(secret: str) -> bytes:
    """Return the key of 64 bytes that a secret of any length stands for."""
    return hashlib.blake2b(secret.encode()).digest()


def ring_of(newest: str, before: str, variable: str) -> KeyRing:
    """Return the secrets that two settings name.

    Args:
        newest: The secret in force.
        before: Former ones as ``2026-11-01T00:00Z=secret``, separated by commas or lines, each with
            the instant until which it was in force.
        variable: Name of the second setting, for complaints; the text itself is not shown.

    Raises:
        UserError: They cannot be read, or their instants do not grow.
    """
    former: list[FormerKey] = []
    for place, entry in enumerate(_NEXT.split(before.strip()) if before.strip() else (), 1):
        at, _, secret = entry.strip().partition("=")
        try:
            until_ms = instant_ms(at)
        except ValueError:
            raise _wrong(variable, place, "begins with no instant and zone") from None
        if len(secret) < SECRET_CHARACTERS_MIN:
            raise _wrong(variable, place, f"has a secret below {SECRET_CHARACTERS_MIN} characters")
        if former and until_ms <= former[-1].until_ms:
            raise _wrong(variable, place, "is not later than the one before it")
        former.append(FormerKey(until_ms, secret))
    secrets = [newest, *(key.secret for key in former)]
    if len(set(secrets)) < len(secrets):
        raise UserError(f"{variable} holds a secret twice, or the one in force",
                        "a key that was given up is not taken up again")  # fmt: skip
    return KeyRing(newest, tuple(former))


def accepted(newest: str, others: str, variable: str) -> tuple[bytes, ...]:
    """Return secrets that signatures are accepted of; the first signs.

    Args:
        newest: The one that signs.
        others: More, separated by commas or lines.
        variable: Name of the second setting, for complaints.

    Raises:
        UserError: One is too short.
    """
    more = [text for text in re.split(r"[,\s]+", others) if text]
    for place, secret in enumerate(more, 1):
        if len(secret) < SECRET_CHARACTERS_MIN:
            raise _wrong(variable, place, f"is below {SECRET_CHARACTERS_MIN} characters")
    return tuple(dict.fromkeys(text.encode() for text in (newest, *more)))


def _wrong(variable: str, place: int, what: str) -> UserError:
    return UserError(
        f"{variable}: key {place} {what}",
        "write 2026-11-01T00:00Z=secret,… oldest first (docs/keys.md)"
        if "KEYS_BEFORE" in variable
        else "write secret,secret (docs/keys.md)",
    )
