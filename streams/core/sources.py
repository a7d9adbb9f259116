"""Sources: the topics of other people's formats, and how what they carry is understood."""

from enum import StrEnum
from typing import Final

import msgspec

LINK_EVENT: Final = "$identify"
"""Name of the native event that says: two ids are one person."""


class Form(StrEnum):
    """What the records of a topic follow."""

    WINBACK = "winback"
    SEGMENT = "segment"
    SENSORS = "sensors"
    CLOUDEVENTS = "cloudevents"
    DEBEZIUM = "debezium"
    CANAL = "canal"
    JSON = "json"


class Encoding(StrEnum):
    """How the values of a topic are written; the binary ones as a schema registry frames them."""

    JSON = "json"
    AVRO = "avro"
    PROTOBUF = "protobuf"


class KeyedBy(StrEnum):
    """What the Kafka keys of a topic are."""

    USER = "user"  # the user id, by murmur2 on as many partitions as our own: read as it is
    ANYTHING = "anything"  # goes through the router


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One topic, and how it is understood.

    Attributes:
        topic: Its name.
        form: What its records follow.
        encoding: How they are written.
        keyed_by: Whether they can be read where they are.
        lateness_ms: How far the watermark of the topic stays behind its newest event.
        idle_after_ms: Without a record for so long it holds nothing back any more.
    """

    topic: str
    form: Form
    encoding: Encoding = Encoding.JSON
    keyed_by: KeyedBy = KeyedBy.ANYTHING
    lateness_ms: int = 60_000
    idle_after_ms: int = 300_000
