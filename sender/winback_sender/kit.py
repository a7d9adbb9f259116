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
from contextlib import ExitStack

from winback_sender.adapter import Adapter, Answer, Heard, Limits, Request, Route, Sent
from winback_sender.adapters.function import Ask, FunctionAdapter
from winback_sender.addresses.book import AddressBook
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.opened import open_addresses
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status, Why
from winback_sender.doorstep import require_topics
from winback_sender.engine.worker import Earliest, Sender, earliest_always
from winback_sender.errors import UserError
from winback_sender.http.calls import Calls, Reply, UnclearError
from winback_sender.kafka_security import cluster_of
from winback_sender.law.at_send import legal_hours
from winback_sender.law_file import law_at
from winback_sender.logs import configure, get_logger
from winback_sender.own_key import demand_own_key
from winback_sender.receipt import Deliver, NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX, SenderSettings, Settings, load_sender_settings
from winback_sender.stop import Stop
from winback_sender.templating.template_book import FileTemplates, NoTemplates

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

log = get_logger(__name__)


def serve(
    deliver: Deliver | Adapter,
    channel: str = "",
    *,
    ask: Ask | None = None,
    name: str = "function",
    limits: Limits = Limits(),  # noqa: B008 (a tuple: nobody can change it)
    addresses: AddressBook | None = None,
    law: Earliest | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run a sender until SIGTERM or Ctrl-C; what is to be told to people goes to standard error.

    Args:
        deliver: Sends one touch; or a whole adapter.
        channel: What it sends through. Empty: ``WINBACK_SENDER_CHANNEL``.
        ask: Asks the provider what became of a touch that is unknown.
        name: Of the provider, for metrics, feedback and the channel law.
        limits: What the provider takes.
        addresses: Knows where a touch goes (`address_for`), and whose address a reply came from.
            None: the book that ``WINBACK_SENDER_ADDRESSES`` names.
        law: When it may be sent. None: at the hours of the channel law, if ``WINBACK_SENDER_LAW``
            or ``WINBACK_SENDER_TEMPLATES`` is set; else always.
        environ: Settings; None: those of the process.

    Raises:
        SystemExit: With one of `errors.Exit`, unless it ended in order.
    """
    adapter = (
        deliver
        if isinstance(deliver, Adapter)
        else FunctionAdapter(deliver, ask, name=name, limits=limits)
    )
    environ = os.environ if environ is None else environ
    try:
        settings, own, channel = _settings(environ, channel)
        configure(settings.log_level, settings.id_key)
        with ExitStack() as stack:
            if addresses is None:
                addresses = open_addresses(own.addresses, environ)
                stack.callback(addresses.close)
            if isinstance(adapter, FunctionAdapter):
                adapter.addresses = addresses
            law = _law(own, law)
            topics = settings.topic_touches, settings.topic_feedback, settings.topic_dead_letters
            cluster = cluster_of(settings)
            demand_own_key(settings, cluster)
            require_topics(cluster, topics)
            sender = Sender(
                settings, own, {channel: adapter}, cluster,
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
    return settings, own, channel


def _law(own: SenderSettings, given: Earliest | None) -> Earliest:
    """Return when touches may be sent; what is set and not kept is said."""
    if given is not None:
        for field in ("law", "templates"):
            if getattr(own, field):
                log.warning("setting_unused", setting=SENDER_PREFIX + field.upper(),
                            why="the sender has a law of its own")  # fmt: skip
        return given
    if not own.law and not own.templates:
        return earliest_always
    law = law_at(own.law)
    templates = FileTemplates(own.templates, law) if own.templates else NoTemplates()
    return legal_hours(law, templates.kind)
