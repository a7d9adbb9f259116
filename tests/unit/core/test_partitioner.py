"""The partitioner is that of Kafka's Java client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as slow_murmur2

from streams.core.partitioner import Partitioner, murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "signed"),
    [  # org.apache.kafka.common.utils.UtilsTest.testMurmur2
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_vectors_of_the_java_client(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=40))
def test_it_hashes_like_the_slow_twin(key: bytes) -> None:
    assert murmur2(key) == slow_murmur2(key)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 64))
def test_every_user_has_one_partition(user_id: str, partitions: int) -> None:
    partitioner = Partitioner(partitions)
    assert 0 <= partitioner[user_id] < partitions
    assert partitioner[user_id] == partition_of(user_id, partitions)
