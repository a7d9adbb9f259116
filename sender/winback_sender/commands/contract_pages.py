"""``winback contracts``, also of ``winback-sender``: what both have promised each other."""

import shutil
import textwrap
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from winback_sender.errors import Exit, UserError

if TYPE_CHECKING:
    from winback_sender.contract.schemas import Schema

KIND = click.argument("kind", required=False, metavar="[TYPE]")
WIDTH_MAX: Final = 120
HOLDS_MAX: Final = 32  # Characters of the column that says what a field may hold.


@click.group()
def contracts() -> None:
    """Show the messages between winback and its senders, and what they may become.

    TYPE is touch.requested, touch.revoked, case.closed, user.erased or feedback.
    """


@contracts.command(short_help="Show the messages, or one with its fields.")
@KIND
@click.option("--json", "as_json", is_flag=True, help="Print the JSON Schema of TYPE.")
@click.option("--example", is_flag=True, help="Print an example of TYPE, to be tried out.")
def show(*, kind: str | None, as_json: bool, example: bool) -> None:
    """Show all messages, or the fields of one."""
    from winback_sender.contract.compatibility import fields  # noqa: PLC0415 (quick --help)
    from winback_sender.contract.schemas import schema, schema_text  # noqa: PLC0415
    from winback_sender.schema_files import examples, kept  # noqa: PLC0415

    if kind is None:
        if as_json or example:
            raise UserError("which message?", "name one: winback contracts show feedback --json")
        for name in _kinds(None):
            newest = kept(name)[-1]
            state = newest.name if newest.is_released else f"{newest.name}, not released"
            click.echo(f"{name} {state}\n    {newest.schema['description']}")
        return
    (name,) = _kinds(kind)
    if as_json:
        click.echo(schema_text(name), nl=False)
    elif example:
        click.echo(next(iter(examples(name).values())), nl=False)
    else:
        said = schema(name)
        click.echo(f"{name} {kept(name)[-1].name}  {said['$id']}\n{said['description']}\n")
        click.echo(_table([(path, *field) for path, field in fields(said).items()]))


@contracts.command(short_help="Refuse changes that leave somebody behind.")
def check() -> int:
    """Say whether everybody who reads or writes today can live with the messages of this checkout.

    Ends with 1 if not.
    """
    from winback_sender.schema_files import complaints, kept  # noqa: PLC0415 (quick --help)

    wrong = complaints()
    for line in wrong:
        click.echo(line)
    if wrong:
        click.echo("  → a field may come if it may be missing; what cannot live with that is a new")
        click.echo("    version (docs/adr/0023-what-a-contract-may-become.md)")
        return Exit.FAILED
    for name in _kinds(None):
        released = [one.name for one in kept(name) if one.is_released]
        click.echo(f"{name}: sound with {', '.join(released) or 'nothing released so far'}")
    return Exit.OK


@contracts.command(short_help="Say what has changed since a version.")
@KIND
@click.option(
    "--since", metavar="VERSION", help="Such as 1.0, or a file you kept. Default: the last release."
)
def diff(*, kind: str | None, since: str | None) -> None:
    """Say which fields came or changed since a version, for all messages or for one."""
    from winback_sender.contract.compatibility import fields  # noqa: PLC0415 (quick --help)
    from winback_sender.contract.schemas import schema  # noqa: PLC0415

    found = {name: _before(name, since, is_only=kind is not None) for name in _kinds(kind)}
    if since is not None and not any(before for _, before in found.values()):
        raise UserError(f"no message has a version {since!r}", "winback contracts show lists them")
    for name, (version, before) in found.items():
        if before is None:
            click.echo(f"{name}: new since {version}")
            continue
        old, new = fields(before), fields(schema(name))
        told = [
            *(("+", path, field.holds) for path, field in new.items() if path not in old),
            *(("-", path, field.holds) for path, field in old.items() if path not in new),
            *(
                ("~", path, f"{old[path].holds} → {field.holds}")
                for path, field in new.items()
                if path in old and old[path].holds != field.holds
            ),
        ]
        click.echo(f"{name}: {'' if told else 'no change '}since {version}")
        for sign, path, words in told:
            click.echo(f"  {sign} {path}: {words}")


def _kinds(kind: str | None) -> list[str]:
    from winback_sender.contract.schemas import CONTRACTS  # noqa: PLC0415 (quick --help)

    if kind is None:
        return list(CONTRACTS)
    if kind not in CONTRACTS:
        raise UserError(f"there is no message {kind!r}", f"known: {', '.join(CONTRACTS)}")
    return [kind]


def _before(kind: str, since: str | None, *, is_only: bool) -> tuple[str, "Schema | None"]:
    """Return the name of a version and its schema; None = the message was not there yet."""
    import msgspec  # noqa: PLC0415 (quick --help)

    from winback_sender.schema_files import kept  # noqa: PLC0415

    versions = {one.name: one for one in kept(kind)}
    if since is None:
        released = [one for one in versions.values() if one.is_released]
        return (released[-1].name, released[-1].schema) if released else ("the beginning", None)
    if since in versions:
        return since, versions[since].schema
    path = Path(since)
    if not path.is_file():
        if not is_only:
            return since, None
        raise UserError(
            f"there is no version {since!r} of {kind}", f"known: {', '.join(versions)}, or a file"
        )
    try:
        found: Schema = msgspec.json.decode(path.read_bytes())
        if found["$id"].rpartition(":")[0] != f"urn:winback:{kind}":
            raise UserError(f"{path} is a schema of {found['$id']}", f"not of {kind}")
    except (OSError, msgspec.DecodeError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} is no schema of winback: {error!r}", "winback contracts show TYPE --json"
        ) from error
    return str(path), found


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Return rows as three columns, the first as wide as it is, the others wrapped."""
    name = max(len(row[0]) for row in rows) + 2
    width = min(shutil.get_terminal_size((WIDTH_MAX, 24)).columns, WIDTH_MAX)
    room = max(width - name - HOLDS_MAX - 2, HOLDS_MAX)
    lines = []
    for path, holds, means in rows:
        columns = zip_longest(textwrap.wrap(holds, HOLDS_MAX), textwrap.wrap(means, room))
        for number, (left, right) in enumerate(columns):
            head = path if number == 0 else ""
            lines.append(f"{head:{name}}{left or '':{HOLDS_MAX}}  {right or ''}".rstrip())
    return "\n".join(lines)
