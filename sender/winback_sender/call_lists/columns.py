"""The columns of a call list, and the words that staff put into one of them."""

from typing import Final, Literal

from winback_sender.contract.words import WRONG_NUMBER, Status
from winback_sender.receipt import Receipt

Language = Literal["zh", "en"]

COLUMNS: Final[dict[str, dict[Language, str]]] = {
    "priority": {"zh": "优先级", "en": "priority"},
    "phone": {"zh": "电话", "en": "phone"},
    "user_id": {"zh": "会员号", "en": "member"},
    "tier": {"zh": "会员等级", "en": "tier"},
    "last_active": {"zh": "最近活跃", "en": "last active"},
    "why": {"zh": "流失原因", "en": "why at risk"},
    "say": {"zh": "话术", "en": "what to say"},
    "offer": {"zh": "优惠", "en": "offer"},
    "until": {"zh": "最迟拨打", "en": "call before"},
    "result": {
        "zh": "结果（已接通/答应回来/拒绝/无人接听/占线/号码错误/不再联系）",
        "en": "result (reached/promised/refused/no answer/busy/wrong number/opted out)",
    },
    "note": {"zh": "备注", "en": "note"},
    "touch_id": {"zh": "编号（勿改）", "en": "id (do not change)"},
}
"""Column to its heading, in the order of the list; what is in brackets is for people only."""

QUADRANTS: Final[dict[str, dict[Language, str]]] = {
    "important_urgent": {"zh": "1 重要且紧急", "en": "1 important, urgent"},
    "important_calm": {"zh": "2 重要不紧急", "en": "2 important, not urgent"},
    "ordinary_urgent": {"zh": "3 普通但紧急", "en": "3 ordinary, urgent"},
    "ordinary_calm": {"zh": "4 普通不紧急", "en": "4 ordinary, not urgent"},
}
"""In the order in which to call."""

OPTED_OUT: Final = Receipt(Status.OPTED_OUT)

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "reached": ("已接通", "接通", "已沟通", "已联系", "通话成功"),
    "promised": ("答应回来", "承诺回来", "会回来", "答应", "同意"),
    "refused": ("拒绝", "不需要", "没兴趣", "婉拒"),
    "no_answer": ("无人接听", "未接通", "未接", "没人接", "无应答", "关机", "停机"),
    "busy": ("占线", "忙线", "忙", "正在通话"),
    WRONG_NUMBER: ("号码错误", "号码有误", "空号", "打错", "错号", "非本人"),
}

RESULTS: Final[dict[str, Receipt]] = {
    **{
        word: Receipt(Status.HANDLED, outcome)
        for outcome, words in _WORDS.items()
        for word in (outcome, *words)
    },
    **dict.fromkeys(("opted_out", "不再联系", "退订", "勿扰", "拒绝联系"), OPTED_OUT),
}
"""What may stand in the column of results. Staff who are asked never to call again write that."""


def result(text: str) -> Receipt | None:
    """Return what a word of staff means; None = it is none that is known."""
    return RESULTS.get(text.strip().lower().replace(" ", "_").replace("-", "_"))


def column_of(heading: str) -> str:
    """Return the column that a heading stands for, or nothing; brackets and case do not count."""
    return _HEADINGS.get(_bare(heading), "")


def _bare(heading: str) -> str:
    return heading.replace("（", "(").partition("(")[0].strip().lower()


_HEADINGS: Final = {
    _bare(heading): column for column, headings in COLUMNS.items() for heading in headings.values()
} | {column: column for column in COLUMNS}
