"""A provider that behaves as the documents of Aliyun say, and the adapter before it."""

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapter import Sent
from winback_sender.adapters import aliyun
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.aliyun import KEY_ID, SECRET, Aliyun
from winback_sender.standins.stand_in import Fate, Turn
from winback_sender.templating.templates import ProviderTemplate

NUMBER = "+8613800138000"
TEXTS = {"SMS_1": "尊敬的${name}，您的权益已保留。", "SMS_2": "感谢您的陪伴。"}
KEY = "member_care_greeting"
FIRST = ProviderTemplate("SMS_1", "某商城", {"name": "first_name"})
SECOND = ProviderTemplate("SMS_2", "某商城")


class World(SimpleNamespace):
    """A provider, an adapter, and what can be changed: clock, address, template, variables."""

    provider: Aliyun
    adapter: Any
    addresses: dict[str, str]
    templates: dict[str, ProviderTemplate]
    params: dict[str, str]
    now_s: float

    def deliver(self, touch_id: str = "t-1") -> Receipt:
        asked = msgspec.structs.replace(touch(touch_id), params=self.params)
        receipt: Receipt = self.adapter.deliver(asked)
        return receipt

    def make(self, **more: str) -> Any:
        return aliyun.make(
            tools(environ(self.provider.url, **more), self.addresses, self.templates)
        )

    def refusal(self, touch_id: str = "t-1") -> NotSentError:
        with pytest.raises(NotSentError) as caught:
            self.deliver(touch_id)
        return caught.value


def environ(url: str, **more: str) -> dict[str, str]:
    named = {"access_key_id": KEY_ID, "access_key_secret": SECRET, "endpoint": url, **more}
    return {aliyun.PREFIX + name.upper(): value for name, value in named.items()}


def sent(touch_id: str = "t-1", ref: str = "") -> Sent:
    at_ms = time.time_ns() // 1_000_000
    return Sent(touch_id, "ada", "sms", ref, at_ms, Receipt(Status.UNKNOWN))


def turn(fate: Fate) -> Any:
    return lambda _touch, _tried: Turn(fate)
