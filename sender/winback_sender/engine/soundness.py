"""What the code of others hands over, made sound before the journal and Kafka have it.

There a text that is none, or is too long, would end the sender, and again at every start.
"""

import re
from collections.abc import Iterable
from typing import Final

from winback_sender.adapter import Heard
from winback_sender.contract.messages import OUTCOME_MAX
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError, Receipt

log = get_logger(__name__)

REASON_MAX: Final = 256
"""Characters, as are the others."""
NAME_MAX: Final = 1_000
"""The longest names are those of mails, 998 (RFC 5322, 2.1.1)."""
AFTER_S_MAX: Final = 7 * 86_400.0
"""A touch expires before."""
INT_MAX: Final = 1 << 63

_ADDRESS: Final = re.compile(r"[+＋]?\d[\d\s-]{5,}\d|\S+[@＠]\S+")
"""A phone number or an e-mail; no provider has a code of that form."""

_BAD: Final = Receipt(Status.UNKNOWN, "", Why.BAD_RECEIPT)


class _BadError(Exception):
    """What is wrong, without its content: that may be an address."""


def sound_receipt(said: object, touch_id: str) -> Receipt:
    """Return a receipt that can be kept; one that cannot be understood is *unknown*."""
    try:
        return _receipt(said)
    except _BadError as fault:
        log.error("bad_receipt", touch=touch_id, fault=str(fault))  # noqa: TRY400 (it says all)
        return _BAD


def sound_refusal(error: NotSentError, touch_id: str) -> NotSentError:
    """Return a refusal that can be kept; whatever it says, the touch did not leave."""
    reason: str
    try:
        reason = _reason(error.reason)
        outcome = _text("outcome", error.outcome, OUTCOME_MAX)
    except _BadError as fault:
        log.error("bad_receipt", touch=touch_id, fault=str(fault))  # noqa: TRY400 (it says all)
        reason, outcome = Why.BAD_RECEIPT, UNSENT
    after_s: object = error.after_s
    is_pause = isinstance(after_s, int | float) and after_s >= 0
    pause_s = float(min(error.after_s, AFTER_S_MAX)) if is_pause else 0.0
    return NotSentError(reason, outcome, retry=bool(error.retry), after_s=pause_s)


def sound_words(heard: Iterable[object], provider: str) -> list[Heard]:
    """Return the words that can be kept; the others would not be readable the next time either."""
    words = []
    for one in heard:
        try:
            words.append(_word(one))
        except _BadError as fault:
            log.error("bad_receipt", provider=provider, fault=str(fault))  # noqa: TRY400 (it says all)
    return words


def sound_instant(at_ms: int, now_ms: int) -> int:
    """Return when something happened, epoch ms UTC: now, if it is not said or cannot have been."""
    return at_ms if 0 < at_ms <= now_ms else now_ms


def _word(said: object) -> Heard:
    if not isinstance(said, Heard):
        raise _BadError(f"it is {_kind(said)}, not a Heard")
    at_ms: object = said.at_ms
    is_instant = isinstance(at_ms, int | float) and 0 < at_ms < INT_MAX
    return Heard(
        _receipt(said.receipt),
        int(said.at_ms) if is_instant else 0,
        _text("touch_id", said.touch_id, NAME_MAX),
        _text("ref", said.ref, NAME_MAX),
        _text("address", said.address, NAME_MAX),
    )


def _receipt(said: object) -> Receipt:
    if not isinstance(said, Receipt):
        raise _BadError(f"it is {_kind(said)}, not a Receipt")
    try:
        status = Status(said.status)
    except ValueError:
        raise _BadError(f"status is {_kind(said.status)}, not one of {', '.join(Status)}") from None
    return Receipt(
        status,
        _text("outcome", said.outcome, OUTCOME_MAX),
        _reason(said.reason),
        _text("ref", said.ref, NAME_MAX),
        _text("address", said.address, NAME_MAX),
    )


def _text(field: str, value: object, characters: int) -> str:
    """Return a text that UTF-8, JSON and SQLite can hold."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < INT_MAX:
        return str(value)
    if not isinstance(value, str):
        raise _BadError(f"{field} is {_kind(value)}, not a text")
    return value[:characters].replace("\0", "").encode(errors="replace").decode()


def _reason(value: object) -> str:
    """Return a reason without what may be an address in it: it goes into logs and to Kafka."""
    return _ADDRESS.sub("…", _text("reason", value, REASON_MAX))


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"
