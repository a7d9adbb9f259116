"""Receipts and replies of the SMS stand-ins on their way to the sender, over HTTP."""

import time
from collections.abc import Callable

import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.adapters.wechat.account_making import Ear
from tests.unit.sender.letters import touch
from winback_sender.adapter import Adapter, Answer, Request
from winback_sender.adapters import aliyun, aliyun_callbacks, tencent, tencent_callbacks
from winback_sender.adapters.callbacks import ITEMS_MAX
from winback_sender.contract.words import HARD, Status
from winback_sender.standins.aliyun import KEY_ID, SECRET, Aliyun
from winback_sender.standins.stand_in import Fate, Receipts, StandIn, Turn
from winback_sender.standins.tencent import APP_ID, SECRET_ID, SECRET_KEY, Tencent
from winback_sender.templating.templates import ProviderTemplate

NUMBER = "+8613800138000"


def adapter_of(provider: StandIn, timeout_s: str = "10") -> Adapter:
    if isinstance(provider, Aliyun):
        named = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "sign_name": "某商城"}
        prefix, make, template = aliyun.PREFIX, aliyun.make, ProviderTemplate("SMS_1")
    else:
        named = {"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "sdk_app_id": APP_ID}
        prefix, make, template = tencent.PREFIX, tencent.make, ProviderTemplate("1110")
    named |= {"endpoint": provider.url, "timeout_s": timeout_s}
    environ = {prefix + name.upper(): value for name, value in named.items()}
    return make(tools(environ, templates={"member_care_greeting": template}))


def wait_for(what: Callable[[], bool], timeout_s: float = 5.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not what() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert what()


both = pytest.mark.parametrize("make", [Aliyun, Tencent])


@both
def test_a_touch_whose_answer_was_lost_is_known_by_its_receipt(make: type[StandIn]) -> None:
    with make(lambda _touch, _tried: Turn(Fate.LOST_ANSWER)) as provider:
        adapter = adapter_of(provider, "1")
        with Ear(adapter) as ear:
            provider.callback_urls = (ear.url,)
            receipt = adapter.deliver(touch("t-1"))
            wait_for(lambda: bool(ear.heard))
        adapter.close()

    (heard,) = ear.heard
    assert (receipt.status, receipt.reason, receipt.address) == (
        Status.UNKNOWN, "timed_out", NUMBER,
    )  # fmt: skip
    assert (heard.touch_id, heard.receipt.status) == ("t-1", Status.DELIVERED)


@both
def test_a_receipt_that_is_there_before_the_answer(make: type[StandIn]) -> None:
    with make(lambda _touch, _tried: Turn(receipts=Receipts.BEFORE_ANSWER)) as provider:
        adapter = adapter_of(provider)
        with Ear(adapter) as ear:
            provider.callback_urls = (ear.url,)
            receipt = adapter.deliver(touch("t-1"))
            assert [heard.ref for heard in ear.heard] == [receipt.ref]
        adapter.close()


@both
def test_a_receipt_that_nobody_takes_comes_again(make: type[StandIn]) -> None:
    with make() as provider:
        adapter = adapter_of(provider)
        with Ear(adapter) as ear:
            url = ear.url
            ear.go_away()
            provider.callback_urls = (url,)
            adapter.deliver(touch("t-1"))
            time.sleep(0.15)
            ear.come_back()
            wait_for(lambda: [told.touch_id for told in provider.told] == ["t-1"])
        adapter.close()


def test_aliyun_gives_up_after_three_more_tries() -> None:
    with Aliyun() as provider:
        provider.minute_s = 0.001
        adapter = adapter_of(provider)
        with Ear(adapter) as ear:
            provider.callback_urls = (ear.url + "/nowhere",)
            adapter.deliver(touch("t-1"))
            time.sleep(0.3)
            assert not provider.told
        adapter.close()


@pytest.mark.parametrize("handle", [aliyun_callbacks.replies, tencent_callbacks.replies])
def test_more_than_a_provider_can_mean_is_refused(handle: Callable[[Request], Answer]) -> None:
    """Each opt-out of nobody asks the address system; whoever finds the path may call."""
    item = b'{"phone_number": "1", "mobile": "1", "content": "R", "text": "R"}'
    whole, more = ([item] * count for count in (ITEMS_MAX, ITEMS_MAX + 1))

    assert len(handle(Request("POST", {}, {}, b"[" + b",".join(whole) + b"]")).heard) == ITEMS_MAX
    refused = handle(Request("POST", {}, {}, b"[" + b",".join(more) + b"]"))
    assert (refused.status, refused.heard) == (400, ())


@both
def test_a_user_replies(make: type[Aliyun] | type[Tencent]) -> None:
    with make() as provider:
        adapter = adapter_of(provider)
        with Ear(adapter) as ear:
            provider.callback_urls = (ear.url,)
            assert provider.reply("13800138000", "谢谢")
            assert provider.reply("13800138000", "Ｒ")
        adapter.close()

    assert [heard.receipt.status for heard in ear.heard] == [Status.REPLIED, Status.OPTED_OUT]
    assert {heard.address for heard in ear.heard} == {NUMBER}


def test_a_number_that_does_not_exist() -> None:
    with Tencent() as provider:
        provider.descriptions[NUMBER] = "空号"
        provider.has_ext = False
        adapter = adapter_of(provider)
        with Ear(adapter) as ear:
            provider.callback_urls = (ear.url,)
            ref = adapter.deliver(touch("t-1")).ref
            wait_for(lambda: bool(ear.heard))
        adapter.close()

    (heard,) = ear.heard
    assert (heard.touch_id, heard.ref) == ("", ref)
    assert heard.receipt[:3] == (Status.FAILED, HARD, "MK:0005")
