"""Where Kafka is, and how one is let in: every client of Kafka is made with what stands here."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Final, Self

from winback_sender.http.guard import is_loopback


class Password(str):
    """A secret that ``repr`` does not show: clients of Kafka write their options to the log."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'(hidden)'"


@dataclass(frozen=True, slots=True)
class Login:
    """A user of Kafka who proves himself by a password (SASL).

    Attributes:
        mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.
        username: Who.
        password: Never shown, also not by ``repr``.
    """

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Security:
    """How we and the brokers know each other.

    Attributes:
        context: TLS, with our certificate in it when there is one; None: plain text.
        login: Our user; None: none, or the certificate says who we are.
        has_certificate: Whether one of ours is in the context.
    """

    context: ssl.SSLContext | None = field(default=None, repr=False)
    login: Login | None = None
    has_certificate: bool = False

    def __post_init__(self) -> None:
        assert self.login is None or self.context is not None, "a password needs TLS"

    @property
    def protocol(self) -> str:
        """Kafka's name for it."""
        if self.context is None:
            return "PLAINTEXT"
        return "SSL" if self.login is None else "SASL_SSL"


PLAIN_TEXT: Final = Security()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster as its clients know it; shown as ``host:port,host:port``.

    Attributes:
        servers: Some of its brokers, each ``host:port``.
        security: How one is let in.
    """

    servers: tuple[str, ...]
    security: Security = PLAIN_TEXT

    @classmethod
    def at(cls, servers: str, security: Security = PLAIN_TEXT) -> Self:
        """Return the cluster at ``host:port``, several separated by commas."""
        return cls(tuple(server.strip() for server in servers.split(",")), security)

    @classmethod
    def plain(cls, servers: str) -> Self:
        """Return a cluster that anybody may enter, as the embedded Kafka."""
        return cls.at(servers)

    def __str__(self) -> str:
        return ",".join(self.servers)

    @property
    def is_here(self) -> bool:
        """Whether all of its brokers are this machine's own, and nobody else's."""
        return all(is_loopback(server.rpartition(":")[0].strip("[]")) for server in self.servers)

    @property
    def or_hidden(self) -> str:
        """What else it may be when a topic is not there: Kafka hides what a user may not see."""
        if self.security.context is None:
            return ""
        return " (or this user may not see them: winback topics acls)"

    def options(self) -> dict[str, Any]:
        """Return what the clients of aiokafka and of kafka-python are given, who agree on names."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.security.protocol,
        }
        if self.security.context is not None:
            options["ssl_context"] = self.security.context
        if (login := self.security.login) is not None:
            options["sasl_mechanism"] = login.mechanism
            options["sasl_plain_username"] = login.username
            options["sasl_plain_password"] = Password(login.password)
        return options
