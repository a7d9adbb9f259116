"""``winback export``: the tables that a model of your own starts from, as Parquet."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from streams.commands.churn_options import churn_rules
from streams.commands.counted import counted
from streams.commands.guest_options import GuestOptions, guest_options
from streams.commands.log_options import LogOptions, log_options
from streams.errors import Exit, UserError
from streams.settings import Settings, load_settings
from winback_sender.keys import DEVELOPMENT_KEY

if TYPE_CHECKING:
    from streams.replay.dataset import Dataset, Origin


class Made(NamedTuple):
    """What was exported: rows by table, and what has to be said about it."""

    rows: dict[str, int]
    remarks: list[str]


class Target(NamedTuple):
    """Where tables go, and which."""

    folder: Path
    tables: tuple[str, ...]
    may_overwrite: bool

    @property
    def asks(self) -> bool:
        """Whether questions are wanted, and not examples alone."""
        return self.tables != ("examples",)

    def dataset(self, origin: "Origin") -> "Dataset":
        """Return the tables, open."""
        from streams.replay.dataset import Dataset  # noqa: PLC0415 (quick --help)

        return Dataset(self.folder, self.tables, origin, may_overwrite=self.may_overwrite)


class Churn(NamedTuple):
    """What the command line says about a log and leaving; None = nothing."""

    horizon_days: float | None
    min_active_days: int | None
    kinds: str | None
    coverage: str | None


@click.command()
@click.argument("what", type=click.Choice(["examples", "outcomes", "predictions", "all"]))
@click.option("--out", required=True, metavar="DIR", help="Where the tables go.")
@click.option("--from", "file", metavar="FILE",
              help="From an event log. Default: from the topics of the service.")  # fmt: skip
@click.option("--horizon-days", type=click.FloatRange(0.05, 3_650), metavar="H",
              help="Silence of so many days is churn. Default: as the rules file says. "
                   "With --from.")  # fmt: skip
@click.option("--min-active-days", type=click.IntRange(min=1),
              help="Of users with fewer nothing is asked. Default: as the rules file says, else 5. "
                   "With --from.")  # fmt: skip
@click.option("--kinds", metavar="A,B",
              help="Event names told apart, as of winback backtest. With --from.")  # fmt: skip
@click.option("--coverage", metavar="FILE",
              help="Known gaps of the log, as of winback backtest. With --from.")  # fmt: skip
@click.option("--rules", metavar="YAML", help="Business rules. Default: WINBACK_RULES.")
@guest_options
@log_options
@click.option("--force", is_flag=True, help="Replace tables that are there.")
@click.option("--local", is_flag=True, help="Start the embedded Kafka when no Kafka is known.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(
    *,
    what: str,
    out: str,
    file: str | None,
    horizon_days: float | None,
    min_active_days: int | None,
    kinds: str | None,
    coverage: str | None,
    rules: str | None,
    entering: GuestOptions,
    reading: LogOptions,
    force: bool,
    local: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Write matured examples, outcomes and predictions as Parquet.

    \b
    examples     features at an instant, and whether the user was active in the next period
    outcomes     questions over the whole horizon, and their answers
    predictions  the same, with what every model said before the answer was known

    docs/notebooks/challenger.ipynb starts from them, and enters a model of its own.
    """  # noqa: D301 (click's mark for "leave the lines alone")
    from streams.replay.dataset import TABLES  # noqa: PLC0415 (quick --help)
    from streams.replay.progress import Progress  # noqa: PLC0415

    settings = load_settings(os.environ)
    target = Target(Path(out), TABLES if what == "all" else (what,), force)
    churn = Churn(horizon_days, min_active_days, kinds, coverage)
    with Progress("exporting", is_quiet=quiet or as_json) as progress:
        if file is not None:
            made = _from_log(file, reading, target, churn, (rules, entering), progress)
        else:
            _demand_no_log_options(churn, entering)
            made = _from_topic(settings, target, rules, is_local=local)
        seconds = round(progress.seconds(), 2)
    if settings.id_key == DEVELOPMENT_KEY and target.asks:
        made.remarks.append("users are hashed with the development key, which everybody knows: "
                            "set WINBACK_ID_KEY before you hand the tables on")  # fmt: skip
    if as_json:
        files = {table: f"{table}.parquet" for table in made.rows}
        facts = {"rows": made.rows, "files": files, "remarks": made.remarks, "seconds": seconds}
        click.echo(msgspec.json.encode(facts).decode())
        return Exit.OK
    said = ", ".join(counted(rows, table[:-1]) for table, rows in made.rows.items())
    click.echo(f"exported {said} to {out}, {seconds:g} s")
    for remark in made.remarks:
        click.echo(f"  {remark}", err=True)
    return Exit.OK


