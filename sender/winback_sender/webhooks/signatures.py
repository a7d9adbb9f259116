"""Signatures of Standard Webhooks: who sent it, when, and that nothing was changed.

Source:
    Standard Webhooks 1.0.0, "Signature scheme" and "Verifying signatures":
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

from winback_sender.errors import UserError

PREFIX: Final = "whsec_"
VERSION: Final = "v1"
KEY_BYTES: Final = range(24, 64 + 1)
"""The specification wants 192 to 512 bits."""
WINDOW_S: Final = 300
"""A message that is older, or from so far in the future, may be a replay."""
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class RefusedError(Exception):
    """A message is not what its sender has signed; says what is wrong, never what was right."""


class Signer:
    """Signs and verifies with one secret, or with several while they are changed.

    Args:
        secrets: ``whsec_…``, several separated by spaces: all sign, so a receiver may take up the
            new one whenever it likes, and each is good for what comes in.
        variable: The setting, for complaints.

    Raises:
        UserError: One is not 24 to 64 bytes in base64.
    """

    def __init__(self, secrets: str, variable: str) -> None:
        self._keys = [_key(word, variable) for word in secrets.split()]
        if not self._keys:
            raise _wrong(variable)

    def headers(self, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
        """Return the three headers of a message.

        Args:
            message_id: Has no full stop, so that the parts of what is signed stay apart.
            at_s: Instant of this try, Unix seconds.
            body: As it goes out, to the byte.
        """
        assert "." not in message_id
        return {ID: message_id, TIMESTAMP: str(at_s),
                SIGNATURE: " ".join(self._signatures(message_id, str(at_s), body))}  # fmt: skip

    def verify(self, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
        """Return the id of a message that is in order.

        Args:
            headers: Names in lower case.
            body: As it came, to the byte.
            now_s: Unix seconds.

        Raises:
            RefusedError: It is not.
        """
        message_id, at = headers.get(ID, ""), headers.get(TIMESTAMP, "")
        if not message_id or not _SECONDS.fullmatch(at):
            raise RefusedError(f"{ID} or {TIMESTAMP} is missing or cannot be read")
        if abs(now_s - int(at)) > WINDOW_S:
            raise RefusedError(f"{TIMESTAMP} is more than {WINDOW_S} s away from now")
        given = headers.get(SIGNATURE, "").split()
        right = self._signatures(message_id, at, body)
        # All pairs are compared in constant time, whatever the result of the ones before.
        if not any([_is_equal(one, other) for one in given for other in right]):  # noqa: C419
            raise RefusedError(f"no {SIGNATURE} fits")
        return message_id

    def _signatures(self, message_id: str, at: str, body: bytes) -> Sequence[str]:
        signed = _bytes(f"{message_id}.{at}.") + body
        digests = (hmac.digest(key, signed, "sha256") for key in self._keys)
        return [f"{VERSION},{base64.b64encode(digest).decode()}" for digest in digests]


def _is_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(header: str) -> bytes:
    """Return a header as it came, also where that is no UTF-8."""
    return header.encode(errors="surrogateescape")


def _key(word: str, variable: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in KEY_BYTES:
        raise _wrong(variable)
    return key


def _wrong(variable: str) -> UserError:
    return UserError(
        f"{variable} = (hidden), but it must be {PREFIX} and "
        f"{KEY_BYTES[0]} to {KEY_BYTES[-1]} bytes in base64",
        f'python3 -c "import secrets, base64; '
        f"print('{PREFIX}' + base64.b64encode(secrets.token_bytes(32)).decode())\" makes one",
    )
