"""``winback erased``: the proof that nothing is left of a person."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from streams.commands.counted import counted
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings
from winback_sender.terminal import json_text, printable

if TYPE_CHECKING:
    from streams.core.rules import Rules
    from streams.runtime.erasure.places import Place
    from winback_sender.cluster import Cluster

CALL_LISTS: Final = "WINBACK_SENDER_CALL_LIST_FOLDER"
_LISTS: Final = "a list of calls is the staff's: delete the line by hand"
_SEGMENT: Final = "on the disk of the broker; see the topic"


@click.command()
@click.argument("user_ids", nargs=-1, required=True, metavar="USER...")
@click.option("--path", "paths", multiple=True, type=click.Path(exists=True, path_type=Path),
              metavar="PATH", help="Look through these files, too; may be given more than once."
              )  # fmt: skip
@click.option("--topic", "more", multiple=True, metavar="TOPIC",
              help="Look through this topic of the company's, too.")  # fmt: skip
@click.option("--no-files", is_flag=True, help="Only topics.")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def erased(
    *,
    user_ids: tuple[str, ...],
    paths: tuple[Path, ...],
    more: tuple[str, ...],
    no_files: bool,
    rules: str | None,
    as_json: bool,
) -> int:
    """Search every topic, file and table for USER: all ids of one person.

    Every record of every topic that winback writes or reads, also those that were taken back; the
    workers' state files, senders' journals, call lists, and the embedded Kafka's own files. Ids are
    looked for as text, in JSON, in URLs, in hex and in base64. Exit code 0 only when all of it was
    looked through and nothing is found.
    """
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.places import UNSEEN  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    if not all(user_ids):
        raise UserError("an id is empty", "winback erased USER")
    settings = load_settings(os.environ)
    book = rules_at(rules or settings.rules, settings.id_keys)
    cluster = resolve_cluster(settings, os.environ)
    roots = [] if no_files else [*_roots(settings), *((path, "") for path in paths)]
    places = [*_topics(cluster, settings, book, user_ids, more), *_files(user_ids, book, roots)]
    count = sum(place.traces for place in places)
    is_whole = all(place.kind != UNSEEN for place in places)
    if as_json:
        facts = {"ids": user_ids, "found": count, "places": places}
        click.echo(json_text(facts))
    else:
        for line in _lines(places, count, user_ids):
            click.echo(printable(line))
    return Exit.OK if is_whole and not count else Exit.FAILED


def _topics(
    cluster: "Cluster",
    settings: Settings,
    rules: "Rules",
    ids: tuple[str, ...],
    more: tuple[str, ...],
) -> "Iterator[Place]":
    from streams.runtime.erasure.places import UNSEEN, Place  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.topics import Scan, search, to_search  # noqa: PLC0415
    from streams.runtime.erasure.traces import Tracker  # noqa: PLC0415
    from winback_sender.doorstep import admin_client  # noqa: PLC0415

    tokens = [token for user_id in ids for token in rules.ids.tokens(user_id)]
    tracker = Tracker(ids, tokens)
    with admin_client(cluster) as client:
        wanted, unseen = to_search(client, settings, rules.sources, more)
    yield from (Place(kind=UNSEEN, name=name) for name in unseen)
    scan = Scan(cluster)
    try:
        for topic in wanted:
            yield search(scan, topic, tracker)
    finally:
        scan.close()


def _files(
    ids: tuple[str, ...], rules: "Rules", roots: list[tuple[Path, str]]
) -> "Iterator[Place]":
    from streams.runtime.erasure.files import FileSearch  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.traces import Tracker  # noqa: PLC0415

    tokens = [token for user_id in ids for token in rules.ids.tokens(user_id)]
    search = FileSearch(
        Tracker(ids, tokens),
        Tracker(ids, tokens, is_raw=True),
        Tracker(ids, tokens, is_raw=True, is_list=True),
    )
    for root, note in roots:
        yield from search.places(root, note=note)


def _roots(settings: Settings) -> list[tuple[Path, str]]:
    """Return what lies on this machine: of the embedded Kafka, of workers, and of senders."""
    from streams.runtime.embedded.config import data_directory  # noqa: PLC0415 (quick --help)
    from streams.runtime.state_folder import state_directory as of_workers  # noqa: PLC0415
    from winback_sender.engine.state import state_directory  # noqa: PLC0415
    from winback_sender.settings import load_sender_settings  # noqa: PLC0415

    lists = os.environ.get(CALL_LISTS, "")
    _, own = load_sender_settings(os.environ)
    kafka = data_directory(settings.data_dir, os.environ)
    files = of_workers(settings.data_dir, os.environ)
    found = [
        (kafka, _SEGMENT),
        *([] if files.is_relative_to(kafka) else [(files, "")]),
        (state_directory(own), "a sender forgets when it reads user.erased"),
        *([(Path(lists).expanduser(), _LISTS)] if lists else []),
    ]
    return [(path, note) for path, note in found if path.exists()]


def _lines(places: "list[Place]", count: int, ids: tuple[str, ...]) -> Iterator[str]:
    from streams.runtime.erasure.places import UNSEEN  # noqa: PLC0415 (quick --help)
    from streams.runtime.erasure.traces import RAW_SHORTEST  # noqa: PLC0415

    width = max(len(place.name) for place in places)
    for place in places:
        if place.kind == UNSEEN:
            yield f"? {place.name:<{width}} is not there, or this user of Kafka may not see it"
            continue
        size = f"{place.searched:>13,} B searched"
        if not place.records:
            yield f"= {place.name:<{width}} {size}, nothing found"
            continue
        ways = ", ".join(f"{number} {encoding}" for encoding, number in place.found.items())
        yield (
            f"! {place.name:<{width}} {size}, found in "
            f"{counted(place.records, 'record')} ({ways}) of {place.owner}"
        )
        if place.oldest_at:
            yield f"    written {place.oldest_at} to {place.newest_at}"
        yield f"    gone by {place.gone_by}" + (f"; {place.note}" if place.note else "")
    who = f"{len(ids)} ids" if len(ids) > 1 else "1 id"
    found = f"{counted(count, 'trace')} found" if count else "nothing is found"
    is_whole = all(place.kind != UNSEEN for place in places)
    yield f"{who}: {found}{'' if is_whole else ', but not everything was looked through'}"
    if count and any(len(user_id.encode()) < RAW_SHORTEST for user_id in ids):
        yield "an id so short may stand there by chance, as a number or a word of somebody else's"
