"""The law of contact: each rule alone, the order of all, and the borders of the windows."""

from datetime import date, time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.channels import Cap, Channel
from streams.core.controls import Mode
from streams.core.journey_state import Reach
from streams.core.quiet_hours import Closed, QuietHours
from streams.core.rulings import Ruling
from streams.core.time import DAY_MS, HOUR_MS
from streams.core.verdict import Contact, ContactPolicy, Defer, Refuse, Send, may_contact
from tests.unit.core.stories import day

NIGHT = QuietHours(time(21), time(9))
NOON = day(10)
MIDNIGHT = day(10, hour=0)

CLOSED = Closed(quiet=(NIGHT,))
SMS = Channel(cost_minor=5.0, caps=(Cap(2, 7 * DAY_MS),), closed=CLOSED)
WECHAT = Channel(is_recorded=True, closed=CLOSED)
CALL = Channel(kind="person", closed=Closed((), (NIGHT,), (QuietHours(time(17), time(10)),)))
PUSH = Channel(closed=Closed((date(2017, 1, 11),), (NIGHT,)))
POLICY = ContactPolicy(
    is_consent_assumed=False,
    caps=(Cap(3, 14 * DAY_MS),),
    quiet=NIGHT,
    stale_after_ms=DAY_MS,
    exit_probability=0.35,
    channels={"sms": SMS, "wechat": WECHAT, "call": CALL, "push": PUSH},
    other=Channel(closed=CLOSED),
)
GOOD = Contact(
    channel="sms",
    consent=True,
    is_suppressed=False,
    is_held_out=False,
    zone="UTC",
    contacts=(),
    probability=0.8,
    decided_at_ms=NOON,
    is_backstop=False,
)


def ruling_of(contact: Contact, now_ms: int = NOON, policy: ContactPolicy = POLICY) -> Ruling:
    """Return what the verdict rests on."""
    verdict = may_contact(contact, now_ms, policy)
    return Ruling.SEND if isinstance(verdict, Send) else verdict.reason


def but(**changes: object) -> Contact:
    """Return the good contact with changes."""
    return msgspec.structs.replace(GOOD, **changes)


HINDRANCES: dict[Ruling, dict[str, object]] = {
    Ruling.STOPPED: {"is_stopped": True},
    Ruling.PAUSED: {"is_paused": True},
    Ruling.SUPPRESSED: {"is_suppressed": True},
    Ruling.NO_CONSENT: {"consent": None},
    Ruling.CHANNEL_DEAD: {"reach": Reach(2, is_dead=True)},
    Ruling.RISK_EASED: {"probability": 0.34},
    Ruling.NOT_PERSUADABLE: {"uplift": (-0.05, 0.01)},
    Ruling.FREQUENCY_CAPPED: {"contacts": ((NOON - 2, "sms"), (NOON - 1, "sms"))},
    Ruling.CAPACITY: {"has_place": False},
    Ruling.QUIET_HOURS: {"zone": "Pacific/Honolulu"},
    Ruling.STALE: {"decided_at_ms": NOON - DAY_MS - 1},
    Ruling.HOLDOUT: {"is_held_out": True},
    Ruling.OBSERVED: {"mode": Mode.OBSERVE},
}
"""What keeps a touch from leaving, in the order in which the rules speak."""


@pytest.mark.parametrize("ruling", HINDRANCES)
def test_each_rule_speaks_by_itself(ruling: Ruling) -> None:
    assert may_contact(GOOD, NOON, POLICY) == Send()
    assert ruling_of(but(**HINDRANCES[ruling])) is ruling


@given(st.sets(st.sampled_from(list(HINDRANCES)), min_size=1))
def test_of_several_rules_the_first_speaks(rulings: set[Ruling]) -> None:
    """Law before sense, sense before measure, the clock after that, the experiment last."""
    changes: dict[str, object] = {}
    for ruling in rulings:
        changes |= HINDRANCES[ruling]
    first = next(ruling for ruling in HINDRANCES if ruling in rulings)
    assert ruling_of(but(**changes)) is first


