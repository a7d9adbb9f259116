"""The door for developers of senders: all that a sender needs is imported from here.

from winback_sender.kit import NotSentError, Receipt, Status, TouchRequested, serve

def deliver(touch: TouchRequested) -> Receipt:
...

if __name__ == "__main__":
serve(deliver, channel="sms")
"""

import os
import sys
from collections.abc import Mapping

from winback_sender.adapter import Adapter, Answer, Heard, Limits, Request, Route, Sent
from winback_sender.adapters.function import Ask, FunctionAdapter
from winback_sender.addresses.book import AddressBook
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.opened import open_addresses
from winback_sender.calls import Calls, Reply, UnclearError
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.doorstep import require_topics
from winback_sender.errors import Unavailable, UserError
from winback_sender.logs import configure
from winback_sender.receipt import Deliver, NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX, SenderSettings, Settings, load_sender_settings
from winback_sender.stop import Stop
from winback_sender.worker import Earliest, Sender, earliest_always

__all__ = [
    "Adapter",
    "AddressBook",
    "Answer",
    "Ask",
    "Calls",
    "Deliver",
    "Earliest",
    "FunctionAdapter",
    "Heard",
    "Limits",
    "NotSentError",
    "Receipt",
    "Reply",
    "Request",
    "Route",
    "Sender",
    "SenderSettings",
    "Sent",
    "Settings",
    "Status",
    "TouchRequested",
    "UnclearError",
    "Why",
    "address_for",
    "open_addresses",
    "serve",
]  # fmt: skip


def serve(
    deliver: Deliver | Adapter,
    channel: str = "",
    *,
    ask: Ask | None = None,
    name: str = "function",
    limits: Limits = Limits(),  # noqa: B008 (a tuple: nobody can change it)
    addresses: AddressBook | None = None,
    law: Earliest = earliest_always,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run a sender until SIGTERM or Ctrl-C; what is to be told to people goes to standard error.

    Args:
        deliver: Sends one touch; or a whole adapter.
        channel: What it sends through. Empty: ``WINBACK_SENDER_CHANNEL``.
        ask: Asks the provider what became of a touch that is unknown.
        name: Of the provider, for metrics, feedback and the channel law.
        limits: What the provider takes.
        addresses: Knows whose address a reply came from; where a function gets the addresses
            that it sends to is its own affair.
        law: When it may be sent.
        environ: Settings; None: those of the process.

    Raises:
        SystemExit: With one of `errors.Exit`, unless it ended in order.
    """
    adapter = (
        deliver
        if isinstance(deliver, Adapter)
        else FunctionAdapter(deliver, ask, name=name, limits=limits)
    )
    try:
        settings, own, channel = _settings(os.environ if environ is None else environ, channel)
        configure(settings.log_level, settings.id_key)
        topics = settings.topic_touches, settings.topic_feedback, settings.topic_dead_letters
        require_topics(settings.kafka_bootstrap, topics)
        sender = Sender(
            settings, own, {channel: adapter}, settings.kafka_bootstrap,
            addresses=addresses, law=law,
        )  # fmt: skip
        sender.run(Stop().is_asked)
    except UserError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        sys.stderr.write(f"{error.message}{hint}\n")
        sys.exit(error.exit_code)
    finally:
        adapter.close()


def _settings(environ: Mapping[str, str], channel: str) -> tuple[Settings, SenderSettings, str]:
    settings, own = load_sender_settings(environ)
    channel = channel or environ.get(f"{SENDER_PREFIX}CHANNEL", "").strip()
    if not channel:
        raise UserError("no channel is named", f"set {SENDER_PREFIX}CHANNEL, as in sms")
    if not settings.kafka_bootstrap:
        raise Unavailable("no Kafka is known", "set WINBACK_KAFKA_BOOTSTRAP=host:port")
    return settings, own, channel
