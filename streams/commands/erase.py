"""``winback erase``: forget people, wherever the service holds something of them."""

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.commands.counted import counted
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings
from winback_sender.terminal import json_text

if TYPE_CHECKING:
    from streams.core.erasures import Erasure
    from streams.core.rules import Rules
    from streams.runtime.erasure.people import Known, Person
    from winback_sender.cluster import Cluster


@click.command()
@click.argument("user_ids", nargs=-1, metavar="[USER]...")
@click.option("--file", "path", metavar="FILE", help="User ids, one a line; - = standard input.")
@click.option("--sweep", "is_sweep", is_flag=True,
              help="Only delete decisions on all who were erased: once a day.")  # fmt: skip
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=30.0, show_default=True,
              metavar="SECONDS", help="For the service to apply it.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say who would be erased.")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka if need be.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def erase(
    *,
    user_ids: tuple[str, ...],
    path: str | None,
    is_sweep: bool,
    wait_s: float,
    yes: bool,
    dry_run: bool,
    rules: str | None,
    local: bool,
    as_json: bool,
) -> int:
    """Forget USER, and all other ids of the person.

    The wish goes to the service as an event. It deletes the state, takes back what is out, tells
    senders to forget, and refuses what still comes under the ids. A user whom nobody knows is
    erased as well: what comes late brings nobody back. Exit code 1 when the service has not
    applied it in time; it will, when it runs.
    """
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.wish import demand_ids  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    wanted = list(dict.fromkeys((*user_ids, *_listed(path))))
    if bool(wanted) == is_sweep:
        raise UserError("whom? name users, or give --file, or --sweep", "winback erase USER")
    settings = load_settings(os.environ)
    book = rules_at(rules or settings.rules, settings.id_keys)
    demand_ids(wanted, book, now_ms())
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    if is_sweep:
        return _sweep(cluster, settings, book, as_json=as_json)
    people = _people(cluster, settings, wanted)
    ids = list(dict.fromkeys(each for person in people for each in person.ids))
    if not as_json:
        _show(people)
    if dry_run:
        if as_json:
            click.echo(_encoded({"people": people, "is_applied": False}))
        return Exit.OK
    if not yes:
        _confirm(wanted, as_json=as_json)
    return _erase(cluster, settings, book, people, ids, wait_s, as_json=as_json)


def _erase(
    cluster: "Cluster",
    settings: Settings,
    rules: "Rules",
    people: "list[Person]",
    ids: list[str],
    wait_s: float,
    *,
    as_json: bool,
) -> int:
    from streams.core.time import iso  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.sweep import sweep  # noqa: PLC0415
    from streams.runtime.erasure.wish import is_applied, publish  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415
    from streams.runtime.topics import bound_ms, topics  # noqa: PLC0415

    at_ms = now_ms()
    behind = publish(cluster, settings, ids, rules, at_ms)
    is_done = asyncio.run(is_applied(cluster, settings, behind, wait_s))
    erased = _known(cluster, settings)[1] if is_done else {}
    refused = [user_id for user_id in ids if is_done and erased.keys().isdisjoint(
        rules.ids.pseudonyms(user_id))]  # fmt: skip
    doomed = frozenset(ids)
    swept = sweep(cluster, settings.topic_decisions, lambda user_id, _: user_id in doomed)
    span_ms = bound_ms(topics(settings))
    complete = iso(at_ms + span_ms) if span_ms is not None else ""
    if as_json:
        facts = {
            "people": people, "is_applied": is_done, "not_taken": refused,
            "decisions_deleted": swept.erased, "complete_by": complete,
        }  # fmt: skip
        click.echo(_encoded(facts))
    else:
        for line in _told(ids, swept.erased, complete, settings, is_done=is_done):
            click.echo(line)
        if refused:
            click.echo(
                f"not taken: {' '.join(map(_word, refused))}: nothing is known of them, and their "
                "partitions remember as many erasures as they may (docs/limits.md)"
            )
    return Exit.OK if is_done and not refused else Exit.FAILED


