"""The gateway before every API of Tencent Cloud, as its documents describe it.

Source:
    https://cloud.tencent.com/document/api/213/30654: signature, a clock may be five minutes off;
    https://cloud.tencent.com/document/api/382/52075: codes of every API;
    https://cloud.tencent.com/document/api/382/55981: SendSms 3,000 times a second;
    https://tencentcloud.com/document/api/382/40518: PullSmsSendStatusByPhoneNumber 20 times.
"""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from winback_sender.adapters.signatures import TC3, tc3_headers
from winback_sender.standins.limits import Rolling

SERVICE: Final = "sms"
VERSION: Final = "2021-01-11"
CALLS_PER_S: Final = {"SendSms": 3_000, "PullSmsSendStatusByPhoneNumber": 20}
CLOCK_S: Final = 300.0

_AUTHORIZATION: Final = re.compile(rf"{TC3} Credential=([^/]*)/.+")


class Gateway:
    """Lets calls pass that are signed, fresh, and not too many.

    Args:
        secret_id, secret_key: Who may call.
        now_s: The clock, epoch seconds.
    """

    def __init__(self, secret_id: str, secret_key: str, now_s: Callable[[], float]) -> None:
        self._secret_id, self._secret_key, self._now_s = secret_id, secret_key, now_s
        self._rolling = Rolling(now_s)

    def fault(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return why a call does not pass; empty = it does."""
        return next(self._faults(headers, body), "")

    def _faults(self, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None:
            yield "AuthFailure.InvalidAuthorization"
            return
        if found[1] != self._secret_id:
            yield "AuthFailure.SecretIdNotFound"
        at, action = headers.get("x-tc-timestamp", ""), headers.get("x-tc-action", "")
        if not at.isdigit() or abs(int(at) - self._now_s()) > CLOCK_S:
            yield "AuthFailure.SignatureExpire"
        mine = tc3_headers(
            headers["host"], SERVICE, action, body, int(at), self._secret_id, self._secret_key
        )
        if not hmac.compare_digest(mine["authorization"], headers["authorization"]):
            yield "AuthFailure.SignatureFailure"
        if action not in CALLS_PER_S:
            yield "InvalidAction"
        if headers.get("x-tc-version") != VERSION:
            yield "NoSuchVersion"
        if not headers.get("x-tc-region"):
            yield "MissingParameter"
        self._rolling.count(action)
        if self._rolling.within(action, 1.0) > CALLS_PER_S[action]:
            yield "RequestLimitExceeded"
