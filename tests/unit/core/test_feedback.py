"""What senders and staff say of touches: late, twice, out of order, against each other."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.effects import CloseCase, Effect, Note, RevokeTouch
from streams.core.feedback import ARRIVED, Heard, heard
from streams.core.inputs import ConsentChanged, FeedbackReceived, OptedOut
from streams.core.interpret import FEEDBACK_STATUSES
from streams.core.journey_state import Case, OpenTouch, Profile, Reach
from streams.core.partition import Partition
from streams.core.state import Column, UserState, blank, decode
from streams.core.step import step
from tests.unit.core.stories import ADA, RULES, ToldScorer, act, by_silence, day, rules_of
from winback_sender.contract.words import OUTCOMES, STRENGTH

OUT = day(12)
TOUCH = OpenTouch("t1", "sms", OUT, day(14))
EXITS = ("returned", "replied", "handled")
BEFORE = 7
ONE_CHANNEL = rules_of('contact: {opt_out: channel, quiet_hours: {start: "00:00", end: "00:00"}}\n')


def out(
    *touches: OpenTouch, exits: tuple[str, ...] = EXITS, reach: Reach | None = None
) -> UserState:
    """Return the state of a user with touches out."""
    case = Case("c1", "care", "a", 1, "risk", is_held_out=False,
                touches=touches or (TOUCH,), exits=exits)  # fmt: skip
    profile = Profile(case=case, reach={} if reach is None else {"sms": reach}, treated_ms=BEFORE)
    return blank(0.0).having(profile, CASE_AT=float(day(11)), TREATED_AT=float(OUT))


def said(
    status: str, outcome: str = "", *, touch_id: str = "t1", channel: str = ""
) -> FeedbackReceived:
    return FeedbackReceived(ADA, day(12, 15), touch_id, status, outcome, channel)


def after(state: UserState, *words: FeedbackReceived) -> UserState:
    """Return the state after feedback."""
    for word in words:
        state, _ = heard(state, word, RULES)
    return state


def status_of(state: UserState) -> str:
    case = state.profile.case
    assert case is not None
    return case.touches[0].status


def notes(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.name for effect in effects if isinstance(effect, Note)]


def test_every_status_has_a_strength_and_every_outcome_belongs_to_a_status() -> None:
    assert set(STRENGTH) - FEEDBACK_STATUSES == {"requested", "revoked", "unaccepted", "unanswered"}
    assert set(STRENGTH) >= FEEDBACK_STATUSES
    assert set(OUTCOMES) <= FEEDBACK_STATUSES


def test_a_touch_goes_on_and_never_back() -> None:
    told = out()
    for status in ("accepted", "sent", "delivered", "clicked"):
        told, effects = heard(told, said(status), RULES)
        assert (status_of(told), effects) == (status, ())
    late, effects = heard(told, said("delivered"), RULES)
    assert (late, notes(effects)) == (told, [Heard.LATE])
    again, effects = heard(told, said("clicked"), RULES)
    assert (again, notes(effects)) == (told, [Heard.REPEATED])


@pytest.mark.parametrize("order", list(permutations(("accepted", "unknown", "sent", "delivered"))))
def test_the_order_in_which_words_come_does_not_matter(order: tuple[str, ...]) -> None:
    assert status_of(after(out(), *map(said, order))) == "delivered"


def test_unknown_stays_unknown_until_the_sender_says_more() -> None:
    unknown = after(out(), said("unknown", "interrupted"))
    assert status_of(unknown) == "unknown"
    assert unknown[Column.TREATED_AT] == OUT, "it may have left, so the user counts as treated"
    assert status_of(after(unknown, said("sent"))) == "sent"
    assert after(unknown, said("failed", "unsent"))[Column.TREATED_AT] == BEFORE


@pytest.mark.parametrize("outcome", ["hard", "soft", "unsent", "expired", ""])
def test_a_touch_that_failed_was_never_sent(outcome: str) -> None:
    told = after(out(), said("failed", outcome))
    assert told[Column.TREATED_AT] == BEFORE
    two = out(OpenTouch("t0", "sms", day(11), day(13)), TOUCH)
    assert after(two, said("failed", outcome))[Column.TREATED_AT] == day(11)


def test_failed_and_arrived_cannot_both_be_the_arrival_is_believed_and_it_is_counted() -> None:
    arrived = after(out(), said("delivered"))
    kept, effects = heard(arrived, said("failed", "hard"), RULES)
    assert (kept, notes(effects)) == (arrived, [Heard.CONTRADICTED])

    failed = after(out(), said("failed", "soft"))
    believed, effects = heard(failed, said("clicked"), RULES)
    assert (status_of(believed), notes(effects)) == ("clicked", [Heard.CONTRADICTED])
    assert believed[Column.TREATED_AT] == OUT, "whoever clicked was reached"


def test_feedback_on_a_touch_that_is_not_out_is_counted_and_changes_nothing() -> None:
    for state in (blank(0.0), out()):
        kept, effects = heard(state, said("delivered", touch_id="t9"), RULES)
        assert (kept, notes(effects)) == (state, [Heard.NO_TOUCH])


@pytest.mark.parametrize(
    ("status", "outcome", "closes"),
    [
        ("replied", "", True),
        ("handled", "reached", True),
        ("handled", "the company's own code", True),
        ("handled", "no_answer", False),
        ("handled", "busy", False),
        ("handled", "wrong_number", False),
        ("clicked", "", False),
        ("delivered", "", False),
    ],
)
def test_a_journey_ends_on_what_its_playbook_says_and_not_when_nobody_answered(
    status: str,
    outcome: str,
    closes: bool,  # noqa: FBT001  # a column
) -> None:
    told, effects = heard(out(), said(status, outcome), RULES)
    assert (told.profile.case is None) == closes
    assert [effect.closed.outcome for effect in effects if isinstance(effect, CloseCase)] == (
        [status] if closes else []
    )
    stays, _ = heard(out(exits=()), said(status, outcome), RULES)
    assert stays.profile.case is not None


def test_staff_may_reach_a_user_at_the_second_try() -> None:
    tried = after(out(), said("handled", "no_answer"))
    assert status_of(tried) == "unanswered"
    assert after(tried, said("handled", "promised")).profile.case is None


def test_a_reply_by_one_touch_takes_back_the_others() -> None:
    state = out(TOUCH, OpenTouch("t2", "wechat", day(12, 14), day(14)))
    _, effects = heard(state, said("replied"), RULES)
    assert [e.revocation.touch_id for e in effects if isinstance(e, RevokeTouch)] == ["t2"]


def test_hard_failures_in_a_row_end_the_channel_and_a_delivery_resets_them() -> None:
    touches = tuple(OpenTouch(f"t{n}", "sms", OUT + n, day(14)) for n in range(4))
    hard = [said("failed", "hard", touch_id=f"t{n}") for n in range(4)]
    once = after(out(*touches), hard[0])
    assert once.profile.reach["sms"] == Reach(failures=1)
    assert after(once, hard[0]) == once, "the same failure twice is one failure"
    assert after(once, hard[1]).profile.reach["sms"].is_dead

    soft = after(once, said("failed", "soft", touch_id="t1"))
    assert soft.profile.reach["sms"] == Reach(failures=1)
    fresh = after(once, said("delivered", touch_id="t1"), hard[2])
    assert fresh.profile.reach["sms"] == Reach(failures=1)
    assert not fresh.profile.reach.get("wechat")


def test_a_wrong_number_ends_the_channel_at_once_and_no_touch_was_made() -> None:
    told = after(out(reach=Reach(tokens=1)), said("handled", "wrong_number"))
    assert told.profile.reach["sms"] == Reach(failures=1, is_dead=True, tokens=1)
    assert told[Column.TREATED_AT] == BEFORE


def test_an_opt_out_ends_everything_even_when_the_case_is_long_closed() -> None:
    told, effects = heard(out(), said("opted_out"), RULES)
    assert told.profile.is_suppressed
    assert told.profile.consents == {"sms": False}
    assert [type(effect) for effect in effects] == [RevokeTouch, CloseCase]

    late = after(blank(0.0), said("opted_out", touch_id="t9"))
    assert late.profile.is_suppressed


def test_an_opt_out_of_somebody_of_whom_nothing_is_known_is_kept() -> None:
    """The state may have expired; the no has not. Other words on strangers are noise."""
    partition = Partition(0, RULES, ToldScorer(by_silence))
    partition.apply([said("delivered")])
    assert partition.value(ADA) is None
    partition.apply([said("opted_out")])
    value = partition.value(ADA)
    assert value is not None
    assert decode(value).profile.is_suppressed


def test_a_call_that_staff_have_on_their_list_is_taken_back_when_the_user_returns() -> None:
    for word in (said("accepted"), said("handled", "no_answer")):
        told = step(after(out(), word), act(day(13)), RULES)
        assert [e.revocation.touch_id for e in told.effects if isinstance(e, RevokeTouch)] == ["t1"]


def test_rules_may_take_an_opt_out_for_the_channel_alone() -> None:
    """A word that names no channel, directly or by its touch, is a no to all of them."""
    told, _ = heard(out(), said("opted_out", channel="wechat"), ONE_CHANNEL)
    assert not told.profile.is_suppressed
    assert told.profile.consents == {"sms": False}
    assert told.profile.case is None
    named, _ = heard(blank(0.0), said("opted_out", touch_id="t9", channel="sms"), ONE_CHANNEL)
    assert not named.profile.is_suppressed
    assert named.profile.consents == {"sms": False}
    nameless, _ = heard(blank(0.0), said("opted_out", touch_id="t9"), ONE_CHANNEL)
    assert nameless.profile.is_suppressed


def test_a_consent_that_is_withdrawn_takes_back_what_is_out_on_its_channel() -> None:
    state = out(TOUCH, OpenTouch("t2", "wechat", OUT, day(14)))
    for word in (
        ConsentChanged(ADA, day(12, 13), "sms", is_granted=False),
        OptedOut(ADA, day(12, 13), "sms"),
    ):
        told = step(state, word, RULES)
        assert [e.revocation.touch_id for e in told.effects] == ["t1"]
        assert told.state.profile.case is not None, "other channels are still allowed"
        assert step(told.state, word, RULES).effects == ()


def test_the_latest_word_on_a_channel_counts_whatever_the_order() -> None:
    """An older yes that comes late is no yes; of the same instant the no counts."""
    yes = ConsentChanged(ADA, day(3), "sms", is_granted=True)
    no = ConsentChanged(ADA, day(4), "sms", is_granted=False)
    for words in ((yes, no), (no, yes)):
        state = blank(0.0)
        for word in words:
            state = step(state, word, RULES).state
        assert state.profile.consents == {"sms": False}
    tie = msgspec.structs.replace(yes, event_time_ms=day(4))
    assert step(state, tie, RULES).state.profile.consents == {"sms": False}
    again = msgspec.structs.replace(yes, event_time_ms=day(5))
    assert step(state, again, RULES).state.profile.consents == {"sms": True}


def test_a_new_consent_brings_a_dead_channel_back() -> None:
    dead = out(reach=Reach(2, is_dead=True))
    told = step(dead, ConsentChanged(ADA, day(13), "sms", is_granted=True), RULES).state
    assert told.profile.reach["sms"] == Reach()


def test_a_no_beyond_what_is_kept_is_a_no_to_all() -> None:
    state = blank(0.0)
    for number in range(32):
        word = ConsentChanged(ADA, day(1), f"c{number}", is_granted=True)
        state = step(state, word, RULES).state
    noise = step(state, ConsentChanged(ADA, day(2), "c33", is_granted=True), RULES).state
    assert not noise.profile.is_suppressed
    assert step(state, OptedOut(ADA, day(2), "c33"), RULES).state.profile.is_suppressed


words = st.lists(
    st.builds(
        said,
        st.sampled_from(sorted(FEEDBACK_STATUSES - {"opted_out", "replied", "handled"})),
        st.sampled_from(("", "hard", "soft")),
    ),
    max_size=8,
)


@given(words)
def test_any_words_twice_and_in_any_order_leave_the_strongest(told: list[FeedbackReceived]) -> None:
    once = after(out(), *told)
    assert after(once, *told) == once
    assert STRENGTH[status_of(once)] == max((STRENGTH[w.status] for w in told), default=0)
    is_failed = status_of(once) == "failed"
    assert once[Column.TREATED_AT] == (BEFORE if is_failed else OUT)
    backwards = after(out(), *reversed(told))
    assert status_of(backwards) == status_of(once)
    if STRENGTH[status_of(once)] >= ARRIVED:
        assert not once.profile.reach.get("sms", Reach()).failures
