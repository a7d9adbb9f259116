"""What the run came to: pure functions from what was observed and the log itself."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streams.core.rules import Rules
from streams.demo.observed import Observed
from streams.demo.places import Kept, kept
from streams.demo.spells import CONTACTED, Course, fates
from streams.replay.blocks import Block
from streams.replay.fleet import Accepted
from streams.replay.outcomes import SilenceOutcomes
from winback_sender.contract.instants import instant_ms


class Log(NamedTuple):
    """The log that is fed, as columns in its order; times in epoch ms UTC."""

    user_ids: list[str]
    times_ms: list[int]

    @property
    def span_ms(self) -> int:
        """From the first event to the last."""
        return self.times_ms[-1] - self.times_ms[0]


class Detection(NamedTuple):
    """Alerts beside the rule "silent for more than x days" that gives about as many.

    An alert is right when its silence reaches H inside the log. Of alerts and of the rule only
    those are counted whose H days the log still covers. Shares 0 … 1, spans in days.
    """

    alerts: int
    precision: float | None
    recall: float | None
    delay_days: float | None
    rule_days: float | None
    rule_alerts: int
    rule_precision: float | None
    rule_recall: float | None

    @property
    def days_earlier(self) -> float | None:
        """By how much the median right alert comes before the rule."""
        if self.rule_days is None or self.delay_days is None:
            return None
        return round(self.rule_days - self.delay_days, 2)


class Summary(NamedTuple):
    """The run in numbers, all of them from the topics.

    Attributes:
        at_risk: How often the risk of a user became high.
        users_at_risk: Of how many users.
        at_risk_now: Users at high risk at the end.
        newest: The last of them.
        fates: What came of it: contacted, or why not; together as many as ``at_risk``.
        cases: Cases opened.
        by_trigger: What opened them.
        budgets: Channel class to how its budget was kept.
        fused_days: Days on which many more users than usual were at risk.
        detection: How good the alerts were, whoever got a place.
        touches: Touches that left.
        channels: Channel to touches.
        revoked: Touches taken back.
        answers: What the sender said last, to touches.
        outcomes: How cases ended.
    """

    at_risk: int
    users_at_risk: int
    at_risk_now: int
    newest: str | None
    fates: dict[str, int]
    cases: int
    by_trigger: dict[str, int]
    budgets: dict[str, Kept]
    fused_days: int
    detection: Detection
    touches: int
    channels: dict[str, int]
    revoked: int
    answers: dict[str, int]
    outcomes: dict[str, int]


def log_of(blocks: Iterable[Block]) -> Log:
    """Return the columns of a log."""
    blocks = list(blocks)
    return Log(
        [user_id for block in blocks for user_id in block.user_ids],
        [at_ms for block in blocks for at_ms in block.times_ms],
    )


def detected(
    alerts: dict[str, list[int]], log: Log, *, horizon_ms: int, min_active_days: int
) -> Detection:
    """Grade alerts against the log itself.

    Args:
        alerts: Instants by user, epoch ms UTC.
        log: What happened.
        horizon_ms: H: a silence of this length is lost.
        min_active_days: Users with fewer are not counted, as nothing is said about them.
    """
    outcomes = SilenceOutcomes(horizon_ms, min_active_days, log.times_ms[0])
    outcomes.see(Accepted([], log.user_ids, log.times_ms))
    graded = outcomes.grades(alerts, log.times_ms[-1])
    ours, rule = graded["project"], graded.get("silence_rule", {})
    return Detection(
        alerts=ours["alerts"],
        precision=ours["precision"],
        recall=ours["recall"],
        delay_days=ours["delay_days_median"],
        rule_days=rule.get("silent_more_than_days"),
        rule_alerts=rule.get("alerts", 0),
        rule_precision=rule.get("precision"),
        rule_recall=rule.get("recall"),
    )


def courses(observed: Observed) -> dict[str, list[Course]]:
    """Return the cases of every user in order of time, each with what came of it."""
    found: defaultdict[str, list[Course]] = defaultdict(list)
    for case_id, case in observed.cases.items():
        closed = observed.closed.get(case_id)
        end_ms = None if closed is None else instant_ms(closed.closed_at)
        fate = CONTACTED if case_id in observed.touched else _why_not(observed, case_id)
        found[case.user_id].append(Course(case.at_ms, end_ms, fate))
    return {user_id: sorted(cases) for user_id, cases in found.items()}


def _why_not(observed: Observed, case_id: str) -> str:
    return "holdout" if case_id in observed.held_out else observed.refused.get(case_id, "")


def summarised(observed: Observed, log: Log, rules: Rules) -> Summary:
    """Return the run in numbers."""
    begins, of_user = observed.spells.begins(), courses(observed)
    came = fates(
        observed.spells, lambda user_id: of_user.get(user_id, []), rules.alert.cool_down_ms
    )
    return Summary(
        at_risk=len(observed.spells),
        users_at_risk=len(begins),
        at_risk_now=observed.spells.now,
        newest=observed.spells.newest,
        fates=dict(came),
        cases=len(observed.cases),
        by_trigger=dict(Counter(case.trigger for case in observed.cases.values())),
        budgets=kept(observed.asked.values(), observed.places, rules),
        fused_days=len(observed.places.fused),
        detection=detected(
            begins, log, horizon_ms=rules.churn.horizon_ms,
            min_active_days=rules.churn.min_active_days,
        ),
        touches=len(observed.touch_ids),
        channels=dict(Counter(touch.channel for touch in observed.asked.values())),
        revoked=observed.revoked,
        answers=dict(Counter(observed.answers.values())),
        outcomes=dict(Counter(case.outcome for case in observed.closed.values())),
    )  # fmt: skip
