"""The judge: from what was seen to what was done wrong. Pure: no clock, no IO, no chance.

Where the sender cannot know better it is given the benefit of the doubt; `Tolerances` says how much
and why.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from winback_sender.conformance import sending, telling
from winback_sender.conformance.case import Case, Fault, Judge, Tolerances
from winback_sender.conformance.evidence import Evidence


class Finding(NamedTuple):
    """The sentence on one kind of fault: ``faults`` of ``of`` cases that could have gone wrong."""

    kind: str
    title: str
    of: int
    of_what: str
    faults: tuple[Fault, ...]


BENCH: Final[Sequence[tuple[str, str, str, Judge]]] = (
    ("sent_twice", "sent twice", "touches sent", sending.sent_twice),
    (
        "sent_after_revocation",
        "sent after revocation",
        "revoked touches",
        sending.sent_after_revocation,
    ),
    ("sent_after_expiry", "sent after expiry", "touches that expired", sending.sent_after_expiry),
    (
        "sent_too_early",
        "sent before not_before",
        "touches that had to wait",
        sending.sent_too_early,
    ),
    ("read_uncommitted", "read uncommitted", "touches never committed", sending.read_uncommitted),
    ("lost", "lost", "touches that were due", sending.lost),
    ("out_of_order", "out of order", "users with several touches", sending.out_of_order),
    ("wrong_address", "sent to a wrong address", "messages sent", sending.wrong_address),
    ("unasked", "sent unasked", "ids of messages sent", sending.unasked),
    ("feedback_missing", "feedback missing", "touches and receipts", telling.feedback_missing),
    ("feedback_wrong", "feedback wrong", "records of feedback", telling.feedback_wrong),
    (
        "unknown_unreported",
        "unknown, and not reported",
        "unclear calls",
        telling.unknown_unreported,
    ),
    (
        "dead_letters_missing",
        "dead letter missing",
        "unreadable records",
        telling.dead_letters_missing,
    ),
    ("ended_by_itself", "ended by itself, or hung", "processes", telling.ended_by_itself),
)
"""Key, title, what is counted, and who judges it; in the order of the table."""


def judge(seen: Evidence, tolerances: Tolerances | None = None) -> tuple[Finding, ...]:
    """Return a finding of every kind; a sender conforms if none has a fault."""
    case = Case(seen, tolerances or Tolerances())
    findings = []
    for kind, title, of_what, find in BENCH:
        of, faults = find(case)
        findings.append(Finding(kind, title, of, of_what, tuple(faults)))
    return tuple(findings)
