"""``winback playbooks``: check playbooks, read them, try them on an own log."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from streams.commands.counted import counted
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.core.playbook import Playbook
    from streams.core.playbooks_compile import Known
    from streams.core.playbooks_file import Reading
    from streams.core.rules import Rules
    from streams.core.template_lint import Finding
    from winback_sender.documents.faults import Complaint

RULES = click.option(
    "--rules", metavar="YAML", help="Rules that name tiers, channels and traits. Default: none."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def playbooks() -> None:
    """Check playbooks, read them, and try them on a log of your own."""


@playbooks.command(short_help="Say all that is wrong, for us and for providers.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@RULES
@AS_JSON
def check(*, files: tuple[str, ...], rules: str | None, as_json: bool) -> int:
    """Say everything that is wrong with playbooks, and what providers would object to.

    Ends with 2 when a playbook cannot run, with 1 when a provider would refuse a text.
    """
    import msgspec  # noqa: PLC0415 (quick --help)

    from streams.core.template_lint import findings  # noqa: PLC0415

    readings, complaints = _readings(files, _known(rules))
    found = [finding for reading in readings for finding in findings(reading)]
    errors = sum(finding.level == "error" for finding in found)
    if as_json:
        facts = {
            "is_sound": not complaints and not errors,
            "playbooks": [_facts(reading) for reading in readings],
            "complaints": [complaint._asdict() for complaint in complaints],
            "findings": [finding._asdict() for finding in found],
        }
        click.echo(msgspec.json.encode(facts).decode())
    else:
        for said in (*complaints, *found):
            click.echo(str(said))
        for reading in readings:
            click.echo(_summary(reading, found))
    if complaints:
        return Exit.USAGE
    return Exit.FAILED if errors else Exit.OK


@playbooks.command(short_help="Show journeys with their times.")
@click.argument("file")
@click.option("--name", metavar="N", help="Only the playbook of this name.")
@click.option("--mermaid", is_flag=True, help="As diagrams.")
@RULES
def show(*, file: str, name: str | None, mermaid: bool, rules: str | None) -> int:
    """Show the journeys of FILE: for whom, the touches with their times, how they end."""
    from streams.core.playbook_text import as_mermaid, as_text  # noqa: PLC0415
    from winback_sender.documents.faults import meant, refused  # noqa: PLC0415 (quick --help)

    readings, complaints = _readings([file], _known(rules))
    if complaints:
        raise UserError(str(refused(complaints)), "mend the playbooks")
    books = [book for reading in readings for book in reading.playbooks]
    names = [book.name for book in books]
    if name is not None and name not in names:
        raise UserError(f"{file} has no playbook {name!r}", meant(name, names))
    templates = readings[0].head.templates or {}
    wanted = [book for book in books if name in {None, book.name}]
    shown = [as_mermaid(book) if mermaid else as_text(book, templates) for book in wanted]
    click.echo("\n\n".join(shown))
    return Exit.OK


@playbooks.command(short_help="Count what playbooks would do with a log.")
@click.argument("file")
@click.argument("log")
@click.option(
    "--rules",
    metavar="YAML",
    help="Business rules. Default: those that winback has, with everybody's consent.",
)
@click.option(
    "--learn/--no-learn", default=True, show_default=True,
    help="Learn on the way; without, only silence opens cases.",
)  # fmt: skip
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@AS_JSON
def simulate(
    *,
    file: str,
    log: str,
    rules: str | None,
    learn: bool,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run the playbooks of FILE on the event log LOG, as if they had been live, and count.

    Nothing is sent. Users do in the log what they did, whatever the playbooks would have sent them.
    """
    import msgspec  # noqa: PLC0415 (quick --help)

    from streams.core.outbox import DECISIONS, TOUCHES  # noqa: PLC0415
    from streams.core.playbooks_file import rules_with  # noqa: PLC0415
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.replay.rehearsal import rehearsed  # noqa: PLC0415
    from streams.replay.rehearsal_page import page  # noqa: PLC0415
    from streams.replay.run import Replay, model_at  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    settings = load_settings(os.environ)
    book = _rules_of(rules)
    books = _sound([file], book)
    book = msgspec.structs.replace(rules_with(book, books), mode="live")
    events = reading.log(log)
    run = Replay(
        book, model_at("", settings.model_keys, book), partitions=1, now_ms=now_ms(),
        learns=learn, keeps=[DECISIONS, TOUCHES],
    )  # fmt: skip
    with Progress("simulating", is_quiet=quiet or as_json) as progress:
        replayed = run.run(shown(events, progress))
    names = [one.name for one in books]
    counts = rehearsed(names, book.zone, run.records(DECISIONS), run.records(TOUCHES))
    if as_json:
        facts = {"log": replayed, "consent_assumed": rules is None, "playbooks": counts}
        click.echo(msgspec.json.encode(facts).decode())
        return Exit.OK
    click.echo(page(replayed, counts))
    if rules is None:
        click.echo("Everybody's consent was assumed: give your own rules with --rules.")
    return Exit.OK


