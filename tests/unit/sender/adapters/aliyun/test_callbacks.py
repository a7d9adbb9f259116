"""What Aliyun says by call-back: receipts, and replies of users."""

from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.aliyun.stand import NUMBER, World
from winback_sender.adapter import Request
from winback_sender.adapters.aliyun_codes import RECEIPTS
from winback_sender.contract.words import HARD, UNSENT, Status
from winback_sender.receipt import Receipt


def _call_back(world: World, path: str, body: bytes) -> Any:
    routes = {route.path: route for route in world.adapter.routes()}
    return routes[f"/callbacks/aliyun{path}"].handle(Request("POST", {}, {}, body))


PUBLISHED = """[{"phone_number" : "13800138000", "send_time" : "2017-01-01 00:00:00",
  "report_time" : "2017-01-01 00:00:05", "success" : true, "err_code" : "DELIVERED",
  "err_msg" : "用户接收成功", "sms_size" : "1", "biz_id" : "12345", "out_id" : "t-1"}]"""


def test_the_published_example_of_a_receipt(world: World) -> None:
    answer = _call_back(world, "/report", PUBLISHED.encode())

    assert msgspec.json.decode(answer.body) == {"code": 0, "msg": "接收成功"}
    (heard,) = answer.heard
    assert (heard.touch_id, heard.ref) == ("t-1", "12345")
    assert heard.receipt == Receipt(Status.DELIVERED, ref="12345")
    assert heard.at_ms == 1_483_200_005_000  # 2016-12-31T16:00:05Z


@pytest.mark.parametrize("code", sorted(RECEIPTS))
def test_a_receipt_that_says_no(world: World, code: str) -> None:
    item = {"phone_number": "13800138000", "success": False, "err_code": code, "out_id": "t-1"}
    expected = {
        "REQUEST_SUCCESS": (),  # the carrier has said nothing
        "MOBILE_IN_BLACK": (HARD,), "USER_REJECT": (HARD,),
        "isv.BLACK_KEY_CONTROL_LIMIT": (HARD,), "isv.CUSTOMER_REFUSED": (HARD,),
        "CONTENT_KEYWORD": (UNSENT,), "CONTENT_ERROR": (UNSENT,), "NO_ROUTE": (UNSENT,),
        "IS_CLOSE": (UNSENT,), "PARAMS_ILLEGAL": (UNSENT,), "PORT_NOT_REGISTERED": (UNSENT,),
        "SIGNATURE_BLACKLIST": (UNSENT,),
    }.get(code, ("soft",))  # fmt: skip

    heard = _call_back(world, "/report", msgspec.json.encode([item])).heard

    assert tuple(word.receipt.outcome for word in heard) == expected
    assert all(word.receipt.status is Status.FAILED for word in heard)
    assert all(word.receipt.reason == code for word in heard)


def test_one_receipt_that_cannot_be_read_does_not_lose_the_others(world: World) -> None:
    body = f'[{{"success": []}}, 7, {PUBLISHED[1:]}'

    answer = _call_back(world, "/report", body.encode())

    assert answer.status == 200
    assert [heard.touch_id for heard in answer.heard] == ["t-1"]


def test_a_receipt_of_a_message_of_others(world: World) -> None:
    """It has no id of ours, or a number for an id; the kit knows it by nothing."""
    body = b'[{"success": true, "biz_id": "9"}, {"success": true, "out_id": 7}]'

    assert [heard.touch_id for heard in _call_back(world, "/report", body).heard] == ["", "7"]


@pytest.mark.parametrize("at", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "yesterday", ""])
def test_an_instant_that_nobody_can_have_meant(world: World, at: str) -> None:
    body = PUBLISHED.replace("2017-01-01 00:00:05", at).encode()

    assert [heard.at_ms for heard in _call_back(world, "/report", body).heard] == [0]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[{", b"\xff", b'"x', b"[" * 99_999])
@pytest.mark.parametrize("path", ["/report", "/up"])
def test_a_call_back_that_is_none(world: World, path: str, body: bytes) -> None:
    answer = _call_back(world, path, body)

    assert not answer.heard
    assert answer.status == (400 if body else 200)


def test_the_path_has_a_secret_part(world: World) -> None:
    assert not any(route.is_guarded for route in world.make().routes())
    adapter = world.make(callback_token="s3cret")
    assert all(route.is_guarded for route in adapter.routes())

    assert [route.path for route in adapter.routes()] == [
        "/callbacks/aliyun/s3cret/report", "/callbacks/aliyun/s3cret/up",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["R", "r", "Ｒ", "td", "T", " 退订 ", "退订！", "请不要再发了", "R。"]
)
def test_a_reply_that_is_an_opt_out(world: World, text: str) -> None:
    body = {"phone_number": "13800138000", "content": text, "send_time": "2017-09-01 00:00:00",
            "dest_code": "1234", "sequence_id": "1234567890"}  # fmt: skip

    (heard,) = _call_back(world, "/up", msgspec.json.encode([body])).heard

    assert heard.receipt.status is Status.OPTED_OUT
    assert (heard.address, heard.touch_id, heard.ref) == (NUMBER, "", "")


@pytest.mark.parametrize("text", ["好的，谢谢", "Really?", "订", "TT", "", "我要退货"])
def test_a_reply_that_is_none(world: World, text: str) -> None:
    body = [{"phone_number": "13800138000", "content": text}]

    (heard,) = _call_back(world, "/up", msgspec.json.encode(body)).heard

    assert (heard.receipt.status, heard.at_ms) == (Status.REPLIED, 0)
