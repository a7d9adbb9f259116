"""Subscription messages: one consent, one message."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sender.adapters.wechat.account_making import (
    OPENID,
    due,
    listening,
    settings,
    tools_for,
    until,
)
from winback_sender.adapters.wechat.subscribe import SubscriptionMessages, make
from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Turn
from winback_sender.standins.wechat import WeChat


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    with WeChat() as found:
        found.templates = {"tpl-1": ("thing1", "phrase2")}
        found.callback_path = "/callbacks/wechat_subscribe"
        yield found


@pytest.fixture
def adapter(wechat: WeChat, tmp_path: Path) -> SubscriptionMessages:
    return make(tools_for(settings(wechat, "wechat_subscribe", tmp_path)))


def refused(adapter: SubscriptionMessages) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        adapter.deliver(due())
    return caught.value


def choice(word: str) -> dict[str, dict[str, str]]:
    return {"List": {"TemplateId": "tpl-1", "SubscribeStatusString": word, "PopupScene": "2"}}


def test_a_touch_is_taken_and_arrives(wechat: WeChat, adapter: SubscriptionMessages) -> None:
    with listening(adapter, wechat) as heard:
        receipt = adapter.deliver(due())
        assert until(lambda: heard)
    assert (receipt.status, receipt.address) == (Status.ACCEPTED, OPENID)
    assert heard[0].receipt.status == Status.DELIVERED
    assert (heard[0].touch_id, heard[0].ref) == ("t1", receipt.ref)
    what = wechat.calls[0].what
    assert (what["page"], "client_msg_id" in what) == ("https://shop.example/m", False)


@pytest.mark.parametrize("fate", [Fate.LOST_ANSWER, Fate.ERROR_AFTER, Fate.HTML])
def test_the_result_settles_a_lost_answer(
    wechat: WeChat, adapter: SubscriptionMessages, fate: Fate
) -> None:
    """It is never called again: ``bizsend`` takes no id."""
    wechat.plan = lambda _, __: Turn(fate)
    with listening(adapter, wechat) as heard:
        assert adapter.deliver(due()).status == Status.UNKNOWN
        assert until(lambda: heard)
    assert (heard[0].touch_id, len(wechat.calls)) == ("t1", 1)


def test_a_failure_of_wechat_itself_is_soft(wechat: WeChat, adapter: SubscriptionMessages) -> None:
    wechat.plan = lambda _, __: Turn(arrives=False)
    with listening(adapter, wechat) as heard:
        adapter.deliver(due())
        assert until(lambda: heard)
    assert heard[0].receipt == Receipt(Status.FAILED, "soft", "system failed")


def test_a_consent_that_is_used_up_or_was_never_given(
    wechat: WeChat, adapter: SubscriptionMessages
) -> None:
    """43101."""
    wechat.consents = Counter({(OPENID, "tpl-1"): 1})
    assert adapter.deliver(due("t0")).status == Status.ACCEPTED
    error = refused(adapter)
    assert (error.reason, error.outcome, error.retry) == (Why.NO_WINDOW, UNSENT, False)


def test_a_refusal_that_was_told_is_kept_without_a_call(
    wechat: WeChat, adapter: SubscriptionMessages
) -> None:
    with listening(adapter, wechat):
        assert wechat.do(OPENID, "subscribe_msg_change_event",
                         SubscribeMsgChangeEvent=choice("reject"))  # fmt: skip
        assert refused(adapter).reason == Why.NO_WINDOW
        assert wechat.calls == []
        assert wechat.do(OPENID, "subscribe_msg_popup_event",
                         SubscribeMsgPopupEvent=choice("accept"))  # fmt: skip
        assert adapter.deliver(due()).status == Status.ACCEPTED


@pytest.mark.parametrize(
    ("code", "why", "outcome"),
    [(40003, Why.BAD_ADDRESS, HARD), (40037, Why.NO_TEMPLATE, UNSENT),
     (41030, Why.REFUSED, UNSENT), (43101, Why.NO_WINDOW, UNSENT), (43107, Why.REFUSED, UNSENT),
     (45168, Why.REFUSED, UNSENT), (47003, Why.BAD_VARIABLES, UNSENT)],
)  # fmt: skip
def test_every_code_has_an_outcome(
    wechat: WeChat, adapter: SubscriptionMessages, code: int, why: Why, outcome: str
) -> None:
    wechat.answers[OPENID] = code
    assert (refused(adapter).reason, refused(adapter).outcome) == (why, outcome)


def test_a_file_that_is_away_sends_nothing(wechat: WeChat, adapter: SubscriptionMessages) -> None:
    adapter.windows.close()
    error = refused(adapter)
    assert (error.reason, error.retry, wechat.calls) == (Why.UNAVAILABLE, True, [])
