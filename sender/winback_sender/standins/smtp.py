"""A mail server, as a stand-in.

It advertises SIZE, 8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES, and AUTH PLAIN if it has an
account; STARTTLS, or TLS from the first byte, if it is given a certificate. The touch is named by
``ENVID`` of MAIL FROM, and must be the local part of the Message-ID.

====================  ============================================================================
``Fate.OK``           250 2.0.0 Ok: queued as M-17
``LOST_ANSWER``       the message is taken, and nothing is said after the dot
``LOST_CALL``         the connection ends at RCPT
``ERROR_AFTER``       the message is taken, and the connection ends after the dot
``ERROR_BEFORE``      451 4.3.0 after the dot: it was not taken
``THROTTLED``         450 4.7.1 to RCPT
``SLOW``              250 after a pause
``HTML``              the message is taken, and the answer to the dot is no SMTP
``REFUSED``           550 5.1.1 to RCPT: no such user
====================  ============================================================================

Attributes of the server change answers: ``answers["rcpt"] = "552 5.2.2 Mailbox full"``.
There are no receipts: bounces are messages of their own.

Source:
    RFC 5321 §4.1.1 (commands), §4.2 (replies), §4.3.2 (which reply to which command), §4.5.2 (dot
    stuffing); RFC 3207 (STARTTLS); RFC 4954 (AUTH); RFC 3461 (ENVID); RFC 6531 (SMTPUTF8).
"""

import asyncio
import ssl
from email.message import EmailMessage
from typing import Final

from winback_sender.standins.server import HOST
from winback_sender.standins.smtp_talk import SIZE_MAX, Talk
from winback_sender.standins.stand_in import Fate, Plan, StandIn, all_is_well

LINE_BYTES_MAX: Final = 4_096


class MailServer(StandIn):
    """Takes messages by SMTP.

    Args:
        plan: What happens to each message.
        account: Name and password that a client must show.
        context: Its certificate; None = everything is in the clear.
        is_tls_first: TLS from the first byte, instead of STARTTLS.

    Attributes:
        answers: Verb, ``dot`` or ``greeting`` to an answer given instead of the usual one.
        extensions: What EHLO tells, besides AUTH and STARTTLS.
        letters: What was sent, parsed, in order.
        commands: Every command line, but those of AUTH.
    """

    scheme = "smtp"

    def __init__(
        self,
        plan: Plan = all_is_well,
        account: tuple[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        *,
        is_tls_first: bool = False,
    ) -> None:
        super().__init__(plan)
        self.account, self.context, self.is_tls_first = account, context, is_tls_first
        self.answers: dict[str, str] = {}
        self.extensions = [f"SIZE {SIZE_MAX}", "8BITMIME", "SMTPUTF8", "DSN",
                           "ENHANCEDSTATUSCODES"]  # fmt: skip
        self.letters: list[EmailMessage] = []
        self.commands: list[str] = []
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    @property
    def is_heard(self) -> bool:
        """Whether somebody waits for receipts: there are none."""
        return False

    def fate_of(self, touch_id: str) -> Fate:
        """Return what will happen to the next message of a touch."""
        return self.plan(touch_id, self._tried[touch_id]).fate

    async def listen(self, port: int) -> int:
        """Start to listen."""
        first = self.context if self.is_tls_first else None
        self._server = await asyncio.start_server(
            self._talk, HOST, port, ssl=first, limit=LINE_BYTES_MAX, reuse_address=True
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def hang_up_on_all(self) -> None:
        """Stop to listen and cut every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._talks):
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        try:
            await Talk(self, reader, writer).run()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # The client is gone, or said what is no line.
        finally:
            self._talks.discard(writer)
            writer.transport.abort()
