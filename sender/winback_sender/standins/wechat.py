"""WeChat: a service account that sends three kinds of messages and tells what users do.

=========================================  =======================================================
``POST /cgi-bin/stable_token``             a token for 7,200 s, the same until it is forced
``POST /cgi-bin/message/template/send``    one message for an openid and a ``client_msg_id`` within
                                           10 minutes; ``TEMPLATESENDJOBFINISH`` tells the result
``POST /cgi-bin/message/subscribe/bizsend``  one message for one consent (43101 without);
                                           ``subscribe_msg_sent_event`` tells the result
``POST /cgi-bin/message/custom/send``      inside windows: 5 messages in 48 h after a message of the
                                           user, 3 in a minute after menu, follow and scan; outside
                                           45015, used up 45047; no result is told
=========================================  =======================================================

Answers are 200 with ``errcode``. Not looked at: quotas of accounts below 100,000 calls a day.

Source:
    https://developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage.html;
    https://developers.weixin.qq.com/doc/offiaccount/Subscription_Messages/api.html;
    https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage;
    https://developers.weixin.qq.com/doc/service/guide/product/subscription_messages/push.md;
    https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html. What a
    repeated ``client_msg_id`` is answered with is not documented: here, the first answer again;
    nor that ``bizsend`` names the message: https://github.com/Wechat-Group/WxJava/pull/3142
"""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from winback_sender.standins.stand_in import Call, Plan, Receipts, all_is_well
from winback_sender.standins.tencent_events import TencentStandIn, read_json, says

DEDUPE_S: Final = 600.0
CALLS_A_DAY: Final = 100_000
TEXT_BYTES_MAX: Final = 2_048
MSGID_FIRST: Final = 3_000_000_000
"""Ids of messages are larger than 32 bits."""
WINDOWS: Final = {"message": (5, 172_800.0), "CLICK": (3, 60.0), "subscribe": (3, 60.0),
                  "SCAN": (3, 60.0)}  # fmt: skip
VALUES: Final = {
    "thing": r".{1,20}", "phrase": r"[一-鿿]{1,5}", "number": r"[0-9.]{1,32}",
    "character_string": r"[ -~]{1,32}", "letter": r"[A-Za-z]{1,32}",
}  # fmt: skip
"""Kinds of variables, and what they may be."""
_OPENID: Final = re.compile(r"o[A-Za-z0-9_-]{5,63}")


