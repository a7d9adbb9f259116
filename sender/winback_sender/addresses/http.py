"""An address book behind HTTP: the company's own service answers for every user and channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from winback_sender.addresses.away import away
from winback_sender.contract.words import Why
from winback_sender.http.calls import Calls, Reply, UnclearError
from winback_sender.http.decoding import UNREADABLE, decoder
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError

log = get_logger(__name__)

T = TypeVar("T")

_OK: Final = 200
_NOT_FOUND: Final = frozenset({404, 410})
_HAS_NO_SEARCH: Final = frozenset({404, 405, 410, 501})


class _Answer(msgspec.Struct):
    address: str | None = None


class _Owner(msgspec.Struct):
    user_id: str | None = None


class HttpAddresses:
    """Asks ``GET {base}/{user_id}/{channel}``.

    ========================================  ===================================================
    200 ``{"address": "+8613800138000"}``     the address; null or empty: there is none
    404                                       there is none, unless the page is HTML: a gateway
                                              that knows no such path must not make it look as if
                                              nobody had an address
    anything else, silence                    cannot answer now; ``Retry-After`` is heeded
    ========================================  ===================================================

    Whose a reply is: ``POST {base}/find`` ``{"channel", "address"}`` → 200 ``{"user_id"}``, or 404.
    An address never stands in a path, which servers write to their logs.

    Args:
        base: The address of the service, without a slash at the end.
        timeout_s: Of every phase of a call.
        token: Goes along as ``Authorization: Bearer …``, if there is one.
        parallel: Connections that are kept open.
    """

    def __init__(self, base: str, timeout_s: float, token: str, parallel: int) -> None:
        self._calls = Calls("addresses", base, timeout_s, parallel)
        self._headers = {"accept": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Return what the service says.

        Raises:
            NotSentError: It cannot answer now.
        """
        if not _is_segment(user_id) or not _is_segment(channel):
            return None  # A dot would be taken for a step up the path: nobody is called so.
        path = f"/{quote(user_id, safe='')}/{quote(channel, safe='')}"
        with _asking():
            reply = self._calls.get(path, headers=self._headers)
        if reply.status in _NOT_FOUND and not _is_page(reply):
            return None
        return _read(reply, _Answer).address or None

    def find(self, channel: str, address: str) -> str | None:
        """Return whose address it is; None also when the service has no search.

        Raises:
            NotSentError: It cannot answer now.
        """
        body = msgspec.json.encode({"channel": channel, "address": address})
        headers = {**self._headers, "content-type": "application/json"}
        with _asking():
            reply = self._calls.post("/find", body, headers=headers)
        if reply.status in _HAS_NO_SEARCH:
            return None
        return _read(reply, _Owner).user_id or None

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()


@contextmanager
def _asking() -> Iterator[None]:
    """Hold a call: what fails is asked again later, unless the touch may not leave any more."""
    try:
        yield
    except (NotSentError, UnclearError) as error:
        if error.reason in (Why.REVOKED, Why.EXPIRED):
            raise
        raise away() from None


def _is_segment(word: str) -> bool:
    return word not in ("", ".", "..")


def _is_page(reply: Reply) -> bool:
    return "html" in reply.headers.get("content-type", "")


def _read(reply: Reply, kind: type[T]) -> T:
    """Return the body of a 200.

    Raises:
        NotSentError: It is no 200, or its body is not what was agreed.
    """
    if reply.status == _OK:
        try:
            return decoder(kind).decode(reply.body)
        except UNREADABLE:
            log.warning("addresses_not_readable", error="the answer is not the agreed JSON")
            raise away() from None
    log.warning("addresses_refused", status=reply.status)
    raise away(reply.retry_after_s)
