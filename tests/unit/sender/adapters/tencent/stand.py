"""A provider that behaves as the documents of Tencent Cloud say, and the adapter before it."""

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapter import Sent
from winback_sender.adapters import tencent
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.standins.stand_in import Fate, Told, Turn
from winback_sender.standins.tencent import APP_ID, SECRET_ID, SECRET_KEY, Tencent
from winback_sender.templating.templates import ProviderTemplate

NUMBER = "+8613800138000"
KEY = "member_care_greeting"
TEXTS = {"1110": "尊敬的{1}，您的{2}已保留。", "1111": "感谢您的陪伴。"}
TWO = ProviderTemplate("1110", "某商城", ("first_name", "benefit"))
NONE = ProviderTemplate("1111", "某商城")


class World(SimpleNamespace):
    """A provider, an adapter, and what can be changed: clock, address, template, variables."""

    provider: Tencent
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
        made = tools(environ(self.provider.url, **more), self.addresses, self.templates)
        return tencent.make(made)

    def refusal(self, touch_id: str = "t-1") -> NotSentError:
        with pytest.raises(NotSentError) as caught:
            self.deliver(touch_id)
        return caught.value


def environ(url: str, **more: str) -> dict[str, str]:
    named = {
        "secret_id": SECRET_ID, "secret_key": SECRET_KEY, "sdk_app_id": APP_ID, "endpoint": url,
        **more,
    }  # fmt: skip
    return {tencent.PREFIX + name.upper(): value for name, value in named.items()}


def sent(touch_id: str = "t-1", ref: str = "") -> Sent:
    at_ms = time.time_ns() // 1_000_000
    return Sent(touch_id, "ada", "sms", ref, at_ms, Receipt(Status.UNKNOWN))


def turn(fate: Fate) -> Any:
    return lambda _touch, _tried: Turn(fate)


def told(world: World) -> None:
    """Let the carrier speak of every message."""
    world.provider._told += [Told(call.touch_id, 0, arrived=True) for call in world.provider.calls]