def _from_log(
    file: str,
    reading: LogOptions,
    target: Target,
    churn: Churn,
    given: tuple[str | None, GuestOptions],
    progress: Any,
) -> Made:
    from models.catalogue import CATALOGUE  # noqa: PLC0415 (quick --help)
    from streams.replay.dataset import Origin  # noqa: PLC0415
    from streams.replay.gaps import NO_GAPS, read_gaps  # noqa: PLC0415
    from streams.replay.harvest import Harvest  # noqa: PLC0415
    from streams.replay.progress import shown  # noqa: PLC0415
    from streams.runtime.ticks import now_ms  # noqa: PLC0415

    path, entering = given
    log = reading.log(file)
    rules = churn_rules(
        log, path, horizon_days=churn.horizon_days, kinds=churn.kinds,
        min_active_days=churn.min_active_days,
    )  # fmt: skip
    guests = entering.guests(rules.churn.horizon_ms)
    gaps = NO_GAPS if churn.coverage is None else read_gaps(churn.coverage)
    origin = Origin(rules, f"log {Path(file).name}", (*CATALOGUE, *guests.names))
    with target.dataset(origin) as dataset:
        harvest = Harvest(rules, dataset.add, now_ms(), asks=target.asks, guests=guests, gaps=gaps)
        harvest.run(shown(log, progress))
        dataset.keep(harvest.versions)
    remarks = [f"{counted(log.skipped, 'bad row')} skipped"] if log.skipped else []
    if target.asks and (absent := {*guests.names} - {*harvest.versions}):
        remarks.append(f"{', '.join(sorted(absent))} did not play: the log ended before")
    return Made(dataset.rows, remarks)


def _demand_no_log_options(churn: Churn, entering: GuestOptions) -> None:
    if any(value is not None for value in churn) or entering != GuestOptions((), None):
        raise UserError(
            "--horizon-days, --min-active-days, --kinds, --coverage and --guest are for a log",
            "name it with --from; live, the rules say it, and guests enter by winback models add",
        )


def _from_topic(settings: Settings, target: Target, path: str | None, *, is_local: bool) -> Made:
    import asyncio  # noqa: PLC0415 (quick --help)
    import logging  # noqa: PLC0415

    from models.catalogue import CATALOGUE  # noqa: PLC0415
    from streams.replay.dataset import Origin  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415
    from streams.runtime.live_state import partition_count  # noqa: PLC0415
    from streams.runtime.relearned import Relearned, guests_on  # noqa: PLC0415
    from streams.runtime.topic_past import TopicPast  # noqa: PLC0415
    from streams.runtime.whereabouts import resolve_cluster  # noqa: PLC0415

    logging.getLogger("streams").addHandler(logging.NullHandler())  # Of then, not of now.
    rules = rules_at(settings.rules if path is None else path, settings.id_keys.alone)
    cluster = resolve_cluster(settings, os.environ, is_local=is_local)
    topic = settings.topic_examples
    asyncio.run(partition_count(cluster, topic))
    with TopicPast(cluster, topic) as past:
        is_whole = past.begin == 0
        models = (*CATALOGUE, *guests_on(past)) if "predictions" in target.tables else ()
        source = f"topic {topic}, offsets {past.begin} to {past.end}"
        with target.dataset(Origin(rules, source, models)) as dataset:
            again = Relearned(settings, rules, is_whole=is_whole, asks=target.asks)
            for piece in again.pieces(past):
                dataset.add(piece)
            dataset.keep(again.versions)
    return Made(dataset.rows, _remarks(settings, target, dataset.rows, again.refused,
                                       is_whole=is_whole))  # fmt: skip


def _remarks(
    settings: Settings, target: Target, rows: dict[str, int], refused: int, *, is_whole: bool
) -> list[str]:
    topic, remarks = settings.topic_examples, []
    if refused:
        blocks = counted(refused, "block")
        remarks.append(f"{blocks} left out: broken, or made with other rules than these")
    if "predictions" in target.tables and not is_whole:
        remarks.append(
            f"the beginning of {topic} is deleted, so what the models said is not known any more: "
            "those columns are empty"
        )
    if target.asks and not is_whole and 0 in rows.values():
        remarks.append(
            f"an answer comes one horizon after its question: to have both, keep {topic} for "
            "longer (retention.ms), or export from a log (--from)"
        )
    return remarks
