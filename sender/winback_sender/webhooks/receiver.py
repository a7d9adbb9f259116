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
import time
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.errors import UserError
from winback_sender.http.calls import Calls, Reply, UnclearError, make_calls
from winback_sender.http.decoding import UNREADABLE, decoder
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
AGAIN_AFTER_S: Final = (0.5, 1.0, 2.0)
"""Pauses after which a receiver that dedupes is called again. It is done at once: whoever repeats a
call minutes later must remember that the touch may have arrived, whatever happens meanwhile."""
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
    """

    def __init__(
        self,
        calls: Calls,
        path: str,
        signer: Signer,
        source: str,
        *,
        is_idempotent: bool,
    ) -> None:
        self._calls, self._path = calls, path
        self._signer, self._source = signer, source
        self._is_idempotent = is_idempotent
        self._rests_until_s = 0.0

    def send(self, touch: TouchRequested, address: str = "") -> Receipt:
        """Send one touch.

        Raises:
            NotSentError: It did not take it.
        """
        if not _ID.fullmatch(touch.touch_id):
            raise NotSentError(Why.NOT_READABLE)
        try:
            return self._post(touch, address)
        except UnclearError as error:
            unknown = error.receipt()
        for pause_s in AGAIN_AFTER_S if self._is_idempotent else ():
            time.sleep(pause_s)
            try:
                return self._post(touch, address)
            except UnclearError:
                continue
            except NotSentError as error:  # It says nothing of the first call.
                if not error.retry:
                    break
        return unknown

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _post(self, touch: TouchRequested, address: str) -> Receipt:
        if (rest_s := self._rests_until_s - time.monotonic()) > 0:
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
            self._rests_until_s = time.monotonic() + REST_S
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
