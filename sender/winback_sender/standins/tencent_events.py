"""What stand-ins of WeChat and WeCom share: access_tokens, and call-backs that are signed.

Source:
    https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.md;
    https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken
"""

import os
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from aiohttp import web

from winback_sender.adapters.wechat.seal import Seal, signature
from winback_sender.standins.stand_in import Call, Plan, StandIn, all_is_well

TOKEN_LIVES_S: Final = 7_200
ERRORS: Final = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40037: "invalid template_id",
    40096: "invalid external userid",
    40125: "invalid appsecret",
    41001: "access_token missing",
    42001: "access_token expired",
    43004: "require subscribe",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45033: "api concurrent out of limit",
    45047: "out of response count limit",
    47001: "data format error",
    47003: "argument invalid!",
    48002: "user block the service account",
}  # fmt: skip


class TencentStandIn(StandIn):
    """Gives tokens, and calls back.

    Args:
        plan: What happens to each call.
        encoding_key: The EncodingAESKey. Empty: call-backs come in the clear.

    Attributes:
        account, secret: AppID and AppSecret, or CorpID and secret.
        callback_token: What call-backs are signed with.
        callback_path: Where they go, at the sender's address.
        tokens: Tokens that were given, and until when they are good, s of the wall clock.
        answers: To whom what code is always answered, before anything else of him is looked at.
    """

    account, secret = "wx5823bf96d3bd56c7", "stand-in-secret-0001"
    callback_token = "QDG6eK"  # noqa: S105 (it guards nothing)
    callback_path = ""

    def __init__(self, plan: Plan = all_is_well, encoding_key: str = "") -> None:
        super().__init__(plan)
        self.encoding_key = encoding_key
        self.tokens: dict[str, float] = {}
        self.answers: dict[str, int] = {}

    def new_token(self) -> str:
        """Give a token; one that was given before stays good."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.time() + TOKEN_LIVES_S
        return token

    def expire_tokens(self) -> None:
        """Let every token grow old at once."""
        self.tokens = dict.fromkeys(self.tokens, 0.0)

    def revoke_tokens(self) -> None:
        """Forget every token: another system has fetched one."""
        self.tokens.clear()

    def token_fault(self, request: web.Request) -> int:
        """Return what is wrong with the access_token of a call, 0 = nothing."""
        token = request.query.get("access_token", "")
        if not token:
            return 41001
        if token not in self.tokens:
            return 40001
        return 0 if time.time() < self.tokens[token] else 42001

    def who(self, address: str, what: Any) -> str:
        """Return whose touch a message without an id of ours is: here, the address."""
        del what
        return address

    async def tell(self, event: Mapping[str, Any], *, path: str = "") -> bool:
        """Post an event as XML; return whether it was taken."""
        instant = {"timestamp": str(int(time.time())), "nonce": secrets.token_hex(5)}
        signed = signature(self.callback_token, *instant.values())
        query, body = {"signature": signed, **instant}, xml(event)
        if self.encoding_key:
            sealed = Seal(self.encoding_key, self.account).close(body.encode(), os.urandom(16))
            whole = signature(self.callback_token, *instant.values(), sealed)
            query |= {"encrypt_type": "aes", "msg_signature": whole}
            body = xml({"ToUserName": event.get("ToUserName", ""), "Encrypt": sealed})
        status, answer = await self.post(
            f"{path or self.callback_path}?{urlencode(query)}", data=body.encode(),
            headers={"content-type": "text/xml"},
        )  # fmt: skip
        return (status, answer) == (200, b"success")

    def throttled(self, call: Call) -> web.StreamResponse:
        """Return 45011: slower."""
        del call
        return says(45011)


def says(code: int, **more: Any) -> web.Response:
    """Return a code and its words; Tencent answers 200 whatever it is."""
    words = "ok" if code == 0 else ERRORS.get(code, "refused")
    return web.json_response({"errcode": code, "errmsg": words, **more})


async def read_json(request: web.Request) -> dict[str, Any] | None:
    """Return a body; None = it is no JSON object, or was broken off."""
    try:
        body = await request.json()
    except (ValueError, ConnectionResetError):
        return None
    return body if isinstance(body, dict) else None


def xml(content: Mapping[str, Any]) -> str:
    """Return names and texts as Tencent writes them; a list is its name as often as it is long."""
    return f"<xml>{''.join(_element(name, value) for name, value in content.items())}</xml>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inner = "".join(_element(inner, found) for inner, found in value.items())
        return f"<{name}>{inner}</{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    text = escape(value) if "]]>" in value else f"<![CDATA[{value}]]>"
    return f"<{name}>{text}</{name}>"
