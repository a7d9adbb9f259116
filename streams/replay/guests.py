"""Guests of a run over a log: boosters that somebody fitted to exported examples.

A guest must not be graded on what it was fitted to. So it enters at an instant that its giver
names, and is asked only what is opened after it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from models.snapshot import Snapshot, SnapshotRefused
from streams.errors import UserError
from streams.orders import guest
from streams.replay.instants import option_ms


class Guests(NamedTuple):
    """Who enters, and when.

    Attributes:
        since_ms: Nothing that they were fitted to matured after this, epoch ms UTC.
        snapshots: The models.
    """

    since_ms: int
    snapshots: tuple[Snapshot, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Under which they play."""
        return tuple(snapshot.name for snapshot in self.snapshots)


NOBODY: Final = Guests(0, ())


def guests_of(given: Sequence[str], since: str | None, horizon_ms: int) -> Guests:
    """Return the guests of a command line.

    Args:
        given: ``NAME=FILE`` each; the file is what ``Booster.save_model`` wrote.
        since: When they enter, ISO 8601.
        horizon_ms: H of the rules, ms.

    Raises:
        UserError: A file cannot be read or is no booster, or it is not said when they enter.
    """
    if not given and since is None:
        return NOBODY
    since_ms = option_ms("--guests-since", since)
    if not given or since_ms is None:
        raise UserError(
            "--guest and --guests-since belong together",
            "name the last instant that the guest was fitted to: before it, it only remembers",
        )
    snapshots = tuple(_snapshot(text, horizon_ms) for text in given)
    names = [snapshot.name for snapshot in snapshots]
    if len(set(names)) < len(names):
        raise UserError(f"--guest: a name is there twice: {', '.join(names)}", "rename one")
    return Guests(since_ms, snapshots)


def _snapshot(text: str, horizon_ms: int) -> Snapshot:
    from models.challengers import guest_scorer  # noqa: PLC0415 (LightGBM takes a second)

    name, is_pair, path = text.partition("=")
    if not (name and is_pair and path):
        raise UserError(f"--guest {text}: that is no NAME=FILE", "write my_idea=booster.txt")
    try:
        snapshot = guest(name, Path(path).read_text(encoding="utf-8"), horizon_ms)
        guest_scorer(snapshot)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UserError(f"--guest {name}: {path} cannot be read: {why}", "check it") from None
    except SnapshotRefused as refused:
        hint = "write it with booster.save_model(…), fitted to the features of examples.parquet"
        raise UserError(f"--guest {name}: {path} cannot play: {refused}", hint) from None
    return snapshot
