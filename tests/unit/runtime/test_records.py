"""Records that a broker would not take: cut when they may be, refused by name when not."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from streams.core.decoded import RejectReason
from streams.errors import UserError
from streams.runtime.producer import RECORD_BYTES_MAX, Commit, PartitionProducer
from streams.runtime.worker import BrokerAway, readable
from winback_sender.cluster import Cluster
from winback_sender.contract.dead_letters import VALUE_BYTES_MAX, dead_letter
from winback_sender.contract.messages import Output


def letter(key: bytes | None, value: bytes | None, detail: str = "why") -> Output:
    return dead_letter(
        RejectReason.TOO_LARGE.value, detail, topic="in", partition=0, offset=7,
        key=key, value=value, timestamp_ms=5,
    )  # fmt: skip


def size(record: Output) -> int:
    return (
        len(record.key or b"") + len(record.value or b"")
        + sum(len(name) + len(said) for name, said in record.headers)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"), [(b"k", b"v" * 3_000_000), (b"k" * 1_000_000, None), (b"k", b"v" * 1_040_000)]
)
def test_a_dead_letter_fits_whatever_it_holds(key: bytes, value: bytes | None) -> None:
    found = letter(key, value, "é" * 50_000)
    assert size(found) <= RECORD_BYTES_MAX
    said = dict(found.headers)["winback.record.cut"]
    assert said == b"key %d B, value %d B" % (len(key), len(value or b""))


def test_a_dead_letter_of_a_usual_size_is_whole_and_says_nothing_of_cuts() -> None:
    found = letter(b"k", b"v" * VALUE_BYTES_MAX)
    assert found.value == b"v" * VALUE_BYTES_MAX
    assert "winback.record.cut" not in dict(found.headers)


class FakeBatch:
    """As aiokafka's: the first record always fits."""

    def __init__(self) -> None:
        self._builder = self
        self.size = 0

    def append(self, count: int, _at: int, _key: Any, value: bytes, _headers: Any) -> object:
        if count and self.size + len(value) > 900_000:
            return None
        self.size += len(value)
        return True

    def close(self) -> None:
        pass


class FakeKafka:
    """A producer whose broker refuses as the test says."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def begin_transaction(self) -> None:
        pass

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(self, _batch: FakeBatch, _topic: str, *, partition: int) -> Any:  # noqa: ARG002
        ack = asyncio.get_running_loop().create_future()
        if self.error is None:
            ack.set_result(None)
        else:
            ack.set_exception(self.error)
        return ack

    async def commit_transaction(self) -> None:
        pass


def write(records: list[bytes], error: Exception | None = None) -> None:
    async def story() -> None:
        producer = PartitionProducer(Cluster.plain("nowhere:1"), "toy-0", 0, {}, "users-changelog")
        producer._producer = FakeKafka(error)
        outputs = {"win-back-decisions": [Output(b"ada", value, []) for value in records]}
        await producer.write(Commit([], outputs))

    asyncio.run(story())


@pytest.mark.parametrize("before", [0, 2])
def test_a_record_that_no_broker_takes_is_refused_with_its_topic(before: int) -> None:
    write([b"x" * 10] * before + [b"v" * (RECORD_BYTES_MAX - 3)])
    with pytest.raises(UserError, match="win-back-decisions has 1000003 B") as refused:
        write([b"x" * 10] * before + [b"v" * RECORD_BYTES_MAX])
    assert refused.value.exit_code == 1


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), TopicAuthorizationFailedError()])
def test_what_kafka_would_refuse_again_ends_the_worker_and_names_the_topic(
    error: Exception,
) -> None:
    """To begin anew would meet the same refusal, for ever."""
    with pytest.raises(type(error)) as refused:
        write([b"v"], error)
    found = readable(refused.value)
    assert isinstance(found, UserError)
    assert not isinstance(found, BrokerAway)
    assert found.exit_code == 1
    assert "win-back-decisions" in found.message
    assert type(error).__name__ in found.message
