"""``winback inputs``: what other people's topics come to under the mapping of the rules."""

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.foreign_options import kafka_of, topic_origin
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings
from winback_sender.terminal import json_text

if TYPE_CHECKING:
    from streams.replay.convert import Converted
    from streams.replay.origins import Understanding

RECORDS: Final = 2_000
"""Records of each partition that a check reads."""
NAMES_SHOWN: Final = 20
DETAIL_MAX: Final = 160


@click.group(name="inputs")
def inputs() -> None:
    """Check how topics of other formats are understood, and turn dumps of them into a log."""


@inputs.command(name="check")
@click.option("--topic", metavar="TOPIC", help="Read its newest records; nothing is committed.")
@click.option("--file", "path", metavar="FILE",
              help="Read a file: JSON lines of values, or of records as kcat -J writes them, or "
                   "csv; gzip allowed, - is stdin. TOPIC=FILE says whose.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--records", type=click.IntRange(min=1), default=RECORDS, show_default=True,
              metavar="N", help="At most so many records of each partition.")  # fmt: skip
@click.option("--oldest", is_flag=True, help="The oldest records of a topic, not the newest.")
@click.option("--show-ids", is_flag=True, help="Show ids of users as they are.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(
    *,
    topic: str | None,
    path: str | None,
    rules: str | None,
    records: int,
    oldest: bool,
    show_ids: bool,
    local: bool,
    as_json: bool,
) -> int:
    """Read a sample of a topic, or a file, and show what its records come to.

    Per event name: how many were understood, as what, and which line of the rules said so; what was
    left out or refused, why, and where. Then ids, times, disorder, currencies, keys, and advice.
    Nothing is written anywhere. Exit code 1 when something was refused.
    """
    from streams.replay.checkup import Checkups  # noqa: PLC0415 (quick --help)
    from streams.replay.checkup_words import hidden, said  # noqa: PLC0415
    from streams.replay.origins import file_origin  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if topic is None and path is None:
        raise UserError("one of --topic and --file is needed", "winback inputs check --file FILE")
    if topic is not None and path is not None:
        raise UserError("--topic and --file exclude each other", f"--file {topic}={path} reads "
                        "the file as records of the topic")  # fmt: skip
    settings = load_settings(os.environ)
    meaning = _understanding(rules, settings)
    checkups = Checkups(meaning, now_ms())
    if topic is not None:
        meaning.source(topic, topic)  # A topic that rules do not know is to be told first.
        cluster = kafka_of(settings, is_local=local)
        with topic_origin(cluster, topic, records, is_oldest=oldest) as origin:
            checkups.see(origin)
    elif path is not None:
        checkups.see(file_origin(path, meaning.topics))
    found = checkups.found()
    if not found:
        raise UserError(f"{topic or path}: there is no record in it", "it may be empty, or expired")
    if as_json:
        facts = [
            {"topic": one.source.topic}
            | msgspec.to_builtins(one.found if show_ids else hidden(one.found))
            for one in found
        ]
        click.echo(json_text({"inputs": facts}))
    else:
        for one in found:
            click.echo("\n".join(said(one, meaning.name, show_ids=show_ids)))
    return Exit.FAILED if any(one.found.rejected for one in found) else Exit.OK


