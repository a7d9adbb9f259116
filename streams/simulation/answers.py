"""Senders of a world: they deliver touches, and tell what became of them, more or less well."""

from typing import Final

import msgspec

from streams.core.time import DAY_MS, HOUR_MS, MINUTE_MS
from streams.simulation.source import Source
from streams.simulation.world import World, generator
from winback_sender.contract.messages import TouchRequested

PERSON: Final = frozenset({"call", "wecom"})
"""Channels on which a person answers: with an outcome."""


CLICKS: Final = 0.5
"""Share of the users brought back by a message who click on it."""


class Answer(msgspec.Struct, omit_defaults=True):
    """Feedback as a sender writes it."""

    touch_id: str
    user_id: str
    status: str
    at: int
    outcome: str = ""


_ENCODE: Final = msgspec.json.Encoder().encode


class Contact(msgspec.Struct, frozen=True):
    """A touch that a sender took on.

    Attributes:
        touch_id: Which.
        user_id: Whose.
        channel: Where it went.
        at_ms: When it arrived, or failed.
        result: ``failed``, ``nothing``, ``pulled`` or ``pushed``.
    """

    touch_id: str
    user_id: str
    channel: str
    at_ms: int
    result: str


class SenderCrew:
    """All senders.

    Attributes:
        contacts: Every touch that they took on.
        answers: Every feedback that they wrote, in order of writing.
    """

    def __init__(self, world: World, source: Source) -> None:
        self._ways = world.scenario.senders
        self._rng = generator(world.scenario, world.seed, "senders")
        self._source = source
        self.contacts: list[Contact] = []
        self.answers: list[bytes] = []

    def send(self, touch: TouchRequested, now_ms: int) -> None:
        """Take on a touch that was not revoked: deliver it within minutes, and answer."""
        ways, rng = self._ways, self._rng
        life = self._source.lives[touch.user_id]
        at_ms = now_ms + MINUTE_MS + int(rng.integers(10 * MINUTE_MS))
        result = "failed"
        is_failed = touch.channel == life.person.dead or rng.random() < ways.fail
        if not is_failed:
            result = life.touched(at_ms, touch.channel)
        self.contacts.append(Contact(touch.touch_id, touch.user_id, touch.channel, at_ms, result))
        for status, outcome, later_ms in self._words(touch, result):
            self._answer(Answer(touch.touch_id, touch.user_id, status, at_ms + later_ms, outcome))
        if ways.strange and rng.random() < ways.strange:
            self._answer(Answer(f"strange-{at_ms}", touch.user_id, "delivered", at_ms))
            self._answer(Answer(touch.touch_id, f"nobody-{at_ms}", "opted_out", at_ms))

    def _words(self, touch: TouchRequested, result: str) -> list[tuple[str, str, int]]:
        """Return status, outcome and delay of the answers to one touch."""
        ways, rng = self._ways, self._rng
        if ways.silent and rng.random() < ways.silent:
            return []
        if result == "failed":
            return [("failed", "", MINUTE_MS)]
        if rng.random() < ways.opted_out:
            return [("delivered", "", MINUTE_MS), ("opted_out", "", HOUR_MS)]
        if touch.channel in PERSON:
            return [("handled", "promised" if result == "pulled" else "no_answer", HOUR_MS)]
        words = [("sent", "", 0), ("delivered", "", MINUTE_MS)]
        if result == "pulled" and rng.random() < CLICKS:
            words.append(("clicked", "", HOUR_MS))
        return words

    def _answer(self, answer: Answer) -> None:
        ways, rng = self._ways, self._rng
        arrives_ms = answer.at
        if ways.late and rng.random() < ways.late:
            arrives_ms += int(rng.integers(3 * DAY_MS))
        self._put(arrives_ms, answer)
        if ways.twice and rng.random() < ways.twice:
            self._put(arrives_ms + int(rng.integers(HOUR_MS)), answer)
        if ways.contradict and rng.random() < ways.contradict and answer.status != "opted_out":
            other = "delivered" if answer.status == "failed" else "failed"
            opposite = Answer(answer.touch_id, answer.user_id, other, answer.at + MINUTE_MS)
            self._put(arrives_ms + MINUTE_MS, opposite)

    def _put(self, at_ms: int, answer: Answer) -> None:
        value = _ENCODE(answer)
        self.answers.append(value)
        self._source.put(at_ms, answer.user_id, value, is_feedback=True)
