"""The few words of Kafka's protocol that tell whether we are let in; see `knock`."""

import socket
import ssl
import struct
from typing import Final

from kafka.net.sasl.scram import ScramClient

from winback_sender.cluster import Login
from winback_sender.errors import Unavailable

CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_TIMEOUT_S: Final = 5.0
UNSUPPORTED_MECHANISM: Final = 33
ILLEGAL_STATE: Final = 34
"""Codes of the protocol: no such mechanism here; no user is asked for here."""

_API_VERSIONS: Final = 18, 0
_SASL_HANDSHAKE: Final = 17, 1
_SASL_AUTHENTICATE: Final = 36, 0
_CORRELATION: Final = 0x77696E62
_ANSWER_BYTES_MAX: Final = 1 << 20
_TLS_ALERT: Final = 0x15
_CORRELATION_BYTES: Final = 4
_NAME: Final = b"winback"


class SilentError(Exception):
    """The other side ended the conversation, or what it said is not Kafka's."""


STRANGE: Final = SilentError, OSError, ValueError, struct.error
"""What goes wrong with whoever does not speak as a broker does."""


def connected(server: str) -> socket.socket:
    """Return a connection to ``host:port``.

    Raises:
        Unavailable: There is none to be had.
    """
    host, _, port = server.rpartition(":")
    try:
        found = socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(
            f"{server}: {reason}",
            "check WINBACK_KAFKA_BOOTSTRAP and whether Kafka runs "
            "(the embedded one: winback kafka up)",
        ) from None
    found.settimeout(ANSWER_TIMEOUT_S)
    return found


def greet(line: socket.socket) -> None:
    """Ask for the versions of the protocol, as every client does first.

    Raises:
        STRANGE: The answer is none of Kafka, or the connection broke.
    """
    _ask(line, _API_VERSIONS)


def is_believed(line: socket.socket, login: Login) -> bool:
    """Return whether the broker takes our password, after `handshake`.

    Raises:
        STRANGE: It ended the conversation, or does not know the password itself (SCRAM).
    """
    if login.mechanism == "PLAIN":
        text = f"\0{login.username}\0{login.password}"
        return _authenticated(line, text.encode()) is not None
    scram = ScramClient(login.username, login.password, login.mechanism)
    first = _authenticated(line, scram.first_message())
    if first is None:
        return False
    scram.process_server_first_message(first)
    final = _authenticated(line, scram.final_message())
    if final is None:
        return False
    scram.process_server_final_message(final)
    return True


def _authenticated(line: socket.socket, token: bytes) -> bytes | None:
    """Return the broker's answer to a token; None: not believed."""
    answer = _ask(line, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
    (code,) = struct.unpack_from(">h", answer)
    if code:
        return None
    said = answer[2:]
    (length,) = struct.unpack_from(">h", said)
    said = said[2 + max(length, 0) :]
    (length,) = struct.unpack_from(">i", said)
    return said[4 : 4 + max(length, 0)]


def handshake(line: socket.socket, mechanism: str) -> tuple[int, list[str]]:
    """Return the code and the mechanisms that the broker takes.

    Raises:
        STRANGE: The answer is none of Kafka, or the connection broke.
    """
    name = mechanism.encode()
    answer = _ask(line, _SASL_HANDSHAKE, struct.pack(">h", len(name)) + name)
    code, count = struct.unpack_from(">hi", answer)
    offered, at = [], 6
    for _ in range(count):
        (length,) = struct.unpack_from(">h", answer, at)
        offered.append(answer[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return code, offered


def _ask(line: socket.socket, api: tuple[int, int], body: bytes = b"") -> bytes:
    """Send a request of Kafka's protocol and return the body of the answer.

    Raises:
        STRANGE: The answer is none of Kafka, or the connection broke.
    """
    head = struct.pack(">hhih", *api, _CORRELATION, len(_NAME)) + _NAME
    line.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    size, correlation = struct.unpack(">ii", _read(line, 8))
    if correlation != _CORRELATION or not _CORRELATION_BYTES <= size <= _ANSWER_BYTES_MAX:
        raise SilentError
    return _read(line, size - _CORRELATION_BYTES)


def _read(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = line.recv(count - len(found))
        if not piece or (not found and piece[0] == _TLS_ALERT):
            raise SilentError
        found += piece
    return found


def speaks_tls(server: str) -> bool:
    """Whether TLS is spoken there; nothing is sent over it, so nobody's name is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with connected(server) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, Unavailable):
        return False


def speaks_plain(server: str) -> bool:
    """Whether Kafka is spoken there in plain text; nothing secret is said."""
    try:
        with connected(server) as plain:
            _ask(plain, _API_VERSIONS)
    except (*STRANGE, Unavailable):
        return False
    return True