@inputs.command(name="convert")
@click.argument("files", nargs=-1, metavar="[TOPIC=]FILE...")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC",
              help="Read all of a topic; several times: several.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option(
    "-o", "--out", required=True, metavar="JSONL", help="The log; .gz packs it, - prints."
)
@click.option("--rejects", metavar="JSONL", help="Write what was refused, and why.")
@click.option("--force", is_flag=True, help="Overwrite the files that are there.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def convert(
    *,
    files: tuple[str, ...],
    topics: tuple[str, ...],
    rules: str | None,
    out: str,
    rejects: str | None,
    force: bool,
    local: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Turn dumps of foreign topics into one native log, in order of time.

    Files and topics go into it together; define, backtest, replay and feed read it. What is refused
    is counted, and shown with its place; the log is there as a whole or not at all.
    """
    from streams.replay.convert import Converter  # noqa: PLC0415 (quick --help)
    from streams.replay.origins import Origin, file_origin  # noqa: PLC0415
    from streams.replay.progress import Progress  # noqa: PLC0415
    from streams.replay.sorted_log import NewFile, Sorter  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if not files and not topics:
        raise UserError("there is nothing to convert", "name files, or topics with --topic")
    settings = load_settings(os.environ)
    meaning = _understanding(rules, settings)
    cluster = kafka_of(settings, is_local=local) if topics else None
    with NewFile(out, force=force) as log, ExitStack() as held:
        refused = held.enter_context(NewFile(rejects, force=force)) if rejects else None
        sorter = Sorter(log.directory)
        converter = Converter(meaning, sorter, refused, now_ms())
        progress = held.enter_context(Progress("converting", is_quiet=quiet or as_json))

        def take(origin: Origin) -> None:
            with log.explained():
                for record in origin.records:
                    at_ms = converter.take(origin, record)
                    progress.show(origin.records.progress, sorter.lines, at_ms)

        for said in files:
            take(file_origin(said, meaning.topics))
        for topic in topics:
            assert cluster is not None
            with topic_origin(cluster, topic, None) as origin:
                take(origin)
        converted = converter.write(log)
    seconds = progress.seconds()
    if as_json:
        facts = msgspec.to_builtins(converted) | {"out": out, "rejects": rejects}
        click.echo(msgspec.json.encode(facts | {"seconds": round(seconds, 2)}).decode())
    else:
        _say(converted, out, rejects, seconds)
    return Exit.OK if converted.events else Exit.FAILED


@inputs.command(name="sample")
@click.argument("file")
@click.option("--as", "tongue", required=True, metavar="FORMAT",
              help="segment, sensors, cloudevents, debezium, canal, json, …")  # fmt: skip
@click.option("-o", "--out", required=True, metavar="JSONL", help="The dump; .gz packs it.")
@click.option("--currency", metavar="CODE", default="CNY", show_default=True,
              help="Of the amounts, where FILE names none.")  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
def sample(*, file: str, tongue: str, out: str, currency: str, force: bool) -> None:
    """Write the native log FILE as another format would have it, as kcat -J dumps topics.

    For those who have no topic at hand: it is what the demo and the cookbook are fed on.
    """
    from streams.commands.log_options import LogOptions  # noqa: PLC0415 (quick --help)
    from streams.demo.telling import line_of, records_of  # noqa: PLC0415
    from streams.demo.tongues import TONGUES  # noqa: PLC0415
    from streams.replay.sorted_log import NewFile  # noqa: PLC0415

    written = {name: spoken for name, spoken in TONGUES.items() if not spoken.schema}
    if tongue not in written:
        raise UserError(f"--as: {tongue!r} is none of {', '.join(written)}")
    spoken = written[tongue]
    with NewFile(out, force=force) as dump:
        for block in LogOptions(None, None, "stop").log(file, may_be_unordered=True).blocks():
            told = zip(records_of(spoken, block, currency), block.times_ms, strict=True)
            dump.write(b"".join(line_of(spoken, record, at_ms) for record, at_ms in told))


def _understanding(path: str | None, settings: Settings) -> "Understanding":
    """Return what the rules of a path, or of the settings, make of records."""
    from streams.replay.origins import Understanding  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    name = settings.rules if path is None else path
    return Understanding(rules_at(name, settings.id_keys), name or "the default rules", settings)


def _say(converted: "Converted", out: str, rejects: str | None, seconds: float) -> None:
    from streams.replay.define_words import plain  # noqa: PLC0415 (quick --help)
    from streams.replay.instants import short_iso  # noqa: PLC0415

    err = out == "-"  # The log itself goes to standard output.
    span = ""
    if converted.events:
        span = f", {short_iso(converted.first_ms)} to {short_iso(converted.last_ms)}"
    rate = f"{converted.records / seconds:,.0f} records/s"
    click.echo(f"{counted(converted.records, 'record')} read, {rate}", err=err)
    click.echo(f"  {counted(converted.events, 'event')} written to {out}{span}", err=err)
    for name, count in converted.names.most_common(NAMES_SHOWN):
        click.echo(f"    {count:>9,}  {plain(name)}", err=err)
    if (more := len(converted.names) - NAMES_SHOWN) > 0:
        click.echo(f"    … and {counted(more, 'more name')}", err=err)
    if converted.repeated:
        click.echo(f"  {counted(converted.repeated, 'event')} stood there twice, word for word; "
                   "written once", err=err)  # fmt: skip
    for reason, count in converted.skipped.most_common():
        click.echo(f"  {counted(count, 'record')} left out: {reason}", err=err)
    for reason, count in converted.rejected.most_common():
        click.echo(f"  {counted(count, 'record')} refused: {reason}", err=True)
    for one in converted.refused:
        click.echo(f"    {one.source}, {one.place}: {plain(one.detail, DETAIL_MAX)}", err=True)
    if converted.rejected and rejects is None:
        click.echo("  all of them with their values: --rejects FILE", err=True)
    if not converted.events:
        click.echo("nothing was understood: winback inputs check says why", err=True)
