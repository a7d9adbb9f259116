"""Customer-service messages of a service account: ``wechat_customer_service``.

They may be sent only for a while after the user did something, and only so many. The call-backs say
when; a touch for whom no window is open fails as ``no_window`` without a call, so that its journey
can go on through another channel at once. There is no id against repeats and no receipt: a lost
answer stays unknown, and keeps its place in the window.

Source:
    https://developers.weixin.qq.com/doc/service/en/api/customer/message/api_sendcustommessage;
    https://developers.weixin.qq.com/doc/service/en/guide/product/kf/intro.html
"""

from typing import Final

from winback_sender.adapters.wechat.account import Json, WechatSettings
from winback_sender.adapters.wechat.codes import WECHAT
from winback_sender.adapters.wechat.memory import before_the_call
from winback_sender.adapters.wechat.opened import open_service_account
from winback_sender.adapters.wechat.service_account import ServiceAccount
from winback_sender.adapters.wechat.text import text_of
from winback_sender.adapters.wechat.windows import OpenedBy
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.http.calls import UnclearError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.tools import Tools

TEXT_BYTES_MAX: Final = 2_048
"""WeChat answers 45002 beyond; the limit is that of its other texts, as none is documented here."""
WINDOW_CODES: Final = frozenset({45015, 45047})
"""WeChat knows of no window, whatever we think."""


class AdapterSettings(WechatSettings, frozen=True, kw_only=True):
    """The settings of ``wechat_customer_service``."""


class CustomerServiceMessages(ServiceAccount):
    """Sends texts inside the windows that users open."""

    name = "wechat_customer_service"
    path = "/cgi-bin/message/custom/send"

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It surely did not leave.
        """
        template, values = self._template(touch)
        text = text_of(template, values, touch.params, TEXT_BYTES_MAX)
        openid = self._openid(touch)
        with before_the_call():
            opened_by = self.windows.take(openid, now_ms())
        if opened_by is None:
            raise NotSentError(Why.NO_WINDOW)
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        return self._spend(body, openid, opened_by)

    def _spend(self, body: Json, openid: str, opened_by: OpenedBy) -> Receipt:
        try:
            code, _ = self._account.call(self.path, body)
        except NotSentError:
            self.windows.give_back(openid, opened_by)
            raise
        except UnclearError as error:
            return error.receipt(openid)
        if not code:
            return Receipt(Status.SENT, address=openid)
        if code in WINDOW_CODES:
            self.windows.shut(openid)
        elif code in WECHAT:
            self.windows.give_back(openid, opened_by)
        return self._refused(code, openid)


def make(tools: Tools) -> CustomerServiceMessages:
    """Return the adapter.

    Raises:
        UserError: Settings are wrong or missing.
    """
    return open_service_account(CustomerServiceMessages, AdapterSettings, tools)
