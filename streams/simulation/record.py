"""A run as files: what was logged, what went out, what came back, and the truth."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from streams.core.outbox import DECISIONS, TOUCHES
from streams.errors import UserError
from streams.simulation.life import Figures, Life
from streams.simulation.rulebook import written
from streams.simulation.simulate import Outcome
from streams.simulation.source import Record
from streams.simulation.world import World

_ENCODE = msgspec.json.Encoder().encode


class Truth(msgspec.Struct, frozen=True):
    """One user, as only the world knows it.

    Attributes:
        user_id: Whose.
        kind: Kind of user.
        is_held_out: Whether the holdout withholds every touch.
        last_untouched_ms: Last activity if nobody had touched the user, epoch ms UTC; None = none.
        touches: Touches that arrived.
        figures: The life in numbers, beside the same life untouched.
    """

    user_id: str
    kind: str
    is_held_out: bool
    last_untouched_ms: int | None
    touches: int
    figures: Figures


def write_files(outcome: Outcome, folder: Path) -> None:
    """Write a run that kept its records to a folder.

    ``events.jsonl`` is the log in order of event time, without what was delivered twice: what
    ``winback replay`` and ``winback feed`` read. ``arrivals.jsonl`` is the same as it arrived.

    Raises:
        UserError: The folder cannot be written.
    """
    run = outcome.run
    events = [record for record in run.arrived if record.event is not None]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "events.jsonl", _log(events))
        _write(folder / "arrivals.jsonl", (record.value for record in events))
        _write(folder / "touches.jsonl", run.written.get(TOUCHES, ()))
        _write(folder / "decisions.jsonl", run.written.get(DECISIONS, ()))
        _write(folder / "feedback.jsonl", run.crew.answers)
        lives = run.source.lives.values()
        truths = (_truth(life, run.world, run.rules.is_held_out) for life in lives)
        _write(folder / "truth.jsonl", map(_ENCODE, truths))
        _write(folder / "exposures.jsonl", (_ENCODE(made._asdict()) for made in run.exposed))
        (folder / "rules.yaml").write_text(written(outcome.sections), encoding="utf-8")
        summary = msgspec.json.format(_ENCODE(outcome.verdicts), indent=2)
        (folder / "summary.json").write_bytes(summary + b"\n")
    except OSError as error:
        what = f"{folder} cannot be written: {error.strerror}"
        raise UserError(what, "name another folder with --out") from None


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _log(events: list[Record]) -> Iterable[bytes]:
    """Return the values of events in order of event time, each once."""
    seen: set[bytes] = set()
    for record in sorted(events, key=_happened_ms):
        if record.value not in seen:
            seen.add(record.value)
            yield record.value


def _happened_ms(record: Record) -> tuple[int, int]:
    assert record.event is not None
    return record.event.at_ms, record.number


def _truth(life: Life, world: World, is_held_out: Any) -> Truth:
    person = life.person
    last_ms = person.untouched[-1].at_ms if person.untouched else None
    return Truth(
        person.user_id, person.kind, is_held_out(person.user_id), last_ms, life.touches,
        life.figures(world),
    )  # fmt: skip
