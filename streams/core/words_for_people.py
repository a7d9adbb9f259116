"""What is said to the person whom it is about: every reason and ruling, without our vocabulary.

Beside the words for operators (`streams.core.reasons`, `streams.core.rulings`), by the same codes;
a test holds them against each other. They name no threshold, model or playbook, and nobody else.

Source:
    PIPL Art. 24 (automated decisions are explained), Art. 44, 47, 48; GDPR Art. 13-15, 17, 21, 22.
"""

from typing import Final

from streams.core.rulings import Ruling
from winback_sender.contract.parts import ReasonText

BECAUSE: Final[dict[str, ReasonText]] = {
    "silence": ReasonText(
        "you have been away for longer than you usually are",
        "您有一段时间没有来，比您平时的间隔更长",
    ),
    "rhythm": ReasonText(
        "you come less regularly, or less often, than before", "您来访的规律变少，或间隔变长"
    ),
    "return_habit": ReasonText(
        "after breaks as long as this one you have seldom come back before",
        "以往类似长度的间隔之后，您较少回来",
    ),
    "frequency": ReasonText("you came on few days", "您来访的天数较少"),
    "recency": ReasonText("you were here little in the last days", "您最近几天较少来访"),
    "intensity": ReasonText("you did little when you were here", "您来访时的操作较少"),
    "tenure": ReasonText("you have not been with us for long", "您成为用户的时间还不长"),
    "value": ReasonText(
        "your orders or your use of the service were small", "您的消费或使用较少"
    ),
    "kinds": ReasonText(
        "which of our services you used, and which not", "您使用了哪些功能、没有使用哪些功能"
    ),
    "traits": ReasonText(
        "what is on record about your account, such as its kind", "您账户的登记信息，例如账户类型"
    ),
}  # fmt: skip
"""Feature group to why it was thought that somebody might leave."""

DECIDED: Final[dict[Ruling, ReasonText]] = {
    Ruling.ERASED: ReasonText(
        "we did not contact you: you asked us to forget you", "未联系您：您已要求我们删除您的信息"
    ),
    Ruling.STOPPED: ReasonText(
        "we did not contact you: all contact was stopped at that time",
        "未联系您：当时我们暂停了所有联系",
    ),
    Ruling.PAUSED: ReasonText(
        "we did not contact you: this way of contact was paused at that time",
        "未联系您：当时我们暂停了这种联系方式",
    ),
    Ruling.SUPPRESSED: ReasonText(
        "we did not contact you: you asked not to be contacted", "未联系您：您已要求不再接收联系"
    ),
    Ruling.CATCHING_UP: ReasonText(
        "we put it off until we had seen all you did up to then",
        "我们推迟了决定，以便先了解您截至当时的全部情况",
    ),
    Ruling.NO_CONSENT: ReasonText(
        "we did not contact you: you have not agreed to be contacted in this way",
        "未联系您：您没有同意以这种方式接收联系",
    ),
    Ruling.CHANNEL_DEAD: ReasonText(
        "we did not contact you: earlier messages could not be delivered in this way",
        "未联系您：此前以这种方式发送的信息未能送达",
    ),
    Ruling.NO_PERMISSION: ReasonText(
        "we did not contact you: you have not subscribed to messages of this kind",
        "未联系您：您没有订阅此类消息",
    ),
    Ruling.RISK_EASED: ReasonText(
        "we did not contact you: there was no occasion any more", "未联系您：已没有联系的必要"
    ),
    Ruling.NOT_PERSUADABLE: ReasonText(
        "we did not contact you: we did not expect that it would be of use to you",
        "未联系您：我们认为联系对您没有帮助",
    ),
    Ruling.FREQUENCY_CAPPED: ReasonText(
        "we did not contact you: we had contacted you often enough",
        "未联系您：我们近期与您的联系已经足够",
    ),
    Ruling.CAPACITY: ReasonText(
        "we did not contact you: we make only so many contacts a day",
        "未联系您：我们每天的联系数量有限",
    ),
    Ruling.HOLIDAY: ReasonText("we put it off: it was a holiday", "我们推迟了联系：当时是节假日"),
    Ruling.QUIET_HOURS: ReasonText(
        "we put it off: it was an hour at which we do not disturb",
        "我们推迟了联系：当时是免打扰时段",
    ),
    Ruling.CHANNEL_HOURS: ReasonText(
        "we put it off: it was an hour at which such messages are not sent",
        "我们推迟了联系：当时不是允许发送此类信息的时段",
    ),
    Ruling.STALE: ReasonText(
        "we did not contact you: the occasion had passed", "未联系您：联系的时机已过"
    ),
    Ruling.HOLDOUT: ReasonText(
        "we did not contact you: you were drawn by lot for a group that is not contacted, so that "
        "we learn whether contact is of use",
        "未联系您：您被随机抽中进入不联系的小组，用于了解联系是否有用",
    ),
    Ruling.OBSERVED: ReasonText(
        "we did not contact you: at that time we contacted nobody", "未联系您：当时我们不联系任何人"
    ),
    Ruling.WITHHELD: ReasonText(
        "we did not contact you: at that time we contacted nobody", "未联系您：当时我们不联系任何人"
    ),
    Ruling.SEND: ReasonText("we decided to contact you", "我们决定与您联系"),
    Ruling.NO_PLAYBOOK: ReasonText(
        "we did not contact you: we had nothing that would have suited you",
        "未联系您：没有适合您的内容",
    ),
}
"""Ruling to what became of a contact, and why."""

