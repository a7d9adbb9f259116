"""What the gateway of the stand-in for Tencent Cloud lets pass."""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest

from tests.unit.sender.adapters.tencent.stand import (
    NUMBER,
    World,
)
from winback_sender.adapters.signatures import tc3_headers
from winback_sender.standins.tencent import APP_ID, SECRET_ID, SECRET_KEY


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
        ({"secret_id": "AKID-other"}, "AuthFailure.SecretIdNotFound"),
        ({"sdk_app_id": "1400000000"}, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
    ],
)
def test_keys_that_are_wrong(world: World, change: Mapping[str, str], code: str) -> None:
    world.adapter = world.make(**change)

    assert (world.refusal().reason, world.refusal().retry) == (code, True)


def test_a_clock_that_is_off(world: World) -> None:
    world.now_s = 400.0

    assert world.refusal().reason == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x-tc-version": "2019-07-11"}, "NoSuchVersion"),
        ({"x-tc-region": ""}, "MissingParameter"),
        ({"authorization": "Basic eA=="}, "AuthFailure.InvalidAuthorization"),
        ({"x-tc-timestamp": "now"}, "AuthFailure.SignatureExpire"),
    ],
)
def test_what_the_gateway_does_not_let_pass(
    world: World, change: Mapping[str, str], code: str
) -> None:
    assert _raw(world, "SendSms", {}, change)["Error"]["Code"] == code


def test_an_action_that_there_is_not(world: World) -> None:
    assert _raw(world, "SendBird", {})["Error"]["Code"] == "InvalidAction"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MissingParameter"),
        ({"PhoneNumberSet": [NUMBER] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        ({"PhoneNumberSet": [NUMBER], "SessionContext": "x" * 512},
         "InvalidParameter.InvalidParameters"),
    ],
)  # fmt: skip
def test_a_call_that_is_refused_as_a_whole(world: World, body: dict[str, Any], code: str) -> None:
    fields = {"SmsSdkAppId": APP_ID, "TemplateId": "1111", **body} if body else {}

    assert _raw(world, "SendSms", fields)["Error"]["Code"] == code


def test_a_number_that_is_none(world: World) -> None:
    fields = {"SmsSdkAppId": APP_ID, "TemplateId": "1111", "PhoneNumberSet": ["12345"]}

    (status,) = _raw(world, "SendSms", fields)["SendStatusSet"]

    assert status["Code"] == "InvalidParameterValue.IncorrectPhoneNumber"


def test_pulling_more_than_a_hundred(world: World) -> None:
    fields = {"BeginTime": 1, "Limit": 101, "PhoneNumber": NUMBER, "SmsSdkAppId": APP_ID}

    said = _raw(world, "PullSmsSendStatusByPhoneNumber", fields)

    assert said["Error"]["Code"] == "InvalidParameterValue.LimitVerifyFail"


def _raw(
    world: World, action: str, fields: dict[str, Any], change: Mapping[str, str] | None = None
) -> dict[str, Any]:
    body = msgspec.json.encode(fields)
    host = world.provider.url.removeprefix("http://")
    headers = tc3_headers(host, "sms", action, body, int(time.time()), SECRET_ID, SECRET_KEY)
    headers |= {"x-tc-version": "2021-01-11", "x-tc-region": "ap-guangzhou"} | dict(change or {})
    answer = httpx.post(f"{world.provider.url}/", content=body, headers=headers)
    said: dict[str, Any] = answer.json()["Response"]
    return said
