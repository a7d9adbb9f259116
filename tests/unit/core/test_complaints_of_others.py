"""What users of other systems complain about, each as a story that must go well here.

Collected from public issue trackers; every test names its source.
"""

from collections.abc import Iterable
from datetime import date, datetime, time

import msgspec
import pytest

from streams.core.effects import CloseCase, Effect, RecordDecision, RequestTouch, RevokeTouch
from streams.core.inputs import (
    Acted,
    FeedbackReceived,
    Input,
    OptedOut,
    Score,
    Terms,
    TraitsSet,
    Troubled,
)
from streams.core.journey_state import Reach
from streams.core.partition import Partition
from streams.core.quiet_hours import Closed, QuietHours, closed_until
from streams.core.rules import Rules
from streams.core.state import NEVER, Column, UserState
from streams.core.step import step
from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.core.stories import (
    ADA,
    RULES,
    ToldScorer,
    act,
    by_silence,
    day,
    rules_of,
    run,
    scored,
    tell,
    timer,
)
from tests.unit.core.test_verdict import GOOD, ruling_of

NIGHT = QuietHours(time(21), time(9))
NIGHTLY = rules_of(contact="{consent_default: granted, zone: UTC}")
COMES = (act(day(0)), act(day(1)), act(day(2)))
AT_RISK = (*COMES, scored(day(12), 0.8))
AT_NIGHT = (*COMES, scored(day(12, hour=23), 0.8))


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


def touches(effects: Iterable[Effect]) -> list[str]:
    """Return the ids of the touches that are asked for."""
    return [effect.touch.touch_id for effect in effects if isinstance(effect, RequestTouch)]


def reasons(effects: Iterable[Effect]) -> list[str]:
    return [effect.decision.reason for effect in effects if isinstance(effect, RecordDecision)]


def through(
    state: UserState, signals: Iterable[Input], rules: Rules
) -> tuple[UserState, list[Effect]]:
    """Return the last state and all effects."""
    effects: list[Effect] = []
    for signal in signals:
        state, made = step(state, signal, rules)
        effects += made
    return state, effects


# -- Duplicates


def test_two_runs_in_the_same_second_send_one_message() -> None:
    """Mautic #3669: cron jobs that start in the same second each send the e-mail."""
    told = tell(RULES, *AT_RISK)
    assert len(touches(told.effects)) == 1
    again = (scored(day(12), 0.8), timer(day(12)), scored(day(12), 0.9), timer(day(12)))
    assert not touches(through(told.state, again, RULES)[1])


@pytest.mark.parametrize("chunks", [(), (1, 1, 1, 1, 1, 1), (4, 2)])
def test_two_events_in_the_same_second_make_one_touch(chunks: tuple[int, ...]) -> None:
    """Novu #2569: two events in one second and a digest make two e-mails."""
    pair = [
        Acted(ADA, f"twin-{number}", day(20), 1.0, is_risky=True, trigger="complaint")
        for number in range(2)
    ]
    rules = rules_of(
        playbooks="""
- {name: answer, match: {triggers: [complaint]}, steps: [{channel: sms, template_key: sorry}]}
"""
    )
    partition = Partition(0, rules, ToldScorer(by_silence))
    harvests = run(partition, [*COMES, *pair, act(day(21))], chunks)
    records = [record for harvest in harvests for record in harvest.outputs.get("touches", ())]
    asked = [msgspec.json.decode(record.value) for record in records]
    assert [message["type"] for message in asked].count("touch.requested") == 1


def test_what_waited_for_the_morning_leaves_once() -> None:
    """Mautic #8802 and #6505: after a restriction by weekday the message goes every minute.

    Novu #1633 and #12373: a delayed digest is sent N times, or merges with itself and is lost.
    """
    told = tell(NIGHTLY, *AT_NIGHT)
    assert reasons(told.effects) == ["quiet_hours"]
    morning = day(13, hour=9)
    assert told.state[Column.DUE] == morning
    ticks = [timer(morning + minute * MINUTE_MS) for minute in range(180)]
    state, effects = told.state, []
    for tick in ticks:
        if state[Column.DUE] <= tick.event_time_ms:
            state, made = step(state, tick, NIGHTLY)
            effects += made
    assert len(touches(effects)) == 1
    assert reasons(effects) == ["send"]


def test_a_queue_that_is_worked_off_twice_says_the_same() -> None:
    """Mautic #13070: messages in the queue are sent several times. Ours have the same id then."""
    state = tell(NIGHTLY, *AT_NIGHT).state
    first, second = (step(state, timer(day(13, hour=9)), NIGHTLY) for _ in range(2))
    assert first == second
    assert len(touches(first.effects)) == 1


def test_one_failing_contact_is_not_sent_again_and_stops_nobody_else() -> None:
    """Mautic #7226: one address that bounces makes the whole batch go out again and again."""
    told = tell(RULES, *AT_RISK)
    (touch_id,) = touches(told.effects)
    words = [FeedbackReceived(ADA, day(12, 13), touch_id, "failed", "hard") for _ in range(5)]
    state, effects = through(told.state, words, RULES)
    assert not touches(effects)
    assert state[Column.DUE] == told.state[Column.DUE], "the journey goes on with its next step"


