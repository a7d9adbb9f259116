"""Two states become one: what adds up adds up, and where it cannot be known it is cautious."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import Rhythm
from streams.core.effects import CloseCase, Note, RecordMerge, RevokeTouch
from streams.core.inputs import Absorbed, Acted
from streams.core.journey_state import Case, Exposure, OpenTouch, Profile, Reach
from streams.core.lifecycle import Stage
from streams.core.merge import signed
from streams.core.merge_rhythm import DAY_HALF_LIVES, HALF_LIVES, merged_rhythm
from streams.core.state import NEVER, Column, UserState, blank, encode
from streams.core.step import Transition, step
from tests.unit.core.stories import RULES, day, tell

EXACT = (Rhythm.FIRST, Rhythm.LAST, Rhythm.SLOTS, Column.EVENTS, Column.VALUE_NET)
DECAYED = (*HALF_LIVES, Column.VALUE_DECAYED)


def acts(*hours: int, user_id: str = "ada", money: int = 0) -> list[Acted]:
    return [
        Acted(user_id, f"{user_id}-{hour}-{number}", day(0, hour), 2.0, money, number % 2)
        for number, hour in enumerate(hours)
    ]


def state_of(*hours: int, user_id: str = "ada", money: int = 0) -> UserState:
    return tell(RULES, *acts(*hours, user_id=user_id, money=money)).state


def absorbed(one: UserState, other: UserState, at_ms: int = day(30)) -> Transition:
    return step(one, Absorbed("ada", "l1", at_ms, "cookie", encode(other)), RULES)


def with_profile(state: UserState, **what: object) -> UserState:
    return state.having(msgspec.structs.replace(state.profile, **what))


def with_case(state: UserState, opened_ms: int) -> UserState:
    """Return a state with an open case of one touch that no sender has spoken of."""
    touch = OpenTouch(f"t{opened_ms}", "sms", opened_ms, opened_ms + 100 * 86_400_000)
    case = Case(
        f"c{opened_ms}", "care", "a", 1, "risk", is_held_out=False, touches=(touch,),
        exits=("returned",), expires_ms=day(90),
    )  # fmt: skip
    profile = msgspec.structs.replace(state.profile, case=case, stage=Stage.AT_RISK)
    return state.having(profile, CASE_AT=float(opened_ms), DUE=float(day(40)), BAND=2.0, RISK=0.9)


# -- numbers

hours = st.lists(st.integers(0, 24 * 40), min_size=1, max_size=12).map(sorted)


@settings(max_examples=60)
@given(hours, hours, st.integers(0, 500))
def test_sums_and_extremes_are_those_of_one_id(
    mine: list[int], theirs: list[int], money: int
) -> None:
    one, other = state_of(*mine, money=money), state_of(*theirs, user_id="cookie", money=7)
    both = sorted(acts(*mine, money=money) + acts(*theirs, user_id="cookie", money=7),
                  key=lambda act: act.event_time_ms)  # fmt: skip
    alone = tell(RULES, *both).state
    made = absorbed(one, other).state

    for column in EXACT:
        assert made[column] == alone[column], column
    for column in DECAYED:
        assert made[column] == pytest.approx(alone[column], rel=1e-9, abs=1e-9), column
    for column in DAY_HALF_LIVES:
        assert 0.0 < made[column] <= one[column] + other[column] + 1e-9
    assert made[Rhythm.ACTIVE_DAYS] >= alone[Rhythm.ACTIVE_DAYS]
    assert np.isfinite(made.head[: len(Rhythm)]).all()


@settings(max_examples=40)
@given(hours, hours)
def test_ids_that_were_used_one_after_the_other_lose_nothing(
    mine: list[int], theirs: list[int]
) -> None:
    """The usual way: a visitor becomes a user."""
    later = [24 * 42 + hour for hour in mine]
    made = absorbed(state_of(*later), state_of(*theirs, user_id="cookie")).state
    both = [*acts(*theirs, user_id="cookie"), *acts(*later)]
    alone = tell(RULES, *both).state

    for column in (*EXACT, Rhythm.ACTIVE_DAYS, Rhythm.GAPS, Rhythm.DAY_EVENTS):
        assert made[column] == alone[column], column
    histogram = slice(Rhythm.GAP_0, Rhythm.GAP_6 + 1)
    assert made.head[histogram] == pytest.approx(alone.head[histogram])
    for column in (*DECAYED, *DAY_HALF_LIVES):
        assert made[column] == pytest.approx(alone[column], rel=1e-9, abs=1e-9), column


@settings(max_examples=40)
@given(st.lists(hours, min_size=3, max_size=3), st.permutations(range(3)))
def test_the_order_of_merges_does_not_change_what_is_exact(
    lives: list[list[int]], order: list[int]
) -> None:
    states = [state_of(*life, user_id=f"c{number}") for number, life in enumerate(lives)]

    def merged(numbers: list[int]) -> list[float]:
        head = list(blank(0.0).head)
        for number in numbers:
            live = merged_rhythm(head, states[number].head, RULES.churn)
            head[: len(live)] = live
        return [head[column] for column in EXACT]

    assert merged([0, 1, 2]) == merged(list(order))


@settings(max_examples=40)
@given(hours, hours, st.integers(24 * 41, 24 * 60))
def test_an_activity_counts_the_same_before_and_after_the_merge(
    mine: list[int], theirs: list[int], hour: int
) -> None:
    one, other, act = state_of(*mine), state_of(*theirs, user_id="cookie"), acts(hour)[0]
    after = step(absorbed(one, other).state, act, RULES).state
    before = absorbed(step(one, act, RULES).state, other).state

    for column in EXACT:
        assert after[column] == before[column], column


def test_what_is_known_of_one_alone_is_all_that_is_known() -> None:
    other = state_of(1, 30, 60, user_id="cookie", money=5)
    made = absorbed(blank(7.0), other).state

    live = len(Rhythm)
    assert made.head[:live] == other.head[:live]
    assert made[Column.PHASE] == 7.0
    assert made.profile.stage == other.profile.stage


def test_the_same_message_twice_is_taken_once() -> None:
    once = absorbed(state_of(5), state_of(1, user_id="cookie"))
    twice = absorbed(once.state, state_of(1, user_id="cookie"))

    assert twice.state == once.state
    assert twice.effects == (Note("duplicate", day(30)),)


def test_ids_of_the_latest_events_of_both_are_known() -> None:
    """A repeat that comes after the merge is one all the same."""
    made = absorbed(state_of(*range(9)), state_of(*range(20, 29), user_id="cookie")).state
    latest = [acts(*range(9))[-1], acts(*range(20, 29), user_id="cookie")[-1]]

    assert tell(RULES, *latest, state=made).state == made


# -- examples


def test_a_pending_example_of_the_id_that_is_given_up_is_not_kept() -> None:
    """Its grid is another one, so its label would be another one."""
    other = state_of(1, 300, user_id="cookie").having(FROZEN_AT=float(day(5)))
    other = msgspec.structs.replace(other, frozen=bytes(160))
    made = absorbed(state_of(200), other)

    assert made.state[Column.FROZEN_AT] == 0.0
    assert made.state.frozen == b""
    assert Note("example_dropped", day(30)) in made.effects


# -- law

words = st.dictionaries(st.sampled_from(["sms", "wechat", "call"]), st.booleans())


@given(words, words, st.tuples(st.booleans(), st.booleans()))
def test_no_consent_is_gained(
    mine: dict[str, bool], theirs: dict[str, bool], silent: tuple[bool, bool]
) -> None:
    one = with_profile(state_of(1), consents=mine, consents_ms=dict.fromkeys(mine, day(1)),
                       is_suppressed=silent[0])  # fmt: skip
    other = with_profile(state_of(2), consents=theirs, consents_ms=dict.fromkeys(theirs, day(2)),
                         is_suppressed=silent[1])  # fmt: skip
    made = absorbed(one, other).state.profile

    assert made.is_suppressed == any(silent)
    for channel, is_granted in made.consents.items():
        said = [each[channel] for each in (mine, theirs) if channel in each]
        assert is_granted == all(said)
    assert made.consents.keys() == mine.keys() | theirs.keys()


def test_a_dead_channel_stays_dead_and_permissions_add_up() -> None:
    one = with_profile(state_of(1), reach={"sms": Reach(2, tokens=1, open_until_ms=day(3))})
    other = with_profile(
        state_of(1),
        reach={"sms": Reach(is_dead=True, tokens=2, open_until_ms=day(5)), "call": Reach(1)},
    )
    made = absorbed(one, other).state.profile

    assert made.reach == {
        "sms": Reach(2, is_dead=True, tokens=3, open_until_ms=day(5)),
        "call": Reach(1),
    }


def test_words_of_the_user_win_and_the_source_is_that_of_who_came_first() -> None:
    one = with_profile(state_of(50), source="search", traits={"name": "Ada"}, zone="")
    other = with_profile(
        state_of(1), source="poster", traits={"name": "?", "plan": "pro"}, zone="Asia/Shanghai"
    )
    made = absorbed(one, other).state.profile

    assert (made.source, made.zone) == ("poster", "Asia/Shanghai")
    assert made.traits == {"name": "Ada", "plan": "pro"}


def test_an_open_touch_on_a_channel_that_was_denied_under_the_other_id_is_taken_back() -> None:
    one = with_case(state_of(1), day(20))
    other = with_profile(state_of(1), consents={"sms": False}, consents_ms={"sms": day(2)})
    effects = absorbed(one, other).effects

    taken = [each.revocation for each in effects if isinstance(each, RevokeTouch)]
    assert [(each.user_id, each.reason) for each in taken] == [("ada", "no_consent")]


# -- cases


def test_a_case_and_its_touches_remember_for_whom_they_were_made() -> None:
    made = absorbed(state_of(1), with_case(state_of(2), day(20))).state
    again = absorbed(made, signed(blank(0.0), "x")).state

    case = again.profile.case
    assert case is not None
    assert (case.opened_as, {touch.user_id for touch in case.touches}) == ("cookie", {"cookie"})
    assert made[Column.CASE_AT] == day(20)
    assert made[Column.DUE] == day(40)


@pytest.mark.parametrize(("mine", "theirs", "goes_on"), [(20, 21, "c"), (21, 20, "cookie's")])
def test_of_two_cases_the_first_goes_on(mine: int, theirs: int, goes_on: str) -> None:
    made = absorbed(with_case(state_of(1), day(mine)), with_case(state_of(2), day(theirs)))

    case = made.state.profile.case
    assert case is not None
    assert case.opened_as == ("cookie" if goes_on == "cookie's" else "")
    closed = [each.closed for each in made.effects if isinstance(each, CloseCase)]
    assert [each.outcome for each in closed] == ["merged"]
    assert len(made.state.profile.left) == 1
    merged = next(each.merged for each in made.effects if isinstance(each, RecordMerge))
    assert bool(merged.case_id) == (goes_on == "cookie's")


def test_who_was_active_under_the_other_id_has_returned() -> None:
    made = absorbed(with_case(state_of(1), day(20)), state_of(24 * 21, user_id="cookie"))

    closed = [each.closed for each in made.effects if isinstance(each, CloseCase)]
    assert [(each.outcome, each.user_id) for each in closed] == [("returned", "ada")]
    assert made.state[Column.BAND] == 0.0
    assert made.state.profile.stage is Stage.WON_BACK


def test_whoever_opted_out_under_either_id_has_no_case() -> None:
    one = with_profile(state_of(1), is_suppressed=True)
    made = absorbed(one, with_case(state_of(2), day(20)))

    closed = [each for each in made.effects if isinstance(each, CloseCase)]
    assert [(each.closed.outcome, each.is_foreign) for each in closed] == [("opted_out", True)]


# -- exposures


def exposed(state: UserState, at_ms: int, value: float, *, is_void: bool = False) -> UserState:
    made = Exposure(
        f"c{at_ms}", "care", "a", "v", "sms", at_ms, at_ms + 1_000, is_held_out=False,
        propensity=1.0, probability=0.8, value_net=value, dimensions={}, features=b"",
        is_void=is_void,
    )  # fmt: skip
    profile = msgspec.structs.replace(state.profile, exposure=made)
    return state.having(profile, MATURES=float(made.matures_ms))


def test_what_another_id_brings_is_no_effect_of_a_touch() -> None:
    one = exposed(state_of(1, money=100), day(20), 100.0)
    made = absorbed(one, state_of(2, money=900)).state

    assert made.profile.exposure is not None
    assert made[Column.VALUE_NET] - made.profile.exposure.value_net == 0.0


@pytest.mark.parametrize(
    ("mine", "theirs", "kept"), [((20, False), (21, False), 20), ((20, True), (21, False), 21)]
)
def test_of_two_exposures_the_first_that_counts_stays(
    mine: tuple[int, bool], theirs: tuple[int, bool], kept: int
) -> None:
    one = exposed(state_of(1), day(mine[0]), 0.0, is_void=mine[1])
    other = exposed(state_of(2), day(theirs[0]), 0.0, is_void=theirs[1])
    made = absorbed(one, other)

    assert made.state.profile.exposure is not None
    assert made.state.profile.exposure.at_ms == day(kept)
    assert made.state[Column.MATURES] == day(kept) + 1_000
    assert Note("exposure_dropped", day(30)) in made.effects


def test_a_state_of_nothing_adds_nothing() -> None:
    one = with_profile(state_of(1, 30, 60), traits={"plan": "pro"})
    made = absorbed(one, blank(3.0)).state

    assert made.head[: len(Rhythm)] == one.head[: len(Rhythm)]
    assert made.profile.members == {"cookie": day(30)}
    assert msgspec.structs.replace(made.profile, members={}) == one.profile
    assert made[Column.MATURES] == NEVER
    assert isinstance(made.profile, Profile)
