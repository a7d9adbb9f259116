"""``winback demo``: everything at once, on real purchases."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from streams.errors import Exit, UserError

if TYPE_CHECKING:
    from streams.demo.foreign import Foreign
    from streams.demo.stage import Stage
    from streams.demo.view import Screen
    from streams.pages.wording import Language

HOUSE: Final = Path(__file__).resolve().parents[2]
LOG: Final = HOUSE / "data" / "complete_journey.csv.gz"
RULES: Final = HOUSE / "deploy" / "rules" / "demo.yaml"
SECONDS: Final = 100
JARS_STEP: Final = 12


@click.command()
@click.option("--seconds", type=click.FloatRange(5, 3600), default=SECONDS, show_default=True,
              help="How long the feed takes, about.")  # fmt: skip
@click.option("--lang", "language", type=click.Choice(["en", "zh"]), default="en",
              show_default=True, help="Language of the demo.")  # fmt: skip
@click.option("--log", "log_path", type=click.Path(path_type=Path), metavar="FILE", default=LOG,
              show_default="a year of a grocer, data/complete_journey.csv.gz",
              help="Another event log.")  # fmt: skip
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), metavar="YAML",
              default=RULES, show_default="deploy/rules/demo.yaml", help="Its rules.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["segment", "sensors", "debezium"]),
              help="Let the purchases come over a topic of this format.")  # fmt: skip
def demo(
    *, seconds: float, language: "Language", log_path: Path, rules_path: Path, form: str | None
) -> int:
    """Show it all: two workers, a learner and a sender on a Kafka of their own, and a year of real
    purchases in a hundred seconds. Those at risk are contacted within a budget, a tenth is held
    out, a report says what it earned. On the way one worker is killed with -9; at the end the run
    proves that nothing was lost or doubled. Nothing is left running.
    """  # noqa: D205 (click makes one paragraph of it)
    from rich.console import Console  # noqa: PLC0415 (quick --help)

    from streams.demo.view import Screen  # noqa: PLC0415
    from streams.pages.extras import needed  # noqa: PLC0415

    if not log_path.exists() or not rules_path.exists():
        missing = rules_path if log_path.exists() else log_path
        raise UserError(f"the demo needs {missing}", "run it from a checkout, or name a file with "
                        "--log and --rules")  # fmt: skip
    needed("its report", "jinja2")
    console = Console(file=sys.stdout)
    with Screen(console, language) as screen:
        return _play(screen, seconds, log_path.absolute(), rules_path.absolute(), form)


def _play(
    screen: "Screen", seconds: float, log_path: Path, rules_path: Path, form: str | None
) -> int:
    from streams.core.time import DAY_MS  # noqa: PLC0415 (quick --help)
    from streams.demo.report import Ending, print_ending  # noqa: PLC0415
    from streams.demo.show import Play  # noqa: PLC0415
    from streams.demo.stage import Stage  # noqa: PLC0415
    from streams.demo.summary import log_of, summarised  # noqa: PLC0415
    from streams.replay.files import EventLog, Order  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    begin_s = time.monotonic()
    rules = rules_at(str(rules_path))
    log = log_of(EventLog(str(log_path), order=Order.STOP).blocks())

    def show_jars(done: int, wanted: int, _name: str) -> None:
        if done == wanted or done % JARS_STEP == 0:
            screen.tell("jars", done=done, wanted=wanted)

    with Stage(rules_path, os.environ, show_jars) as stage:
        if rules.contact.is_consent_assumed:
            screen.tell("consent")
        foreign = None if form is None else _foreign(stage, form)
        settings = stage.start_kafka(foreign)
        screen.tell("kafka", bootstrap=settings.kafka_bootstrap)
        play = Play(stage, settings, log_path, log, screen, foreign)
        proof, figures = play.run(seconds)
        summary = summarised(play.observed, log, rules)
    screen.close()
    day_s = len(log.times_ms) / play.rate / max(log.span_ms / DAY_MS, 1.0)
    ending = Ending(
        proof, summary, figures, play.observed.model, play.rate, time.monotonic() - begin_s,
        day_s, stage.directory, log_path,
    )  # fmt: skip
    print_ending(screen.console, ending, rules, rules_path, screen.language)
    return Exit.OK if ending.holds else Exit.FAILED


def _foreign(stage: "Stage", form: str) -> "Foreign":
    """Add what reads a format to the rules of the demo, and return its topic."""
    from streams.demo.foreign import Foreign, tongue_rules  # noqa: PLC0415 (quick --help)
    from streams.demo.tongues import TONGUES  # noqa: PLC0415
    from streams.replay.rulebook import rules_at  # noqa: PLC0415

    path = stage.directory / "rules.yaml"
    path.write_text(tongue_rules(form, stage.rules.read_text(encoding="utf-8")), encoding="utf-8")
    stage.rules = path
    (source,) = rules_at(str(path)).sources
    return Foreign(TONGUES[form], source)
