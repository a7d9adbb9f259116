"""What WeChat takes as the value of a variable."""

import pytest

from winback_sender.adapters.wechat.values import demand_fit
from winback_sender.contract.words import Why
from winback_sender.receipt import NotSentError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thing1", "一" * 20), ("thing20", "VIP 会员，8折!"), ("thing1", "😀" * 10),
        ("const3", "已发货"), ("number1", "-12.50"), ("letter1", "VIP"), ("symbol2", "★★★★★"),
        ("character_string4", "NO-2024/0001"), ("time1", "15:01"), ("time1", "2019年10月1日 15:01"),
        ("time5", "2019-10-01 15:01:02~16:00"), ("date1", "2019年10月1日"), ("date1", "10月1日"),
        ("date1", "2018/01/01"), ("date1", "2018.01"), ("amount1", "￥100.50元"),
        ("phone_number1", "+86-0766-66888866"), ("car_number2", "粤A8Z888挂"),
        ("name1", "司马相如"), ("name1", "John Smith"), ("phrase1", "配送中"), ("phrase1", "𠮷祥"),
        ("first", "您好，会员！"), ("keyword1", "x" * 100), ("remark", "备注"), ("thing", "x"),
    ],
)  # fmt: skip
def test_these_fit(name: str, value: str) -> None:
    demand_fit({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thing1", "一" * 21), ("thing1", "😀" * 11), ("thing1", " "), ("thing1", "a\nb"),
        ("thing1", "a\ud800"), ("number1", "一"), ("number1", "1" * 33), ("letter1", "A1"),
        ("symbol2", "★★★★★★"), ("symbol2", "a"), ("character_string4", "单号"), ("time1", "3pm"),
        ("date1", "明天"), ("amount1", "一百元"), ("amount1", "12345678901"),
        ("phone_number1", "1" * 18), ("car_number2", "粤A8Z888挂挂"), ("name1", "一" * 11),
        ("name1", "x" * 21), ("phrase1", "六个汉字太长"), ("phrase1", "VIP"), ("first", ""),
    ],
)  # fmt: skip
def test_these_do_not(name: str, value: str) -> None:
    with pytest.raises(NotSentError) as caught:
        demand_fit({"thing9": "好", name: value})
    assert (caught.value.reason, caught.value.retry) == (Why.BAD_VARIABLES, False)
