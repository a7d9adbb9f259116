"""How requests to Aliyun and Tencent Cloud are signed; both sides of a test use it.

Source:
    ACS3: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
    TC3: https://cloud.tencent.com/document/api/213/30654. The tests have the published examples.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import quote

from msgspec import Meta

Endpoint = Annotated[
    str, Meta(title="http://HOST or https://HOST", pattern=r"^https?://[A-Za-z0-9.:_\[\]-]+/?$")
]
"""Where an API is; it has no path, as what is signed has none."""
ACS3: Final = "ACS3-HMAC-SHA256"
TC3: Final = "TC3-HMAC-SHA256"
JSON_TYPE: Final = "application/json; charset=utf-8"


def query_string(query: Mapping[str, str]) -> str:
    """Return a query as Aliyun wants it: sorted, and encoded by RFC 3986 (a space is ``%20``)."""
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query)
    )


def acs3_headers(
    host: str,
    query: str,
    headers: Mapping[str, str],
    key_id: str,
    secret: str,
    *,
    body: bytes = b"",
) -> dict[str, str]:
    """Return the headers of a POST to ``/``, signed.

    Args:
        host: As it stands in the header ``host``.
        query: By `query_string`.
        headers: ``x-acs-action``, ``-version``, ``-date``, ``-signature-nonce`` and, with a
            temporary key, ``-security-token``; names in lower case.
        key_id: AccessKey ID.
        secret: AccessKey secret.
        body: Of the request.
    """
    digest = _sha256(body)
    signed = {"host": host, **headers, "x-acs-content-sha256": digest}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{digest}"
    signature = _hmac(secret.encode(), f"{ACS3}\n{_sha256(canonical.encode())}").hex()
    credential = f"{ACS3} Credential={key_id},SignedHeaders={names},Signature={signature}"
    return {**signed, "authorization": credential}


def tc3_headers(
    host: str, service: str, action: str, body: bytes, at_s: int, key_id: str, secret: str
) -> dict[str, str]:
    """Return the headers of a POST of JSON to ``/``, signed.

    Args:
        host: As it stands in the header ``host``.
        service: First part of the provider's host: ``sms``.
        action: Such as ``SendSms``.
        body: Of the request, JSON.
        at_s: Now, epoch seconds; the provider accepts five minutes.
        key_id: SecretId.
        secret: SecretKey.
    """
    names = "content-type;host;x-tc-action"
    lines = f"content-type:{JSON_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    canonical = f"POST\n/\n\n{lines}\n{names}\n{_sha256(body)}"
    day = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    text = f"{TC3}\n{at_s}\n{scope}\n{_sha256(canonical.encode())}"
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = _hmac(key, part)
    signature = _hmac(key, text).hex()
    return {
        "host": host,
        "content-type": JSON_TYPE,
        "x-tc-action": action,
        "x-tc-timestamp": str(at_s),
        "authorization": (
            f"{TC3} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        ),
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
