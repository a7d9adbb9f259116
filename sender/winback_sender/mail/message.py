"""A touch as an e-mail."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from html import escape
from typing import Final, NamedTuple

from winback_sender.contract.words import Why
from winback_sender.law.template_rules import VARIABLE
from winback_sender.mail.address import MailAddress
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.templating.templates_file import filled

LINK: Final = "unsubscribe_url"
"""The variable of a template that the link goes into; without it a line is added below."""
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
SUBJECT_CHARACTERS_MAX: Final = 200
_FOOTER: Final = "退订 Unsubscribe"
_END_OF_BODY: Final = re.compile(r"</body\s*>", re.IGNORECASE)


class _Ways(UnstructuredHeader):
    """``List-Unsubscribe``: an address a line, whole; the library would encode long ones as words.

    Source:
        RFC 2369 §2, RFC 8058 §3.1.
    """

    def fold(self, *, policy: Policy) -> str:
        """Return the header as it goes over the wire."""
        ways = str(self).replace(", ", f",{policy.linesep} ")
        return f"List-Unsubscribe: {ways}{policy.linesep}"


_HEADERS: Final = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Ways)  # type: ignore[arg-type]  # it is mixed in
_POLICY: Final = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)
"""Any server can carry it, also one without 8BITMIME."""
_WIDE: Final = _POLICY.clone(utf8=True)
"""For a server that takes UTF-8 in headers: the address itself needs it."""


class Letterhead(NamedTuple):
    """What all messages have in common.

    Attributes:
        sender: Who writes.
        name: The name of whoever writes, for people.
        reply_to: Where answers go; None = to the sender.
    """

    sender: MailAddress
    name: str = ""
    reply_to: MailAddress | None = None


def message_of(
    head: Letterhead,
    to: MailAddress,
    touch_id: str,
    template: ProviderTemplate,
    params: Mapping[str, str],
    ways: Sequence[str],
    at: datetime,
) -> bytes:
    """Return a message as it goes over the wire.

    Args:
        head: What all messages have.
        to: Who reads.
        touch_id: Makes the Message-ID; letters, digits, ``-`` and ``_``.
        template: ``text``, ``extra.subject``, and ``extra.html`` if there is to be HTML.
        params: Of the touch; nothing of them can become a header, nor HTML.
        ways: Addresses that unsubscribe, ``https:`` before ``mailto:``; at least one.
        at: When it is sent, with a zone.

    Raises:
        NotSentError: The template lacks a subject or a text, or a variable is missing.
    """
    link = ways[0]
    values = {**params, LINK: link}
    subject = _one_line(filled(template.extra.get("subject", ""), values))
    text = filled(template.text, values)
    if not subject or not text.strip():
        raise NotSentError(Why.NO_TEMPLATE)
    message = _addressed(head, to)
    message["Subject"] = subject[:SUBJECT_CHARACTERS_MAX]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{touch_id}@{head.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
    message["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways)
    if link.startswith("https://"):
        message["List-Unsubscribe-Post"] = ONE_CLICK
    has_link = LINK in VARIABLE.findall(template.text)
    message.set_content(text if has_link else f"{text.rstrip()}\n\n-- \n{_FOOTER}: {link}\n")
    if html := template.extra.get("html", ""):
        message.add_alternative(_html(html, values, link), subtype="html")
    return message.as_bytes()


def _addressed(head: Letterhead, to: MailAddress) -> EmailMessage:
    message = EmailMessage(_POLICY if to.is_ascii else _WIDE)
    message["From"] = Address(head.name, head.sender.local, head.sender.domain)
    message["To"] = Address("", to.local, to.domain)
    if head.reply_to is not None:
        message["Reply-To"] = Address("", head.reply_to.local, head.reply_to.domain)
    return message


def _html(text: str, values: Mapping[str, str], link: str) -> str:
    whole = filled(text, {name: escape(value) for name, value in values.items()})
    if LINK in VARIABLE.findall(text):
        return whole
    footer = f'<p style="font-size:small"><a href="{escape(link)}">{_FOOTER}</a></p>'
    end = _END_OF_BODY.search(whole)
    place = end.start() if end else len(whole)
    return whole[:place] + footer + whole[place:]


def _one_line(text: str) -> str:
    """Return a text that can be one header: a line break in a variable makes no second one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
