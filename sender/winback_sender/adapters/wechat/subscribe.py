"""Subscription messages of a service account: ``wechat_subscribe``.

One consent of the user is one message. Whether one is left only WeChat knows (43101: none), since
not every consent is told; a refusal that was told is kept without asking WeChat.

``bizsend`` takes no id of ours, so a call is never repeated; the result settles one whose answer
was lost (`notices`).

Source:
    https://developers.weixin.qq.com/doc/offiaccount/Subscription_Messages/api.html;
    https://developers.weixin.qq.com/doc/service/guide/product/subscription_messages/push.md. That
    answers carry the result's MsgID is not documented, but was measured:
    https://github.com/Wechat-Group/WxJava/pull/3142; in 2021 they did not:
    https://developers.weixin.qq.com/community/develop/doc/000ea648670c88925b0d5479756c00
"""

from winback_sender.adapters.wechat.account import WechatSettings
from winback_sender.adapters.wechat.memory import before_the_call
from winback_sender.adapters.wechat.opened import open_service_account
from winback_sender.adapters.wechat.service_account import ServiceAccount, data_of, link_of
from winback_sender.adapters.wechat.values import demand_fit
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Why
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.tools import Tools


class AdapterSettings(WechatSettings, frozen=True, kw_only=True):
    """The settings of ``wechat_subscribe``."""


class SubscriptionMessages(ServiceAccount):
    """Sends subscription messages; call-backs say whether they arrived."""

    name = "wechat_subscribe"
    path = "/cgi-bin/message/subscribe/bizsend"

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It surely did not leave.
        """
        template, values = self._template(touch)
        demand_fit(values)
        openid = self._openid(touch)
        with before_the_call():
            if self.windows.is_refused(openid, template.id):
                raise NotSentError(Why.NO_WINDOW)
        body = {
            "touser": openid,
            "template_id": template.id,
            **link_of(template, "page"),
            "data": data_of(values),
        }
        with self.notices.sending(openid, template.id, touch.touch_id, now_ms()):
            return self._answered(touch, self._send(body, openid))


def make(tools: Tools) -> SubscriptionMessages:
    """Return the adapter.

    Raises:
        UserError: Settings are wrong or missing.
    """
    return open_service_account(SubscriptionMessages, AdapterSettings, tools)
