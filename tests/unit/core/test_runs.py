"""Laws of runs: a busy user costs few rounds, and nothing that can be seen is otherwise."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.batch import Batch
from streams.core.inputs import Acted, Input, WatermarkPassed
from streams.core.partition import Partition
from streams.core.round import Round
from streams.core.rounds import Rows
from streams.core.rules import Rules
from streams.core.time import HOUR_MS, MINUTE_MS
from tests.unit.core.stories import F64, START_MS, ToldScorer, act, by_silence, day, rules_of

RULES = rules_of()


class Moody(ToldScorer):
    """A model that finds risk in the middle of a conversation, every seventh ten minutes."""

    def __init__(self) -> None:
        super().__init__(by_silence)

    def reach(self, heads: F64, at_ms: F64) -> F64:
        mood: F64 = np.where(at_ms // (10 * MINUTE_MS) % 7 == 0, 0.9, 0.1)
        assert len(mood) == len(heads)
        return mood


class Watcher:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float, float]] = []
        self.alerted: list[tuple[str, int]] = []

    def risk(self, user_ids: list[str], at_ms: F64, reach: F64) -> None:
        self.told += zip(user_ids, at_ms.tolist(), reach.tolist(), strict=True)

    def alert(self, user_id: str, at_ms: int) -> None:
        self.alerted.append((user_id, at_ms))


bursts = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "小明"]),
        st.integers(0, 40 * 24),
        st.lists(st.sampled_from([1, 2, 4, 25, 90]), max_size=14),
        st.booleans(),
    ),
    max_size=12,
)


def conversations(made: list[tuple[str, int, list[int], bool]]) -> list[Acted]:
    """Return activities, minutes apart, in order of time."""
    acts = []
    for number, (user, hour, gaps, is_risky) in enumerate(made):
        at = START_MS + hour * HOUR_MS
        for place, gap in enumerate((0, *gaps)):
            at += gap * MINUTE_MS
            name = f"{number}-{place}"
            acts.append(Acted(user, name, at, 2.0, 150, place % 3 - 1, is_risky and place == 2))
    return sorted(acts, key=lambda signal: signal.event_time_ms)


def watched(
    history: Sequence[Input], size: int, scorer: ToldScorer, rules: Rules = RULES
) -> tuple[object, ...]:
    """Return all that can be seen of a run in chunks of a size."""
    watcher = Watcher()
    partition = Partition(0, rules, scorer, is_shadow=True, observer=watcher)
    left, counts = [], 0
    for start in range(0, len(history), size):
        partition.apply(history[start : start + size])
        harvest = partition.take()
        counts += harvest.counts["accepted"]
        left += [
            (stream, record.key, record.value)
            for stream, records in harvest.outputs.items()
            for record in records
            if stream != "examples"
        ]
    return (
        dict(partition.values()), sorted(left), sorted(watcher.told), sorted(watcher.alerted),
        counts,
    )  # fmt: skip


@settings(max_examples=150)
@given(bursts, st.sampled_from([Moody, lambda: ToldScorer(by_silence)]), st.integers(2, 70))
def test_a_chunk_says_what_its_inputs_say_one_by_one(
    made: list[tuple[str, int, list[int], bool]], scorer: type[Moody], size: int
) -> None:
    history = conversations(made)
    assert watched(history, size, scorer()) == watched(history, 1, scorer())


@settings(max_examples=60)
@given(bursts, st.integers(0, 3 * 24))
def test_lateness_and_repeats_end_a_run(
    made: list[tuple[str, int, list[int], bool]], late_hours: int
) -> None:
    history: list[Input] = list(conversations(made))
    for place in range(5, len(history), 7):
        early = history[place - 5]
        assert isinstance(early, Acted)
        history.insert(place, early)  # once more
        history.insert(place, act(early.event_time_ms - late_hours * HOUR_MS, early.user_id))
    history.insert(len(history) // 2, WatermarkPassed(day(20)))
    assert watched(history, 40, Moody()) == watched(history, 1, Moody())


def test_an_evening_of_talk_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, one_round = [], Round.run

    def counted(self: Partition, inputs: Sequence[Input], batch: Batch, picked: Rows) -> None:
        rounds.append(len(picked))
        one_round(self, inputs, batch, picked)

    monkeypatch.setattr(Round, "run", counted)
    partition = Partition(0, RULES, ToldScorer(by_silence))
    partition.apply([act(day(0) + minute * MINUTE_MS) for minute in range(1_000)])
    assert partition.take().counts["accepted"] == 1_000
    assert len(rounds) < 20
