"""What a sender can do wrong towards the user. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from winback_sender.conformance.case import Case, Fault
from winback_sender.conformance.evidence import Asked, Called


def sent_twice(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that went out to the user more than once."""
    sent = [touch for touch in case.committed if case.sent(touch.touch_id)]
    return len(sent), (
        Fault(touch.touch_id, f"sent {len(calls)} times", calls[1].at_ms)
        for touch in sent
        if len(calls := case.sent(touch.touch_id)) > 1
    )


def sent_after_revocation(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that went out although they had been taken back."""
    revoked = [touch for touch in case.committed if touch.revoked_ms is not None]
    return len(revoked), (
        Fault(touch.touch_id, f"sent {late_ms / 1_000:.1f} s after its revocation", call.at_ms)
        for touch in revoked
        for call in case.sent(touch.touch_id)[:1]
        if (late_ms := call.at_ms - (touch.revoked_ms or 0)) >= case.allow.revocation_ms
    )


def sent_after_expiry(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that went out too late."""
    expired = [touch for touch in case.committed if touch.expires_ms < case.seen.ended_ms]
    return len(expired), (
        Fault(touch.touch_id, f"sent {late_ms / 1_000:.1f} s after it had expired", call.at_ms)
        for touch in expired
        for call in case.sent(touch.touch_id)[:1]
        if (late_ms := call.at_ms - touch.expires_ms) >= case.allow.expiry_ms
    )


def sent_too_early(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that did not wait for ``not_before``."""
    waiting = [touch for touch in case.committed if touch.not_before_ms > touch.published_ms]
    return len(waiting), (
        Fault(touch.touch_id, f"sent {early_ms / 1_000:.1f} s before not_before", call.at_ms)
        for touch in waiting
        for call in case.sent(touch.touch_id)[:1]
        if (early_ms := touch.not_before_ms - call.at_ms) > case.allow.early_ms
    )


def read_uncommitted(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that were never asked for: their transaction was aborted."""
    aborted = [touch for touch in case.seen.touches if not touch.is_committed]
    return len(aborted), (
        Fault(touch.touch_id, "handled, but its transaction was aborted: read_committed is not set")
        for touch in aborted
        if case.calls[touch.touch_id] or case.said[touch.touch_id]
    )


def lost(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches that were due and never tried, or given up while there was time."""
    due = [touch for touch in case.committed if touch.is_due]
    return len(due), (fault for touch in due if (fault := _lost(case, touch)))


def _lost(case: Case, touch: Asked) -> Fault | None:
    calls, words = case.calls[touch.touch_id], case.said[touch.touch_id]
    if case.sent(touch.touch_id) or case.is_unclear(touch):
        return None
    if calls and "refused" in {call.fate for call in calls}:
        return None
    if not words:
        tried = f"was turned away {len(calls)} times and not tried again" if calls else "no call"
        return Fault(touch.touch_id, f"{tried}, no feedback")
    first = words[0]
    if case.excused_between(touch.published_ms, first.seen_ms):
        return None  # The intent was on disk, perhaps the call had left: it is reported, and right.
    said = " ".join(filter(None, (first.status, first.outcome, first.reason)))
    return Fault(touch.touch_id, f"given up ({said}) while there was time", first.seen_ms)


def out_of_order(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches of a user that overtook an earlier one.

    One that was unclear before it was sent is passed over: it was asked about first.
    """
    users: defaultdict[str, list[tuple[Asked, Called]]] = defaultdict(list)
    for touch in case.committed:
        if calls := case.sent(touch.touch_id):
            before = [call for call in case.calls[touch.touch_id] if call.at_ms < calls[0].at_ms]
            if all(call.is_clear for call in before):
                users[touch.user_id].append((touch, calls[0]))
    several = [sent for sent in users.values() if len(sent) > 1]
    return len(several), (
        Fault(later.touch_id, f"sent before {earlier.touch_id}, which was asked for first",
              after.at_ms, earlier.touch_id)
        for sent in several
        for (earlier, before_), (later, after) in pairwise(sent)
        if after.at_ms < before_.at_ms
    )  # fmt: skip


def wrong_address(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find messages that went to somebody else, or to where nothing may go."""
    sent = [call for call in case.seen.calls if call.was_sent and call.touch_id in case.touches]
    return len(sent), (
        Fault(call.touch_id, _misdirected(case.touches[call.touch_id]), call.at_ms)
        for call in sent
        if call.address != case.touches[call.touch_id].address
    )


def _misdirected(touch: Asked) -> str:
    if touch.address is None:
        return f"sent, but it must not be: {touch.story}"
    return "sent to an address that is not the user's"


def unasked(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find messages that went out without a touch."""
    counted = Counter(call.touch_id for call in case.seen.calls if call.was_sent)
    return len(counted), (
        Fault(touch_id, "sent, but nobody asked for it")
        for touch_id in counted
        if touch_id not in case.touches
    )