def test_the_catalogue_is_in_the_order_of_the_rules() -> None:
    order = [ruling for ruling in Ruling if ruling in HINDRANCES]
    assert order == list(HINDRANCES)


def test_unknown_consent_is_what_the_rules_say_and_a_no_is_a_no() -> None:
    granted = msgspec.structs.replace(POLICY, is_consent_assumed=True)
    assert ruling_of(but(consent=None), NOON, granted) is Ruling.SEND
    assert ruling_of(but(consent=False), NOON, granted) is Ruling.NO_CONSENT


@pytest.mark.parametrize(
    ("reach", "ruling"),
    [
        (None, Ruling.NO_PERMISSION),
        (Reach(), Ruling.NO_PERMISSION),
        (Reach(tokens=1), Ruling.SEND),
        (Reach(open_until_ms=NOON + 1), Ruling.SEND),
        (Reach(open_until_ms=NOON), Ruling.NO_PERMISSION),
        (Reach(is_dead=True, tokens=1), Ruling.CHANNEL_DEAD),
    ],
)
def test_wechat_needs_a_token_or_an_open_window(reach: Reach | None, ruling: Ruling) -> None:
    contact = but(channel="wechat", reach=reach)
    assert ruling_of(contact) is ruling
    free = msgspec.structs.replace(POLICY, channels={"wechat": Channel(closed=CLOSED)})
    if ruling is Ruling.NO_PERMISSION:
        assert ruling_of(contact, NOON, free) is Ruling.SEND


@pytest.mark.parametrize(
    ("uplift", "ruling"),
    [
        (None, Ruling.SEND),  # nothing is known yet
        ((0.0, 0.5), Ruling.SEND),  # next to nothing is known
        ((-0.02, 0.03), Ruling.SEND),  # it may as well help
        ((-0.02, 0.01), Ruling.NOT_PERSUADABLE),  # it harms
        ((0.0, 0.0), Ruling.NOT_PERSUADABLE),  # it is worth nothing
        ((0.05, 0.01), Ruling.SEND),
    ],
)
def test_contact_that_is_in_vain_is_spared_unless_it_is_to_be_learned(
    uplift: tuple[float, float] | None, ruling: Ruling
) -> None:
    assert ruling_of(but(uplift=uplift)) is ruling
    assert ruling_of(but(uplift=uplift, explores=True)) is Ruling.SEND
    assert ruling_of(but(uplift=uplift, is_instant=True)) is Ruling.SEND


def test_an_answer_to_a_complaint_is_no_matter_of_risk_but_of_law() -> None:
    answer = but(is_instant=True, probability=0.01)
    assert ruling_of(answer) is Ruling.SEND
    for ruling, changes in HINDRANCES.items():
        if ruling not in {Ruling.RISK_EASED, Ruling.NOT_PERSUADABLE}:
            assert ruling_of(msgspec.structs.replace(answer, **changes)) is ruling


def test_the_backstop_does_not_ask_the_model() -> None:
    assert ruling_of(but(probability=0.01, is_backstop=True)) is Ruling.SEND
    assert ruling_of(but(probability=0.35)) is Ruling.SEND


@pytest.mark.parametrize(
    ("ago_ms", "ruling"), [(14 * DAY_MS - 1, Ruling.FREQUENCY_CAPPED), (14 * DAY_MS, Ruling.SEND)]
)
def test_a_cap_is_a_rolling_window_that_is_open_at_its_far_end(ago_ms: int, ruling: Ruling) -> None:
    """Three in two weeks: exactly two weeks after the first there is room for the fourth."""
    contacts = ((NOON - ago_ms, "call"), (NOON - 2, "wechat"), (NOON - 1, "call"))
    assert ruling_of(but(contacts=contacts)) is ruling


