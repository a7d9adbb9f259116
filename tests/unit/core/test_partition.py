"""Laws of a partition: chunks, crashes and disorder change nothing that can be seen."""

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import FEATURES, features
from streams.core.harvest import Harvest
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    ObservationPaused,
    OptedOut,
    OutageAnnounced,
    WatermarkPassed,
)
from streams.core.outages import NEVER
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY, StateMismatchError
from streams.core.rules import Rules
from streams.core.state import RING_START, Column, decode, encode
from streams.core.step import step
from streams.core.time import DAY_MS, HOUR_MS
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import PATIENT, RULES, ToldScorer, act, by_silence, day, rules_of, run
from winback_sender.contract.messages import Output

DISORDERLY = rules_of("""
mode: live
channels: {wechat: {reach: any}}
churn: {horizon: 8d, min_active_days: 2}
lateness: 6h
contact: {consent_default: granted, zone: UTC}
holdout: {share: 0.3}
""")

users = st.sampled_from(["ada", "bo", "cy", "李雷"])
hours = st.integers(0, 24 * 40)


def at(hour: int) -> int:
    return day(0, hour)


inputs = st.one_of(
    st.builds(
        lambda u, h, n: act(at(h), u, event_id=f"{u}{h}{n}", money_minor=n),
        users, hours, st.integers(0, 3),
    ),
    st.builds(lambda u, h: Acted(u, f"r{u}{h}", at(h), is_risky=True, slot=1), users, hours),
    st.builds(lambda u, h: ConsentChanged(u, at(h), "sms", is_granted=False), users, hours),
    st.builds(lambda u, h: OptedOut(u, at(h)), users, hours),
    st.builds(lambda u, h: Erased(u, at(h)), users, hours),
    st.builds(lambda u, h: FeedbackReceived(u, at(h), "nobody's", "failed"), users, hours),
    st.builds(lambda h, a, b: OutageAnnounced(at(h), float(at(a)), float(at(b))),
              hours, hours, hours),
    st.builds(lambda u, h, a, b: ObservationPaused(u, at(h), float(at(a)), b),
              users, hours, hours, st.one_of(st.just(NEVER), hours.map(at).map(float))),
    st.builds(lambda h: WatermarkPassed(at(h)), hours),
)  # fmt: skip
histories = st.lists(inputs, max_size=60).flatmap(
    lambda made: st.sampled_from([made, sorted(made, key=lambda signal: signal.event_time_ms)])
)
cuts = st.lists(st.integers(1, 9), max_size=60)


def fresh(rules: Rules = DISORDERLY) -> Partition:
    return Partition(0, rules, ToldScorer(by_silence, rules.churn.horizon_ms))


def seen(harvests: list[Harvest]) -> Counter[tuple[str, Output | tuple[float, ...]]]:
    """Return everything that left the partition, example by example, whatever the commits."""
    out: Counter[tuple[str, Output | tuple[float, ...]]] = Counter()
    for harvest in harvests:
        for stream, records in harvest.outputs.items():
            for record in records:
                if stream == "examples":
                    kind, rows = lessons_of(record)
                    out.update((kind, row) for row in rows)
                else:
                    out[stream, msgspec.structs.asdict(_Frozen(record))["it"]] += 1
    return out


class _Frozen(msgspec.Struct):
    """A record as something that can be counted."""

    record: Output
    it: tuple[bytes | None, bytes, tuple[tuple[str, bytes], ...]] = (None, b"", ())

    def __post_init__(self) -> None:
        key, value, headers = self.record
        self.it = (key, value, tuple(headers))


def examples_of(record: Output) -> list[tuple[float, ...]]:
    """Return opened_at_ms, active, weight and features of every example of a record."""
    kind, rows = lessons_of(record)
    return rows if kind == "example" else []


@settings(max_examples=200)
@given(histories, cuts)
def test_the_result_does_not_depend_on_how_the_inputs_are_cut(
    history: list[Input], chunks: list[int]
) -> None:
    whole, cut = fresh(), fresh()
    harvests = run(whole, history), run(cut, history, chunks)

    assert dict(whole.values()) == dict(cut.values())
    assert seen(harvests[0]) == seen(harvests[1])
    assert whole.watermark_ms == cut.watermark_ms


