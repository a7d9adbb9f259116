"""The providers a sender can be tested against: their stand-ins, and how a sender finds them."""

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from winback_sender.conformance.letters import TEMPLATE, VARIABLE, touch_of
from winback_sender.conformance.plan import Story
from winback_sender.settings import SENDER_PREFIX
from winback_sender.standins.addresses import Knows
from winback_sender.standins.aliyun import KEY_ID, Aliyun
from winback_sender.standins.aliyun import SECRET as ALIYUN_SECRET
from winback_sender.standins.postbox import Postbox
from winback_sender.standins.smtp import MailServer
from winback_sender.standins.stand_in import Plan, StandIn
from winback_sender.standins.tencent import APP_ID, SECRET_ID, SECRET_KEY, Tencent
from winback_sender.standins.tencent_events import TencentStandIn
from winback_sender.standins.webhook import SECRET, WebhookReceiver
from winback_sender.standins.wechat import WeChat
from winback_sender.standins.wecom import KEY, WeCom

Environ = Callable[[StandIn, Path], Mapping[str, str]]

SIGN: Final = "某商城"
TEXT: Final = "${name}，您好，会员服务有更新。"
TEMPLATES: Final = f"""\
templates:
  {TEMPLATE}:
    any: {{text: "{TEXT}", kind: notice, params: {{name: {VARIABLE}}}}}
    aliyun: {{id: SMS_100001, sign: {SIGN}}}
    tencent: {{id: "100001", sign: {SIGN}, params: [{VARIABLE}]}}
    email: {{extra: {{subject: 会员服务有更新}}}}
    wechat_template: {{id: tpl-1, params: {{thing1: {VARIABLE}}}}}
    wechat_subscribe: {{id: tpl-1, params: {{thing1: {VARIABLE}}}}}
"""


class Addresses(NamedTuple):
    """How a channel's addresses look.

    Attributes:
        of: Number of a user to the address as it should be.
        odd: The same as people write it; None where there is no such way.
        bad: What is no address.
        normal: Any way to write it to the one form by which two are compared.
    """

    of: Callable[[int], str]
    odd: Callable[[int], str] | None
    bad: str
    normal: Callable[[str], str]


class Stand(NamedTuple):
    """A provider.

    Attributes:
        channel: Of the touches that go through it.
        addresses: What it takes.
        make: Returns the stand-in of a plan, who knows whose address is what.
        environ: Variables that lead the sender there; the folder is for files that they name.
        may_refuse: Stories that elsewhere must be sent.
    """

    channel: str
    addresses: Addresses
    make: Callable[[Plan, Knows], StandIn]
    environ: Environ
    may_refuse: frozenset[Story] = frozenset()


def _phone(number: int) -> str:
    return f"138{number:08d}"


def _odd_phone(number: int) -> str:
    phone = _phone(number)
    full_width = "".join(chr(ord("０") + int(digit)) for digit in phone)
    spaced = f" {phone[:3]} {phone[3:7]} {phone[7:]} "
    return (spaced, f"+86{phone}", f"0086-{phone}", full_width, f"+86 {spaced}")[number % 5]


def _digits(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in plain if letter.isdecimal())[-11:]


def _itself(text: str) -> str:
    return text


PHONES: Final = Addresses(_phone, _odd_phone, "12345", _digits)
MAILBOXES: Final = Addresses(
    lambda number: f"u{number}@example.com", lambda number: f" u{number}＠Example.COM ", "12345",
    lambda text: unicodedata.normalize("NFKC", text).strip().lower(),
)  # fmt: skip


def _word(prefix: str) -> Addresses:
    """Return addresses that are words of a provider; nobody writes them in another way."""
    return Addresses(lambda number: f"{prefix}{number:020d}", None, "", _itself)


def _postbox(plan: Plan, knows: Knows) -> StandIn:
    return Postbox(plan, knows, {TEMPLATE: (VARIABLE,)})


def _webhook(plan: Plan, knows: Knows) -> StandIn:
    del knows
    return WebhookReceiver(plan)


def _mail_server(plan: Plan, knows: Knows) -> StandIn:
    del knows
    return MailServer(plan)


def _aliyun(plan: Plan, knows: Knows) -> StandIn:
    del knows
    return Aliyun(plan, templates={"SMS_100001": TEXT}, signs=frozenset({SIGN}))


