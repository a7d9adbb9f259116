"""``winback doctor``: what is wrong with a deployment, where, and what to do."""

import os
from typing import TYPE_CHECKING, Final

import click

from streams.errors import Exit, UserError
from streams.settings import load_settings
from winback_sender.terminal import json_text, printable

if TYPE_CHECKING:
    from streams.runtime.doctor_findings import Report

_MARKS: Final = {"wrong": ("!", "red"), "note": ("-", "yellow")}


@click.command()
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--as", "role", metavar="ROLE", default="",
              help="Ask whether this principal may do what a role must.")  # fmt: skip
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
def doctor(*, rules: str | None, as_json: bool, role: str, local: bool) -> int:
    """Say what is wrong, why it matters, and the command that repairs it.

    Settings, rules, playbooks, providers and topics are looked at, and from the ends of the topics
    it is read how far each partition is, which topic holds its timers back, and why. No worker need
    run, nothing is written, and no provider is asked.

    \b
    Exit code 0: nothing is wrong (there may be notes).
              1: something is wrong.
              2: settings or rules cannot be used, so it did not look.
              3: Kafka cannot be reached.
    """  # noqa: D301  # \b is click's sign for lines as they are
    from streams.commands.doctor_dry import playbook_faults, sender_faults  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)
    from streams.runtime.acls import roles  # noqa: PLC0415
    from streams.runtime.doctor import Dry, look  # noqa: PLC0415
    from streams.runtime.doctor_findings import report_of  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    path = settings.rules if rules is None else rules
    book = rules_at(path, settings.id_keys)
    known = [each.name for each in roles(settings, book.sources)]
    if role and role not in known:
        raise UserError(f"--as {role}: there is no such role", f"there are: {', '.join(known)}")
    dry = Dry(tuple(playbook_faults(path, book)), tuple(sender_faults(os.environ)), role)
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    report = report_of(look(settings, book, cluster, dry))
    if as_json:
        click.echo(json_text(report))
    else:
        _print(report)
    return Exit.OK if report.healthy else Exit.FAILED


def _print(report: "Report") -> None:
    click.echo(f"winback {report.winback}, Kafka {report.broker or 'of a version that it hides'}")
    for role, members in report.workers.items():
        click.echo(f"{role}: {members} running")
    for view in report.partitions:
        click.echo(f"partition {view.partition}: event time {view.watermark or 'not begun'}")
        for clock in view.clocks:
            parts = [clock.mark or "nothing yet"]
            if clock.behind_s is not None:
                parts.append(f"{clock.behind_s:,} s behind")
            if clock.unread:
                parts.append(f"{clock.unread:,} unread")
            if clock.is_idle:
                parts.append("idle")
            if clock.clock == view.held_by and len(view.clocks) > 1:
                parts.append("holds the timers")
            click.echo(printable(f"  {clock.clock}: {', '.join(parts)}"))
    for finding in report.findings:
        mark, colour = _MARKS[finding.level.value]
        click.secho(printable(f"{mark} {finding.where}: {finding.what}"), fg=colour)
        if finding.why:
            click.echo(printable(f"    why: {finding.why}"))
        click.echo(printable(f"    do: {finding.next}"))
    click.echo(f"{'healthy' if report.healthy else 'something is wrong'}; lag {report.lag:,}")
