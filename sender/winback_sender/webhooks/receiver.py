"""The receiver at the other end of a webhook: what its answers mean for a touch.

============================  =================================================================
answer                        meaning
============================  =================================================================
2xx                           accepted; ``{"ref": …}`` in JSON is its name for the touch
2xx with HTML                 unknown: a page of somebody in between
409                           accepted: it has this ``webhook-id`` already
410                           it wants no more: nothing is sent for five minutes, then one is tried
429, 408, 425, and 503 with   nothing was taken; again later, after ``Retry-After``
``Retry-After``
307, 308                      nothing was taken: the endpoint has moved, mend the setting; again
other 4xx                     refused for good: ``http_…`` is the reason
anything else, silence        unknown, and never sent again; unless the receiver dedupes by
                              ``webhook-id``, then it is sent again. So is a bare 503: proxies say
                              it of a connection that broke after the request, too
============================  =================================================================

Source:
    Standard Webhooks 1.0.0, "Delivery success and failure"; RFC 9110 §15.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from winback_sender.calls import Calls, Reply, UnclearError, make_calls
from winback_sender.clock import now_ms
from winback_sender.contract.instants import instant_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.decoding import UNREADABLE, decoder
from winback_sender.errors import UserError
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.tools import Tools
from winback_sender.webhooks.events import CONTENT_TYPE, event
from winback_sender.webhooks.signatures import Signer

log = get_logger(__name__)

GONE: Final = "receiver_gone"
MOVED: Final = "receiver_moved"
REST_S: Final = 300.0
"""How long a receiver is left alone that wants no more."""
MOVED_REST_S: Final = 60.0
TRIES_MAX: Final = 4
"""Times that a touch is sent to a receiver that dedupes, before it is reported as unknown."""
MARGIN_MS: Final = 120_000
"""A touch that expires so soon is not tried again: the next try could come too late to say what is
true."""
REMEMBERED_MAX: Final = 100_000
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LATER: Final = frozenset({408, 425, 429})
_BUSY: Final = 503
_HAS_IT, _GONE = 409, 410
_MOVED: Final = frozenset({307, 308})


class _Taken(msgspec.Struct):
    ref: str = ""


class Receiver:
    """Sends touches to one address.

    Args:
        calls: Its connections.
        path: What follows the host.
        signer: Signs.
        source: Who we are, in CloudEvents.
        is_idempotent: Whether it dedupes by ``webhook-id``.
        clock_s: Seconds that never go back.
    """

    def __init__(
        self,
        calls: Calls,
        path: str,
        signer: Signer,
        source: str,
        *,
        is_idempotent: bool,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls, self._path = calls, path
        self._signer, self._source = signer, source
        self._is_idempotent = is_idempotent
        self._clock_s = clock_s
        self._rests_until_s = 0.0
        self._doubts = _Doubts()

    def send(self, touch: TouchRequested, address: str = "") -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It did not take it, or it dedupes and may be asked again.
        """
        if not _ID.fullmatch(touch.touch_id):
            raise NotSentError(Why.NOT_READABLE)
        try:
            receipt = self._post(touch, address)
        except NotSentError as error:
            if touch.touch_id not in self._doubts:
                raise
            return self._in_doubt(touch, error.reason, error.after_s, may_repeat=error.retry)
        except UnclearError as error:
            tries = self._doubts.count(touch.touch_id)
            may_repeat = self._is_idempotent and tries < TRIES_MAX
            return self._in_doubt(touch, error.reason, 0.0, may_repeat=may_repeat)
        self._doubts.settle(touch.touch_id)
        return receipt

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _post(self, touch: TouchRequested, address: str) -> Receipt:
        if (rest_s := self._rests_until_s - self._clock_s()) > 0:
            raise NotSentError(GONE, retry=True, after_s=rest_s)
        body = event(touch, self._source, address)
        headers = self._signer.headers(touch.touch_id, now_ms() // 1_000, body)
        headers["content-type"] = CONTENT_TYPE
        return self._meaning(self._calls.post(self._path, body, headers=headers))

    def _meaning(self, reply: Reply) -> Receipt:
        """Return what an answer means.

        Raises:
            NotSentError: Nothing was taken.
            UnclearError: It does not say.
        """
        status = reply.status
        if status // 100 == 2 or status == _HAS_IT:  # noqa: PLR2004  # the class of success
            if "html" in reply.headers.get("content-type", ""):
                raise UnclearError(Why.UNREADABLE)
            return Receipt(Status.ACCEPTED, ref=_ref(reply))
        if status == _GONE:
            self._rests_until_s = self._clock_s() + REST_S
            log.warning("receiver_gone", rest_s=REST_S)
            raise NotSentError(GONE, retry=True, after_s=REST_S)
        if status in _MOVED:
            log.warning("receiver_moved", status=status)
            raise NotSentError(MOVED, retry=True, after_s=MOVED_REST_S)
        if status in _LATER or (status == _BUSY and "retry-after" in reply.headers):
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=reply.retry_after_s)
        if status // 100 == 4:  # noqa: PLR2004  # the class of refusals
            raise NotSentError(f"http_{status}")
        raise UnclearError(f"http_{status}")

    def _in_doubt(
        self, touch: TouchRequested, reason: str, after_s: float, *, may_repeat: bool
    ) -> Receipt:
        """Try again where that is safe and makes sense, else say that nobody knows.

        Raises:
            NotSentError: Send it again.
        """
        left_ms = instant_ms(touch.expires_at) - now_ms() - round(after_s * 1_000)
        if may_repeat and left_ms > MARGIN_MS:
            raise NotSentError(reason, retry=True, after_s=after_s)
        self._doubts.settle(touch.touch_id)
        return Receipt(Status.UNKNOWN, "", reason)


class _Doubts:
    """Touches that a receiver may have, and how often each was sent; the oldest are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, touch_id: str) -> bool:
        with self._lock:
            return touch_id in self._tries

    def count(self, touch_id: str) -> int:
        """Return how often a touch was sent, with this time."""
        with self._lock:
            tries = self._tries[touch_id] = self._tries.pop(touch_id, 0) + 1
            if len(self._tries) > REMEMBERED_MAX:
                self._tries.popitem(last=False)
            return tries

    def settle(self, touch_id: str) -> None:
        """Forget a touch."""
        with self._lock:
            self._tries.pop(touch_id, None)


def open_receiver(
    tools: Tools, name: str, endpoint: str, timeout_s: float, signer: Signer, *,
    is_idempotent: bool, source: str,
) -> Receiver:  # fmt: skip
    """Return the receiver at an address.

    Raises:
        UserError: The address is no URL of HTTP.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"the endpoint of {name} is no http:// or https:// address", "")
    host = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    calls = make_calls(tools, name, host, timeout_s)
    return Receiver(calls, path, signer, source, is_idempotent=is_idempotent)


def _ref(reply: Reply) -> str:
    """Return the receiver's name for a touch, if it has one; it need not say anything."""
    try:
        return decoder(_Taken).decode(reply.body).ref[:128]
    except UNREADABLE:
        return ""
