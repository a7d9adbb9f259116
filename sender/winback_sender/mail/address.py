"""E-mail addresses: what may stand in an envelope."""

import re
from typing import Final, NamedTuple

from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError

LOCAL_BYTES_MAX: Final = 64
DOMAIN_CHARACTERS_MAX: Final = 253
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


class MailAddress(NamedTuple):
    """An address as it stands in an envelope.

    Attributes:
        local: Before the @; its case is kept.
        domain: After it, in ASCII (IDNA), lower case.
    """

    local: str
    domain: str

    @property
    def is_ascii(self) -> bool:
        """Whether every server can take it."""
        return self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def mail_address(text: str) -> MailAddress:
    """Return an address; spaces around it and a full-width ＠ do no harm.

    Raises:
        NotSentError: It is none: two of them, a name beside it, a quoted local part, a control
            character; the reason does not carry it.

    Source:
        RFC 5321 §4.1.2 (dot-string), §4.5.3.1 (lengths); RFC 6531 §3.3 (UTF-8 in local parts).
    """
    local, at, domain = text.strip().replace("＠", "@").rpartition("@")
    try:
        # The codec prepares names as RFC 3490 says: full-width letters and case are one.
        plain = domain.encode("idna").decode().lower()
        size = len(local.encode())
    except UnicodeError:
        plain, size = "", 0
    if (
        not at
        or not 0 < size <= LOCAL_BYTES_MAX
        or len(plain) > DOMAIN_CHARACTERS_MAX
        or not _LOCAL.fullmatch(local)
        or any(letter.isspace() or not letter.isprintable() for letter in local)
        or not _DOMAIN.fullmatch(plain)
    ):
        raise NotSentError(Why.BAD_ADDRESS, HARD)
    return MailAddress(local, plain)
