"""What breaks first when a deployment grows, and what is done about it."""

from typing import Final, NamedTuple

from streams.capacity.plan import Capacity

TRANSACTIONS_PER_BROKER: Final = 2_000.0
"""Assumed, not measured: each is some four small writes with copies."""
MEMBERS: Final = 1_000.0
"""Assumed, not measured: a group of more meets for long, and its leader's answer is megabytes."""
REPLICAS_PER_BROKER: Final = 4_000.0
"""What the operators of Kafka commonly allow."""
TOPICS: Final = 7
"""With as many partitions as activity."""


class Limit(NamedTuple):
    """Something that ends.

    Attributes:
        what: In words.
        now: Used.
        most: There is.
        unit: Of both.
        plan: What is done before it ends.
    """

    what: str
    now: float
    most: float
    unit: str
    plan: str

    @property
    def times(self) -> float:
        """How many times the load it would carry."""
        return self.most / self.now


def limits(found: Capacity) -> list[Limit]:
    """Return what ends, that first which ends first; what grows by adding machines is not here."""
    load, workers, kafka, costs = found.load, found.workers, found.kafka, found.costs
    able = 1e6 / costs.pipeline_us
    ends = [
        Limit(
            "transactions of the brokers", kafka.commits_per_s,
            TRANSACTIONS_PER_BROKER * kafka.brokers, "1/s",
            "commit less often (`commit_s` .1 → .5: touches .4 s later), more brokers",
        ),
        Limit(
            "workers for the partitions", workers.count, workers.partitions, "workers",
            "begin with more partitions; else topics of a new width, filled by the router, and a "
            "state made anew from them",
        ),
        Limit(
            "the one learner", found.around.learner_cores, 1.0, "cores",
            "learn from a salted share of the users, with weight; its time is the models' time",
        ),
        Limit(
            "members of one group", workers.count, MEMBERS, "workers",
            "larger workers; then several deployments, each with its part of the users",
        ),
        Limit(
            "replicas of a broker",
            TOPICS * workers.partitions * load.replication / kafka.brokers, REPLICAS_PER_BROKER,
            "replicas", "more brokers",
        ),
        Limit(
            "the busiest partition, as a multiple of the mean one", 1.0,
            able / (load.peak_per_s / workers.partitions), "×",
            "find the id that does it (`winback doctor`), cut what is no person in the mapping; "
            "a user stays on one partition",
        ),
    ]  # fmt: skip
    return sorted(ends, key=lambda end: end.times)
