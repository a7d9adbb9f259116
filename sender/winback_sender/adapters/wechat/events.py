"""What WeChat tells of users and messages, as words on touches.

========================================  ======================================================
event                                     what is heard
========================================  ======================================================
a message of the user                     replied, or opted_out (`replies.status_of`);
                                          opens a window
menu clicked, followed, QR code scanned   opens a short window
``unsubscribe``                           opted_out
``TEMPLATESENDJOBFINISH``                 delivered; ``failed:user block``: failed, hard;
                                          anything else: failed, soft
``subscribe_msg_sent_event``              delivered, or failed, soft
``subscribe_msg_popup_event``,            the user's word on one template is remembered; the
``subscribe_msg_change_event``            channel stays as it is
========================================  ======================================================

Replies name no touch, so the latest touch of the openid is meant.

Source:
    https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Template_Message_Interface.html;
    https://developers.weixin.qq.com/doc/service/guide/product/subscription_messages/push.md
"""

from collections.abc import Callable, Iterator
from typing import Final

from winback_sender.adapter import Heard
from winback_sender.adapters.replies import status_of
from winback_sender.adapters.wechat.callbacks import Event, items
from winback_sender.adapters.wechat.notices import Notices
from winback_sender.adapters.wechat.windows import OpenedBy, Windows
from winback_sender.contract.instants import SECOND_MS
from winback_sender.contract.words import HARD, Status, Why
from winback_sender.receipt import Receipt

SOFT: Final = "soft"
DIGITS_MAX: Final = 12
REASON_MAX: Final = 64
OPENING: Final = {
    "click": OpenedBy.MENU,
    "scancode_push": OpenedBy.MENU,
    "scancode_waitmsg": OpenedBy.MENU,
    "subscribe": OpenedBy.FOLLOW,
    "scan": OpenedBy.SCAN,
}
"""Events that open a window; opening a page by the menu (VIEW) does not."""
RESULTS: Final = "subscribe_msg_sent_event"
CHOICES: Final = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
}


class Events:
    """Hears the call-backs of one account.

    Args:
        windows: Remembers what openids allow.
        notices: Remembers what is on its way.
        now_ms: The wall clock.
    """

    def __init__(self, windows: Windows, notices: Notices, now_ms: Callable[[], int]) -> None:
        self._windows = windows
        self._notices = notices
        self._now_ms = now_ms

    def hear(self, event: Event) -> list[Heard]:
        """Return what an event says of touches; it comes again if it was not answered in time."""
        openid = _text(event, "FromUserName")
        if not openid:
            return []
        at_ms = self._instant_ms(event)
        if _text(event, "MsgType").lower() != "event":
            return [self._message(event, openid, at_ms)]
        return list(self._event(event, openid, at_ms))

    def _message(self, event: Event, openid: str, at_ms: int) -> Heard:
        self._windows.opened(openid, OpenedBy.MESSAGE, at_ms)
        return Heard(Receipt(status_of(_text(event, "Content"))), at_ms, address=openid)

    def _event(self, event: Event, openid: str, at_ms: int) -> Iterator[Heard]:
        kind = _text(event, "Event").lower()
        if kind in OPENING:
            self._windows.opened(openid, OPENING[kind], at_ms)
        elif kind == "unsubscribe":
            self._windows.shut(openid)
            yield Heard(Receipt(Status.OPTED_OUT, "", Why.BLOCKED), at_ms, address=openid)
        elif kind == "templatesendjobfinish":
            # Other systems of the company send templates too: only what we know of is ours.
            msgid = _text(event, "MsgID") or _text(event, "MsgId")
            receipt = _finished(_text(event, "Status"))
            yield from self._notices.hear(openid, "", msgid, receipt, at_ms)
        elif kind == RESULTS:
            yield from self._sent(event, openid, at_ms)
        elif kind in CHOICES:
            for item in items(event, CHOICES[kind]):
                is_refused = _text(item, "SubscribeStatusString").lower() == "reject"
                template_id = _text(item, "TemplateId")
                self._windows.chosen(openid, template_id, at_ms, is_refused=is_refused)

    def _sent(self, event: Event, openid: str, at_ms: int) -> Iterator[Heard]:
        for item in items(event, "SubscribeMsgSentEvent"):
            msgid, template_id = _text(item, "MsgID"), _text(item, "TemplateId")
            code = _text(item, "ErrorCode")
            reason = (_text(item, "ErrorStatus") or code)[:REASON_MAX]
            failed = Receipt(Status.FAILED, SOFT, reason)
            receipt = Receipt(Status.DELIVERED) if code == "0" else failed
            yield from self._notices.hear(openid, template_id, msgid, receipt, at_ms)

    def _instant_ms(self, event: Event) -> int:
        """Return when it happened; an instant ahead of our clock would keep a window too long."""
        text, now_ms = _text(event, "CreateTime"), self._now_ms()
        is_instant = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
        return min(int(text) * SECOND_MS, now_ms) if is_instant else now_ms


def _finished(status: str) -> Receipt:
    words = status.lower().replace(" ", "")
    if words == "success":
        return Receipt(Status.DELIVERED)
    if words == "failed:userblock":
        return Receipt(Status.FAILED, HARD, Why.BLOCKED)
    return Receipt(Status.FAILED, SOFT, status[:REASON_MAX])


def _text(event: Event, name: str) -> str:
    value = event.get(name, "")
    return str(value) if isinstance(value, str | int) else ""
