"""Rulings: why a touch goes, waits, or does not go. One catalogue, in the order of the rules."""

from enum import StrEnum
from typing import Final

from winback_sender.contract.parts import ReasonText


class Ruling(StrEnum):
    """What the first rule that speaks says of a touch."""

    # Law and order: nothing else is asked.
    ERASED = "erased"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUPPRESSED = "suppressed"
    CATCHING_UP = "catching_up"
    NO_CONSENT = "no_consent"
    CHANNEL_DEAD = "channel_dead"
    NO_PERMISSION = "no_permission"
    # Sense: is it worth anything, to the user and to us?
    RISK_EASED = "risk_eased"
    NOT_PERSUADABLE = "not_persuadable"
    # Measure.
    FREQUENCY_CAPPED = "frequency_capped"
    CAPACITY = "capacity"
    # The clock.
    HOLIDAY = "holiday"
    QUIET_HOURS = "quiet_hours"
    CHANNEL_HOURS = "channel_hours"
    STALE = "stale"
    # The experiment and the mode: everything before has been passed, in both arms alike.
    HOLDOUT = "holdout"
    OBSERVED = "observed"
    WITHHELD = "withheld"
    SEND = "send"
    # Said before there is a touch to rule on.
    NO_PLAYBOOK = "no_playbook"


DEFERS: Final = frozenset(
    {Ruling.CATCHING_UP, Ruling.HOLIDAY, Ruling.QUIET_HOURS, Ruling.CHANNEL_HOURS}
)
"""The touch may go later."""

WITHHOLDS: Final = frozenset({Ruling.HOLDOUT, Ruling.OBSERVED, Ruling.WITHHELD})
"""The touch passed every rule and would have left: it takes its place in caps like one that did."""

WORDS: Final[dict[Ruling, ReasonText]] = {
    Ruling.ERASED: ReasonText(
        "the user asked to be forgotten; nothing is kept that a touch could be made of",
        "用户已要求删除数据，不再保留任何可用于触达的信息",
    ),
    Ruling.STOPPED: ReasonText(
        "the kill switch is on; nobody is contacted until operations resume",
        "紧急停止已开启，恢复之前不触达任何人",
    ),
    Ruling.PAUSED: ReasonText(
        "operations paused this playbook or this channel", "该方案或该渠道已被运营暂停"
    ),
    Ruling.SUPPRESSED: ReasonText("the user opted out of all contact", "用户已全部退订"),
    Ruling.CATCHING_UP: ReasonText(
        "it would have been due before now; waiting until everything up to now has been read",
        "本应更早发送，等待读完截至目前的全部数据后再判断",
    ),
    Ruling.NO_CONSENT: ReasonText(
        "no consent to this channel is on record, or it was withdrawn",
        "没有该渠道的授权记录，或授权已撤回",
    ),
    Ruling.CHANNEL_DEAD: ReasonText(
        "touches on this channel failed for good too often; a new word on its reach brings it back",
        "该渠道多次彻底失败，已停用；收到新的可达信息后恢复",
    ),
    Ruling.NO_PERMISSION: ReasonText(
        "the channel asks for a subscription token or an open window, and none is on record",
        "该渠道需要订阅授权或可回复窗口，目前没有记录",
    ),
    Ruling.RISK_EASED: ReasonText("the risk has eased since the alert", "预警之后风险已下降"),
    Ruling.NOT_PERSUADABLE: ReasonText(
        "contact is not known to help users like this one, or does them harm",
        "对这类用户，触达没有帮助，甚至适得其反",
    ),
    Ruling.FREQUENCY_CAPPED: ReasonText(
        "contacted often enough already, on this channel or over all", "该渠道或总体触达已达上限"
    ),
    Ruling.CAPACITY: ReasonText(
        "the day's budget or the capacity of the staff is used up; others have more to lose",
        "当日预算或人力已用完，名额给了损失更大的用户",
    ),
    Ruling.HOLIDAY: ReasonText("waiting for the end of a holiday", "正值节假日，等待结束"),
    Ruling.QUIET_HOURS: ReasonText(
        "waiting for the end of the user's quiet hours", "正处于免打扰时段，等待结束"
    ),
    Ruling.CHANNEL_HOURS: ReasonText(
        "waiting for the hours that law or the provider allows for this channel",
        "等待该渠道允许发送的时段",
    ),
    Ruling.STALE: ReasonText("the touch was decided too long ago to act on", "该决定已过期"),
    Ruling.HOLDOUT: ReasonText(
        "the user belongs to the holdout; the touch would have left now",
        "用户属于对照组，否则此刻已触达",
    ),
    Ruling.OBSERVED: ReasonText(
        "the service only observes; the touch would have left now", "目前仅观察，否则此刻已触达"
    ),
    Ruling.WITHHELD: ReasonText(
        "only the experiment runs, on nobody; the touch would have left now",
        "目前仅空跑对照实验，否则此刻已触达",
    ),
    Ruling.SEND: ReasonText("every rule was passed, the touch was sent", "全部规则通过，已发送"),
    Ruling.NO_PLAYBOOK: ReasonText(
        "the user is at risk, but no playbook fits", "没有适合该用户的召回方案"
    ),
}
"""A sentence for people, for each."""
