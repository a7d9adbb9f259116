"""``winback templates``: hold templates and playbooks against the channel law; print the law."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from streams.commands.counted import counted
from streams.errors import Exit, UserError

if TYPE_CHECKING:
    from streams.core.playbooks_file import Reading
    from streams.core.template_lint import Finding
    from winback_sender.documents.faults import Complaint
    from winback_sender.law.rules import Law, Rule
    from winback_sender.templating.templates_file import TemplatesReading

LAW = click.option(
    "--law", "law_file", metavar="YAML", default="",
    help="What is changed in the law. Default: WINBACK_SENDER_LAW.",
)  # fmt: skip
PROVIDER = click.option(
    "--provider", "providers", metavar="NAME", multiple=True, help="Only of this one; repeatable."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def templates() -> None:
    """Hold templates and playbooks against the rules of providers and countries."""


@templates.command(short_help="Say all that a provider would refuse, and why.")
@click.option("--playbooks", "playbook_files", metavar="YAML", multiple=True, help="Repeatable.")
@click.option(
    "--templates", "template_file", metavar="YAML", default="",
    help="Template key to the provider's template. Default: WINBACK_SENDER_TEMPLATES.",
)  # fmt: skip
@LAW
@PROVIDER
@AS_JSON
def lint(
    *,
    playbook_files: tuple[str, ...],
    template_file: str,
    law_file: str,
    providers: tuple[str, ...],
    as_json: bool,
) -> int:
    """Say everything that the channel law has against playbooks and templates.

    Each finding has file, line and column, the rule with its source and date, and what to do.
    Ends with 2 when a file cannot be used, with 1 when there is an error, otherwise with 0: a rule
    that could not be confirmed only warns.
    """
    import msgspec  # noqa: PLC0415 (quick --help)

    from streams.templates_lint import all_findings  # noqa: PLC0415

    template_file = template_file or os.environ.get("WINBACK_SENDER_TEMPLATES", "")
    if not playbook_files and not template_file:
        raise UserError("there is nothing to check", "give --playbooks, --templates, or both")
    law = _law(law_file)
    _check_names(providers)
    readings, complaints = _playbooks(playbook_files)
    book, more = _templates(template_file)
    found = all_findings(readings, book, law, providers)
    complaints += more
    errors = sum(finding.level == "error" for finding in found)
    if as_json:
        facts = {
            "is_sound": not complaints and not errors,
            "complaints": [complaint._asdict() for complaint in complaints],
            "findings": [finding._asdict() for finding in found],
        }
        click.echo(msgspec.json.encode(facts).decode())
    else:
        for said in (*complaints, *found):
            click.echo(str(said))
        click.echo(_summary(readings, book, complaints, found))
    if complaints:
        return Exit.USAGE
    return Exit.FAILED if errors else Exit.OK


@templates.command(short_help="Print the rules with their sources.")
@LAW
@PROVIDER
@AS_JSON
def law(*, law_file: str, providers: tuple[str, ...], as_json: bool) -> int:
    """Print the rules in force: what each says, where that is written, what an operator changed."""
    import msgspec  # noqa: PLC0415 (quick --help)

    in_force = _law(law_file)
    _check_names(providers, in_force.names)
    rules = in_force.of(providers or in_force.names)
    if as_json:
        click.echo(msgspec.json.encode([_facts(rule) for rule in rules]).decode())
        return Exit.OK
    for rule in rules:
        click.echo(_line(rule))
    return Exit.OK


def _law(path: str) -> "Law":
    from winback_sender.law_file import law_at  # noqa: PLC0415 (quick --help)

    return law_at(path or os.environ.get("WINBACK_SENDER_LAW", ""))


def _check_names(names: Sequence[str], known: Sequence[str] = ()) -> None:
    """Refuse a provider that is not known; one of your own is meant by none at all."""
    from streams.templates_lint import PROVIDERS  # noqa: PLC0415 (quick --help)
    from winback_sender.documents.faults import meant  # noqa: PLC0415

    for name in names:
        if name not in (known or PROVIDERS):
            raise UserError(f"provider {name!r} is unknown", meant(name, known or PROVIDERS))


def _playbooks(files: Sequence[str]) -> tuple[list["Reading"], list["Complaint"]]:
    from streams.core.playbooks_compile import Known  # noqa: PLC0415 (quick --help)
    from streams.rule_files import readings_of  # noqa: PLC0415
    from winback_sender.documents.faults import RulesRefused  # noqa: PLC0415

    readings, complaints = list["Reading"](), list["Complaint"]()
    for file in files:
        try:
            own = readings_of([file], Known())
        except RulesRefused as refusal:
            complaints += refusal.complaints
            continue
        readings += own
        complaints += [complaint for reading in own for complaint in reading.complaints]
    return readings, complaints


def _templates(path: str) -> tuple["TemplatesReading | None", list["Complaint"]]:
    from pathlib import Path  # noqa: PLC0415 (quick --help)

    from winback_sender.documents.faults import RulesRefused  # noqa: PLC0415
    from winback_sender.templating.templates_file import read_templates  # noqa: PLC0415

    if not path:
        return None, []
    try:
        reading = read_templates(Path(path).read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        what = f"the templates {path} cannot be read: {error}"
        raise UserError(what, "check that the file is there, and UTF-8") from None
    except RulesRefused as refusal:
        return None, list(refusal.complaints)
    return reading, list(reading.complaints)


def _summary(
    readings: Sequence["Reading"],
    book: "TemplatesReading | None",
    complaints: Sequence["Complaint"],
    found: Sequence["Finding"],
) -> str:
    """Return a line that says what was checked, and what was found."""
    steps = sum(len(reading.uses) for reading in readings)
    keys = 0 if book is None else len(book.file.templates)
    errors = sum(finding.level == "error" for finding in found)
    checked = [counted(steps, "step")] if readings else []
    checked += [counted(keys, "template")] if book is not None else []
    said = f"{' and '.join(checked) or 'nothing'} checked: "
    if complaints:
        said += f"{counted(len(complaints), 'fault')}, "
    return f"{said}{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"


def _facts(rule: "Rule") -> dict[str, Any]:
    return {
        "id": rule.id,
        "value": rule.value,
        "verified": rule.verified,
        "source": rule.source._asdict(),
        "note": rule.note,
        "change": None if rule.change is None else rule.change._asdict(),
    }


def _line(rule: "Rule") -> str:
    """Return a rule as it is printed, with what an operator changed."""
    from winback_sender.law.page import said  # noqa: PLC0415 (quick --help)

    sure = "" if rule.verified else " (unverified)"
    dated = f"published {rule.source.published}" if rule.source.published else "undated"
    lines = [f"{rule.id}: {said(rule.value)}{sure}"]
    lines.append(f"    {rule.source.url}, {dated}, read {rule.source.read}")
    if rule.note:
        lines.append(f"    {rule.note}")
    if rule.change is not None:
        change = rule.change
        before = "there was none" if change.was is None else f"was {said(change.was)}"
        lines.append(
            f"    changed by {change.by} from {change.since} on ({before}): {change.reason} "
            f"[{change.place}]"
        )
    return "\n".join(lines)
