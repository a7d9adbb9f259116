"""``winback dead-letters``: look through them, send them again, or put them away for good."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from streams.commands import dead_letter_options as options
from streams.commands.counted import counted
from streams.commands.dead_letter_plan import Plan
from streams.commands.operator import operator
from streams.errors import Exit, UserError
from winback_sender.terminal import json_text, printable

if TYPE_CHECKING:
    from streams.runtime.dead_letter_desk import Closed
    from streams.runtime.dead_letter_survey import Survey
    from streams.settings import Settings

SHOWN: Final = 50


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that could not be understood: list them, mend the cause, send them again.

    A letter is open until it was replayed or discarded. Its name is where the record stood.
    """


@dead_letters.command(name="list")
@options.filters
@click.option("--all", "is_all", is_flag=True, help="Also those that are closed.")
@click.option("--limit", type=click.IntRange(min=0), default=SHOWN, show_default=True, metavar="N",
              help="Show the newest N; all are counted.")  # fmt: skip
@options.data
@options.local
@options.as_json
def list_letters(
    *, is_all: bool, limit: int, show_data: bool, local: bool, as_json: bool, **filters: Any
) -> int:
    """Count the open letters by reason, and show the newest."""
    settings, desk = options.desk_of(is_local=local)
    survey = desk.survey(options.wanted_of((), **filters))
    if as_json:
        click.echo(json_text(_facts(survey, settings, limit, is_all=is_all, show_data=show_data)))
        return Exit.OK
    for line in _table(survey, settings, limit, is_all=is_all, show_data=show_data):
        click.echo(line)
    return Exit.OK


@dead_letters.command()
@click.argument("name", metavar="TOPIC/PARTITION/OFFSET")
@options.rules
@options.data
@options.local
@options.as_json
def show(*, name: str, rules: str | None, show_data: bool, local: bool, as_json: bool) -> int:
    """Show one letter: why, from where, and what the rules now make of it."""
    from streams.commands.dead_letters_page import facts_of, page  # noqa: PLC0415 (quick --help)
    from streams.runtime.dead_letter_survey import Wanted  # noqa: PLC0415
    from streams.runtime.letters import Place  # noqa: PLC0415

    settings, desk = options.desk_of(is_local=local)
    place = Place.named(name)
    opened = next(desk.opened([place]), None)
    if opened is None:
        raise UserError(f"there is no dead letter {name}", "it may have expired: see the list")
    survey = desk.survey(Wanted(places=frozenset([place])))
    judged = options.judge_of(rules, settings).judge(opened)
    facts = facts_of(opened, survey, judged, options.who_is(settings), show_data=show_data)
    click.echo(json_text(facts) if as_json else "\n".join(page(facts)))
    return Exit.OK


@dead_letters.command()
@options.names
@options.filters
@options.rules
@click.option("--force", is_flag=True,
              help="Also those that would be rejected again, where they can be sent.")  # fmt: skip
@options.dry
@options.yes
@options.local
@options.as_json
def replay(
    *,
    names: tuple[str, ...],
    rules: str | None,
    force: bool,
    dry_run: bool,
    yes: bool,
    local: bool,
    as_json: bool,
    **filters: Any,
) -> int:
    """Send open letters again: those that the rules in force understand by now.

    What came from our own topics goes back as it came; what came from somebody else's goes to
    user-activity as the events that it is told as. Each is sent once, however often this is run or
    broken off. Exit code 1 when some stay open.
    """
    settings, desk = options.desk_of(is_local=local)
    judge = options.judge_of(rules, settings)
    plan = Plan(desk, judge, options.wanted_of(names, **filters), is_forced=force)
    if not (dry_run or yes):
        _demand_terminal(as_json=as_json)
        click.echo("\n".join(plan.lines()))
    done: Closed | None = None
    if plan.sendable and not dry_run:
        if not yes:
            click.confirm(f"Send {counted(len(plan.sendable), 'letter')}?", abort=True)
        done = asyncio.run(
            desk.close_letters(plan.sendable, "replayed", plan.sends_of, by=operator())
        )
    too_large = [] if done is None else [str(place) for place in done.too_large]
    replayed = 0 if done is None else len(done.words)
    if as_json:
        facts = {"dry_run": dry_run, "replayed": replayed, "too_large": too_large}
        click.echo(json_text(plan.facts() | facts))
    else:
        if dry_run or yes:
            click.echo("\n".join(plan.lines()))
        if not dry_run:
            click.echo(f"{counted(replayed, 'letter')} replayed")
        for line in _too_large(too_large):
            click.echo(line, err=True)
    return Exit.FAILED if plan.refused or too_large else Exit.OK


