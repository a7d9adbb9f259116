"""What a task of WeCom says, and to whom."""

import re
from typing import Any, Final, NamedTuple

from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate

TEXT_BYTES_MAX: Final = 4_000
TITLE_CHARACTERS_MAX: Final = 40
_ADDRESS: Final = re.compile(
    r"(?:(?P<userid>[A-Za-z0-9._@-]{1,64})/)?(?P<customer>[A-Za-z0-9_-]{1,64})"
)


class Customer(NamedTuple):
    """Whom a task is for, and who sends; empty = WeCom chooses."""

    external_userid: str
    userid: str


def body_of(template: ProviderTemplate, text: str, customer: Customer) -> dict[str, Any]:
    """Return the call that creates a task, with a link where the template has one."""
    body: dict[str, Any] = {
        "chat_type": "single",
        "external_userid": [customer.external_userid],
        "text": {"content": text},
    }
    if customer.userid:
        body["sender"] = customer.userid
    if template.url:
        title = template.extra.get("link_title") or text[:TITLE_CHARACTERS_MAX]
        link = {"title": title, "url": template.url}
        body["attachments"] = [{"msgtype": "link", "link": link}]
    return body


def customer_of(address: str) -> Customer:
    """Return whom an address means.

    Raises:
        NotSentError: It is none.
    """
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        raise NotSentError(Why.BAD_ADDRESS, HARD)
    return Customer(found["customer"], found["userid"] or "")
