"""The console adapter: prints each touch instead of sending it, and answers for the user."""

import sys
import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter
from winback_sender.adapters.wording import Language, line
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import Status
from winback_sender.own_settings import load_own
from winback_sender.receipt import Receipt
from winback_sender.settings import SENDER_PREFIX
from winback_sender.settings_catalogue import says
from winback_sender.terminal import printable
from winback_sender.tools import Tools

OPT_OUT_SHARE: Final = 0.1
"""Of those who answer, so many want no more messages."""


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the console is told: ``WINBACK_SENDER_CONSOLE_*``."""

    language: Annotated[Language, says("Of what is printed.")] = "en"
    answer_rate: Annotated[
        float, Meta(ge=0, le=1), says("Share of touches that are answered for the user.")
    ] = 0.0


class Console(Adapter):
    """Prints; whole lines, also when several threads do.

    Args:
        write: Takes one line.
        language: Of the words.
        answer_rate: Share of touches that get an answer, 0 … 1: a reply, or now and then an
            opt-out. The touch's id decides, so it is the same in every run.
    """

    name = "console"

    def __init__(
        self, write: Callable[[str], None], language: Language, answer_rate: float
    ) -> None:
        self._write, self._language, self._answer_rate = write, language, answer_rate
        self._lock = threading.Lock()

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Print a touch."""
        receipt = Receipt(answer(touch.touch_id, self._answer_rate))
        with self._lock:
            self._write(line(touch, str(receipt.status), self._language))
        return receipt


def make(tools: Tools) -> Console:
    """Return the console on standard output.

    Raises:
        UserError: A setting is wrong.
    """
    settings = load_own(AdapterSettings, tools.environ, f"{SENDER_PREFIX}CONSOLE_")
    return Console(_print, settings.language, settings.answer_rate)


def answer(touch_id: str, rate: float) -> Status:
    """Return what the user of a touch answers, if anything."""
    digest = blake2b(touch_id.encode(), digest_size=8, person=b"answer").digest()
    drawn = int.from_bytes(digest, "little") / 2**64
    if drawn < rate * OPT_OUT_SHARE:
        return Status.OPTED_OUT
    return Status.REPLIED if drawn < rate else Status.DELIVERED


def _print(text: str) -> None:
    sys.stdout.write(f"{printable(text)}\n")
    sys.stdout.flush()
