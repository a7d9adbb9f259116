"""What providers accept as the text of a template, as data.

A text is written once, with variables as ``${name}`` and without an opt-out; `submission` gives the
form in which a provider gets it. The rules are those of the providers' public documentation (stored
copies of varying age); what could not be confirmed is marked, and a text that breaks it is warned
of, not refused.

Source:
    The addresses stand at each provider. MIIT Order 31 (2015): a commercial message carries a way
    to refuse it.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

VARIABLE: Final = re.compile(r"\$\{([^{}]*)\}")
OPT_OUTS: Final = ("拒收请回复R", "回TD退订", "回T退订", "退订回T", "退订回TD")

RECALL: Final = ("召回", "拉新", "优惠券", "积分兑换", "积分领取", "问卷", "调查")
"""Content that Tencent, Huawei and Qiniu do not carry: 用户召回, 用户拉新, 优惠券类推广, ..."""

MARKETING: Final = (
    "优惠", "折扣", "打折", "特价", "促销", "抢购", "秒杀", "红包", "立减", "满减", "免费领",
    "代金券", "礼券", "限时",
)  # fmt: skip
"""Words that make a notice an advertisement."""

UNKIND: Final = ("召回", "流失", "挽回", "沉睡用户")
"""Words of our trade that no user should read, whoever carries them."""

_LINK: Final = re.compile(r"https?://\S*|www\.\S*", re.IGNORECASE)


class Template(msgspec.Struct, frozen=True):
    """The text of a message as it was written.

    Attributes:
        text: With variables as ``${name}``.
        kind: ``notice``, or ``promotion``: it advertises, so it carries an opt-out.
    """

    text: str
    kind: str = "notice"

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, in order, each once."""
        return tuple(dict.fromkeys(VARIABLE.findall(self.text)))


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of one provider.

    Attributes:
        channel: Which channel it carries.
        source: Where its rules are published.
        forbidden: Words that no text may have.
        forbidden_signs: Characters that no text may have.
        opt_out: What a promotion ends with, appended to the text; empty = nothing.
        kinds: Kinds of templates that it carries.
        may_vary_promotions: Whether a promotion may have variables.
        may_touch: Whether two variables may stand next to each other.
        may_link: Whether a variable may carry a link.
        length_max: Characters of the whole text, with its opt-out; 0 = not stated.
        value_length_max: Characters of a variable's value; 0 = not stated.
        is_value_length_sure: Whether that was confirmed.
        salutation: What a promotion has to have, since it may only go to members.
    """

    channel: str
    source: str
    forbidden: tuple[str, ...] = ()
    forbidden_signs: str = "【】"
    opt_out: str = ""
    kinds: tuple[str, ...] = ("notice", "promotion")
    may_vary_promotions: bool = True
    may_touch: bool = True
    may_link: bool = True
    length_max: int = 0
    value_length_max: int = 0
    is_value_length_sure: bool = True
    salutation: str = ""


PROVIDERS: Final[dict[str, Provider]] = {
    "aliyun": Provider(
        channel="sms", source="https://help.aliyun.com/document_detail/91975.html",
        opt_out="拒收请回复R", salutation="会员", may_link=False, may_touch=False,
    ),
    "tencent": Provider(
        channel="sms", source="https://cloud.tencent.com/document/product/382/39023",
        forbidden=RECALL, forbidden_signs="【】¥￥★", length_max=500, may_touch=False,
        may_link=False, value_length_max=6, is_value_length_sure=False,
        opt_out="拒收请回复R",  # unverified: the rules read do not say which wording
    ),
    "huawei": Provider(
        channel="sms", source="https://support.huaweicloud.com/usermanual-iotcom/iotcom_03_1002.html",
        forbidden=RECALL, opt_out="拒收请回复R", may_vary_promotions=False, may_touch=False,
        may_link=False,
    ),
    "qiniu": Provider(
        channel="sms", source="https://developer.qiniu.com/sms/5814/template-specification",
        forbidden=RECALL, opt_out="回T退订", may_touch=False, may_link=False,
    ),
    "baidu": Provider(
        channel="sms", source="https://cloud.baidu.com/doc/SMS/s/Rkih1xo03",
        opt_out="回T退订",  # unverified, as for Tencent
        may_touch=False, may_link=False,
    ),
    "wechat_template": Provider(
        channel="wechat",
        source="https://developers.weixin.qq.com/doc/offiaccount/Message_Management/"
        "Template_Message_Interface.html",
        kinds=("notice",), may_link=False,
    ),
    "wechat_subscribe": Provider(
        channel="wechat",
        source="https://developers.weixin.qq.com/doc/service/en/guide/product/"
        "subscription_messages/push.html",
        kinds=("notice",), may_link=False, value_length_max=20, is_value_length_sure=False,
    ),
    "wechat_customer_service": Provider(
        channel="wechat",
        source="https://developers.weixin.qq.com/doc/offiaccount/Customer_Service/"
        "Customer_Service_Messages.html",
        forbidden_signs="",
    ),
    "wecom": Provider(
        channel="wecom", source="https://developer.work.weixin.qq.com/document/path/92135",
        forbidden_signs="", length_max=1_300,  # 4,000 bytes, unverified
    ),
}  # fmt: skip
"""Name of a provider to its rules; the sender kit reads the same."""


class Objection(NamedTuple):
    """What a provider has against a template.

    Attributes:
        level: ``error``, or ``warning``: the rule could not be confirmed.
        what: The objection.
    """

    level: Literal["error", "warning"]
    what: str


def submission(template: Template, provider: Provider) -> str:
    """Return the text as it is handed in: a promotion ends with the provider's opt-out."""
    is_marked = template.kind == "promotion" and provider.opt_out
    return f"{template.text.rstrip('。. ')}，{provider.opt_out}" if is_marked else template.text


