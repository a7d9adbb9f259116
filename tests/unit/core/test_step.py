"""Stories of one user, told to the reducer."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.effects import (
    CloseCase,
    Effect,
    ForgetUser,
    RecordDecision,
    RecordRisk,
    RequestTouch,
    RevokeTouch,
)
from streams.core.inputs import (
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    OptedOut,
    TraitsSet,
    WatermarkPassed,
)
from streams.core.lifecycle import Stage
from streams.core.state import NEVER, Column, blank, decode, encode
from streams.core.step import step
from streams.core.time import DAY_MS
from tests.unit.core.stories import ADA, RULES, act, day, rules_of, scored, tell, timer

COMES = (act(day(0)), act(day(1)), act(day(2)))


def kinds(effects: tuple[Effect, ...]) -> list[type]:
    """Return what was asked for, but for the word that the risk moved."""
    return [type(effect) for effect in effects if not isinstance(effect, RecordRisk)]


def reasons(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.decision.reason for effect in effects if isinstance(effect, RecordDecision)]


def test_a_high_risk_opens_a_case_and_asks_for_the_first_touch_at_once() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8))

    assert kinds(told.effects) == [RecordDecision, RequestTouch]
    touch = told.effects[1].touch
    assert (touch.step, touch.steps_total, touch.channel) == (1, 4, "wechat")
    assert len(touch.touch_id) == 32
    assert touch.user.lifecycle_stage == "at_risk"
    assert told.state[Column.DUE] == day(15)


def test_the_touches_of_a_playbook_follow_each_other_until_it_is_exhausted() -> None:
    told, channels = tell(RULES, *COMES, scored(day(12), 0.8)), []
    while told.state[Column.DUE] != NEVER:
        told = step(told.state, timer(int(told.state[Column.DUE])), RULES)
        channels += [e.touch.channel for e in told.effects if isinstance(e, RequestTouch)]

    assert channels == ["sms", "call"]
    assert told.effects[-1].closed.outcome == "exhausted"
    assert told.state.profile.case is None


def test_a_return_takes_back_the_touch_that_may_not_have_left() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8), act(day(12.5)))

    assert kinds(told.effects) == [RevokeTouch, CloseCase]
    assert told.effects[1].closed.outcome == "returned"
    assert told.state.profile.stage is Stage.WON_BACK
    assert step(told.state, act(day(13)), RULES).state.profile.stage is Stage.ACTIVE


def test_a_touch_that_was_delivered_is_not_revoked() -> None:
    asked = tell(RULES, *COMES, scored(day(12), 0.8))
    touch_id = asked.effects[1].touch.touch_id
    heard = FeedbackReceived(ADA, day(12, 13), touch_id, "delivered")
    told = tell(RULES, heard, act(day(12.9)), state=asked.state)

    assert kinds(told.effects) == [CloseCase]


def test_a_touch_known_to_have_failed_is_no_treatment() -> None:
    asked = tell(RULES, *COMES, scored(day(12), 0.8))
    assert asked.state[Column.TREATED_AT] == day(12)
    failed = FeedbackReceived(ADA, day(12, 13), asked.effects[1].touch.touch_id, "failed")

    assert step(asked.state, failed, RULES).state[Column.TREATED_AT] == 0.0


def test_no_case_is_opened_again_in_the_same_silence_nor_before_the_cool_down() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8), act(day(13)), scored(day(14), 0.9))
    assert told.state.profile.case is None

    later = tell(RULES, act(day(14)), scored(day(22), 0.9), state=told.state)
    assert later.state.profile.case is not None


def test_hysteresis_keeps_the_band_between_exit_and_entry() -> None:
    high = tell(RULES, *COMES, scored(day(12), 0.5)).state
    assert step(high, scored(day(13), 0.4), RULES).state[Column.BAND] == 2.0
    assert step(high, scored(day(13), 0.3), RULES).state[Column.BAND] == 1.0
    fresh = tell(RULES, *COMES, scored(day(12), 0.4)).state
    assert fresh[Column.BAND] == 1.0
    assert fresh.profile.stage is Stage.SLIPPING


def test_a_risk_that_has_eased_stops_the_journey_at_the_next_release() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8), timer(day(15), 0.1))

    assert reasons(told.effects) == ["risk_eased"]
    assert told.state.profile.case is None


def test_unknown_consent_is_a_no() -> None:
    rules = rules_of("churn: {min_active_days: 2}\nholdout: {share: 0.0}\n")
    told = tell(rules, *COMES, scored(day(12), 0.8))

    assert reasons(told.effects) == ["no_consent"]
    assert RequestTouch not in kinds(told.effects)


def test_consent_for_one_channel_reaches_the_step_of_that_channel() -> None:
    rules = rules_of(contact="{zone: UTC, quiet_hours: {start: '00:00', end: '00:00'}}")
    said_yes = ConsentChanged(ADA, day(3), "sms", is_granted=True)
    told = tell(rules, *COMES, said_yes, scored(day(12, 4), 0.8))
    told = step(told.state, timer(int(told.state[Column.DUE])), rules)

    assert [e.touch.channel for e in told.effects if isinstance(e, RequestTouch)] == ["sms"]


def test_who_opted_out_is_never_touched_again() -> None:
    told = tell(RULES, *COMES, OptedOut(ADA, day(3)), scored(day(12), 0.9))
    assert reasons(told.effects) == ["suppressed"]

    out = tell(RULES, *COMES, scored(day(12), 0.9), OptedOut(ADA, day(12, 14)))
    assert kinds(out.effects) == [RevokeTouch, CloseCase]


def test_the_holdout_is_decided_and_recorded_but_not_touched() -> None:
    rules = rules_of(holdout="{share: 0.999999}")
    told = tell(rules, *COMES, scored(day(12), 0.8))

    assert reasons(told.effects) == ["holdout"]
    assert told.state[Column.EXPOSED_AT] == day(12)
    assert told.state[Column.TREATED_AT] == 0.0
    assert told.state.profile.contacts == ((day(12), "wechat"),)


def test_quiet_hours_put_the_touch_off_until_morning_in_the_users_zone() -> None:
    rules = rules_of(
        contact="{consent_default: granted, quiet_hours: {start: '21:00', end: '09:00'}}"
    )
    zone = TraitsSet(ADA, day(3), zone="Asia/Shanghai")
    told = tell(rules, *COMES, zone, scored(day(12, 22), 0.8))  # 06:00 in Shanghai

    assert reasons(told.effects) == ["quiet_hours"]
    assert told.state[Column.DUE] == day(13, 1)
    morning = step(told.state, timer(day(13, 1)), rules)
    assert RequestTouch in kinds(morning.effects)


def test_a_touch_that_was_put_off_for_too_long_is_stale() -> None:
    rules = rules_of(
        contact="{consent_default: granted, zone: UTC, stale_after: 6h,"
        " quiet_hours: {start: '21:00', end: '09:00'}}"
    )
    told = tell(rules, *COMES, scored(day(12, 22), 0.8))
    morning = step(told.state, timer(int(told.state[Column.DUE])), rules)
    noon = step(morning.state, timer(day(16, 12)), rules)

    assert reasons(morning.effects) == ["stale"]
    assert reasons(noon.effects) == ["send"], "the next step is decided anew"


def test_consents_are_bounded() -> None:
    said = [ConsentChanged(ADA, day(3), f"channel{n}", is_granted=True) for n in range(99)]
    assert len(tell(RULES, *COMES, *said).state.profile.consents) == 32


def test_the_frequency_cap_is_rolling() -> None:
    rules = rules_of(
        contact="{consent_default: granted, zone: UTC, caps: [{touches: 1, per: 4d}],"
        " quiet_hours: {start: '00:00', end: '00:00'}}"
    )
    told = tell(rules, *COMES, scored(day(12), 0.8))
    second = step(told.state, timer(day(15)), rules)
    third = step(second.state, timer(day(20)), rules)

    assert reasons(second.effects) == ["frequency_capped"]
    assert reasons(third.effects) == ["send"]


def test_the_silence_backstop_alerts_whatever_the_model_says() -> None:
    told = tell(RULES, *COMES, scored(day(22), 0.01, is_backstop=True))

    assert RequestTouch in kinds(told.effects)
    assert told.effects[0].decision.trigger == "silence"


def test_silence_moves_a_user_to_lapsed_and_gone() -> None:
    lapsed = tell(RULES, *COMES, timer(day(32))).state
    gone = step(lapsed, timer(day(62)), RULES).state

    assert (lapsed.profile.stage, gone.profile.stage) == (Stage.LAPSED, Stage.GONE)
    assert step(gone, act(day(70)), RULES).state.profile.stage is Stage.WON_BACK


def test_a_repeated_event_id_changes_nothing() -> None:
    once = tell(RULES, *COMES)
    assert step(once.state, COMES[1], RULES).state == once.state


def test_an_activity_older_than_the_last_one_is_no_return() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8), act(day(1, 13)))
    assert told.effects == ()
    assert told.state.profile.case is not None


def test_an_erased_user_takes_every_promise_along() -> None:
    told = tell(RULES, *COMES, scored(day(12), 0.8), Erased(ADA, day(12, 13)))
    assert kinds(told.effects) == [RevokeTouch, CloseCase, ForgetUser]


def test_the_touch_id_is_the_same_in_every_run() -> None:
    once, again = (tell(RULES, *COMES, scored(day(12), 0.8)).effects for _ in range(2))
    assert once == again


instants = st.integers(0, 120)
signals = st.one_of(
    instants.map(lambda number: act(day(number))),
    st.builds(lambda number, p: scored(day(number), p), instants, st.floats(0, 1)),
    st.builds(
        lambda number, c, yes: ConsentChanged(ADA, day(number), c, yes),
        instants,
        st.sampled_from(["sms", "wechat", "call"]),
        st.booleans(),
    ),
    instants.map(lambda number: WatermarkPassed(day(number))),
    st.sampled_from([OptedOut(ADA, day(50)), TraitsSet(ADA, day(9), "UTC", "ad")]),
)


@given(st.lists(signals, max_size=40))
def test_touches_keep_the_cap_and_the_bytes_keep_the_state(history: list[Input]) -> None:
    """Whatever happens, in time order: never more than three touches in fourteen days."""
    state, sent = blank(0.0), []
    for signal in sorted(history, key=lambda signal: signal.event_time_ms):
        while state[Column.DUE] <= signal.event_time_ms:
            state, effects = step(state, timer(int(state[Column.DUE])), RULES)
            sent += [e.at_ms for e in effects if isinstance(e, RequestTouch)]
        state, effects = step(state, signal, RULES)
        sent += [e.at_ms for e in effects if isinstance(e, RequestTouch)]
        assert decode(encode(state)) == state
    for at_ms in sent:
        assert sum(at_ms - 14 * DAY_MS < other <= at_ms for other in sent) <= 3
