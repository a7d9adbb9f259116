"""Which partition a user belongs to: the default partitioner of Kafka's Java client."""

from typing import Final

SEED: Final = 0x9747B28C
MULTIPLIER: Final = 0x5BD1E995
WORD: Final = 0xFFFFFFFF
POSITIVE: Final = 0x7FFFFFFF


def murmur2(key: bytes) -> int:
    """Return the 32 bit MurmurHash2 of a key, with the seed of Kafka's Java client.

    Source:
        org.apache.kafka.common.utils.Utils.murmur2 (Apache Kafka, Apache-2.0).
    """
    length = len(key)
    whole = length & ~3
    mixed = SEED ^ length
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * MULTIPLIER & WORD
        word = (word ^ word >> 24) * MULTIPLIER & WORD
        mixed = (mixed * MULTIPLIER & WORD) ^ word
    if length > whole:
        mixed = (mixed ^ int.from_bytes(key[whole:], "little")) * MULTIPLIER & WORD
    mixed = (mixed ^ mixed >> 13) * MULTIPLIER & WORD
    return mixed ^ mixed >> 15


def partition_of_key(key: bytes, partitions: int) -> int:
    """Return the partition of a key, as a Java producer would choose it."""
    return (murmur2(key) & POSITIVE) % partitions


def partition_of(user_id: str, partitions: int) -> int:
    """Return the partition of a user, as a Java producer would choose it."""
    return partition_of_key(user_id.encode(), partitions)


class Partitioner(dict[str, int]):
    """The partitions of users, each computed once: ``partitioner[user_id]``."""

    def __init__(self, partitions: int) -> None:
        super().__init__()
        assert partitions > 0
        self.partitions = partitions

    def __missing__(self, user_id: str) -> int:
        """Compute the partition of a user met for the first time."""
        partition = self[user_id] = partition_of(user_id, self.partitions)
        return partition
