"""What the rules in force make of dead letters, and as what they would be sent again.

Records of our own topics go back as they came, to the partition they came from. A record of
somebody else's topic does not: others read that topic too, and where it is compacted an old row
would take the place of a newer one. It is told as the events that the rules now make of it, and
these go to ``user-activity``, as the router would have sent them.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.core.decoded import Decoded, Rejected, RejectReason, Several, Skipped
from streams.core.interpret import COVERAGE_EVENT, NativeEvent
from streams.intake.bulk import Bulk, bulk_feedback, bulk_native
from streams.intake.told import Tell, Told
from streams.replay.origins import Understanding
from streams.runtime.dead_letter_sends import EVERYWHERE, Send
from streams.runtime.letters import Opened
from streams.runtime.routed_record import Envelope
from streams.settings import Settings
from winback_sender.contract.messages import Output

UNDERSTOOD: Final = "understood"
LEFT_OUT: Final = "left_out"
REJECTED: Final = "rejected"
STUCK: Final = "stuck"

BY_CLOCKS: Final = frozenset({RejectReason.FUTURE, RejectReason.TOO_OLD})
"""What the core refuses of a record that can be read: a part of its events may have been taken."""


class Judged(NamedTuple):
    """What would become of a letter.

    Attributes:
        outcome: ``understood``; ``left_out``: the rules have no use for it, so nothing is sent and
            the letter is closed; ``rejected`` again; ``stuck``: it cannot be sent at all.
        reason: Of what is not understood.
        detail: In words; may quote the record.
        sends: As what it goes.
        forced: As what it goes if it must; of what is rejected.
    """

    outcome: str
    reason: str = ""
    detail: str = ""
    sends: tuple[Send, ...] = ()
    forced: tuple[Send, ...] = ()


class Judge:
    """Reads letters as the rules now say.

    Args:
        meaning: Of the rules.
        settings: Name our own topics.
    """

    def __init__(self, meaning: Understanding, settings: Settings) -> None:
        self._meaning = meaning
        self._settings = settings
        self._tells: dict[str, Tell] = {}
        self._own: Mapping[str, Bulk[Decoded]] = {
            settings.topic_activity: bulk_native(meaning.rules),
            settings.topic_feedback: bulk_feedback(),
        }
        self._inner = {
            settings.topic_touches: "the sender has told the end of this touch; it is not begun "
            "again by sending it again",
            settings.topic_identity: "only the workers write there",
        }

    def judge(self, opened: Opened) -> Judged:
        """Return what would become of a letter."""
        topic = opened.letter.place.topic
        if not opened.letter.is_whole:
            return Judged(STUCK, "cut", "it was too large to be kept whole; its topic has it")
        if topic in self._inner:
            return Judged(STUCK, "not_ours_to_send", self._inner[topic])
        if topic in self._own:
            return self._judge_own(opened, self._own[topic])
        if topic not in self._meaning.topics:
            return Judged(STUCK, "topic_unknown", f"the rules say nothing of the topic {topic}")
        return self._judge_foreign(opened)

    def _judge_own(self, opened: Opened, read: Bulk[Decoded]) -> Judged:
        place, at_ms = opened.letter.place, opened.letter.record_ms
        found = read.careful(opened.key, opened.value or None, at_ms, ())
        output = Output(opened.key, opened.value, list(opened.headers))
        whole = (Send(place.topic, place.partition, output, at_ms),)
        if isinstance(found, Rejected):
            return Judged(REJECTED, found.reason, found.detail, forced=whole)
        if isinstance(found, Skipped):
            return Judged(LEFT_OUT, found.reason)
        count = len(found.inputs) if isinstance(found, Several) else 1
        return self._checked(opened, whole, count)

    def _judge_foreign(self, opened: Opened) -> Judged:
        place, at_ms = opened.letter.place, opened.letter.record_ms
        told = self._told(opened)
        if isinstance(told, Rejected):
            return Judged(REJECTED, told.reason, told.detail)
        if isinstance(told, Skipped):
            return Judged(LEFT_OUT, told.reason)
        envelope = Envelope(place.topic, place.partition, self._settings.app_id)
        sends = []
        for event in told:
            output = envelope.wrap(event, _event_ms(event), place.offset)
            if isinstance(output, Rejected):
                return Judged(REJECTED, output.reason, output.detail)
            sends.append(self._sent(event, output, at_ms))
        return self._checked(opened, tuple(sends), len(sends))

    def _told(self, opened: Opened) -> Told:
        topic = opened.letter.place.topic
        tell = self._tells.get(topic)
        if tell is None:
            source = self._meaning.source(topic, topic)
            tell = self._tells[topic] = self._meaning.tell(source, is_file=False)
        headers = tuple(opened.headers)
        return tell(opened.key, opened.value or None, opened.letter.record_ms, headers)

    def _sent(self, event: NativeEvent, output: Output, at_ms: int) -> Send:
        partition = EVERYWHERE if event.user_id == COVERAGE_EVENT else None
        return Send(self._settings.topic_activity, partition, output, at_ms)

    @staticmethod
    def _checked(opened: Opened, sends: tuple[Send, ...], count: int) -> Judged:
        """Hold back what the core has refused for its time: that time is not another by now."""
        reason = opened.letter.reason
        if reason == RejectReason.TOO_OLD:
            return Judged(REJECTED, reason, "its topic had come further by more than 2H", (), sends)
        if reason in BY_CLOCKS and count > 1:
            what = "some of its events may have been taken; sent again they would count twice"
            return Judged(REJECTED, "partly_taken", what, (), sends)
        return Judged(UNDERSTOOD, sends=sends)


def _event_ms(event: NativeEvent) -> int:
    moment = event.event_time
    return moment if isinstance(moment, int) else round(moment.timestamp() * 1_000)
