"""Before anything starts: is Kafka there, and are its topics?"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError, SecurityDisabledError

from winback_sender.cluster import Cluster
from winback_sender.errors import Exit, Unavailable, UserError
from winback_sender.knock import knock

RECONNECT_MS: Final = 3_000
"""The longest pause between two tries to reach Kafka; the client's own is ten times that."""

_BOOTSTRAP_TIMEOUT_MS: Final = 5_000
_TIMEOUT_MS: Final = 8_000


def require_reachable(cluster: Cluster) -> None:
    """Be let in by one of the servers, so that what is wrong is told at once and clearly.

    Raises:
        Unavailable: None of them answers; says why for each.
        UserError: One of them answers, and does not let us in as the settings stand.
    """
    away: list[Unavailable] = []
    refused: list[UserError] = []
    for server in cluster.servers:
        try:
            knock(server, cluster.security)
        except Unavailable as error:
            away.append(error)
        except UserError as error:
            refused.append(error)
        else:
            return
    if refused:
        raise refused[0]
    reasons = "; ".join(error.message for error in away)
    raise Unavailable(f"Kafka cannot be reached: {reasons}", away[0].hint)


@contextmanager
def admin_client(cluster: Cluster) -> Iterator[Any]:
    """Give an admin client.

    Raises:
        Unavailable: Kafka is not reachable, or what answers there is not Kafka.
        UserError: Kafka does not let us in, or refuses what is asked.
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
            f"Kafka at {cluster} let us in, but then it did not answer ({error})",
            "it may still be starting; or the addresses that it tells its clients "
            "(advertised.listeners) cannot be reached from here",
        ) from error
    try:
        yield client
    except AuthorizationError as error:
        raise forbidden(cluster, error) from error
    except SecurityDisabledError as error:
        raise UserError(
            f"Kafka at {cluster} has no authorizer: everybody may do everything there",
            "set authorizer.class.name on the brokers (docs/security-kafka.md)",
        ) from error
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
        raise UserError(
            f"topics are missing: {', '.join(missing)}", f"winback topics apply{cluster.or_hidden}"
        )


def forbidden(cluster: Cluster, error: KafkaError) -> UserError:
    """Return the complaint about a right that our user does not have; the broker's log names it."""
    about = type(error).__name__.removesuffix("Error").removesuffix("AuthorizationFailed")
    return _refusal(
        f"Kafka at {cluster} let us in, but this user may not do that ({about.lower()})",
        "the rights of each role: winback topics acls; `--check` says which are missing",
    )


def _refusal(message: str, hint: str) -> UserError:
    return UserError(message, hint, Exit.FAILED)
