"""Coverage: what the source missed is no time at all."""

from collections import Counter
from datetime import UTC, date, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.features import F64, RHYTHM_WIDTH, Rhythm, features
from streams.core.coverage import Coverage
from streams.core.harvest import Harvest
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
from streams.core.outages import NEVER, Outages, edge_ms
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.rules import Rules
from streams.core.state import WIDTH, Column, decode
from streams.core.time import DAY_MS, HOUR_MS
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day, rules_of, run

# -- the arithmetic, against sets of milliseconds

edges = st.integers(0, 60)
spans = st.lists(st.tuples(edges, edges), max_size=6)
AT = np.arange(64.0)


def missing(outages: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in outages for at in range(start, end)}


@given(spans)
def test_what_is_lost_is_the_milliseconds_of_all_outages(outages: list[tuple[int, int]]) -> None:
    gone = missing(outages)
    since, until = (axis.ravel() for axis in np.meshgrid(AT, AT))
    expected = [len(gone & set(range(int(a), int(b)))) for a, b in zip(since, until, strict=True)]
    assert Outages(outages).lost(since, until).tolist() == expected


@given(spans)
def test_an_instant_lives_unless_the_millisecond_before_it_is_missing(
    outages: list[tuple[int, int]],
) -> None:
    gone, made = missing(outages), Outages(outages)
    live = [at - 1 not in gone for at in range(64)]
    resumed = made.resume(AT)

    assert (resumed == AT).tolist() == live
    assert resumed.tolist() == [next(n for n in range(at, 64) if live[n]) for at in range(64)]
    for at in range(64):
        if live[at]:
            dead = next((n for n in range(at, 64) if not live[n]), None)
            assert made.until(np.array([float(at)])).item() == (NEVER if dead is None else dead - 1)


@given(spans, st.tuples(edges, edges))
def test_what_a_user_misses_is_what_is_missing_of_all_and_of_the_user(
    outages: list[tuple[int, int]], away: tuple[int, int]
) -> None:
    coverage = Coverage(outages)
    coverage.has_pauses = True
    heads = np.zeros((64, WIDTH))
    heads[:, Column.AWAY_FROM], heads[:, Column.AWAY_TO] = (
        away if away[0] < away[1] else (NEVER, NEVER)
    )
    gone = missing([*outages, away])
    live = [at - 1 not in gone for at in range(64)]

    assert coverage.lost(heads, np.zeros(64), AT).tolist() == [
        len(gone & set(range(at))) for at in range(64)
    ]
    assert coverage.resume(heads, AT).tolist() == [
        next(n for n in range(at, 64) if live[n]) for at in range(64)
    ]
    assert coverage.is_live(heads, AT).tolist() == live


def test_an_outage_that_is_not_over_has_no_end() -> None:
    open_ended = Outages([(10.0, NEVER), (5.0, 12.0)])

    assert open_ended.resume(np.array([5.0, 6.0])).tolist() == [5.0, NEVER]
    assert open_ended.lost(np.array([0.0]), np.array([100.0])).item() == 95.0


@pytest.mark.parametrize(
    "edge",
    ["2017-05-01", "2017-05-01T00:00:00Z", "2017-05-01T08:00:00+08:00", 1_493_596_800_000,
     "1493596800000",
     date(2017, 5, 1), datetime(2017, 5, 1, tzinfo=UTC)],
)  # fmt: skip
def test_an_edge_is_a_day_an_instant_or_a_number(edge: object) -> None:
    assert edge_ms(edge) == 1_493_596_800_000


@pytest.mark.parametrize("edge", ["2017-05-01T00:00:00", "May", True, 1.5, 10**400, [1]])
def test_what_is_no_edge_is_refused_in_words(edge: object) -> None:
    with pytest.raises(ValueError, match="write a day as in 2017-05-01"):
        edge_ms(edge)


# -- the law: a gap that is known is no gap

SHORT = """
churn: {horizon: 8d, min_active_days: 2}
lateness: 0s
alert: {examples_min: 0, cool_down: 0s}
"""
GAP_MS = 16 * DAY_MS  # Whole days and whole horizons, so that days and grids stay what they were.
END_MS = day(0, 24 * 80)


class EveryFeature(ToldScorer):
    """Says something else whenever any feature is another."""

    def reach(self, heads: F64, at_ms: F64) -> F64:
        said = np.zeros(len(heads))
        for column in features(heads, at_ms, self.horizon_ms).T:
            said = 0.9 * said + column
        return 1.0 / (1.0 + np.exp(-said))


