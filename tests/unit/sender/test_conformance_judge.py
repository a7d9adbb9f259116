"""The judge of senders: each fault makes it speak, and a clean record does not."""

from typing import Any

import pytest

from winback_sender.conformance.case import Tolerances
from winback_sender.conformance.evidence import (
    Asked,
    Away,
    Called,
    End,
    Evidence,
    Life,
    Receipt,
    Said,
    Unreadable,
)
from winback_sender.conformance.judge import judge

T = 1_800_000_000_000
"""The run begins."""
END = T + 60_000
PHONE = "13800138000"


def asked(touch_id: str = "t-1", **changed: Any) -> Asked:
    touch = Asked(touch_id, "ann", "plain", T, T, T + 600_000, PHONE)
    return touch._replace(**changed)


def called(touch_id: str = "t-1", at_ms: int = T + 500, **changed: Any) -> Called:
    return Called(touch_id, at_ms, "ok", PHONE)._replace(**changed)


def said(touch_id: str = "t-1", status: str = "accepted", **changed: Any) -> Said:
    word = Said(touch_id, "ann", status, "", "", T + 600, T + 700)
    return word._replace(**changed)


def seen(*things: Asked | Called | Said | Receipt | Life | Unreadable | Away) -> Evidence:
    """Return the evidence of a run; what is not in it was in order."""

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(thing for thing in things if isinstance(thing, kind))

    return Evidence(of(Asked), of(Called), of(Said), of(Receipt), of(Life), of(Unreadable), END,
                    of(Away))  # fmt: skip


def faults(evidence: Evidence, tolerances: Tolerances | None = None) -> dict[str, int]:
    """Return the number of faults of each kind that has any."""
    return {
        finding.kind: len(finding.faults)
        for finding in judge(evidence, tolerances)
        if finding.faults
    }


TWO = (asked(), asked("t-2", published_ms=T + 100))
KILL = Life("a", T - 5_000, T + 1_000, End.KILLED)
UNCLEAR = called(fate="lost_answer", is_clear=False)