class WeChat(TencentStandIn):
    """Stands in for a service account; whoever is not said to be gone follows it.

    Attributes:
        templates: Ids of templates to the variables that they have.
        gone: Openids that do not follow the account.
        refusing: Openids that refuse all messages of the account.
        refused_templates: Openids and the template that they refuse.
        consents: Openid and template to the messages that may still be sent by ``bizsend``;
            None = as many as you like.
        calls_a_day: Of ``template/send`` until 45009.
    """

    callback_path = "/callbacks/wechat_template"

    def __init__(self, plan: Plan = all_is_well, encoding_key: str = "") -> None:
        super().__init__(plan, encoding_key)
        self.templates: dict[str, tuple[str, ...]] = {}
        self.gone: set[str] = set()
        self.refusing: set[str] = set()
        self.refused_templates: set[tuple[str, str]] = set()
        self.consents: Counter[tuple[str, str]] | None = None
        self.calls_a_day = CALLS_A_DAY
        self._windows: defaultdict[str, dict[str, list[float]]] = defaultdict(dict)
        self._current = ""

    def add_routes(self, routes: web.UrlDispatcher) -> None:
        """Serve the token and the three calls."""
        routes.add_post("/cgi-bin/stable_token", self._token)
        routes.add_post("/cgi-bin/message/template/send", self._template)
        routes.add_post("/cgi-bin/message/subscribe/bizsend", self._subscribe)
        routes.add_post("/cgi-bin/message/custom/send", self._custom)

    def accepted(self, call: Call) -> web.StreamResponse:
        """Return 0, with the message's id where the call has one."""
        return says(0) if call.what["kind"] == "custom" else says(0, msgid=msgid(call))

    def refused(self, call: Call) -> web.StreamResponse:
        """Return that the user does not follow the account."""
        del call
        return says(43004)

    async def send_receipt(self, call: Call) -> bool:
        """Tell what became of a message."""
        if call.what["kind"] == "template":
            is_blocked = call.address in self.refusing
            failed = "failed:user block" if is_blocked else "failed: system failed"
            arrived = call.turn.arrives and not is_blocked
            return await self.event(call.address, "TEMPLATESENDJOBFINISH", MsgID=msgid(call),
                                    Status="success" if arrived else failed)  # fmt: skip
        result = {"TemplateId": call.what["template_id"], "MsgID": msgid(call)}
        result |= (
            {"ErrorCode": "0", "ErrorStatus": "success"}
            if call.turn.arrives
            else {"ErrorCode": "1", "ErrorStatus": "system failed"}
        )
        return await self.event(
            call.address, "subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": result}
        )

    def say(self, openid: str, text: str) -> bool:
        """Let a user send a message; return whether the sender took note."""
        self._open(openid, "message")
        message = {**_head(openid), "MsgType": "text", "Content": text, "MsgId": time.time_ns()}
        return self._await(self.tell(message))

    def do(self, openid: str, event: str, **more: Any) -> bool:
        """Let a user do something: CLICK, SCAN, subscribe, unsubscribe, choose."""
        if event in WINDOWS:
            self._open(openid, event)
        if event == "unsubscribe":
            self.gone.add(openid)
        return self._await(self.event(openid, event, **more))

    async def event(self, openid: str, event: str, **more: Any) -> bool:
        """Tell of an event."""
        return await self.tell({**_head(openid), "MsgType": "event", "Event": event, **more})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        if body is None:
            return says(47001)
        if (body.get("appid"), body.get("secret")) != (self.account, self.secret):
            return says(40125)
        if body.get("force_refresh"):
            self.tokens.pop(self._current, None)
        if time.time() >= self.tokens.get(self._current, 0.0):
            self._current = self.new_token()
        lives_s = round(self.tokens[self._current] - time.time())
        return web.json_response({"access_token": self._current, "expires_in": lives_s})

    async def _template(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        if code := self._fault(request, body) or self._template_fault(body or {}):
            return says(code)
        assert body is not None
        openid, touch_id = body["touser"], body.get("client_msg_id", "")
        first = self.find(touch_id) if touch_id else None
        if first is not None and first.address == openid and _is_recent(first):
            return self.accepted(first)
        what = {"kind": "template", "template_id": body["template_id"], **body}
        return await self.take(request, touch_id, openid, what)

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        if code := self._fault(request, body) or self._template_fault(body or {}):
            return says(code)
        assert body is not None
        place = (body["touser"], body["template_id"])
        if self.consents is not None and self.consents[place] < 1:
            return says(43101)
        what = {"kind": "subscribe", **body}
        return await self.take(request, self.who(place[0], what), place[0], what)

    async def _custom(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        if code := self._fault(request, body):
            return says(code)
        assert body is not None
        openid = body["touser"]
        text = body.get("text", {}).get("content", "") if body.get("msgtype") == "text" else ""
        if not text:
            return says(44004)
        if len(text.encode()) > TEXT_BYTES_MAX:
            return says(45002)
        windows = self._open_windows(openid)
        if not any(left for _, left in windows):
            return says(45047 if windows else 45015)
        what = {"kind": "custom", **body}
        return await self.take(request, self.who(openid, what), openid, what)

    def record(self, touch_id: str, address: str, what: Any = None) -> Call:
        """Take note of a call; of a customer-service message no result is ever told."""
        call = super().record(touch_id, address, what)
        if call.was_sent and what["kind"] == "subscribe" and self.consents is not None:
            self.consents[address, what["template_id"]] -= 1
        if what["kind"] != "custom":
            return call
        if call.was_sent:
            next(window for window in self._open_windows(address) if window[1])[1] -= 1
        return call._replace(turn=call.turn._replace(receipts=Receipts.NEVER))

    def _fault(self, request: web.Request, body: Mapping[str, Any] | None) -> int:
        if code := self.token_fault(request):
            return code
        if body is None:
            return 47001
        openid = body.get("touser")
        if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
            return 40003
        if openid in self.answers:
            return self.answers[openid]
        return 43004 if openid in self.gone else 0

    def _template_fault(self, body: Mapping[str, Any]) -> int:
        names = self.templates.get(body.get("template_id", ""))
        if names is None:
            return 40037
        if (body["touser"], body["template_id"]) in self.refused_templates:
            return 43101
        try:
            fits = all(_fits(name, body["data"][name]["value"]) for name in names)
        except (KeyError, TypeError):
            return 47003
        if not fits:
            return 47003
        return 45009 if len(self.calls) >= self.calls_a_day else 0

    def _open(self, openid: str, by: str) -> None:
        messages, lasts_s = WINDOWS[by]
        self._windows[openid][by] = [time.time() + lasts_s, messages]

    def close_windows(self, openid: str) -> None:
        """Let the time of a user's windows be over."""
        for window in self._windows[openid].values():
            window[0] = 0.0

    def _open_windows(self, openid: str) -> list[list[float]]:
        """Return windows as end and messages left, those that end first before the others."""
        return sorted(found for found in self._windows[openid].values() if found[0] > time.time())


def msgid(call: Call) -> int:
    """Return what WeChat calls a message."""
    return MSGID_FIRST + int(call.ref.removeprefix("m-"))


def _fits(name: str, value: str) -> bool:
    form = VALUES.get(name.rstrip("0123456789"), r".+")
    return re.fullmatch(form, value) is not None


def _is_recent(call: Call) -> bool:
    return time.time() - call.at_ms / 1_000 < DEDUPE_S


def _head(openid: str) -> dict[str, Any]:
    return {"ToUserName": "gh_123456789abc", "FromUserName": openid,
            "CreateTime": int(time.time())}  # fmt: skip
