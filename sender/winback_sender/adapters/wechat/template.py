"""Template messages of a service account: ``wechat_template``.

A message carries the touch's id as ``client_msg_id``: for 10 minutes WeChat sends one message for
an openid and such an id, so a call whose answer is lost is made once more at once, and the second
answer says what became of the touch. It is made only then: a repeat minutes later could be the
first to arrive, after a revocation that nobody tells the adapter of. What the second call cannot
say stays unknown until the result comes (`notices`). No limit of the id's length is documented (64
bytes for the mass messages' ``clientmsgid``); ours has 32 characters.

Source:
    https://developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage.html;
    the id: https://github.com/silenceper/wechat/pull/651 quotes its paragraph; that a repeated id
    of a mass message answers 45065: https://github.com/w7corp/easywechat/issues/1726.
"""

from typing import Final

from winback_sender.adapters.wechat.account import Json, WechatSettings
from winback_sender.adapters.wechat.opened import open_service_account
from winback_sender.adapters.wechat.service_account import ServiceAccount, data_of, link_of
from winback_sender.adapters.wechat.values import demand_fit
from winback_sender.clock import now_ms
from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.tools import Tools

SENT_BEFORE: Final = 45065
"""The id was used before: the first call was taken."""


class AdapterSettings(WechatSettings, frozen=True, kw_only=True):
    """The settings of ``wechat_template``."""


class TemplateMessages(ServiceAccount):
    """Sends template messages; call-backs say whether they arrived."""

    name = "wechat_template"
    path = "/cgi-bin/message/template/send"

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It surely did not leave.
        """
        template, values = self._template(touch)
        demand_fit(values)
        openid = self._openid(touch)
        body = {
            "touser": openid,
            "template_id": template.id,
            **link_of(template, "url"),
            "client_msg_id": touch.touch_id,
            "data": data_of(values),
        }
        with self.notices.sending(openid, template.id, touch.touch_id, now_ms()):
            receipt = self._send(body, openid)
        if receipt.status == Status.UNKNOWN and now_ms() < instant_ms(touch.expires_at):
            receipt = self._once_more(body, openid, receipt)
        return self._answered(touch, receipt)

    def _once_more(self, body: Json, openid: str, first: Receipt) -> Receipt:
        try:
            second = self._send(body, openid)
        except NotSentError:
            return first  # What is refused now says nothing of the first call.
        return first if second.status == Status.UNKNOWN else second

    def _refused(self, code: int, openid: str) -> Receipt:
        if code == SENT_BEFORE:
            return Receipt(Status.ACCEPTED, address=openid)
        return super()._refused(code, openid)


def make(tools: Tools) -> TemplateMessages:
    """Return the adapter.

    Raises:
        UserError: Settings are wrong or missing.
    """
    return open_service_account(TemplateMessages, AdapterSettings, tools)
