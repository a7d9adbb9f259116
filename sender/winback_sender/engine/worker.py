"""The sender as a process: its threads, and how they begin and end.

The reader has the Kafka consumer, the couriers call providers, the ear hears what providers say
later, the web serves. All they have goes through one queue to the main thread, which alone writes
the journal (`loop`).
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Final

from kafka.errors import KafkaError

from winback_sender.adapter import Adapter
from winback_sender.addresses.book import AddressBook
from winback_sender.clock import Clock, EventClock, WallClock
from winback_sender.cluster import Cluster
from winback_sender.engine.courier import Couriers
from winback_sender.engine.crew import Crew, Mail
from winback_sender.engine.desk import Desk
from winback_sender.engine.ear import Ear
from winback_sender.engine.endings import Endings
from winback_sender.engine.intake import Intake
from winback_sender.engine.journal import Journal
from winback_sender.engine.lane import Earliest, Lanes, earliest_always
from winback_sender.engine.loop import Loop
from winback_sender.engine.metrics import Meter
from winback_sender.engine.reader import Reader
from winback_sender.engine.resolver import Resolver
from winback_sender.engine.state import group_of, journal_path
from winback_sender.engine.teller import Teller
from winback_sender.engine.web import Web
from winback_sender.errors import Unavailable
from winback_sender.logs import get_logger
from winback_sender.settings import SenderSettings, Settings

log = get_logger(__name__)

__all__ = ["Earliest", "Sender", "earliest_always"]

STOP_WITHIN_S: Final = 20.0
"""So long touches under way may take to end, and Kafka to take what is said of them."""
LEAVE_WITHIN_S: Final = 5.0
CLOSE_WITHIN_S: Final = 1.0
"""Together they are less than `EXIT_WITHIN_S`, or who only waits for Kafka is cut off."""
BEAT_MAX_S: Final = 60.0
"""A main thread that has not turned for so long hangs."""


class Sender:
    """One process of the consumer group of a sender.

    Args:
        settings: Names the topics and the deployment.
        own: Settings of senders.
        routes: Channel to its adapter; ``*`` stands for every other channel.
        cluster: Where Kafka is.
        addresses: Knows whose address a reply came from.
        law: When a touch may be sent.
        clock: What time it is; None: as the settings say.
        adopts_journal: Go on with another journal than the one that worked before.

    Attributes:
        counts: What happened so far: touches by what they ended with.
        group: The consumer group.
        web_port: Port of metrics, health and call-backs, once it runs.
    """

    def __init__(
        self,
        settings: Settings,
        own: SenderSettings,
        routes: Mapping[str, Adapter],
        cluster: Cluster,
        *,
        addresses: AddressBook | None = None,
        law: Earliest = earliest_always,
        clock: Clock | None = None,
        adopts_journal: bool = False,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.group = group_of(settings, own, routes)
        self.web_port = own.web_port
        self._settings = settings
        self._own = own
        self._cluster = cluster
        self._addresses = addresses
        self._law = law
        self._clock = clock or (EventClock() if settings.clock == "event" else WallClock())
        self._adopts = adopts_journal
        self._chance = random.Random()  # noqa: S311 (pauses, no secrets)
        self._lanes = Lanes(routes, self._chance, own.unknown_after_s)
        self._meter = Meter()
        self._mail: SimpleQueue[Mail] = SimpleQueue()

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Send until asked to stop; then what is under way ends, and is reported.

        Raises:
            Unavailable: Kafka is away for too long; start it again, nothing is sent twice.
            UserError: The journal cannot be used, or is another one than that of before.
        """
        try:
            with self._at_work(is_stopping) as (loop, crew, ear):
                while not is_stopping():
                    loop.turn(may_begin=True)
                self._finish(loop, crew, ear)
        except KafkaError as error:
            raise Unavailable(
                f"Kafka failed and did not come back in time: {error!r}",
                "start the sender again when Kafka is reachable: the journal knows what was sent",
            ) from error

    def _finish(self, loop: Loop, crew: Crew, ear: Ear) -> None:
        """Let end what is under way, for a while, keep what was heard, commit what is done."""
        crew.couriers.stop()
        end_s = time.monotonic() + STOP_WITHIN_S
        while not loop.is_idle and time.monotonic() < end_s:
            loop.turn(may_begin=False)
        ear.stop()
        while not self._mail.empty() and time.monotonic() < end_s:
            loop.turn(may_begin=False)
        if crew.desk.under_way:
            log.warning("touches_cut_off", touches=crew.desk.under_way,
                        next="they are unknown until the provider says more")  # fmt: skip
        if crew.teller.lacking:
            log.warning("feedback_left", records=crew.teller.lacking,
                        next="they are told again at the next start")  # fmt: skip
        loop.commit()

    @contextmanager
    def _at_work(self, is_stopping: Callable[[], bool]) -> Iterator[tuple[Loop, Crew, Ear]]:
        """Give the loop with all threads running; end them whatever happens."""
        own, settings, put = self._own, self._settings, self._mail.put
        with ExitStack() as ends:
            journal = ends.enter_context(
                Journal(
                    journal_path(own, self.group), settings.id_key, settings.id_keys.secrets_before
                )
            )
            for lane in self._lanes.all:
                lane.adapter.is_revoked = journal.is_revoked
            endings = Endings(journal, self._meter)
            self.counts = endings.counts
            desk = Desk(
                self._lanes, journal, endings, self._clock,
                law=self._law, chance=self._chance.random,
            )  # fmt: skip
            intake = Intake(
                desk.trays, self._lanes, journal, endings, self._clock, self._meter,
                topic=settings.topic_touches, refuses_others=own.other_channels == "refuse",
            )  # fmt: skip
            ear = Ear(self._lanes, self._addresses, put)
            resolver = Resolver(journal, endings, self._lanes, self._clock, ear, self._meter)
            couriers = Couriers(journal, self._clock, own.parallel, put)
            teller = Teller(
                self._cluster, settings.topic_feedback, settings.topic_dead_letters,
                f"/{settings.app_id}/sender/{self.group}", put,
            )  # fmt: skip
            ends.callback(teller.close, CLOSE_WITHIN_S)
            reader = Reader(
                self._cluster, self.group, settings.topic_touches, settings.session_timeout_s,
                journal.id, adopts=self._adopts, tell=put,
            )  # fmt: skip
            crew = Crew(desk, intake, endings, resolver, couriers, reader, teller)
            loop = Loop(
                crew, self._mail, self._clock, self._meter,
                parallel=own.parallel, is_stopping=is_stopping,
            )  # fmt: skip
            web = self._web(ear, loop, crew)
            web.start()
            self.web_port = web.port
            ends.callback(web.stop, CLOSE_WITHIN_S)
            couriers.start()
            ends.callback(couriers.stop)
            ear.start()
            ends.callback(ear.close)
            reader.start()
            ends.callback(reader.stop, LEAVE_WITHIN_S)
            yield loop, crew, ear

    def _web(self, ear: Ear, loop: Loop, crew: Crew) -> Web:
        def is_alive() -> str:
            silent_s = time.monotonic() - loop.beat_s
            return f"the main thread hangs for {silent_s:.0f} s" if silent_s > BEAT_MAX_S else ""

        def is_ready() -> str:
            if not crew.reader.listener.has_joined:
                return "the consumer group has not given partitions yet"
            if crew.teller.is_held_up:
                return f"Kafka lacks {crew.teller.lacking} records of feedback"
            return is_alive()

        return Web(
            self._own.web_host, self._own.web_port, self._lanes, self._meter, ear.hear,
            token=self._settings.web_token, is_alive=is_alive, is_ready=is_ready,
        )  # fmt: skip
