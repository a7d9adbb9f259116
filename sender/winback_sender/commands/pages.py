"""What the catalogues of the kit say, for terminals and for ``docs/settings.md``."""

import os
from collections.abc import Iterator, Mapping

import click
import msgspec

from winback_sender.adapters.roster import ROSTER
from winback_sender.addresses.opened import AddressSettings
from winback_sender.routes import prefix_of, settings_of
from winback_sender.settings import SENDER_PREFIX, SenderSettings, Settings
from winback_sender.settings_catalogue import PREFIX, Entry, catalogue, load, table


@click.command()
def adapters() -> None:
    """List the adapters: what each is, what it carries, and the settings that it needs."""
    for name, entry in ROSTER.items():
        channels = ", ".join(entry.channels) or "every channel"
        click.echo(f"{name}  ({channels})\n    {entry.what}")
        kind = settings_of(name)
        if kind is None:
            continue
        needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
        for line in catalogue(kind, prefix_of(name)):
            must = ", needed" if line.field in needed else ""
            default = f" [{line.default}]" if line.default else ""
            click.echo(f"    {line.variable}{default}{must}: {line.meaning}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the reference page.")
def settings(*, as_json: bool, as_markdown: bool) -> None:
    """Print the settings of senders in force. They come from WINBACK_* variables."""
    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    found = {
        entry.variable: (entry, value)
        for kind, prefix in ((Settings, PREFIX), (SenderSettings, SENDER_PREFIX))
        for entry, value in _in_force(kind, prefix, os.environ)
    }
    shown = {
        name: "(hidden)" if entry.is_secret else value for name, (entry, value) in found.items()
    }
    if as_json:
        click.echo(msgspec.json.encode(shown).decode())
        return
    width = max(map(len, found))
    for name, (entry, value) in found.items():
        mark = "*" if str(value) != entry.default else " "
        click.echo(f"{mark} {name:<{width}}  {shown[name] or '(empty)'}")
    click.echo("* = not the default. Those of adapters: winback sender adapters", err=True)


def markdown() -> str:
    """Return ``docs/sender-settings.md``."""
    lines = [
        "# Settings of senders",
        "",
        "Written by `make docs`. A secret may also stand in a file: `NAME_FILE=path`.",
        "",
        "## Shared with the service",
        "",
        *table(catalogue(Settings)),
        "",
        "## Every sender",
        "",
        *table(catalogue(SenderSettings, SENDER_PREFIX)),
        "",
        "## Addresses",
        "",
        *table(catalogue(AddressSettings, f"{SENDER_PREFIX}ADDRESSES_")),
    ]
    for name in ROSTER:
        kind = settings_of(name)
        if kind is not None:
            lines += ["", f"## Adapter `{name}`", "", ROSTER[name].what, ""]
            lines += table(catalogue(kind, prefix_of(name)))
    return "\n".join([*lines, ""])


def _in_force(
    kind: type[msgspec.Struct], prefix: str, environ: Mapping[str, str]
) -> Iterator[tuple[Entry, object]]:
    in_force = load(kind, environ, prefix)
    for entry in catalogue(kind, prefix):
        yield entry, getattr(in_force, entry.field)
