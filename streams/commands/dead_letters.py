"""``winback dead-letters``: look through them, send them again, or put them away for good."""

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.operator import operator
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.replay.letters import Judge, Judged
    from streams.runtime.dead_letter_desk import Desk, Send, Survey, Wanted
    from streams.runtime.letters import Opened, Place

SHOWN: Final = 50

_Option = Callable[[Any], Any]
_local: _Option = click.option("--local", is_flag=True, help="Start the embedded Kafka if need be.")
_as_json: _Option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_data: _Option = click.option(
    "--show-data", is_flag=True, help="Show keys and bytes as they are: they may name people."
)
_dry: _Option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
_yes: _Option = click.option("--yes", is_flag=True, help="Do not ask.")
_rules: _Option = click.option(
    "--rules", metavar="YAML", help="Business rules that the workers have. Default: WINBACK_RULES."
)
_names = click.argument("names", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")

FILTERS: Final[tuple[_Option, ...]] = (
    click.option("--reason", "reasons", multiple=True, metavar="REASON",
                 help="Put aside for it; may be given more than once."),
    click.option("--topic", "topics", multiple=True, metavar="TOPIC",
                 help="The record stood on it; may be given more than once."),
    click.option("--partition", type=click.IntRange(min=0), metavar="N", help="Of these topics."),
    click.option("--since", metavar="ISO", help="Put aside at or after: a day or an instant."),
    click.option("--until", metavar="ISO", help="Put aside before."),
    click.option("--key", "text", metavar="TEXT",
                 help="Stands in the key or in the value: a user's id, an order's number."),
)  # fmt: skip


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(FILTERS):
        command = option(command)
    return command


@click.group(name="dead-letters")
def dead_letters() -> None:
    """Records that could not be understood: list them, mend the cause, send them again.

    A letter is open until it was replayed or discarded. Its name is where the record stood.
    """


@dead_letters.command(name="list")
@_filters
@click.option("--all", "is_all", is_flag=True, help="Also those that are closed.")
@click.option("--limit", type=click.IntRange(min=0), default=SHOWN, show_default=True, metavar="N",
              help="Show the newest N; all are counted.")  # fmt: skip
@_data
@_local
@_as_json
def list_letters(
    *, is_all: bool, limit: int, show_data: bool, local: bool, as_json: bool, **filters: Any
) -> int:
    """Count the open letters by reason, and show the newest."""
    settings, desk = _desk(is_local=local)
    survey = desk.survey(_wanted((), **filters))
    if as_json:
        click.echo(_encoded(_facts(survey, settings, limit, is_all=is_all, show_data=show_data)))
        return Exit.OK
    for line in _table(survey, settings, limit, is_all=is_all, show_data=show_data):
        click.echo(line)
    return Exit.OK


@dead_letters.command()
@click.argument("name", metavar="TOPIC/PARTITION/OFFSET")
@_rules
@_data
@_local
@_as_json
def show(*, name: str, rules: str | None, show_data: bool, local: bool, as_json: bool) -> int:
    """Show one letter: why, from where, and what the rules now make of it."""
    from streams.commands.dead_letters_page import facts_of, page  # noqa: PLC0415 (quick --help)
    from streams.runtime.dead_letter_desk import Wanted  # noqa: PLC0415
    from streams.runtime.letters import Place  # noqa: PLC0415

    settings, desk = _desk(is_local=local)
    place = Place.named(name)
    opened = next(desk.opened([place]), None)
    if opened is None:
        raise UserError(f"there is no dead letter {name}", "it may have expired: see the list")
    survey = desk.survey(Wanted(places=frozenset([place])))
    judged = _judge(rules, settings).judge(opened)
    facts = facts_of(opened, survey, judged, _who_is(settings), show_data=show_data)
    click.echo(_encoded(facts) if as_json else "\n".join(page(facts)))
    return Exit.OK


@dead_letters.command()
@_names
@_filters
@_rules
@click.option("--force", is_flag=True,
              help="Also those that would be rejected again, where they can be sent.")  # fmt: skip
@_dry
@_yes
@_local
@_as_json
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
    broken off. Exit code 1 when some would be rejected again.
    """
    settings, desk = _desk(is_local=local)
    judge = _judge(rules, settings)
    plan = _Plan(desk, judge, _wanted(names, **filters), is_forced=force)
    if not (dry_run or yes):
        _demand_terminal(as_json=as_json)
        click.echo("\n".join(plan.lines()))
    done: list[Any] = []
    if plan.sendable and not dry_run:
        if not yes:
            click.confirm(f"Send {counted(len(plan.sendable), 'letter')}?", abort=True)
        done = asyncio.run(
            desk.close_letters(plan.sendable, "replayed", plan.sends_of, by=operator())
        )  # fmt: skip
    if as_json:
        click.echo(_encoded(plan.facts() | {"dry_run": dry_run, "replayed": len(done)}))
    else:
        if dry_run or yes:
            click.echo("\n".join(plan.lines()))
        if not dry_run:
            click.echo(f"{counted(len(done), 'letter')} replayed")
    return Exit.FAILED if plan.refused else Exit.OK


@dead_letters.command()
@_names
@_filters
@click.option("--because", required=True, metavar="TEXT", help="Why; it is kept with the letter.")
@click.option("--everything", is_flag=True, help="All open letters, if nothing else chooses.")
@_dry
@_yes
@_local
@_as_json
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
    _settings, desk = _desk(is_local=local)
    wanted = _wanted(names, **filters)
    if wanted.is_all and not everything:
        raise UserError("which letters? nothing chooses any", "name them, filter, or --everything")
    survey = desk.survey(wanted)
    chosen = [letter.place for letter in survey.open()]
    if not (dry_run or yes or not chosen):
        _demand_terminal(as_json=as_json)
        click.echo("\n".join(_counts(survey)))
        click.confirm(f"Discard {counted(len(chosen), 'letter')}?", abort=True)
    done: list[Any] = []
    if chosen and not dry_run:
        done = asyncio.run(
            desk.close_letters(chosen, "discarded", lambda _: (), by=operator(), reason=because)
        )  # fmt: skip
    if as_json:
        facts = {"chosen": len(chosen), "discarded": len(done), "dry_run": dry_run}
        click.echo(_encoded(facts))
    elif dry_run:
        click.echo("\n".join([*_counts(survey), f"{counted(len(chosen), 'letter')} chosen"]))
    else:
        click.echo(f"{counted(len(done), 'letter')} discarded")
    return Exit.OK


class _Plan:
    """What would become of the open letters that were chosen."""

    def __init__(self, desk: "Desk", judge: "Judge", wanted: "Wanted", *, is_forced: bool) -> None:
        from streams.replay.letters import LEFT_OUT, UNDERSTOOD  # noqa: PLC0415 (quick --help)

        self._judge, self._is_forced = judge, is_forced
        survey = desk.survey(wanted)
        self.outcomes: dict[tuple[str, str, str], int] = {}
        self.sendable: list[Place] = []
        self.refused = 0
        for opened in desk.opened([letter.place for letter in survey.open()]):
            judged = judge.judge(opened)
            told = (judged.outcome, judged.reason, opened.letter.place.topic)
            self.outcomes[told] = self.outcomes.get(told, 0) + 1
            if self._sends(judged) is not None:
                self.sendable.append(opened.letter.place)
            if judged.outcome not in {UNDERSTOOD, LEFT_OUT}:
                self.refused += 1

    def sends_of(self, opened: "Opened") -> "tuple[Send, ...] | None":
        """Return what a letter is sent as; None = it stays open."""
        return self._sends(self._judge.judge(opened))

    def _sends(self, judged: "Judged") -> "tuple[Send, ...] | None":
        from streams.replay.letters import LEFT_OUT, UNDERSTOOD  # noqa: PLC0415 (quick --help)

        if judged.outcome in {UNDERSTOOD, LEFT_OUT}:
            return judged.sends
        return judged.forced if self._is_forced and judged.forced else None

    def lines(self) -> Iterable[str]:
        """Return it for people."""
        chosen = counted(sum(self.outcomes.values()), "open letter")
        yield f"{chosen} chosen, {len(self.sendable):,} to be closed by it"
        for (outcome, reason, topic), count in sorted(self.outcomes.items()):
            why = f" ({reason})" if reason else ""
            yield f"  {count:>9,}  {outcome}{why}  {topic}"

    def facts(self) -> dict[str, object]:
        """Return it for programs."""
        rows = [
            {"outcome": outcome, "reason": reason, "topic": topic, "letters": count}
            for (outcome, reason, topic), count in sorted(self.outcomes.items())
        ]
        return {"outcomes": rows, "sendable": len(self.sendable), "refused": self.refused}


def _desk(*, is_local: bool) -> "tuple[Settings, Desk]":
    from streams.runtime.dead_letter_desk import Desk  # noqa: PLC0415 (quick --help)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    return settings, Desk(cluster, settings.topic_dead_letters, settings.app_id)


def _wanted(
    names: Iterable[str],
    *,
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    partition: int | None,
    since: str | None,
    until: str | None,
    text: str | None,
) -> "Wanted":
    from streams.runtime.dead_letter_desk import Wanted  # noqa: PLC0415 (quick --help)
    from streams.runtime.letters import Place  # noqa: PLC0415

    return Wanted(
        frozenset(map(Place.named, names)), frozenset(reasons), frozenset(topics), partition,
        _instant("--since", since), _instant("--until", until), (text or "").encode(),
    )  # fmt: skip


def _instant(option: str, text: str | None) -> int | None:
    from streams.core.outages import edge_ms  # noqa: PLC0415 (quick --help)

    try:
        return None if text is None else int(edge_ms(text))
    except ValueError as error:
        raise UserError(f"{option}: {error}", "write it like 2017-05-01T08:00:00Z") from None


def _judge(path: str | None, settings: Settings) -> "Judge":
    from streams.replay.letters import Judge  # noqa: PLC0415 (quick --help)
    from streams.replay.origins import Understanding  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    name = settings.rules if path is None else path
    rules = rules_at(name, settings.id_keys)
    return Judge(Understanding(rules, name or "the default rules", settings), settings)


def _who_is(settings: Settings) -> Callable[[bytes | None, int], str]:
    """Return what names the owner of a key without naming him: as in the logs."""
    from streams.rule_files import ids_of  # noqa: PLC0415 (quick --help)

    ids = ids_of(settings.id_keys)

    def pseudonym(key: bytes | None, at_ms: int) -> str:
        return "" if key is None else ids.pseudonym(key.decode(errors="replace"), at_ms)

    return pseudonym


def _demand_terminal(*, as_json: bool) -> None:
    if as_json or not click.get_text_stream("stdin").isatty():
        raise UserError("nobody is here to say yes", "add --yes, or --dry-run to see first")


def _encoded(facts: object) -> str:
    return msgspec.json.encode(facts).decode()


def _counts(survey: "Survey") -> Iterable[str]:
    for name, count in survey.reasons().most_common():
        yield f"  {count:>9,}  {name}"


def _table(
    survey: "Survey", settings: Settings, limit: int, *, is_all: bool, show_data: bool
) -> Iterable[str]:
    from streams.commands.dead_letters_page import table  # noqa: PLC0415 (quick --help)

    yield f"{counted(len(survey.open()), 'open letter')}"
    yield from _counts(survey)
    yield from table(survey, limit, _who_is(settings), is_all=is_all, show_data=show_data)


def _facts(
    survey: "Survey", settings: Settings, limit: int, *, is_all: bool, show_data: bool
) -> dict[str, object]:
    from streams.commands.dead_letters_page import row, shown  # noqa: PLC0415 (quick --help)

    counts = [
        {"reason": name.partition(" ")[0], "topic": name.partition(" ")[2], "letters": count}
        for name, count in survey.reasons().most_common()
    ]
    letters = shown(survey, limit, is_all=is_all)
    who = _who_is(settings)
    rows = [row(survey, letter, who, show_data=show_data) for letter in letters]
    return {"open": len(survey.open()), "counts": counts, "letters": rows}
