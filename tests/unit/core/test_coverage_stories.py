"""Coverage: what the source missed is no time at all, neither for users nor for their cases."""

import msgspec
import numpy as np
import pytest

from models.features import Rhythm
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Input,
    ObservationPaused,
    OutageAnnounced,
    WatermarkPassed,
)
from streams.core.lifecycle import Stage
from streams.core.messages import PartitionRecord
from streams.core.outages import NEVER
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.rules import Rules
from streams.core.state import decode
from streams.core.time import HOUR_MS
from tests.unit.core.gaps import SHORT, lessons, told
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day, rules_of


def fresh(rules: Rules = RULES) -> Partition:
    return Partition(0, rules, ToldScorer(by_silence, rules.churn.horizon_ms))


def stage_of(partition: Partition, user_id: str = "ada") -> Stage:
    return decode(partition.value(user_id) or b"").profile.stage


def test_nobody_is_alerted_because_the_logger_was_down() -> None:
    visits = [act(day(n)) for n in range(5)]
    blind = fresh()
    blind.apply([*visits, WatermarkPassed(day(26))])
    assert blind.take().counts["touches"] > 0

    knowing = fresh()
    outage = OutageAnnounced(day(4), day(4, 13), day(26))
    knowing.apply([*visits, outage, WatermarkPassed(day(26))])
    assert knowing.take().counts["touches"] == 0

    knowing.apply([WatermarkPassed(day(40))])  # Real silence after it counts again.
    assert knowing.take().counts["touches"] > 0


def test_marks_of_silence_wait_for_the_end_of_the_outage() -> None:
    partition = fresh()
    outage = OutageAnnounced(0, day(10), day(60))
    partition.apply([act(day(0)), act(day(1)), outage, WatermarkPassed(day(80))])
    assert stage_of(partition) is not Stage.LAPSED
    partition.apply([WatermarkPassed(day(82))])
    assert stage_of(partition) is Stage.LAPSED


def test_a_touch_that_is_due_in_an_outage_waits_for_its_end() -> None:
    partition = fresh()
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(12))])
    assert partition.take().counts["touches"] == 1
    partition.apply([OutageAnnounced(day(12), day(12), day(18)), WatermarkPassed(day(18))])
    assert partition.take().counts["touches"] == 0
    partition.apply([WatermarkPassed(day(18) + 1)])
    assert partition.take().counts["touches"] == 1


def test_an_outage_that_is_announced_late_counts_from_then_on() -> None:
    partition = fresh()
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(9))])
    partition.apply([OutageAnnounced(day(9), day(2), day(9)), WatermarkPassed(day(15))])
    assert partition.take().counts["touches"] == 0
    partition.apply([WatermarkPassed(day(19))])
    assert partition.take().counts["touches"] == 1


def test_an_outage_may_be_open_then_end_and_be_taken_back() -> None:
    """The newest word about a begin holds; the partition record keeps it over a restart."""
    partition = fresh()
    words = [(day(2), NEVER, None), (day(2), day(9), day(9)), (day(2), day(2), "nothing")]
    partition.apply([act(day(0)), act(day(1))])
    for number, (start, end, kept) in enumerate(words):
        partition.apply([OutageAnnounced(day(1), float(start), float(end))])
        partition.applied = {"user-activity": number}
        records = {key: value for key, value in partition.take().changelog if value}
        record = msgspec.json.decode(records[PARTITION_KEY], type=PartitionRecord)
        assert record.outages == (() if kept == "nothing" else ((day(2), kept),))
        heir = fresh()
        heir.restore({b"ada": partition.value("ada") or b""} | records)
        for one in (partition, heir):
            one.advance(day(14) if number == 0 else one.watermark_ms)
        assert heir.take().outputs == partition.take().outputs


def test_while_an_outage_is_open_nothing_happens_and_its_end_goes_on() -> None:
    partition = fresh()
    partition.apply([act(day(0)), act(day(1)), OutageAnnounced(0, day(2), NEVER)])
    partition.apply([WatermarkPassed(day(50))])
    assert partition.take().counts["touches"] == 0
    partition.apply([OutageAnnounced(0, day(2), day(50)), WatermarkPassed(day(60))])
    assert partition.take().counts["touches"] == 1


