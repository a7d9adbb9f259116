"""An access_token: shared, renewed by one, never thrown away without need."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import web

from tests.unit.sender.adapters.wechat.account_making import OPENID, due, settings, tools_for
from winback_sender.adapters.wechat.access_token import AccessToken, Token
from winback_sender.adapters.wechat.template import make
from winback_sender.contract.words import Status, Why
from winback_sender.receipt import NotSentError
from winback_sender.standins.server import Server
from winback_sender.standins.wechat import WeChat


class Source:
    """Gives tokens ``1``, ``2`` … of 7,200 s."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.asked: list[str] = []
        self.is_away = False
        self._takes_s = takes_s

    def __call__(self, stale: str) -> Token:
        time.sleep(self._takes_s)
        self.asked.append(stale)
        if self.is_away:
            raise NotSentError(Why.UNAVAILABLE, retry=True)
        return Token(str(len(self.asked)), 7_200.0)

    def token(self) -> AccessToken:
        return AccessToken(self, lambda: self.now_s)


def test_it_is_fetched_once_and_again_five_minutes_before_its_end() -> None:
    source = Source()
    token = source.token()
    seen = []
    for source.now_s in (0.0, 6_899.0, 6_901.0, 7_300.0):
        seen.append(token.get())
    assert seen == ["1", "1", "2", "2"]


def test_threads_share_it_and_one_of_them_fetches() -> None:
    source = Source(takes_s=0.05)
    token = source.token()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: token.get(), range(32))) == {"1"}
        assert set(pool.map(lambda _: token.other_than("1"), range(32))) == {"2"}
    assert source.asked == ["", "1"]


def test_while_the_server_is_away_the_old_one_serves_to_its_end() -> None:
    source = Source()
    token = source.token()
    token.get()
    source.is_away, source.now_s = True, 7_000.0
    assert token.get() == "1"
    source.now_s = 7_201.0
    with pytest.raises(NotSentError):
        token.get()
    source.is_away, source.now_s = False, 7_203.0
    assert token.get() == "4"


def test_a_server_that_is_away_is_not_asked_by_every_thread() -> None:
    source = Source()
    source.is_away = True
    token = source.token()
    for _ in range(5):
        with pytest.raises(NotSentError):
            token.get()
    assert source.asked == [""]


class TokenServer(Server):
    """The company's central token server."""

    def __init__(self, wechat: WeChat) -> None:
        super().__init__()
        self.headers: list[str] = []
        self.token = wechat.new_token()
        self.asked = 0

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        routes.add_get("/tokens/wechat", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.headers.append(request.headers.get("authorization", ""))
        return web.json_response({"access_token": self.token, "expires_in": 7_200})


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    with WeChat() as found:
        found.templates = {"tpl-1": ("thing1", "phrase2")}
        yield found


def test_a_central_server_gives_it_and_alone_renews_it(wechat: WeChat, tmp_path: Path) -> None:
    with TokenServer(wechat) as server:
        environ = settings(wechat, "wechat_template", tmp_path, APP_SECRET="",
                           TOKEN_URL=f"{server.url}/tokens/wechat", TOKEN_KEY="k1")  # fmt: skip
        adapter = make(tools_for(environ))
        assert adapter.deliver(due("t1")).status == Status.ACCEPTED
        wechat.revoke_tokens()
        with pytest.raises(NotSentError) as caught:
            adapter.deliver(due("t2"))
        assert (caught.value.reason, caught.value.retry) == (Why.UNAVAILABLE, True)

        server.token = wechat.new_token()
        time.sleep(1.1)
        assert adapter.deliver(due("t2")).status == Status.ACCEPTED
        assert (set(server.headers), server.asked) == ({"Bearer k1"}, 3)


def test_a_new_one_is_forced_at_most_every_30_s(wechat: WeChat, tmp_path: Path) -> None:
    """WeChat refuses our token, and gives it again when it is asked: once a new one is forced."""
    adapter = make(tools_for(settings(wechat, "wechat_template", tmp_path)))
    wechat.answers[OPENID] = 40001
    for touch_id in ("t1", "t2"):
        with pytest.raises(NotSentError) as caught:
            adapter.deliver(due(touch_id))
        assert (caught.value.reason, caught.value.retry) == (Why.UNAVAILABLE, True)
    assert len(wechat.tokens) == 1
    wechat.answers.clear()
    time.sleep(1.1)
    assert adapter.deliver(due("t3")).status == Status.ACCEPTED
