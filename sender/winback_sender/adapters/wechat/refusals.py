"""What the codes of WeChat mean for a touch.

A code that says that nothing was sent becomes a `NotSentError`. What the documents do not say that
of, ``-1`` (busy) above all, leaves the touch unknown.

Source:
    https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html and the
    pages of each call; 40249, 45109: answers of WeChat's staff in its forum
    (https://developers.weixin.qq.com/community/develop/doc/0004e2c99089c0e028f01769a61c00). That
    43116 is a template limited for abuse was not found in a stored copy.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from winback_sender.contract.words import HARD, UNSENT, Status, Why
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError, Receipt

log = get_logger(__name__)


class Refusal(NamedTuple):
    """What a code means.

    Attributes:
        why: For the feedback.
        outcome: ``hard`` when the channel cannot reach this user at all.
        pauses: Pauses to wait before the next try; None = it never goes better.
    """

    why: Why
    outcome: str = UNSENT
    pauses: int | None = None


TOKEN_CODES: Final = frozenset({40001, 40014, 41001, 42001})
"""The access_token is wrong or has expired; nothing was sent."""

_BLOCKED: Final = Refusal(Why.BLOCKED, HARD)
_NO_WINDOW: Final = Refusal(Why.NO_WINDOW)
_REFUSED: Final = Refusal(Why.REFUSED)
_ACCOUNT: Final = Refusal(Why.REFUSED, pauses=10)
"""Something that an operator can mend while the touch lives."""

WECHAT: Final[Mapping[int, Refusal]] = {
    40003: Refusal(Why.BAD_ADDRESS, HARD),  # no openid of this account
    40013: _ACCOUNT,  # the AppID
    40033: Refusal(Why.BAD_VARIABLES),  # characters
    40037: Refusal(Why.NO_TEMPLATE),  # there is no such template_id
    40038: Refusal(Why.OVER_LIMIT, pauses=10),  # pushes of a long-term template to a user
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
    43108: Refusal(Why.OVER_LIMIT, pauses=0),  # two at once to one user
    43116: _REFUSED,  # the template is limited for abuse
    44004: Refusal(Why.BAD_VARIABLES),  # an empty text
    45002: Refusal(Why.BAD_VARIABLES),  # too long
    45009: Refusal(Why.OVER_LIMIT, pauses=10),  # the day's quota of the call
    45011: Refusal(Why.OVER_LIMIT, pauses=1),  # too many calls a minute
    45015: _NO_WINDOW,  # 48 h, or 1 minute, are over
    45047: Refusal(Why.OVER_LIMIT),  # the messages of the window are used up
    45109: _ACCOUNT,  # the call is not there any more
    45168: _REFUSED,  # words
    47001: Refusal(Why.BAD_VARIABLES),  # not JSON to WeChat
    47003: Refusal(Why.BAD_VARIABLES),  # a value breaks the rules of its kind
    48001: _ACCOUNT,  # the account may not make this call
    48002: _BLOCKED,  # has closed "receive messages"
    48004: _ACCOUNT,  # the call is banned
    48008: _ACCOUNT,  # no right to this kind of message
    50002: _ACCOUNT,  # the account is limited
    50005: _BLOCKED,  # does not follow the account
}  # fmt: skip
"""Code to what it means."""


def unclear(
    code: int, known: Mapping[int, Refusal], provider: str, pause_s: float, address: str
) -> Receipt:
    """Return the receipt of a code that says nothing about the touch.

    Args:
        code: Not 0.
        known: Codes that say that nothing was sent.
        provider: Its name, for logs.
        pause_s: A pause of `Refusal.pauses`, s.
        address: Where the touch went, for the receipt.

    Raises:
        NotSentError: It says that nothing was sent.
    """
    log.warning("provider_refused", provider=provider, code=code, is_known=code in known)
    if code not in known:
        return Receipt(Status.UNKNOWN, "", str(code), address=address)
    why, outcome, pauses = known[code]
    raise NotSentError(why, outcome, retry=pauses is not None, after_s=(pauses or 0) * pause_s)
