"""A certificate authority of the tests: made on the fly, forgotten with the directory."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Pair(NamedTuple):
    """Files of a certificate and of its key; ``both`` holds the two, as brokers like it."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; the one of itself is ``ca``."""

    def __init__(self, directory: Path, name: str = "winback tests") -> None:
        self.directory = directory
        self.ca = directory / f"{name.replace(' ', '-')}-ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = datetime.now(UTC)
        own = (
            _draft(self._name, self._name, self._key.public_key(), now - DAY, now + DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, *hosts: str, begin: timedelta = -DAY, end: timedelta = DAY,
        password: str = "",
    ) -> Pair:  # fmt: skip
        """Return a certificate for a user (CN), or for a broker with the names of its hosts."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        draft = _draft(_named(name), self._name, key.public_key(), now + begin, now + end)
        if hosts:
            draft = draft.add_extension(
                x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
            )
        pem = serialization.Encoding.PEM
        certificate = draft.sign(self._key, hashes.SHA256()).public_bytes(pem)
        sealed = (
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption()
        )
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, sealed)
        pair = Pair(*(self.directory / f"{name}.{kind}.pem" for kind in ("crt", "key", "both")))
        pair.certificate.write_bytes(certificate)
        pair.key.write_bytes(secret)
        pair.both.write_bytes(secret + certificate)
        return pair


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    if host[0].isdigit():
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