def _rules_of(path: str | None) -> "Rules":
    from streams.core.rules_file import parse_rules  # noqa: PLC0415 (quick --help)
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    return parse_rules("contact: {consent_default: granted}") if path is None else rules_at(path)


def _known(rules: str | None) -> "Known":
    from streams.core.playbooks_compile import Known  # noqa: PLC0415 (quick --help)
    from streams.core.playbooks_file import known_of  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    return Known() if rules is None else known_of(rules_at(rules))


def _readings(files: Sequence[str], known: "Known") -> tuple[list["Reading"], list["Complaint"]]:
    """Return what can be read of the files, and everything that is wrong with them."""
    from streams.core.playbooks_file import all_playbooks  # noqa: PLC0415
    from streams.rule_files import readings_of  # noqa: PLC0415
    from winback_sender.documents.faults import RulesRefused  # noqa: PLC0415 (quick --help)

    readings, complaints = list["Reading"](), list["Complaint"]()
    for file in files:
        try:
            readings += (own := readings_of([file], known))
            all_playbooks(own)  # Names may be there twice in files that are not used together.
        except RulesRefused as refusal:
            complaints += refusal.complaints
    return readings, complaints


def _sound(files: Sequence[str], rules: "Rules") -> tuple["Playbook", ...]:
    from streams.core.playbooks_file import known_of  # noqa: PLC0415
    from streams.rule_files import load_playbooks  # noqa: PLC0415
    from winback_sender.documents.faults import RulesRefused  # noqa: PLC0415 (quick --help)

    try:
        return load_playbooks(files, known_of(rules))
    except RulesRefused as refusal:
        raise UserError(str(refusal), "mend the playbooks") from None


def _facts(reading: "Reading") -> dict[str, Any]:
    books = [
        {
            "name": book.name,
            "version": book.version,
            "variants": {variant.name: variant.share for variant in book.variants},
        }
        for book in reading.playbooks
    ]
    return {"file": reading.source.document.name, "playbooks": books}


def _summary(reading: "Reading", found: Sequence["Finding"]) -> str:
    """Return a line that says what was checked, and how many objections each provider has."""
    from streams.core.template_lint import checked_providers  # noqa: PLC0415 (quick --help)

    name = reading.source.document.name
    if reading.complaints:
        return f"{name}: cannot run, {counted(len(reading.complaints), 'fault')}"
    said = f"{name}: {counted(len(reading.names), 'playbook')}"
    if reading.head.templates is None:
        return f"{said}, no templates to check"
    own = [finding for finding in found if finding.file == name]
    verdicts = []
    for provider in checked_providers(reading):
        errors = sum(one.provider == provider and one.level == "error" for one in own)
        verdicts.append(f"{provider} {counted(errors, 'error') if errors else 'ok'}")
    return f"{said}, {counted(len(reading.head.templates), 'template')}; {', '.join(verdicts)}"
