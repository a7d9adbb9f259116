"""Virtual workers do what arithmetic says of simple cases, and the same for the same seed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.capacity.workers import (
    JOIN_S,
    START_S,
    STEP_S,
    TROUBLES,
    Fleet,
    Protocol,
    Trouble,
    lived,
)

FLEET = Fleet(
    workers=10, partitions=100, events_per_s=10_000, users=1_000_000, able_per_s=4_000,
    restore_per_s=100_000, network_per_s=1e12, session_s=10.0,
)  # fmt: skip
KILLED = Trouble("killed", killed=0.1)


def test_the_partitions_of_a_worker_that_dies_are_restored_by_the_others() -> None:
    """Ten partitions of 10,000 users go to nine workers, of whom one gets two."""
    found = lived(FLEET, KILLED)

    assert found.durable_s == pytest.approx(10 + 2 * JOIN_S + 0.2)
    assert found.affected == pytest.approx(0.1)
    assert found.lag_s == pytest.approx(found.durable_s, abs=1.0)
    assert found.durable_s < found.drained_s < found.durable_s + 15


def test_an_eager_group_stops_everybody_and_is_sooner_done() -> None:
    eager = lived(FLEET._replace(protocol=Protocol.EAGER), KILLED)

    assert eager.durable_s == pytest.approx(10 + JOIN_S + 0.2)
    assert eager.affected == 1.0


def test_the_network_of_the_brokers_is_shared_by_all_who_restore() -> None:
    everything = Trouble("all", away_s=1.0)
    wide, narrow = lived(FLEET, everything), lived(FLEET._replace(network_per_s=1e5), everything)

    assert wide.durable_s == pytest.approx(1 + START_S + 1.0)
    assert narrow.durable_s == pytest.approx(1 + START_S + 10.0)


def test_a_snapshot_spares_the_network_after_a_restart_but_not_after_a_death() -> None:
    slow = FLEET._replace(network_per_s=1e5)
    kept = slow._replace(snapshot_share=0.9)

    assert lived(kept, Trouble("all", away_s=1.0)).durable_s == pytest.approx(1 + START_S + 1.0)
    assert lived(kept, KILLED) == lived(slow, KILLED)


def test_members_with_a_name_spare_the_others_a_rolling_restart() -> None:
    rolling = Trouble("rolling", restarted=1.0, at_a_time=1)
    eager = FLEET._replace(protocol=Protocol.EAGER)
    named, nameless = lived(eager, rolling), lived(eager._replace(is_static=False), rolling)

    assert named.lag_s <= nameless.lag_s
    assert named.drained_s < float("inf")


def test_a_partition_hotter_than_a_worker_never_drains() -> None:
    fleet = FLEET._replace(events_per_s=20_000)
    assert lived(fleet, Trouble("hot", hot=5.0), hours=0.2).drained_s < float("inf")
    assert lived(fleet, Trouble("hot", hot=50.0), hours=0.2).drained_s == float("inf")


def test_a_backlog_drains_at_what_is_left_of_the_workers() -> None:
    """Sixty seconds of 10,000/s, at 40,000/s able and 10,000/s arriving, take some 23 s."""
    away = Trouble("away", away_s=60.0)
    found = lived(FLEET._replace(users=0), away)
    stood = 60 + START_S

    assert found.drained_s - stood == pytest.approx(stood / 3, rel=0.25)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(TROUBLES), st.integers(0, 99), st.sampled_from(Protocol))
def test_the_same_seed_is_the_same_hour_and_nobody_works_before_being_ready(
    trouble: Trouble, seed: int, protocol: Protocol
) -> None:
    fleet = FLEET._replace(protocol=protocol)
    one, other = (lived(fleet, trouble, seed, hours=0.3) for _ in range(2))

    assert one == other
    assert one.drained_s >= one.durable_s - STEP_S
    assert 0.0 <= one.affected <= 1.0
