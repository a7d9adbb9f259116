"""Calls as tasks for a system of the company, posted as the webhook does it."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from winback_sender.adapter import Adapter, Route
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.phone import normalise
from winback_sender.call_lists.sheet import PROVIDER
from winback_sender.clock import now_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.receipt import Receipt
from winback_sender.tools import Tools
from winback_sender.webhooks.receiver import Receiver
from winback_sender.webhooks.signatures import Signer
from winback_sender.webhooks.words_in import answer_words

CALLBACK: Final = "/callbacks/call_list"


class CallTasks(Adapter):
    """Tasks for a system of the company.

    Args:
        tools: Know addresses.
        receiver: The system.
        signer: Knows the secrets.
    """

    name = PROVIDER

    def __init__(self, tools: Tools, receiver: Receiver, signer: Signer) -> None:
        self._tools, self._receiver, self._signer = tools, receiver, signer

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Post a task; the number goes along as ``data.address``.

        Raises:
            NotSentError: There is no number, or the task was not taken.
        """
        address = address_for(touch, self._tools.addresses)
        phone = normalise(address, may_be_landline=True)
        return self._receiver.send(touch, phone)._replace(address=phone)

    def routes(self) -> Sequence[Route]:
        """Return where results are posted."""
        return routes_of(self._signer)

    def close(self) -> None:
        """Close the connections."""
        self._receiver.close()


def routes_of(signer: Signer | None) -> Sequence[Route]:
    """Return where results are posted; nowhere, if nobody could sign them."""
    if signer is None:
        return ()
    return [Route(CALLBACK, partial(answer_words, signer, now_ms=now_ms))]
