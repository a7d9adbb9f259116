"""``winback report``: what recall did, what it earned, and what to change; for operations."""

import os
import shlex
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import click
import msgspec

from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.reporting.calendar import Span
    from streams.reporting.facts import Facts
    from streams.reporting.figures import Figures


@click.command()
@click.option("--out", metavar="HTML", help="Write the report as one HTML page.")
@click.option("--from", "folder", metavar="DIR",
              help="Read decisions.jsonl, touches.jsonl and feedback.jsonl there. "
                   "Default: the topics.")  # fmt: skip
@click.option("--since", metavar="DAY", help="From this day on, as in 2026-11-01.")
@click.option("--until", metavar="DAY", help="Up to this day, included.")
@click.option("--week", is_flag=True, help="The last full week, beside the one before.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True,
              help="English or Chinese.")  # fmt: skip
@click.option("--rules", metavar="YAML",
              help="Zone of the days, costs of contacts. Default: WINBACK_RULES.")  # fmt: skip
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def report(
    *,
    out: str | None,
    folder: str | None,
    since: str | None,
    until: str | None,
    week: bool,
    lang: Literal["en", "zh"],
    rules: str | None,
    local: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Tell what was at risk, what was done, what it earned, and what to stop or increase.

    Plan, do, check, act: the page follows the questions of a weekly review. What contacts earned is
    treated less held out, with intervals that may be looked at every day. No user is named on it.
    """
    from streams.pages.extras import needed  # noqa: PLC0415 (quick --help)
    from streams.replay.points import check_writable  # noqa: PLC0415
    from streams.replay.progress import Progress  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.reporting.facts import Facts  # noqa: PLC0415
    from streams.reporting.figures import Asked, figures  # noqa: PLC0415

    first, last = _day("--since", since), _day("--until", until)
    if week and first is not None:
        raise UserError("--week and --since exclude each other", "--until names the end of a week")
    if first is not None and last is not None and first > last:
        raise UserError("--since lies after --until", "the first day comes first")
    if out is not None:
        needed("--out", "jinja2")
    check_writable(out)
    settings = load_settings(os.environ)
    book = rules_at(settings.rules if rules is None else rules, settings.id_keys)
    facts = Facts(ZoneInfo(book.zone), until=last)
    with Progress("reading", is_quiet=quiet or as_json) as progress:
        if folder is not None:
            missing = _read_folder(folder, facts, progress)
        else:
            missing = _read_topics(settings, facts, progress, is_local=local)
    facts.close()
    asked = Asked(
        span=_span(facts, first, last, is_week=week),
        is_week=week,
        costs={name: channel.cost_minor for name, channel in book.contact.channels.items()},
        minor_units={book.currency: book.minor_units},
        currency=book.currency,
    )
    found = figures(facts, asked, missing)
    if out is not None:
        _write(out, found, lang)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _say(found, out, lang)
    return Exit.OK


def _day(option: str, text: str | None) -> int | None:
    """Return a day as the calendar counts them.

    Raises:
        UserError: It is none.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise UserError(f"{option}: {text!r} is no day", "write it like 2026-11-01") from None


def _span(facts: "Facts", first: int | None, last: int | None, *, is_week: bool) -> "Span":
    """Return the days to tell of; where nothing was read, at least one."""
    from streams.reporting.calendar import Span, last_full_week, week_to  # noqa: PLC0415 (quick --help)

    newest = facts.newest or datetime.now(UTC).date().toordinal()
    if is_week:
        return last_full_week(newest) if last is None else week_to(last)
    end = newest if last is None else last
    begin = facts.first_day() or end
    return Span(min(begin if first is None else first, end), end)


def _read_folder(folder: str, facts: "Facts", progress: Any) -> list[str]:
    from streams.reporting.folder import Folder  # noqa: PLC0415 (quick --help)

    lines, done = Folder(folder), 0
    for line in lines:
        facts.see(*line)
        done += len(line.value) + 1
        progress.part(done, lines.size, line.where.partition(":")[0])
    return lines.missing


def _read_topics(settings: Settings, facts: "Facts", progress: Any, *, is_local: bool) -> list[str]:
    """Read what is committed on the topics by now.

    Raises:
        Unavailable: Kafka cannot be reached.
        UserError: A topic is not there.
    """
    import asyncio  # noqa: PLC0415 (quick --help)

    from streams.reporting.facts import DECISIONS, FEEDBACK, TOUCHES  # noqa: PLC0415
    from streams.runtime.live_state import partition_count  # noqa: PLC0415
    from streams.runtime.topic_reader import TopicReader  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    streams = {settings.topic_decisions: DECISIONS, settings.topic_touches: TOUCHES,
               settings.topic_feedback: FEEDBACK}  # fmt: skip
    for topic in streams:
        asyncio.run(partition_count(cluster, topic))
    with TopicReader(cluster, streams, ()) as reader:
        total = 0
        for found, left in reader.until_now():
            total = total or left
            for record in found:
                where = f"{record.topic}[{record.partition}]@{record.offset}"
                facts.see(streams[record.topic], record.value, where)
            progress.part(total - left, total, f"{left:,} to read")
    return []


def _write(out: str, found: "Figures", lang: Literal["en", "zh"]) -> None:
    from importlib import metadata  # noqa: PLC0415 (it costs 30 ms)

    from streams.replay.points import Results  # noqa: PLC0415 (quick --help)
    from streams.reporting.page import Made, page  # noqa: PLC0415

    command = shlex.join(["winback", *sys.argv[1:]])
    with Results(out) as results:
        results.write(page(found, Made(metadata.version("winback"), command), lang))


def _say(found: "Figures", out: str | None, lang: Literal["en", "zh"]) -> None:
    from streams.reporting.table import shown  # noqa: PLC0415 (quick --help)

    click.echo(shown(found, lang))
    click.echo(f"  written: {out}" if out else "  for the page: --out report.html")
