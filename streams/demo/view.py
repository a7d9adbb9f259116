"""What the demo shows: a live view on a terminal, plain lines elsewhere."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Final, NamedTuple, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.demo.observed import Model
from streams.demo.places import Day
from streams.demo.wording import say
from streams.pages.wording import Language
from streams.reporting.vocabulary import value_said

NEWS_SHOWN: Final = 6
PLAIN_EVERY_S: Final = 10.0
WIDTH: Final = 100
WIDE_FROM: Final = 90
"""Fewer columns of the terminal hold only two numbers beside each other."""


class WorkerState(NamedTuple):
    """A worker as it is shown; ``mark`` is ● alive, ○ starting, ✝ killed, ■ ended in order."""

    name: str
    mark: str
    partitions: tuple[int, ...]


class Frame(NamedTuple):
    """One moment of the run.

    ``at_ms`` is the event time reached, 0 before the first; ``day`` is the last day that is over.
    """

    at_ms: int
    share: float
    applied: int
    lag: int
    rate: float
    users: int
    at_risk: int
    cases: int
    touches: int
    returns: int
    held_out: int
    day: Day | None
    model: Model
    workers: tuple[WorkerState, ...]


COLOURS: Final = {"●": "green", "○": "yellow", "✝": "red", "■": "dim"}


def day(at_ms: int) -> str:
    """Return the date of an instant."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat() if at_ms else "–"


def numbers(frame: Frame, language: Language) -> list[tuple[str, str]]:
    """Return what is shown, as titles and values."""
    return [
        (say(language, "events"), f"{frame.applied:,}  {frame.rate:,.0f}/s"),
        (say(language, "lag"), f"{frame.lag:,}"),
        (say(language, "users"), f"{frame.users:,}"),
        (say(language, "at_risk"), f"{frame.at_risk:,}"),
        (say(language, "cases"), f"{frame.cases:,}"),
        (say(language, "touches"), f"{frame.touches:,}"),
        (say(language, "returns"), f"{frame.returns:,}"),
        (say(language, "held_out"), f"{frame.held_out:,}"),
    ]


def spent(found: Day | None, language: Language) -> str:
    """Return how a day stood with its budget: places used, of how many, and who waits then."""
    if found is None:
        return "–"
    parts = [
        f"{value_said('class', kind, language)} {found.used[kind]}/{share}"
        for kind, share in found.share.items()
    ]
    waiting = say(language, "waiting", waiting=found.waiting)
    return f"{found.name}  {', '.join([*parts, waiting])}"


def learned(model: Model, language: Language) -> str:
    """Return what is said of the model."""
    examples = say(language, "learned", examples=model.examples)
    if model.auc is None or model.log_loss is None:
        return f"{examples}, {say(language, 'no_quality')}"
    quality = say(language, "quality", auc=model.auc, log_loss=model.log_loss)
    return f"{examples}, {quality}"


def plain(frame: Frame, language: Language) -> str:
    """Return a moment as one line."""
    parts = [f"{title} {value.replace('  ', ' ')}" for title, value in numbers(frame, language)]
    alive = sum(worker.mark == "●" for worker in frame.workers)
    model = f"{say(language, 'model')}: {learned(frame.model, language)}"
    workers = f"{say(language, 'workers')} {alive}"
    budget = f"{say(language, 'budget')}: {spent(frame.day, language)}"
    return "; ".join([
        f"{day(frame.at_ms)} {frame.share:4.0%}  {', '.join([*parts, workers])}", budget, model
    ])  # fmt: skip


def drawn(frame: Frame, news: list[str], language: Language, width: int = WIDTH) -> Panel:
    """Return a moment as a picture, for a terminal of so many columns."""
    way = Table.grid(padding=(0, 2))
    way.add_row(
        Text(day(frame.at_ms), "bold"),
        ProgressBar(total=1.0, completed=frame.share, width=min(60, max(10, width - 30))),
        f"{frame.share:.0%}",
    )
    table = Table.grid(padding=(0, 3))
    shown = numbers(frame, language)
    beside = 4 if width >= WIDE_FROM else 2
    for place in range(0, len(shown), beside):
        table.add_row(*(
            Text.assemble((f"{title} ", "dim"), (value, "bold"))
            for title, value in shown[place : place + beside]
        ))  # fmt: skip
    workers = Text(f"{say(language, 'workers')}  ", "dim")
    for worker in frame.workers:
        owned = " ".join(map(str, worker.partitions))
        said = f"{worker.mark} {worker.name}{f' [{owned}]' if owned else ''}   "
        workers.append(said, COLOURS[worker.mark])
    model = Text.assemble((f"{say(language, 'model')}  ", "dim"), learned(frame.model, language))
    budget = Text.assemble((f"{say(language, 'budget')}  ", "dim"), spent(frame.day, language))
    lines = Text("\n".join(news[-NEWS_SHOWN:]), "cyan")
    shown_all = Group(way, table, budget, model, workers, Text(), lines)
    return Panel(shown_all, title="winback", width=WIDTH)


class Screen:
    """Shows moments and news.

    Args:
        console: Where to.
        language: Of the words.
    """

    def __init__(self, console: Console, language: Language) -> None:
        self.console = console
        self.language: Language = language
        self._news: list[str] = []
        self._live: Live | None = None
        self._frame: Frame | None = None
        self._printed_s = 0.0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False, transient=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the last moment standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def tell(self, key: str, **facts: object) -> None:
        """Say that something happened."""
        text = say(self.language, key, **facts)
        self._news.append(f"· {text}")
        if self._live is None:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            self._draw(self._live)

    def show(self, frame: Frame, at_s: float) -> None:
        """Show a moment; away from a terminal only now and then."""
        self._frame = frame
        if self._live is not None:
            self._draw(self._live)
        elif at_s - self._printed_s >= PLAIN_EVERY_S:
            self._printed_s = at_s
            self.console.print(
                plain(frame, self.language), highlight=False, markup=False, soft_wrap=True
            )

    def _draw(self, live: Live) -> None:
        """Show the last moment; before the first one, what was said."""
        if self._frame is None:
            live.update(Text("\n".join(self._news), "cyan"), refresh=True)
        else:
            shown = drawn(self._frame, self._news, self.language, self.console.width)
            live.update(shown, refresh=True)
