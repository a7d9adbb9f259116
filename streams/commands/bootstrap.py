"""``winback bootstrap``: a new deployment gets a past, and goes on from it in the live topic."""

import asyncio
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import msgspec

from streams.commands.bootstrap_words import Told, say, told_of
from streams.commands.log_options import LogOptions, log_options
from streams.commands.migrate import demand_nobody
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.core.rules import Rules
    from streams.replay.blocks import Block
    from streams.replay.bootstrap import Bootstrap, Piece
    from streams.replay.files import EventLog
    from streams.runtime.hand_over import Border, Overlap
    from streams.runtime.past_writer import Contents, PastWriter
    from winback_sender.cluster import Cluster

HEAD_BYTES: Final = 1 << 20
"""So much of a history tells it from others, with its name and size."""


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        history: Path of the log.
        log: The log.
        until_ms: Instant at which the topic takes over; None = ids say so.
        may_lack: A gap between the two is taken.
        is_anew: What was read in of another try is forgotten.
        is_quiet: No progress bar.
    """

    history: str
    log: "EventLog"
    until_ms: int | None
    may_lack: bool
    is_anew: bool
    is_quiet: bool


@click.command()
@click.argument("history")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--until", metavar="INSTANT",
              help="Where ids differ: here the history ends, and the topic begins.")  # fmt: skip
@click.option("--accept-gap", "may_lack", is_flag=True,
              help="Though records between history and topic may be in neither.")  # fmt: skip
@click.option("--anew", "is_anew", is_flag=True, help="Forget a bootstrap that did not end.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bootstrap(
    *,
    history: str,
    rules: str | None,
    until: str | None,
    may_lack: bool,
    is_anew: bool,
    local: bool,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Give a new deployment a past: users' states and models from the event log HISTORY.

    HISTORY is what winback feed takes: csv, Parquet or JSON lines; foreign formats become such a
    log with winback inputs convert. Nobody is treated in the past: nothing is written that a sender
    reads. Then workers go on in the live topic where HISTORY ends, without a gap or an overlap.

    Killed, it goes on where it was when it is run again. A deployment that has a state is refused.
    """
    from streams.replay.instants import option_ms  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.runtime.rules_migration import workers_of  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    path = settings.rules if rules is None else rules
    book = rules_at(path, settings.id_keys)
    asked = Asked(
        history, reading.log(history), option_ms("--until", until), may_lack, is_anew,
        quiet or as_json,
    )  # fmt: skip
    if history == "-":
        raise UserError("a history is read again after a kill, so it cannot be standard input",
                        "write it to a file first")  # fmt: skip
    asked.log.head()  # A bad file is to be known before Kafka is asked for.
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    demand_nobody(workers_of(settings, cluster))
    told = asyncio.run(_bootstrap(asked, settings, cluster, book, _said_of(asked, settings, path)))
    if as_json:
        click.echo(msgspec.json.encode(told).decode())
    else:
        say(told, asked.log)
    return Exit.OK


def _said_of(asked: Asked, settings: Settings, rules: str) -> str:
    """Return what is read and how: a name, and a digest of all that makes a difference."""
    from streams.rule_files import watched  # noqa: PLC0415 (quick --help)

    path = Path(asked.history)
    digest = blake2b(digest_size=8)
    with path.open("rb") as file:
        digest.update(file.read(HEAD_BYTES))
    for book in [*watched(rules), *([Path(settings.model_file)] if settings.model_file else [])]:
        digest.update(book.read_bytes())
    facts = (
        path.stat().st_size, asked.until_ms, asked.log.form, str(asked.log.zone),
        asked.log.on_bad_row, settings.model_file != "", settings.id_key,
    )  # fmt: skip
    digest.update(repr(facts).encode())
    return f"{path.name} {digest.hexdigest()}"


