"""What can be done: each through its topic, by the modules that the commands use."""

import asyncio
from typing import Final, NamedTuple

import msgspec

from streams.console.views import calls, person
from streams.console.views.asked import Book
from streams.core.controls import CHANNEL, OFF, ON, PLAYBOOK, STOP
from streams.core.partitioner import partition_of
from streams.core.time import iso
from streams.replay.letters import LEFT_OUT, UNDERSTOOD, Judge
from streams.replay.origins import Understanding
from streams.runtime.control_desk import give, order_of
from streams.runtime.dead_letter_desk import Desk as LetterDesk
from streams.runtime.dead_letter_sends import Send
from streams.runtime.dead_letter_survey import Wanted
from streams.runtime.erasure.sweep import sweep
from streams.runtime.erasure.wish import demand_ids, publish
from streams.runtime.letters import Opened, Place
from streams.runtime.publisher import Publisher
from streams.runtime.ticks import now_ms
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.messages import Feedback
from winback_sender.contract.words import OUTCOMES, Status

PROVIDER: Final = "console"
"""What the words of people at the console name as who carried the touch."""


class Done(NamedTuple):
    """What came of it.

    Attributes:
        is_done: Whether it was done.
        key: Of the words that say so.
        facts: That they name.
    """

    is_done: bool
    key: str
    facts: dict[str, object] = {}  # noqa: RUF012 (nobody changes it)


class Orders:
    """Writes to the topics what people ask for.

    Args:
        cluster: Where Kafka is.
        settings: Name the topics.
    """

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._cluster, self._settings = cluster, settings
        self._letters = LetterDesk(cluster, settings.topic_dead_letters, settings.app_id)

    async def opt_out(self, book: Book, name: str) -> Done:
        """Say for a user that nobody may write any more, on any channel."""
        ids = await asyncio.to_thread(person.ids_of_person, book, name)
        if not ids:
            return Done(is_done=False, key="unknown_user")
        word = Feedback("", ids[0], Status.OPTED_OUT.value, now_ms(), provider=PROVIDER)
        await self._say(word)
        return Done(is_done=True, key="d_opt_out")

    async def erase(self, book: Book, name: str, typed: str) -> Done:
        """Let the service forget a person under all ids, and delete the decisions."""
        ids = await asyncio.to_thread(person.ids_of_person, book, name)
        if not ids:
            return Done(is_done=False, key="unknown_user")
        if typed.strip() != ids[0]:
            return Done(is_done=False, key="e_confirm")
        return await asyncio.to_thread(self._erase, book, ids)

    def _erase(self, book: Book, ids: list[str]) -> Done:
        at_ms = now_ms()
        demand_ids(ids, book.rules, at_ms)
        publish(self._cluster, self._settings, ids, book.rules, at_ms)
        doomed = frozenset(ids)
        sweep(self._cluster, self._settings.topic_decisions, lambda user_id, _: user_id in doomed)
        return Done(is_done=True, key="d_erase")

    async def order(self, book: Book, key: str, value: str, typed: str, by: str) -> Done:
        """Give or lift an order of operators: stop, or the pause of a playbook or channel."""
        steps = [step for one in book.rules.playbooks for variant in one.variants
                 for step in variant.steps]  # fmt: skip
        known = {STOP, *(f"{PLAYBOOK}{one.name}" for one in book.rules.playbooks),
                 *(f"{CHANNEL}{step.channel}" for step in steps)}  # fmt: skip
        if value not in {ON, OFF} or (value == ON and key not in known):
            return Done(is_done=False, key="refused")
        if value == OFF and key != STOP and not key.startswith((PLAYBOOK, CHANNEL)):
            return Done(is_done=False, key="refused")
        if key == STOP and value == ON and typed.strip() != "STOP":
            return Done(is_done=False, key="e_confirm")
        newest_ms = await asyncio.to_thread(book.now_ms)
        order = order_of(key, value, by, self._settings, newest_ms)
        await give(self._cluster, self._settings, order, 0.0)
        return Done(is_done=True, key="d_order")

    async def outcome(self, book: Book, touch_id: str, outcome: str) -> Done:
        """Say what came of a call."""
        if outcome not in OUTCOMES[Status.HANDLED.value]:
            return Done(is_done=False, key="refused")
        found = await asyncio.to_thread(calls.call, book, touch_id)
        if found is None:
            return Done(is_done=False, key="gone_before")
        user_id, channel, _ = found
        await self._say(Feedback(
            touch_id, user_id, Status.HANDLED.value, now_ms(), outcome=outcome, channel=channel,
            provider=PROVIDER,
        ))  # fmt: skip
        return Done(is_done=True, key="d_outcome")

    async def letters(self, book: Book, wanted: Wanted, what: str, because: str, by: str) -> Done:
        """Send dead letters again that the rules understand by now, or close them."""
        survey = await asyncio.to_thread(self._letters.survey, wanted)
        places = [letter.place for letter in survey.open()]
        decide = self._judged(book) if what == "replayed" else _nothing
        closed = await self._letters.close_letters(places, what, decide, by=by, reason=because)
        if not closed.words:
            return Done(is_done=False, key="e_letter")
        return Done(is_done=True, key="d_letter", facts={"n": len(closed.words)})

    def letter(self, place: Place) -> Opened | None:
        """Return a dead letter with its bytes; None = it is gone."""
        return next(self._letters.opened([place]), None)

    def _judged(self, book: Book) -> "_Judged":
        meaning = Understanding(book.rules, "the rules", self._settings)
        return _Judged(Judge(meaning, self._settings))

    async def _say(self, word: Feedback) -> None:
        """Write a word to the topic of feedback, to the partition of its user.

        Raises:
            UserError: Kafka does not take it.
        """
        said = msgspec.structs.replace(word, at=iso(int(word.at)))  # type: ignore[arg-type]  # a message has text
        async with Publisher(self._cluster, self._settings.topic_feedback) as publisher:
            partition = partition_of(word.user_id, publisher.partitions)
            await publisher.send(partition, [(word.user_id.encode(), msgspec.json.encode(said))])


class _Judged:
    """As what a letter is sent; None = it stays open."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, opened: Opened) -> tuple[Send, ...] | None:
        found = self._judge.judge(opened)
        return found.sends if found.outcome in {UNDERSTOOD, LEFT_OUT} else None


def _nothing(_opened: Opened) -> tuple[Send, ...]:
    return ()
