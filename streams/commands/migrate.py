"""``winback state migrate``: users go over to rules that define churn otherwise."""

import asyncio
import os
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.core.history import History
    from streams.core.rules import Rules
    from streams.runtime.rules_migration import Done
    from winback_sender.cluster import Cluster

TOPIC = "topic"


@click.command()
@click.option("--rules", metavar="YAML", required=True, help="The new rules.")
@click.option("--history", metavar="FILE",
              help="What users did, as a log; or: topic, for what user-activity still holds. "
                   "Without it, what is learned of a user begins anew.")  # fmt: skip
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a partition.")
def migrate(
    *,
    rules: str,
    history: str | None,
    is_dry_run: bool,
    local: bool,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Carry the users' state over to rules that define churn otherwise, while no worker runs.

    Kept as it is: consent, opt-outs, erasures, caps, exposures, open cases, value, linked ids, and
    how far every topic was read. Told anew, from the history: the rhythm of each user. The models
    begin anew. WINBACK_RULES names the rules of before. It may be broken off, and run again.
    """
    from streams.replay.rulebook import rules_at  # noqa: PLC0415 (quick --help)
    from streams.runtime.rules_migration import Migration, workers_of  # noqa: PLC0415
    from streams.runtime.rules_migration import migrate as run  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    settings = load_settings(os.environ)
    was = rules_at(settings.rules, settings.id_keys)
    new = rules_at(rules, settings.id_keys)
    cluster = resolve_cluster(settings, os.environ, is_local=local)
    if not is_dry_run:
        demand_nobody(workers_of(settings, cluster))
    done: list[Done] = []

    def tell(each: "Done") -> None:
        done.append(each)
        click.echo(_as_json(each) if as_json else _said(each, new, is_dry_run=is_dry_run))

    read = _reader(history, new, settings, cluster, reading, is_quiet=quiet or as_json)
    models = asyncio.run(
        run(Migration(settings, cluster, new, was), is_dry_run=is_dry_run, read=read, tell=tell)
    )
    if not as_json:
        click.echo(_sum(done, models, new, rules, is_dry_run=is_dry_run))
    return Exit.OK


def demand_nobody(workers: dict[str, int]) -> None:
    """Refuse while somebody is there who owns what is to be written."""
    running = [counted(count, role) for role, count in workers.items() if count]
    if running:
        raise UserError(
            f"the service runs: {', '.join(running)}",
            "Stop it; Kafka forgets a worker that was killed after the session time-out (10 s). "
            "With --dry-run you can look at any time.",
            Exit.FAILED,
        )


def _reader(
    history: str | None,
    rules: "Rules",
    settings: Settings,
    cluster: "Cluster",
    reading: LogOptions,
    *,
    is_quiet: bool,
) -> "Callable[[History], None] | None":
    """Return what fills a history."""
    from streams.replay.past import tell  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.runtime.past_records import tell_topic  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if history is None:
        return None

    def read(past: "History") -> None:
        if history == TOPIC:
            tell_topic(past, cluster, settings.topic_activity, rules)
        else:
            with Progress("reading", is_quiet=is_quiet) as progress:
                tell(past, shown(reading.log(history), progress), rules, now_ms())
        if not past.events:
            raise UserError(
                f"the history {history} holds no activity of anybody under these rules",
                "Is it the log of these users? Look with: winback replay FILE --rules NEW",
            )

    return read


def _as_json(done: "Done") -> str:
    facts = {"partition": done.part.number, "rules": done.part.rules_hash, **done.counts}
    return msgspec.json.encode(facts).decode()


def _said(done: "Done", rules: "Rules", *, is_dry_run: bool) -> str:
    """Return a line about one partition."""
    part, counts = done.part, done.counts
    if not part.rules_hash:
        return f"partition {part.number}: empty"
    if part.rules_hash == rules.hash:
        return f"partition {part.number}: {counted(part.users, 'user')}, has these rules already"
    verb = "would go" if is_dry_run else "went"
    kept = [counted(counts[name], noun) for name, noun in (
        ("cases", "open case"), ("exposures", "exposure"), ("erased", "erasure"),
        ("stubs", "linked id")) if counts[name]]  # fmt: skip
    anew = [f"{counts[name]:,} {what}" for name, what in (
        ("rebuilt", "told by the history"),
        ("shortened", "of them lose what was before it"),
        ("anew", "begin anew"),
        ("lapsed", "count as lapsed"),
        ("back", "count as lapsed no more"),
    ) if counts[name]]  # fmt: skip
    return (
        f"partition {part.number}: {counted(part.users, 'user')} {verb} from {part.rules_hash} to "
        f"{rules.hash}; carried over: {', '.join(kept) or 'nothing open'}; "
        f"users: {', '.join(anew) or 'none has done anything'}"
    )


def _sum(done: "list[Done]", models: int, rules: "Rules", path: str, *, is_dry_run: bool) -> str:
    left = sum(bool(each.counts) for each in done)
    if is_dry_run:
        what = counted(left, "partition")
        return f"{what} and {counted(models, 'record')} of the models would change; nothing was"
    learned = "the models begin anew" if models else "the models had begun anew already"
    return (
        f"{counted(left, 'partition')} carried over to rules {rules.hash}; {learned}\n"
        f"next: WINBACK_RULES={path} winback run"
    )
