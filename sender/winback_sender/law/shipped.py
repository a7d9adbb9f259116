"""The channel law as it is shipped: what was found published, with its source and day.

A page is read through stored copies of varying age, so a rule is only as new as its source. Check
it in the provider's console before you rely on it; what is otherwise there goes into a file of
changes.
"""

from collections.abc import Iterator
from typing import Any, Final

from winback_sender.law.kinds import Cap, Category
from winback_sender.law.rules import OURS, Law, Rule, Source

READ: Final = "2026-11-22"

_SOURCES: Final = {
    "ours": Source("docs/channel-law.md", "", READ),
    "aliyun": Source("https://help.aliyun.com/document_detail/91975.html", "", READ),
    "aliyun notice": Source("https://help.aliyun.com/document_detail/463270.htm", "", READ),
    "aliyun caps": Source("https://help.aliyun.com/document_detail/2881383.html", "", READ),
    "tencent": Source(
        "https://cloud.tencent.com/document/product/382/39023", "2025-06-17", READ
    ),
    "tencent faq": Source(
        "https://cloud.tencent.com/document/faq/382/13301", "2025-04-18", READ
    ),
    "tencent caps": Source("https://tencentcloud.com/document/product/382/13303", "2024", READ),
    "huawei": Source(
        "https://support.huaweicloud.com/productdesc-msgsms/sms_templates.html", "2025-09-04", READ
    ),
    "huawei values": Source(
        "https://support.huaweicloud.com/productdesc-msgsms/sms_faq_0003.html", "2024-11-08", READ
    ),
    "huawei iot": Source(
        "https://support.huaweicloud.com/usermanual-iotcom/iotcom_03_1002.html", "2023-10-25", READ
    ),
    "huawei caps": Source(
        "https://support.huaweicloud.com/intl/zh-cn/msgsms_faq/sms_faq_0065.html", "", READ
    ),
    "qiniu": Source(
        "https://developer.qiniu.com/sms/5814/template-specification", "2021-10-28", READ
    ),
    "baidu": Source("https://cloud.baidu.com/doc/SMS/s/Rkih1xo03", "2022-03-16", READ),
    "wechat template": Source(
        "https://developers.weixin.qq.com/doc/offiaccount/Message_Management/"
        "Template_Message_Interface.html", "", READ,
    ),
    "wechat subscribe": Source(
        "https://developers.weixin.qq.com/doc/service/en/guide/product/subscription_messages/"
        "push.html", "", READ,
    ),
    "wechat values": Source(
        "https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/"
        "subscribe-message/sendMessage.html", "", READ,
    ),
    "wechat service": Source(
        "https://developers.weixin.qq.com/doc/offiaccount/Customer_Service/"
        "Customer_Service_Messages.html", "", READ,
    ),
    "wecom": Source("https://developer.work.weixin.qq.com/document/path/92135", "2025-11-17", READ),
    "miit 2015": Source("MIIT Order 31 (2015), as Xinhua reports it", "2015-05-28", READ),
    "miit 2020": Source("MIIT draft of 2020, as People's Daily reports it", "2020-09-01", READ),
    "pipl": Source("个人信息保护法 (PIPL)", "2021-08-20", READ),
    "tcpa": Source("47 CFR 64.1200(c)(1)", "", READ),
}  # fmt: skip

RECALL: Final = Category("用户召回", ["召回"], ["recall", "win_back", "winback", "召回"])
INVITING: Final = Category("用户拉新", ["拉新"], ["referral"])
COUPONS: Final = Category("优惠券类推广", ["优惠券"], ["coupon"])
POINTS: Final = Category("积分兑换", ["积分兑换", "积分领取"], ["points"])
SURVEYS: Final = Category("问卷调查", ["问卷", "调查"], ["survey"])


def _ours() -> Iterator[Rule]:
    def says(kind: str, value: Any, note: str) -> Rule:
        return Rule(OURS, kind, value, _SOURCES["ours"], note=note)

    yield says(
        "forbidden_words",
        ["召回", "流失", "挽回", "沉睡用户"],
        "Words of our trade that no user should read, whoever carries them.",
    )
    yield says(
        "advertising",
        [
            "优惠", "折扣", "打折", "特价", "促销", "抢购", "秒杀", "红包", "立减", "满减",
            "免费领", "代金券", "礼券", "限时",
        ],
        "Every SMS provider and WeChat forbid marketing in a notice; none lists its words.",
    )  # fmt: skip
    yield says(
        "service_purposes",
        ["service"],
        "Purposes of a playbook that answer what the user did. All else counts as marketing.",
    )
    yield says("zone", "Asia/Shanghai", "Whose clock counts where the user's is not known.")


