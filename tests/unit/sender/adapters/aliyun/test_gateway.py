"""What the gateway of the stand-in for Aliyun lets pass."""

import time
from collections.abc import Mapping

import httpx
import pytest

from tests.unit.sender.adapters.aliyun.stand import (
    World,
)
from winback_sender.adapters.signatures import acs3_headers, query_string
from winback_sender.standins.aliyun import KEY_ID, SECRET


def test_a_request_that_comes_twice(world: World) -> None:
    """A box on the way that repeats requests is found out by the nonce."""
    query = query_string({"PhoneNumbers": "13800138000", "SignName": "某商城",
                          "TemplateCode": "SMS_2", "OutId": "t-1"})  # fmt: skip
    headers = acs3_headers(
        world.provider.url.removeprefix("http://"), query,
        {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-signature-nonce": "n",
         "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        KEY_ID, SECRET,
    )  # fmt: skip

    said = [
        httpx.post(f"{world.provider.url}/?{query}", headers=headers).json()["Code"]
        for _ in range(2)
    ]

    assert said == ["OK", "SignatureNonceUsed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-acs-version": "2018-05-01"}, "InvalidVersion"),
        ({"x-acs-action": "SendBird"}, "InvalidAction.NotFound"),
        ({"x-acs-date": "yesterday"}, "InvalidTimeStamp.Format"),
    ],
)
def test_what_the_gateway_does_not_let_pass(
    world: World, change: Mapping[str, str], code: str
) -> None:
    named = {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25",
             "x-acs-signature-nonce": "n", "x-acs-date": "2026-01-01T00:00:00Z"}  # fmt: skip
    host = world.provider.url.removeprefix("http://")
    headers = acs3_headers(host, "", named | {"x-acs-date": _now()} | dict(change), KEY_ID, SECRET)

    assert httpx.post(f"{world.provider.url}/", headers=headers).json()["Code"] == code


def test_a_thousand_numbers_at_most(world: World) -> None:
    assert _raw_send(world, PhoneNumbers=",".join(["13800138000"] * 1_001)) == (
        "isv.MOBILE_COUNT_OVER_LIMIT"
    )


def test_variables_are_a_json_object_of_texts(world: World) -> None:
    assert _raw_send(world, TemplateParam='{"name": 7}') == "isv.INVALID_JSON_PARAM"


def test_what_is_required(world: World) -> None:
    assert _raw_send(world, PhoneNumbers="") == "MissingPhoneNumbers"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _raw_send(world: World, **change: str) -> str:
    """Send with the parameters in the body, where Aliyun takes them as well."""
    fields = {"PhoneNumbers": "13800138000", "SignName": "某商城", "TemplateCode": "SMS_2"}
    body = query_string(fields | change).encode()
    named = {"x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-date": _now(),
             "x-acs-signature-nonce": "n"}  # fmt: skip
    host = world.provider.url.removeprefix("http://")
    headers = acs3_headers(host, "", named, KEY_ID, SECRET, body=body)
    headers["content-type"] = "application/x-www-form-urlencoded"
    answer = httpx.post(f"{world.provider.url}/", content=body, headers=headers)
    return str(answer.json()["Code"])
