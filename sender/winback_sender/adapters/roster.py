"""The adapters that are shipped: name, where each is made, and which channels it can carry.

An adapter's module has ``make(tools: Tools) -> Adapter`` and its settings, a struct for
`settings_catalogue.load` with the prefix ``WINBACK_SENDER_<NAME>_``.
"""

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One adapter.

    Attributes:
        module: Has ``make(tools)`` and, if it has settings, ``AdapterSettings``.
        channels: Channels that it can carry; empty = any.
        what: A line for people.
    """

    module: str
    channels: tuple[str, ...]
    what: str


ROSTER: Final[dict[str, Entry]] = {
    "console": Entry("winback_sender.adapters.console", (), "Prints each touch."),
    "aliyun": Entry("winback_sender.adapters.aliyun", ("sms",), "Aliyun SMS (dysmsapi)."),
    "tencent": Entry("winback_sender.adapters.tencent", ("sms",), "Tencent Cloud SMS."),
    "wechat_template": Entry(
        "winback_sender.adapters.wechat.template", ("wechat",),
        "WeChat service account, template message.",
    ),
    "wechat_subscribe": Entry(
        "winback_sender.adapters.wechat.subscribe", ("wechat",),
        "WeChat service account, subscription message.",
    ),
    "wechat_customer_service": Entry(
        "winback_sender.adapters.wechat.customer_service", ("wechat",),
        "WeChat service account, customer-service message in its window.",
    ),
    "wecom": Entry(
        "winback_sender.adapters.wecom", ("wecom",), "WeCom external contact task."
    ),
    "webhook": Entry("winback_sender.adapters.webhook", (), "A webhook of your own, signed."),
    "call_list": Entry("winback_sender.adapters.call_list", ("call",), "Call lists for staff."),
    "email": Entry("winback_sender.adapters.mail", ("email",), "E-mail by SMTP."),
}  # fmt: skip
"""Name to entry; names are those of the channel law where a provider has rules there."""
