"""Openings and outcomes: what is asked of a user now is answered one horizon later, by the log."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import RHYTHM_WIDTH
from streams.core.harvest import Harvest
from streams.core.inputs import Acted, Input, WatermarkPassed
from streams.core.partition import Partition
from streams.core.rules import Rules
from streams.core.state import WIDTH, Column
from streams.core.teaching import OpeningBlock
from streams.core.time import DAY_MS
from tests.unit.core.lessons import Row, lessons_of
from tests.unit.core.stories import PATIENT, RULES, ToldScorer, act, by_silence, day, rules_of, run

SHORT = rules_of("churn: {horizon: 8d, min_active_days: 2}\nlateness: 0s\n")
CONSENTING = """
mode: live
channels: {wechat: {reach: any}}
lateness: 0s
contact: {consent_default: granted, zone: UTC}
"""
END_MS = day(0, 24 * 70)

histories = st.lists(
    st.builds(
        lambda user, hour: act(day(0, hour), user),
        st.sampled_from(["ada", "bo", "cy"]), st.integers(0, 24 * 40),
    ),
    max_size=40, unique_by=lambda signal: signal.event_id,
).map(lambda made: sorted(made, key=lambda signal: signal.event_time_ms))  # fmt: skip


def fresh(rules: Rules = SHORT, *, is_shadow: bool = True) -> Partition:
    return Partition(0, rules, ToldScorer(by_silence, rules.churn.horizon_ms), is_shadow=is_shadow)


def user_of(user_id: str, rules: Rules = SHORT) -> int:
    return int.from_bytes(rules.ids.token(user_id, 0.0), "little")


def taught(harvests: Iterable[Harvest]) -> dict[str, list[Row]]:
    """Return the rows of every kind that left a partition."""
    found: dict[str, list[Row]] = {"example": [], "opening": [], "outcome": [], "episode": []}
    for harvest in harvests:
        for record in harvest.outputs.get("examples", []):
            kind, rows = lessons_of(record)
            found[kind] += rows
    return found


def asked_of(times: list[int], phase: int, rules: Rules, end_ms: int) -> tuple[Counter, Counter]:
    """Walk one user's events: the openings, and the outcomes of those that were made.

    Openings as instants; outcomes as (opened, churned). The slow twin of the vectorised way.
    """
    churn = rules.churn
    first_grid = -(-(times[0] - phase) // churn.period_ms) * churn.period_ms + phase
    openings: Counter[float] = Counter()
    outcomes: Counter[tuple[float, float]] = Counter()
    for at in range(first_grid + churn.period_ms, end_ms + 1, churn.period_ms):
        if ((at - phase) // churn.period_ms + phase) % 4:
            continue
        before = [time for time in times if time < at or time == times[0] == at]
        days = len({time // DAY_MS for time in before})
        if days >= churn.min_active_days and at - before[-1] < churn.horizon_ms:
            openings[float(at)] += 1
            if at + churn.horizon_ms <= end_ms:
                is_active = any(at <= time < at + churn.horizon_ms for time in times)
                outcomes[float(at), float(not is_active)] += 1
    return openings, outcomes


@settings(max_examples=200)
@given(histories)
def test_openings_and_their_outcomes_are_those_of_the_log(history: list[Acted]) -> None:
    found = taught(run(fresh(), [*history, WatermarkPassed(END_MS)]))
    opened = {(row[0], row[1]) for row in found["opening"]}
    for user in {signal.user_id for signal in history}:
        times = [signal.event_time_ms for signal in history if signal.user_id == user]
        openings, outcomes = asked_of(times, SHORT.phase_ms(user), SHORT, END_MS)
        me = user_of(user)

        assert Counter(row[1] for row in found["opening"] if row[0] == me) == openings
        assert outcomes == Counter(
            (row[1], row[3])
            for row in found["outcome"]
            if row[0] == me and (me, row[1]) in opened
        )  # fmt: skip


@settings(max_examples=100)
@given(histories, st.lists(st.integers(1, 9), max_size=40))
def test_every_outcome_has_at_most_one_opening_wherever_chunks_end(
    history: list[Acted], chunks: list[int]
) -> None:
    signals: list[Input] = [*history, WatermarkPassed(END_MS)]
    whole, cut = taught(run(fresh(), signals)), taught(run(fresh(), signals, chunks))

    for kind, rows in whole.items():
        assert sorted(rows) == sorted(cut[kind])
    openings = Counter((row[0], row[1]) for row in whole["opening"])
    assert all(count == 1 for count in openings.values())
    assert all(count == 1 for count in Counter(row[:2] for row in whole["outcome"]).values())
    answered = {row[:2] for row in whole["outcome"]}
    assert {asked for asked in openings if asked[1] + 8 * DAY_MS <= END_MS} <= answered


def test_an_opening_holds_the_numbers_of_its_instant() -> None:
    partition = fresh()
    partition.apply([act(day(n)) for n in range(12)])
    partition.take()
    last = partition.heads(["ada"]).copy()
    partition.apply([WatermarkPassed(day(19) - 1)])
    ((user, at_ms, *head),) = taught([partition.take()])["opening"]

    assert user == user_of("ada")
    assert day(11) < at_ms < day(19)
    assert len(head) == WIDTH
    assert head[:RHYTHM_WIDTH] == last[0, :RHYTHM_WIDTH].tolist()


def test_who_was_touched_is_neither_asked_about_nor_answered() -> None:
    """Two visits, then silence: the touches of the case end all questions for a horizon."""
    history = [*(act(day(n / 2)) for n in range(60)), WatermarkPassed(day(100))]
    partition = fresh(is_shadow=False, rules=PATIENT)
    real = taught([*run(partition, history)])
    shadow = taught(run(fresh(RULES), history))
    treated = partition.heads(["ada"])[0, Column.TREATED_AT]

    assert treated > day(29.5)
    assert [row for row in shadow["outcome"] if row[3] == 1.0]
    assert not [row for row in real["outcome"] if row[3] == 1.0]
    assert {row[1] for row in real["outcome"]} < {row[1] for row in shadow["outcome"]}
    assert {row[1] for row in real["opening"]} <= {row[1] for row in shadow["opening"]}


def test_an_outcome_of_a_held_out_user_weighs_more() -> None:
    rules = rules_of(holdout="{share: 0.5, salt: b}")
    user = next(name for name in map(str, range(99)) if rules.is_held_out(name))
    visits = [act(day(n), user) for n in range(-90, 1)]
    partition = fresh(rules, is_shadow=False)
    outcomes = taught(run(partition, [*visits, WatermarkPassed(day(60))]))["outcome"]
    exposed = partition.heads([user])[0, Column.EXPOSED_AT]

    assert {row[4] for row in outcomes if row[2] <= exposed} == {1.0}
    assert {row[4] for row in outcomes if row[2] > exposed} == {2.0}


@pytest.mark.parametrize("days", [1, 5])
def test_muted_alerts_change_no_lesson(days: int) -> None:
    """A back-test that only scores points teaches what the service would have taught."""
    churn = f"{{horizon: 8d, min_active_days: {days}}}"
    rules = rules_of(CONSENTING, churn=churn)
    muted = msgspec.structs.replace(
        rules, alert=msgspec.structs.replace(rules.alert, is_muted=True)
    )
    history = [*(act(day(n), user) for n in range(9) for user in "abc"), WatermarkPassed(END_MS)]
    loud, quiet = run(fresh(rules), history), run(fresh(muted), history)

    assert sum(harvest.counts["verdict_observed"] for harvest in loud) > 0
    assert sum(harvest.counts["verdict_observed"] for harvest in quiet) == 0
    learned = taught(loud)
    assert not learned.pop("episode")
    for kind, rows in learned.items():
        end = 2 + RHYTHM_WIDTH  # behind that an opening has what alerts have done to the state
        assert rows
        assert sorted(row[:end] for row in rows) == sorted(row[:end] for row in taught(quiet)[kind])


def test_a_flood_of_openings_fits_into_records() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(n), str(user)) for n in (0, 1) for user in range(3_000)])
    partition.apply([WatermarkPassed(day(31))])
    records = partition.take().outputs["examples"]
    sizes = [len(record.value) for record in records]
    kinds = [msgspec.msgpack.decode(record.value)[0] for record in records]

    assert kinds.count(OpeningBlock.__struct_config__.tag) > 1
    assert max(sizes) < 900_000
    assert np.sum(sizes) > 900_000


def test_an_opening_does_not_depend_on_the_strides_in_which_time_passes() -> None:
    """Who waits for a place bids otherwise with every check; that is no part of a question."""
    rules = rules_of(
        churn="{horizon: 8d, min_active_days: 2}",
        budget="{touches_per_day: 1, calls_per_day: 1, every: 12h}",
    )
    found = []
    for hours in (24 * 30, 1):
        scorer = ToldScorer(lambda silence: 0.3 + 0.6 * (silence * 3 % 1), rules.churn.horizon_ms)
        partition = Partition(0, rules, scorer)
        users = [f"user-{number}" for number in range(20)]
        partition.apply([act(day(0, hour), user) for hour in (0, 24, 48, 72) for user in users])
        for hour in range(72 + hours, 24 * 33, hours):
            partition.advance(day(0, hour))
        partition.advance(day(0, 24 * 33))
        found.append(sorted(taught([partition.take()])["opening"]))
    assert found[0] == found[1]
    assert len(found[0]) >= len(users)
