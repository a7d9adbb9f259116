"""What aiokafka makes of a broker that goes away at the wrong moment, and what we make of that."""

import asyncio

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, NodeNotReadyError

from streams.runtime.clients import ended
from streams.runtime.producer import PartitionProducer
from winback_sender.cluster import Cluster


async def producer() -> PartitionProducer:
    return PartitionProducer(Cluster.plain("nowhere:1"), "toy-0", 0, {}, "users-changelog")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (KafkaConnectionError("closed"), NodeNotReadyError),  # which aiokafka waits for
        (GroupAuthorizationFailedError("no"), GroupAuthorizationFailedError),
    ],
)
def test_a_broker_that_goes_while_a_coordinator_is_asked_for_is_asked_again(
    failure: Exception, told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(_self: object, _kind: int, _key: str) -> int:
        raise failure

    monkeypatch.setattr("aiokafka.client.AIOKafkaClient.coordinator_lookup", lookup)

    async def ask() -> None:
        await (await producer())._producer.client.coordinator_lookup(1, "toy-0")

    with pytest.raises(told):
        asyncio.run(ask())


def test_the_cancellation_of_a_fetch_is_not_ours() -> None:
    async def stop() -> None:
        fetch = asyncio.create_task(asyncio.sleep(60))
        fetch.cancel()
        await fetch

    assert asyncio.run(ended(stop())) is False


def test_our_own_cancellation_is() -> None:
    async def run() -> None:
        task = asyncio.create_task(ended(asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_an_end_that_goes_well_is_the_end() -> None:
    assert asyncio.run(ended(asyncio.sleep(0))) is True
