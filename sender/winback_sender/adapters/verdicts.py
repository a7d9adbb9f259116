"""What a provider's code means for a touch.

What the account, the template or the number is refused for was surely not sent. What is nobody's
fault was perhaps: only a code of which the documents say that nothing was sent is tried again.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from winback_sender.contract.words import HARD, UNSENT, Status
from winback_sender.receipt import NotSentError, Receipt


class Say(Enum):
    """What is to be said of a touch."""

    LATER = "not sent, but it may go later"
    NEVER = "not sent, and it will not go"
    GONE = "not sent: the channel cannot reach this user"
    UNKNOWN = "it may have been sent"


class Verdict(NamedTuple):
    """What a code means; `after_s`: for `Say.LATER`, not before so many seconds."""

    say: Say
    after_s: float = 0.0


NEVER: Final = Verdict(Say.NEVER)
GONE: Final = Verdict(Say.GONE)
UNKNOWN: Final = Verdict(Say.UNKNOWN)
THROTTLED: Final = Verdict(Say.LATER, 1.0)
"""Too many calls a second."""
TOO_OFTEN: Final = Verdict(Say.LATER, 900.0)
"""This number has had enough for now; the limits roll."""
FULL_DAY: Final = Verdict(Say.LATER, 3_600.0)
"""The account's own limit of the day."""
ACCOUNT: Final = Verdict(Say.LATER, 300.0)
"""Money, keys, rights: a person mends it, and no touch is to blame."""


def verdict(
    code: str, codes: Mapping[str, Verdict], prefixes: Sequence[tuple[str, Verdict]]
) -> Verdict:
    """Return what a code means: by itself, else by its first words, else nobody knows."""
    if code in codes:
        return codes[code]
    return next((found for prefix, found in prefixes if code.startswith(prefix)), UNKNOWN)


def conclude(code: str, found: Verdict, address: str) -> Receipt:
    """Return the receipt of a touch that got a code; it carries the code as it came.

    Raises:
        NotSentError: It was surely not sent.
    """
    match found.say:
        case Say.LATER:
            raise NotSentError(code, UNSENT, retry=True, after_s=found.after_s)
        case Say.NEVER:
            raise NotSentError(code, UNSENT)
        case Say.GONE:
            raise NotSentError(code, HARD)
        case Say.UNKNOWN:
            return Receipt(Status.UNKNOWN, "", code, address=address)
