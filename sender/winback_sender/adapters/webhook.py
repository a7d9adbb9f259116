"""The adapter of a webhook of your own: touches go out signed, feedback comes back signed."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Limits, Route
from winback_sender.addresses.book import AddressBook
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.sameness import canonical
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.own_settings import load_own
from winback_sender.receipt import Receipt
from winback_sender.settings import SENDER_PREFIX, Settings
from winback_sender.settings_catalogue import load, says
from winback_sender.tools import Tools
from winback_sender.webhooks.receiver import Receiver, open_receiver
from winback_sender.webhooks.signatures import Signer
from winback_sender.webhooks.words_in import answer_words

PREFIX: Final = f"{SENDER_PREFIX}WEBHOOK_"
CALLBACK: Final = "/callbacks/webhook"


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is told: ``WINBACK_SENDER_WEBHOOK_*``."""

    endpoint: Annotated[str, says("Where touches are posted: `https://…`.")]
    secret: Annotated[
        str,
        says(
            "Signs what goes out and what comes back: `whsec_…`; several, separated by spaces, "
            "while it is changed.",
            is_secret=True,
        ),
    ]
    is_idempotent: Annotated[
        bool,
        says(
            "The receiver takes a `webhook-id` once however often it comes (true or false): then "
            "a touch that may have arrived is sent again."
        ),
    ] = False
    with_address: Annotated[
        bool, says("The contact address goes along as `data.address` (true or false).")
    ] = False
    timeout_s: Annotated[
        float, Meta(ge=0.1, le=120), says("Silence after which a touch is unknown.", "s")
    ] = 15.0
    per_s: Annotated[
        float, Meta(ge=0, le=100_000), says("Touches a second at most; 0 = as they come.")
    ] = 0.0


class Webhook(Adapter):
    """One receiver.

    Args:
        receiver: Takes touches.
        signer: Knows the secrets.
        book: Knows the addresses that go along; None = none goes along.
        limits: What the receiver takes.
    """

    name = "webhook"

    def __init__(
        self, receiver: Receiver, signer: Signer, book: AddressBook | None, limits: Limits
    ) -> None:
        self._receiver, self._signer, self._book = receiver, signer, book
        self.limits = limits

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Post a touch.

        Raises:
            NotSentError: It was not taken.
        """
        if self._book is None:
            return self._receiver.send(touch)
        address = address_for(touch, self._book)
        return self._receiver.send(touch, address)._replace(address=canonical(address))

    def routes(self) -> Sequence[Route]:
        """Return where the receiver says what became of touches."""
        return [Route(CALLBACK, partial(answer_words, self._signer, now_ms=now_ms))]

    def close(self) -> None:
        """Close the connections."""
        self._receiver.close()


def make(tools: Tools) -> Webhook:
    """Return the webhook of an environment.

    Raises:
        UserError: A setting is wrong or missing.
    """
    settings = load_own(AdapterSettings, tools.environ, PREFIX)
    signer = Signer(settings.secret, f"{PREFIX}SECRET")
    receiver = open_receiver(
        tools, Webhook.name, settings.endpoint, settings.timeout_s, signer,
        is_idempotent=settings.is_idempotent,
        source=f"/{load(Settings, tools.environ).app_id}/sender/{Webhook.name}",
    )  # fmt: skip
    book = tools.addresses if settings.with_address else None
    limits = Limits(settings.per_s, max(1, round(settings.per_s)))
    return Webhook(receiver, signer, book, limits)
