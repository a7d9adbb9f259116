"""Well-known names of fields and events, English and Chinese, and what they tell."""

import re
from typing import Final

from streams.core.meanings import Meaning


def plain(name: str) -> str:
    """Return a name without what its writers differ in: ``userId``, ``user_id`` → ``userid``."""
    return re.sub(r"[\W_]", "", name).lower()


def _ranked(text: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(text.split())}


USER: Final = _ranked(
    "userid uid memberid customerid custid buyerid accountid loginid subscriberid playerid "
    "studentid userno memberno customerno unionid user member customer "
    "用户id 会员id 会员号 用户编号 会员编号"
)
ANONYMOUS: Final = _ranked(
    "anonymousid anonid deviceid visitorid cookieid clientid guestid openid distinctid "
    "设备id 设备号"
)
ID: Final = _ranked(
    "eventid messageid msgid eventuuid uuid insertid dedupid logid recordid id traceid 事件id"
)
ID_ENDS: Final = ("id", "no", "号")
"""So end the names of most ids."""
EVENT: Final = _ranked(
    "event eventname eventtype action actiontype activity behavior behaviour what verb kind type "
    "name act 事件 事件名 行为 操作"
)
TIME: Final = _ranked(
    "eventtime occurredat happenedat timestamp eventts time ts at datetime eventdate createdat "
    "createtime date 时间 事件时间 发生时间 创建时间"
)
PAID_AT: Final = _ranked(
    "paidat paytime paidtime paymenttime payat refundedat refundtime completedat finishtime "
    "orderedat ordertime occurredat createdat createtime gmtcreate updatedat updatetime "
    "gmtmodified at 支付时间 付款时间 下单时间 退款时间 创建时间"
)
PAY_TIME: Final = _ranked("paidat paytime paidtime paymenttime payat 支付时间 付款时间")
"""Of `PAID_AT` those that are empty until then."""
AMOUNT: Final = _ranked(
    "payamount paidamount actualamount realamount paymentamount refundamount totalpaid total "
    "totalamount grandtotal orderamount orderprice revenue amount value totalfee fee money price "
    "实付金额 支付金额 退款金额 订单金额 金额"
)
CURRENCY: Final = _ranked("currency currencycode ccy 币种 货币")
STATUS: Final = _ranked("status orderstatus paystatus state paymentstatus 状态 订单状态 支付状态")
CHANNEL: Final = _ranked("channel channelcode medium 渠道")
GRANTED: Final = _ranked("granted consent isgranted optin subscribed agreed isagreed accepted 同意")
ZONE: Final = _ranked("timezone zone tz zoneinfo 时区")
SOURCE: Final = _ranked("acquisitionsource utmsource firstsource regsource registersource 来源")
PAID_WORDS: Final = frozenset(
    _ranked(
        "paid completed complete success succeeded finished done closed settled "
        "已支付 已付款 已完成 支付成功 交易成功 成功"
    )
)
MINOR: Final = ("fen", "cent", "minor", "_fee", "分")
"""In the name of an amount they say: fen, cents."""
UNIT: Final = re.compile(r"(?<=.)(fen|cents?|minor|yuan|cny|rmb|usd|分|元)$")
"""What the name of an amount may end with, without what its writers differ in."""
WELL_KNOWN: Final[dict[str, Meaning]] = {
    "ordercompleted": Meaning.PURCHASE,
    "orderpaid": Meaning.PURCHASE,
    "payorder": Meaning.PURCHASE,
    "purchase": Meaning.PURCHASE,
    "orderrefunded": Meaning.REFUND,
    "ordercancelled": Meaning.CANCELLATION,
    "ordercanceled": Meaning.CANCELLATION,
}
"""Names of public specifications, without what their writers differ in."""
BINDING: Final = frozenset(
    _ranked(
        "consent consents subscribe subscribed optin accepts agreed permission permissions erasure "
        "delete deleted gdpr privacy"
    )
)
"""Words of events that bind us; they are never guessed."""
BINDING_CHINESE: Final = ("授权", "同意", "订阅", "隐私", "删除", "注销")
PEOPLE: Final = frozenset(
    _ranked("customer customers user users member members account accounts profile profiles")
)
CONSENTS: Final = frozenset(_ranked("consent consents permission permissions subscriptions"))
