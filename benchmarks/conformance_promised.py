"""What is promised of our own senders under the conformance kit, and of the naive one."""

from typing import Final

from benchmarks.promise import Promise

NAMES: Final = (
    "aliyun", "tencent", "wechat_template", "wechat_subscribe", "wecom", "email", "webhook",
)  # fmt: skip
MUST: Final = {
    "sent_twice": "touches sent twice",
    "lost": "touches lost",
    "sent_after_revocation": "touches sent after their revocation",
    "sent_after_expiry": "touches sent after they had expired",
    "unknown_unreported": "unknown, neither resolved nor reported",
}
"""Kind of fault to what it is; each has a figure."""
OTHERS: Final = "others"
CONFORMANCE: Final[dict[str, Promise]] = {
    **{
        f"conformance.{name}.{kind}": Promise(
            f"{name} under conformance: {what}", "touches", "==", 0
        )
        for name in NAMES
        for kind, what in MUST.items()
    },
    **{
        f"conformance.{name}.{OTHERS}": Promise(
            f"{name} under conformance: any other fault", "faults", "==", 0
        )
        for name in NAMES
    },
    "conformance.naive.sent_twice": Promise(
        "a naive sender under conformance: touches sent twice", "touches", ">=", 1
    ),
}  # fmt: skip
"""Name of a figure to its promise."""
