"""What the console sender says: member care, in English and Chinese.

Real senders map ``template_key`` to a template that their provider has approved. Words such as
"recall" (召回) are on the forbidden lists of several providers, so none of them is used here.
"""

from typing import Final, Literal

from winback_sender.contract.messages import TouchRequested

Language = Literal["en", "zh"]

TEMPLATES: Final[dict[str, dict[Language, str]]] = {
    "member_care_greeting": {
        "en": "Dear member, it is good to have you with us. Is there anything we can do for you?",
        "zh": "亲爱的会员，感谢您一直以来的陪伴。有什么可以帮到您的吗？",
    },
    "member_care_benefit": {
        "en": "Dear member, your benefits are waiting for you. Reply R to stop messages.",
        "zh": "尊敬的会员，您的会员权益已为您保留，欢迎随时使用。拒收请回复R",
    },
    "member_care_call": {
        "en": "A short call: how has it been, and what can we do better?",
        "zh": "会员关怀电话：了解近期体验，听取您的建议。",
    },
    "top_care_call": {
        "en": "A call by your adviser: is everything as you like it, is anything needed?",
        "zh": "会员顾问来电：近期购物是否顺利，有什么需要？",
    },
    "top_care_greeting": {
        "en": "I am your personal adviser. Shall I keep an eye on anything for you?",
        "zh": "您好，我是您的专属顾问，需要我帮您留意什么吗？",
    },
    "top_care_benefit": {
        "en": "Thank you for being with us: a member's benefit is in your account.",
        "zh": "感谢您一直以来的支持，会员专属礼遇已放入您的账户。",
    },
    "member_greeting": {
        "en": "There is news in your member centre; reply and we are there to help.",
        "zh": "会员中心有更新，有任何问题直接回复即可联系客服。",
    },
    "member_benefit_sms": {
        "en": "Dear member, your benefit is in your account. Reply R to stop messages.",
        "zh": "尊敬的会员，您的会员礼遇已放入账户，可在会员中心查看。拒收请回复R",
    },
    "member_care_again": {
        "en": "Are you happy with our service? Tell us whatever you need.",
        "zh": "近期的服务您还满意吗？需要帮助时直接回复即可联系客服。",
    },
}
"""Template key to words; unknown keys are shown as they are."""

CHANNELS: Final[dict[str, dict[Language, str]]] = {
    "wechat": {"en": "WeChat", "zh": "微信"},
    "sms": {"en": "SMS", "zh": "短信"},
    "call": {"en": "call", "zh": "电话"},
    "wecom": {"en": "WeCom", "zh": "企业微信"},
}

STATUSES: Final[dict[str, dict[Language, str]]] = {
    "delivered": {"en": "delivered", "zh": "已送达"},
    "replied": {"en": "replied", "zh": "已回复"},
    "opted_out": {"en": "opted out", "zh": "已退订"},
}


def line(touch: TouchRequested, status: str, language: Language) -> str:
    """Return a touch in one line: when, through what, to whom, the words, why, and the answer."""
    at = touch.not_before[:16].replace("T", " ")
    channel = _said(CHANNELS, touch.channel, language)
    text = _said(TEMPLATES, touch.template_key, language)
    answer = _said(STATUSES, status, language)
    why = [getattr(reason.text, language) for reason in touch.risk.reasons if reason.weight > 0]
    step = f"{touch.step}/{touch.steps_total}"
    if language == "zh":
        because = f" 原因：{why[0]}" if why else ""
        return f"{at}  {channel} {step}  会员 {touch.user_id}：“{text}”{because}（{answer}）"
    because = f" Because: {why[0]}." if why else ""
    return f'{at}  {channel} {step}  member {touch.user_id}: "{text}"{because} [{answer}]'


def _said(table: dict[str, dict[Language, str]], key: str, language: Language) -> str:
    words = table.get(key)
    return key if words is None else words[language]
