"""The adapter of call lists: files that staff fill in, or tasks for a system of the company.

Files: a touch is accepted when it is on disk; every so many minutes the list is written, in the
order in which to call. What staff write into the column of results comes back as feedback.
Tasks: each touch is posted as the webhook does it.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from winback_sender.adapter import Adapter, Heard, Route, Sent
from winback_sender.addresses.needed import address_for
from winback_sender.addresses.phone import normalise
from winback_sender.call_lists.columns import Language
from winback_sender.call_lists.folder import Folder, Read
from winback_sender.call_lists.sheet import PROVIDER, line_of, order_of, words_of
from winback_sender.call_lists.shelf import Shelf
from winback_sender.call_lists.tasks import CallTasks, routes_of
from winback_sender.clock import now_ms
from winback_sender.contract.instants import DAY_MS, instant_ms
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import UNSENT, Status, Why
from winback_sender.engine.state import journal_path
from winback_sender.errors import UserError
from winback_sender.logs import get_logger
from winback_sender.own_settings import load_own
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX, Settings, load_sender_settings
from winback_sender.settings_catalogue import load, says
from winback_sender.tools import Tools
from winback_sender.webhooks.receiver import open_receiver
from winback_sender.webhooks.signatures import Signer

log = get_logger(__name__)

PREFIX: Final = f"{SENDER_PREFIX}CALL_LIST_"
KEPT_MS: Final = 90 * DAY_MS
"""A list that staff return later than that is not known any more."""
MINUTE_MS: Final = 60_000


class AdapterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What call lists are told: ``WINBACK_SENDER_CALL_LIST_*``."""

    folder: Annotated[
        str, says("Folder of the lists; staff put them back into `returned` in it. Needed unless "
                  "there is an endpoint.")
    ] = ""  # fmt: skip
    every_min: Annotated[
        int, Meta(ge=1, le=60), says("A list is written so often, if there is anything.", "min")
    ] = 15
    language: Annotated[Language, says("Of headings, reasons and what to say.")] = "zh"
    timezone: Annotated[str, says("Zone of staff: names of lists, instants on them.")] = (
        "Asia/Shanghai"
    )
    endpoint: Annotated[
        str, says("Instead of files, tasks are posted here: `https://…`, as by the webhook.")
    ] = ""
    secret: Annotated[
        str,
        says(
            "Signs tasks, and results that are posted to us: `whsec_…`, several separated by "
            "spaces. Without it no results are taken over HTTP.",
            is_secret=True,
        ),
    ] = ""
    is_idempotent: Annotated[
        bool, says("The endpoint takes a `webhook-id` once only (true or false).")
    ] = False
    timeout_s: Annotated[
        float, Meta(ge=0.1, le=120), says("Silence of the endpoint.", "s")
    ] = 15.0  # fmt: skip


