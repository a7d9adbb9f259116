"""What a hostile producer could let grow in a partition without end does not."""

import numpy as np
import pytest

from streams.core import clocks
from streams.core.clock_names import OWN
from streams.core.clocks import Clocks
from streams.core.coverage import OUTAGES_MAX, TOO_MANY_OUTAGES
from streams.core.inputs import Acted, Erased, OutageAnnounced, WatermarkPassed
from streams.core.partition import Partition
from streams.core.rules_file import parse_rules
from streams.core.time import HOUR_MS
from tests.unit.core.stories import ToldScorer, by_silence

ROUTED = parse_rules("""
inputs:
  shop: {format: json, keyed_by: anything, user: $.u, id: $.i, event: $.e, time: $.t,
         map: [{event: visit, as: activity}]}
""")
NOW_MS = 1_700_000_000_000


def core(users_max: int = 100) -> Partition:
    return Partition(0, parse_rules(""), ToldScorer(by_silence), users_max=users_max)


def test_outages_that_nobody_had_are_not_kept_without_end_and_a_known_one_can_still_end() -> None:
    partition = core()
    spans = [(NOW_MS + place * HOUR_MS, NOW_MS + place * HOUR_MS + 1) for place in range(1_500)]
    partition.apply([OutageAnnounced(NOW_MS, float(start), float(end)) for start, end in spans])
    assert len(partition.coverage.announced) == OUTAGES_MAX
    assert partition.take().counts[TOO_MANY_OUTAGES] == 500

    partition.apply([OutageAnnounced(NOW_MS, float(spans[0][0]), float(spans[0][0]))])
    assert len(partition.coverage.announced) == OUTAGES_MAX - 1


def test_clocks_that_nobody_keeps_are_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "CLOCKS_MAX", 50)
    found = Clocks(ROUTED, (OWN, "router/shop/0"))
    words = [(place, WatermarkPassed(NOW_MS, f"router/shop/{place}")) for place in range(100)]
    found.reach(OWN, np.zeros(100), words, 0)

    assert len(found.record()) == 50


def test_the_erasure_of_people_who_never_were_is_not_remembered_without_end() -> None:
    partition = core(users_max=10)
    partition.apply([Acted("ada", "e", NOW_MS)])
    partition.apply([Erased(f"nobody-{number}", NOW_MS) for number in range(50)])
    partition.apply([Erased("ada", NOW_MS)])

    assert partition.users == 0
    erased = [key for key, _ in partition.take().changelog if key.startswith(b"\0erased")]
    assert len(erased) == 11
