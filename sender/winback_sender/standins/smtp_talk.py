"""One connection of the mail server that stands in: commands and their answers."""

import asyncio
import base64
import binascii
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any, Final

from winback_sender.standins.server import HOST
from winback_sender.standins.stand_in import Call, Fate

if TYPE_CHECKING:
    from winback_sender.standins.smtp import MailServer

SIZE_MAX: Final = 1_000_000
_PATH: Final = re.compile(r"(?i)(?:from|to):\s*<([^<>\s]*)>((?:\s+\S+)*)")


class _HungUpError(OSError):
    """The server ends the connection."""


class Talk:
    """One connection."""

    def __init__(
        self, server: "MailServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._is_secure = server.is_tls_first
        self._is_known = server.account is None
        self._touch_id, self._to, self._has_sender = "", "", False

    async def run(self) -> None:
        """Answer until the client quits."""
        await self._say("greeting", f"220 {HOST} ESMTP")
        while line := (await self._reader.readuntil(b"\r\n")).decode().rstrip("\r\n"):
            verb, _, rest = line.partition(" ")
            verb = verb.lower()
            self._server.commands.append("AUTH …" if verb == "auth" else line)
            if verb == "quit":
                await self._say(verb, "221 2.0.0 Bye")
                return
            handle: Any = getattr(self, f"_{verb}", None)
            if handle is None or not verb.isalpha():
                await self._say(verb, "500 5.5.2 Command not recognized")
            else:
                await handle(rest)

    async def _ehlo(self, rest: str) -> None:
        told = [HOST, *self._server.extensions]
        if self._server.context is not None and not self._is_secure:
            told.append("STARTTLS")
        if self._server.account is not None:
            told.append("AUTH PLAIN")
        lines = [f"250-{word}" for word in told[:-1]] + [f"250 {told[-1]}"]
        await self._say("ehlo", "\r\n".join(lines) if rest else "501 5.5.4 Your name, please")

    async def _helo(self, _rest: str) -> None:
        await self._say("helo", f"250 {HOST}")

    async def _rset(self, _rest: str) -> None:
        self._touch_id, self._to, self._has_sender = "", "", False
        await self._say("rset", "250 2.0.0 Ok")

    async def _noop(self, _rest: str) -> None:
        await self._say("noop", "250 2.0.0 Ok")

    async def _starttls(self, _rest: str) -> bool | None:
        context = self._server.context
        if context is None or self._is_secure:
            return await self._say("starttls", "454 4.7.0 TLS not available")
        if await self._say("starttls", "220 2.0.0 Go ahead"):
            await self._writer.start_tls(context)
            self._is_secure = True
        return None

    async def _auth(self, rest: str) -> bool | None:
        how, _, given = rest.partition(" ")
        try:
            words = base64.b64decode(given, validate=True).decode().split("\0")
        except (binascii.Error, UnicodeDecodeError):
            words = []
        if how.lower() != "plain" or self._server.account is None:
            return await self._say("auth", "504 5.5.4 Not that way")
        self._is_known = tuple(words[1:]) == self._server.account
        wrong = "535 5.7.8 Authentication credentials invalid"
        await self._say("auth", "235 2.7.0 Ok" if self._is_known else wrong)
        return None

    async def _mail(self, rest: str) -> bool | None:
        found = _PATH.fullmatch(rest)
        if not self._is_known:
            return await self._say("mail", "530 5.7.0 Authentication required")
        if found is None:
            return await self._say("mail", "501 5.5.4 Syntax: MAIL FROM:<address>")
        options = dict(word.upper().partition("=")[::2] for word in found[2].split())
        envid = re.search(r"(?i)\bENVID=(\S+)", found[2])
        self._touch_id = envid[1] if envid else ""
        if int(options.get("SIZE", "0") or "0") > SIZE_MAX:
            return await self._say("mail", "552 5.3.4 Message too big")
        self._has_sender = await self._say("mail", "250 2.1.0 Ok")
        return None

    async def _rcpt(self, rest: str) -> bool | None:
        found = _PATH.fullmatch(rest)
        if not self._has_sender:
            return await self._say("rcpt", "503 5.5.1 MAIL first")
        if found is None:
            return await self._say("rcpt", "501 5.5.4 Syntax: RCPT TO:<address>")
        fate = self._server.fate_of(self._touch_id)
        if fate == Fate.LOST_CALL:
            self._server.record(self._touch_id, found[1])
            raise _HungUpError
        if fate in (Fate.THROTTLED, Fate.REFUSED):
            self._server.record(self._touch_id, found[1])
            slow, never = "450 4.7.1 Too many messages", "550 5.1.1 No such user here"
            return await self._say("rcpt", slow if fate == Fate.THROTTLED else never)
        if await self._say("rcpt", "250 2.1.5 Ok"):
            self._to = found[1]
        return None

    async def _data(self, _rest: str) -> bool | None:
        if not self._to:
            return await self._say("data", "503 5.5.1 RCPT first")
        if not await self._say("data", "354 End with a dot"):
            return None
        lines: list[bytes] = []
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        letter = message_from_bytes(b"".join(lines), policy=SMTP)
        assert isinstance(letter, EmailMessage)
        named = str(letter["Message-ID"]).partition("@")[0].removeprefix("<")
        if self._touch_id and named != self._touch_id:
            return await self._say("dot", "554 5.6.0 ENVID and Message-ID are not one")
        if "dot" in self._server.answers:
            await self._say("dot", "")
            return None
        call = self._server.record(named, self._to, str(letter["Subject"]))
        self._to, self._has_sender = "", False
        if call.was_sent:
            self._server.letters.append(letter)
        await self._after_the_dot(call)
        return None

    async def _after_the_dot(self, call: Call) -> None:
        match call.turn.fate:
            case Fate.LOST_ANSWER:
                await asyncio.sleep(self._server.silence_s)
                raise _HungUpError
            case Fate.ERROR_AFTER:
                raise _HungUpError
            case Fate.ERROR_BEFORE:
                await self._say("dot", "451 4.3.0 Try again later")
            case Fate.HTML:
                await self._say("dot", "<html>Welcome</html>")
            case Fate.SLOW:
                await asyncio.sleep(self._server.slow_s)
                await self._say("dot", f"250 2.0.0 Ok: queued as {call.ref.upper()}")
            case _:
                await self._say("dot", f"250 2.0.0 Ok: queued as {call.ref.upper()}")

    async def _say(self, what: str, line: str) -> bool:
        """Answer; return whether it was the usual answer, and a good one."""
        own = self._server.answers.get(what)
        self._writer.write(f"{own or line}\r\n".encode())
        await self._writer.drain()
        if own is not None and own.startswith("421"):
            raise _HungUpError
        return own is None and line[0] in "23"
