"""Relations: what a partition does with ids that are one person, its own and those of others.

A link is told under the id that stays. It claims the other id (`streams.core.links`), which gives
up what it knows and leaves a stub that sends on whatever still comes; so each thing that is known
of a person is in one place at any time, or on its way there in one message. Links may be told in
any order, twice, and on several partitions at once: the ids then form a chain, or a ring. A message
that comes to a stub which it has passed before has gone round a ring, and all of them know the same
ids by then; when it comes to the smallest of these, that one is nobody's stub any more.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from models.features import Rhythm
from streams.core import journey
from streams.core.course import Course
from streams.core.identity import (
    Claimed,
    Disowned,
    Forwarded,
    HandedOver,
    MemberErased,
    Message,
    forwarded,
)
from streams.core.inputs import Absorbed, Erased, Input
from streams.core.kinship import Kinship
from streams.core.links import ALREADY, LinkRefusal, refusal, without_member
from streams.core.merge import signed
from streams.core.migrations.chain import state_brought_up
from streams.core.outbox import IDENTITY
from streams.core.rules import Rules
from streams.core.silence import Silence
from streams.core.state import HEAD, Column, decode, encode
from streams.core.versions import LAYOUT
from winback_sender.contract.messages import Output

Path = tuple[str, ...]
Told = Claimed | HandedOver | MemberErased | Disowned

ERASED: Final = Erased.__name__


class SentOn(NamedTuple):
    """Inputs of ids that were given up, as those of the users whom they are about now.

    Attributes:
        signals: In order.
        path: Ids that sent it on, if it is one of somebody without a state.
    """

    signals: list[Input]
    path: Path = ()


class Relations:
    """The ids of one partition that were given up, and those that took them over.

    Args:
        rules: The business rules.
        course: Users in time.
        silence: Fires their timers.

    Attributes:
        stubs: What is left of ids that were given up.
        path: Ids that sent on the input that is being applied.
    """

    def __init__(self, rules: Rules, course: Course, silence: Silence) -> None:
        self.stubs = Kinship(rules.churn.limit_ms)
        self.path: Path = ()
        self._horizon_ms = rules.churn.horizon_ms
        self._course, self._users, self._counts = course, course.users, course.counts
        self._silence = silence

    def send_on(self, signal: Input, at_ms: int) -> bool:
        """Send an input of somebody without a state on, if the id was given up."""
        if not self.stubs:
            return False
        user_id, is_told = getattr(signal, "user_id", ""), bool(self.path)
        route = self._route(user_id, self.path, at_ms, is_told=is_told)
        if route is None:
            return False
        self._course.outbox.send(forwarded(signal, *route, at_ms))
        self._counts["identity_forwarded"] += 1
        return True

    def parts(self, messages: Sequence[Message]) -> Iterator[SentOn | Told]:
        """Yield messages one by one, for each may change to whom the next one belongs.

        What was sent on to users who have a state, and keep it, is yielded together.
        """
        together: list[Input] = []
        for message in messages:
            if isinstance(message, Forwarded):
                if message.kind != ERASED and message.user_id in self._users:
                    together.append(message.signal())
                    continue
                alone: SentOn | Told = SentOn([message.signal()], message.path)
            else:
                alone = message
            if together:
                yield SentOn(together)
                together = []
            yield alone
            if isinstance(alone, SentOn):
                self._look_back(alone, message.event_time_ms)
        if together:
            yield SentOn(together)

    def take(self, message: Told, watermark_ms: int) -> None:
        """Apply a message; before it, the timers of its user fire up to the watermark."""
        row = self._course.find(message.user_id)
        if row is not None and self._users.deadlines[row] <= watermark_ms:
            self._silence.fire(np.array([row]), np.array([float(watermark_ms)]))
        at_ms = max(watermark_ms, message.event_time_ms)
        match message:
            case Claimed():
                self._claimed(message, at_ms)
            case HandedOver():
                self._handed_over(message, watermark_ms, at_ms)
            case Disowned():
                self._disowned(message, at_ms)
            case MemberErased():
                self._member_erased(message, at_ms)

    def take_records(self) -> list[Output]:
        """Return what other partitions are to be told, before the rest of a harvest; forget it."""
        return self._course.outbox.take_keyed(IDENTITY).get(IDENTITY, [])

    def _route(
        self, user_id: str, path: Path, at_ms: int, *, is_told: bool = True
    ) -> tuple[str, Path] | None:
        """Return to whom what is said of an id goes on, by which path; None = it stays here."""
        into = self.stubs.into(user_id, at_ms, is_told=is_told)
        if into is None:
            return None
        if user_id in path:
            ring = path[len(path) - 1 - path[::-1].index(user_id) :]
            if user_id == min(ring):
                self.stubs.drop(user_id)
                self._counts["identity_ring_opened"] += 1
                return None
        return into, (*path, user_id)

    def _claimed(self, message: Claimed, at_ms: int) -> None:
        """Give up an id, unless somebody else has it."""
        user_id, into = message.user_id, message.into
        route = self._route(user_id, message.path, at_ms)
        if route is not None:
            if route[0] == into:
                self._counts[ALREADY] += 1
            else:
                sent_on = msgspec.structs.replace(message, user_id=route[0], path=route[1])
                self._course.outbox.send(sent_on)
        elif message.path or user_id == into:
            self._told_again(message, at_ms)
        elif self._course.erasures.holds(user_id, at_ms):
            # Nothing is put on record, and who asked for the id forgets it: it must not stand
            # anywhere any more.
            self._counts[f"identity_{LinkRefusal.ERASED}"] += 1
            self._course.outbox.send(Disowned(into, at_ms, user_id))
        else:
            self._give_up(message, at_ms)

    def _told_again(self, message: Claimed, at_ms: int) -> None:
        """Look whether an id that was given up before has come to the same person."""
        user_id, into = message.user_id, message.into
        row = self._course.find(user_id)
        members = {} if row is None else decode(self._users.values[row]).profile.members
        if into == user_id or into in members:
            self._counts[ALREADY] += 1
        else:
            first = message.path[0] if message.path else user_id
            self._refuse(message, first, LinkRefusal.SHARED_DEVICE, at_ms)

    def _refuse(self, message: Claimed, other_id: str, reason: LinkRefusal, at_ms: int) -> None:
        effect = refusal(message.into, other_id, reason, message.user_id, at_ms)
        self._course.outbox.add((effect,), self._counts)

    def _give_up(self, message: Claimed, at_ms: int) -> None:
        """Hand over what is known under an id; nothing is left of it but a stub."""
        user_id, into, users = message.user_id, message.into, self._users
        self.stubs.give_up(user_id, into, at_ms)
        self._counts["identity_given_up"] += 1
        row = self._course.find(user_id)
        if row is None:
            return
        state = users.values[row]
        users.forget(user_id)
        event_id, linked_ms = message.event_id, message.event_time_ms
        self._course.outbox.send(HandedOver(into, event_id, linked_ms, user_id, state))
        self._counts["identity_handed_over"] += 1

    def _handed_over(self, message: HandedOver, watermark_ms: int, at_ms: int) -> None:
        """Take over what was known under another id of the person."""
        state = state_brought_up(message.state, message.layout)
        message = msgspec.structs.replace(message, state=state, layout=LAYOUT)
        user_id = message.user_id
        route = self._route(user_id, message.path, at_ms)
        if route is not None:
            sent_on = msgspec.structs.replace(message, user_id=route[0], path=route[1])
            self._course.outbox.send(sent_on)
            return
        if self._course.erasures.holds(user_id, at_ms):
            self._forget(message, at_ms)
            return
        row = self._course.find(user_id)
        if row is None:
            row = self._course.admit(user_id, at_ms)
        self._absorb(row, message, watermark_ms or at_ms)

    def _absorb(self, row: int, message: HandedOver, at_ms: int) -> None:
        """Make two states one, and look at the risk anew, as after an activity."""
        course, users, rows = self._course, self._users, np.array([row])
        completed = self._completed(row, message)
        course.step(
            row,
            Absorbed(
                message.user_id, message.event_id, at_ms, message.other_id, message.state,
                *completed,
            ),
        )  # fmt: skip
        heads = users.matrix(rows)
        users.grid[rows] = course.schedule.timers.grid_of(heads)
        course.coverage.look_for_pauses(heads)
        now = np.maximum(heads[:, Rhythm.LAST], float(at_ms))
        if heads[0, Column.EVENTS] and now - course.coverage.last(heads, now) < self._horizon_ms:
            course.score(rows, now, heads)
        course.schedule.renew(rows, heads, np.array([float(at_ms)]))

    def _completed(self, row: int, message: HandedOver) -> tuple[float, bytes, bool]:
        """Return the example of a user that the other id's first activity completes.

        Returns:
            Its grid instant and features (0 and nothing: it completes none), and whether one was
            completed of which the features cannot be told: the other id was active before it, too.
        """
        course, heads = self._course, self._users.matrix(np.array([row]))
        given_up = HEAD.unpack_from(message.state)
        next_ms = self._users.grid[row] + course.schedule.timers.period
        if not (given_up[Column.EVENTS] and given_up[Rhythm.LAST] >= next_ms):
            return 0.0, b"", False
        if given_up[Rhythm.FIRST] < next_ms:
            return 0.0, b"", True
        grid = course.schedule.timers.grid_at(heads, np.array([given_up[Rhythm.FIRST]]))
        is_observed, features = course.examples.freeze(heads, grid)
        return (grid.item(), features, False) if is_observed[0] else (0.0, b"", False)

    def _forget(self, message: HandedOver, at_ms: int) -> None:
        """Forget what came to somebody who was erased meanwhile."""
        other_id, course = message.other_id, self._course
        state = signed(decode(message.state), other_id)
        _, effects = journey.close(state, other_id, "erased", at_ms)
        course.outbox.add(effects, self._counts)
        ids = (message.user_id, other_id, *state.profile.members, *message.path)
        for member in ids[1:]:
            course.outbox.send(MemberErased(member, at_ms, ids))
        self._counts["skipped_erased"] += 1

    def _disowned(self, message: Disowned, at_ms: int) -> None:
        """Forget an id that was claimed in vain."""
        route, users = self._route(message.user_id, message.path, at_ms), self._users
        if route is not None:
            sent_on = msgspec.structs.replace(message, user_id=route[0], path=route[1])
            self._course.outbox.send(sent_on)
            return
        row = self._course.find(message.user_id)
        if row is not None:
            users.put(row, encode(without_member(decode(users.values[row]), message.other_id)))

    def was_erased(self, user_id: str, at_ms: int) -> None:
        """Tell the id that has sent something on to an erased one that it belongs to nobody."""
        self._disclaim(self.path, user_id, at_ms)

    def _look_back(self, part: SentOn, at_ms: int) -> None:
        """Forget by which ids an erasure has come."""
        signal = part.signals[0]
        if isinstance(signal, Erased) and self._course.erasures.holds(signal.user_id, at_ms):
            self._disclaim(part.path, signal.user_id, at_ms)

    def _disclaim(self, path: Path, user_id: str, at_ms: int) -> None:
        if path:
            self._course.outbox.send(MemberErased(path[-1], at_ms, (user_id,), path[:-1]))

    def _member_erased(self, message: MemberErased, at_ms: int) -> None:
        """Turn a stub into an erasure: nobody may know any more to whom the id belonged.

        A stub that leads to another one asks that one first: a link may have been refused.
        """
        user_id, ids, path = message.user_id, message.ids, message.path
        into = self.stubs.into(user_id, at_ms, is_told=True)
        if into == ids[0]:
            self.stubs.drop(user_id)
            self._course.forget_id(user_id, at_ms)
        elif into in ids and user_id not in path:
            self._course.outbox.send(MemberErased(into, at_ms, ids, (*path, user_id)))
        if path and self._course.erasures.holds(user_id, at_ms):
            self._course.outbox.send(MemberErased(path[-1], at_ms, (user_id,), path[:-1]))
