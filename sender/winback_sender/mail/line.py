"""SMTP, phase by phase: until the dot that ends a message nothing was sent, after it who knows.

==========================  =======================================================================
what the server says        what it means
==========================  =======================================================================
no connection, no TLS       nothing was sent; again later
AUTH refused                nothing was sent; again later, since a password can be mended
RCPT 550, 551, 553          ``hard``: no such mailbox; with a code 5.7.x it is policy, not the
                            mailbox, and with 5.2.2 the mailbox is full, ``soft``
MAIL or DATA 5xx            refused for good: the sender, or the content
4xx, also after the dot     nothing was sent; again later (RFC 5321 §4.2.1: not accepted)
5xx after the dot           refused for good, as at RCPT by its enhanced code
250 after the dot           accepted
silence, or an end of the   unknown (RFC 5321 §4.5.3.2.6: the server may have taken it)
connection, after the dot
==========================  =======================================================================

Source:
    RFC 5321; RFC 3463 (enhanced codes); RFC 3461 §4.4 (``ENVID``, which bounces come back with).
"""

import re
import smtplib
import ssl
from typing import Final, NamedTuple

from winback_sender.contract.words import HARD, SOFT, UNSENT, Status, Why
from winback_sender.http.calls import UnclearError
from winback_sender.last_look import look_again
from winback_sender.logs import get_logger
from winback_sender.mail.address import MailAddress
from winback_sender.receipt import NotSentError, Receipt

log = get_logger(__name__)

NO_UTF8: Final = "server_without_smtputf8"
_NO_MAILBOX: Final = frozenset({550, 551, 553})
_GO_AHEAD, _TAKEN = 354, 250
_ENHANCED: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_QUEUED: Final = re.compile(r"queued as ([A-Za-z0-9_-]{1,64})")
_DOTS: Final = re.compile(rb"^\.", re.MULTILINE)


class Server(NamedTuple):
    """Where mail is handed over.

    Attributes:
        host, port: Where.
        security: ``tls`` from the first byte, ``starttls`` before anything is said, or ``none``.
        context: What is trusted.
        username, password: Of the account; empty: nobody asks.
        we: How we call ourselves.
        timeout_s: Of every phase.
    """

    host: str
    port: int
    security: str
    context: ssl.SSLContext
    username: str
    password: str
    we: str
    timeout_s: float


class Line:
    """One connection."""

    def __init__(self, server: Server) -> None:
        """Connect, secure and log in.

        Raises:
            NotSentError: Something of that failed.
        """
        self.used_s, self.letters, self.is_alive = 0.0, 0, True
        try:
            self._smtp = _connect(server)
        except smtplib.SMTPAuthenticationError as error:
            log.warning("mail_login_refused", code=error.smtp_code)
            raise NotSentError(Why.UNAVAILABLE, retry=True) from None
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail_server_away", host=server.host, error=type(error).__name__)
            raise NotSentError(Why.UNAVAILABLE, retry=True) from None

    def is_ready(self) -> bool:
        """Whether the server still listens, and has forgotten what was before."""
        try:
            return self._smtp.rset()[0] == _TAKEN
        except (OSError, smtplib.SMTPException):
            return False

    def hang_up(self) -> None:
        """End the connection."""
        self.is_alive = False
        self._smtp.close()

    def send(self, sender: MailAddress, to: MailAddress, touch_id: str, message: bytes) -> Receipt:
        """Hand over one message; raises as `PostOffice.send` does."""
        self.letters += 1
        if not to.is_ascii and not self._smtp.has_extn("smtputf8"):
            raise NotSentError(NO_UTF8)
        try:
            self._envelope(sender, to, touch_id)
            self._text(message)
        except (OSError, smtplib.SMTPException):
            self.is_alive = False
            raise NotSentError(Why.UNAVAILABLE, retry=True) from None
        self._look_again()
        try:
            self._smtp.send(b".\r\n")
            code, said = self._smtp.getreply()
        except (OSError, smtplib.SMTPException):
            raise UnclearError(Why.TIMED_OUT) from None
        return self._ending(code, said.decode(errors="replace"))

    def _look_again(self) -> None:
        """Look a last time: every answer so far may have taken as long as is waited for.

        Raises:
            NotSentError: The message may not leave any more; without its dot it does not.
        """
        try:
            look_again()
        except NotSentError:
            self.is_alive = False
            raise

    def _envelope(self, sender: MailAddress, to: MailAddress, touch_id: str) -> None:
        options = [f"ENVID={touch_id}"] if self._smtp.has_extn("dsn") else []
        if not to.is_ascii:
            options.append("SMTPUTF8")
        self._demand(self._smtp.mail(str(sender), options), is_of_recipient=False)
        self._demand(self._smtp.rcpt(str(to)), is_of_recipient=True)

    def _text(self, message: bytes) -> None:
        """Send a message without the dot that ends it."""
        code, said = self._smtp.docmd("DATA")
        if code != _GO_AHEAD:
            self._demand((code, said), is_of_recipient=False)
        text = _DOTS.sub(b"..", message)
        self._smtp.send(text if text.endswith(b"\r\n") else text + b"\r\n")

    def _demand(self, answer: tuple[int, bytes], *, is_of_recipient: bool) -> None:
        code, said = answer
        if code // 100 != 2:  # noqa: PLR2004  # the class of success
            raise self._refusal(code, said.decode(errors="replace"), is_of_recipient)

    def _ending(self, code: int, said: str) -> Receipt:
        """Return what the answer to the dot means."""
        if code == _TAKEN:
            queued = _QUEUED.search(said)
            return Receipt(Status.ACCEPTED, ref=queued[1] if queued else "")
        if code // 100 in (4, 5):
            raise self._refusal(code, said, is_of_recipient=_code(said).startswith("5.1."))
        raise UnclearError(Why.UNREADABLE)

    def _refusal(self, code: int, said: str, is_of_recipient: bool) -> NotSentError:  # noqa: FBT001
        """Return the error of an answer; its reason is a code, which names nobody."""
        enhanced = _code(said)
        reason = enhanced or f"smtp_{code}"
        if code == 421:  # noqa: PLR2004  # the server ends the connection
            self.is_alive = False
        if code // 100 != 5:  # noqa: PLR2004  # of another class than the final ones
            return NotSentError(reason, retry=True)
        if enhanced == "5.2.2":
            return NotSentError(reason, SOFT)
        is_hard = is_of_recipient and not enhanced.startswith("5.7.")
        is_hard = is_hard and (code in _NO_MAILBOX or enhanced.startswith(("5.1.", "5.2.1")))
        return NotSentError(reason, HARD if is_hard else UNSENT)


def _connect(server: Server) -> smtplib.SMTP:
    host, port, we, timeout_s = server.host, server.port, server.we, server.timeout_s
    smtp = (
        smtplib.SMTP_SSL(host, port, we, timeout=timeout_s, context=server.context)
        if server.security == "tls"
        else smtplib.SMTP(host, port, we, timeout_s)
    )
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            smtp.starttls(context=server.context)
            smtp.ehlo()
        if server.username:
            smtp.login(server.username, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _code(said: str) -> str:
    found = _ENHANCED.match(said)
    return found[0] if found else ""