def _countries() -> Iterator[Rule]:
    safest = "No law was found that states hours; the window that the SMS providers have in common."
    yield Rule("CN", "hours.sms", "08:00-20:00", _SOURCES["qiniu"], verified=False, note=safest)
    yield Rule("CN", "hours.call", "08:00-20:00", _SOURCES["qiniu"], verified=False, note=safest)
    order, draft, law = _SOURCES["miit 2015"], _SOURCES["miit 2020"], _SOURCES["pipl"]
    consent = "No commercial message without consent; none after a refusal."
    refusal = "Every commercial message tells a handy way to refuse more."
    proof = "Keep the proof of consent for five months; name the sender. Silence is a refusal."
    choice = "Automated marketing offers what is not personalised, or an easy refusal (art. 24)."
    yield Rule("CN", "duty.consent", consent, order)
    yield Rule("CN", "duty.refusal", refusal, order)
    yield Rule("CN", "duty.proof", proof, draft, verified=False)
    yield Rule("CN", "duty.choice", choice, law)
    yield Rule("US", "hours.call", "08:00-21:00", _SOURCES["tcpa"],
               note="Local time of the called party; some states are stricter.")  # fmt: skip
    yield Rule("US", "hours.sms", "08:00-21:00", _SOURCES["tcpa"], verified=False,
               note="The FCC counts a text message as a call.")  # fmt: skip


def _sms(of: str) -> Iterator[Rule]:
    """Yield what all SMS providers say in the same words, each in its own place."""
    source = _SOURCES[of]
    is_sure = of != "baidu"
    yield Rule(of, "variables_apart", True, source, is_sure)  # noqa: FBT003  # a table
    yield Rule(of, "constant_links", True, source, is_sure)  # noqa: FBT003  # a table


def _aliyun() -> Iterator[Rule]:
    page, notice = _SOURCES["aliyun"], _SOURCES["aliyun notice"]
    yield Rule("aliyun", "needs", ["id"], page)
    yield Rule("aliyun", "opt_out", ["拒收请回复R"], page)
    yield Rule("aliyun", "salutation", "会员", page,
               note="Not to anybody who is no member; only accounts of enterprises.")  # fmt: skip
    yield Rule("aliyun", "text_max", 500, notice)
    yield Rule("aliyun", "forbidden_signs", "【】『』「」〖〗•①★※→", notice)
    yield Rule("aliyun", "plain_text", True, notice)  # noqa: FBT003  # a table
    yield Rule("aliyun", "forbidden_categories", [RECALL, INVITING, POINTS, SURVEYS], notice,
               note="Listed for notices; taken to hold for promotions as well.")  # fmt: skip
    yield Rule("aliyun", "industries", ["金融", "游戏", "社交"], page, note="Of promotions.")
    yield Rule("aliyun", "caps", [Cap(50, "24h", "template")], _SOURCES["aliyun caps"],
               note="Per sign, template and number; counted when accepted.")  # fmt: skip


def _tencent() -> Iterator[Rule]:
    page, faq = _SOURCES["tencent"], _SOURCES["tencent faq"]
    yield Rule("tencent", "needs", ["id"], page)
    yield Rule("tencent", "opt_out", ["拒收请回复R"], faq,
               note="Before 2024: 回复TD、T、N 退订.")  # fmt: skip
    yield Rule("tencent", "text_max", 500, page, note="With sign and values.")
    yield Rule("tencent", "forbidden_signs", "【】¥￥★☞✓※", page)
    yield Rule("tencent", "plain_text", True, page)  # noqa: FBT003  # a table
    yield Rule("tencent", "forbidden_categories",
               [RECALL, INVITING, COUPONS, POINTS, SURVEYS], page)  # fmt: skip
    yield Rule("tencent", "industries", ["金融", "房地产", "教育", "游戏"], page)
    yield Rule("tencent", "value_max", 6, faq, verified=False,
               note="Older pages say 6; since 2025 the console says it, by template.")  # fmt: skip
    yield Rule("tencent", "caps", [Cap(1, "30s", "text"), Cap(2, "1d")],
               _SOURCES["tencent caps"], verified=False,
               note="One of the same text in 30 s; a day's cap is set in the console "
                    "(2 in the international page, 10 in older ones).")  # fmt: skip


