"""``winback explain``: why a user is, or is not, at risk."""

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

import click

from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import load_settings
from winback_sender.terminal import json_text

if TYPE_CHECKING:
    from streams.core.rules import Rules
    from streams.core.scoring import Scorer
    from streams.replay.explain import Explanation
    from streams.replay.explain_words import Language
    from streams.replay.files import EventLog
    from streams.replay.for_person import Languages
    from streams.settings import Settings


@click.command()
@click.argument("user_id", metavar="USER")
@click.argument("file", required=False)
@click.option("--at", metavar="ISO",
              help="When. Default: the end of FILE, or the event time of the service.")  # fmt: skip
@click.option("--kafka", "from_kafka", is_flag=True,
              help="Ask the topics of the service; so it is without FILE.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--model-file", metavar="FILE",
              help="A frozen model. Default: WINBACK_MODEL_FILE, else as learned.")  # fmt: skip
@click.option("--lang", type=click.Choice(["en", "zh", "both"]), default="en", show_default=True,
              help="Language of the words; both: --for-person.")  # fmt: skip
@click.option("--for-person", "is_for_person", is_flag=True,
              help="What may be told to USER: plain words, nothing of others.")  # fmt: skip
@click.option("--ask", metavar="TEXT", default="",
              help="With --for-person: whom to ask, such as an address.")  # fmt: skip
@log_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    *,
    user_id: str,
    file: str | None,
    at: str | None,
    from_kafka: bool,
    rules: str | None,
    model_file: str | None,
    lang: "Languages",
    is_for_person: bool,
    ask: str,
    reading: LogOptions,
    as_json: bool,
) -> int:
    """Say why USER is, or is not, at risk: score, path, reasons, stage, and where contact stands.

    With FILE, the log is replayed up to the instant and the model learns on the way. Without, the
    service's topics are asked: the state as committed, and the newest model.

    With --for-person, the answer to a person's question what was decided about them, and why.
    """
    from streams.replay.explain_words import in_words  # noqa: PLC0415 (quick --help)
    from streams.replay.instants import option_ms  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.replay.run import model_at  # noqa: PLC0415

    if from_kafka and file is not None:
        raise UserError("--kafka and FILE exclude each other", "leave one out")
    if (lang == "both" or ask) and not is_for_person:
        raise UserError("--lang both and --ask go with --for-person", "add it, or leave them out")
    settings = load_settings(os.environ)
    book = rules_at(settings.rules if rules is None else rules, settings.id_keys)
    path = settings.model_file if model_file is None else model_file
    model = model_at(path, settings.model_keys, book) if path else None
    at_ms = option_ms("--at", at)
    if file is None:
        found = asyncio.run(_live(user_id, at_ms, settings, book, model))
    else:
        found = _replayed(user_id, at_ms, reading.log(file), settings, book, model)
    if is_for_person:
        _tell(found, book, settings, lang, ask, as_json=as_json)
        return Exit.OK
    said = found.explanation
    if said is None:
        raise UserError(found.missing, "check the user id" + (
            " and --at" if file else "; is the pipeline running (winback run)?"))  # fmt: skip
    language: Language = "zh" if lang == "zh" else "en"
    click.echo(json_text(said) if as_json else in_words(said, language))
    return Exit.OK


class _Found(NamedTuple):
    """What is known of a user: the state, what it means, the decisions; or what is missing."""

    value: bytes | None
    explanation: "Explanation | None"
    decisions: list[bytes]
    missing: str = ""


def _tell(
    found: _Found,
    rules: "Rules",
    settings: "Settings",
    lang: "Languages",
    ask: str,
    *,
    as_json: bool,
) -> None:
    from streams.replay.for_person import as_letter, for_person  # noqa: PLC0415 (quick --help)
    from streams.runtime.retention import DAY_MS  # noqa: PLC0415
    from streams.runtime.topics import bound_ms, topics  # noqa: PLC0415

    span_ms = bound_ms(topics(settings))
    assert span_ms is not None, "the catalogue of topics bounds every erasure"
    days = -(-span_ms // DAY_MS)
    told = for_person(found.value, found.explanation, found.decisions, rules, days=days, ask=ask)
    click.echo(json_text(told) if as_json else as_letter(told, lang))


def _replayed(
    user_id: str,
    at_ms: int | None,
    log: "EventLog",
    settings: "Settings",
    rules: "Rules",
    model: "Scorer | None",
) -> _Found:
    from models.bgnbd import BgNbdScorer  # noqa: PLC0415 (quick --help)
    from streams.core.messages import begin_of  # noqa: PLC0415
    from streams.core.outbox import DECISIONS  # noqa: PLC0415
    from streams.replay.blocks import Window  # noqa: PLC0415
    from streams.replay.explain import explained  # noqa: PLC0415
    from streams.replay.run import Replay  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    run = Replay(
        rules,
        BgNbdScorer(float(rules.churn.horizon_ms)) if model is None else model,
        partitions=1,  # One user is explained: how the others are spread does not matter.
        now_ms=now_ms(),
        app_id=settings.app_id,
        learns=model is None,
        keeps=[DECISIONS],
    )
    run.run(Window(until_ms=at_ms).of(log.blocks()))
    if at_ms is not None:
        run.advance(at_ms - 1)
    value = run.fleet.value(user_id)
    if value is None:
        return _Found(None, None, [], f"user {user_id!r} has no event in {log.path} before then")
    when = run.fleet.newest_ms if at_ms is None else at_ms
    begin = begin_of("decision", user_id)
    own = [record for record in run.records(DECISIONS) if record.startswith(begin)]
    only = run.fleet.partitions[0]
    said = explained(
        user_id, value, when or 0, only.scorer, rules, only.coverage, own[-1] if own else None
    )
    return _Found(value, said, own)


async def _live(
    user_id: str,
    at_ms: int | None,
    settings: "Settings",
    rules: "Rules",
    model: "Scorer | None",
) -> _Found:
    from models.bgnbd import BgNbdScorer  # noqa: PLC0415 (quick --help)
    from models.serving import serving_scorer  # noqa: PLC0415
    from streams.core.coverage import Coverage  # noqa: PLC0415
    from streams.core.partitioner import partition_of  # noqa: PLC0415
    from streams.replay.explain import explained  # noqa: PLC0415
    from streams.runtime.live_state import (  # noqa: PLC0415
        newest_model,
        partition_count,
        read_user,
    )
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    cluster = resolve_cluster(settings, os.environ)
    count = await partition_count(cluster, settings.topic_users_changelog)
    live = await read_user(cluster, settings, user_id, partition_of(user_id, count))
    if live.value is None:
        missing = f"the service knows no user {user_id!r}"
        return _Found(None, None, live.decisions, missing)
    if live.rules_hash not in {None, rules.hash}:
        click.echo("winback: the service runs under other rules; what follows is of these alone\n"
                   "  → name those of the service with --rules or WINBACK_RULES",
                   err=True)  # fmt: skip
    scorer = model
    if scorer is None:
        serving = await newest_model(cluster, settings, rules)
        prior = BgNbdScorer(float(rules.churn.horizon_ms))
        scorer = prior if serving is None else serving_scorer(serving)
    when = live.watermark_ms if at_ms is None else at_ms
    coverage = Coverage(rules.outages)
    coverage.announce(live.outages)
    coverage.has_pauses = True
    said = explained(user_id, live.value, when or 0, scorer, rules, coverage, live.decision)
    return _Found(live.value, said, live.decisions)