def _tencent(plan: Plan, knows: Knows) -> StandIn:
    del knows
    found = Tencent(plan, templates={"100001": TEXT.replace("${name}", "{1}")},
                    signs=frozenset({SIGN}))  # fmt: skip
    found.same_content_s, found.per_day = 0.0, 1_000_000
    return found


class _MarkedWeChat(WeChat):
    def who(self, address: str, what: Any) -> str:
        return touch_of(str(what)) or address


class _MarkedWeCom(WeCom):
    def who(self, address: str, what: Any) -> str:
        return touch_of(str(what)) or address


def _wechat(kind: str) -> Callable[[Plan, Knows], StandIn]:
    def made(plan: Plan, knows: Knows) -> StandIn:
        del knows
        found = _MarkedWeChat(plan, encoding_key=KEY)
        found.callback_path = f"/callbacks/wechat_{kind}"
        found.templates = {"tpl-1": ("thing1",)}
        return found

    return made


def _wecom(plan: Plan, knows: Knows) -> StandIn:
    del knows
    return _MarkedWeCom(plan)


def _environ(adapter: str, own: Callable[[StandIn], Mapping[str, str]]) -> Environ:
    """Return what leads an adapter of ours to its stand-in: settings and the file of templates."""

    def made(stand_in: StandIn, folder: Path) -> Mapping[str, str]:
        (path := folder / "templates.yaml").write_text(TEMPLATES, encoding="utf-8")
        settings = {"ENDPOINT": stand_in.url, "TIMEOUT_S": "1", **own(stand_in)}
        prefix = f"{SENDER_PREFIX}{adapter.upper()}_"
        found = {prefix + field: text for field, text in settings.items()}
        return {**found, f"{SENDER_PREFIX}TEMPLATES": str(path)}

    return made


def _of_account(stand_in: StandIn) -> Mapping[str, str]:
    assert isinstance(stand_in, TencentStandIn)
    return {
        "APP_ID": stand_in.account, "APP_SECRET": stand_in.secret, "PAUSE_S": "1",
        "CALLBACK_TOKEN": stand_in.callback_token, "ENCODING_AES_KEY": stand_in.encoding_key,
    }  # fmt: skip


def _of_company(stand_in: StandIn) -> Mapping[str, str]:
    assert isinstance(stand_in, TencentStandIn)
    return {
        "CORP_ID": stand_in.account, "CORP_SECRET": stand_in.secret, "PAUSE_S": "1",
        "CALLBACK_TOKEN": stand_in.callback_token, "ENCODING_AES_KEY": stand_in.encoding_key,
    }  # fmt: skip


def _of_hook(stand_in: StandIn) -> Mapping[str, str]:
    assert isinstance(stand_in, WebhookReceiver)
    return {"ENDPOINT": stand_in.endpoint, "SECRET": SECRET, "WITH_ADDRESS": "true"}


def _of_mail(stand_in: StandIn) -> Mapping[str, str]:
    del stand_in
    return {"SENDER": "care@example.com", "UNSUBSCRIBE_MAILTO": "leave@example.com"}


PLAIN: Final = frozenset({Story.RARE})
"""Touches that a provider which takes no emoji may refuse."""

STANDS: Final[dict[str, Stand]] = {
    "postbox": Stand("sms", PHONES, _postbox, lambda _, __: {}),
    "aliyun": Stand("sms", PHONES, _aliyun, _environ("aliyun", lambda _: {
        "ACCESS_KEY_ID": KEY_ID, "ACCESS_KEY_SECRET": ALIYUN_SECRET,
    }), PLAIN),
    "tencent": Stand("sms", PHONES, _tencent, _environ("tencent", lambda _: {
        "SECRET_ID": SECRET_ID, "SECRET_KEY": SECRET_KEY, "SDK_APP_ID": APP_ID,
    }), PLAIN),
    "wechat_template": Stand("wechat", _word("o"), _wechat("template"),
                             _environ("wechat_template", _of_account), PLAIN),
    "wechat_subscribe": Stand("wechat", _word("o"), _wechat("subscribe"),
                              _environ("wechat_subscribe", _of_account), PLAIN),
    "wecom": Stand("wecom", _word("wm"), _wecom, _environ("wecom", _of_company), PLAIN),
    "email": Stand("email", MAILBOXES, _mail_server, _environ("email", _of_mail)),
    "webhook": Stand("sms", _word("h"), _webhook, _environ("webhook", _of_hook)),
}  # fmt: skip
"""Name, as in ``--provider NAME``, to the provider."""
