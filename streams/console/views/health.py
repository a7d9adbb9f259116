"""How the service is: lag by partition, orders in force, senders, dead letters, versions."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from streams.console.store import Position
from streams.console.views.asked import Book
from streams.core.controls import OFF
from streams.core.messages import PartitionRecord

LETTERS_PAGE: Final = 50


class Partition(msgspec.Struct, frozen=True):
    """A partition.

    Attributes:
        number: Which.
        users: How many it has.
        watermark_ms: Event time that it has reached.
        committed_ms: When it wrote last, by the wall clock.
        lag: Records of its inputs that are not applied; None = it is not known.
        held: Inputs that are not read on.
        layout: Version of its state, and who wrote it.
        rules_hash: Of the rules that it goes by.
    """

    number: int
    users: int
    watermark_ms: int
    committed_ms: int
    lag: int | None
    held: tuple[str, ...]
    layout: str
    rules_hash: str


class Order(msgspec.Struct, frozen=True):
    """An order of operators that is in force."""

    key: str
    value: str
    effective_at: str
    ordered_at: str
    by: str


class Sender(msgspec.Struct, frozen=True):
    """A channel and who carries it: words that it said, and when the last was."""

    channel: str
    provider: str
    words: int
    last_ms: int


class Letter(msgspec.Struct, frozen=True):
    """A dead letter; what became of it, if something has."""

    place: str
    topic: str
    reason: str
    aside_ms: int
    size: int
    is_whole: bool
    what: str
    closed_at: str
    closed_by: str


class Health(msgspec.Struct, frozen=True):
    """The page.

    Attributes:
        partitions: All that have written.
        orders: In force.
        playbooks: Names in the rules.
        channels: Names in the rules.
        senders: Heard so far.
        silent: Touches that expired without a word, of the last day.
        reasons: (reason, topic) to open letters.
        letters: A page of them, newest first.
        open_letters: How many are open.
        begin: Letters before the page.
        model: In force at the newest decision.
        mode: The service's, at the newest decision.
        broken: Stream to records that could not be understood here.
    """

    partitions: tuple[Partition, ...]
    orders: tuple[Order, ...]
    playbooks: tuple[str, ...]
    channels: tuple[str, ...]
    senders: tuple[Sender, ...]
    silent: int
    reasons: tuple[tuple[str, str, int], ...]
    letters: tuple[Letter, ...]
    open_letters: int
    begin: int
    model: str
    mode: str
    broken: dict[str, int]


def health(
    book: Book, ends: Mapping[Position, int], begin: int = 0, *, with_closed: bool = False
) -> Health:
    """Return the page.

    Args:
        book: The read model.
        ends: Of the topics that the pipeline reads.
        begin: Letters before the page.
        with_closed: Whether letters that were closed are shown as well.
    """
    at_ms = book.now_ms()
    steps = [step for one in book.rules.playbooks for variant in one.variants
             for step in variant.steps]  # fmt: skip
    newest = book.db.execute(
        "SELECT model, mode FROM decisions ORDER BY at_ms DESC LIMIT 1").fetchone()  # fmt: skip
    return Health(
        partitions=tuple(_partition(row, ends) for row in book.db.execute(
            "SELECT partition, users, watermark_ms, committed_ms, layout, rules_hash, record "
            "FROM partitions ORDER BY partition")),
        orders=tuple(Order(*row) for row in book.db.execute(
            "SELECT * FROM orders WHERE value != ? ORDER BY key", (OFF,))),
        playbooks=tuple(one.name for one in book.rules.playbooks),
        channels=tuple(sorted({step.channel for step in steps})),
        senders=tuple(Sender(*row) for row in book.db.execute(
            "SELECT * FROM senders ORDER BY channel, provider")),
        silent=book.number("SELECT count(*) FROM touches WHERE status = '' AND revoked_ms = 0 "
                           "AND expires_ms < ? AND expires_ms > ?", at_ms, at_ms - 86_400_000),
        reasons=tuple(book.db.execute(
            "SELECT reason, topic, count(*) FROM letters WHERE what = '' AND aside_ms > 0 "
            "GROUP BY 1, 2 ORDER BY 3 DESC").fetchall()),
        letters=_letters(book, begin, with_closed=with_closed),
        open_letters=book.number(
            "SELECT count(*) FROM letters WHERE what = '' AND aside_ms > 0"),
        begin=begin,
        model=newest[0] if newest else "",
        mode=newest[1] if newest else "",
        broken=dict(book.db.execute("SELECT stream, records FROM broken").fetchall()),
    )  # fmt: skip


def _letters(book: Book, begin: int, *, with_closed: bool) -> tuple[Letter, ...]:
    is_open = "" if with_closed else "AND what = ''"
    rows = book.db.execute(
        "SELECT place, topic, reason, aside_ms, size, is_whole, what, closed_at, "  # noqa: S608 (ours)
        "closed_by "
        f"FROM letters WHERE aside_ms > 0 {is_open} "
        "ORDER BY aside_ms DESC, place LIMIT ? OFFSET ?", (LETTERS_PAGE, begin),
    )  # fmt: skip
    return tuple(
        Letter(row[0], row[1], row[2], row[3], row[4], bool(row[5]), *row[6:]) for row in rows
    )


def _partition(row: tuple[Any, ...], ends: Mapping[Position, int]) -> Partition:
    number, users, watermark_ms, committed_ms, layout, rules_hash, raw = row
    record = msgspec.json.decode(raw, type=PartitionRecord)
    known = [
        max(0, end - record.applied.get(topic, 0))
        for (topic, partition), end in ends.items()
        if partition == number and (topic in record.applied or end)
    ]
    held = tuple(one.topic for one in record.fuses if one.held_at >= 0)
    return Partition(number, users, watermark_ms, committed_ms, sum(known) if ends else None, held,
                     layout, rules_hash)  # fmt: skip