@settings(max_examples=200)
@given(histories, cuts, st.integers(0, 60))
def test_a_crash_after_any_commit_changes_nothing(
    history: list[Input], chunks: list[int], crash_after: int
) -> None:
    """The survivor knows only the changelog; it goes on as if nothing had happened."""
    whole = fresh()
    expected = seen(run(whole, history))
    changelog: dict[bytes, bytes] = {}
    harvests: list[Harvest] = []
    worker, start = fresh(), 0
    for number, size in enumerate((*chunks, len(history))):
        if start >= len(history):
            break
        worker.apply(history[start : start + size])
        worker.applied = {"user-activity": start + size}
        harvests.append(worker.take())
        for key, value in harvests[-1].changelog:
            changelog[key] = value or b""
        start += size
        if number == crash_after:
            worker = fresh()
            worker.restore({key: value for key, value in changelog.items() if value})

    assert dict(worker.values()) == dict(whole.values())
    assert seen(harvests) == expected


@settings(max_examples=100)
@given(histories)
def test_every_example_says_whether_the_user_was_active_in_the_period_after_it(
    history: list[Input],
) -> None:
    """Brute force: the label of (user, grid instant) is looked up in the whole log."""
    acts = sorted(
        {s.event_id: s for s in history if isinstance(s, Acted)}.values(),
        key=lambda signal: signal.event_time_ms,
    )
    rules = rules_of("churn: {horizon: 8d}\nlateness: 0s\n")
    partition = fresh(rules)
    harvests = run(partition, [*acts, WatermarkPassed(at(24 * 60))])
    period, limit = rules.churn.period_ms, rules.churn.limit_ms
    expected = Counter()
    for user in {signal.user_id for signal in acts}:
        times = [signal.event_time_ms for signal in acts if signal.user_id == user]
        phase = rules.phase_ms(user)
        grid = -(-(times[0] - phase) // period) * period + phase
        for opened in range(grid, at(24 * 60) - period + 1, period):
            last = max(time for time in times if time < opened or time == times[0] <= opened)
            if opened - last < limit:
                is_active = any(opened <= time < opened + period for time in times if time > last)
                expected[float(opened), float(is_active)] += 1
    found = Counter((row[0], row[1]) for key, row in seen(harvests).elements() if key == "example")

    assert found == expected


def test_the_features_of_an_example_are_those_of_its_grid_instant() -> None:
    """They are frozen before the first activity of the period is folded."""
    partition = fresh(RULES)
    phase, period = RULES.phase_ms("ada"), RULES.churn.period_ms
    grid = -(-(day(5) - phase) // period) * period + phase
    partition.apply([act(grid - 3 * DAY_MS), act(grid - DAY_MS)])
    heads = partition.heads(["ada"]).copy()
    partition.take()
    partition.apply([act(grid + HOUR_MS), act(grid + 2 * HOUR_MS), WatermarkPassed(grid + period)])
    harvest = partition.take()
    rows = examples_of(harvest.outputs["examples"][0])
    opened, active, _, *row = next(found for found in rows if found[0] == grid)
    expected = features(heads, np.array([float(grid)]), float(RULES.churn.horizon_ms))[0]

    assert (opened, active) == (grid, 1.0)
    assert row == pytest.approx(expected.astype("<f4").tolist())
    assert len(row) == len(FEATURES)


def test_what_a_partition_does_is_what_the_reducer_says() -> None:
    """Fold and notice, run apart on the hot path, make the same state as the one step."""
    partition, history = fresh(RULES), [act(day(n), money_minor=100) for n in (0, 1, 1.1, 4)]
    partition.apply(history)
    state = decode(fresh(RULES)._users._before + bytes(8) + fresh(RULES)._users._after)
    state = state.having(PHASE=float(RULES.phase_ms("ada")))
    for signal in history:
        state = step(state, signal, RULES).state
    value = partition.value("ada")
    assert value is not None
    assert value[:RING_START] == encode(state)[:RING_START]
    assert decode(value).profile == state.profile


def test_silent_users_are_alerted_by_their_own_timers() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(n), user) for n in (0, 1) for user in ("ada", "bo")])
    partition.apply([WatermarkPassed(day(40))])
    counts = partition.take().counts

    assert counts["touches"] == 6
    assert counts["revocations"] == 0


def test_a_model_that_has_not_learned_enough_is_not_listened_to() -> None:
    scorer = ToldScorer(lambda silence: np.full_like(silence, 0.99))
    scorer.examples = 499
    partition = Partition(0, RULES, scorer)
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(20))])
    assert partition.take().counts["touches"] == 0

    partition.advance(day(21.5))  # the backstop: two thirds of H
    assert partition.take().counts["touches"] == 1


def test_a_tick_that_changes_nothing_writes_nothing() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0)), act(day(1))])
    partition.take()
    partition.advance(day(1.5))
    harvest = partition.take()

    assert (harvest.changelog, harvest.outputs) == ([], {})


