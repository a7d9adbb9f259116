"""What the demo says, in English and Chinese."""

from typing import Final

from streams.pages.wording import Language, Text

TEXTS: Final[dict[str, Text]] = {
    "consent": Text(
        "The rules of the demo say aloud: consent_default: granted. Nobody is contacted; the "
        "sender writes to a file.",
        "演示规则明确声明：consent_default: granted（视为已同意）。"
        "不会联系任何人，发送器只写入文件。",
    ),
    "jars": Text(
        "fetching Kafka, once: {done}/{wanted} jars",
        "首次下载 Kafka：{done}/{wanted} 个文件",
    ),
    "kafka": Text(
        "Kafka {bootstrap} is up, topics are made",
        "Kafka {bootstrap} 已启动，主题已创建",
    ),
    "starting": Text(
        "starting two workers, a learner and a console sender",
        "正在启动两个工作进程、一个学习进程和一个控制台发送器",
    ),
    "foreign_direct": Text(
        "the purchases go over the topic {topic}, as {format} has them, keyed by user: read as is",
        "购买记录以 {format} 格式写入主题 {topic}，按用户分区，直接读取",
    ),
    "foreign_routed": Text(
        "the purchases go over the topic {topic}, as {format} has them, keyed by order: the router "
        "brings them home",
        "购买记录以 {format} 格式写入主题 {topic}，按订单分区，由路由器转发给用户分区",
    ),
    "feeding": Text(
        "feeding {events:,} purchases of {users:,} users, {first} to {last}, in about {seconds} s",
        "开始输入 {users:,} 位用户的 {events:,} 次购买（{first} 至 {last}），约需 {seconds} 秒",
    ),
    "killed": Text(
        "{name} was killed with SIGKILL; it owned partitions {partitions}",
        "{name} 被 SIGKILL 强制终止；它负责分区 {partitions}",
    ),
    "taken_over": Text(
        "its partitions are durable again {seconds:.1f} s after the kill "
        "({timeout} s of them the session time-out)",
        "其分区在终止后 {seconds:.1f} 秒恢复持久写入（其中会话超时 {timeout} 秒）",
    ),
    "replaced": Text("{name} was started in its place", "已启动 {name} 接替"),
    "fed": Text(
        "the log is fed; waiting until all of it is durable", "日志输入完毕，等待全部持久化"
    ),
    "draining": Text(
        "all of it is durable; waiting until every touch is answered and noted",
        "已全部持久化，等待每次触达得到回执",
    ),
    "proving": Text(
        "comparing the live state with a pure replay of the same file, and writing the report",
        "正在将实时状态与同一文件的纯重放进行比对，并生成报告",
    ),
    "events": Text("events", "事件"),
    "lag": Text("lag", "积压"),
    "users": Text("users", "用户"),
    "at_risk": Text("at risk now", "当前有风险"),
    "cases": Text("cases", "案例"),
    "touches": Text("touches", "触达"),
    "returns": Text("returns", "回归"),
    "held_out": Text("held out", "对照组"),
    "budget": Text("budget", "名额"),
    "waiting": Text("{waiting:,} more wait", "另有 {waiting:,} 位等待"),
    "model": Text("model", "模型"),
    "learned": Text("{examples:,} examples learned", "已学习 {examples:,} 个样本"),
    "quality": Text(
        "so far AUC {auc:.3f}, log loss {log_loss:.3f}",
        "至今 AUC {auc:.3f}，对数损失 {log_loss:.3f}",
    ),
    "no_quality": Text("nothing matured yet", "尚无成熟样本"),
    "workers": Text("workers", "工作进程"),
    "proof": Text("The proof", "证明"),
    "proof_holds": Text(
        "nothing lost, nothing doubled: {events:,} events of {users:,} users, net value "
        "{value:,.2f} {currency}; user by user as in the replay of the same file",
        "无丢失、无重复：{users:,} 位用户的 {events:,} 个事件，净值 {value:,.2f} {currency}；"
        "逐用户与同一文件的重放一致",
    ),
    "proof_fails": Text(
        "{differences:,} users differ from the replay: {live:,} events applied, {replayed:,} "
        "expected; for example",
        "有 {differences:,} 位用户与重放不一致：已应用 {live:,} 个事件，应为 {replayed:,} 个；例如",
    ),
    "touches_once": Text(
        "{touches:,} touches on the topic, every touch_id once",
        "主题上有 {touches:,} 次触达，每个 touch_id 仅出现一次",
    ),
    "touches_twice": Text(
        "{repeated:,} touches stand on the topic more than once",
        "有 {repeated:,} 次触达在主题上重复出现",
    ),
    "budget_holds": Text(
        "the budget held on every day: {what}, at most {most} of {per_day} a day on {days:,} days; "
        "every place was used on {full:,} of them (by the held out, too)",
        "每天都未超出名额：{what}，{days:,} 天中每天至多 {most}/{per_day}；"
        "其中 {full:,} 天名额全部用完（含对照组占用）",
    ),
    "budget_fails": Text(
        "the budget was exceeded: {what}, {most} of {per_day} on the worst day, on {over:,} of "
        "{days:,} days; every place was used on {full:,}",
        "超出名额：{what}，最多一天 {most}/{per_day}，{days:,} 天中有 {over:,} 天超出；"
        "{full:,} 天名额全部用完",
    ),
    "chance_holds": Text(
        "nobody in a log of the past can react to a touch, so its true effect is 0: the interval "
        "contains it ({low} to {high} of 1,000), as in 19 of 20 such runs (an A/A test)",
        "历史日志中的用户无法对触达作出反应，真实效果必为 0：区间（每千人 {low} 至 {high}）"
        "包含 0，20 次此类运行中应有 19 次如此（A/A 测试）",
    ),
    "chance_fails": Text(
        "nobody in a log of the past can react to a touch, so its true effect is 0, and the "
        "interval misses it ({low} to {high} of 1,000): chance, in 1 of 20 such runs",
        "历史日志中的用户无法对触达作出反应，真实效果必为 0，而区间（每千人 {low} 至 {high}）"
        "未包含 0：20 次此类运行中偶然会有 1 次",
    ),
    "chance_unknown": Text(
        "nobody in a log of the past can react to a touch, so its true effect is 0; there are too "
        "few answers for an interval yet",
        "历史日志中的用户无法对触达作出反应，真实效果必为 0；目前结果太少，尚无法给出区间",
    ),
    "loop": Text("The loop", "闭环"),
    "at_risk_in_all": Text("at risk", "有风险"),
    "times": Text(
        "{times:,} times, {users:,} users; {now:,} of them at the end",
        "{times:,} 次，涉及 {users:,} 位用户；结束时 {now:,} 位",
    ),
    "contacted": Text("contacted", "已触达"),
    "contacted_times": Text("{times:,} of these times", "其中 {times:,} 次"),
    "why_not": Text("not contacted", "未触达"),
    "fate_no_place": Text(
        "without a place in the budget: others had more to lose", "没有名额：其他用户损失更大"
    ),
    "fate_cooling": Text("so soon after a case", "距上一案例太近"),
    "fate_waiting": Text("still waiting for a place", "仍在等待名额"),
    "fuse": Text("fuse", "熔断"),
    "fused": Text(
        "on {days:,} days many more than usual were at risk; no more than the budget left",
        "{days:,} 天中有风险的用户远多于平常，发出的触达仍未超出名额",
    ),
    "why": Text("because of", "原因"),
    "touches_by": Text(
        "{touches:,}: {channels}; {revoked:,} taken back, as the case was over before the sender's "
        "answer was known (a day lasts {day_s:.1f} s here)",
        "{touches:,}：{channels}；{revoked:,} 次因案例在收到回执前已结束而撤回（此处一天仅 "
        "{day_s:.1f} 秒）",
    ),
    "returned": Text(
        "{returned:,} of {closed:,} cases that are closed ended because the user came back",
        "{closed:,} 个已结案例中，{returned:,} 个因用户回归而结束",
    ),
    "effect": Text("effect", "效果"),
    "run": Text("The run", "运行结果"),
    "cases_by": Text(
        "{cases:,}: {risk:,} by the model, {silence:,} by the silence backstop",
        "{cases:,}：模型 {risk:,}，沉默兜底 {silence:,}",
    ),
    "precision": Text("precision", "准确率"),
    "beside": Text(
        '{ours} of {alerts:,} alerts; the rule "silent for more than {days:g} days", the nearest '
        "in number: {rule} of {rule_alerts:,}",
        "{alerts:,} 次预警中 {ours}；数量最接近的规则“沉默超过 {days:g} 天”："
        "{rule_alerts:,} 次中 {rule}",
    ),
    "not_enough": Text(
        "not enough data: too few alerts whose {days:g} days the log still covers",
        "数据不足：日志覆盖满 {days:g} 天的预警太少",
    ),
    "earlier": Text("days earlier", "提前天数"),
    "delay": Text(
        "{earlier:g} (the median right alert comes after {delay:g} days of silence, the rule's "
        "after {rule:g}; the demo's threshold was chosen on this log, winback backtest knows no "
        "such thing)",
        "{earlier:g}（正确预警的沉默中位数为 {delay:g} 天，规则为 {rule:g} 天；"
        "演示的阈值是在该日志上选定的，winback backtest 则没有）",
    ),
    "answers": Text("answers", "反馈"),
    "answer_delivered": Text("delivered", "已送达"),
    "answer_replied": Text("replied", "已回复"),
    "answer_opted_out": Text("opted out", "已退订"),
    "answer_expired": Text("expired before they could be sent", "发送前已过期"),
    "answer_revoked": Text("revoked before they could be sent", "发送前已撤回"),
    "answer_interrupted": Text("unknown: the sender was interrupted", "未知：发送器被中断"),
    "speed": Text("speed", "速度"),
    "paced": Text(
        "{rate:,} events/s, paced; {seconds:.0f} s from the first command to here",
        "每秒 {rate:,} 个事件（按节奏输入）；全程 {seconds:.0f} 秒",
    ),
    "next": Text("Look next", "下一步"),
    "next_report": Text("the report for operations", "运营报告"),
    "next_touches": Text("what members would have read", "会员会看到的内容"),
    "next_logs": Text("what workers and learner said", "各进程的日志"),
    "next_explain": Text("why a user is at risk", "查看用户风险原因"),
    "next_backtest": Text(
        "the same year, scored honestly, without Kafka",
        "同一年份的离线回测，无需 Kafka",
    ),
    "next_service": Text("a service that stays", "长期运行的服务"),
    "next_rules": Text("the business rules, explained line by line", "逐行说明的业务规则"),
}


def say(language: Language, key: str, **facts: object) -> str:
    """Return a text with its facts."""
    return TEXTS[key].say(language, **facts)
