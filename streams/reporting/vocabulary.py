"""The words of our codes, in English and Chinese; a code without words is shown as it is."""

from types import MappingProxyType
from typing import Final

from streams.core.reasons import TEXTS as REASONS
from streams.core.rulings import WORDS, Ruling
from streams.pages.wording import Language, Text

DIMENSIONS: Final = MappingProxyType({
    "quadrant": Text("quadrant: important × urgent", "四象限：重要 × 紧急"),
    "value_tier": Text("value tier", "价值分层"),
    "channel": Text("channel", "渠道"),
    "playbook": Text("playbook", "召回方案"),
    "variant": Text("playbook / variant", "方案 / 版本"),
    "reason": Text("foremost reason", "首要原因"),
    "acquisition_source": Text("acquisition source", "获客来源"),
    "cohort": Text("cohort: month of the first activity", "同期群：首次活跃月份"),
    "lifecycle_stage": Text("lifecycle stage", "生命周期阶段"),
    "trigger": Text("what raised the alert", "预警由什么触发"),
})  # fmt: skip

VALUES: Final = MappingProxyType({
    ("quadrant", "important_urgent"): Text("important, urgent", "重要且紧急"),
    ("quadrant", "important_calm"): Text("important, not urgent", "重要不紧急"),
    ("quadrant", "ordinary_urgent"): Text("ordinary, urgent", "普通但紧急"),
    ("quadrant", "ordinary_calm"): Text("ordinary, not urgent", "普通不紧急"),
    ("lifecycle_stage", "new"): Text("new", "新用户"),
    ("lifecycle_stage", "active"): Text("active", "活跃"),
    ("lifecycle_stage", "slipping"): Text("slipping", "滑落"),
    ("lifecycle_stage", "at_risk"): Text("at risk", "有流失风险"),
    ("lifecycle_stage", "lapsed"): Text("lapsed", "已沉默"),
    ("lifecycle_stage", "won_back"): Text("won back", "已召回"),
    ("lifecycle_stage", "gone"): Text("gone", "已流失"),
    ("trigger", "risk"): Text("the model", "模型"),
    ("trigger", "silence"): Text("long silence", "长时间沉默"),
    ("trigger", "complaint"): Text("a complaint", "投诉"),
    ("trigger", "refund"): Text("a refund", "退款"),
    ("trigger", "cancellation"): Text("a cancellation", "取消订单"),
    ("channel", "sms"): Text("SMS", "短信"),
    ("channel", "wechat"): Text("WeChat", "微信"),
    ("channel", "wecom"): Text("WeCom", "企业微信"),
    ("channel", "call"): Text("call", "电话"),
    ("channel", "email"): Text("e-mail", "邮件"),
    ("channel", "push"): Text("push", "推送"),
    ("value_tier", "none"): Text("no value yet", "尚无消费"),
    ("class", "message"): Text("messages", "消息"),
    ("class", "person"): Text("people (calls, WeCom)", "人工（电话、企业微信）"),
    ("outcome", "returned"): Text("came back", "用户回归"),
    ("outcome", "converted"): Text("bought", "完成转化"),
    ("outcome", "replied"): Text("replied", "已回复"),
    ("outcome", "handled"): Text("settled by a person", "人工处理完毕"),
    ("outcome", "clicked"): Text("clicked", "已点击"),
    ("outcome", "exhausted"): Text("all steps done, no return", "步骤走完仍未回归"),
    ("outcome", "expired"): Text("ran out of time", "超过时限"),
    ("outcome", "opted_out"): Text("opted out", "退订"),
    ("outcome", "suppressed"): Text("opted out before", "此前已退订"),
    ("outcome", "risk_eased"): Text("risk went away by itself", "风险自行解除"),
    ("outcome", "erased"): Text("data erased", "数据已删除"),
    ("outcome", "stopped"): Text("stopped by an operator", "被运营停止"),
    ("outcome", "complaint"): Text("complained", "用户投诉"),
    ("outcome", "merged"): Text("went on under another id", "并入同一用户的另一流程"),
    ("status", "silent"): Text("no word from the sender yet", "发送方尚无回执"),
    ("status", "unaccepted"): Text("taken by no sender", "无发送方受理"),
    ("status", "accepted"): Text("accepted by the sender", "发送方已受理"),
    ("status", "sent"): Text("sent", "已发出"),
    ("status", "delivered"): Text("delivered", "已送达"),
    ("status", "failed"): Text("failed", "发送失败"),
    ("status", "clicked"): Text("clicked", "已点击"),
    ("status", "replied"): Text("replied", "已回复"),
    ("status", "opted_out"): Text("opted out", "退订"),
    ("status", "handled"): Text("handled by a person", "人工已处理"),
    ("status", "unknown"): Text("unknown", "结果未知"),
    ("status", "unanswered"): Text("nobody answered", "无人接听"),
    ("why", "revoked"): Text("taken back in time", "及时撤回"),
    ("why", "expired"): Text("could not leave in time", "未能按时发出"),
    ("why", "interrupted"): Text("the sender ended in between", "发送程序中断"),
    ("why", "timed_out"): Text("the provider did not answer", "服务商未应答"),
    ("why", "unreadable_answer"): Text("the provider's answer is not readable", "应答无法识别"),
    ("why", "no_address"): Text("no address is known", "没有联系方式"),
    ("why", "bad_address"): Text("the address is none", "联系方式无效"),
    ("why", "blocked_by_user"): Text("the user has blocked us", "用户已屏蔽"),
    ("why", "no_template"): Text("no template is mapped", "没有对应模板"),
    ("why", "bad_variables"): Text("a variable is missing or not allowed", "变量缺失或不合规"),
    ("why", "refused_by_provider"): Text("refused by the provider", "服务商拒绝"),
    ("why", "over_limit"): Text("over a limit of the provider", "超过服务商限制"),
    ("why", "no_window"): Text("no open window or permission", "无可用窗口或授权"),
    ("why", "out_of_hours"): Text("the hours did not allow it", "不在允许时段"),
    ("why", "provider_unavailable"): Text("the provider was away", "服务商不可用"),
    ("why", "unknown_channel"): Text("nobody sends on this channel", "该渠道无发送方"),
    ("why", "unknown_version"): Text("the sender is older than the message", "发送程序版本过旧"),
    ("why", "not_readable"): Text("the message was not readable", "消息无法识别"),
    ("why", "bad_receipt"): Text("the sender's code made no receipt", "发送程序回执有误"),
    ("handled", "reached"): Text("spoken with", "已沟通"),
    ("handled", "promised"): Text("promised to come back", "答应回来"),
    ("handled", "refused"): Text("does not want the offer", "不需要"),
    ("handled", "no_answer"): Text("nobody answered", "无人接听"),
    ("handled", "busy"): Text("line busy", "占线"),
    ("handled", "wrong_number"): Text("wrong number", "号码有误"),
    ("handled", "hard"): Text("failed for good", "彻底失败"),
    ("handled", "soft"): Text("failed for now", "暂时失败"),
    ("handled", "unsent"): Text("never left", "未发出"),
})  # fmt: skip
"""Kind of code and code to words."""

