"""The seal of WeChat's and WeCom's call-backs: a signature, and AES where it is switched on.

Source:
    https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.md and
    https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/Message_Encryption/Technical_Plan.html
    (WeCom seals in the same way, https://developer.work.weixin.qq.com/document/path/90968).
"""

import base64
import hashlib
import hmac
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

PAD_BYTES: Final = 32
"""Padding is PKCS#7 to multiples of 32, not of AES's 16."""
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">I")


class SealError(ValueError):
    """What came is not sealed with our key, or not for us."""


def signature(*parts: str) -> str:
    """Return the SHA-1 of the parts in their order: token, timestamp, nonce, and what is sealed."""
    joined = "".join(sorted(parts)).encode(errors="replace")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def is_signed(given: str, *parts: str) -> bool:
    """Return whether a signature is right; how wrong it is cannot be measured by time."""
    return hmac.compare_digest(given.encode(errors="replace"), signature(*parts).encode())


class Seal:
    """Opens and closes sealed messages: 16 random bytes, length, message, receiver; AES-256-CBC.

    Args:
        encoding_key: The EncodingAESKey, 43 characters of base64.
        receiver: The AppID or CorpID that the messages are for; empty = not looked at.

    Raises:
        ValueError: It is no EncodingAESKey.
    """

    def __init__(self, encoding_key: str, receiver: str) -> None:
        try:
            self._key = base64.b64decode(f"{encoding_key}=", validate=True)
        except ValueError as error:
            raise ValueError("an EncodingAESKey has 43 letters and digits") from error
        if len(self._key) != KEY_BYTES:
            raise ValueError("an EncodingAESKey has 43 letters and digits")
        self._receiver = receiver

    def open(self, sealed: str) -> bytes:
        """Return the message.

        Raises:
            SealError: It is not sealed with this key, or for somebody else.
        """
        try:
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
            pad = padded[-1]
            content = padded[SALT_BYTES:-pad]
            (length,) = _LENGTH.unpack_from(content)
        except (ValueError, IndexError, struct.error) as error:
            raise SealError("not sealed with our key") from error
        message = content[_LENGTH.size : _LENGTH.size + length]
        receiver = content[_LENGTH.size + length :]
        if not 1 <= pad <= PAD_BYTES or len(message) != length:
            raise SealError("not sealed with our key")
        if self._receiver and receiver != self._receiver.encode():
            raise SealError("sealed for somebody else")
        return message

    def close(self, message: bytes, salt: bytes) -> str:
        """Return a sealed message, with 16 bytes that nobody can foresee."""
        assert len(salt) == SALT_BYTES
        plain = salt + _LENGTH.pack(len(message)) + message + self._receiver.encode()
        pad = PAD_BYTES - len(plain) % PAD_BYTES
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES256(self._key), CBC(self._key[:16]))
