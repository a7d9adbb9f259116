"""``winback replay``: the same core over a file, without Kafka."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands.counted import counted
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.replay.run import Replay, Replayed


@click.command()
@click.argument("file")
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@click.option("--model-file", metavar="FILE",
              help="A frozen model. Default: WINBACK_MODEL_FILE, else the prior.")  # fmt: skip
@click.option("--learn", is_flag=True, help="Learn on the way, as a learner would.")
@click.option("--save-model", metavar="FILE", help="Write the model that was learned (--learn).")
@click.option("--partitions", type=click.IntRange(1, 4096),
              help="As many as the topic has. Default: WINBACK_PARTITIONS.")  # fmt: skip
@click.option("--coverage", metavar="FILE",
              help="Known gaps: csv from,to[,user_id], or JSON missing_ranges.")  # fmt: skip
@click.option("--state", metavar="JSONL", help="Write the users' state, as state export does.")
@click.option("--touches", metavar="JSONL", help="Write what would be on the topic of touches.")
@click.option("--decisions", metavar="JSONL", help="Write every decision.")
@log_options
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(
    *,
    file: str,
    rules: str | None,
    model_file: str | None,
    learn: bool,
    save_model: str | None,
    partitions: int | None,
    coverage: str | None,
    state: str | None,
    touches: str | None,
    decisions: str | None,
    reading: LogOptions,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run the event log FILE through the core, without Kafka.

    With a frozen model this says exactly what a live run with the same rules, model and number of
    partitions and the clock on event time does: the same states, touches and decisions.
    """
    from streams.core.outbox import DECISIONS, TOUCHES  # noqa: PLC0415 (quick --help)
    from streams.replay import run as runs  # noqa: PLC0415
    from streams.replay.export import exported  # noqa: PLC0415
    from streams.replay.gaps import NO_GAPS, read_gaps  # noqa: PLC0415
    from streams.replay.points import check_writable  # noqa: PLC0415
    from streams.replay.progress import Progress, shown  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    if save_model and not learn:
        raise UserError("--save-model has nothing to save", "add --learn")
    settings = load_settings(os.environ)
    book = rules_at(settings.rules if rules is None else rules, settings.id_keys)
    gaps = NO_GAPS if coverage is None else read_gaps(coverage)
    book = msgspec.structs.replace(book, outages=(*book.outages, *gaps.outages))
    scorer = runs.model_at(settings.model_file if model_file is None else model_file,
                      settings.model_keys, book)  # fmt: skip
    wanted = {TOUCHES: touches, DECISIONS: decisions}
    check_writable(state, touches, decisions, save_model)
    log = reading.log(file)
    run = runs.Replay(
        book, scorer, partitions=partitions or settings.partitions, now_ms=now_ms(),
        app_id=settings.app_id, learns=learn, keeps=[name for name in wanted if wanted[name]],
        pauses=gaps.pauses,
    )  # fmt: skip
    with Progress("replaying", is_quiet=quiet or as_json) as progress:
        replayed = run.run(shown(log, progress))
        seconds = progress.seconds()
    for stream, path in wanted.items():
        if path:
            _write(path, run.records(stream))
    if state:
        _write(state, exported(run.fleet.values()))
    if save_model:
        _save_model(run, save_model, settings.model_keys)
    if as_json:
        facts = msgspec.to_builtins(replayed) | {"seconds": round(seconds, 3)}
        facts |= {"skipped_rows": log.skipped, "events_per_s": round(replayed.events / seconds)}
        click.echo(msgspec.json.encode(facts).decode())
    else:
        _say(replayed, seconds, book.mode)
        if log.skipped:
            bad = counted(log.skipped, "bad row")
            click.echo(f"  {bad} skipped, the first: {log.first_bad}", err=True)
    return Exit.OK


def _write(path: str, lines: Iterable[bytes]) -> None:
    from streams.replay.points import Results  # noqa: PLC0415 (quick --help)

    with Results(path) as file:
        for line in lines:
            file.write(f"{line.decode()}\n")


def _save_model(run: "Replay", path: str, keys: tuple[bytes, ...]) -> None:
    """Write the signed snapshot of what was learned."""
    from models.snapshot import sign  # noqa: PLC0415 (quick --help)
    from streams.replay.points import Results  # noqa: PLC0415

    assert run.apprentice is not None
    with Results(path) as file:
        file.write(sign(run.apprentice.serving(), keys).decode())


def _say(replayed: "Replayed", seconds: float, mode: str) -> None:
    rate = replayed.events / seconds
    stages = ", ".join(f"{stage} {count:,}" for stage, count in replayed.lifecycle.items() if count)
    until = f", {replayed.first_event_at} to {replayed.last_event_at}"
    events, users = counted(replayed.events, "event"), counted(replayed.users, "user")
    learned = counted(replayed.examples_learned, "example")
    quiet = "" if mode == "live" else f"; nothing goes out in mode {mode} of the rules"
    lines = [
        f"replayed {events} of {users}{until}, {rate:,.0f}/s",
        f"  users    {stages}",
        f"  alerts   {replayed.alerts:,}, {replayed.returns:,} of them returned",
        f"  touches  {replayed.touches:,}, {replayed.revocations:,} revoked{quiet}",
        f"  model    {replayed.model}, {learned} learned",
    ]
    for title, counts in (("verdicts", replayed.verdicts), ("rejected", replayed.rejected),
                          ("skipped", replayed.skipped)):  # fmt: skip
        if counts:
            said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            lines.append(f"  {title} {said}")
    click.echo("\n".join(lines))
