"""Touches that no sender takes: given up in event time, and believed when word comes."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.channels import EXPIRES_LATEST_MS
from streams.core.effects import Effect, Note, RecordUnaccepted, RevokeTouch
from streams.core.harvest import Harvest
from streams.core.inputs import ConsentChanged, FeedbackReceived, Input, WatermarkPassed
from streams.core.journey_state import Case, OpenTouch
from streams.core.messages import Episode, TouchUnaccepted
from streams.core.outbox import DECISIONS
from streams.core.partition import Partition
from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import default_playbooks
from streams.core.rules import fed
from streams.core.state import NEVER, Column, UserState, decode
from streams.core.step import Transition, step
from streams.core.time import DAY_MS
from streams.core.unheard import LEFT_MAX, UNACCEPTED, kept
from streams.rule_files import load_playbooks
from streams.runtime.topics import topics
from streams.settings import Settings
from tests.unit.core.stories import (
    ADA,
    RULES,
    ToldScorer,
    act,
    by_silence,
    day,
    run,
    scored,
    tell,
    timer,
)

WAIT_MS = DAY_MS
ROOT = Path(__file__).parents[3]
MARGIN_MS = DAY_MS
"""Retention is by segments and by the broker's clock: a day is never enough to lose by."""


def asked() -> UserState:
    """Return the state of a user whose first touch was requested on day 12, and no other is due."""
    told = tell(RULES, *(act(day(n)) for n in range(3)), scored(day(12), 0.9))
    return told.state.having(DUE=NEVER)


def touch_of(state: UserState) -> OpenTouch:
    case = state.profile.case
    touches = state.profile.left if case is None else case.touches
    return touches[0]


def given_up(effects: Sequence[Effect]) -> list[TouchUnaccepted]:
    return [effect.unaccepted for effect in effects if isinstance(effect, RecordUnaccepted)]


def at_end(state: UserState) -> Transition:
    """Let the timer of an unheard touch fire."""
    return step(state, timer(int(state[Column.UNHEARD])), RULES)


def word(state: UserState, status: str, outcome: str = "", at_ms: int = 0) -> FeedbackReceived:
    at_ms = at_ms or day(12, 13)
    return FeedbackReceived(ADA, at_ms, touch_of(state).touch_id, status, outcome, "")


def test_a_touch_is_given_up_a_stated_time_after_its_expiry() -> None:
    state = asked()
    touch = touch_of(state)
    assert state[Column.TREATED_AT] == touch.at_ms
    assert state[Column.UNHEARD] == touch.expires_ms + WAIT_MS

    told = at_end(state)
    (record,) = given_up(told.effects)
    assert (record.touch_id, record.channel, record.was) == (touch.touch_id, "wechat", "requested")
    assert record.is_void
    assert touch_of(told.state).status == UNACCEPTED
    assert told.state[Column.TREATED_AT] == 0.0, "for learning it was never sent"
    assert told.state.profile.case is not None, "the journey goes on"


@pytest.mark.parametrize("status", ["accepted", "unknown", "failed", "delivered"])
def test_any_word_of_a_sender_ends_the_waiting(status: str) -> None:
    state = step(asked(), word(asked(), status), RULES).state
    assert state[Column.UNHEARD] == NEVER


@pytest.mark.parametrize("status", ["unknown", "accepted", "delivered"])
def test_a_late_word_is_believed_and_all_is_as_if_it_had_come_in_time(status: str) -> None:
    state = asked()
    void = at_end(state).state
    late = step(void, word(state, status, at_ms=day(16)), RULES).state
    in_time = step(state, word(state, status), RULES).state
    assert touch_of(late).status == status
    assert late[Column.TREATED_AT] == in_time[Column.TREATED_AT] == touch_of(state).at_ms
    assert late.profile.exposure == in_time.profile.exposure


def test_a_late_word_of_failure_leaves_it_unsent() -> None:
    state = asked()
    late = step(at_end(state).state, word(state, "failed", "unsent", day(16)), RULES).state
    assert touch_of(late).status == "failed"
    assert late[Column.TREATED_AT] == 0.0


def test_a_log_that_is_fed_in_runs_faster_than_any_sender_so_nothing_is_given_up() -> None:
    patient = step(asked(), timer(int(asked()[Column.UNHEARD])), fed(RULES))
    assert given_up(patient.effects) == []
    assert patient.state[Column.UNHEARD] == NEVER
    partition = Partition(0, fed(RULES), ToldScorer(by_silence))
    harvests = run(partition, [*(act(day(n)) for n in range(3)), WatermarkPassed(day(90))])
    assert records(harvests, TouchUnaccepted) == []
    assert len(records(harvests, Episode)) == 1


def test_an_exposure_that_nobody_was_exposed_to_is_no_episode() -> None:
    partition = Partition(0, RULES, ToldScorer(by_silence))
    harvests = run(partition, [*(act(day(n)) for n in range(3)), WatermarkPassed(day(90))])
    assert len(records(harvests, TouchUnaccepted)) == 3
    assert records(harvests, Episode) == []
    assert sum(harvest.counts["exposure_void"] for harvest in harvests) == 1


def test_one_word_makes_it_an_episode() -> None:
    partition = Partition(0, RULES, ToldScorer(by_silence))
    run(partition, [*(act(day(n)) for n in range(3)), WatermarkPassed(day(14))])
    state = partition.value(ADA)
    assert state is not None
    heard = FeedbackReceived(ADA, day(14), first_touch(partition), "accepted", "", "")
    harvests = run(partition, [heard, WatermarkPassed(day(90))])
    assert len(records(harvests, Episode)) == 1
    assert len(records(harvests, TouchUnaccepted)) == 2