def test_a_course_that_has_ended_is_no_churn() -> None:
    """Its end closes the case, and nothing is learned from what follows."""
    rules = rules_of("churn: {horizon: 8d, min_active_days: 2}\nlateness: 0s\n")
    partition = fresh(rules)
    visits = [act(day(n)) for n in range(12)]
    partition.apply([ObservationPaused("ada", 0, day(14), NEVER), *visits])
    partition.apply([WatermarkPassed(day(60))])
    harvest = partition.take()
    taught = lessons([harvest])

    assert harvest.counts["verdict_send"] == 0
    assert taught["example"]
    assert all(row[0] + rules.churn.period_ms <= day(14) for row in taught["example"])
    assert all(row[2] <= day(14) for row in taught["outcome"])
    assert stage_of(partition) is not Stage.LAPSED
    at_the_end = partition.heads_at(["ada"], np.array([float(day(14))]))
    long_after = partition.heads_at(["ada"], np.array([float(day(50))]))
    assert day(14) - at_the_end[0, Rhythm.LAST] == day(50) - long_after[0, Rhythm.LAST]


@pytest.mark.parametrize("is_told_before", [True, False])
def test_whoever_leaves_for_good_is_not_written_to_any_more(*, is_told_before: bool) -> None:
    partition = fresh()
    pause = ObservationPaused("ada", day(12), day(12), NEVER)
    visits: list[Input] = [act(day(0)), act(day(1))]
    if is_told_before:
        partition.apply([*visits, pause, WatermarkPassed(day(12))])
    else:
        partition.apply([*visits, WatermarkPassed(day(12)), pause])
    harvest = partition.take()
    assert (harvest.counts["touches"], harvest.counts["closed_paused"]) == (1, 1)
    assert harvest.counts["revocations"] == 1

    partition.apply([WatermarkPassed(day(90))])
    assert partition.take().counts["touches"] == 0


def test_a_pause_is_kept_by_a_restart_and_taken_back_by_a_later_word() -> None:
    partition = fresh()
    partition.apply([act(day(0)), act(day(1)), ObservationPaused("ada", 0, day(2), NEVER)])
    records = {key: value for key, value in partition.take().changelog if value}
    heir = fresh()
    heir.restore(records)
    heir.apply([WatermarkPassed(day(15))])
    assert heir.take().counts["touches"] == 0
    heir.apply([ObservationPaused("ada", 0, day(2), day(2)), WatermarkPassed(day(16.1))])
    assert heir.take().counts["touches"] == 1


def test_a_word_of_a_pause_is_no_clock() -> None:
    partition = fresh()
    partition.apply([act(day(0)), ObservationPaused("ada", day(50), day(60), NEVER)])
    partition.apply([OutageAnnounced(day(50), day(40), day(50))])
    assert partition.watermark_ms == day(0)


def test_activity_in_an_outage_counts_and_alerts_nobody() -> None:
    scorer = ToldScorer(lambda silence: np.full_like(silence, 0.9))
    rules = msgspec.structs.replace(RULES, outages=((day(3), day(9)),))
    partition = Partition(0, rules, scorer)
    partition.apply([Acted("bo", str(n), day(n), is_risky=True) for n in (4, 5, 6)])
    assert partition.take().counts["touches"] == 0
    assert partition.heads(["bo"])[0, Rhythm.ACTIVE_DAYS] == 3

    partition.apply([act(day(9.1), "bo")])
    assert partition.take().counts["touches"] == 1


def test_a_night_without_logging_makes_no_day_of_two() -> None:
    """Days of activity are those of the calendar, however short the silence was that counts."""
    nights = [(float(day(n, 21)), float(day(n + 1, 9))) for n in range(9)]
    partition = fresh(msgspec.structs.replace(RULES, outages=tuple(nights)))
    partition.apply([act(day(n, hour)) for n in range(9) for hour in (10, 20)])
    head = partition.heads(["ada"])[0]

    assert head[Rhythm.ACTIVE_DAYS] == 9
    assert head[Rhythm.GAPS] == 8


def test_who_is_only_known_by_a_consent_stays_without_a_deadline() -> None:
    rules = msgspec.structs.replace(RULES, outages=((day(3), day(9)),))
    partition = fresh(rules)
    partition.apply([ConsentChanged("ada", day(0), "sms", is_granted=True)])
    partition.apply([WatermarkPassed(day(90))])
    assert partition.take().counts["timers"] == 0


def test_an_outage_shorter_than_a_check_is_found() -> None:
    """Timers that look far ahead stop at its edge."""
    rules = rules_of(SHORT)
    gap = (float(day(5)), float(day(5) + HOUR_MS))
    visits: list[Input] = [act(day(n)) for n in (0, 1)]
    seen, _ = told([*visits, WatermarkPassed(day(30))], rules)
    known = msgspec.structs.replace(rules, outages=(gap,))
    later, _ = told([*visits, WatermarkPassed(day(30))], known)
    shift = {at + (HOUR_MS if at > day(5) else 0) for _, _, at, _ in seen}

    assert {at for _, _, at, _ in later} == shift
