"""What the settings say of Kafka's security, checked before anything connects.

No secret ever travels in plain text: a user with a password is known under TLS alone, and the name
of the broker is always compared with its certificate.
"""

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from winback_sender.cluster import PLAIN_TEXT, Cluster, Login, Security
from winback_sender.errors import Unavailable, UserError
from winback_sender.settings import Settings

_USER: Final = ("kafka_username", "kafka_password")
_CERTIFICATE: Final = (
    "kafka_certificate",
    "kafka_certificate_key",
    "kafka_certificate_password",
)
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


def cluster_of(settings: Settings) -> Cluster:
    """Return the cluster that the settings name.

    Raises:
        Unavailable: They name none.
        UserError: What they say of its security cannot be.
    """
    if not settings.kafka_bootstrap:
        raise Unavailable("no Kafka is known", "set WINBACK_KAFKA_BOOTSTRAP=host:port")
    return Cluster.at(settings.kafka_bootstrap, security_of(settings))


def security_of(settings: Settings) -> Security:
    """Return how one is let in, by the settings.

    Raises:
        UserError: They contradict each other, or a file cannot be used; a secret is never shown.
    """
    if settings.kafka_security == "plaintext":
        why = "in plain text nobody is known, and everything can be read on the way"
        _refuse_set(settings, ("kafka_ca", *_USER, *_CERTIFICATE), why)
        return PLAIN_TEXT
    login = None
    if settings.kafka_security == "ssl":
        _refuse_set(settings, _USER, "ssl knows us by a certificate, not by a user")
    else:
        login = _login(settings)
    return Security(_context(settings), login, bool(settings.kafka_certificate))


def _refuse_set(settings: Settings, fields: tuple[str, ...], why: str) -> None:
    stated = [_variable(field) for field in fields if getattr(settings, field)]
    if stated:
        raise UserError(
            f"WINBACK_KAFKA_SECURITY is {settings.kafka_security}, but {', '.join(stated)} "
            f"{'is' if len(stated) == 1 else 'are'} set: {why}",
            "set WINBACK_KAFKA_SECURITY=sasl_ssl for a user and password, ssl for a certificate "
            "alone; or unset the others",
        )


def _login(settings: Settings) -> Login:
    missing = [_variable(field) for field in _USER if not getattr(settings, field)]
    if missing:
        raise UserError(
            f"WINBACK_KAFKA_SECURITY is sasl_ssl, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set",
            "set both; the password may stand in a file: WINBACK_KAFKA_PASSWORD_FILE=path",
        )
    return Login(settings.kafka_sasl_mechanism, settings.kafka_username, settings.kafka_password)


def _context(settings: Settings) -> ssl.SSLContext:
    """Return TLS that checks the brokers' certificates and names."""
    if settings.kafka_ca:
        _certificate_text("kafka_ca", settings.kafka_ca)
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca or None)
    except ssl.SSLError as error:
        raise _unusable("kafka_ca", settings.kafka_ca, _reason(error)) from None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    _load_certificate(context, settings)
    return context


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    certificate, key = settings.kafka_certificate, settings.kafka_certificate_key
    if not certificate:
        if lonely := [_variable(field) for field in _CERTIFICATE[1:] if getattr(settings, field)]:
            raise UserError(
                f"{' and '.join(lonely)} without WINBACK_KAFKA_CERTIFICATE",
                "set WINBACK_KAFKA_CERTIFICATE to the file of the certificate",
            )
        return
    if not key:
        raise UserError(
            "WINBACK_KAFKA_CERTIFICATE without WINBACK_KAFKA_CERTIFICATE_KEY",
            "set WINBACK_KAFKA_CERTIFICATE_KEY to the file of the key; it may be the same file",
        )
    _demand_valid_now(certificate, _certificate_text("kafka_certificate", certificate))
    _text("kafka_certificate_key", key)
    try:
        # A password is always given, if empty: without one OpenSSL would ask the terminal.
        context.load_cert_chain(certificate, key, settings.kafka_certificate_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"it is not the key of {certificate}"
        elif settings.kafka_certificate_password:
            why = "it is not a key in PEM, or WINBACK_KAFKA_CERTIFICATE_PASSWORD does not open it"
        else:
            why = (
                "it is not a key in PEM, or it is encrypted and "
                "WINBACK_KAFKA_CERTIFICATE_PASSWORD is not set"
            )
        raise _unusable("kafka_certificate_key", key, why) from None


def _demand_valid_now(path: str, text: bytes) -> None:
    from cryptography import x509  # noqa: PLC0415 (slow to import, and only needed here)

    try:
        certificate = x509.load_pem_x509_certificate(text)
    except ValueError:
        raise _unusable("kafka_certificate", path, "it is not a certificate in PEM") from None
    now = datetime.fromtimestamp(time.time(), UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        raise _unusable("kafka_certificate", path, f"it expired at {end:%Y-%m-%d %H:%M} UTC")
    if now < begin:
        raise _unusable(
            "kafka_certificate", path,
            f"it is valid from {begin:%Y-%m-%d %H:%M} UTC on; is the clock of this machine right?",
        )  # fmt: skip


def _certificate_text(field: str, path: str) -> bytes:
    text = _text(field, path)
    if _BEGIN not in text:
        raise _unusable(field, path, f"there is no {_BEGIN.decode()} in it: PEM is needed")
    return text


def _text(field: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _unusable(field, path, error.strerror or str(error)) from None


def _unusable(field: str, path: str, why: str) -> UserError:
    return UserError(
        f"{_variable(field)} = {path}: {why}", "docs/security-kafka.md says what each file holds"
    )


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()


def _variable(field: str) -> str:
    return f"WINBACK_{field.upper()}"
