"""Schemas of the topics that are framed, fetched before a chunk that needs them is decoded.

A registry that is away is weather: records wait, nothing is lost, nothing becomes a dead letter. A
schema that it does not know is bad data; but it may have been registered a moment ago, and its word
is not everywhere at once, so the answer counts when it was given twice.
"""

import asyncio
from collections.abc import Callable, Iterable
from random import uniform
from typing import TYPE_CHECKING, Final

from streams.core.sources import Encoding, Form, Source
from streams.errors import UserError
from streams.intake.wire.schemas import Schema, Schemas
from streams.runtime.columns import Chunk
from streams.runtime.metrics import Metric, Metrics
from streams.settings import Settings
from winback_sender.logs import get_logger

if TYPE_CHECKING:
    from streams.intake.wire.registry import Registry

log = get_logger(__name__)

ASK_AGAIN_S: Final = 300.0
"""What was unknown may have been registered since."""
CONFIRM_S: Final = 1.0
PAUSE_MIN_S: Final = 0.5
PAUSE_MAX_S: Final = 30.0
LOOK_S: Final = 0.1
AT_ONCE: Final = 16


def headers_of(sources: Iterable[Source]) -> frozenset[str]:
    """Return the topics of which the headers are needed.

    CloudEvents may stand there; Debezium says there that a row lives on under a new key.
    """
    needing = {Form.CLOUDEVENTS, Form.DEBEZIUM}
    return frozenset(source.topic for source in sources if source.form in needing)


class SchemaDesk:
    """Knows the schemas that a role needs.

    Args:
        settings: Where the registry is.
        sources: Topics that the role reads.
        metrics: Where measures go.

    Raises:
        UserError: A topic is framed, and there is no registry.

    Attributes:
        schemas: What is known.
        away: Why the registry cannot be asked; empty = it answers, or is not needed.
    """

    def __init__(self, settings: Settings, sources: Iterable[Source], metrics: Metrics) -> None:
        self.schemas = Schemas()
        self.away = ""
        self._framed = {
            source.topic for source in sources if source.encoding is not Encoding.JSON
        }  # fmt: skip
        if self._framed and not settings.schema_registry_url:
            raise UserError(
                f"{min(self._framed)} is framed with the ids of schemas, and no registry is set",
                "Set WINBACK_SCHEMA_REGISTRY_URL.",
            )
        self._settings = settings
        self._metrics = metrics
        self._registry: Registry | None = None
        self._doubted_s = 0.0

    async def ready(self, chunk: Chunk, is_wanted: Callable[[], bool]) -> bool:
        """Have what the values of a chunk name asked for; False = it is no longer wanted."""
        return chunk.topic not in self._framed or await self.learn(chunk.columns.values, is_wanted)

    async def learn(
        self, values: Iterable[bytes | None], is_wanted: Callable[[], bool] = lambda: True
    ) -> bool:
        """Have what values name asked for, however long it takes; False = nobody waits any more."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._doubted_s > ASK_AGAIN_S:
            self._doubted_s = loop.time()
            self.schemas.doubt()
        missing = self.schemas.missing(values)
        return not missing or await self._ask(missing, is_wanted)

    async def _ask(self, missing: set[int], is_wanted: Callable[[], bool]) -> bool:
        from streams.intake.wire.registry import RegistryAwayError  # noqa: PLC0415 (few need it)

        began_s, pause_s = asyncio.get_running_loop().time(), PAUSE_MIN_S
        while is_wanted():
            try:
                unknown = await self._fetch(self.schemas.lacking(missing))
                if unknown:
                    await asyncio.sleep(CONFIRM_S)
                    unknown = await self._fetch(unknown)
            except RegistryAwayError as error:
                self._wait(str(error))
                await _sleep(uniform(pause_s / 2, pause_s), is_wanted)  # noqa: S311 (no secret)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
                continue
            self._note_unknown(unknown)
            self._go_on(began_s)
            return True
        return False

    async def _fetch(self, ids: set[int]) -> set[int]:
        """Ask for schemas; return the ids that the registry does not know.

        Raises:
            RegistryAwayError: It cannot be asked; what it has said is kept.
        """
        places, unknown = asyncio.Semaphore(AT_ONCE), set[int]()
        registry = self._client()

        async def fetch(schema_id: int) -> None:
            async with places:
                schema = await registry.fetch(schema_id)
            if schema is None:
                unknown.add(schema_id)
            else:
                self.schemas.learn(schema_id, await _compiled(schema))
                self._metrics.add(Metric.SCHEMAS_FETCHED, outcome="found")

        answers = await asyncio.gather(*map(fetch, sorted(ids)), return_exceptions=True)
        for answer in answers:
            if answer is not None:
                raise answer
        return unknown

    def _client(self) -> "Registry":
        from streams.intake.wire.registry import Registry  # noqa: PLC0415 (few need it)

        if self._registry is None:
            url, auth = self._settings.schema_registry_url, self._settings.schema_registry_auth
            self._registry = Registry(url, auth)
        return self._registry

    def _note_unknown(self, ids: set[int]) -> None:
        for schema_id in ids:
            self.schemas.learn(schema_id, None)
        if ids:
            self._metrics.add(Metric.SCHEMAS_FETCHED, len(ids), outcome="unknown")
            log.warning(
                "schemas_unknown", ids=sorted(ids)[:10], count=len(ids),
                next=f"their records are dead letters; asked again in {ASK_AGAIN_S:.0f} s",
            )  # fmt: skip

    def _wait(self, why: str) -> None:
        self._metrics.add(Metric.SCHEMAS_FETCHED, outcome="away")
        self._metrics.set(Metric.SCHEMA_REGISTRY_AWAY, 1)
        if not self.away:
            log.warning(
                "schema_registry_away", reason=why,
                next="asked again until it answers; no record is read before, and none is lost",
            )  # fmt: skip
        self.away = why

    def _go_on(self, began_s: float) -> None:
        if self.away:
            self.away = ""
            self._metrics.set(Metric.SCHEMA_REGISTRY_AWAY, 0)
            waited_s = asyncio.get_running_loop().time() - began_s
            log.info("schema_registry_back", waited_s=round(waited_s, 1))

    def facts(self) -> dict[str, object]:
        """Return what /health says of it; nothing where no topic is framed."""
        return {"schema_registry": {"away": self.away or None}} if self._framed else {}

    async def close(self) -> None:
        """Close the connections."""
        if self._registry is not None:
            await self._registry.close()


async def _compiled(schema: Schema) -> Schema:
    """Return a schema with what takes long to make of it."""
    from streams.intake.wire.protobuf_files import KIND, with_files  # noqa: PLC0415 (few need it)

    return await asyncio.to_thread(with_files, schema) if schema.kind == KIND else schema


async def _sleep(pause_s: float, is_wanted: Callable[[], bool]) -> None:
    """Sleep, but not on when nobody waits any more."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + pause_s
    while is_wanted() and loop.time() < until_s:  # noqa: ASYNC110 (either may come first)
        await asyncio.sleep(LOOK_S)
