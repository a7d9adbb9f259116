"""The calm path: activities at which nothing happens but numbers, for all users of a batch at once.

What a user does in a batch is followed up to the first input that asks for more than a sum and a
score: a timer that is due before it, a profile that is concerned, an input that is no activity.
Timers fire, and it goes on; the rest is for rounds. All scores asked for on the way are computed at
once; if one makes a user take a step, the user gets no further than before that activity.

The kernel does it in C. The rounds alone do the same: they are its twin.
"""

from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import GAP_LEAST
from streams.core.batch import Batch
from streams.core.course import Course
from streams.core.examples import ROW_BYTES
from streams.core.rounds import blocks
from streams.core.rules import Rules
from streams.core.silence import Silence
from streams.core.state import FROZEN_END, RING_END, RING_START, WIDTH, Column
from streams.kernel.library import (
    ASKS,
    DONE,
    FREEZES,
    LATE,
    MORE,
    TAKEN,
    TWICE,
    Followed,
    Group,
    Kernel,
    Table,
    laid,
)

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

_NO_END: Final = np.iinfo(np.int64).max
_FROZEN: Final = 8 * Column.FROZEN_AT


class _Queues(NamedTuple):
    """Users and what of their inputs is left.

    Attributes:
        rows: Shape (users,).
        begin: Shape (users,): the first input that is left, as a place in the order.
        end: Shape (users,).
    """

    rows: Rows
    begin: I64
    end: I64

    def only(self, picked: Rows | Flags) -> "_Queues":
        return _Queues(*(column[picked] for column in self))


class _Trial(NamedTuple):
    """How far users would get.

    Attributes:
        queues: They.
        group: Them as the kernel sees them; the values are those that would be.
        found: What was found.
        asked: Heads of the activities that ask for a score.
        frozen: Heads of those that freeze an example.
    """

    queues: _Queues
    group: Group
    found: Followed
    asked: F64
    frozen: F64

    def places(self, what: int) -> Rows:
        """Return the places of activities of a sort, in the order."""
        return np.flatnonzero(self.found.what & what)

    def whose(self, places: Rows) -> Rows:
        """Return the number of the user of each place."""
        return np.searchsorted(self.group.starts, places, side="right") - 1


