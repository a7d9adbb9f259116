"""Runs: a user with many inputs in a chunk costs no round for those at which nothing happens.

The n-th input of a user is round n. While many users take part, a round is cheap per input; a few
who are busy would make hundreds of rounds of a handful of inputs each. So between such rounds they
run ahead: their activities are folded one after the other up to the first that asks for more than
that, and all scores asked for on the way are computed at once, which is what takes the time. If a
score makes a user take a step, its run ends before that input, and a round takes over.

What a run skips is proved to be nothing: no timer fires in it (the next deadline is not reached),
it completes no example, and the profile is not concerned.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm
from streams.core.batch import Batch
from streams.core.calm import Calm
from streams.core.course import Course
from streams.core.playbook import INSTANT
from streams.core.rhythm import make_fold
from streams.core.rounds import blocks, nth
from streams.core.rules import Rules
from streams.core.silence import Silence
from streams.core.state import HEAD, NEVER, RING_END, RING_START, Column, matrix
from streams.core.time import DAY_MS
from streams.kernel.library import kernel

Rows = NDArray[np.intp]
Queues = Mapping[int, deque[int]]

FEW: Final = 32
"""Fewer users in a round cost less one by one."""


class _Inputs(NamedTuple):
    """A batch as plain lists, by position."""

    at_ms: list[float]
    bounds: list[float]
    log_amount: list[float]
    money: list[float]
    slot: list[int]
    is_risky: list[bool]
    digests: list[bytes]
    is_act: list[bool]


class _Stop(NamedTuple):
    """An activity on the way that asks for a score: inputs and value before it, value after it."""

    taken: int
    before: bytes
    after: bytes
    at_ms: float


class _Run(NamedTuple):
    """How far a user got."""

    row: int
    taken: int
    value: bytes
    stops: list[_Stop]


class Runs:
    """Cuts a batch into rounds, and lets busy users run ahead between them.

    Args:
        rules: The business rules.
        course: Users in time.
        silence: Fires their timers.
    """

    def __init__(self, rules: Rules, course: Course, silence: Silence) -> None:
        churn = rules.churn
        self._course = course
        self._fold = make_fold(churn)
        self._rescore = churn.rescore_ms
        self._period, self._horizon = float(churn.period_ms), float(churn.horizon_ms)
        self._check = float(churn.check_ms)
        self._backstop = float(rules.alert.backstop_ms)
        self._alert_days = rules.alert_days
        triggers = {name for book in rules.playbooks for name in book.match.triggers}
        self._answers = bool(INSTANT & triggers)
        native = kernel()
        self._calm = None
        if native is not None:
            self._calm = Calm(rules, course, silence, native, answers=self._answers)

    def rounds(self, batch: Batch) -> Iterator[Rows]:
        """Yield positions of different users, each user's in order; what is not yielded is done."""
        left = np.arange(len(batch.rows))
        if self._calm is not None:
            left = yield from self._calm.rounds(batch)
        number = nth(batch.rows[left])
        last = int(number.max(initial=-1))
        for round_ in range(last + 1):
            picked = left[number == round_]
            if len(picked) < FEW and self._course.coverage.is_whole:
                yield from self._apart(batch, left[number >= round_])
                return
            yield picked

    def _apart(self, batch: Batch, positions: Rows) -> Iterator[Rows]:
        """Yield the rest of a batch, with runs between the rounds."""
        acts = batch.acts
        inputs = _Inputs(
            acts.at_ms.tolist(), batch.bounds.tolist(), acts.log_amount.tolist(),
            acts.money.tolist(), acts.slot.tolist(), acts.is_risky.tolist(), acts.digests,
            batch.is_act.tolist(),
        )  # fmt: skip
        queues: dict[int, deque[int]] = {}
        for position, row in zip(positions.tolist(), batch.rows[positions].tolist(), strict=True):
            queues.setdefault(row, deque()).append(position)
        while queues:
            self._ahead(queues, inputs)
            picked = sorted(queue.popleft() for queue in queues.values() if queue)
            queues = {row: queue for row, queue in queues.items() if queue}
            if picked:
                yield np.array(picked, np.intp)

    def _ahead(self, queues: Queues, inputs: _Inputs) -> None:
        """Let users run ahead; take what they did off their queues."""
        runs = [run for row, queue in queues.items() if (run := self._run(row, queue, inputs))]
        runs = self._scored(runs)
        if not runs:
            return
        users = self._course.users
        bounds = np.empty(len(runs))
        for place, run in enumerate(runs):
            queue = queues[run.row]
            taken = [queue.popleft() for _ in range(run.taken)]
            bounds[place] = inputs.bounds[taken[-1]]
            users.values[run.row] = run.value
            self._course.counts["accepted"] += run.taken
        rows = np.array([run.row for run in runs], np.intp)
        users.dirty.update(rows.tolist())
        self._course.schedule.renew(rows, matrix([run.value for run in runs]), bounds)

    def _run(self, row: int, queue: deque[int], inputs: _Inputs) -> _Run | None:
        """Fold the activities of a user up to the first that asks for more; None = not even one."""
        users = self._course.users
        value = users.values[row]
        head = HEAD.unpack_from(value)
        due = min(head[Column.DUE], head[Column.MATURES], head[Column.UNHEARD])
        if not head[Column.EVENTS] or due != NEVER:
            return None
        last, days = head[Rhythm.LAST], head[Rhythm.ACTIVE_DAYS]
        scored, wakes_at = head[Column.SCORED_AT], head[Column.WAKES_AT]
        edge = users.grid[row].item() + self._period
        deadline = users.deadlines[row].item()
        first_check = min(head[Column.PHASE] % self._check or self._check, self._backstop)
        taken, stops = 0, []
        for position in queue:
            at = inputs.at_ms[position]
            days += at // DAY_MS != last // DAY_MS
            if (
                not inputs.is_act[position]
                or not last <= at < edge
                or deadline <= inputs.bounds[position]
                or days >= wakes_at
                or (self._answers and inputs.is_risky[position])
                or value.find(inputs.digests[position], RING_START, RING_END) >= 0
            ):
                break
            before, is_risky = value, inputs.is_risky[position]
            value = self._fold(
                value, at, inputs.log_amount[position], int(inputs.money[position]),
                inputs.slot[position], is_risky, inputs.digests[position], 0.0, b"",
            )  # fmt: skip
            if at - scored >= self._rescore or is_risky:
                scored = at
            if scored == at:
                stops.append(_Stop(taken, before, value, at))
            last = at
            # Not before this; the watermark may be further than the activity, and then it is later.
            to_check = first_check if days >= self._alert_days else self._horizon
            deadline = min(edge, last + to_check)
            taken += 1
        return _Run(row, taken, value, stops) if taken else None

    def _scored(self, runs: list[_Run]) -> list[_Run]:
        """Score what was asked for on the way; end a run before the first score that matters."""
        asked = [(place, stop) for place, run in enumerate(runs) for stop in run.stops]
        ends: dict[int, _Stop] = {}
        for cut in blocks(np.arange(len(asked))):
            part = asked[cut[0] : cut[-1] + 1]
            at_ms = np.array([stop.at_ms for _, stop in part])
            found = self._course.assessor.assess(matrix([stop.after for _, stop in part]), at_ms)
            for place in found.seen[found.steps].tolist():
                whose, stop = part[place]
                ends.setdefault(whose, stop)
            kept = [
                number
                for number, place in enumerate(found.seen.tolist())
                if part[place][0] not in ends or part[place][1].taken < ends[part[place][0]].taken
            ]
            names = [self._course.users.names[runs[part[place][0]].row]
                     for place in found.seen[kept].tolist()]  # fmt: skip
            self._course.assessor.tell(names, at_ms[found.seen[kept]], found.reach[kept])
        ended = [
            run if (end := ends.get(place)) is None
            else run._replace(taken=end.taken, value=end.before)
            for place, run in enumerate(runs)
        ]  # fmt: skip
        return [run for run in ended if run.taken]
