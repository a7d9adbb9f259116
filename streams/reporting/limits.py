"""What has to be known before a figure is believed: said by the report itself."""

from streams.core.channels import CATALOGUE
from streams.core.unheard import UNACCEPTED
from streams.pages.wording import Language, Text
from streams.reporting import numbers
from streams.reporting.figures import Figures
from streams.reporting.vocabulary import value_said

BROKEN_MUCH = 0.01
"""From this share of messages on, what was not understood comes before the figures."""


def cautions(found: Figures, language: Language) -> list[str]:
    """Return what comes before the figures, because it changes how they are read."""
    said = []
    source = found.source
    read, broken = sum(source.messages.values()), sum(source.broken.values())
    if broken > BROKEN_MUCH * (read + broken):
        said.append(Text(
            "{n} of {all} messages could not be understood; the figures lack them.",
            "{all} 条消息中有 {n} 条无法识别，数字中不包含它们。",
        ).say(language, n=numbers.count(broken), all=numbers.count(read + broken)))  # fmt: skip
    said += [
        Text(
            "There was no {name} to read: what it would tell is missing here.",
            "没有读到 {name}：相关内容缺失。",
        ).say(language, name=name)
        for name in source.missing
    ]
    if found.modes.get("observe"):
        said.append(Text(
            "For some or all of the time the service only observed (mode: observe): nothing left.",
            "部分或全部时间服务只观察（mode: observe）：没有发出任何触达。",
        ).say(language))  # fmt: skip
    if found.modes.get("holdout-only"):
        said.append(Text(
            "For some or all of the time nobody was contacted in either arm (mode: holdout-only): "
            "that is a test of the experiment itself, and its effect should be zero.",
            "部分或全部时间两组均未触达（mode: holdout-only）：这是对实验本身的检验，效果应为零。",
        ).say(language))  # fmt: skip
    return said


def limits(found: Figures, language: Language) -> list[str]:
    """Return what to bear in mind, what weighs most first."""
    earned, source, done = found.whole.earned, found.source, found.done
    said = []
    if not earned.held_out:
        said.append(Text(
            "Without users held out nothing here says what contacts have changed.",
            "没有对照组，就无法知道触达改变了什么。",
        ))  # fmt: skip
    said.append(Text(
        "An answer is complete only when the window after the touch is over: what was sent lately "
        "is not in the effects yet.",
        "触达之后的窗口结束，结果才完整：最近发出的尚未计入效果。",
    ))  # fmt: skip
    said.append(Text(
        "Channels, tiers and playbooks go together: who gets a call is not who gets an SMS. A row "
        "compares users of its own kind with each other, not with those of the next row.",
        "渠道、分层、方案彼此相关：接到电话的人与收到短信的人不同。"
        "每一行只在同类用户内部比较，行与行之间不可直接比较。",
    ))  # fmt: skip
    told = [text.say(language) for text in said]
    told += _of_costs(language)
    if done.contradictory:
        told.append(Text(
            "Of {n} touches the sender said both that they failed and that they arrived.",
            "有 {n} 次触达，发送方既报告失败又报告送达。",
        ).say(language, n=numbers.count(done.contradictory)))  # fmt: skip
    if done.unknown:
        told.append(Text(
            "Feedback came for {n} touches that are not on record here.",
            "有 {n} 次触达的反馈在此没有对应记录。",
        ).say(language, n=numbers.count(done.unknown)))  # fmt: skip
    silent = sum(answers.words.get("silent", 0) for answers in done.answers)
    if silent:
        told.append(Text(
            "Of {n} of {all} touches no sender has said anything: unknown stays unknown.",
            "{all} 次触达中有 {n} 次没有任何回执：未知就是未知。",
        ).say(language, n=numbers.count(silent), all=numbers.count(done.touches)))  # fmt: skip
    lost = sum(answers.words.get(UNACCEPTED, 0) for answers in done.answers)
    if lost:
        where = ", ".join(
            f"{value_said('channel', row.channel, language)} {numbers.count(row.words[UNACCEPTED])}"
            for row in done.answers
            if row.words.get(UNACCEPTED)
        )
        told.append(Text(
            "{n} touches were taken by no sender ({where}): they count as never sent. Is one "
            "running for each channel?",
            "有 {n} 次触达没有任何发送方受理（{where}），按未发送处理。各渠道都有发送程序吗？",
        ).say(language, n=numbers.count(lost), where=where))  # fmt: skip
    if source.foreign_money:
        foreign = numbers.count(source.foreign_money)
        told.append(Text(
            "{n} messages name another currency than {currency}: their users count, their money "
            "does not.",
            "有 {n} 条消息使用 {currency} 以外的货币：计入用户，不计入金额。",
        ).say(language, n=foreign, currency=found.currency))  # fmt: skip
    if broken := sum(source.broken.values()):
        told.append(Text(
            "{n} messages could not be understood. The first: {first}",
            "有 {n} 条消息无法识别。第一条：{first}",
        ).say(language, n=numbers.count(broken), first=source.first_broken[0]))  # fmt: skip
    return told


def _of_costs(language: Language) -> list[str]:
    usual = ", ".join(f"{name} {channel.cost:g}" for name, channel in CATALOGUE.items()
                      if channel.cost)  # fmt: skip
    return [Text(
        "Costs of a contact are those of the rules; where they say nothing, a usual one is taken "
        "({usual}). Coupons and discounts are not in them.",
        "触达成本取自规则；规则未写明时用常见值（{usual}）。优惠券和折扣不包含在内。",
    ).say(language, usual=usual)]  # fmt: skip


def budget_said(found: Figures, language: Language) -> str:
    """Return how the budget was used, in a sentence."""
    said = []
    for name in dict.fromkeys(day.channel_class for day in found.budget):
        days = [day for day in found.budget if day.channel_class == name and day.budget > 0]
        if not days:
            continue
        full = sum(day.used >= 0.95 * day.budget for day in days)
        share = sum(day.used for day in days) / sum(day.budget for day in days)
        kind, used = value_said("class", name, language), numbers.percent(share)
        said.append(Text(
            "Of the budget for {kind} of {days} days {share} was used; it was used up on {full}.",
            "{kind}：{days} 天的预算共用去 {share}，其中 {full} 天用完。",
        ).say(language, kind=kind, days=len(days), share=used, full=full))  # fmt: skip
    if not said:
        said.append(Text("Touches are unlimited.", "触达不限量。").say(language))
    fused = len({day.day for day in found.budget if day.is_fused})
    if fused:
        said.append(
            Text("Days on which the fuse held: {n}.", "熔断生效 {n} 天。").say(language, n=fused)
        )
    return " ".join(said)
