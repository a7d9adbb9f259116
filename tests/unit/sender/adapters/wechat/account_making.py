"""A service account and its stand-in, joined: what the sender hears comes from real call-backs."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from aiohttp import web

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch
from winback_sender.adapter import Adapter, Answer, Heard, Request
from winback_sender.contract.instants import DAY_MS
from winback_sender.contract.messages import TouchRequested
from winback_sender.standins.server import Server
from winback_sender.standins.tencent_events import TencentStandIn
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.tools import Tools

OPENID = "oAda_1234567890abcdefghij"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TEMPLATE = ProviderTemplate(
    id="tpl-1", params={"thing1": "first_name", "phrase2": "state"}, url="https://shop.example/m",
    text="${first_name}，您好",
)  # fmt: skip
PARAMS = {"first_name": "小林", "state": "已到账"}


Handle = Callable[[Request], Answer]


class Ear(Server):
    """The web server of a sender that hears call-backs."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        self._adapter = adapter

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        for route in self._adapter.routes():

            async def answer(request: web.Request, handle: Handle = route.handle) -> web.Response:
                headers = {name.lower(): value for name, value in request.headers.items()}
                found = handle(
                    Request(request.method, dict(request.query), headers, await request.read())
                )
                self.heard += found.heard
                return web.Response(
                    status=found.status, body=found.body, content_type=found.content_type
                )

            routes.add_route("*", route.path, answer)


def settings(provider: TencentStandIn, name: str, state: Path, **changed: str) -> dict[str, str]:
    """Return the environment of an adapter whose account is a stand-in."""
    own = {
        "ENDPOINT": provider.url, "TIMEOUT_S": "1", "APP_ID": provider.account,
        "APP_SECRET": provider.secret, "CALLBACK_TOKEN": provider.callback_token,
        "ENCODING_AES_KEY": provider.encoding_key, "PAUSE_S": "60", **changed,
    }  # fmt: skip
    prefix = f"WINBACK_SENDER_{name.upper()}_"
    environ = {prefix + field: text for field, text in own.items() if text}
    return {**environ, "WINBACK_SENDER_STATE": str(state)}


@contextmanager
def listening(adapter: Adapter, provider: TencentStandIn) -> Iterator[list[Heard]]:
    """Give what is heard of the provider's call-backs."""
    with Ear(adapter) as ear:
        provider.callback_urls = (ear.url,)
        yield ear.heard
    adapter.close()


def tools_for(
    environ: Mapping[str, str],
    address: str = OPENID,
    template: ProviderTemplate = TEMPLATE,
) -> Tools:
    return tools(environ, {"ada": address}, {"member_care_greeting": template})


def due(touch_id: str = "t1", channel: str = "wechat", **params: str) -> TouchRequested:
    """Return a touch that may be sent now."""
    now_ms = time.time_ns() // 1_000_000
    made = touch(touch_id, channel=channel, not_before_ms=now_ms, expires_ms=now_ms + DAY_MS)
    return msgspec.structs.replace(made, params={**PARAMS, **params})


def until(holds: Callable[[], object], within_s: float = 5.0) -> bool:
    end_s = time.monotonic() + within_s
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.01)
    return bool(holds())
