"""A broker that sends the begin of a batch and no more: nothing is skipped, it is fetched again."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchError
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.errors import KafkaError, RecordTooLargeError, TopicAuthorizationFailedError

from streams.runtime.fetched import take_fetched

HERE = TopicPartition("in", 0)


def fetcher(error: KafkaError, position: int) -> tuple[Any, TopicPartitionState]:
    """Return what aiokafka leaves behind: its position is behind the record already."""

    async def consuming() -> TopicPartitionState:
        state = TopicPartitionState(SimpleNamespace())  # type: ignore[arg-type]  # no assignment
        state.seek(position)
        return state

    state = asyncio.run(consuming())
    assignment = SimpleNamespace(state_value=lambda _: state)
    subscriptions = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    made = SimpleNamespace(
        _records={HERE: FetchError(error=error, backoff=0)}, _subscriptions=subscriptions,
        _notify=lambda _: None, _wait_consume_future=None,
    )  # fmt: skip
    return made, state


def cut_off(offset: int) -> KafkaError:
    return RecordTooLargeError("%s=%s is larger than %s", HERE, offset, 1_048_576)


def test_the_record_that_was_cut_off_is_fetched_again() -> None:
    made, state = fetcher(cut_off(2_257), position=2_258)
    assert take_fetched(made, lambda _: True) == {}
    assert state.position == 2_257
    assert not made._records


def test_who_has_sought_elsewhere_stays_there() -> None:
    made, state = fetcher(cut_off(2_257), position=9)
    assert take_fetched(made, lambda _: True) == {}
    assert state.position == 9


def test_another_refusal_is_raised() -> None:
    made, _ = fetcher(TopicAuthorizationFailedError("in"), position=9)
    with pytest.raises(TopicAuthorizationFailedError):
        take_fetched(made, lambda _: True)
