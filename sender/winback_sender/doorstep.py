"""Before anything starts: is Kafka there, and are its topics?"""

import logging
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from winback_sender.cluster import Cluster
from winback_sender.errors import Exit, Unavailable, UserError

RECONNECT_MS: Final = 3_000
"""The longest pause between two tries to reach Kafka; the client's own is ten times that."""

_CONNECT_TIMEOUT_S: Final = 3.0
_BOOTSTRAP_TIMEOUT_MS: Final = 5_000
_TIMEOUT_MS: Final = 8_000


def require_reachable(cluster: Cluster) -> None:
    """Connect to one of the servers, so that a wrong address is told at once and clearly.

    Kafka clients themselves try again for half a minute and then say little.

    Raises:
        Unavailable: None of them accepts a connection; says why for each.
    """
    reasons = []
    for server in cluster.servers:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
        except (OSError, OverflowError) as error:
            reasons.append(f"{server}: {getattr(error, 'strerror', None) or error}")
        else:
            return
    raise Unavailable(
        f"Kafka cannot be reached: {'; '.join(reasons)}",
        "check WINBACK_KAFKA_BOOTSTRAP and whether Kafka runs (the embedded one: winback kafka up)",
    )


@contextmanager
def admin_client(cluster: Cluster) -> Iterator[Any]:
    """Give an admin client.

    Raises:
        Unavailable: Kafka is not reachable, or what answers there is not Kafka.
        UserError: Kafka refuses what is asked.
    """
    require_reachable(cluster)
    # What goes wrong is raised; without a handler the client would also print it.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    try:
        client = KafkaAdminClient(
            **cluster.options(), client_id="winback-topics",
            bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS, request_timeout_ms=_TIMEOUT_MS,
        )  # fmt: skip
    except KafkaError as error:
        raise Unavailable(
            f"what answers at {cluster} does not speak like Kafka ({error})",
            "check WINBACK_KAFKA_BOOTSTRAP: is it the port for clients, without TLS?",
        ) from error
    try:
        yield client
    except KafkaError as error:
        kind = Unavailable if getattr(error, "retriable", False) else _refusal
        raise kind(f"Kafka at {cluster}: {error}", "see the broker's log") from error
    finally:
        client.close()


def require_topics(cluster: Cluster, names: Iterable[str]) -> None:
    """Check that topics are there.

    Raises:
        Unavailable: Kafka is not reachable.
        UserError: Some are missing.
    """
    with admin_client(cluster) as client:
        missing = sorted(set(names) - set(client.list_topics()))
    if missing:
        raise UserError(f"topics are missing: {', '.join(missing)}", "winback topics apply")


def _refusal(message: str, hint: str) -> UserError:
    return UserError(message, hint, Exit.FAILED)
