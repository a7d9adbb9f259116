"""``winback feed``: publish an event log on the activity topic."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.replay.blocks import Window
    from streams.replay.feed import Fed, Words
    from streams.replay.files import EventLog
    from winback_sender.cluster import Cluster


@click.command()
@click.argument("file")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="N × real time: 86400 feeds a day a second. Default: full speed.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="EVENTS_PER_S",
              help="At most so many events a second.")  # fmt: skip
@click.option("--since", metavar="ISO", help="Leave out events before this instant.")
@click.option("--until", metavar="ISO", help="Leave out events from this instant on.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many events.")
@click.option("--from-row", type=click.IntRange(min=1), default=1, metavar="N",
              help="Begin with row N of the data: to go on after an interruption.")  # fmt: skip
@click.option("--no-watermark", is_flag=True,
              help="Do not say at the end that nothing older follows.")  # fmt: skip
@click.option("--as", "tongue", metavar="FORMAT",
              help="Write the events as another format has them, to try a mapping on: segment, "
                   "sensors, debezium, …")  # fmt: skip
@click.option("--topic", metavar="TOPIC", help="Where to. Default: the activity topic.")
@log_options
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def feed(
    *,
    file: str,
    speed: float | None,
    rate: float | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    from_row: int,
    no_watermark: bool,
    tongue: str | None,
    topic: str | None,
    reading: LogOptions,
    local: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Publish the event log FILE on the activity topic.

    FILE is csv with the header user_id,ts,event,amount, Parquet with these columns, or JSON lines
    of native events; gzip is unpacked, and - reads standard input. Records carry the time of now,
    event time is a field.
    At the end every partition gets a watermark, so that the timers of silent users are due.
    """
    from streams.replay.blocks import Window  # noqa: PLC0415 (quick --help)
    from streams.replay.instants import option_ms  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415
    from winback_sender.doorstep import require_reachable  # noqa: PLC0415

    settings = load_settings(os.environ)
    words = _words(tongue, topic, settings)
    window = Window(option_ms("--since", since), option_ms("--until", until), limit, from_row)
    log = reading.log(file, may_be_unordered=True)
    log.head()  # A bad file is to be known before Kafka is asked for.
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    require_reachable(cluster)
    fed = asyncio.run(
        _feed(log, window, (cluster, topic or settings.topic_activity), (speed, rate), words,
              with_watermark=not no_watermark and tongue is None, is_quiet=quiet or as_json)
    )  # fmt: skip
    if as_json:
        click.echo(msgspec.json.encode(fed).decode())
    else:
        _say(fed, log)
    return Exit.INTERRUPTED if fed.is_interrupted else Exit.OK


def _words(tongue: str | None, topic: str | None, settings: Settings) -> "Words":
    """Return how the events are written.

    Raises:
        UserError: There is no such format, or no topic for it.
    """
    from streams.replay.feed import native  # noqa: PLC0415 (quick --help)

    if tongue is None:
        return native
    from streams.demo.telling import words_of  # noqa: PLC0415
    from streams.demo.tongues import TONGUES  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    known = {name for name, known in TONGUES.items() if not known.has_headers}
    if tongue not in known:
        raise UserError(f"--as: {tongue!r} is none of {', '.join(sorted(known))}")
    if topic is None:
        raise UserError(f"--as {tongue} needs a topic of its own", "name it: --topic TOPIC")
    return words_of(TONGUES[tongue], rules_at(settings.rules, settings.id_keys).currency)


async def _feed(
    log: "EventLog",
    window: "Window",
    target: "tuple[Cluster, str]",
    speed_and_rate: tuple[float | None, float | None],
    words: "Words",
    *,
    with_watermark: bool,
    is_quiet: bool,
) -> "Fed":
    from streams.replay.feed import Feeder, Pace  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress  # noqa: PLC0415
    from streams.runtime.publisher import Publisher  # noqa: PLC0415

    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def interrupted() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)  # The second Ctrl-C ends at once.

    async with Publisher(*target) as publisher:
        loop.add_signal_handler(signal.SIGINT, interrupted)
        with Progress("feeding", is_quiet=is_quiet) as progress:
            pace = Pace(*speed_and_rate, loop.time)
            feeder = Feeder(log, window, publisher, progress, stop, words)
            return await feeder.run(pace, with_watermark=with_watermark)


def _say(fed: "Fed", log: "EventLog") -> None:
    until = f", {fed.first_event_at} to {fed.last_event_at}" if fed.first_event_at else ""
    word = "interrupted after" if fed.is_interrupted else "fed"
    events, partitions = counted(fed.events, "event"), counted(fed.partitions, "partition")
    click.echo(f"{word} {events} to {fed.topic} ({partitions}){until}, "
               f"{fed.events_per_s:,.0f} events/s")  # fmt: skip
    if fed.is_interrupted:
        click.echo(f"  to go on: winback feed {fed.file} --from-row {fed.next_row}", err=True)
    for count, noun, what in (
        (fed.skipped_rows, "bad row", f"skipped, the first: {log.first_bad}"),
        (fed.unordered_rows, "row", "older than the row before: the service takes that as late"),
        (fed.from_the_future, "event", "in the future: the service will reject that"),
    ):
        if count:
            click.echo(f"  {counted(count, noun)} {what}", err=True)
