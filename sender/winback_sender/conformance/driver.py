"""One run of the kit: everything is set up, goes wrong as planned, and is written down."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from typing import Final, NamedTuple

from winback_sender.clock import now_ms
from winback_sender.conformance.evidence import (
    Asked,
    Called,
    Evidence,
    Receipt,
    Said,
    Unreadable,
)
from winback_sender.conformance.fleet import Fleet
from winback_sender.conformance.havoc import Havoc
from winback_sender.conformance.letters import Kind, Letter, Scene, letters
from winback_sender.conformance.order import Mood, Order, address_book
from winback_sender.conformance.patience import PATIENCE_S, QUIET_S, is_untold, require_start
from winback_sender.conformance.plan import ADDRESSLESS, DUE, UNSPOKEN, Story, Touch
from winback_sender.conformance.wire import (
    Publisher,
    Reader,
    Topics,
    session_timeout_s,
    topics_of_its_own,
)
from winback_sender.contract.instants import HOUR_MS
from winback_sender.settings import SENDER_PREFIX
from winback_sender.standins.addresses import Addresses
from winback_sender.standins.stand_in import Fate

SETTLE_S: Final = 1.5
"""Feedback that was written at the very end is read."""
BEAT_S: Final = 0.02
SILENCE_S: Final = 2.0
"""So long the provider keeps a connection on which it will never answer: a sender that sends one
touch after the other waits through all of them."""
UNCLEAR: Final = frozenset({
    Fate.LOST_ANSWER, Fate.LOST_CALL, Fate.ERROR_AFTER, Fate.ERROR_BEFORE, Fate.HTML,
})  # fmt: skip
MIDDAY: Final = 12

Say = Callable[[str], None]
Progress = Callable[[float], None]


class Outcome(NamedTuple):
    """What came of a run; the notes say what could not be tried."""

    evidence: Evidence
    notes: tuple[str, ...]
    seconds: float


def run(order: Order, say: Say, progress: Progress) -> Outcome:
    """Test a sender once; tells what is done to it, and which share of the touches is answered.

    Raises:
        UserError: Kafka cannot be reached, or refuses.
    """
    began_s = time.monotonic()
    with ExitStack() as stack:
        stage = Stage(order, say, stack)
        stage.play(progress)
        return Outcome(stage.evidence(), tuple(stage.havoc.notes), time.monotonic() - began_s)


def midday_zone(at_ms: int) -> str:
    """Return a zone where it is midday, so that no law of hours holds a touch back."""
    west = at_ms // HOUR_MS % 24 - MIDDAY
    return f"Etc/GMT{west:+d}" if west else "Etc/GMT"  # Its sign is that of POSIX: + is west.


class Stage:
    """All that takes part in a run; the stack takes it down again."""

    def __init__(self, order: Order, say: Say, stack: ExitStack) -> None:
        self._order = order
        start_ms = now_ms()
        self._scene = Scene(start_ms, order.stand.channel, midday_zone(start_ms))
        self._letters = letters(order.plan, self._scene)
        self._ids = {touch.touch_id for touch in order.plan.touches}
        self._book = address_book(order.plan, order.stand)
        topics = order.topics or Topics(*(f"{order.name}-{role}" for role in Topics._fields))
        is_own = order.topics is None
        stack.enter_context(topics_of_its_own(order.cluster, topics, order.group)
                            if is_own else nullcontext())  # fmt: skip
        self._stand_in = order.stand.make(Mood(order.plan, start_ms).turn, self._knows)
        self._stand_in.port = order.port
        self._stand_in.silence_s = SILENCE_S
        stack.enter_context(self._stand_in)
        directory = Addresses(self._knows)
        directory.port = order.port and order.port + 1
        addresses = stack.enter_context(directory)
        if not order.command:
            say(f"PROVIDER_URL={self._stand_in.url} ADDRESSES_URL={addresses.addresses_url}")
        session_s = session_timeout_s(order.cluster)
        self._fleet = Fleet(order.command, self._environ(topics, addresses, session_s),
                            order.folder)  # fmt: skip
        stack.callback(self._fleet.kill_all)
        self._reader = Reader(order.cluster, topics)
        stack.callback(self._reader.close)
        self._publisher = Publisher(order.cluster, topics.touches, order.name, self._letters)
        stack.callback(self._publisher.close)
        self.havoc = Havoc(order, self._fleet, self._stand_in, topic=topics.touches,
                           session_s=session_s, say=say)  # fmt: skip
        self._ended_ms = 0

    def play(self, progress: Progress) -> None:
        """Publish and make trouble until all is answered, or nothing more comes."""
        self._publisher.publish(0.0)
        if self._order.command:
            names = [chr(ord("a") + number) for number in range(self._order.instances)]
            self._stand_in.callback_urls = tuple(map(self._fleet.callback_url, names))
            for name in names:
                self._fleet.start(name)
        self._publisher.begin(self._scene.start_ms)
        self._wait(progress)
        self._ended_ms = now_ms()
        self._fleet.stop_all()
        time.sleep(SETTLE_S)

    def _wait(self, progress: Progress) -> None:
        owed = {touch.touch_id for touch in self._order.plan.touches
                if touch.story not in UNSPOKEN}  # fmt: skip
        before, moved_s = (0, 0), time.monotonic()
        while True:
            time.sleep(BEAT_S)
            self._fleet.watch()
            if not (self._stand_in.calls or self._reader.said):
                require_start(self._fleet, self._order.folder)
            seen = (len(self._stand_in.calls), len(self._reader.said))
            if seen != before or not self._publisher.is_done:
                before, moved_s = seen, time.monotonic()
            still_s = time.monotonic() - moved_s
            answered = owed & {word.touch_id for word in tuple(self._reader.said)}
            share = len(answered) / len(owed)
            progress(share)
            self.havoc.beat(share, still_s)
            is_whole = share == 1.0 and not (
                self._stand_in.owes_receipts or is_untold(self._stand_in, self._reader.said)
            )
            if self.havoc.is_over and still_s >= (QUIET_S if is_whole else PATIENCE_S):
                return

    def evidence(self) -> Evidence:
        """Return what was seen."""
        normal = self._order.stand.addresses.normal
        at_ms = self._publisher.at_ms
        return Evidence(
            touches=tuple(
                self._asked(touch) for touch in self._order.plan.touches if touch.touch_id in at_ms
            ),
            calls=tuple(
                Called(call.touch_id, call.at_ms, call.turn.fate, normal(call.address),
                       call.was_sent, call.turn.fate not in UNCLEAR, call.turn.arrives)
                for call in self._stand_in.calls
            ),
            said=tuple(word for word in self._reader.said if self._is_ours(word)),
            receipts=tuple(
                Receipt(*told) for told in self._stand_in.told if self._stand_in.is_heard
            ),
            lives=tuple(self._fleet.lives),
            unreadable=tuple(self._unreadable()),
            ended_ms=self._ended_ms,
            away=tuple(self.havoc.away),
        )  # fmt: skip

    def _is_ours(self, word: Said) -> bool:
        """Return whether feedback is of this run: topics that stay carry that of others, too."""
        return self._order.topics is None or word.touch_id in self._ids

    def _unreadable(self) -> list[Unreadable]:
        dead = set(self._reader.dead)
        new = {touch.touch_id for touch in self._order.plan.touches
               if touch.story is Story.VERSION}  # fmt: skip

        def found(letter: Letter, what: str, at_ms: int) -> Unreadable:
            return Unreadable(what, at_ms, (letter.value or b"") in dead)

        books = self._publisher
        return [
            *(found(letter, letter.touch_id, books.unreadable_ms[letter.touch_id])
              for letter in self._letters if letter.touch_id in books.unreadable_ms),
            *(found(letter, f"{letter.touch_id}, {Story.VERSION}", books.at_ms[letter.touch_id])
              for letter in self._letters if letter.touch_id in new and letter.kind is Kind.TOUCH
              and letter.touch_id in books.at_ms),
        ]  # fmt: skip

    def _asked(self, touch: Touch) -> Asked:
        stand, touch_id = self._order.stand, touch.touch_id
        address = None if touch.story in ADDRESSLESS else self._book[touch.user_id]
        return Asked(
            touch_id=touch_id,
            user_id=touch.user_id,
            story=touch.story,
            published_ms=self._publisher.at_ms[touch_id],
            not_before_ms=self._scene.at_ms(touch.not_before_s),
            expires_ms=self._scene.at_ms(touch.expires_s),
            address=None if address is None else stand.addresses.normal(address),
            revoked_ms=self._publisher.revoked_ms.get(touch_id),
            is_committed=touch.story is not Story.ABORTED,
            is_due=touch.story in DUE - stand.may_refuse,
            needs_word=touch.story not in UNSPOKEN,
            may_be_hard=touch.story is Story.ODD_ADDRESS,
        )

    def _knows(self, user_id: str, channel: str) -> str | None:
        return self._book.get(user_id) if channel == self._order.stand.channel else None

    def _environ(self, topics: Topics, addresses: Addresses, session_s: float) -> Mapping[str, str]:
        """Return the environment of the sender."""
        order = self._order
        (state := order.folder / "state").mkdir(exist_ok=True)
        return os.environ | {
            "WINBACK_KAFKA_BOOTSTRAP": str(order.cluster),
            "WINBACK_TOPIC_TOUCHES": topics.touches,
            "WINBACK_TOPIC_FEEDBACK": topics.feedback,
            "WINBACK_TOPIC_DEAD_LETTERS": topics.dead_letters,
            "WINBACK_APP_ID": order.name,
            "WINBACK_SESSION_TIMEOUT_S": f"{session_s:g}",
            f"{SENDER_PREFIX}GROUP": order.group,
            f"{SENDER_PREFIX}STATE": str(state),
            f"{SENDER_PREFIX}CHANNEL": order.stand.channel,
            f"{SENDER_PREFIX}ADDRESSES": addresses.addresses_url,
            "ADDRESSES_URL": addresses.addresses_url,
            "PROVIDER_URL": self._stand_in.url,
            "PYTHONFAULTHANDLER": "1",
            **order.stand.environ(self._stand_in, order.folder),
        }