def test_an_erased_user_leaves_a_tombstone_and_does_not_come_back_by_a_late_event() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0)), Erased("ada", day(1)), act(day(0.5))])
    harvest = partition.take()

    assert (b"ada", None) in harvest.changelog
    assert harvest.counts["skipped_erased"] == 1
    assert partition.users == 0
    partition.apply([act(day(60))])
    partition.take()
    assert partition.users == 0, "the erasure holds for 2H, counted by the watermark"
    partition.apply([act(day(62), "bo"), act(day(62))])
    assert partition.users == 2


def test_erasures_survive_a_restart_and_leave_a_tombstone_when_they_expire() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0)), Erased("ada", day(1))])
    records = {key: value for key, value in partition.take().changelog if value}
    again = fresh(RULES)
    again.restore(records)
    again.apply([act(day(2)), WatermarkPassed(day(2_000)), act(day(2_000), "bo")])
    changelog = dict(again.take().changelog)

    assert again.users == 1
    assert [changelog[key] for key in records if key.startswith(b"\0erased/")] == [None]


def test_state_of_another_layout_is_refused() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0))])
    records = {key: value for key, value in partition.take().changelog if value}
    old = msgspec.json.decode(records[PARTITION_KEY]) | {"layout": "another"}
    with pytest.raises(StateMismatchError, match="layout"):
        fresh(RULES).restore(records | {PARTITION_KEY: msgspec.json.encode(old)})


def test_a_consent_ahead_of_the_watermark_completes_no_example_twice() -> None:
    """Only an activity moves its user's timers ahead of the watermark."""
    rules = rules_of("churn: {horizon: 8d, min_active_days: 2}\nlateness: 6h\n")
    phase, period = rules.phase_ms("ada"), rules.churn.period_ms
    grid = -(-(day(9) - phase) // period) * period + phase
    consent = ConsentChanged("ada", grid + HOUR_MS, "sms", is_granted=True)
    worker = fresh(rules)
    worker.apply([act(grid - period - HOUR_MS), consent])
    before = worker.take()
    heir = fresh(rules)
    heir.restore({key: value for key, value in before.changelog if value})
    for survivor in (worker, heir):
        survivor.apply([WatermarkPassed(grid + period)])
    assert seen([before, worker.take()]) == seen([before, heir.take()])
    assert "examples" not in before.outputs


def test_a_flood_of_examples_fits_into_records() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0), str(number)) for number in range(6_000)])
    partition.apply([WatermarkPassed(day(59))])
    records = partition.take().outputs["examples"]

    assert len(records) > 1
    assert max(len(record.value) for record in records) < 900_000


def test_state_of_other_rules_is_refused() -> None:
    partition = fresh(RULES)
    partition.apply([act(day(0))])
    partition.applied = {"user-activity": 1}
    records = {key: value for key, value in partition.take().changelog if value}
    with pytest.raises(StateMismatchError, match="made with rules"):
        fresh(rules_of(churn="{horizon: 60d}")).restore(records)
    assert PARTITION_KEY in records


def test_a_changelog_without_users_is_taken_over_by_other_rules() -> None:
    idle = fresh(RULES)
    idle.applied = {"user-activity": 7}
    idle.advance(day(3))
    records = {key: value for key, value in idle.take().changelog if value}
    heir = fresh(rules_of(churn="{horizon: 60d}"))
    heir.restore(records)

    assert list(records) == [PARTITION_KEY]
    assert (heir.applied, heir.watermark_ms) == ({"user-activity": 7}, day(3))


def test_held_out_examples_weigh_more_only_while_an_exposure_lies_close() -> None:
    rules = rules_of(holdout="{share: 0.5, salt: b}")
    user = next(name for name in map(str, range(99)) if rules.is_held_out(name))
    partition = Partition(0, rules, ToldScorer(by_silence))
    visits = [act(day(n), user) for n in (-14, -7, 0, 1)]
    partition.apply([*visits, WatermarkPassed(day(100))])
    rows = examples_of(partition.take().outputs["examples"][0])
    exposed = decode(partition.value(user) or b"")[Column.EXPOSED_AT]

    assert {row[2] for row in rows if row[0] < day(3)} == {1.0}
    until = exposed + rules.carry_over_ms
    assert {row[2] for row in rows if exposed < row[0] < until} == {2.0}
    assert {row[2] for row in rows if row[0] > until} == {1.0}


def test_examples_of_treated_users_are_left_out() -> None:
    partition = fresh(PATIENT)
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(100))])
    rows = examples_of(partition.take().outputs["examples"][0])

    assert rows
    period = RULES.churn.period_ms / DAY_MS
    assert not [row[0] for row in rows if day(11 - period) <= row[0] < day(19 + 30)]
