"""Metrics of a sender: a closed catalogue in base units, no ids of users, labels of few values."""

import sys
from enum import StrEnum
from threading import Lock
from typing import Final

from winback_sender.instruments import Instruments, Spec, as_markdown

CODES_MAX: Final = 100
"""Different reasons of providers that are told apart; the others are ``other``."""


class Metric(StrEnum):
    """The names."""

    TOUCHES = "winback_sender_touches_total"
    UNDER_WAY = "winback_sender_under_way"
    WAITING = "winback_sender_waiting"
    CALL_SECONDS = "winback_sender_call_seconds"
    PICKUP_SECONDS = "winback_sender_pickup_seconds"
    RETRIES = "winback_sender_retries_total"
    BREAKER_OPEN = "winback_sender_breaker_open"
    REVOCATIONS = "winback_sender_revocations_total"
    PASSED_OVER = "winback_sender_passed_over_total"
    DEAD_LETTERS = "winback_sender_dead_letters_total"
    HEARD = "winback_sender_heard_total"
    MISSED = "winback_sender_heard_unmatched_total"
    ASKED = "winback_sender_asked_total"
    FEEDBACK = "winback_sender_feedback_total"
    FEEDBACK_OWED = "winback_sender_feedback_owed"
    FEEDBACK_OWED_SECONDS = "winback_sender_feedback_owed_seconds"
    PARTITIONS = "winback_sender_partitions_owned"
    PARTITIONS_BEHIND = "winback_sender_partitions_behind"


METRICS: Final[dict[Metric, Spec]] = {
    Metric.TOUCHES: Spec(
        "counter", "touches", ("provider", "status", "reason"),
        "Touches by the first word that was written of them.",
        "Much unknown: the provider is slow or away; one reason of failed: look it up there.",
    ),
    Metric.UNDER_WAY: Spec(
        "gauge", "touches", (), "Touches between intent and receipt.",
        "At WINBACK_SENDER_PARALLEL for long: raise it, if the provider takes more.",
    ),
    Metric.WAITING: Spec(
        "gauge", "touches", (), "Touches that are read and have not left: hours, limits, retries.",
        "Growing by day: the provider takes less than winback asks for; see limits and breaker.",
    ),
    Metric.CALL_SECONDS: Spec(
        "histogram", "seconds", ("provider",), "Time of a call of the provider.",
        "Near the time-out: touches become unknown; ask the provider.",
    ),
    Metric.PICKUP_SECONDS: Spec(
        "histogram", "seconds", (),
        "From Kafka to the call of the provider, of touches that need not wait for their hour.",
        "Above 0.2 s: too few under way, a limit, or a slow disk under the journal.",
    ),
    Metric.RETRIES: Spec(
        "counter", "touches", ("provider",), "Attempts that surely sent nothing.",
        "Its rate near that of touches: the provider refuses; the breaker opens by itself.",
    ),
    Metric.BREAKER_OPEN: Spec(
        "gauge", "1 or 0", ("provider",), "Whether the provider is taken for away.",
        "1 for minutes: nothing leaves; touches that expire meanwhile are reported as failed.",
    ),
    Metric.REVOCATIONS: Spec(
        "counter", "revocations", ("when",), "Touches taken back: in_time, or begun already.",
        "Many begun: users return while their touch is on its way; nothing to do.",
    ),
    Metric.PASSED_OVER: Spec(
        "counter", "records", ("reason",), "Records that are not for this sender.",
        "Of a channel that nobody sends: start a sender for it.",
    ),
    Metric.DEAD_LETTERS: Spec(
        "counter", "records", ("reason",), "Records that could not be used.",
        "unknown_version: update the sender; else look into the topic of dead letters.",
    ),
    Metric.HEARD: Spec(
        "counter", "words", ("provider", "status"), "Receipts and replies that came later.",
        "None for long: see whether the provider has the right address to call back.",
    ),
    Metric.MISSED: Spec(
        "counter", "words", ("provider",), "Words that name no touch that is known here.",
        "Many: the account is used by something else, or a journal was lost.",
    ),
    Metric.ASKED: Spec(
        "counter", "questions", ("provider", "answer"),
        "Questions about touches whose end is not known: told, nothing, failed.",
        "Much nothing: the provider has forgotten; the touches stay unknown.",
    ),
    Metric.FEEDBACK: Spec(
        "counter", "records", (), "Records that Kafka has acknowledged.",
        "Flat while touches leave: Kafka does not take them; nothing new begins.",
    ),
    Metric.FEEDBACK_OWED: Spec(
        "gauge", "records", (), "Records that Kafka has not acknowledged.",
        "At its ceiling: nothing new begins until Kafka is back.",
    ),
    Metric.FEEDBACK_OWED_SECONDS: Spec(
        "gauge", "seconds", (), "Age of the oldest of them.", "As above; /health/ready says so.",
    ),
    Metric.PARTITIONS: Spec(
        "gauge", "partitions", (), "Partitions this sender owns.",
        "The sum over senders below the topic's count for a minute: a sender is away.",
    ),
    Metric.PARTITIONS_BEHIND: Spec(
        "gauge", "partitions", (), "Partitions that are being read to their end first.",
        "Above 0 for minutes: a large backlog, or a transaction that hangs.",
    ),
}  # fmt: skip


class Meter(Instruments):
    """The instruments of one process."""

    def __init__(self) -> None:
        super().__init__(METRICS)
        self._codes: set[str] = set()
        self._lock = Lock()

    def code(self, reason: str) -> str:
        """Return a reason as a label: what providers say is not ours to bound."""
        with self._lock:
            if reason in self._codes or len(self._codes) < CODES_MAX:
                self._codes.add(reason)
                return reason
        return "other"


def page() -> str:
    """Return ``docs/sender-metrics.md``."""
    return as_markdown("Metrics of senders", "winback_sender/engine/metrics.py", METRICS)


if __name__ == "__main__":
    sys.stdout.write(page())