CLEAN = {
    "sent once": seen(asked(), called(), said()),
    "in order": seen(*TWO, called(), called("t-2", T + 900), said(), said("t-2")),
    "another fate first": seen(
        asked(), called(fate="throttled", was_sent=False), called(at_ms=T + 2_000), said()
    ),
    "refused": seen(
        asked(), called(fate="refused", was_sent=False), said(status="failed", outcome="unsent")
    ),
    "unknown, resolved": seen(
        asked(), UNCLEAR, said(status="unknown"), said(status="delivered", at_ms=T + 9_000,
                                                       seen_ms=T + 9_001)
    ),
    "unknown, not resolved": seen(asked(), UNCLEAR, said(status="unknown")),
    "killed before the call": seen(asked(), KILL, said(status="unknown", seen_ms=T + 3_000)),
    "lost on the way to a provider that went away": seen(
        asked(), Away(T + 500, T + 900), said(status="unknown", seen_ms=T + 1_600)
    ),
    "revoked in time": seen(
        asked(revoked_ms=T + 1_000, is_due=False), said(status="failed", outcome="unsent")
    ),
    "revoked, but it was under way": seen(
        asked(revoked_ms=T, is_due=False), called(at_ms=T + 999), said()
    ),
    "expired": seen(
        asked(expires_ms=T + 1_000, is_due=False),
        said(status="failed", outcome="unsent", reason="expired"),
    ),
    "waited": seen(asked(not_before_ms=T + 4_000), called(at_ms=T + 4_000), said()),
    "aborted, left alone": seen(asked(is_committed=False, is_due=False, needs_word=False)),
    "did not arrive": seen(
        asked(), called(arrives=False), said(), said(status="failed", outcome="hard"),
        Receipt("t-1", T + 800, arrived=False),
    ),
    "no address": seen(
        asked(address=None, is_due=False), said(status="failed", outcome="hard", at_ms=T)
    ),
    "of another channel": seen(asked(needs_word=False, is_due=False)),
    "dead letter": seen(Unreadable("not JSON", T, is_found=True)),
    "receipt at the very end": seen(
        asked(), called(), said(), Receipt("t-1", END - 100, arrived=True)
    ),
    "asked about before it was sent again, while the next one left": seen(
        *TWO, called(fate="lost_call", was_sent=False, is_clear=False), called("t-2", T + 900),
        called(at_ms=T + 6_000), said(), said("t-2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_record_is_not_faulted(name: str) -> None:
    assert faults(CLEAN[name]) == {}


BAD: dict[str, tuple[str, Evidence]] = {
    "twice": ("sent_twice", seen(asked(), called(), called(at_ms=T + 9_000), said())),
    "again after a time-out": (
        "sent_twice", seen(asked(), UNCLEAR, called(at_ms=T + 9_000), said())
    ),
    "after a revocation": (
        "sent_after_revocation",
        seen(asked(revoked_ms=T + 1_000, is_due=False), called(at_ms=T + 2_000), said()),
    ),
    "after expiry": (
        "sent_after_expiry",
        seen(asked(expires_ms=T + 1_000, is_due=False), called(at_ms=T + 2_000), said()),
    ),
    "too early": (
        "sent_too_early", seen(asked(not_before_ms=T + 4_000), called(at_ms=T + 3_900), said())
    ),
    "called, but aborted": (
        "read_uncommitted", seen(asked(is_committed=False, is_due=False), called())
    ),
    "spoken of, but aborted": (
        "read_uncommitted", seen(asked(is_committed=False, is_due=False), said(status="failed"))
    ),
    "given up": (
        "lost", seen(asked(), said(status="failed", outcome="unsent", reason="expired"))
    ),
    "turned away and given up": (
        "lost", seen(asked(), called(fate="throttled", was_sent=False),
                     said(status="failed", outcome="unsent")),
    ),
    "overtaken": (
        "out_of_order",
        seen(*TWO, called("t-2"), called(at_ms=T + 900), said(), said("t-2")),
    ),
    "somebody else's phone": (
        "wrong_address", seen(asked(), called(address="13900139000"), said())
    ),
    "nobody asked": ("unasked", seen(called("t-9"))),
    "silence": ("feedback_missing", seen(asked(), called())),
    "silence on what was not sent": (
        "feedback_missing", seen(asked(expires_ms=T - 1, is_due=False))
    ),
    "a receipt kept for oneself": (
        "feedback_missing", seen(asked(), called(), said(), Receipt("t-1", T + 800, arrived=True))
    ),
    "a bad end kept for oneself": (
        "feedback_missing",
        seen(asked(), called(arrives=False), said(), Receipt("t-1", T + 800, arrived=False)),
    ),
    "silence after a time-out": ("unknown_unreported", seen(asked(), UNCLEAR)),
    "silence after kill -9": ("unknown_unreported", seen(asked(), called(), KILL)),
    "not of the contract": (
        "feedback_wrong", seen(asked(), called(), said(), said("", "", flaw="not JSON"))
    ),
    "on the wrong partition": (
        "feedback_wrong", seen(asked(), called(), said(flaw="on partition 2, not 3"))
    ),
    "of nobody's touch": ("feedback_wrong", seen(said("t-9"))),
    "of another user": ("feedback_wrong", seen(asked(), called(), said(user_id="bob"))),
    "in seconds": ("feedback_wrong", seen(asked(), called(), said(at_ms=T // 1_000))),
    "without an instant": ("feedback_wrong", seen(asked(), called(), said(at_ms=None))),
    "failed, but sent": ("feedback_wrong", seen(asked(), called(), said(status="failed"))),
    "accepted, but refused": (
        "feedback_wrong", seen(asked(), called(fate="refused", was_sent=False), said())
    ),
    "delivered, but it did not arrive": (
        "feedback_wrong", seen(asked(), called(arrives=False), said(status="delivered"))
    ),
    "hard, but only revoked": (
        "feedback_wrong",
        seen(asked(revoked_ms=T + 100, is_due=False), said(status="failed", outcome="hard")),
    ),
    "opted out, but nobody did": (
        "feedback_wrong", seen(asked(), called(), said(status="opted_out"))
    ),
    "unknown, but never tried": (
        "feedback_wrong", seen(asked(is_due=False, expires_ms=T - 1), said(status="unknown"))
    ),
    "no dead letter": ("dead_letters_missing", seen(Unreadable("not JSON", T, is_found=False))),
    "died": ("ended_by_itself", seen(Life("a", T, T + 9_000, End.DIED, 1))),
    "hung": ("ended_by_itself", seen(Life("a", T, T + 9_000, End.HUNG))),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_each_fault_makes_the_judge_speak(name: str) -> None:
    kind, evidence = BAD[name]
    assert faults(evidence) == {kind: 1}


def test_what_is_lost_without_a_word_is_lost_and_unspoken() -> None:
    assert faults(seen(asked())) == {"lost": 1, "feedback_missing": 1}


def test_a_tolerance_is_to_the_millisecond() -> None:
    late = seen(asked(revoked_ms=T, is_due=False), called(at_ms=T + 1_000), said())
    assert faults(late) == {"sent_after_revocation": 1}
    assert faults(late, Tolerances(revocation_ms=1_001)) == {}


def test_a_finding_says_of_how_many() -> None:
    found = {finding.kind: finding for finding in judge(BAD["twice"][1])}
    assert (found["sent_twice"].of, found["lost"].of, found["feedback_wrong"].of) == (1, 1, 1)
    assert found["sent_twice"].faults[0].text == "sent 2 times"