def _huawei() -> Iterator[Rule]:
    page = _SOURCES["huawei"]
    yield Rule("huawei", "needs", ["id"], page)
    yield Rule("huawei", "opt_out", ["拒收请回复R"], _SOURCES["huawei iot"],
               note="No other wording.")  # fmt: skip
    yield Rule("huawei", "hours", "08:00-21:00", _SOURCES["huawei iot"],
               note="IoTCom; the page of MSGSMS states none.")  # fmt: skip
    yield Rule("huawei", "salutation", "会员", page)
    yield Rule("huawei", "text_max", 500, page)
    yield Rule("huawei", "forbidden_signs", "【】¥￥★&√※[]", page)
    yield Rule("huawei", "plain_text", True, page)  # noqa: FBT003  # a table
    yield Rule("huawei", "forbidden_categories",
               [RECALL, INVITING, COUPONS, POINTS, SURVEYS], page)  # fmt: skip
    yield Rule("huawei", "industries", ["房地产", "教育", "游戏"], page)
    yield Rule("huawei", "promotion_variables", False, page)  # noqa: FBT003  # a table
    yield Rule("huawei", "variables_max", 20, _SOURCES["huawei values"])
    yield Rule("huawei", "value_max", 20, _SOURCES["huawei values"])
    yield Rule("huawei", "value_signs", ".。'<>{}", _SOURCES["huawei values"])
    yield Rule("huawei", "caps", [Cap(2, "1m", "text"), Cap(15, "1m"), Cap(50, "24h")],
               _SOURCES["huawei caps"])  # fmt: skip


def _qiniu_and_baidu() -> Iterator[Rule]:
    page = _SOURCES["qiniu"]
    yield Rule("qiniu", "needs", ["id"], page)
    yield Rule("qiniu", "opt_out", ["回T退订", "回TD退订"], page)
    yield Rule("qiniu", "hours", "08:00-20:00", page)
    yield Rule("qiniu", "text_max", 500, page)
    yield Rule("qiniu", "forbidden_signs", "【】★※→●", page)
    yield Rule("qiniu", "plain_text", True, page)  # noqa: FBT003  # a table
    yield Rule("qiniu", "forbidden_categories", [RECALL, INVITING, COUPONS, SURVEYS], page)
    yield Rule("qiniu", "industries", ["房地产", "教育", "社交", "游戏推广"], page)
    baidu = _SOURCES["baidu"]
    yield Rule("baidu", "needs", ["id"], baidu, verified=False)
    yield Rule("baidu", "opt_out", ["回T退订"], baidu, verified=False,
               note="The pages read do not say which wording.")  # fmt: skip
    yield Rule("baidu", "forbidden_signs", "【】[]", baidu, verified=False)
    yield Rule("baidu", "caps", [Cap(3, "1m"), Cap(10, "1h"), Cap(50, "1d")], baidu,
               note="Of notices; for marketing the carrier decides.")  # fmt: skip


def _wechat() -> Iterator[Rule]:
    template, subscribe = _SOURCES["wechat template"], _SOURCES["wechat subscribe"]
    for of, source in (("wechat_template", template), ("wechat_subscribe", subscribe)):
        yield Rule(of, "needs", ["id"], source)
        yield Rule(of, "kinds", ["notice"], source, note="Marketing is not supported.")
        yield Rule(of, "forbidden_signs", "【】", source, verified=False)
        yield Rule(of, "constant_links", True, source, verified=False)  # noqa: FBT003  # a table
    values = _SOURCES["wechat values"]
    yield Rule("wechat_subscribe", "value_max_by_type", {
        "thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32,
        "phone_number": 17, "car_number": 8, "name": 20, "phrase": 5,
    }, values, note="By the name of the variable: thing1, phrase2; a name: 10 in Han.")  # fmt: skip
    yield Rule("wechat_subscribe", "duty.permission",
               "One consent is good for one message; long-term only for public services.",
               subscribe)  # fmt: skip
    service = _SOURCES["wechat service"]
    yield Rule("wechat_customer_service", "needs", ["text"], service)
    yield Rule("wechat_customer_service", "text_max", 600, service, verified=False,
               note="2,048 bytes by trial; no page says so.")  # fmt: skip
    yield Rule("wechat_customer_service", "duty.window",
               "Within 48 hours of the user's message five messages; after a click three in a "
               "minute.", service)  # fmt: skip
    wecom = _SOURCES["wecom"]
    yield Rule("wecom", "needs", ["text"], wecom)
    yield Rule("wecom", "text_max", 1_300, wecom, verified=False, note="4,000 bytes.")
    yield Rule("wecom", "caps", [Cap(28, "28d")], wecom,
               note="As many a month as it has days; or one a day, or seven a week.")  # fmt: skip
    yield Rule("wecom", "duty.staff", "An employee confirms each task before it is sent.", wecom)


def _all() -> Iterator[Rule]:
    yield from _ours()
    yield from _countries()
    for of, own in (
        ("aliyun", _aliyun()), ("tencent", _tencent()), ("huawei", _huawei()),
    ):  # fmt: skip
        yield from own
        yield from _sms(of)
    yield from _qiniu_and_baidu()
    for of in ("qiniu", "baidu"):
        yield from _sms(of)
    yield from _wechat()


SHIPPED: Final = Law(_all())
"""The law while no operator has changed it."""
