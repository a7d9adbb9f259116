"""What the commands of dead letters have in common: which letters, and how it is told."""

import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import click

from streams.errors import UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.replay.letters import Judge
    from streams.runtime.dead_letter_desk import Desk
    from streams.runtime.dead_letter_survey import Wanted

_Option = Callable[[Any], Any]
local: _Option = click.option("--local", is_flag=True, help="Start the embedded Kafka if need be.")
as_json: _Option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
data: _Option = click.option(
    "--show-data", is_flag=True, help="Show keys and bytes as they are: they may name people."
)
dry: _Option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes: _Option = click.option("--yes", is_flag=True, help="Do not ask.")
rules: _Option = click.option(
    "--rules", metavar="YAML", help="Business rules that the workers have. Default: WINBACK_RULES."
)
names = click.argument("names", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")

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


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose letters."""
    for option in reversed(FILTERS):
        command = option(command)
    return command


def desk_of(*, is_local: bool) -> "tuple[Settings, Desk]":
    """Return the settings, and the desk that they name."""
    from streams.runtime.dead_letter_desk import Desk  # noqa: PLC0415 (quick --help)
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    return settings, Desk(cluster, settings.topic_dead_letters, settings.app_id)


def wanted_of(
    names: Iterable[str],
    *,
    reasons: tuple[str, ...],
    topics: tuple[str, ...],
    partition: int | None,
    since: str | None,
    until: str | None,
    text: str | None,
) -> "Wanted":
    """Return which letters are asked for.

    Raises:
        UserError: What an option says means nothing.
    """
    from streams.runtime.dead_letter_survey import Wanted  # noqa: PLC0415 (quick --help)
    from streams.runtime.letters import Place  # noqa: PLC0415

    _demand_known(reasons)
    return Wanted(
        frozenset(map(Place.named, names)), frozenset(reasons), frozenset(topics), partition,
        _instant("--since", since), _instant("--until", until), (text or "").encode(),
    )  # fmt: skip


def _demand_known(reasons: Iterable[str]) -> None:
    """See that there are such reasons.

    Raises:
        UserError: There is none of that name.
    """
    from streams.core.decoded import RejectReason  # noqa: PLC0415 (quick --help)
    from winback_sender.contract.words import Why  # noqa: PLC0415

    of_senders = (Why.NOT_READABLE, Why.UNKNOWN_VERSION, Why.UNKNOWN_CHANNEL)
    known = sorted({*map(str, RejectReason), *map(str, of_senders)})
    for reason in reasons:
        if reason not in known:
            near = get_close_matches(reason, known, n=1)
            hint = f"{near[0]}? " if near else ""
            raise UserError(
                f"no letter is put aside for {reason!r}", f"{hint}there are: {', '.join(known)}"
            )


def _instant(option: str, text: str | None) -> int | None:
    from streams.core.outages import edge_ms  # noqa: PLC0415 (quick --help)

    try:
        return None if text is None else int(edge_ms(text))
    except ValueError as error:
        raise UserError(f"{option}: {error}", "write it like 2017-05-01T08:00:00Z") from None


def judge_of(path: str | None, settings: Settings) -> "Judge":
    """Return who says what rules make of a letter."""
    from streams.replay.letters import Judge  # noqa: PLC0415 (quick --help)
    from streams.replay.origins import Understanding  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    name = settings.rules if path is None else path
    rules = rules_at(name, settings.id_keys)
    return Judge(Understanding(rules, name or "the default rules", settings), settings)


def who_is(settings: Settings) -> Callable[[bytes | None, int], str]:
    """Return what names the owner of a key without naming him: as in the logs."""
    from streams.rule_files import ids_of  # noqa: PLC0415 (quick --help)

    ids = ids_of(settings.id_keys)

    def pseudonym(key: bytes | None, at_ms: int) -> str:
        return "" if key is None else ids.pseudonym(key.decode(errors="replace"), at_ms)

    return pseudonym
