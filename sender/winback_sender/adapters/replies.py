"""What people answer to a text message, and what providers tell of it."""

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Final

from winback_sender.addresses.phone import normalise
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError

CHINA: Final = timezone(timedelta(hours=8))
"""In which Chinese providers tell the time; there is no summer time."""
PLAUSIBLE_S: Final = (1_420_070_400, 4_102_444_800)
"""2015 to 2100: an instant outside of it is a mistake, and must not go into a journal."""

_WORDS: Final = frozenset({"r", "t", "td", "n", "qx", "stop", "unsubscribe"})
"""An answer that is one of these and no more. R, T, TD and N are what providers print under a
message, qx is short for 取消."""
_PHRASES: Final = ("退订", "拒收", "取消订阅", "不要再发", "别再发", "别发了", "勿扰")
"""An answer that has one of these: a no that is taken for a reply is worse than the contrary."""
_MARKS: Final = re.compile(r"[\s\W_]+")
_TIMES: Final = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")


def status_of(text: str) -> Status:
    """Return whether a reply is an opt-out; full-width letters, case and marks do not matter."""
    bare = _MARKS.sub("", unicodedata.normalize("NFKC", text)).casefold()
    is_no = bare in _WORDS or any(phrase in bare for phrase in _PHRASES)
    return Status.OPTED_OUT if is_no else Status.REPLIED


def address_of(number: str) -> str:
    """Return a number as `Receipt.address` has it; one that is none is left as it is."""
    try:
        return normalise(number)
    except NotSentError:
        return number


def at_ms_of(text: str) -> int:
    """Return an instant in Chinese time as epoch ms UTC; 0 = now, if it cannot be read."""
    for form in _TIMES:
        try:
            at = datetime.strptime(text.strip(), form).replace(tzinfo=CHINA)
        except ValueError:
            continue
        return plausible_ms(int(at.timestamp()))
    return 0


def plausible_ms(at_s: int) -> int:
    """Return epoch ms UTC of epoch seconds; 0 = now, if nobody can have meant it."""
    return at_s * 1_000 if PLAUSIBLE_S[0] <= at_s < PLAUSIBLE_S[1] else 0
