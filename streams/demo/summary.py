"""What the run came to: pure functions from what was observed and the log itself."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streams.demo.observed import Case, Observed
from streams.replay.blocks import Block
from streams.replay.fleet import Accepted
from streams.replay.outcomes import SilenceOutcomes


class Log(NamedTuple):
    """The log that is fed, as columns in its order; times in epoch ms UTC."""

    user_ids: list[str]
    times_ms: list[int]

    @property
    def span_ms(self) -> int:
        """From the first event to the last."""
        return self.times_ms[-1] - self.times_ms[0]


class Arm(NamedTuple):
    """Cases of the touched, or of the held out, and after how many of them the user came back."""

    cases: int
    returned: int

    @property
    def rate(self) -> float | None:
        """Share that returned."""
        return self.returned / self.cases if self.cases else None


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
    """The run in numbers."""

    alerts: int
    by_trigger: dict[str, int]
    detection: Detection
    touches: int
    revoked: int
    answers: dict[str, int]
    touched: Arm
    held_out: Arm
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


def arm(cases: Iterable[Case], log: Log, horizon_ms: int) -> Arm:
    """Return how many users of cases came back within H of the alert, as the log itself tells.

    Cases whose H days the log does not cover are left out. What a case was closed for is not asked:
    a reply closes it too, and only the touched can reply.
    """
    times: dict[str, list[int]] = defaultdict(list)
    for user_id, at_ms in zip(log.user_ids, log.times_ms, strict=True):
        times[user_id].append(at_ms)
    covered = [case for case in cases if case.at_ms + horizon_ms <= log.times_ms[-1]]
    returned = 0
    for user_id, at_ms, _ in covered:
        after = bisect_right(times[user_id], at_ms)
        returned += after < len(times[user_id]) and times[user_id][after] <= at_ms + horizon_ms
    return Arm(len(covered), returned)


def summarised(observed: Observed, log: Log, *, horizon_ms: int, min_active_days: int) -> Summary:
    """Return the run in numbers."""
    cases = observed.cases
    touched = [cases[case_id] for case_id in observed.touched & cases.keys()]
    held_out = [cases[case_id] for case_id in observed.held_out]
    return Summary(
        alerts=len(observed.cases),
        by_trigger=dict(Counter(case.trigger for case in observed.cases.values())),
        detection=detected(
            observed.alerts(), log, horizon_ms=horizon_ms, min_active_days=min_active_days
        ),
        touches=len(observed.touch_ids),
        revoked=observed.revoked,
        answers=dict(Counter(observed.answers.values())),
        touched=arm(touched, log, horizon_ms),
        held_out=arm(held_out, log, horizon_ms),
        outcomes=dict(Counter(case.outcome for case in observed.closed.values())),
    )
