"""Follow the topic of controls: what operators order reaches every lane of this worker."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.controls import values_of
from streams.core.inputs import Directive
from streams.core.messages import Control
from streams.runtime.metrics import Metric, Metrics
from streams.runtime.newest import POLL_MS
from streams.runtime.recovery import reader
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.log_errors import unquoted
from winback_sender.logs import get_logger

log = get_logger(__name__)

BACK_OFF_S: Final = 2.0
SAY_AFTER_S: Final = 10.0


class BadControlError(ValueError):
    """A record is no order; the message says why."""


def directive_of(key: bytes | None, value: bytes) -> Directive:
    """Return what a record orders.

    Raises:
        BadControlError: It is none.
    """
    try:
        control = msgspec.json.decode(value, type=Control)
        at_ms, ordered_ms = map(_ms, (control.effective_at, control.ordered_at))
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's are ValueErrors
        raise BadControlError(str(error)) from error
    if control.key.encode() != key:
        raise BadControlError(
            f"the key of the record is {key!r}, its order is about {control.key!r}"
        )
    if control.value not in values_of(control.key):
        raise BadControlError(f"{control.key!r} = {control.value!r} cannot be ordered")
    return Directive(control.key, control.value, at_ms, ordered_ms)


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class ControlFeed:
    """Keeps the orders of now.

    Args:
        cluster: Where Kafka is.
        settings: Name the topic.
        metrics: Where measures go.
        on_orders: Called with the whole set, at first and whenever it has changed.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        metrics: Metrics,
        on_orders: Callable[[tuple[Directive, ...]], object],
    ) -> None:
        self._cluster = cluster
        self._source = TopicPartition(settings.topic_control, 0)
        self._metrics = metrics
        self._on_orders = on_orders
        self._orders: dict[str, Directive] = {}
        self._is_ready = asyncio.Event()

    async def wait_ready(self) -> None:
        """Return when what is there has been read.

        There is no patience: a worker that does not know whether it may send must not begin.
        """
        while not self._is_ready.is_set():
            try:
                async with asyncio.timeout(SAY_AFTER_S):
                    await self._is_ready.wait()
            except TimeoutError:
                log.warning("controls_not_read", topic=self._source.topic, next="waiting for them")

    async def follow(self) -> None:
        """Read for ever; when Kafka is away, begin anew.

        Whoever runs it must watch it: after another error the orders would stay as they are.
        """
        while True:
            try:
                await self._read()
            except (KafkaError, OSError) as error:
                log.warning("controls_unavailable", error=repr(error), using=len(self._orders))
                await asyncio.sleep(BACK_OFF_S)

    async def _read(self) -> None:
        consumer, source = reader(self._cluster), self._source
        await consumer.start()
        try:
            end = (await consumer.end_offsets([source]))[source]
            consumer.assign([source])
            await consumer.seek_to_beginning(source)
            found: dict[str, Directive] = {}
            while await consumer.position(source) < end:
                self._fold(found, await self._fetched(consumer))
            self._tell(found)
            self._is_ready.set()
            while True:
                self._fold(found, await self._fetched(consumer))
                self._tell(found)
        finally:
            await consumer.stop()

    async def _fetched(self, consumer: Any) -> list[Any]:
        fetched = await consumer.getmany(self._source, timeout_ms=POLL_MS)
        return list(fetched.get(self._source, ()))

    def _fold(self, orders: dict[str, Directive], records: list[Any]) -> None:
        """Let records change the orders, in order; what is none is counted and left."""
        for record in records:
            if record.value is None:
                orders.pop((record.key or b"").decode(errors="replace"), None)
                continue
            try:
                order = directive_of(record.key, record.value)
            except BadControlError as error:
                log.warning("control_refused", offset=record.offset, reason=unquoted(str(error)))
                self._metrics.add(Metric.CONTROLS_REFUSED)
            else:
                orders[order.key] = order

    def _tell(self, found: dict[str, Directive]) -> None:
        if self._is_ready.is_set() and found == self._orders:
            return
        for order in found.values():
            if self._orders.get(order.key) != order:
                log.info("control_read", what=order.key, value=order.value)
        self._orders = dict(found)
        self._on_orders(tuple(self._orders.values()))
