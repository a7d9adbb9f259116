"""What a sender can do wrong towards winback: feedback, dead letters, its own life. Pure."""

from collections.abc import Iterator
from typing import Final

from winback_sender.conformance.case import Case, Fault
from winback_sender.conformance.evidence import Asked, End, Receipt, Said
from winback_sender.contract.words import HARD, STRENGTH, Status

LEFT: Final = frozenset({
    Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.CLICKED, Status.REPLIED,
})  # fmt: skip
"""Words that say that the provider has it."""


def feedback_missing(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find touches of which nothing was said, and receipts that were taken and not passed on."""
    owed = [touch for touch in case.committed if touch.needs_word and not case.is_unclear(touch)]
    receipts = [
        receipt
        for receipt in case.seen.receipts
        if receipt.touch_id in case.touches
        and receipt.at_ms < case.seen.ended_ms - case.allow.receipt_ms
    ]

    def faults() -> Iterator[Fault]:
        for touch in owed:
            if not case.said[touch.touch_id]:
                yield Fault(touch.touch_id, f"nothing was said of it ({touch.story})")
        for receipt in {found.touch_id: found for found in receipts}.values():
            if fault := _untold(case, receipt):
                yield fault

    return len(owed) + len(receipts), faults()


def _untold(case: Case, receipt: Receipt) -> Fault | None:
    word = Status.DELIVERED if receipt.arrived else Status.FAILED
    strongest = case.strongest(receipt.touch_id)
    if strongest and STRENGTH[strongest] >= STRENGTH[word]:
        return None
    return Fault(receipt.touch_id, f"its receipt said {word}, the feedback: {strongest or 'none'}",
                 receipt.at_ms)  # fmt: skip


def unknown_unreported(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find calls without a clear answer of which nothing was said: neither resolved nor unknown."""
    unclear = [touch for touch in case.committed if case.is_unclear(touch)]
    return len(unclear), (
        Fault(touch.touch_id, f"no clear answer ({fates}), and nothing was said of it")
        for touch in unclear
        if not case.said[touch.touch_id]
        and (fates := ", ".join(call.fate for call in case.calls[touch.touch_id]))
    )


def feedback_wrong(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find feedback that is not of the contract, or that the provider's books contradict."""

    def faults() -> Iterator[Fault]:
        for word in case.seen.said:
            touch = case.touches.get(word.touch_id)
            if touch is not None and not touch.is_committed:
                continue  # That is another fault.
            flaw = word.flaw or _contradiction(case, touch, word)
            if flaw:
                yield Fault(word.touch_id or "?", flaw, word.seen_ms)

    return len(case.seen.said), faults()


def _contradiction(case: Case, touch: Asked | None, word: Said) -> str:
    """Return what is wrong with one word, or nothing."""
    if touch is None:
        return "names a touch that nobody asked for"
    allow = case.allow.at_ms
    if word.user_id != touch.user_id:
        return "names another user"
    if word.at_ms is None or not touch.published_ms - allow <= word.at_ms <= word.seen_ms + allow:
        return "`at` is not when it happened"
    sent = case.sent(touch.touch_id)
    for is_so, flaw in (
        (word.status in LEFT and not sent, "the provider never took it"),
        (word.status == Status.DELIVERED and not any(call.arrives for call in sent),
         "it never arrived"),
        (word.status == Status.FAILED and any(call.arrives for call in sent), "it was sent"),
        (word.status == Status.FAILED and word.outcome == HARD and not _may_be_hard(case, touch),
         "nothing is wrong with the user's address"),
        (word.status in {Status.OPTED_OUT, Status.HANDLED, Status.REPLIED, Status.CLICKED},
         "the user did nothing"),
        (word.status == Status.UNKNOWN and not case.calls[touch.touch_id]
         and not case.excused_between(touch.published_ms, word.seen_ms), "nobody tried to send it"),
    ):  # fmt: skip
        if is_so:
            return f"says {word.status} {word.outcome}".rstrip() + f", but {flaw}"
    return ""


def _may_be_hard(case: Case, touch: Asked) -> bool:
    calls = case.calls[touch.touch_id]
    is_odd = touch.may_be_hard or touch.address is None
    return is_odd or any(not call.arrives or call.fate == "refused" for call in calls)


def dead_letters_missing(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find records that nobody can read and that are not in the dead letters."""
    found = case.seen.unreadable
    return len(found), (
        Fault(each.what, "not in the dead letters", each.published_ms)
        for each in found
        if not each.is_found
    )


def ended_by_itself(case: Case) -> tuple[int, Iterator[Fault]]:
    """Find processes that ended unasked, or did not when they were asked."""
    words = {
        End.DIED: "ended by itself, exit code {}",
        End.HUNG: "did not end after SIGTERM, and was killed",
    }
    return len(case.seen.lives), (
        Fault(life.name, words[life.end].format(life.code), life.end_ms or 0)
        for life in case.seen.lives
        if life.end in words
    )
