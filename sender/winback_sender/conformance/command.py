"""``winback sender conformance``: drive any sender as a black box, and say what it did wrong."""

import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from winback_sender.cli import FindKafka
from winback_sender.cluster import Cluster
from winback_sender.conformance.page import Verdict, facts, markdown, show
from winback_sender.conformance.series import TROUBLES, WATCHED, Series, verdicts
from winback_sender.conformance.stands import STANDS
from winback_sender.conformance.wire import Topics
from winback_sender.errors import Exit, UserError
from winback_sender.kafka_security import cluster_of
from winback_sender.settings import load_sender_settings

SEED_MAX: Final = 100_000


@click.command()
@click.option("--command", "command", default="",
              help="Starts the sender; it must run until SIGTERM.")  # fmt: skip
@click.option("--topic", metavar="NAME", default="",
              help="The sender runs already and reads this topic: touches are published and what "
                   "it does is watched; nothing is killed.")  # fmt: skip
@click.option("--provider", type=click.Choice(list(STANDS)), default="postbox", show_default=True,
              help="Whose stand-in the sender talks to.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65_535), default=0,
              help="Of the provider's stand-in; the next one has addresses. 0: any.")  # fmt: skip
@click.option("--instances", type=click.IntRange(1, 8), default=2, show_default=True,
              help="Processes of the sender at the start.")  # fmt: skip
@click.option("--touches", type=click.IntRange(22, 100_000), default=160, show_default=True,
              help="Touches of a run.")  # fmt: skip
@click.option("--length", "length_s", type=click.FloatRange(1.0, 3_600.0), default=15.0,
              show_default=True, metavar="SECONDS",
              help="How long a run publishes.")  # fmt: skip
@click.option("--seed", type=int, default=None,
              help="Of the first run; the same seed plans the same. Default: any.")  # fmt: skip
@click.option("--runs", type=click.IntRange(1, 1_000), default=1, show_default=True)
@click.option("--bootstrap", metavar="HOST:PORT", default="",
              help="Kafka. Default: WINBACK_KAFKA_BOOTSTRAP.")  # fmt: skip
@click.option("--local", "is_local", is_flag=True,
              help="Start the embedded Kafka if need be (winback only).")  # fmt: skip
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write all figures there.")  # fmt: skip
@click.option("--markdown", "markdown_path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the table there.")  # fmt: skip
@click.pass_context
def conformance(
    ctx: click.Context,
    *,
    command: str,
    topic: str,
    provider: str,
    port: int,
    instances: int,
    touches: int,
    length_s: float,
    seed: int | None,
    runs: int,
    bootstrap: str,
    is_local: bool,
    json_path: Path | None,
    markdown_path: Path | None,
) -> None:
    """Drive a sender in any language as a black box, and say what it did wrong.

    Real Kafka, a stand-in of the provider that misbehaves, kill -9, rebalances, offsets reset; then
    a table of what was sent twice, after a revocation, too late, or never. Exit code 1 if anything
    was. The sender finds everything in its environment: see docs/conformance.md.

    \b
    winback sender conformance --local --command "python my_sender.py"
    winback sender conformance --provider aliyun --command "winback sender --channel sms=aliyun"
    """  # noqa: D301  # \b is click's sign for lines as they are
    if bool(command) == bool(topic):
        raise click.UsageError("give either --command or --topic", ctx)
    cluster = _cluster(ctx.obj, bootstrap, is_local=is_local)
    first = secrets.randbelow(SEED_MAX) if seed is None else seed
    console = Console(stderr=True)
    folder = Path(tempfile.mkdtemp(prefix="winback-conformance-"))
    series = Series(command, cluster, provider, _topics(topic), instances, touches, length_s, port,
                    TROUBLES if command else WATCHED)  # fmt: skip
    with _progress(console) as (say, progress):
        found = list(verdicts(series, range(first, first + runs), folder, say, progress))
    _tell(console, found, folder)
    about = f"winback-sender {version('winback-sender')}, provider {provider}"
    if json_path is not None:
        json_path.write_text(json.dumps(facts(found), indent=1, ensure_ascii=False) + "\n")
    if markdown_path is not None:
        line = _line(provider, command, topic, first, runs)
        markdown_path.write_text(markdown(found, line, about))
    if not all(each.is_clean for each in found):
        sys.exit(Exit.FAILED)
    shutil.rmtree(folder)


def _line(provider: str, command: str, topic: str, seed: int, runs: int) -> str:
    """Return the command line that repeats this."""
    what = f'--command "{command}"' if command else f"--topic {topic}"
    return f"winback sender conformance --provider {provider} {what} --seed {seed} --runs {runs}"


def _topics(topic: str) -> Topics | None:
    if not topic:
        return None
    settings, _ = load_sender_settings(os.environ)
    return Topics(topic, settings.topic_feedback, settings.topic_dead_letters)


def _cluster(find_kafka: FindKafka | None, bootstrap: str, *, is_local: bool) -> Cluster:
    settings, _ = load_sender_settings(os.environ)
    if bootstrap:
        settings = msgspec.structs.replace(settings, kafka_bootstrap=bootstrap)
    elif find_kafka is not None:
        return find_kafka(settings, is_local)
    elif not settings.kafka_bootstrap:
        raise UserError("no Kafka is known", "give --bootstrap host:port")
    return cluster_of(settings)


def _tell(console: Console, found: list[Verdict], folder: Path) -> None:
    out = Console()
    show(out, found)
    clean = sum(each.is_clean for each in found)
    for note in facts(found)["notes"]:
        console.print(f"not tried: {note}", markup=False)
    out.print(f"\n{clean} of {len(found)} runs without a fault.")
    if clean < len(found):
        console.print(f"All that was seen, and the sender's logs: {folder}", markup=False)


@contextmanager
def _progress(
    console: Console,
) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """Show how far a run is; where there is no terminal, say what is done in lines."""
    if not console.is_terminal:
        yield (lambda text: console.print(text, markup=False)), (lambda _: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("starting", total=1.0)
        yield (
            lambda text: bars.update(task, description=text),
            lambda share: bars.update(task, completed=share),
        )
