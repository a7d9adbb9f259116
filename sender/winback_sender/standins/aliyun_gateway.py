"""The gateway before every API of Aliyun, as its documents describe it.

Source:
    https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature: a clock may
    be 15 minutes off, a nonce comes once; https://help.aliyun.com/document_detail/419273.html:
    5,000 calls a second for an account.
"""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from winback_sender.adapters.signatures import ACS3, acs3_headers, query_string
from winback_sender.standins.limits import Rolling

ACTIONS: Final = ("SendSms", "QuerySendDetails")
VERSION: Final = "2017-05-25"
CALLS_PER_S: Final = 5_000
CLOCK_S: Final = 900.0

_AUTHORIZATION: Final = re.compile(rf"{ACS3} Credential=([^,]*),SignedHeaders=([^,]*),Signature=.+")


class Gateway:
    """Lets calls pass that are signed, fresh, and not too many.

    Args:
        key_id, secret: Who may call.
        now_s: The clock, epoch seconds.
    """

    def __init__(self, key_id: str, secret: str, now_s: Callable[[], float]) -> None:
        self._key_id, self._secret, self._now_s = key_id, secret, now_s
        self._nonces: set[str] = set()
        self._rolling = Rolling(now_s)

    def fault(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> str:
        """Return why a call does not pass; empty = it does."""
        return next(self._faults(headers, query, body), "")

    def _faults(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None or found[1] != self._key_id:
            yield "InvalidAccessKeyId.NotFound"
            return
        names = [name for name in found[2].split(";") if name != "host"]
        given = {name: headers.get(name, "") for name in names if name != "x-acs-content-sha256"}
        mine = acs3_headers(
            headers["host"], query_string(query), given, self._key_id, self._secret, body=body
        )
        if not hmac.compare_digest(mine["authorization"], headers["authorization"]):
            yield "SignatureDoesNotMatch"
        yield from self._stale(given)
        if given.get("x-acs-version") != VERSION:
            yield "InvalidVersion"
        if given.get("x-acs-action") not in ACTIONS:
            yield "InvalidAction.NotFound"
        self._rolling.count("")
        if self._rolling.within("", 1.0) > CALLS_PER_S:
            yield "Throttling.User"

    def _stale(self, given: Mapping[str, str]) -> Iterator[str]:
        try:
            at = datetime.strptime(given["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except (KeyError, ValueError):
            yield "InvalidTimeStamp.Format"
            return
        if abs(at.timestamp() - self._now_s()) > CLOCK_S:
            yield "InvalidTimeStamp.Expired"
        nonce = given.get("x-acs-signature-nonce", "")
        if not nonce or nonce in self._nonces:
            yield "SignatureNonceUsed"
        self._nonces.add(nonce)
