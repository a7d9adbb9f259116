"""Customer-service messages: only inside a window that the user has opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sender.adapters.wechat.account_making import (
    OPENID,
    due,
    listening,
    settings,
    tools_for,
)
from winback_sender.adapters.wechat.customer_service import CustomerServiceMessages, make
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Turn
from winback_sender.standins.wechat import WeChat


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    with WeChat() as found:
        found.callback_path = "/callbacks/wechat_customer_service"
        yield found


@pytest.fixture
def adapter(wechat: WeChat, tmp_path: Path) -> Iterator[CustomerServiceMessages]:
    made = make(tools_for(settings(wechat, "wechat_customer_service", tmp_path)))
    with listening(made, wechat):
        yield made


def refused(adapter: CustomerServiceMessages, **params: str) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        adapter.deliver(due(**params))
    return caught.value


def send(adapter: CustomerServiceMessages, touch_id: str) -> Status:
    return adapter.deliver(due(touch_id)).status


def test_without_a_window_there_is_no_call(
    wechat: WeChat, adapter: CustomerServiceMessages
) -> None:
    error = refused(adapter)
    assert (error.reason, error.outcome, error.retry) == (Why.NO_WINDOW, UNSENT, False)
    assert wechat.calls == []


def test_a_message_of_the_user_opens_five(wechat: WeChat, adapter: CustomerServiceMessages) -> None:
    assert wechat.say(OPENID, "在吗")
    receipt = adapter.deliver(due())
    assert receipt == Receipt(Status.SENT, address=OPENID)
    assert wechat.calls[0].what["text"] == {"content": "小林，您好"}
    assert [send(adapter, f"t{number}") for number in range(4)] == [Status.SENT] * 4
    assert refused(adapter).reason == Why.NO_WINDOW
    assert len(wechat.calls) == 5


@pytest.mark.parametrize("event", ["CLICK", "SCAN", "subscribe"])
def test_a_click_a_scan_and_a_follow_open_three(
    wechat: WeChat, adapter: CustomerServiceMessages, event: str
) -> None:
    assert wechat.do(OPENID, event)
    assert [send(adapter, f"t{number}") for number in range(3)] == [Status.SENT] * 3
    assert refused(adapter).reason == Why.NO_WINDOW


def test_wechat_knows_better(wechat: WeChat, adapter: CustomerServiceMessages) -> None:
    """45015: the time is over. What we thought of the window is forgotten."""
    wechat.say(OPENID, "在吗")
    wechat.close_windows(OPENID)
    assert refused(adapter).reason == Why.NO_WINDOW
    assert wechat.calls == []
    assert adapter.windows.left(OPENID, 0) == 0


def test_other_systems_use_up_the_window_too(
    wechat: WeChat, adapter: CustomerServiceMessages
) -> None:
    """45047."""
    wechat.say(OPENID, "在吗")
    wechat.answers[OPENID] = 45047
    assert refused(adapter).reason == Why.OVER_LIMIT
    wechat.answers.clear()
    assert refused(adapter).reason == Why.NO_WINDOW


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.HTML])
def test_a_lost_answer_is_unknown_and_keeps_its_place(
    wechat: WeChat, adapter: CustomerServiceMessages, fate: Fate
) -> None:
    wechat.say(OPENID, "在吗")
    wechat.plan = lambda _, __: Turn(fate)
    assert adapter.deliver(due()).status == Status.UNKNOWN
    wechat.plan = lambda _, __: Turn()
    assert [send(adapter, f"t{number}") for number in range(4)] == [Status.SENT] * 4
    assert refused(adapter).reason == Why.NO_WINDOW


def test_what_was_not_sent_is_given_back(wechat: WeChat, adapter: CustomerServiceMessages) -> None:
    wechat.do(OPENID, "CLICK")
    wechat.plan = lambda _, __: Turn(Fate.THROTTLED)
    for _ in range(4):
        assert (refused(adapter).reason, refused(adapter).retry) == (Why.OVER_LIMIT, True)
    wechat.go_away()
    assert refused(adapter).reason == Why.UNAVAILABLE
    assert adapter.windows.left(OPENID, 0) == 3


def test_who_leaves_has_no_window(wechat: WeChat, adapter: CustomerServiceMessages) -> None:
    wechat.say(OPENID, "在吗")
    assert wechat.do(OPENID, "unsubscribe")
    assert refused(adapter).reason == Why.NO_WINDOW


@pytest.mark.parametrize(
    ("code", "why", "outcome"),
    [(43004, Why.BLOCKED, HARD), (43019, Why.BLOCKED, HARD), (45002, Why.BAD_VARIABLES, UNSENT),
     (48001, Why.REFUSED, UNSENT), (48002, Why.BLOCKED, HARD), (48008, Why.REFUSED, UNSENT)],
)  # fmt: skip
def test_every_code_has_an_outcome(
    wechat: WeChat, adapter: CustomerServiceMessages, code: int, why: Why, outcome: str
) -> None:
    wechat.say(OPENID, "在吗")
    wechat.answers[OPENID] = code
    assert (refused(adapter).reason, refused(adapter).outcome) == (why, outcome)


def test_a_text_that_is_too_long_makes_no_call(
    wechat: WeChat, adapter: CustomerServiceMessages
) -> None:
    wechat.say(OPENID, "在吗")
    assert refused(adapter, first_name="长" * 700).reason == Why.BAD_VARIABLES
    assert (wechat.calls, adapter.windows.left(OPENID, 0)) == ([], 5)
