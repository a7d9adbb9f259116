"""One connection to a broker, to find out what is wrong before the clients of Kafka try.

They try again for half a minute, and then say that they could not bootstrap. Here a wrong password,
an authority that is not the broker's or the wrong port is told at once, in words of the settings.
"""

import socket
import ssl
from typing import Final, NoReturn

from winback_sender.cluster import Login, Security
from winback_sender.errors import Unavailable, UserError
from winback_sender.handshake import (
    ILLEGAL_STATE,
    STRANGE,
    UNSUPPORTED_MECHANISM,
    connected,
    greet,
    handshake,
    is_believed,
    speaks_plain,
    speaks_tls,
)

_OTHER_NAME: Final = frozenset((62, 64))
_EXPIRED: Final = 10
_NOT_YET: Final = 9
"""Reasons of OpenSSL why a certificate is refused (``X509_V_ERR_…``)."""


def knock(server: str, security: Security) -> None:
    """Say who we are to a broker, as its clients will.

    Args:
        server: ``host:port``.
        security: How one is let in; a password is only said behind TLS to a broker whose
            certificate and name are right.

    Raises:
        Unavailable: The broker is away, does not answer, or shows a certificate that is not valid.
        UserError: We are not let in as the settings stand.
    """
    try:
        with connected(server) as plain:
            if security.context is None:
                _greet(plain, server)
                _ask_for_user(plain, server)
            else:
                _knock_behind_tls(plain, server, security, security.context)
    except TimeoutError:
        raise Unavailable(
            f"{server}: it takes connections but does not answer",
            "it may still be starting, or have too much to do: see its log",
        ) from None


def _greet(plain: socket.socket, server: str) -> None:
    try:
        greet(plain)
    except STRANGE as error:
        if isinstance(error, TimeoutError):
            raise
        if speaks_tls(server):
            raise UserError(
                f"{server} speaks TLS, but WINBACK_KAFKA_SECURITY is plaintext",
                "set WINBACK_KAFKA_SECURITY=sasl_ssl (by user and password) or ssl, or take the "
                "port for plain text",
            ) from None
        raise Unavailable(
            f"{server}: what answers does not speak like Kafka, or is just ending",
            "check WINBACK_KAFKA_BOOTSTRAP: is it the port for clients?",
        ) from None


def _knock_behind_tls(
    plain: socket.socket, server: str, security: Security, context: ssl.SSLContext
) -> None:
    host = server.rpartition(":")[0].strip("[]")
    try:
        with context.wrap_socket(plain, server_hostname=host) as line:
            greet(line)
            if security.login is None:
                _ask_for_user(line, server)
            else:
                _log_in(line, server, security.login)
    except ssl.SSLCertVerificationError as error:
        _refuse_certificate(server, host, error)
    except STRANGE as error:
        if isinstance(error, TimeoutError):
            raise
        if speaks_plain(server):
            raise UserError(
                f"{server} speaks plain text, but WINBACK_KAFKA_SECURITY wants TLS; nothing secret "
                "was sent",
                "take the broker's port for TLS, or set WINBACK_KAFKA_SECURITY=plaintext",
            ) from None
        reason = error.reason if isinstance(error, ssl.SSLError) else None
        if reason and "ALERT" in reason:
            _tell_alert(server, reason, security)
        raise Unavailable(
            f"{server}: what answers behind TLS does not speak like Kafka, or is just ending "
            f"({reason or type(error).__name__})",
            "check WINBACK_KAFKA_BOOTSTRAP: is it the port for clients?",
        ) from None


def _refuse_certificate(server: str, host: str, error: ssl.SSLCertVerificationError) -> NoReturn:
    """Say why the broker is not believed; nothing secret was sent to it."""
    said = error.verify_message
    if error.verify_code in _OTHER_NAME:
        raise UserError(
            f"the certificate of the broker at {server} is not for {host}: {said}",
            "name the broker in WINBACK_KAFKA_BOOTSTRAP as its certificate does, or have the name "
            "added there; the check cannot be turned off",
        )
    if error.verify_code in {_EXPIRED, _NOT_YET}:
        raise Unavailable(
            f"{server}: the certificate of the broker is not valid now: {said}",
            "have it renewed there; and is the clock of this machine right?",
        )
    raise UserError(
        f"the certificate of the broker at {server} is not signed by whom we trust: {said}",
        "set WINBACK_KAFKA_CA to the authorities (PEM) of that cluster",
    )


def _tell_alert(server: str, reason: str, security: Security) -> NoReturn:
    """Say why the broker does not believe our certificate."""
    if "CERTIFICATE_REQUIRED" in reason or not security.has_certificate:
        raise UserError(
            f"the broker at {server} wants a certificate of ours ({_words(reason)})",
            "set WINBACK_KAFKA_CERTIFICATE and WINBACK_KAFKA_CERTIFICATE_KEY",
        )
    raise UserError(
        f"the broker at {server} refuses our certificate ({_words(reason)})",
        "WINBACK_KAFKA_CERTIFICATE must be signed by an authority that the broker trusts",
    )


def _log_in(line: socket.socket, server: str, login: Login) -> None:
    """Prove who we are, as the protocol's SASL messages do.

    Raises:
        UserError: The broker knows no such way, or does not believe us.
    """
    code, offered = handshake(line, login.mechanism)
    if code == UNSUPPORTED_MECHANISM:
        raise UserError(
            f"the broker at {server} does not take {login.mechanism}, but "
            f"{', '.join(offered) or 'nothing'}",
            "set WINBACK_KAFKA_SASL_MECHANISM to one of them",
        )
    if code == ILLEGAL_STATE:
        raise UserError(
            f"{server} asks for no user, but WINBACK_KAFKA_SECURITY is sasl_ssl; the password was "
            "not sent",
            "take the broker's port for SASL_SSL, or set WINBACK_KAFKA_SECURITY=ssl",
        )
    if code or not is_believed(line, login):
        raise UserError(
            f"Kafka at {server} refuses the user {login.username} ({login.mechanism}): wrong user, "
            "wrong password, or the user is not made for this mechanism",
            "check WINBACK_KAFKA_USERNAME and WINBACK_KAFKA_PASSWORD (or its _FILE)",
        )


def _ask_for_user(line: socket.socket, server: str) -> None:
    """Find out whether the broker wants a user where the settings have none."""
    try:
        code, offered = handshake(line, "SCRAM-SHA-512")
    except STRANGE:
        return  # It says nothing of it: the clients will see.
    if code in {0, UNSUPPORTED_MECHANISM} and offered:
        raise UserError(
            f"{server} wants a user and a password ({', '.join(offered)})",
            "set WINBACK_KAFKA_SECURITY=sasl_ssl, WINBACK_KAFKA_USERNAME and "
            "WINBACK_KAFKA_PASSWORD (or its _FILE)",
        )


def _words(reason: str) -> str:
    return reason.split("ALERT_", 1)[-1].replace("_", " ").lower()
