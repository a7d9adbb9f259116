"""``winback init``: a mapping proposed from a sample of a topic."""

import os
import re
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

import click

from streams.commands.counted import counted
from streams.commands.foreign_options import kafka_of, topic_origin
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.intake.foreign import Foreign
    from streams.replay.findings import Found
    from streams.replay.propose.proposal import Proposal

FROM_FILE: Final = 50_000
FROM_PARTITION: Final = 5_000
REFUSED_SHOWN: Final = 3
DETAIL_MAX: Final = 160


@click.command()
@click.argument("file", required=False)
@click.option("--topic", metavar="TOPIC",
              help="Read its newest records, commit nothing. With FILE: its name.")  # fmt: skip
@click.option("-o", "--out", metavar="YAML", help="Write the rules there. Default: print them.")
@click.option("--force", is_flag=True, help="Overwrite the rules that are there.")
@click.option("--records", type=click.IntRange(min=1), metavar="N",
              help=f"At most so many: of FILE (default {FROM_FILE:,}), of each partition "
                   f"({FROM_PARTITION:,}).")  # fmt: skip
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
def init(
    *,
    file: str | None,
    topic: str | None,
    out: str | None,
    force: bool,
    records: int | None,
    local: bool,
) -> int:
    """Propose rules for a topic from FILE, a sample of its records, or from the topic itself.

    FILE is JSON lines of values, or of records as kcat -J writes them, or csv; gzip is unpacked, -
    reads standard input. Guesses the format, and where users, times, money and events stand; every
    guess is marked as one, with its evidence. Consent is never guessed.
    """
    from streams.replay.dump import Dump  # noqa: PLC0415 (quick --help)
    from streams.replay.propose.framed import unframed  # noqa: PLC0415
    from streams.replay.propose.proposal import proposed  # noqa: PLC0415
    from streams.replay.propose.text import proposal_text  # noqa: PLC0415
    from streams.replay.sorted_log import NewFile  # noqa: PLC0415

    if file is None and topic is None:
        raise UserError("there is no sample", "winback init FILE, or winback init --topic TOPIC")
    if out is not None and Path(out).exists() and not force:
        raise UserError(f"{out} is there already", "choose another name, or overwrite it: --force")
    settings = load_settings(os.environ)
    partitions = 0
    if file is None and topic is not None:
        cluster = kafka_of(settings, is_local=local)
        with topic_origin(cluster, topic, records or FROM_PARTITION) as origin:
            sample, partitions = list(origin.records), origin.partitions
    else:
        sample = list(islice(Dump(file or ""), records or FROM_FILE))
    label, name = file or topic or "", topic or _topic_of(file or "")
    if not sample:
        raise UserError(f"{label}: there is no record in it", "it may be empty, or expired")
    sample = [record._replace(topic=topic or record.topic or name) for record in sample]
    shown, encoding = unframed(sample, label, settings)
    by_topic: dict[str, list[Foreign]] = {}
    for record in shown:
        by_topic.setdefault(record.topic, []).append(record)
    proposals = [
        proposed(records_of, told, label)._replace(encoding=encoding)
        for told, records_of in by_topic.items()
    ]

    def text(found: "dict[str, Found]") -> str:
        return proposal_text(proposals, label, found, partitions=partitions,
                             own_partitions=settings.partitions)  # fmt: skip

    found = _tried(text({}), sample, settings, partitions)
    rules = text(found)
    if out is None:
        click.echo(rules, nl=False)
    else:
        with NewFile(out, force=force) as new:
            new.write(rules.encode())
    for proposal in proposals:
        _say(proposal, found[proposal.topic])
    if out is not None:
        _say_next(label, out, topic if file is None else None)
    return Exit.OK if any(one.accepted for one in found.values()) else Exit.FAILED


def _topic_of(path: str) -> str:
    """Return what a topic may be called of which the records do not say it: as their file."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(path).name.split(".")[0]).strip("_.-")
    return stem or "topic"


def _tried(
    text: str, sample: list["Foreign"], settings: Settings, partitions: int
) -> "dict[str, Found]":
    """Return what the sample of each topic comes to under the rules that are proposed for it."""
    from streams.core.rules_file import parse_rules  # noqa: PLC0415 (quick --help)
    from streams.replay.checkup import Checkups  # noqa: PLC0415
    from streams.replay.origins import Kept, Origin, Understanding  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415
    from winback_sender.documents.faults import RulesRefused  # noqa: PLC0415

    try:
        rules = parse_rules(text, "the proposed rules")
    except RulesRefused as error:
        hint = "say what the topic is called with --topic, or write the rules: docs/mapping.md"
        raise UserError(str(error), hint) from None
    checkups = Checkups(Understanding(rules, "the proposed rules", settings), now_ms())
    checkups.see(Origin("the sample", "", Kept(sample), partitions))
    return {one.source.topic: one.found for one in checkups.found()}


def _say(proposal: "Proposal", found: "Found") -> None:
    from streams.replay.findings import REJECTED  # noqa: PLC0415 (quick --help)

    events = found.accepted + found.skipped + found.rejected
    lines = [
        f"{proposal.topic}: {proposal.form.form}, for {proposal.why}",
        f"{counted(len(proposal.events.rules), 'rule')} proposed; of {counted(events, 'event')}:",
        f"  {found.accepted:,} understood, {found.skipped:,} left out, {found.rejected:,} refused",
    ]
    refused = [group for group in found.groups if group.outcome == REJECTED]
    lines += [
        f"    {group.reason}: {group.detail[:DETAIL_MAX]}" for group in refused[:REFUSED_SHOWN]
    ]
    click.echo("\n".join(lines), err=True)


def _say_next(label: str, out: str, topic: str | None) -> None:
    where = f"--topic {topic}" if topic else f"--file {quote(label)}"
    what, rules = f"--topic {topic}" if topic else quote(label), quote(out)
    lines = [
        f"written: {out}", "next", f"  look at every guess in {out}",
        f"  winback inputs check {where} --rules {rules}",
        f"  winback inputs convert {what} --rules {rules} -o events.jsonl",
    ]  # fmt: skip
    click.echo("\n".join(lines), err=True)