def test_a_closed_case_leaves_its_unheard_touches_and_nothing_else() -> None:
    """The user is back, the touch is taken back; no sender was there to say that it did not go."""
    state = asked()
    back = step(state, act(day(12, 18)), RULES)
    assert [type(e) for e in back.effects if isinstance(e, RevokeTouch)] == [RevokeTouch]
    assert back.state.profile.case is None
    assert [one.status for one in back.state.profile.left] == ["revoked"]
    assert back.state[Column.TREATED_AT] == touch_of(state).at_ms

    told = at_end(back.state)
    (record,) = given_up(told.effects)
    assert (record.was, record.case_id) == ("revoked", touch_of(back.state).case_id)
    assert told.state[Column.TREATED_AT] == 0.0
    late = step(told.state, word(told.state, "delivered"), RULES).state
    assert late[Column.TREATED_AT] == touch_of(state).at_ms
    assert late.profile.left == ()


def test_a_sender_that_honours_the_revocation_says_so_and_the_user_was_not_treated() -> None:
    back = step(asked(), act(day(12, 18)), RULES).state
    told = step(back, word(back, "failed", "unsent"), RULES)
    assert told.effects == ()
    assert (told.state[Column.TREATED_AT], told.state[Column.UNHEARD]) == (0.0, NEVER)
    again = step(told.state, word(back, "failed", "unsent"), RULES)
    assert [type(effect) for effect in again.effects] == [Note]


def test_an_opt_out_is_a_word_on_its_touch() -> None:
    told = step(asked(), word(asked(), "opted_out"), RULES).state
    assert told[Column.UNHEARD] == NEVER
    assert told[Column.TREATED_AT] == touch_of(asked()).at_ms


def test_a_touch_that_was_accepted_and_then_taken_back_was_heard_of() -> None:
    state = step(asked(), word(asked(), "accepted"), RULES).state
    no = ConsentChanged(ADA, day(12, 14), "wechat", is_granted=False)
    told = step(state, no, RULES)
    assert [type(effect) for effect in told.effects] == [RevokeTouch]
    assert told.state[Column.UNHEARD] == NEVER


def test_only_so_many_touches_of_closed_cases_are_kept() -> None:
    state = asked()
    case = state.profile.case
    assert isinstance(case, Case)
    many = [OpenTouch(f"t{n}", "sms", day(n), day(n + 1)) for n in range(LEFT_MAX + 2)]
    profile = kept(state.profile, case, many, day(20))
    assert [one.touch_id for one in profile.left] == [f"t{n}" for n in range(2, LEFT_MAX + 2)]
    assert profile.treated_ms == day(1), "one that is forgotten counts as sent"


@given(st.lists(st.integers(1, 40), max_size=4), st.booleans())
def test_replay_is_live_whatever_the_chunks(chunks: list[int], has_word: bool) -> None:  # noqa: FBT001  # drawn
    inputs: list[Input] = [act(day(n)) for n in range(3)]
    inputs += [WatermarkPassed(day(2 + n / 2)) for n in range(1, 60)]
    if has_word:
        inputs.insert(32, FeedbackReceived(ADA, day(17), "none", "accepted", "", ""))
    whole, cut = (Partition(0, RULES, ToldScorer(by_silence)) for _ in range(2))
    told, parts = run(whole, inputs), run(cut, inputs, chunks)
    assert whole.value(ADA) == cut.value(ADA)
    assert records(told, TouchUnaccepted) == records(parts, TouchUnaccepted)


def test_a_restored_partition_gives_up_at_the_same_instant() -> None:
    history = [*(act(day(n)) for n in range(3)), WatermarkPassed(day(14))]
    live, again = (Partition(0, RULES, ToldScorer(by_silence)) for _ in range(2))
    (harvest,) = run(live, history)
    again.restore({key: value for key, value in harvest.changelog if value is not None})
    later = [WatermarkPassed(day(60))]
    assert records(run(live, later), TouchUnaccepted) == records(run(again, later), TouchUnaccepted)


def test_the_topic_keeps_a_touch_longer_than_it_may_be_sent_and_waited_for() -> None:
    """A sender that was down finds every touch that is still good, and those it has to tell of."""
    books = list(default_playbooks())
    for path in (ROOT / "deploy/playbooks").glob("*.yaml"):
        books += load_playbooks([path], Known())
    steps = [step for book in books for variant in book.variants for step in variant.steps]
    longest_ms = max(step.expires_ms for step in steps)
    kept_ms = {
        topic.name: int(topic.configs["retention.ms"])
        for topic in topics(Settings())
        if "retention.ms" in topic.configs
    }
    for name in ("win-back", "win-back-feedback"):
        assert kept_ms[name] >= longest_ms + WAIT_MS + MARGIN_MS
    assert longest_ms <= EXPIRES_LATEST_MS


def first_touch(partition: Partition) -> str:
    value = partition.value(ADA)
    assert value is not None
    return touch_of(decode(value)).touch_id


def records(harvests: Sequence[Harvest], kind: type[msgspec.Struct]) -> list[msgspec.Struct]:
    tag = f'"type":"{kind.__struct_config__.tag}"'.encode()
    found = [one for harvest in harvests for one in harvest.outputs.get(DECISIONS, [])]
    return [msgspec.json.decode(one.value, type=kind) for one in found if tag in one.value]
