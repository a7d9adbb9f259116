"""Kafka's own word for a topic: one that is deleted and made again has another."""

from typing import Final
from uuid import UUID

from kafka.errors import KafkaError

from streams.errors import Unavailable, UserError
from winback_sender.cluster import Cluster
from winback_sender.doorstep import admin_client

_NONE: Final = frozenset({None, "", str(UUID(int=0))})


def topic_id(cluster: Cluster, topic: str) -> str:
    """Return the id of a topic; empty = Kafka does not tell (older than 2.8), or is away."""
    try:
        with admin_client(cluster) as client:
            (found,) = client.describe_topics([topic])
    except (KafkaError, Unavailable, UserError):
        return ""
    number = found.get("topic_id")
    return "" if number in _NONE else str(number)
