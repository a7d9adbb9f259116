"""``winback settings``: what is in force, and where it comes from."""

import os

import click
import msgspec

from streams.settings import Settings, load_settings, markdown
from winback_sender.settings_catalogue import catalogue, source_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the reference page.")
def settings(*, as_json: bool, as_markdown: bool) -> None:
    """Print the settings in force, and whether WINBACK_* variables, files or defaults say so."""
    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    in_force = load_settings(os.environ)
    entries = list(catalogue(Settings))
    values = {
        entry.variable: "(hidden)" if entry.is_secret else getattr(in_force, entry.field)
        for entry in entries
    }
    sources = {entry.variable: source_of(entry, os.environ) for entry in entries}
    if as_json:
        facts = {
            entry.variable: {
                "value": values[entry.variable],
                "default": "(hidden)" if entry.is_secret else entry.default,
                "source": sources[entry.variable],
            }
            for entry in entries
        }
        click.echo(msgspec.json.encode(facts).decode())
        return
    width = max(map(len, values))
    for entry in entries:
        source, said = sources[entry.variable], str(values[entry.variable]) or "(empty)"
        if source != "default":
            is_told = not entry.is_secret and str(values[entry.variable]) != entry.default
            said += f"  (from {source}" + (
                f"; default: {entry.default or '(empty)'})" if is_told else ")"
            )
        click.echo(f"{'*' if source != 'default' else ' '} {entry.variable:<{width}}  {said}")
    click.echo("* = set by somebody. What each means: winback settings --markdown", err=True)