def _told(
    ids: list[str], decisions: int, complete: str, settings: Settings, *, is_done: bool
) -> list[str]:
    names = " ".join(map(_word, ids))
    head = (
        "applied: the state is deleted, what was out is taken back, senders are told"
        if is_done
        else f"written to {settings.topic_activity}; the service has not applied it yet (is it "
        "running?): run this again when it does, for the decisions"
    )
    return [
        head,
        f"{counted(decisions, 'decision')} deleted from {settings.topic_decisions}",
        f"complete by {complete}: by then Kafka has let go of what cannot be deleted one by one"
        if is_done
        else "complete at the earliest when it is applied, and Kafka has let go of the rest",
        f"the proof: winback erased {names}",
    ]


def _sweep(cluster: "Cluster", settings: Settings, rules: "Rules", *, as_json: bool) -> int:
    from streams.runtime.erasure.people import read_known  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.sweep import Swept, by_pseudonym, sweep  # noqa: PLC0415
    from streams.runtime.live_state import partition_count  # noqa: PLC0415

    topic = settings.topic_users_changelog
    count = asyncio.run(partition_count(cluster, topic))
    _, erased = asyncio.run(read_known(cluster, topic, count))
    swept = Swept(0, 0)
    if erased:
        swept = sweep(cluster, settings.topic_decisions, by_pseudonym(rules.ids, erased))
    if as_json:
        facts = {"remembered": len(erased), "decisions_seen": swept.seen,
                 "decisions_deleted": swept.erased}  # fmt: skip
        click.echo(_encoded(facts))
    else:
        click.echo(f"{counted(len(erased), 'erased id')} remembered; of {swept.seen:,} decisions "
                   f"{swept.erased:,} deleted")  # fmt: skip
    return Exit.OK


def _people(cluster: "Cluster", settings: Settings, wanted: list[str]) -> "list[Person]":
    from streams.runtime.erasure.people import person_of  # noqa: PLC0415 (quick --help)

    known, _ = _known(cluster, settings)
    return [person_of(user_id, known) for user_id in wanted]


def _known(cluster: "Cluster", settings: Settings) -> "tuple[Known, dict[str, Erasure]]":
    """Return who is who, and who was erased, of all partitions that there are."""
    from streams.runtime.erasure.people import read_known  # noqa: PLC0415 (quick --help)
    from streams.runtime.live_state import partition_count  # noqa: PLC0415

    topic = settings.topic_users_changelog
    count = asyncio.run(partition_count(cluster, topic))
    return asyncio.run(read_known(cluster, topic, count))


def _listed(path: str | None) -> list[str]:
    """Return the ids of a file.

    Raises:
        UserError: It cannot be read.
    """
    if path is None:
        return []
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(f"{path} cannot be read: {why}", "ids in UTF-8, one a line") from None
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8"
        raise UserError(f"{path} cannot be read: {why}", "ids in UTF-8, one a line") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _show(people: "list[Person]") -> None:
    for person in people:
        first, *more = map(_word, person.ids)
        others = f", also known as {', '.join(more)}" if more else ""
        unknown = "" if person.is_known else ": the service has no state of this user"
        click.echo(f"{first}{others}{unknown}")


def _word(user_id: str) -> str:
    """Return an id as a word of bash: it can be typed again, and harms no terminal."""
    if user_id.isprintable():
        return shlex.quote(user_id)
    escaped = "".join(
        one if one.isascii() and one.isprintable() and one not in "\\'"
        else "".join(f"\\x{byte:02x}" for byte in one.encode())
        for one in user_id
    )  # fmt: skip
    return f"$'{escaped}'"


def _confirm(wanted: list[str], *, as_json: bool) -> None:
    """Let the operator type whom to erase, or how many; nothing brings anybody back.

    Raises:
        UserError: Nobody can be asked.
        Abort: Something else was typed.
    """
    if as_json or not sys.stdin.isatty():
        raise UserError("nobody can be asked", "--yes erases without asking")
    expected = wanted[0] if len(wanted) == 1 else str(len(wanted))
    what = "the user id" if len(wanted) == 1 else "how many they are"
    if click.prompt(f"This cannot be undone. Type {what}").strip() != expected:
        raise click.Abort


def _encoded(facts: dict[str, Any]) -> str:
    return json_text(facts)
