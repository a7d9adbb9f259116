"""Where foreign records come from: files and topics, each with the source of the rules it obeys."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol, TypeVar

from streams.core.decoded import Headers
from streams.core.rules import Rules
from streams.core.sources import Encoding, Form, Source
from streams.errors import Unavailable, UserError
from streams.intake.decoder import Examine, Tell, make_examine, make_tell
from streams.intake.fact import ParseAs
from streams.intake.foreign import Foreign
from streams.intake.wire.catalogue import parse_as_of
from streams.intake.wire.json_values import json_parse_as
from streams.intake.wire.protobuf_files import KIND, with_files
from streams.intake.wire.registry import Registry, RegistryAwayError
from streams.intake.wire.schemas import Schemas
from streams.replay.dump import Dump
from streams.settings import Settings

T = TypeVar("T")
Call = Callable[[bytes | None, bytes | None, int, Headers], T]
MARK: Final = "="
"""Between a topic and the file that holds its records."""


class Records(Protocol):
    """What can be gone through once."""

    @property
    def progress(self) -> tuple[int, int | None]:
        """How much of how much is read."""

    def __iter__(self) -> Iterator[Foreign]:
        """Yield the records."""


class Origin(NamedTuple):
    """Records of a file or a topic.

    Attributes:
        label: What people call it.
        topic: Whose source holds for records that do not name one; empty = that of the rules.
        records: They.
        partitions: Of the topic, 0 = a file.
    """

    label: str
    topic: str
    records: Records
    partitions: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it is one."""
        return not self.partitions


class Kept(list[Foreign]):
    """Records that were read before."""

    @property
    def progress(self) -> tuple[int, int | None]:
        """All of all."""
        return len(self), len(self)


class Understanding:
    """What rules make of records.

    Args:
        rules: They name the sources.
        name: Of the rules, for messages.
        settings: Name our own topic, which needs no source, and the schema registry.

    Attributes:
        rules: As given.
        name: As given.
    """

    def __init__(self, rules: Rules, name: str, settings: Settings) -> None:
        self.rules = rules
        self.name = name
        self._settings = settings
        self._by_topic = {source.topic: source for source in rules.sources}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that may be named."""
        return (*self._by_topic, self._settings.topic_activity)

    def source(self, topic: str, label: str) -> Source:
        """Return the source of a topic; of none, the only one that the rules have.

        Raises:
            UserError: There is none, or more than one.
        """
        if topic in self._by_topic:
            return self._by_topic[topic]
        own = self._settings.topic_activity
        if topic == own or not (topic or self._by_topic):
            return Source(topic=own, form=Form.WINBACK)
        known = ", ".join(self._by_topic) or f"nothing, so only {own} is understood"
        if topic:
            raise UserError(
                f"{label}: {self.name} says nothing of the topic {topic}", f"`inputs` names {known}"
            )
        if len(self._by_topic) > 1:
            raise UserError(
                f"{label}: whose records are these? {self.name} names {len(self._by_topic)} topics",
                f"write TOPIC{MARK}{label}; `inputs` names {known}",
            )
        return next(iter(self._by_topic.values()))

    def tell(self, source: Source, *, is_file: bool) -> Tell:
        """Return what tells the records of a source as native events."""
        return self._knowing(source, make_tell, is_file=is_file)

    def examine(self, source: Source, *, is_file: bool) -> Examine:
        """Return what says what became of the records of a source."""
        return self._knowing(source, make_examine, is_file=is_file)

    def _knowing(
        self, source: Source, make: Callable[[Source, Rules, ParseAs], Call[T]], *, is_file: bool
    ) -> Call[T]:
        """Return what reads records, and asks the registry for schemas that it does not know.

        Values of a file are text in any case.
        """
        if is_file or source.encoding is Encoding.JSON:
            return make(source, self.rules, json_parse_as)
        schemas = Schemas()
        call = make(source, self.rules, parse_as_of(source.encoding, schemas))
        settings = self._settings
        if not settings.schema_registry_url:
            raise UserError(
                f"{source.topic} is {source.encoding}, and no schema registry is known",
                "set WINBACK_SCHEMA_REGISTRY_URL=http://registry:8081",
            )

        def asking(
            key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
        ) -> T:
            if missing := schemas.missing((value,)):
                asyncio.run(learn(schemas, missing, settings))
            return call(key, value, timestamp_ms, headers)

        return asking


async def learn(schemas: Schemas, ids: set[int], settings: Settings) -> None:
    """Ask the registry for schemas.

    Raises:
        Unavailable: It does not answer.
    """
    url = settings.schema_registry_url
    async with Registry(url, settings.schema_registry_auth) as registry:
        for schema_id in ids:
            try:
                schema = await registry.fetch(schema_id)
            except RegistryAwayError as error:
                what = f"the schema registry does not answer: {error}"
                raise Unavailable(what, "check WINBACK_SCHEMA_REGISTRY_URL") from None
            is_protobuf = schema is not None and schema.kind == KIND
            schemas.learn(schema_id, with_files(schema) if schema and is_protobuf else schema)


def file_origin(said: str, topics: Iterable[str]) -> Origin:
    """Return the records of a file, said as ``FILE`` or ``TOPIC=FILE``."""
    before, mark, path = said.partition(MARK)
    if mark and before in topics:
        return Origin(path, before, Dump(path))
    return Origin(said, "", Dump(said))
