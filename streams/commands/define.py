"""``winback define``: what leaving means, proposed from history."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError

if TYPE_CHECKING:
    from streams.replay.define import Definition


HORIZON_DAYS_MIN: Final = 4
"""Silences are counted between active days; of shorter horizons a quarter would be within a day."""


@click.command()
@click.argument("file")
@click.option("--out", metavar="YAML", help="Write the rules there, with the reasons as comments.")
@click.option("--add-to", metavar="YAML", help="Add them to rules that do not say it yet.")
@click.option("--force", is_flag=True, help="Overwrite the rules that are there.")
@click.option("--horizon-days", type=click.FloatRange(HORIZON_DAYS_MIN, 3_650), metavar="H",
              help="Silence of so many days is churn. Default: proposed.")  # fmt: skip
@click.option("--min-active-days", type=click.IntRange(1, 10_000), metavar="N",
              help="Active days from which a user is judged. Default: proposed.")  # fmt: skip
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def define(
    *,
    file: str,
    out: str | None,
    add_to: str | None,
    force: bool,
    horizon_days: float | None,
    min_active_days: int | None,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Propose from the history in FILE what leaving means.

    Shows which events show activity, how silences end, and whom every choice covers; proposes a
    horizon and says why, or why it cannot. Reads FILE once, changes nothing but --out.
    """
    from streams.replay.define import define as defined  # noqa: PLC0415 (quick --help)
    from streams.replay.define_census import Census  # noqa: PLC0415
    from streams.replay.define_table import shown as table  # noqa: PLC0415
    from streams.replay.define_words import next_steps, options  # noqa: PLC0415
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if out is not None and add_to is not None:
        raise UserError("--out and --add-to exclude each other", "name one of them")
    if out is not None:
        _check_place(out, force=force)
    book = None if add_to is None else _read(add_to)
    log = reading.log(file)
    census = Census(now_ms())
    with Progress("reading", is_quiet=quiet or as_json) as progress:
        for block in shown(log, progress):
            census.see(block)
    facts = census.facts()
    if facts is None:
        raise UserError(f"{file}: all events lie in the future", "check the times of the log")
    found = defined(facts, horizon_days=horizon_days, min_active_days=min_active_days)
    if add_to is not None and book is not None and found.proposal is not None:
        written: str | None = _added(found, file, add_to, book)
    else:
        written = _written(found, file, out)
    steps = next_steps(
        found, file, written,
        reading=options(
            format=reading.form, timezone=reading.timezone,
            on_bad_row=None if reading.on_bad_row == "stop" else reading.on_bad_row,
        ),
        deciding=options(horizon_days=horizon_days, min_active_days=min_active_days),
    )  # fmt: skip
    if as_json:
        click.echo(_json(found, log.skipped, written, steps))
    else:
        click.echo(table(found, steps, written))
        if log.skipped:
            click.echo(f"{log.skipped:,} bad rows skipped, the first: {log.first_bad}", err=True)
    return Exit.OK if found.proposal else Exit.FAILED


def _check_place(out: str, *, force: bool) -> None:
    place = Path(out)
    if place.exists() and not force:
        raise UserError(f"{out} is there already", "choose another name, or overwrite it: --force")
    if not place.parent.is_dir():
        raise UserError(f"{out} cannot be written: no such directory", "choose another place")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"{path} cannot be read: {why}", "check --add-to") from None


def _added(found: "Definition", file: str, path: str, text: str) -> str:
    """Add what leaving means to rules; return where they are."""
    from streams.replay.define_rules import added_text  # noqa: PLC0415 (quick --help)
    from streams.replay.sorted_log import NewFile  # noqa: PLC0415

    new = added_text(found, file, text, path)
    with NewFile(path, force=True) as rules:
        rules.write(new.encode())
    return path


def _written(found: "Definition", file: str, out: str | None) -> str | None:
    """Write the rules; return where, or None when nothing was asked for, or can be proposed."""
    from streams.replay.define_rules import rules_text  # noqa: PLC0415 (quick --help)
    from streams.replay.points import Results  # noqa: PLC0415

    if out is None or found.proposal is None:
        return None
    text = rules_text(found, file)
    with Results(out) as rules:
        rules.write(text)
    return out


def _json(found: "Definition", skipped: int, written: str | None, steps: list[str]) -> str:
    from streams.replay.define_cautions import cautions  # noqa: PLC0415 (quick --help)
    from streams.replay.define_words import reasons  # noqa: PLC0415 (quick --help)

    facts = msgspec.to_builtins(found)
    facts |= {"why": reasons(found), "mind": cautions(found), "rows_skipped": skipped}
    facts |= {"rules": written, "next": steps}
    return msgspec.json.encode(facts).decode()
