"""``winback sender``: a reference sender of touches."""

import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from winback_sender.adapters.wording import Language


@click.command()
@click.option("--channel", type=click.Choice(["console"]), required=True,
              help="What to send through: console prints each touch.")  # fmt: skip
@click.option("--clock", type=click.Choice(["wall", "event"]),
              help="wall for live traffic; event for a replayed log: now is the newest touch. "
                   "Default: WINBACK_CLOCK.")  # fmt: skip
@click.option("--journal", "journal_path", type=click.Path(path_type=Path), metavar="FILE",
              help="SQLite file that remembers what was sent, shared by all senders of a channel. "
                   "Default: under the user's data home.")  # fmt: skip
@click.option("--answer", "answer_rate", type=click.FloatRange(0, 1), default=0.0, metavar="RATE",
              help="Share of touches that the console answers for the user.")  # fmt: skip
@click.option("--lang", "language", type=click.Choice(["en", "zh"]), default="en",
              show_default=True, help="Language of what is printed.")  # fmt: skip
@click.option("--local", "is_local", is_flag=True, help="Start the embedded Kafka if need be.")
def sender(
    *,
    channel: str,
    clock: str | None,
    journal_path: Path | None,
    answer_rate: float,
    language: "Language",
    is_local: bool,
) -> None:
    """Send the touches of the topic win-back, and report what became of them.

    A touch is never sent twice: its intent is in the journal before it leaves. A touch that was
    interrupted is reported as unknown. Ctrl-C or SIGTERM ends it after the touch in hand.
    """
    from streams.runtime.bootstrap import resolve_bootstrap  # noqa: PLC0415 (quick --help)
    from streams.runtime.topic_admin import require_topics  # noqa: PLC0415
    from winback_sender.adapters.console import console  # noqa: PLC0415
    from winback_sender.clock import EventClock, WallClock  # noqa: PLC0415
    from winback_sender.desk import Desk  # noqa: PLC0415
    from winback_sender.journal import Journal  # noqa: PLC0415
    from winback_sender.logs import configure  # noqa: PLC0415
    from winback_sender.worker import Sender  # noqa: PLC0415

    settings = load_settings(os.environ)
    level = "warning" if settings.log_level == "info" else settings.log_level
    configure(level, settings.id_key)
    # It warns at every start, before it knows the topics; that there are none is said below.
    logging.getLogger("kafka.coordinator.assignors").setLevel(logging.ERROR)
    servers = resolve_bootstrap(settings, os.environ, is_local=is_local)
    require_topics(servers, settings)
    time = EventClock() if (clock or settings.clock) == "event" else WallClock()
    with Journal(journal_path or _default_journal(settings, channel)) as journal:
        deliver = console(click.echo, language, answer_rate)
        desk = Desk(deliver, journal, time)
        stop = _Stop()
        Sender(settings, servers, channel, desk).run(stop.is_asked)
    said = ", ".join(f"{count:,} {name}" for name, count in desk.counts.most_common())
    click.echo(f"stopped: {said or 'nothing was to be sent'}", err=True)


def _default_journal(settings: Settings, channel: str) -> Path:
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    directory = Path(home).expanduser() / "winback" / "senders"
    return directory / f"{settings.app_id}-{channel}.sqlite"


class _Stop:
    """Becomes true at the first SIGTERM or Ctrl-C; the second ends at once."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def is_asked(self) -> bool:
        """Return whether the end was asked for."""
        return self._asked

    def _ask(self, number: int, _frame: object) -> None:
        self._asked = True
        signal.signal(number, signal.SIG_DFL)