class Watcher:
    """Notes every score and every case that was opened."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, float, float]] = Counter()

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        rows = zip(user_ids, at_ms.tolist(), reach.tolist(), strict=True)
        self.seen.update(("risk", user, at, said) for user, at, said in rows)

    def alert(self, user_id: str, at_ms: int) -> None:
        self.seen["alert", user_id, float(at_ms), 0.0] += 1


def told(
    history: list[Input], rules: Rules, chunks: tuple[int, ...] = ()
) -> tuple[Counter, dict[str, list[tuple[float, ...]]]]:
    """Return the scores and alerts of a run, and what it taught, by kind."""
    watcher = Watcher()
    scorer = EveryFeature(by_silence, float(rules.churn.horizon_ms))
    partition = Partition(0, rules, scorer, is_shadow=True, observer=watcher)
    return watcher.seen, lessons(run(partition, history, chunks))


def lessons(harvests: list[Harvest]) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {
        "example": [],
        "opening": [],
        "outcome": [],
        "episode": [],
    }
    for harvest in harvests:
        for record in harvest.outputs.get("examples", []):
            kind, rows = lessons_of(record)
            found[kind] += rows
    return found


users = st.sampled_from(["ada", "bo", "cy"])
histories = st.lists(
    st.builds(lambda user, hour: act(day(0, hour), user), users, st.integers(0, 24 * 40)),
    min_size=6, max_size=40, unique_by=lambda signal: signal.event_id,
).map(lambda made: sorted(made, key=lambda signal: signal.event_time_ms))  # fmt: skip


@settings(max_examples=60)
@given(histories, st.integers(0, 50), st.sampled_from(["rules", "announced", "paused"]))
@example([act(day(0, hour)) for hour in (23, 24, 25, 216)], 1, "rules")  # new just before it
def test_a_log_with_a_known_gap_says_what_the_log_without_it_says(
    history: list[Acted], number: int, how: str
) -> None:
    """Everything behind the gap comes as much later, and nothing else differs."""
    gap_ms = day(number, 0) - 1  # No day lies on both sides of it: it would be two active days.
    later = [
        msgspec.structs.replace(signal, event_time_ms=signal.event_time_ms + GAP_MS)
        if signal.event_time_ms >= gap_ms else signal
        for signal in history
    ]  # fmt: skip
    span = (float(gap_ms), float(gap_ms + GAP_MS))
    rules = rules_of(SHORT)
    first: list[Input] = []
    if how == "rules":
        rules = msgspec.structs.replace(rules, outages=(span,))
    elif how == "announced":
        first = [OutageAnnounced(0, *span)]
    else:
        first = [ObservationPaused(user, 0, *span) for user in ("ada", "bo", "cy")]
    seen, taught = told([*history, WatermarkPassed(END_MS)], rules_of(SHORT))
    seen_later, taught_later = told([*first, *later, WatermarkPassed(END_MS + GAP_MS)], rules)

    def moved(at_ms: float) -> float:
        return at_ms + GAP_MS if at_ms > gap_ms else at_ms

    assert seen_later == Counter({
        (what, user, moved(at), said): count for (what, user, at, said), count in seen.items()
    })  # fmt: skip
    assert sorted(taught_later["example"]) == sorted(
        (moved(opened + 1) - 1, *row)
        for opened, *row in taught["example"]
        if not opened < gap_ms < opened + rules.churn.period_ms
    )
    assert answers(taught_later) == sorted(
        (user, moved(opened + 1) - 1, moved(matured), *row)
        for user, opened, matured, *row in answers(taught)
        if not opened < gap_ms < matured
    )
    assert sorted(map(relative, taught_later["opening"])) == sorted(
        (user, moved(at_ms), *head) for user, at_ms, *head in map(relative, taught["opening"])
    )


def answers(taught: dict[str, list[tuple[float, ...]]]) -> list[tuple[float, ...]]:
    """Return the outcomes that have an opening."""
    asked = {row[:2] for row in taught["opening"]}
    return sorted(row for row in taught["outcome"] if row[:2] in asked)


def relative(opening: tuple[float, ...]) -> tuple[float, ...]:
    """Return an opening with the ages of the first and last activity for their instants."""
    user, at_ms, *head = opening
    for column in (Rhythm.FIRST, Rhythm.LAST):
        head[column] = at_ms - head[column]
    return (user, at_ms, *head[:RHYTHM_WIDTH])


@settings(max_examples=60)
@given(histories, st.integers(0, 24 * 50), st.lists(st.integers(1, 9), max_size=40))
def test_openings_hold_numbers_from_which_the_gap_is_taken(
    history: list[Acted], hour: int, chunks: list[int]
) -> None:
    """Whoever scores an opening later knows nothing of outages."""
    gap_ms = day(0, hour)
    rules = msgspec.structs.replace(rules_of(SHORT), outages=((gap_ms, gap_ms + GAP_MS),))
    later: list[Input] = [
        *(signal for signal in history if not gap_ms <= signal.event_time_ms < gap_ms + GAP_MS),
        WatermarkPassed(END_MS),
    ]
    _, taught = told(later, rules)
    _, cut = told(later, rules, tuple(chunks))

    assert {kind: sorted(rows) for kind, rows in taught.items()} == {
        kind: sorted(rows) for kind, rows in cut.items()
    }
    for _, at_ms, *head in taught["opening"]:
        assert at_ms <= gap_ms or at_ms > gap_ms + GAP_MS
        assert at_ms - head[Rhythm.LAST] < rules.churn.horizon_ms
        assert head[Rhythm.FIRST] <= head[Rhythm.LAST] <= at_ms
        assert len(head[:RHYTHM_WIDTH]) == RHYTHM_WIDTH


# -- stories


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
