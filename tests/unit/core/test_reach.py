"""Whether a user can be reached: tokens, windows, and what the company says."""

import pytest

from streams.core.channels import Channel
from streams.core.inputs import ReachChanged
from streams.core.journey_state import Reach
from streams.core.reach import CHANNELS_MAX, TOKENS_MAX, arrived, failed, told, unreachable, used
from streams.core.rulings import Ruling
from streams.core.state import blank
from streams.core.step import step
from tests.unit.core.stories import ADA, RULES, act, day

NOW = day(10)
WECHAT = Channel(is_recorded=True)


def news(**said: object) -> ReachChanged:
    return ReachChanged(ADA, "e1", NOW, "wechat", **said)


def test_a_token_is_used_up_by_a_touch_unless_a_window_is_open() -> None:
    known = {"wechat": Reach(tokens=2, open_until_ms=NOW)}
    assert used(known, "wechat", NOW - 1) == known
    once = used(known, "wechat", NOW)
    assert once == {"wechat": Reach(tokens=1, open_until_ms=NOW)}
    empty = used(once, "wechat", NOW)
    assert unreachable(empty["wechat"], WECHAT, NOW) is Ruling.NO_PERMISSION
    assert used(empty, "wechat", NOW) == empty
    assert used({}, "sms", NOW) == {}


def test_tokens_add_up_and_the_later_end_of_a_window_counts() -> None:
    known = told({}, news(tokens=2, open_until_ms=NOW + 5))
    known = told(known, news(tokens=1, open_until_ms=NOW + 3))
    assert known == {"wechat": Reach(tokens=3, open_until_ms=NOW + 5)}
    assert told(known, news(tokens=-9))["wechat"].tokens == 0
    assert told(known, news(tokens=TOKENS_MAX))["wechat"].tokens == TOKENS_MAX


@pytest.mark.parametrize(
    "back", [{"is_reachable": True}, {"tokens": 1}, {"open_until_ms": NOW + 1}]
)
def test_who_cannot_be_reached_has_nothing_until_a_new_word(back: dict[str, object]) -> None:
    known = {"wechat": Reach(tokens=2, open_until_ms=NOW + 5)}
    gone = told(known, news(is_reachable=False))
    assert unreachable(gone["wechat"], Channel(), NOW) is Ruling.CHANNEL_DEAD
    assert (gone["wechat"].tokens, gone["wechat"].open_until_ms) == (0, 0)
    again = told(gone, news(**back))
    assert unreachable(again["wechat"], Channel(), NOW) is None
    assert told(gone, news(tokens=-1))["wechat"].is_dead, "less is no sign of life"


def test_failures_end_a_channel_and_life_ends_failures() -> None:
    once = failed({}, "sms", 2, is_final=False)
    assert once == {"sms": Reach(failures=1)}
    assert failed(once, "sms", 2, is_final=False)["sms"].is_dead
    assert failed({}, "sms", 2, is_final=True)["sms"].is_dead
    assert arrived(once, "sms") == {"sms": Reach()}
    assert arrived({}, "sms") == {}


def test_what_is_kept_of_a_user_is_bounded() -> None:
    known = {f"c{number}": Reach() for number in range(CHANNELS_MAX)}
    assert told(known, news(tokens=1)) == known


def test_a_permission_that_is_told_twice_counts_once() -> None:
    """Producers repeat themselves; a second message on one token would be one too many."""
    once = step(blank(0.0), news(tokens=1), RULES)
    again = step(once.state, news(tokens=1), RULES)
    assert again.state == once.state
    other = ReachChanged(ADA, "e2", NOW, "wechat", tokens=1)
    assert step(once.state, other, RULES).state.profile.reach["wechat"].tokens == 2


def test_a_permission_is_remembered_among_activities() -> None:
    state = step(blank(0.0), news(tokens=1), RULES).state
    for number in range(5):
        state = step(state, act(NOW + number), RULES).state
    assert step(state, news(tokens=1), RULES).state == state
