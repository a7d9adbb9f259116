"""Episodes of a harvest travel in records that every broker takes, however many they are."""

import msgspec
import numpy as np
import pytest

from models.features import FEATURES
from streams.core.effects import RecordEpisode
from streams.core.episodes import EpisodeCollector
from streams.core.journey_state import Exposure
from streams.core.messages import Episode
from streams.runtime.producer import RECORD_BYTES_MAX
from tests.unit.core.stories import RULES, day


def episode(number: int, playbook: str) -> RecordEpisode:
    exposure = Exposure(
        case_id="c", playbook=playbook, variant="", version="1", channel="sms", at_ms=day(number),
        matures_ms=day(number + 30), is_held_out=number % 10 == 0, propensity=0.5, probability=0.4,
        value_net=0.0, dimensions={}, features=np.full(len(FEATURES), number, "<f4").tobytes(),
    )  # fmt: skip
    told = Episode(
        user_id=f"user {number}", case_id="c", playbook=playbook, playbook_version="1", variant="",
        channel="sms", is_held_out=exposure.is_held_out, propensity=0.45, probability=0.4,
        returned=False, value_change=-number, currency="CNY", exposed_at="", matured_at="",
        dimensions={},
    )  # fmt: skip
    return RecordEpisode(told, exposure, exposure.matures_ms)


@pytest.mark.parametrize("playbook", ["care", "召回" * 100])
def test_whatever_matured_at_once_fits_into_records_in_order(playbook: str) -> None:
    collector = EpisodeCollector(RULES)
    for number in range(9_000):
        collector.add(episode(number, playbook))
    blocks = collector.take()

    assert len(blocks) > 1
    assert max(len(msgspec.msgpack.encode(block)) for block in blocks) < RECORD_BYTES_MAX
    assert sum(block.count for block in blocks) == 9_000
    rows = np.frombuffer(b"".join(block.rows for block in blocks), "<f4")
    assert rows[:: len(FEATURES)].tolist() == list(range(9_000))
    assert all(len(block.playbooks) == block.count for block in blocks)


def test_nothing_makes_no_block_and_one_makes_one() -> None:
    collector = EpisodeCollector(RULES)
    assert collector.take() == []
    collector.add(episode(1, "care"))
    assert [block.count for block in collector.take()] == [1]
    assert collector.take() == []
