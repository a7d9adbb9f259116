"""A broker with every kind of door, and rules of who may do what behind them."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion

from streams.runtime.embedded.config import HOST, Ports
from streams.runtime.embedded.fixture import EmbeddedKafka
from tests.security.authority import DAY, Authority
from winback_sender.cluster import Cluster

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


class Doors:
    """Its listeners and certificates.

    Attributes:
        scram: ``host:port`` of SASL_SSL: by user and password.
        mutual: Of SSL that wants a certificate of the client.
        expired: Of SSL with a certificate that has expired.
    """

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory)
        self.stranger = Authority(directory, "stranger")
        self._ports = dict(zip(("SCRAM", "MUTUAL", "EXPIRED"), _free_ports(3), strict=True))
        self.scram, self.mutual, self.expired = (
            f"localhost:{port}" for port in self._ports.values()
        )
        self._good = self.authority.issue("broker", "localhost")
        self._old = self.authority.issue("old", "localhost", begin=-3 * DAY, end=-DAY)

    def properties(self, ports: Ports) -> Mapping[str, str]:
        """Return what the broker is told; who comes in plain text is the super user."""
        listeners = [f"PLAINTEXT://{HOST}:{ports.client}"]
        more = [f"{name}://localhost:{port}" for name, port in self._ports.items()]
        kinds = {"SCRAM": "SASL_SSL", "MUTUAL": "SSL", "EXPIRED": "SSL"}
        properties = {
            "listeners": ",".join([*listeners, *more, f"CONTROLLER://{HOST}:{ports.controller}"]),
            "advertised.listeners": ",".join([*listeners, *more]),
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT",
                 *(f"{name}:{kind}" for name, kind in kinds.items())]
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
            "sasl.enabled.mechanisms": ",".join([*MECHANISMS, "PLAIN"]),
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+)$/$1/,DEFAULT",
        }  # fmt: skip
        for name in kinds:
            own = f"listener.name.{name.lower()}."
            pair = self._old if name == "EXPIRED" else self._good
            properties |= {
                f"{own}ssl.keystore.type": "PEM",
                f"{own}ssl.keystore.location": str(pair.both),
                f"{own}ssl.truststore.type": "PEM",
                f"{own}ssl.truststore.location": str(self.authority.ca),
                f"{own}ssl.client.auth": "required" if name == "MUTUAL" else "none",
            }
        own = "listener.name.scram."
        properties |= {
            f"{own}{mechanism.lower()}.sasl.jaas.config": f"{SCRAM} required;"
            for mechanism in MECHANISMS
        }
        properties[f"{own}plain.sasl.jaas.config"] = f'{PLAIN} required user_plain="{"p" * 20}";'
        return properties


class SecuredKafka(EmbeddedKafka):
    """The embedded broker with doors; without them it is as always, for its super user."""

    def __init__(self, directory: Path, **options: Any) -> None:
        certificates = directory / "certificates"
        certificates.mkdir()
        self.doors = Doors(certificates)
        super().__init__(directory / "kafka", more=self.doors.properties, **options)

    @property
    def plain(self) -> Cluster:
        """For its super user."""
        return Cluster.plain(self.bootstrap)

    def add_users(self, passwords: Mapping[str, str]) -> None:
        """Make users who come by SCRAM, and wait until they are known."""
        with super_user(self.plain) as client:
            for mechanism in MECHANISMS:  # a request may name a user only once
                faults = client.alter_user_scram_credentials(
                    [
                        UserScramCredentialUpsertion(user, mechanism, password)
                        for user, password in passwords.items()
                    ]
                )
                assert not any(faults.values()), faults

    def settings(self, user: str, password: str) -> dict[str, str]:
        """Return the environment of a user who comes by SCRAM."""
        return {
            "WINBACK_KAFKA_BOOTSTRAP": self.doors.scram,
            "WINBACK_KAFKA_SECURITY": "sasl_ssl",
            "WINBACK_KAFKA_USERNAME": user,
            "WINBACK_KAFKA_PASSWORD": password,
            "WINBACK_KAFKA_CA": str(self.doors.authority.ca),
        }

    def certified(self, user: str, password: str) -> dict[str, str]:
        """Return the environment of a user who comes by a certificate, its key sealed."""
        pair = self.doors.authority.issue(user, password=password)
        return {
            "WINBACK_KAFKA_BOOTSTRAP": self.doors.mutual,
            "WINBACK_KAFKA_SECURITY": "ssl",
            "WINBACK_KAFKA_CA": str(self.doors.authority.ca),
            "WINBACK_KAFKA_CERTIFICATE": str(pair.certificate),
            "WINBACK_KAFKA_CERTIFICATE_KEY": str(pair.key),
            "WINBACK_KAFKA_CERTIFICATE_PASSWORD": password,
        }


@contextmanager
def super_user(cluster: Cluster) -> Iterator[Any]:
    """Give an admin client."""
    client = KafkaAdminClient(**cluster.options())
    try:
        yield client
    finally:
        client.close()


def _free_ports(count: int) -> Iterable[int]:
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