class Calm:
    """Lets users do what they do calmly.

    Args:
        rules: The business rules.
        course: Users in time.
        silence: Fires their timers.
        answers: Somebody is answered at once.
        kernel: What does it.
    """

    def __init__(
        self, rules: Rules, course: Course, silence: Silence, kernel: Kernel, *, answers: bool
    ) -> None:
        self._course, self._silence, self._kernel = course, silence, kernel
        churn, timers = rules.churn, course.schedule.timers
        self._slow, self._unit = 1.0 / (8.0 * churn.horizon_ms), float(churn.period_ms)
        self._numbers = timers.numbers(answers=answers)

    def rounds(self, batch: Batch) -> Generator[Rows, None, Rows]:
        """Yield places of inputs of different users that ask for more; the calm ones are done.

        Returns:
            Places of the inputs that are left: of users of whom something may be missing.
        """
        order, acts = _order(batch.rows), batch.acts
        inputs = Table(
            acts.at_ms, batch.bounds, acts.log_amount, acts.money, acts.slot, batch.is_act,
            acts.is_risky, acts.id_word,
        )  # fmt: skip
        queues, left = _queues(batch.rows[order]), [np.empty(0, np.intp)]
        while len(queues.rows):
            if not self._course.coverage.is_whole:
                clear = self._is_clear(batch, queues, order)
                left.append(order[_places(queues.only(~clear))[0]])
                queues = queues.only(clear)
                if not len(queues.rows):
                    break
            self._fire(batch, queues, order)
            trial = self._try(inputs, queues, order)
            taken, why = trial.found.taken, trial.found.why
            for place, ended in self._scored(trial, batch):
                again = self._try(inputs, queues.only(place), order, ended)
                self._keep(again, batch, np.ones(len(place), bool))
                taken[place], why[place] = again.found.taken, again.found.why
            queues = queues._replace(begin=queues.begin + taken)
            more = why == MORE
            if more.any():
                yield np.sort(order[queues.begin[more]])
            queues = queues._replace(begin=queues.begin + more)
            queues = queues.only((why != DONE) & (queues.begin < queues.end))
        return np.sort(np.concatenate(left))

    def _is_clear(self, batch: Batch, queues: _Queues, order: I64) -> Flags:
        """Return of whom nothing is missing from the last activity to the end of the batch."""
        at_ms, grid = batch.acts.at_ms, self._course.users.grid[queues.rows]
        # A user's last activity does not lie before its grid instant; a new one has none.
        since_ms = np.where(np.isfinite(grid), grid, at_ms[order[queues.begin]])
        until_ms = max(batch.bounds.max(), at_ms.max()) + 1.0
        return self._course.coverage.is_clear(since_ms, until_ms)

    def _fire(self, batch: Batch, queues: _Queues, order: I64) -> None:
        """Fire the timers that are due before the first activity of each."""
        users, first = self._course.users, order[queues.begin]
        bounds = batch.bounds[first]
        early = np.flatnonzero((users.deadlines[queues.rows] <= bounds) & batch.is_act[first])
        if not len(early):
            return
        rows, first = queues.rows[early], first[early]
        digests = batch.acts.id_word[first].view("V8").tolist()
        is_new = [
            users.values[row].find(digest, RING_START, RING_END) < 0
            for row, digest in zip(rows.tolist(), digests, strict=True)
        ]
        rows, first = rows[is_new], first[is_new]
        if len(rows):
            self._silence.fire_before(rows, batch.bounds[first], batch.reached[first])

    def _try(self, inputs: Table, queues: _Queues, order: I64, most: I64 | None = None) -> _Trial:
        """Fold what users do, without anything being theirs yet."""
        users, rows = self._course.users, queues.rows
        places, starts = _places(queues)
        every = users.values
        group = Group(order[places], starts, *laid([every[row] for row in rows.tolist()]))
        if most is None:
            most = np.full(len(rows), _NO_END)
        kernel, numbers = self._kernel, self._numbers
        found = kernel.follow(numbers, inputs, group, most, users.deadlines[rows], users.grid[rows])
        powers = (
            np.exp2(-np.abs(found.since) * self._slow),
            np.log(np.maximum(found.since / self._unit, GAP_LEAST)),
            np.log1p(found.day),
        )
        return _Trial(queues, group, found, *kernel.fold(
            numbers, inputs, group, found, powers, WIDTH
        ))  # fmt: skip

    def _scored(self, trial: _Trial, batch: Batch) -> Iterator[tuple[Rows, I64]]:
        """Score what was asked for; keep what users did for whom nothing follows from it.

        Yields:
            Numbers of the others, and how many inputs come before the first score that matters.
        """
        places, assessor = trial.places(ASKS), self._course.assessor
        at_ms = batch.acts.at_ms[trial.group.order[places]]
        whose = trial.whose(places)
        end = np.full(len(trial.queues.rows), _NO_END)
        for cut in blocks(np.arange(len(places))):
            found = assessor.assess(trial.asked[cut], at_ms[cut])
            seen = cut[found.seen]
            stepping = seen[found.steps]
            np.minimum.at(end, whose[stepping], places[stepping])
            kept = places[seen] < end[whose[seen]]
            names = self._course.users.names_of(trial.queues.rows[whose[seen[kept]]])
            assessor.tell(names, at_ms[seen[kept]], found.reach[kept])
        is_ended = end != _NO_END
        self._keep(trial, batch, ~is_ended)
        ended = np.flatnonzero(is_ended)
        if len(ended):
            yield ended, end[ended] - trial.group.starts[ended]

    def _keep(self, trial: _Trial, batch: Batch, is_kept: Flags) -> None:
        """Let what users did be theirs."""
        course, found, group = self._course, trial.found, trial.group
        what = found.what
        if not is_kept.all():
            what = np.where(np.repeat(is_kept, np.diff(group.starts)), what, 0)
        for name, sort in (("accepted", TAKEN), ("duplicate", TWICE), ("late", LATE)):
            course.counts[name] += int(np.count_nonzero(what & sort))
        acted = np.flatnonzero(np.add.reduceat(what & TAKEN, group.starts[:-1], dtype=np.int64))
        values, users = self._values(trial, batch, what), course.users
        rows, every = trial.queues.rows[acted], users.values
        if len(acted) < len(values):
            values = [values[place] for place in acted.tolist()]
        for row, value in zip(rows.tolist(), values, strict=True):
            every[row] = value
        users.dirty.update(rows.tolist())
        users.grid[rows] = found.grid[acted]
        deadline = found.deadline[acted]
        if course.coverage.has_outages:
            deadline = course.coverage.postponed(deadline, users.grid[rows])
        users.schedule(rows, deadline)

    def _values(self, trial: _Trial, batch: Batch, what: NDArray[np.uint8]) -> list[bytes]:
        """Return the changelog values of all, with the examples that they froze."""
        course, group = self._course, trial.group
        begins = group.value_starts.tolist()
        ends = [*begins[1:], len(group.values)]
        joined = group.values.tobytes()
        values = [joined[begin:end] for begin, end in zip(begins, ends, strict=True)]
        places = trial.places(FREEZES)
        is_kept = what[places] != 0
        places, heads = places[is_kept], trial.frozen[is_kept]
        if not len(places):
            return values
        grid = course.schedule.timers.grid_at(heads, batch.acts.at_ms[group.order[places]])
        is_observed, rows = course.examples.freeze(heads, grid)
        was_frozen = heads[:, Column.FROZEN_AT] != 0.0
        frozen_at, whose = grid.tobytes(), trial.whose(places)
        for number in np.flatnonzero(is_observed).tolist():
            value = values[whose[number]]
            values[whose[number]] = b"".join((
                value[:_FROZEN], frozen_at[8 * number : 8 * number + 8],
                value[_FROZEN + 8 : RING_END], rows[ROW_BYTES * number : ROW_BYTES * (number + 1)],
                value[FROZEN_END if was_frozen[number] else RING_END :],
            ))  # fmt: skip
        return values


def _order(rows: Rows) -> I64:
    """Return the places of inputs user by user, those of one in order; without those of nobody."""
    order = np.argsort(rows, kind="stable")
    return order[int(np.count_nonzero(rows < 0)) :]


def _queues(ordered: Rows) -> _Queues:
    begin = np.flatnonzero(np.diff(ordered, prepend=-1))
    return _Queues(ordered[begin], begin, np.append(begin[1:], len(ordered)))


def _places(queues: _Queues) -> tuple[I64, I64]:
    """Return the places in the order of what is left, and where each user's begin among them."""
    counts = queues.end - queues.begin
    starts = np.concatenate(([0], np.cumsum(counts)))
    places = np.repeat(queues.begin - starts[:-1], counts) + np.arange(starts[-1])
    return places, starts