class CallList(Adapter):
    """Lists in files.

    Args:
        tools: Know addresses and templates.
        settings: Language, zone, how often.
        folder: Where the lists are.
        shelf: Knows which touch is on which.
        signer: Knows the secrets of results that are posted; None = none are taken.
    """

    name = PROVIDER

    def __init__(
        self, tools: Tools, settings: AdapterSettings, folder: Folder, shelf: Shelf,
        signer: Signer | None,
    ) -> None:  # fmt: skip
        self._tools, self._settings = tools, settings
        self._folder, self._shelf, self._signer = folder, shelf, signer
        self._zone = _zone(settings.timezone)
        self._lock = threading.Lock()
        self._read: list[Read] = []
        self._dropped: list[str] = []
        self._pruned_ms = 0

    def deliver(self, touch: TouchRequested) -> Receipt:
        """Put a touch on the next list.

        Raises:
            NotSentError: There is no number, it is none, or the disk is full.
        """
        address = address_for(touch, self._tools.addresses)
        phone = normalise(address, may_be_landline=True)
        language = self._settings.language
        say = words_of(touch, self._tools.templates, language)
        cells = line_of(touch, phone, say, language, self._zone)
        expires_ms = instant_ms(touch.expires_at)
        try:
            self._shelf.put(
                touch.touch_id, cells, order_of(touch), expires_ms, now_ms(), self._span
            )
        except sqlite3.Error as error:  # Once more does no harm: it is put there once.
            log.warning("call_list_memory_failed", error=repr(error))
            raise NotSentError(Why.UNAVAILABLE, retry=True) from None
        return Receipt(Status.ACCEPTED, address=phone)

    def ask(self, sent: Sent) -> Receipt | None:
        """Say whether a touch is on a list, after a crash in between."""
        match self._shelf.state(sent.touch_id):
            case None:
                return Receipt(Status.FAILED, UNSENT, Why.INTERRUPTED)
            case "waiting" | "listed":
                return Receipt(Status.ACCEPTED)
            case reason:
                return Receipt(Status.FAILED, UNSENT, reason)

    def collect(self) -> Iterable[Heard]:
        """Write the lists that are due, and return what staff have said since.

        A file is put away at the next call, when its words are on disk.
        """
        with self._lock:
            return self._collect()

    def routes(self) -> Sequence[Route]:
        """Return where results may be posted."""
        return routes_of(self._signer)

    def close(self) -> None:
        """Close the memory."""
        self._shelf.close()

    def _collect(self) -> list[Heard]:
        for read in self._read:
            self._folder.put_away(read)
        self._shelf.told(self._dropped)
        self._read, self._dropped = [], []
        at_ms = now_ms()
        if at_ms - self._pruned_ms > DAY_MS:
            self._pruned_ms = at_ms
            self._shelf.prune(at_ms - KEPT_MS)
        try:
            self._shelf.publish(at_ms, self._span, self._folder.write, self.is_revoked)
        except (OSError, sqlite3.Error) as error:  # The share is away: what waits, waits.
            log.warning("call_list_not_written", error=repr(error))
        try:
            self._read = self._folder.read(lambda touch_id: self._shelf.state(touch_id) is not None)
        except OSError as error:
            log.warning("call_list_not_readable", error=error.strerror)
        dropped = self._shelf.dropped()
        self._dropped = [touch_id for touch_id, _ in dropped]
        heard = [
            Heard(Receipt(Status.FAILED, UNSENT, reason), touch_id=touch_id)
            for touch_id, reason in dropped
        ]
        for read in self._read:
            said = read.returned.results.items()
            heard += [Heard(receipt, read.at_ms, touch_id) for touch_id, receipt in said]
        return heard

    def _span(self, at_ms: int) -> tuple[str, int]:
        """Return the list that is collected at an instant, and when it ends."""
        length_ms = self._settings.every_min * MINUTE_MS
        end_ms = (at_ms // length_ms + 1) * length_ms
        end = datetime.fromtimestamp(end_ms / 1_000, UTC).astimezone(self._zone)
        return f"calls-{end:%Y-%m-%d-%H%M}.csv", end_ms


def make(tools: Tools) -> CallList | CallTasks:
    """Return the call lists of an environment.

    Raises:
        UserError: A setting is wrong or missing, or the folder cannot be used.
    """
    settings = load_own(AdapterSettings, tools.environ, PREFIX)
    signer = Signer(settings.secret, f"{PREFIX}SECRET") if settings.secret else None
    if settings.endpoint:
        if signer is None:
            raise UserError(f"{PREFIX}SECRET is not set", "what is posted is signed")
        receiver = open_receiver(
            tools, PROVIDER, settings.endpoint, settings.timeout_s, signer,
            is_idempotent=settings.is_idempotent,
            source=f"/{load(Settings, tools.environ).app_id}/sender/{PROVIDER}",
        )  # fmt: skip
        return CallTasks(tools, receiver, signer)
    if not settings.folder:
        raise UserError(f"{PREFIX}FOLDER is not set", f"or {PREFIX}ENDPOINT for tasks over HTTP")
    shared, own = load_sender_settings(tools.environ)
    memory = journal_path(own, f"{shared.app_id}-{PROVIDER}")
    folder = Folder(Path(settings.folder).expanduser(), settings.language)
    return CallList(tools, settings, folder, Shelf(memory), signer)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UserError(
            f"{PREFIX}TIMEZONE = {name!r}, but there is no such zone", "such as Asia/Shanghai"
        ) from None
