"""What the codes of WeCom mean for a touch.

Source:
    https://developer.work.weixin.qq.com/document/path/90455 (all codes; -1: "busy, try again at
    most three times": not that nothing was done, so it is unknown here). That 41048 is "no customer
    to send to" was not found in a stored copy. 45033 comes from about five calls at once on:
    https://developers.weixin.qq.com/community/enterprisewechat/doc/000ac64c76061029b501aee3066400
"""

from collections.abc import Mapping
from typing import Final

from winback_sender.adapters.verdicts import ACCOUNT, GONE, THROTTLED
from winback_sender.adapters.wechat.codes import NEXT_MINUTE, Meaning
from winback_sender.contract.words import Why

TOKEN_CODES: Final = frozenset({40014, 41001, 42001})

_ACCOUNT: Final = Meaning(Why.REFUSED, ACCOUNT)
_REFUSED: Final = Meaning(Why.REFUSED)
_VARIABLES: Final = Meaning(Why.BAD_VARIABLES)
_STRANGER: Final = Meaning(Why.BLOCKED, GONE)

WECOM: Final[Mapping[int, Meaning]] = {
    40001: _ACCOUNT,  # the secret
    40003: _REFUSED,  # the member who is to send
    40013: _ACCOUNT,  # the CorpID
    40033: _VARIABLES,  # characters
    40035: _VARIABLES,
    40058: _VARIABLES,
    40096: Meaning(Why.BAD_ADDRESS, GONE),  # no external_userid of this company
    41048: _REFUSED,  # nobody to send to
    44004: _VARIABLES,  # an empty text
    45002: _VARIABLES,  # too long
    45009: Meaning(Why.OVER_LIMIT, NEXT_MINUTE),  # 10,000 a minute, 150,000 an hour
    45033: Meaning(Why.OVER_LIMIT, THROTTLED),  # too many at once
    48002: _ACCOUNT,  # the application may not make this call
    50001: _ACCOUNT,
    50002: _ACCOUNT,  # the member is out of its range
    50003: _ACCOUNT,  # it is disabled
    60011: _ACCOUNT,  # no right to the member
    60020: _ACCOUNT,  # our address is not on the white list
    60111: _REFUSED,  # no such member
    81013: _REFUSED,  # nobody of those named may be reached
    84061: _STRANGER,  # not a contact of the company
    84072: _ACCOUNT,
    84074: _ACCOUNT,  # no right to external contacts
    84084: _STRANGER,  # the member does not look after the customer
    85002: _REFUSED,  # words
    301002: _ACCOUNT,
}
"""Code to what it means."""