def test_caps_count_all_channels_and_each_on_its_own() -> None:
    two_by_sms = ((NOON - 6 * DAY_MS, "sms"), (NOON - HOUR_MS, "sms"))
    assert ruling_of(but(contacts=two_by_sms)) is Ruling.FREQUENCY_CAPPED
    assert ruling_of(but(contacts=two_by_sms, channel="email")) is Ruling.SEND
    a_week_later = two_by_sms[0][0] + 7 * DAY_MS
    assert ruling_of(but(contacts=two_by_sms), a_week_later) is Ruling.SEND
    three = (*two_by_sms, (NOON - 1, "email"))
    assert ruling_of(but(contacts=three, channel="email")) is Ruling.FREQUENCY_CAPPED


def test_a_contact_that_is_noted_later_than_now_counts() -> None:
    """Feedback and events may be out of order; no order of them makes room."""
    ahead = tuple((NOON + minutes * 60_000, "sms") for minutes in (1, 2))
    assert ruling_of(but(contacts=ahead)) is Ruling.FREQUENCY_CAPPED


@given(
    st.lists(st.tuples(st.integers(0, 40 * DAY_MS), st.sampled_from(("sms", "push", "call")))),
    st.lists(st.builds(Cap, st.integers(1, 4), st.integers(1, 30 * DAY_MS)), max_size=3),
    st.lists(st.builds(Cap, st.integers(1, 4), st.integers(1, 30 * DAY_MS)), max_size=3),
)
def test_no_window_ever_holds_more_than_its_cap(
    wishes: list[tuple[int, str]], caps: list[Cap], of_sms: list[Cap]
) -> None:
    channels = {"sms": Channel(caps=tuple(of_sms))}
    policy = msgspec.structs.replace(POLICY, caps=tuple(caps), channels=channels, other=Channel())
    sent: list[tuple[int, str]] = []
    for at_ms, channel in sorted(wishes):
        contact = but(channel=channel, contacts=tuple(sent), decided_at_ms=at_ms)
        if may_contact(contact, at_ms, policy) == Send():
            sent.append((at_ms, channel))
    for cap, counted in (
        *((cap, sent) for cap in caps),
        *((cap, [one for one in sent if one[1] == "sms"]) for cap in of_sms),
    ):
        for start, _ in counted:
            inside = [at for at, _ in counted if start <= at < start + cap.per_ms]
            assert len(inside) <= cap.touches


@pytest.mark.parametrize(
    ("channel", "at", "until", "ruling"),
    [
        ("sms", MIDNIGHT, day(10, hour=9), Ruling.QUIET_HOURS),
        ("call", MIDNIGHT, day(10, hour=10), Ruling.QUIET_HOURS),
        ("call", day(10, hour=18), day(11, hour=10), Ruling.CHANNEL_HOURS),
        ("push", NOON, day(11, hour=9), Ruling.HOLIDAY),
        ("pager", MIDNIGHT, day(10, hour=9), Ruling.QUIET_HOURS),
    ],
)
def test_the_clock_defers_to_the_first_moment_that_every_rule_allows(
    channel: str, at: int, until: int, ruling: Ruling
) -> None:
    contact = but(channel=channel)
    assert may_contact(contact, at, POLICY) == Defer(until, ruling)
    later = msgspec.structs.replace(contact, decided_at_ms=until)
    assert may_contact(later, until, POLICY) == Send()


def test_a_touch_that_waited_too_long_is_stale() -> None:
    assert ruling_of(GOOD, NOON + DAY_MS) is Ruling.SEND
    assert ruling_of(GOOD, NOON + DAY_MS + 1) is Ruling.STALE


def test_the_holdout_is_asked_before_the_mode() -> None:
    """So a service that only observes knows both arms."""
    for mode, ruling in ((Mode.OBSERVE, Ruling.OBSERVED), (Mode.HOLDOUT_ONLY, Ruling.WITHHELD)):
        assert ruling_of(but(mode=mode)) is ruling
        assert ruling_of(but(mode=mode, is_held_out=True)) is Ruling.HOLDOUT


def test_a_refusal_has_a_reason_and_a_verdict_is_of_its_arguments_alone() -> None:
    refused = may_contact(but(is_suppressed=True), NOON, POLICY)
    assert refused == Refuse(Ruling.SUPPRESSED)
    assert may_contact(but(is_suppressed=True), NOON, POLICY) == refused
