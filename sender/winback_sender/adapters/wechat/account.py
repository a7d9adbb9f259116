"""A service account: its settings, its access_token and its calls.

The access_token stands in the query of every call, so no call's address is logged or raised.

Source:
    https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken: valid 7,200 s, a
    new one 5 minutes before; the old one then lives on for 5 minutes. To force a new one is allowed
    every 30 s and 20 times a day.
"""

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from winback_sender.adapters.wechat.access_token import (
    FETCHED_EVERY_S,
    AccessToken,
    Token,
    read_token,
)
from winback_sender.adapters.wechat.codes import TOKEN_CODES
from winback_sender.adapters.wechat.seal import Seal
from winback_sender.contract.words import Why
from winback_sender.errors import UserError
from winback_sender.http.calls import Calls, Unreadable, make_calls, sends_nothing
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError
from winback_sender.settings_catalogue import says
from winback_sender.tools import Tools

log = get_logger(__name__)

FORCED_EVERY_S: Final = 30.0
SERVER_ERROR: Final = 500

Json = Mapping[str, Any]


class WechatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the three kinds of messages share."""

    app_id: Annotated[str, says("AppID of the service account.")] = ""
    app_secret: Annotated[
        str,
        says("AppSecret. Only where no central server holds the access_token.", is_secret=True),
    ] = ""
    token_url: Annotated[
        str,
        says(
            "The company's central token server: GET answers `access_token` and `expires_in` "
            "in JSON. Empty: the sender fetches a token itself (`stable_token`)."
        ),
    ] = ""
    token_key: Annotated[
        str, says("Sent to the token server as `Authorization: Bearer …`.", is_secret=True)
    ] = ""
    callback_token: Annotated[
        str,
        says("Token that call-backs are signed with. Empty: none are taken.", is_secret=True),
    ] = ""
    encoding_aes_key: Annotated[
        str,
        says("EncodingAESKey. Set: only sealed call-backs are taken.", is_secret=True),
    ] = ""
    endpoint: Annotated[str, says("Where the API is.")] = "https://api.weixin.qq.com"
    timeout_s: Annotated[float, Meta(ge=0.1, le=60), says("Silence that ends a call.", "s")] = 5.0
    pause_s: Annotated[float, Meta(ge=0, le=3_600), says("Pause after too many calls.", "s")] = 60.0


class Account:
    """Calls in the name of an account of Tencent.

    Args:
        calls: Connections to the API.
        token: Its access_token.
        token_codes: Codes that say that the token is not good and nothing was done.
    """

    def __init__(
        self, calls: Calls, token: AccessToken, token_codes: frozenset[int] = TOKEN_CODES
    ) -> None:
        self._calls = calls
        self._token = token
        self._token_codes = token_codes

    def call(self, path: str, body: Json) -> tuple[int, Json]:
        """Return the code of an answer, 0 = done, and the answer.

        Raises:
            NotSentError: Nothing was done; the account may have no good token.
            UnclearError: It may have been done.
        """
        content = msgspec.json.encode(body)  # In UTF-8: WeChat refuses escapes of Unicode (40033).
        token = self._token.get()
        code, answer = self._post(path, content, token)
        if code in self._token_codes:
            code, answer = self._post(path, content, self._token.other_than(token))
        if code in self._token_codes:
            log.error("token_refused", path=path, code=code)
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=FORCED_EVERY_S)
        return code, answer

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _post(self, path: str, content: bytes, token: str) -> tuple[int, Json]:
        reply = self._calls.post(
            path, content, query={"access_token": token},
            headers={"content-type": "application/json; charset=utf-8"},
        )  # fmt: skip
        answer = reply.json(dict[str, Any])
        code = answer.get("errcode", 0)
        if not isinstance(code, int):
            raise Unreadable
        if reply.status >= SERVER_ERROR and not code:
            raise Unreadable(f"http_{reply.status}")
        return code, answer


def open_account(tools: Tools, provider: str, settings: WechatSettings) -> Account:
    """Return the service account of some settings.

    Raises:
        UserError: There is no way to an access_token.
    """
    calls = make_calls(tools, provider, settings.endpoint, settings.timeout_s)
    if settings.token_url:
        server = make_calls(tools, provider, settings.token_url, settings.timeout_s)
        return Account(calls, AccessToken(_from_server(server, settings.token_key)))
    if settings.app_id and settings.app_secret:
        return Account(calls, AccessToken(_Stable(calls, settings)))
    prefix = f"WINBACK_SENDER_{provider.upper()}_"
    raise UserError(
        "WeChat gives no access_token without credentials",
        f"set {prefix}TOKEN_URL, or {prefix}APP_ID and {prefix}APP_SECRET",
    )


def open_seal(encoding_key: str, receiver: str, variable: str) -> Seal | None:
    """Return what opens call-backs; None = they come in the clear.

    Raises:
        UserError: It is no EncodingAESKey.
    """
    try:
        return Seal(encoding_key, receiver) if encoding_key else None
    except ValueError as error:
        raise UserError(f"{variable}: {error}", "copy it from the page of the call-backs") from None


class _Stable:
    """Fetches tokens of ``stable_token``; asks for a new one only when the old is refused."""

    def __init__(self, calls: Calls, settings: WechatSettings) -> None:
        self._calls = calls
        self._body = {
            "grant_type": "client_credential",
            "appid": settings.app_id,
            "secret": settings.app_secret,
        }
        self._forced_s: float | None = None

    def __call__(self, stale: str) -> Token:
        token = self._ask(must_be_new=False)
        if token.text != stale:
            return token
        now_s = time.monotonic()
        if self._forced_s is not None and now_s - self._forced_s < FORCED_EVERY_S:
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=FORCED_EVERY_S)
        self._forced_s = now_s
        return self._ask(must_be_new=True)

    def _ask(self, *, must_be_new: bool) -> Token:
        body = msgspec.json.encode({**self._body, "force_refresh": must_be_new})
        with sends_nothing():
            reply = self._calls.post(
                "/cgi-bin/stable_token", body, headers={"content-type": "application/json"}
            )
            return read_token(reply.json(dict[str, Any]))


def _from_server(server: Calls, key: str) -> Callable[[str], Token]:
    headers = {"authorization": f"Bearer {key}"} if key else {}

    def fetch(stale: str) -> Token:
        with sends_nothing():
            token = read_token(server.get("", headers=headers).json(dict[str, Any]))
        if token.text == stale:  # The central server alone may replace it, and will.
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=FETCHED_EVERY_S)
        return token

    return fetch
