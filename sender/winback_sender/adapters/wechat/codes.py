"""What the codes of WeChat mean for a touch.

What the documents do not say that nothing was sent of, ``-1`` (busy) above all, leaves it unknown.

Source:
    https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html and the
    pages of each call; 40249: an answer of WeChat's staff in its forum
    (https://developers.weixin.qq.com/community/develop/doc/0004e2c99089c0e028f01769a61c00). That
    43116 is a template limited for abuse was not found in a stored copy.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from winback_sender.adapters.verdicts import (
    ACCOUNT,
    FULL_DAY,
    GONE,
    NEVER,
    THROTTLED,
    UNKNOWN,
    Say,
    Verdict,
    conclude,
)
from winback_sender.contract.words import Why
from winback_sender.logs import get_logger
from winback_sender.receipt import Receipt

log = get_logger(__name__)


class Meaning(NamedTuple):
    """What a code means: the reason for the feedback, and what to say of the touch."""

    why: Why
    verdict: Verdict = NEVER


TOKEN_CODES: Final = frozenset({40001, 40014, 41001, 42001})
"""The access_token is wrong or has expired; nothing was sent."""
NEXT_MINUTE: Final = Verdict(Say.LATER, 60.0)

_BLOCKED: Final = Meaning(Why.BLOCKED, GONE)
_NO_WINDOW: Final = Meaning(Why.NO_WINDOW)
_REFUSED: Final = Meaning(Why.REFUSED)
_ACCOUNT: Final = Meaning(Why.REFUSED, ACCOUNT)
_VARIABLES: Final = Meaning(Why.BAD_VARIABLES)

WECHAT: Final[Mapping[int, Meaning]] = {
    40003: Meaning(Why.BAD_ADDRESS, GONE),  # no openid of this account
    40013: _ACCOUNT,  # the AppID
    40033: _VARIABLES,  # characters
    40037: Meaning(Why.NO_TEMPLATE),  # there is no such template_id
    40038: Meaning(Why.OVER_LIMIT, FULL_DAY),  # pushes of a long-term template to a user
    40125: _ACCOUNT,  # the AppSecret
    40164: _ACCOUNT,  # our address is not on the white list
    40165: _REFUSED,  # the path of the mini-program
    40249: _REFUSED,  # the template was blocked for its content
    41028: _NO_WINDOW,  # form_id, which stands for the permission: wrong or expired
    41029: _NO_WINDOW,  # form_id: used
    41030: _REFUSED,  # the page
    43004: _BLOCKED,  # does not follow the account
    43019: _BLOCKED,  # is on the account's black list
    43101: _NO_WINDOW,  # refused this template, never allowed it, or the one permission is used up
    43107: _ACCOUNT,  # subscription messages are banned
    43108: Meaning(Why.OVER_LIMIT, THROTTLED),  # two at once to one user
    43116: _REFUSED,  # the template is limited for abuse
    44004: _VARIABLES,  # an empty text
    45002: _VARIABLES,  # too long
    45009: Meaning(Why.OVER_LIMIT, FULL_DAY),  # the day's quota of the call
    45011: Meaning(Why.OVER_LIMIT, NEXT_MINUTE),  # too many calls a minute
    45015: _NO_WINDOW,  # 48 h, or 1 minute, are over
    45047: Meaning(Why.OVER_LIMIT),  # the messages of the window are used up
    45109: _ACCOUNT,  # the call is not there any more
    45168: _REFUSED,  # words
    47001: _VARIABLES,  # not JSON to WeChat
    47003: _VARIABLES,  # a value breaks the rules of its kind
    48001: _ACCOUNT,  # the account may not make this call
    48002: _BLOCKED,  # has closed "receive messages"
    48004: _ACCOUNT,  # the call is banned
    48008: _ACCOUNT,  # no right to this kind of message
    50002: _ACCOUNT,  # the account is limited
    50005: _BLOCKED,  # does not follow the account
}
"""Code to what it means."""


def judge(
    code: int, known: Mapping[int, Meaning], provider: str, pause_s: float, address: str
) -> Receipt:
    """Return the receipt of a code that says nothing about the touch.

    Args:
        code: Not 0.
        known: Codes that say that nothing was sent.
        provider: Its name, for logs.
        pause_s: After too many calls a minute, s.
        address: Where the touch went, for the receipt.

    Raises:
        NotSentError: It says that nothing was sent.
    """
    log.warning("provider_refused", provider=provider, code=code, is_known=code in known)
    if code not in known:
        return conclude(str(code), UNKNOWN, address)
    why, verdict = known[code]
    if verdict is NEXT_MINUTE:
        verdict = verdict._replace(after_s=pause_s)
    return conclude(why, verdict, address)