def objections(
    template: Template, provider: Provider, values: Mapping[str, str] | None = None
) -> list[Objection]:
    """Return what a provider has against a template and the values of its variables.

    Args:
        template: The text.
        provider: The rules.
        values: Variable to what the playbooks put there.
    """
    said = [*_of_kind(template, provider), *_of_words(template, provider)]
    said += _of_variables(template, provider)
    errors = [Objection("error", what) for what in said]
    return [*errors, *_of_values(provider, values or {})]


def _of_kind(template: Template, provider: Provider) -> list[str]:
    said = []
    whole = submission(template, provider)
    if template.kind not in provider.kinds:
        said.append(f"carries no {template.kind}")
    if template.kind == "promotion":
        if provider.salutation and provider.salutation not in template.text:
            said.append(f"promotions go to members only: address them as {provider.salutation!r}")
        if template.variables and not provider.may_vary_promotions:
            said.append("a promotion may have no variables")
    else:
        said += [f"a notice may not advertise: {word!r}" for word in MARKETING
                 if word in template.text]  # fmt: skip
    said += [f"the opt-out {text!r} is added by kind: promotion, leave it out"
             for text in OPT_OUTS if text in template.text]  # fmt: skip
    if provider.length_max and len(whole) > provider.length_max:
        said.append(f"{len(whole)} characters, at most {provider.length_max}")
    return said


def _of_words(template: Template, provider: Provider) -> list[str]:
    words = dict.fromkeys((*provider.forbidden, *UNKIND))
    said = [f"the word {word!r} is forbidden" for word in words if word in template.text]
    signs = [sign for sign in provider.forbidden_signs if sign in template.text]
    return [*said, *(f"the sign {sign!r} is forbidden" for sign in signs)]


def _of_variables(template: Template, provider: Provider) -> list[str]:
    said = []
    if template.variables and not VARIABLE.sub("", template.text).strip():
        said.append("a text of variables alone is no template")
    if not provider.may_touch and re.search(r"\$\{[^{}]*\}\$\{", template.text):
        said.append("two variables may not touch: put a word between them")
    links = _LINK.findall(template.text)
    if not provider.may_link and any("${" in link for link in links):
        said.append("a link must be constant: no variable in it")
    return said


def _of_values(provider: Provider, values: Mapping[str, str]) -> list[Objection]:
    said = []
    for name, value in values.items():
        if not provider.may_link and _LINK.search(value):
            said.append(Objection("error", f"variable {name!r} may not carry a link"))
        if provider.value_length_max and len(value) > provider.value_length_max:
            what = (
                f"variable {name!r}: {len(value)} characters, at most {provider.value_length_max}"
            )
            level: Literal["error", "warning"] = "error"
            if not provider.is_value_length_sure:
                level, what = "warning", f"{what} (unverified)"
            said.append(Objection(level, what))
    return said