def test_feedback_that_is_delivered_twice_counts_once() -> None:
    """Dittofeed #401: statistics needed a dedupe by message id."""
    told = tell(RULES, *AT_RISK)
    (touch_id,) = touches(told.effects)
    words = [FeedbackReceived(ADA, day(12, 13), touch_id, "failed", "hard")] * 2
    state, _ = through(told.state, words, RULES)
    assert state.profile.reach["wechat"] == Reach(failures=1)


# -- Frequency rules


def test_three_a_week_has_room_again_one_week_after_the_first() -> None:
    """Mautic #4761: with "3 per week" the fourth was put off for three weeks."""
    rules = rules_of(
        contact="""
  {consent_default: granted, zone: UTC, quiet_hours: [], caps: [{touches: 3, per: 7d}]}"""
    )
    first = day(3)
    contacts = tuple((first + number * DAY_MS, "sms") for number in range(3))
    contact = msgspec.structs.replace(GOOD, contacts=contacts, decided_at_ms=first + 7 * DAY_MS)
    assert ruling_of(contact, first + 7 * DAY_MS - 1, rules.contact) == "frequency_capped"
    assert ruling_of(contact, first + 7 * DAY_MS, rules.contact) == "send"


def test_each_channel_has_its_own_frequency_rule() -> None:
    """Mautic #4761: SMS went by the defaults of e-mail."""
    rules = rules_of(
        contact="{consent_default: granted, zone: UTC, quiet_hours: [], caps: []}",
        channels="""{sms: {hours: always, caps: [{touches: 1, per: 7d}]},
  email: {caps: [{touches: 3, per: 7d}]}}""".replace("\n", " "),
    )
    contacts = ((day(8), "sms"), (day(8), "email"))
    for channel, ruling in (("sms", "frequency_capped"), ("email", "send")):
        contact = msgspec.structs.replace(GOOD, channel=channel, contacts=contacts)
        assert ruling_of(contact, day(10), rules.contact) == ruling


def test_a_journey_obeys_the_frequency_rule() -> None:
    """Mautic #6729: campaigns ignored it. #1784: the pressure counts per profile, over all."""
    steps = ", ".join(
        f"{{channel: {channel}, template_key: t, wait: {number}d}}"
        for number, channel in enumerate(("email", "sms", "push", "email", "sms"))
    )
    rules = rules_of(
        playbooks=f"[{{name: many, steps: [{steps}]}}]",
        contact="{consent_default: granted, zone: UTC, quiet_hours: []}",
    )
    told = tell(rules, *AT_RISK)
    state, effects = told.state, list(told.effects)
    while state[Column.DUE] != NEVER:
        state, made = step(state, timer(int(state[Column.DUE])), rules)
        effects += made
    assert len(touches(effects)) == 3
    assert reasons(effects) == ["send"] * 3 + ["frequency_capped"] * 2


def test_an_answer_to_a_complaint_is_not_held_back_by_the_risk() -> None:
    """Mautic #6760: the mended frequency rule held back messages that are no marketing."""
    contact = msgspec.structs.replace(GOOD, probability=0.0, is_instant=True)
    assert ruling_of(contact) == "send"


# -- Zones, quiet hours, clock changes


def test_a_clock_change_does_not_move_the_hours() -> None:
    """Mautic #10612: a change to summer time breaks ranges of hours."""
    closed = Closed((), (NIGHT,), (QuietHours(time(20), time(8)),))
    for before, opens in (
        ("2026-03-28T23:00+01:00", "2026-03-29T09:00+02:00"),
        ("2026-10-24T23:00+02:00", "2026-10-25T09:00+01:00"),
    ):
        found = closed_until(ms(before), "Europe/Berlin", closed)
        assert found is not None
        assert found[0] == ms(opens)


@pytest.mark.parametrize(
    "at", ["2026-09-11T23:13+09:00", "2026-09-12T00:30+09:00", "2026-09-12T08:59+09:00"]
)
def test_a_user_ahead_of_utc_is_written_to_at_nine(at: str) -> None:
    """Mautic #17283: with Asia/Tokyo and a rule of weekdays it went out at 18:13, not 09:00."""
    found = closed_until(ms(at), "Asia/Tokyo", Closed(quiet=(NIGHT,)))
    assert found is not None
    assert found[0] == ms("2026-09-12T09:00+09:00")


def test_the_zone_is_the_user_s_own_not_the_company_s() -> None:
    """Mautic #7665, #2824, #10170; Laudspeaker: one offset for the whole workspace."""
    at_home = tell(NIGHTLY, *AT_RISK)
    assert reasons(at_home.effects) == ["send"], "it is noon for the company"
    abroad = tell(NIGHTLY, TraitsSet(ADA, day(0), "Pacific/Honolulu"), *AT_RISK)
    assert reasons(abroad.effects) == ["quiet_hours"]
    assert abroad.state[Column.DUE] == ms("2017-01-13T09:00-10:00")


