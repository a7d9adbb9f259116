"""What Tencent Cloud says by call-back: receipts, and replies of users."""

from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.tencent.stand import (
    NUMBER,
    World,
)
from winback_sender.adapter import Request
from winback_sender.contract.words import HARD, Status
from winback_sender.receipt import Receipt


def call_back(world: World, path: str, body: bytes) -> Any:
    routes = {route.path: route for route in world.adapter.routes()}
    return routes[f"/callbacks/tencent{path}"].handle(Request("POST", {}, {}, body))


PUBLISHED = """[{"user_receive_time": "2015-10-17 08:03:04", "nationcode": "86",
  "mobile": "13800138000", "report_status": "SUCCESS", "errmsg": "DELIVRD",
  "description": "用户短信送达成功", "sid": "5000:1045710669157053657849499619"}]"""
PUBLISHED_REPLY = """{"extend": "扩展码", "mobile": "13800138000", "nationcode": "86",
  "sign": "短信签名", "text": "用户回复的内容", "time": 1457336869}"""


def test_the_published_example_of_a_receipt(world: World) -> None:
    """Without ``ext`` the serial number is all there is."""
    answer = call_back(world, "/report", PUBLISHED.encode())

    assert msgspec.json.decode(answer.body) == {"result": 0, "errmsg": "OK"}
    (heard,) = answer.heard
    assert (heard.touch_id, heard.ref) == ("", "5000:1045710669157053657849499619")
    assert heard.receipt.status is Status.DELIVERED
    assert heard.at_ms == 1_445_040_184_000  # 2015-10-17T00:03:04Z


def test_a_receipt_with_our_id(world: World) -> None:
    item = {"report_status": "FAIL", "errmsg": "MK:100F", "description": "空号", "sid": "9",
            "ext": "t-1"}  # fmt: skip

    (heard,) = call_back(world, "/report", msgspec.json.encode([item])).heard

    assert (heard.touch_id, heard.at_ms) == ("t-1", 0)
    assert heard.receipt == Receipt(Status.FAILED, HARD, "MK:100F", "9")


def test_one_receipt_that_cannot_be_read_does_not_lose_the_others(world: World) -> None:
    """Another system that shares the application may put an object into ``ext``."""
    body = f'[{{"sid": 7, "report_status": "SUCCESS", "ext": {{}}}}, {PUBLISHED[1:]}'

    assert len(call_back(world, "/report", body.encode()).heard) == 1


def test_the_published_example_of_a_reply(world: World) -> None:
    (heard,) = call_back(world, "/reply", PUBLISHED_REPLY.encode()).heard

    assert heard.receipt == Receipt(Status.REPLIED)
    assert (heard.address, heard.at_ms) == (NUMBER, 1_457_336_869_000)


@pytest.mark.parametrize("said", [0, -1, 10**18, 1_457_336_869_000])
def test_an_instant_that_nobody_can_have_meant(world: World, said: int) -> None:
    """It is taken for now: a journal must not have it."""
    body = PUBLISHED_REPLY.replace("1457336869", str(said))

    assert [heard.at_ms for heard in call_back(world, "/reply", body.encode()).heard] == [0]


def test_a_reply_that_is_an_opt_out(world: World) -> None:
    body = PUBLISHED_REPLY.replace("用户回复的内容", "ＴＤ")

    (heard,) = call_back(world, "/reply", body.encode()).heard

    assert heard.receipt.status is Status.OPTED_OUT


@pytest.mark.parametrize("path", ["/report", "/reply"])
def test_a_call_back_that_is_none(world: World, path: str) -> None:
    answer = call_back(world, path, b"<html>")

    assert (answer.status, tuple(answer.heard)) == (400, ())