async def _bootstrap(
    asked: Asked, settings: Settings, cluster: "Cluster", rules: "Rules", said: str
) -> Told:
    from streams.replay import bootstrap as past  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress  # noqa: PLC0415
    from streams.replay.run import model_at  # noqa: PLC0415
    from streams.runtime.hand_over import Overlap  # noqa: PLC0415
    from streams.runtime.hand_over_scan import (  # noqa: PLC0415
        ends_of,
        learned_from,
        shelves_of,
    )
    from streams.runtime.past_writer import past_writer  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    scorer = model_at(settings.model_file, settings.model_keys, rules)
    loop, topic = asyncio.get_running_loop(), settings.topic_activity
    async with past_writer(settings, cluster, rules) as writer:
        learned = await learned_from(settings, cluster)
        contents = await writer.contents()
        if asked.is_anew and contents.is_under_way:
            await _forget(writer, contents)
            contents = await writer.contents()
        _demand_new(contents, settings)
        ends = await ends_of(settings, cluster, rules, writer.partitions)
        overlap = Overlap(await shelves_of(cluster, topic, rules, ends), asked.until_ms)
        note = past.noted(contents.states, said)
        if note is None:
            note = past.Note(history=said, now_ms=now_ms())
            piece = past.begun(note, writer.partitions)
            await writer.write_piece(piece.changelog, piece.models)

        def keep(piece: "Piece") -> None:
            written = writer.write_piece(piece.changelog, piece.models)
            asyncio.run_coroutine_threadsafe(written, loop).result()

        run = past.Bootstrap(
            rules, scorer, note, settings.model_keys, partitions=writer.partitions,
            app_id=settings.app_id, learns=not settings.model_file, keep=keep,
            every=past.KEEP_EVERY,
        )  # fmt: skip
        was_resumed = bool(note.counts)
        if was_resumed:
            from streams.core.partition_record import PAST_KEY  # noqa: PLC0415

            kept = {
                number: {key: value for key, value in content.items() if key != PAST_KEY}
                for number, content in contents.states.items()
            }
            run.resume(kept, contents.models)
        with Progress("reading", is_quiet=asked.is_quiet) as progress:
            before = run.fleet.counts["accepted"]
            await asyncio.to_thread(run.run, _marked(asked, overlap, progress))
            seconds = progress.seconds()
        borders = await _borders(asked, settings, cluster, rules, overlap, run, ends)
        applied = {number: {topic: border.offset} for number, border in borders.items()}
        await asyncio.to_thread(run.end, applied, learned)
        return told_of(run, settings, said, borders, seconds, before, was_resumed=was_resumed)


def _marked(asked: Asked, overlap: "Overlap", progress: object) -> "Iterator[Block]":
    from streams.replay.blocks import Window  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress, shown  # noqa: PLC0415

    assert isinstance(progress, Progress)
    for block in Window(until_ms=asked.until_ms).of(shown(asked.log, progress)):
        overlap.mark(block.user_ids, block.event_ids, block.times_ms)
        yield block


def _demand_new(contents: "Contents", settings: Settings) -> None:
    """Refuse a deployment that has a state of its own."""
    if contents.is_new or contents.is_under_way:
        return
    raise UserError(
        f"the deployment {settings.app_id} has a state already",
        "Only a new one can be given a past: choose another WINBACK_APP_ID, with topics of its own "
        "for what is internal, and make them: winback topics apply",
    )


async def _forget(writer: "PastWriter", contents: "Contents") -> None:
    """Take back all that a bootstrap has written."""
    gone = {number: dict.fromkeys(content) for number, content in contents.states.items()}
    await writer.write_piece(gone, dict.fromkeys(contents.models))


async def _borders(
    asked: Asked, settings: Settings, cluster: "Cluster", rules: "Rules", overlap: "Overlap",
    run: "Bootstrap", ends: dict[int, tuple[int, int]],
) -> "dict[int, Border]":  # fmt: skip
    """Return where workers take over; refuse what could lose or double an event."""
    from streams.runtime.hand_over import demand_sound, doubled  # noqa: PLC0415 (quick --help)
    from streams.runtime.hand_over_scan import scanned  # noqa: PLC0415

    topic = settings.topic_activity
    borders = overlap.borders(run.fleet.newest_ms or 0)
    left = {
        number: (border.offset, ends[number][1])
        for number, border in borders.items() if border.behind
    }  # fmt: skip
    records = [record async for record in scanned(cluster, topic, rules, left)]
    twice = doubled(records, overlap, run.fleet.value)
    demand_sound(
        borders, topic, twice=twice, may_lack=asked.may_lack, by_time=asked.until_ms is not None
    )
    return borders