def test_the_hour_after_midnight_is_quiet() -> None:
    """Laudspeaker: 00:30 prints as 24:30, so 00:00 to 00:59 UTC is never quiet."""
    for zone in ("UTC", "Asia/Shanghai"):
        midnight = ms("2017-06-02T00:00+00:00") - (8 * HOUR_MS if zone == "Asia/Shanghai" else 0)
        for minute in range(60):
            found = closed_until(midnight + minute * MINUTE_MS, zone, Closed(quiet=(NIGHT,)))
            assert found is not None
            assert found[0] == midnight + 9 * HOUR_MS


def test_a_window_that_spans_midnight_of_utc_is_one_window() -> None:
    """Laudspeaker: a window over midnight of UTC has a hole in it."""
    morning = Closed(quiet=(QuietHours(time(6), time(10)),))  # 22:00 to 02:00 UTC in Shanghai
    start, end = ms("2017-06-01T22:00+00:00"), ms("2017-06-02T02:00+00:00")
    for at_ms in range(start, end, 10 * MINUTE_MS):
        found = closed_until(at_ms, "Asia/Shanghai", morning)
        assert found is not None
        assert found[0] == end


def test_later_steps_obey_the_hours_as_well() -> None:
    """Mautic #7676: the restriction is ignored after a decision."""
    told = tell(NIGHTLY, *COMES, scored(day(12, hour=20), 0.8))
    assert reasons(told.effects) == ["send"]
    later = step(told.state, timer(day(15, hour=22)), NIGHTLY)
    assert reasons(later.effects) == ["quiet_hours"]


def test_holidays_can_be_told() -> None:
    """Mautic #539: a wish for office hours and holidays."""
    closed = Closed((date(2026, 2, 17), date(2026, 2, 18)), (NIGHT,))
    found = closed_until(ms("2026-02-17T12:00+08:00"), "Asia/Shanghai", closed)
    assert found == (ms("2026-02-19T09:00+08:00"), "holiday")


# -- Journeys


def test_what_waits_is_asked_again_before_it_leaves() -> None:
    """DeltaLLM #260: eligibility must be checked again when a deferred message is released."""
    waiting = tell(NIGHTLY, *AT_NIGHT).state
    morning = day(13, hour=9)
    gone = step(waiting, OptedOut(ADA, day(13, hour=1)), NIGHTLY)
    assert gone.state.profile.case is None
    no_wechat = step(waiting, OptedOut(ADA, day(13, hour=1), "wechat"), NIGHTLY).state
    assert reasons(step(no_wechat, timer(morning), NIGHTLY).effects) == ["no_consent"]
    eased = step(waiting, timer(morning, reach=0.1), NIGHTLY)
    assert reasons(eased.effects) == ["risk_eased"]


def test_a_playbook_that_was_paused_sends_nothing_from_the_queue() -> None:
    """Mautic #4761: messages that had been unpublished still left the queue."""
    waiting = tell(NIGHTLY, *AT_NIGHT).state
    terms = Terms("live", paused=frozenset({"pause/playbook/member_care"}))
    paused = msgspec.structs.replace(timer(day(13, hour=9)), terms=terms)
    told = step(waiting, paused, NIGHTLY)
    assert reasons(told.effects) == ["paused"]
    assert not touches(told.effects)


def test_who_comes_back_and_goes_again_is_a_new_case() -> None:
    """Dittofeed #958: "run multiple times" does not run again unless the segment is left."""
    told = tell(RULES, *AT_RISK, act(day(14)))
    again = tell(
        RULES, *(act(day(20 + n)) for n in range(3)), scored(day(35), 0.9), state=told.state
    )
    assert len(touches(again.effects)) == 1


def test_a_cart_left_behind_is_answered_and_a_purchase_ends_it() -> None:
    """Dittofeed #1463: entry by an event and a wait for another one cannot be combined."""
    rules = rules_of(
        playbooks="""
- name: cart
  match: {triggers: [cancellation]}
  exit: [converted]
  steps: [{channel: email, template_key: help}, {channel: sms, template_key: offer, wait: 1d}]
""",
        contact="{consent_default: granted, zone: UTC, quiet_hours: []}",
    )
    left = act(day(12))
    trouble = Troubled(ADA, day(12), "cancellation", Score(0.2, "told_v1", 1_000), Terms("live"))
    told = tell(rules, *COMES, left, trouble)
    assert len(touches(told.effects)) == 1
    browses = step(told.state, act(day(12, 13)), rules)
    assert browses.state.profile.case is not None, "only a purchase ends this journey"
    buys = step(browses.state, act(day(12, 14), money_minor=100), rules)
    assert [e.closed.outcome for e in buys.effects if isinstance(e, CloseCase)] == ["converted"]
    assert [e.revocation.reason for e in buys.effects if isinstance(e, RevokeTouch)] == [
        "converted"
    ]


def test_an_exit_does_not_wait_for_the_step_to_end() -> None:
    """Customer.io and Braze: the exit is asked at the next step, and what is out stays out."""
    told = tell(RULES, *AT_RISK)
    back = step(told.state, act(day(12, hour=12.01)), RULES)
    assert [
        effect.revocation.touch_id for effect in back.effects if isinstance(effect, RevokeTouch)
    ] == (touches(told.effects))
