"""``winback settings``: what is in force, and where it comes from."""

import os

import click
import msgspec

from streams.settings import Settings, load_settings, markdown
from winback_sender.settings_catalogue import catalogue


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the reference page.")
def settings(*, as_json: bool, as_markdown: bool) -> None:
    """Print the settings in force. They come from WINBACK_* variables."""
    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    in_force = load_settings(os.environ)
    values = {
        entry.variable: "(hidden)" if entry.is_secret else getattr(in_force, entry.field)
        for entry in catalogue(Settings)
    }
    if as_json:
        click.echo(msgspec.json.encode(values).decode())
        return
    width = max(map(len, values))
    for entry in catalogue(Settings):
        mark = "*" if str(getattr(in_force, entry.field)) != entry.default else " "
        click.echo(f"{mark} {entry.variable:<{width}}  {values[entry.variable] or '(empty)'}")
    click.echo("* = not the default. What each means: winback settings --markdown", err=True)
