# ruff: noqa: INP001 (run from the repository, never installed)
"""Senders: what becomes of touches on their way to people."""

from typing import Final

from deploy.grafana.source.panels import Board, Panel, Query, Row

RATE: Final = "$__rate_interval"


def _quantiles(name: str, by: str, legend: str) -> tuple[Query, ...]:
    return tuple(
        Query(f"histogram_quantile({share}, sum by ({by}) (rate({name}_bucket[{RATE}]))) >= 0"
              " or vector(0)", f"p{share * 100:g}{legend}")
        for share in (0.5, 0.99)
    )  # fmt: skip


OUTCOMES: Final = Row("Outcomes", (
    Panel(
        "Touches", "By provider and first word, per hour. Much unknown: the provider is slow.",
        "short",
        (Query("sum by (provider, status) (increase(winback_sender_touches_total[1h]))",
               "{{provider}} {{status}}"),),
    ),
    Panel(
        "Reasons", "Of what failed, in the provider's own codes, per hour.", "short",
        (Query('sum by (provider, reason) (increase(winback_sender_touches_total{reason!=""}[1h]))'
               " or vector(0)", "{{provider}} {{reason}}"),),
    ),
    Panel(
        "What came later", "Receipts and replies, matched or not, and questions, per hour.",
        "short",
        (
            Query("sum by (provider, status) (increase(winback_sender_heard_total[1h]))"
                  " or vector(0)", "{{provider}} {{status}}"),
            Query("sum(increase(winback_sender_heard_unmatched_total[1h])) or vector(0)",
                  "unmatched"),
            Query("sum by (answer) (increase(winback_sender_asked_total[1h])) or vector(0)",
                  "asked: {{answer}}"),
        ),
    ),
))  # fmt: skip

FLOW: Final = Row("Flow", (
    Panel(
        "Under way and waiting", "Waiting: for hours, limits, retries.", "short",
        (
            Query("sum by (instance) (winback_sender_under_way)", "{{instance}} under way"),
            Query("sum by (instance) (winback_sender_waiting)", "{{instance}} waiting"),
        ),
    ),
    Panel(
        "Call of the provider", "Near the time-out, touches become unknown.", "s",
        _quantiles("winback_sender_call_seconds", "le, provider", " {{provider}}"),
    ),
    Panel(
        "From Kafka to the call", "Of touches that need not wait for their hour.", "s",
        _quantiles("winback_sender_pickup_seconds", "le", ""),
    ),
    Panel(
        "Breaker and retries", "1 = the provider is taken for away. WinbackProviderAway.", "short",
        (
            Query("max by (provider) (winback_sender_breaker_open) or vector(0)",
                  "{{provider}} away"),
            Query(f"sum by (provider) (rate(winback_sender_retries_total[{RATE}])) or vector(0)",
                  "{{provider}} retries per second"),
        ),
    ),
    Panel(
        "Feedback owed", "Records that Kafka has not acknowledged, and the age of the oldest. "
        "WinbackFeedbackOwed.", "short",
        (
            Query("sum by (instance) (winback_sender_feedback_owed)", "{{instance}} records"),
            Query("max by (instance) (winback_sender_feedback_owed_seconds)",
                  "{{instance}} seconds"),
            Query(f"sum(rate(winback_sender_feedback_total[{RATE}]))", "reported per second"),
        ),
    ),
    Panel(
        "Partitions", "Owned, and still being read to their end.", "short",
        (
            Query("sum by (instance) (winback_sender_partitions_owned)", "{{instance}} owned"),
            Query("sum by (instance) (winback_sender_partitions_behind)", "{{instance}} behind"),
        ),
    ),
))  # fmt: skip

ASIDE: Final = Row("Not sent", (
    Panel(
        "Taken back", "In time, or begun already, per hour.", "short",
        (Query("sum by (when) (increase(winback_sender_revocations_total[1h])) or vector(0)",
               "{{when}}"),), width=12,
    ),
    Panel(
        "Passed over and dead letters", "Of other channels; and what could not be used.", "short",
        (
            Query("sum by (reason) (increase(winback_sender_passed_over_total[1h])) or vector(0)",
                  "passed over: {{reason}}"),
            Query("sum by (reason) (increase(winback_sender_dead_letters_total[1h])) or vector(0)",
                  "dead letter: {{reason}}"),
        ), width=12,
    ),
))  # fmt: skip

BOARD: Final = Board(
    "winback-senders", "winback · senders",
    "What becomes of touches on their way to people.",
    (OUTCOMES, FLOW, ASIDE),
)  # fmt: skip
