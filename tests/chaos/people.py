"""A log in which people have several ids, and what each person must come to in the end.

The events are those of `benchmarks.workload`. A person's first events come under one or two cookies
and later ones, mostly, under the user's own id; links say so: at a log-in, again at later ones,
sometimes long after the last event, and for a few people in both directions at once.
"""

from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import msgspec

from benchmarks.workload import KINDS, Shape, make_log, user_id

LATE_DAYS: Final = 40
"""So long after a link a cookie may still be used: stubs are kept for 60 days."""
BACK_SHARE: Final = 0.03
"""So many people are linked in both directions at the same instant."""
DAY_MS: Final = 86_400_000


class Row(msgspec.Struct, omit_defaults=True):
    """A native event."""

    event_time: int
    user_id: str
    event: str
    event_id: str
    amount: float | None = None
    properties: dict[str, str] | None = None


class Sum(NamedTuple):
    """What a person's events add up to."""

    events: int
    value_minor: int


class People(NamedTuple):
    """A log, and the truth of it.

    Attributes:
        log: JSON lines of native events, in order of time.
        person_of: Id to person.
        sums: Person to what all ids together come to.
        rows: Lines of the log.
        merges: Ids that are given up.
    """

    log: Path
    person_of: dict[str, str]
    sums: dict[str, Sum]
    rows: int
    merges: int


def people(shape: Shape, directory: Path) -> People:
    """Write the log of a shape; return it with the truth."""
    events = make_log(shape)
    own: dict[int, list[Row]] = {}
    end_ms = int(events.times_s[-1]) * 1000
    columns = (events.users, events.times_s, events.kinds, events.amounts)
    for number, (who, at_s, kind, amount) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        name = KINDS[kind]
        paid = amount if name in {"purchase", "refund"} else None
        row = Row(at_s * 1000, "", name, f"e{number}", paid)
        own.setdefault(who, []).append(row)
    rows: list[Row] = []
    person_of: dict[str, str] = {}
    sums: dict[str, Sum] = {}
    for who, acts in own.items():
        person, chance = user_id(who), Random(f"{shape.seed}/{who}")
        ids = [person, *(f"{person}-c{number}" for number in range(chance.choice((1, 2, 2))))]
        person_of.update(dict.fromkeys(ids, person))
        rows += acts + _links(acts, ids, chance, f"l{who}", end_ms)
        sums[person] = Sum(len(acts), sum(map(_minor, acts)))
    rows.sort(key=lambda row: (row.event_time, row.event_id))
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "people.jsonl"
    log.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return People(log, person_of, sums, len(rows), len(person_of) - len(sums))


def _minor(row: Row) -> int:
    sign = {"purchase": 1, "refund": -1}.get(row.event, 0)
    return sign * round((row.amount or 0.0) * 100)


def _links(acts: list[Row], ids: list[str], chance: Random, prefix: str, end_ms: int) -> list[Row]:
    """Give the acts of a person their ids, in place; return the links between these."""
    first, last = acts[0].event_time, acts[-1].event_time
    linked = [chance.randint(first, last + 1) for _ in ids[1:]]
    if chance.random() < 0.2:  # The CRM finds out much later; perhaps a case is open by then.
        linked[0] = min(last + chance.randint(10 * DAY_MS, LATE_DAYS * DAY_MS), end_ms)
    since = dict(zip(ids[1:], linked, strict=True))
    for act in acts:
        known = [each for each, at_ms in since.items() if at_ms <= act.event_time]
        fresh = [each for each in since if each not in known]
        act.user_id = ids[0]
        if fresh and (not known or chance.random() < 0.3):
            act.user_id = chance.choice(fresh)
        elif known and chance.random() < 0.1:
            used = chance.choice(known)
            if act.event_time - since[used] < LATE_DAYS * DAY_MS:
                act.user_id = used
    links = [
        _link(at_ms, ids[0], cookie, f"{prefix}-{cookie[-2:]}-{number}")
        for cookie, begin_ms in since.items()
        for number, at_ms in enumerate((begin_ms, *_log_ins(begin_ms, last, chance)))
    ]
    if chance.random() < BACK_SHARE:
        at_ms, cookie = linked[0], ids[1]
        links.append(_link(at_ms, cookie, ids[0], f"{prefix}-back"))
    return links


def _log_ins(begin_ms: int, end_ms: int, chance: Random) -> list[int]:
    """Return when the same link is told again."""
    if end_ms <= begin_ms:
        return []
    return [chance.randint(begin_ms, end_ms) for _ in range(chance.choice((0, 1, 3)))]


def _link(at_ms: int, known: str, other: str, event_id: str) -> Row:
    return Row(at_ms, known, "$identify", event_id, properties={"anonymous_id": other})
