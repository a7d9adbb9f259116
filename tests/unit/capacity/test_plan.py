"""The arithmetic of a deployment, held against hand calculation and against common sense."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import PROMISES
from streams.capacity.limits import limits
from streams.capacity.load import BOUNDS, ImpossibleLoadError, Load
from streams.capacity.measured import SOURCES, Costs, measured
from streams.capacity.plan import (
    DIRTY,
    DISK_SHARE,
    Capacity,
    network_per_s,
    plan,
    record_bytes,
    user_bytes,
)
from streams.capacity.prices import HOURS_A_MONTH, PRICE_SOURCES, Prices
from streams.capacity.roads import roads
from streams.capacity.text import in_json, said

DAY_S = 86_400


def of(**differing: float) -> Capacity:
    return plan(msgspec.structs.replace(Load(), **differing))


def test_the_answer_for_200_million_users_by_hand() -> None:
    found, costs = of(), Costs()
    peak = 5e9 / DAY_S * 3
    room = 8e9 * 0.6 - 150e6
    bytes_each = 0.4 * costs.awake_bytes + 0.6 * costs.asleep_bytes

    assert found.workers.cores_peak == pytest.approx(peak * costs.pipeline_us / 1e6)
    assert found.workers.by == "memory"
    assert found.workers.count == math.ceil(200e6 * bytes_each / room)
    assert found.workers.partitions >= 4 * found.workers.count
    assert found.kafka.disk_gb["activity"] == pytest.approx(5e9 * 254 * 7 * 3 / 1e9)
    per_user = 0.4 * costs.awake_record_bytes + 0.6 * costs.asleep_record_bytes
    assert found.kafka.disk_gb["changelog"] == pytest.approx(200e6 * per_user * DIRTY * 3 / 1e9)
    assert found.around.examples_per_s == pytest.approx(80e6 / (7.5 * DAY_S))


def test_money_is_hours_and_gigabytes_at_their_prices() -> None:
    found = of()
    disk = sum(found.kafka.disk_gb.values()) / DISK_SHARE

    assert found.dollars["workers"] == pytest.approx(
        found.workers.count * 2 * Prices().core_hour * HOURS_A_MONTH
    )
    assert found.dollars["disks"] == pytest.approx(disk * 0.08)
    assert found.dollars_per_million == pytest.approx(sum(found.dollars.values()) / 200)
    free = plan(Load(), prices=Prices(core_hour=0, disk_gb_month=0, zone_gb=0))
    assert sum(free.dollars.values()) == 0


def test_one_zone_pays_nothing_between_zones() -> None:
    assert of(zones=1).dollars["between zones"] == 0


def test_who_is_taken_over_is_restored_by_the_survivors() -> None:
    found = of()
    costs, workers = found.costs, found.workers
    parts = math.ceil(math.ceil(workers.partitions / workers.count) / (workers.count - 1))
    users = found.load.users / workers.partitions
    network = network_per_s(found.load, costs, found.kafka)
    lost = math.ceil(workers.partitions / workers.count)
    restoring = max(parts * users / costs.restore_per_s, lost * users / network)
    beyond = max(0.0, costs.failover_s - 200_000 / costs.restore_per_s)

    assert found.recovery.one_worker_s == pytest.approx(45 + beyond + restoring)
    assert found.recovery.a_zone_s > found.recovery.one_worker_s
    assert found.recovery.everything_s >= found.recovery.network_s


def test_a_small_deployment_has_two_workers() -> None:
    found = of(users=1_000, events_per_day=1_000, zones=1, replication=1)
    assert (found.workers.count, found.workers.by, found.kafka.brokers) == (2, "failure", 1)


@pytest.mark.parametrize("name", BOUNDS)
def test_what_cannot_be_is_refused_by_name(name: str) -> None:
    with pytest.raises(ImpossibleLoadError, match=name):
        of(**{name: -1})


def test_too_few_partitions_and_copies_are_refused() -> None:
    with pytest.raises(ImpossibleLoadError, match="4 partitions are too few for the"):
        of(partitions=4)
    with pytest.raises(ImpossibleLoadError, match="some zone would hold no copy"):
        of(replication=2)


@given(st.integers(10, 10**10), st.floats(1e3, 1e13), st.floats(0, 1), st.floats(1, 4))
def test_more_of_anything_never_asks_for_less(
    users: int, events: float, awake: float, times: float
) -> None:
    load = {"users": users, "events_per_day": events, "awake_share": awake}
    one, users_more = of(**load), of(**{**load, "users": int(users * times)})
    events_more = of(**{**load, "events_per_day": events * times})

    for more in (users_more, events_more):
        assert more.workers.count >= one.workers.count
        assert more.workers.partitions >= one.workers.partitions
        assert more.kafka.brokers >= one.kafka.brokers
        assert sum(more.dollars.values()) >= sum(one.dollars.values())
    assert one.workers.gb_each <= one.load.worker_gb
    assert one.workers.busy_peak <= one.load.busy_max + 1e-9
    assert one.workers.count <= one.workers.partitions


def test_costs_of_ones_own_take_the_place_of_ours() -> None:
    costs = measured({"cpu_us_per_event_many": 10.0, "help_s": 1.0})
    assert costs == Costs(pipeline_us=10.0)
    assert plan(Load(), costs).workers.cores_peak < plan(Load()).workers.cores_peak


def test_every_cost_has_a_source_and_every_figure_is_in_the_catalogue() -> None:
    assert set(SOURCES) == set(Costs.__struct_fields__)
    assert {each.figure for each in SOURCES.values() if each.figure} <= set(PROMISES)
    assert set(PRICE_SOURCES) == set(Prices.__struct_fields__)


def test_what_ends_first_is_told_first() -> None:
    times = [end.times for end in limits(of())]
    assert times == sorted(times)
    assert all(time > 1 for time in times)
    assert min(end.times for end in limits(of(users=2e10, events_per_day=5e11))) < 1


def test_a_worker_that_sleeps_users_keeps_less() -> None:
    assert user_bytes(Load(awake_share=0), Costs()) == Costs().asleep_bytes
    assert record_bytes(Load(awake_share=1), Costs()) == Costs().awake_record_bytes


def test_a_snapshot_is_quicker_than_the_changelog_and_no_road_is_free() -> None:
    only, snapshot, lsm, objects = roads(of())
    assert snapshot.start_s < only.start_s
    assert lsm.memory_gb < only.memory_gb
    assert lsm.us_per_event > 0
    assert objects.moved_s < only.moved_s


def test_the_answer_is_text_and_json() -> None:
    found = of()
    text, told = said(found, limits(found)), msgspec.json.decode(in_json(found, limits(found)))

    assert f"processes         {found.workers.count}" in text
    assert told["workers"]["count"] == found.workers.count
    assert told["limits"][0]["times"] == limits(found)[0].times
