"""What a receiver says of touches: feedback in JSON, and what it comes to."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from winback_sender.adapter import Answer, Heard, Request
from winback_sender.addresses.sameness import canonical
from winback_sender.contract.instants import DAY_MS
from winback_sender.contract.words import OUTCOMES, Status
from winback_sender.http.decoding import UNREADABLE, convert
from winback_sender.logs import get_logger
from winback_sender.receipt import Receipt
from winback_sender.webhooks.signatures import RefusedError, Signer

log = get_logger(__name__)

WORDS_MAX: Final = 1_000
"""Words in one call."""
PAST_MS: Final = 400 * DAY_MS
FUTURE_MS: Final = 600_000
"""A clock that is ten minutes fast is forgiven, a year in the wrong unit is not."""

_Short = Annotated[str, Meta(max_length=128)]
_OK, _BAD_REQUEST, _UNAUTHORIZED, _NOT_ALLOWED = 200, 400, 401, 405


class Word(msgspec.Struct, frozen=True):
    """One word of a receiver; fields as in ``win-back-feedback``, others are passed over.

    Attributes:
        status: One of `words.Status`.
        touch_id: Which touch. Empty: the address names the user's latest one.
        at: When, ISO 8601 with a zone or epoch milliseconds; without it, now.
        outcome: What it comes to. With ``failed`` and ``handled`` one of `words.OUTCOMES`.
        reason: A code for people.
        provider_ref: What the receiver calls the touch.
        address: Who spoke, for a reply or an opt-out that belongs to no touch.
    """

    status: Status
    touch_id: _Short = ""
    at: datetime | int | None = None
    outcome: _Short = ""
    reason: _Short = ""
    provider_ref: _Short = ""
    address: Annotated[str, Meta(max_length=320)] = ""


class Fault(NamedTuple):
    """What is wrong with a word; ``word`` is its place in the list, from 0."""

    word: int
    what: str


def answer_words(signer: Signer, request: Request, now_ms: Callable[[], int]) -> Answer:
    """Return the answer to a call with one word, or a list of them.

    ====  ====================================================================================
    200   ``{"taken": 2, "faults": []}``; a word of a list that is wrong is told, the others count
    400   nothing in it could be read
    401   the signature does not fit, or the timestamp is more than five minutes away
    405   no POST
    ====  ====================================================================================

    The same word again changes nothing, so a replay within the window does no harm.
    """
    if request.method != "POST":
        return _said(_NOT_ALLOWED, {"error": "method_not_allowed"})
    at_ms = now_ms()
    try:
        signer.verify(request.headers, request.body, at_ms / 1_000)
    except RefusedError as error:
        log.warning("callback_refused", reason=str(error))
        return _said(_UNAUTHORIZED, {"error": str(error)})
    heard, faults = read_words(request.body, at_ms)
    if not heard and faults:
        return _said(_BAD_REQUEST, {"error": faults[0].what})
    told = {"taken": len(heard), "faults": [fault._asdict() for fault in faults]}
    return _said(_OK, told)._replace(heard=heard)


def read_words(body: bytes, now_ms: int) -> tuple[list[Heard], list[Fault]]:
    """Return what was said, and what could not be read; a CloudEvent's ``data`` is looked into."""
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return [], [Fault(0, "not JSON")]
    if isinstance(found, dict) and "specversion" in found:
        found = found.get("data")
    words = found if isinstance(found, list) else [found]
    if len(words) > WORDS_MAX:
        return [], [Fault(WORDS_MAX, f"more than {WORDS_MAX} words")]
    heard: list[Heard] = []
    faults: list[Fault] = []
    for index, word in enumerate(words):
        try:
            heard.append(_heard(word, now_ms))
        except ValueError as error:  # msgspec's is one
            faults.append(Fault(index, str(error)))
    return heard, faults


def _heard(given: Any, now_ms: int) -> Heard:
    """Return what one word says.

    Raises:
        ValueError: It cannot be read; the text names no value but the words that are allowed.
    """
    word = convert(given, Word)
    if not word.touch_id and not word.address and not word.provider_ref:
        raise ValueError("touch_id, provider_ref and address are all empty")
    allowed = OUTCOMES.get(str(word.status), {})
    if allowed and word.outcome not in allowed:
        raise ValueError(f"outcome of {word.status} must be one of {', '.join(allowed)}")
    receipt = Receipt(word.status, word.outcome, word.reason, word.provider_ref)
    at_ms = 0 if word.at is None else _instant_ms(word.at, now_ms)
    return Heard(receipt, at_ms, word.touch_id, word.provider_ref, canonical(word.address))


def _instant_ms(at: datetime | int, now_ms: int) -> int:
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError("at has no zone")
        at_ms = round(at.timestamp() * 1_000)
    else:
        at_ms = at
    if not now_ms - PAST_MS <= at_ms <= now_ms + FUTURE_MS:
        raise ValueError("at is no instant of the last year: epoch milliseconds or ISO 8601")
    return at_ms


def _said(status: int, told: dict[str, Any]) -> Answer:
    return Answer(status, msgspec.json.encode(told))
