"""Coverage: a gap that is known is no gap."""

from collections import Counter

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.features import RHYTHM_WIDTH, Rhythm
from streams.core.inputs import (
    Acted,
    Input,
    ObservationPaused,
    OutageAnnounced,
    WatermarkPassed,
)
from tests.unit.core.gaps import END_MS, GAP_MS, SHORT, told
from tests.unit.core.stories import act, day, rules_of

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
