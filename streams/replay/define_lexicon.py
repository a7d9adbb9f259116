"""Well-known words in the names of events, English and Chinese, and what they tell."""

import re
from typing import Final, NamedTuple

from streams.core.meanings import Meaning


class Words(NamedTuple):
    """Words that tell a meaning: whole English words, and Chinese ones anywhere in the name."""

    english: frozenset[str]
    chinese: tuple[str, ...]

    def tell(self, name: str) -> bool:
        """Return whether the name holds one of them."""
        return bool(self.english & words_of(name)) or any(word in name for word in self.chinese)


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name: ``orderPaid``, ``order_paid`` and ``Order Paid`` have two."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return frozenset(re.findall(r"[a-z]+", parted.lower()))


def _words(english: str, chinese: str) -> Words:
    return Words(frozenset(english.split()), tuple(chinese.split()))


MEANINGS: Final = {
    Meaning.REFUND: _words("refund refunded chargeback", "退款 退货 退单"),
    Meaning.COMPLAINT: _words("complaint complain complained complaints", "投诉 差评"),
    Meaning.OPT_OUT: _words("unsubscribe unsubscribed optout", "退订 拒收"),
    Meaning.CANCELLATION: _words(
        "cancel canceled cancelled cancellation deactivate deactivated",
        "取消 解约 停用 销户 注销",
    ),
}
"""The first that speaks wins; erasure, consent and traits are never guessed, for they bind."""
PAID: Final = _words(
    "purchase purchased purchases paid payment pay bought buy sale transaction",
    "购买 支付 付款 成交 消费 充值 续费",
)
ORDERED: Final = _words("order ordered orders checkout", "下单 订单")
NOT_PAID: Final = _words(
    "fail failed pending view viewed start started cart abandoned click clicked page reminder",
    "失败 待 浏览 点击 提醒 未",
)
SENT: Final = _words(
    "sent delivered push pushed bounced notification reminder newsletter mail email sms impression "
    "expired scheduled cron batch sync heartbeat system",
    "推送 短信 发送 下发 送达 群发 系统 通知 过期 自动 曝光 触达",
)
ANSWERED: Final = _words(
    "open opened click clicked read reply replied login", "点击 打开 阅读 回复 登录"
)