WAYS_OUT: Final = MappingProxyType({
    "no_consent": Text(
        "ask for consent where you meet the user: at checkout, in the app, after support",
        "在与用户接触的地方征得同意：结算页、应用内、客服之后",
    ),
    "channel_dead": Text(
        "renew the addresses, or give the playbook a second channel",
        "更新联系方式，或为方案增加第二渠道",
    ),
    "no_permission": Text(
        "ask for a subscription where the user is active, or let SMS follow",
        "在用户活跃处请求订阅授权，或以短信接续",
    ),
    "frequency_capped": Text(
        "the caps protect your users; let fewer playbooks compete for the same user",
        "频次上限保护用户；减少争抢同一用户的方案",
    ),
    "capacity": Text(
        "raise the budget if what is contacted now earns more than it costs; else leave it",
        "若当前触达的收益高于成本，可增加预算；否则保持不变",
    ),
    "stale": Text(
        "let steps expire later, or begin earlier in the day",
        "延长步骤有效期，或在一天中更早开始",
    ),
    "no_playbook": Text(
        "write a playbook for these users, or accept that nobody answers them",
        "为这些用户编写方案，或接受无人跟进",
    ),
    "not_persuadable": Text(
        "as it should be: a contact of these users makes nothing better",
        "正常：触达这些用户没有好处",
    ),
    "risk_eased": Text("as it should be: they came back by themselves", "正常：他们自己回来了"),
    "withheld": Text(
        "an A/A test: nothing leaves; set mode: live when it showed no effect",
        "A/A 测试：不发送；确认无差异后设置 mode: live",
    ),
    "observed": Text(
        "when you trust the alerts, set mode: live", "确认预警可信后，设置 mode: live"
    ),
})  # fmt: skip
"""What can be done about it, where something can."""


def value_said(kind: str, code: str, language: Language) -> str:
    """Return a value of a dimension, or another code, in words."""
    if not code:
        return Text("unknown", "未知").say(language)
    if kind == "reason" and code in REASONS:
        return str(getattr(REASONS[code], language))
    found = VALUES.get((kind, code))
    return code if found is None else found.say(language)


def ruling_said(reason: str, language: Language) -> str:
    """Return in words why a touch did not leave; what follows a semicolon is for other places."""
    if reason not in Ruling.__members__.values():
        return reason.replace("_", " ")
    said: str = getattr(WORDS[Ruling(reason)], language)
    return said.partition(";")[0].partition("；")[0]
