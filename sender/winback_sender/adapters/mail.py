"""The adapter of e-mail: SMTP, from any provider or server of the company.

A message is accepted when the server has it. Bounces that come later as messages are not read.
"""

import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Limits, Route
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.sameness import canonical
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Why
from winback_sender.errors import UserError
from winback_sender.http.calls import UnclearError
from winback_sender.mail.address import MailAddress, mail_address
from winback_sender.mail.line import Server
from winback_sender.mail.message import LINK, Letterhead, message_of
from winback_sender.mail.smtp import PostOffice
from winback_sender.mail.unsubscribe import PATH, Unsubscribing
from winback_sender.own_settings import load_own
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX, Settings
from winback_sender.settings_catalogue import load, says
from winback_sender.tools import Tools

PREFIX: Final = f"{SENDER_PREFIX}EMAIL_"
SECURITY: Final = {"smtps": ("tls", 465), "smtp+starttls": ("starttls", 587), "smtp": ("none", 25)}
"""Scheme of the endpoint to how a connection is secured, and the usual port."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What e-mail is told: ``WINBACK_SENDER_EMAIL_*``."""

    endpoint: Annotated[
        str,
        says(
            "Server: `smtps://HOST[:465]` (TLS), `smtp+starttls://HOST[:587]`, or "
            "`smtp://HOST[:25]` (in the clear)."
        ),
    ]
    sender: Annotated[str, says("Address that messages come from.")]
    sender_name: Annotated[str, says("Name beside it, for people.")] = ""
    reply_to: Annotated[str, says("Address that answers go to. Empty: the sender's.")] = ""
    unsubscribe_url: Annotated[
        str,
        says(
            f"Public `https://` address that unsubscribes: ours, `{PATH}`, behind your gateway, or "
            "one of your own. The touch and a signature are appended."
        ),
    ] = ""
    unsubscribe_mailto: Annotated[
        str, says("Mailbox that takes unsubscriptions. This or the URL is needed.")
    ] = ""
    username: Annotated[str, says("Account at the server. Empty: it asks for none.")] = ""
    password: Annotated[str, says("Password of the account.", is_secret=True)] = ""
    ca_file: Annotated[str, says("Certificates to trust (PEM). Empty: the system's.")] = ""
    timeout_s: Annotated[
        float, Meta(ge=0.1, le=600), says("Silence of the server in any phase.", "s")
    ] = 60.0
    connections: Annotated[
        int, Meta(ge=1, le=1_000), says("Connections to the server at the same time.")
    ] = 8
    per_s: Annotated[
        float, Meta(ge=0, le=100_000), says("Messages a second at most; 0 = as they come.")
    ] = 0.0


class Mail(Adapter):
    """E-mail.

    Args:
        tools: Know addresses and templates.
        office: Hands messages over.
        head: What all messages have.
        unsubscribing: Makes links.
        limits: What the server takes.
    """

    name = "email"

    def __init__(
        self, tools: Tools, office: PostOffice, head: Letterhead, unsubscribing: Unsubscribing,
        limits: Limits,
    ) -> None:  # fmt: skip
        self._tools, self._office, self._head = tools, office, head
        self._unsubscribing = unsubscribing
        self.limits = limits

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Send a touch.

        Raises:
            NotSentError: The server does not have it.
        """
        if not _ID.fullmatch(touch.touch_id):
            raise NotSentError(Why.NOT_READABLE)
        template = self._tools.templates.lookup(self.name, touch.template_key)
        ways = self._unsubscribing.ways(touch.touch_id)
        self._tools.templates.values(template, {**touch.params, LINK: ways[0]})
        to = mail_address(address_for(touch, self._tools.addresses))
        message = message_of(
            self._head, to, touch.touch_id, template, touch.params, ways, datetime.now(UTC)
        )
        address = canonical(str(to))
        try:
            receipt = self._office.send(self._head.sender, to, touch.touch_id, message)
        except UnclearError as error:
            return error.receipt(address)
        return receipt._replace(address=address)

    def routes(self) -> Sequence[Route]:
        """Return where people unsubscribe."""
        return [Route(PATH, self._unsubscribing.answer)]

    def close(self) -> None:
        """End the connections."""
        self._office.close()


def make(tools: Tools) -> Mail:
    """Return the e-mail of an environment.

    Raises:
        UserError: A setting is wrong or missing.
    """
    settings = load_own(AdapterSettings, tools.environ, PREFIX)
    sender = _address("sender", settings.sender)
    _demand_a_way_out(settings)
    head = Letterhead(
        sender,
        " ".join(settings.sender_name.split()),
        _address("reply_to", settings.reply_to) if settings.reply_to else None,
    )
    office = PostOffice(_server(settings, sender), settings.connections)
    keys = load(Settings, tools.environ).id_keys
    mailto = settings.unsubscribe_mailto
    mailto = str(_address("unsubscribe_mailto", mailto)) if mailto else ""
    unsubscribing = Unsubscribing(
        settings.unsubscribe_url, mailto, keys.newest, keys.secrets_before
    )
    limits = Limits(settings.per_s, max(1, round(settings.per_s)))
    return Mail(tools, office, head, unsubscribing, limits)


def _demand_a_way_out(settings: AdapterSettings) -> None:
    """Refuse to send what nobody can unsubscribe from.

    Raises:
        UserError: There is no way, or the URL is none for a mail program.
    """
    url = settings.unsubscribe_url
    if not url and not settings.unsubscribe_mailto:
        raise UserError(
            f"{PREFIX}UNSUBSCRIBE_URL and {PREFIX}UNSUBSCRIBE_MAILTO are not set",
            "every message must say how to refuse the next one",
        )
    if url and (not url.startswith("https://") or not url.isascii() or set(url) & set(' <>,"')):
        raise UserError(f"{PREFIX}UNSUBSCRIBE_URL is no https:// address", "RFC 8058 wants one")


def _server(settings: AdapterSettings, sender: MailAddress) -> Server:
    try:
        parts = urlsplit(settings.endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in SECURITY or not host or parts.username or parts.path not in ("", "/"):
        raise UserError(
            f"{PREFIX}ENDPOINT is none of smtps://HOST, smtp+starttls://HOST, smtp://HOST",
            f"the account goes into {PREFIX}USERNAME and {PREFIX}PASSWORD",
        )
    security, usual = SECURITY[parts.scheme]
    if security == "none" and settings.username and host not in _HERE:
        raise UserError(
            f"{PREFIX}ENDPOINT would send the password in the clear", "use smtps or smtp+starttls"
        )
    try:
        ca_file = str(Path(settings.ca_file).expanduser()) if settings.ca_file else None
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"{PREFIX}CA_FILE cannot be read: {error}", "certificates in PEM") from None
    return Server(
        host, port or usual, security, context, settings.username, settings.password,
        sender.domain, settings.timeout_s,
    )  # fmt: skip


def _address(field: str, text: str) -> MailAddress:
    try:
        found = mail_address(text)
    except NotSentError:
        raise UserError(
            f"{PREFIX}{field.upper()} = {text!r}, but it must be an e-mail address",
            "such as a@b.cn",
        ) from None
    if not found.is_ascii:
        raise UserError(f"{PREFIX}{field.upper()} = {text!r} is not ASCII before the @", "")
    return found