CONCLUDED: Final[dict[str, ReasonText]] = {
    "calm": ReasonText(
        "we do not expect that you will stop using our service",
        "我们认为您目前没有停止使用我们服务的迹象",
    ),
    "elevated": ReasonText(
        "we think it possible that you will stop using our service",
        "我们认为您有可能停止使用我们的服务",
    ),
    "high": ReasonText(
        "we think it likely that you will stop using our service",
        "我们认为您较有可能停止使用我们的服务",
    ),
    "unknown": ReasonText(
        "we know too little to conclude anything about you", "我们了解太少，没有对您作出任何判断"
    ),
}
"""What was concluded, by band; unknown: too few active days."""

CHANNELS: Final[dict[str, ReasonText]] = {
    "sms": ReasonText("by text message", "短信"),
    "wechat": ReasonText("by WeChat", "微信"),
    "email": ReasonText("by e-mail", "电子邮件"),
    "push": ReasonText("by a message in the app", "应用消息"),
    "webhook": ReasonText("by a message", "消息"),
    "call": ReasonText("by telephone", "电话"),
    "wecom": ReasonText("by a member of our staff on WeChat", "企业微信"),
}
"""Channel to how it is called; of another one nothing is said."""

USED: Final[tuple[ReasonText, ...]] = (
    ReasonText("when you used our service, and for how long you were away",
               "您使用我们服务的时间，以及离开的时长"),
    ReasonText("which kinds of things you did there", "您在其中进行的操作类型"),
    ReasonText("what you paid, less what was refunded", "您的消费金额（扣除退款）"),
    ReasonText("how you came to us, and details of your account that the company keeps",
               "您的来源渠道，以及公司登记的账户信息"),
    ReasonText("what you agreed to and what you declined", "您同意或拒绝的事项"),
    ReasonText("which messages we sent you, and how you answered them",
               "我们向您发送的信息，以及您的回应"),
)  # fmt: skip
"""Kinds of data that are used."""

RIGHTS: Final[tuple[ReasonText, ...]] = (
    ReasonText("These decisions are made by a program. You may object to them, and ask that a "
               "person looks at yours.",
               "以上决定由程序自动作出。您有权拒绝仅由自动化决策作出的决定，并要求人工复核。"),
    ReasonText("You may say no to all contact, or to one way of it, at any time: answer a message "
               "with the word that it names, or tell us.",
               "您可以随时拒绝全部联系或某一种联系方式：按信息中的提示回复，或告知我们。"),
    ReasonText("You may ask for a copy of what is kept about you, and for its correction.",
               "您可以查阅、复制我们保存的关于您的信息，并要求更正。"),
    ReasonText("You may ask us to forget you. It is done at once where we decide, and complete "
               "within {days} days.",
               "您可以要求我们删除您的信息。删除立即开始，最迟在 {days} 天内全部完成。"),
)  # fmt: skip
"""What a person may ask for; ``{days}``: how long an erasure takes at most."""
