"""Asking the workers how they are: their own /health and /metrics."""

import http.client
import re
from typing import Any, Final, NamedTuple

import msgspec

from streams.demo.children import Child

ASK_TIMEOUT_S: Final = 0.5
_SERVING: Final = re.compile(r" serving url=http://(\S+?):(\d+)/health")
_USERS: Final = re.compile(r'^winback_users\{partition="(\d+)"\} (\S+)$', re.MULTILINE)
_APPLIED: Final = re.compile(r"^winback_records_applied_total(?:{[^}]*})? (\S+)$", re.MULTILINE)
_PENDING: Final = re.compile(r"^winback_pending_records(?:{[^}]*})? (\S+)$", re.MULTILINE)


class Answer(NamedTuple):
    """What a worker says.

    Attributes:
        is_ready: It owns partitions and has their state.
        partitions: Those.
        users: Users in state, by partition.
    """

    is_ready: bool
    partitions: tuple[int, ...]
    users: dict[int, int]


SILENT: Final = Answer(is_ready=False, partitions=(), users={})
"""What is known of a worker that has not answered yet."""


def ask(worker: Child) -> Answer | None:
    """Return what a worker says; None = it is too busy to answer, or gone."""
    found = _SERVING.search(worker.log_path.read_text(encoding="utf-8", errors="replace"))
    if found is None or not worker.is_alive:
        return None
    connection = http.client.HTTPConnection(found[1], int(found[2]), timeout=ASK_TIMEOUT_S)
    try:
        health: dict[str, Any] = msgspec.json.decode(_get(connection, "/health"))
        metrics = _get(connection, "/metrics").decode()
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()
    return Answer(
        is_ready=bool(health["ready"]),
        partitions=tuple(health["partitions"]),
        users={int(number): int(float(users)) for number, users in _USERS.findall(metrics)},
    )


def routed(router: Child) -> int:
    """Return how many records a router has brought home, durably; 0 = it does not answer."""
    found = _SERVING.search(router.log_path.read_text(encoding="utf-8", errors="replace"))
    if found is None or not router.is_alive:
        return 0
    connection = http.client.HTTPConnection(found[1], int(found[2]), timeout=ASK_TIMEOUT_S)
    try:
        metrics = _get(connection, "/metrics").decode()
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
    pending = sum(map(float, _PENDING.findall(metrics)))
    return 0 if pending else int(sum(map(float, _APPLIED.findall(metrics))))


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()
