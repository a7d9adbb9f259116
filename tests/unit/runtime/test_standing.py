"""What is decided is counted, and how partitions stand is shown."""

from models.bgnbd import BgNbdScorer
from streams.core.inputs import FeedbackReceived
from streams.core.partition import Partition
from streams.core.rules_file import parse_rules
from streams.runtime.metrics import Metrics
from streams.runtime.standing import count_decisions, count_feedback, show_standing

RULES = parse_rules("budget: {touches_per_day: 30}\nmode: holdout-only\n")


def test_partitions_are_shown_together() -> None:
    cores = [Partition(n, RULES, BgNbdScorer(RULES.churn.horizon_ms), of=4) for n in range(2)]
    metrics = Metrics()
    show_standing(metrics, cores)
    page = metrics.page().decode()
    assert 'winback_mode{mode="holdout-only"} 2.0' in page
    assert 'winback_mode{mode="live"} 0.0' in page
    assert 'winback_budget_used{kind="message"} 0.0' in page
    shares = sum(core.budget.share["message"] for core in cores)
    assert f'winback_budget_share{{kind="message"}} {shares:.1f}' in page
    assert 14 <= shares <= 16
    assert "winback_fuse_blown 0.0" in page
    assert "winback_stopped 0.0" in page
    assert "winback_cases_open 0.0" in page


def test_decisions_cases_episodes_and_feedback_are_counted() -> None:
    metrics = Metrics()
    count_decisions(metrics, {"verdict_send": 3, "closed_returned": 2, "episodes": 1, "paths": 4})
    said = ["delivered", "unknown", "delivered"]
    count_feedback(metrics, [FeedbackReceived("ada", 1, "t", status) for status in said])
    page = metrics.page().decode()
    for line in (
        'winback_decisions_total{reason="send"} 3.0',
        'winback_cases_closed_total{outcome="returned"} 2.0',
        "winback_episodes_total 1.0",
        'winback_feedback_total{status="delivered"} 2.0',
        'winback_feedback_total{status="unknown"} 1.0',
    ):
        assert line in page