@dead_letters.command()
@options.names
@options.filters
@click.option("--because", required=True, metavar="TEXT", help="Why; it is kept with the letter.")
@click.option("--everything", is_flag=True, help="All open letters, if nothing else chooses.")
@options.dry
@options.yes
@options.local
@options.as_json
def discard(
    *,
    names: tuple[str, ...],
    because: str,
    everything: bool,
    dry_run: bool,
    yes: bool,
    local: bool,
    as_json: bool,
    **filters: Any,
) -> int:
    """Close open letters without sending them; their bytes stay until the topic lets go of them."""
    from streams.runtime.letters import TEXT_MAX  # noqa: PLC0415 (quick --help)

    if len(because) > TEXT_MAX:
        raise UserError(
            f"--because has {len(because):,} characters", f"at most {TEXT_MAX} are kept"
        )
    _settings, desk = options.desk_of(is_local=local)
    wanted = options.wanted_of(names, **filters)
    if wanted.is_all and not everything:
        raise UserError("which letters? nothing chooses any", "name them, filter, or --everything")
    survey = desk.survey(wanted)
    chosen = [letter.place for letter in survey.open()]
    if not (dry_run or yes or not chosen):
        _demand_terminal(as_json=as_json)
        click.echo("\n".join(_counts(survey)))
        click.confirm(f"Discard {counted(len(chosen), 'letter')}?", abort=True)
    done = 0
    if chosen and not dry_run:
        closed = asyncio.run(
            desk.close_letters(chosen, "discarded", lambda _: (), by=operator(), reason=because)
        )
        done = len(closed.words)
    if as_json:
        facts = {"chosen": len(chosen), "discarded": done, "dry_run": dry_run}
        click.echo(json_text(facts))
    elif dry_run:
        click.echo("\n".join([*_counts(survey), f"{counted(len(chosen), 'letter')} chosen"]))
    else:
        click.echo(f"{counted(done, 'letter')} discarded")
    return Exit.OK


def _too_large(names: list[str]) -> Iterable[str]:
    if names:
        yield (
            f"{counted(len(names), 'letter')} not sent, and open as before: no broker takes a "
            "record of that size"
        )
        yield from (printable(f"  {name}") for name in names[:SHOWN])
        yield "  → raise max.message.bytes of the topic, or discard them"


def _demand_terminal(*, as_json: bool) -> None:
    if as_json or not click.get_text_stream("stdin").isatty():
        raise UserError("nobody is here to say yes", "add --yes, or --dry-run to see first")


def _counts(survey: "Survey") -> Iterable[str]:
    for name, count in survey.reasons().most_common():
        yield printable(f"  {count:>9,}  {name}")


def _table(
    survey: "Survey", settings: "Settings", limit: int, *, is_all: bool, show_data: bool
) -> Iterable[str]:
    from streams.commands.dead_letters_page import table  # noqa: PLC0415 (quick --help)

    yield f"{counted(len(survey.open()), 'open letter')}"
    yield from _counts(survey)
    yield from table(survey, limit, options.who_is(settings), is_all=is_all, show_data=show_data)


def _facts(
    survey: "Survey", settings: "Settings", limit: int, *, is_all: bool, show_data: bool
) -> dict[str, object]:
    from streams.commands.dead_letters_page import row, shown  # noqa: PLC0415 (quick --help)

    counts = [
        {"reason": name.partition(" ")[0], "topic": name.partition(" ")[2], "letters": count}
        for name, count in survey.reasons().most_common()
    ]
    letters = shown(survey, limit, is_all=is_all)
    who = options.who_is(settings)
    rows = [row(survey, letter, who, show_data=show_data) for letter in letters]
    return {"open": len(survey.open()), "counts": counts, "letters": rows}
