"""Questions that the future answers: what every model said of a user, until H has passed.

A question is opened at a grid instant and asks for P(no activity within the next H). It is put to
all models at once, with what they knew then; so their scores are about the same outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import F64
from models.open_block import Block, OpenBlock, gathered, left

if TYPE_CHECKING:
    from collections.abc import Mapping

Users = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Rows32 = NDArray[np.float32]

KEY: Final = "openings/"
"""Records of open questions begin like that."""
BLOCK_ROWS: Final = 2_000
"""Questions in a record: 700 KB as it travels, below the 1 MB that a broker takes."""
SMALL_MAX: Final = 32
"""So many small blocks become one: live, most questions come alone, and a block costs 3 KB."""
COLUMNS: Final = (
    "users", "opened_at_ms", "churned", "weight", "rows", "said", "raw", "candidate",
)  # fmt: skip
"""Those of ``Matured`` that are always there."""
PATIENCE: Final = 1.5
"""Horizons after which a question that nobody answered is forgotten."""


class Examples(NamedTuple):
    """Matured hazard examples, each of shape (n,), rows (n, 40)."""

    opened_at_ms: F64
    matured_at_ms: F64
    active: Flags
    weight: Rows32
    rows: Rows32


class Openings(NamedTuple):
    """Questions as they are opened: users (n,), at_ms (n,), heads (n, >= RHYTHM_WIDTH)."""

    users: Users
    at_ms: F64
    heads: F64


class Outcomes(NamedTuple):
    """Answers, each of shape (n,): churned = no activity in [opened, opened + H)."""

    users: Users
    opened_at_ms: F64
    matured_at_ms: F64
    churned: Flags
    weight: Rows32


class Forget(NamedTuple):
    """Users of whom nothing is to be kept: users (n,)."""

    users: Users


class Matured(NamedTuple):
    """Questions with their answers, each of shape (n,).

    Attributes:
        users: Digests of the users.
        opened_at_ms: When they were asked.
        churned: The answer.
        weight: Of the outcome.
        rows: Shape (n, 40): features when they were asked.
        said: P(no activity within H) as it was in force.
        raw: The same before calibration.
        candidate: The same by the calibration of that time, in force or not.
        models: Name to what that model said; NaN where it said nothing.
        heads: Shape (n, >= RHYTHM_WIDTH): states when they were asked, if they were kept.
    """

    users: Users
    opened_at_ms: F64
    churned: Flags
    weight: Rows32
    rows: Rows32
    said: F64
    raw: F64
    candidate: F64
    models: dict[str, F64]
    heads: F64 | None


class Questions:
    """The open questions.

    Args:
        horizon_ms: H, ms.
        keeps_heads: Whether the states come back with the answers; only in memory.
    """

    def __init__(self, horizon_ms: int, *, keeps_heads: bool = False) -> None:
        self._horizon_ms = horizon_ms
        self._keeps_heads = keeps_heads
        self._next = 0
        self._open: dict[int, OpenBlock] = {}
        self._places: dict[tuple[int, float], tuple[int, int]] = {}
        self._changed: dict[str, Block | None] = {}
        self._small: list[int] = []
        self._partly: set[int] = set()  # Blocks of which some are answered since the last record.

    def __len__(self) -> int:
        """Return how many questions are open."""
        return len(self._places)

    def ask(
        self,
        openings: Openings,
        rows: Rows32,
        said: tuple[F64, F64, F64],
        models: Mapping[str, F64],
    ) -> None:
        """Open questions.

        Args:
            openings: Who, when and in what state, each of shape (n,).
            rows: Shape (n, 40): their features.
            said: In force, raw, and calibrated as it would be; each of shape (n,).
            models: Name to what each model says, shape (n,).
        """
        in_force, raw, candidate = said
        for start in range(0, len(openings.users), BLOCK_ROWS):
            cut = slice(start, start + BLOCK_ROWS)
            block = Block(
                users=openings.users[cut].astype("<u8").tobytes(),
                at_ms=openings.at_ms[cut].astype("<f8").tobytes(),
                rows=rows[cut].astype("<f4").tobytes(),
                said=in_force[cut].astype("<f8").tobytes(),
                raw=raw[cut].astype("<f8").tobytes(),
                candidate=candidate[cut].astype("<f8").tobytes(),
                models={name: p[cut].astype("<f8").tobytes() for name, p in models.items()},
            )
            heads = openings.heads[cut].copy() if self._keeps_heads else None
            self._begin(block, OpenBlock(block, heads))
        self._gather()

    def _begin(self, block: Block, opened: OpenBlock) -> None:
        """Begin a record."""
        self._add(self._next, opened)
        self._changed[f"{KEY}{self._next}"] = block
        self._next += 1

    def _add(self, number: int, opened: OpenBlock) -> None:
        self._open[number] = opened
        if len(opened) <= BLOCK_ROWS // SMALL_MAX:
            self._small.append(number)
        for place, key in enumerate(zip(opened.users.tolist(), opened.at_ms.tolist(), strict=True)):
            self._places[key] = (number, place)

    def _gather(self) -> None:
        """Make one block of small ones, if there are many."""
        if len(self._small) < SMALL_MAX:
            return
        numbers, self._small = [n for n in self._small if n in self._open], []
        if numbers:
            block, opened = gathered([self._open[number] for number in numbers])
            for number in numbers:
                self._drop(number)
            self._begin(block, opened)

    def answer(self, outcomes: Outcomes) -> Matured | None:
        """Return the questions that are answered, in the order of the answers.

        An answer to no question is ignored.
        """
        found: dict[int, tuple[list[int], list[int]]] = {}
        keys = zip(outcomes.users.tolist(), outcomes.opened_at_ms.tolist(), strict=True)
        for answer, key in enumerate(keys):
            place = self._places.pop(key, None)
            if place is not None:
                number, row = place
                rows, answers = found.setdefault(number, ([], []))
                rows.append(row)
                answers.append(answer)
        parts, order = [], []
        for number, (rows, answers) in found.items():
            order += answers
            opened = self._open[number]
            parts.append(_matured(opened, rows, outcomes, answers))
            self._close(number, rows)
        matured = joined(parts)
        if matured is None or len(parts) == 1:
            return matured
        return _taken(matured, np.argsort(order))

    def forget_before(self, now_ms: float) -> None:
        """Drop questions that nobody will answer any more: users may be erased, or treated."""
        limit = now_ms - PATIENCE * self._horizon_ms
        for number, opened in list(self._open.items()):
            self._forget(number, opened.at_ms < limit)

    def forget(self, users: Users) -> None:
        """Drop all questions about users who were erased.

        Nobody would answer them: an answer is the word of a state, and these are gone.
        """
        for number, opened in list(self._open.items()):
            self._forget(number, np.isin(opened.users, users))

    def _forget(self, number: int, which: Flags) -> None:
        """Drop those questions of a block that are open."""
        opened = self._open[number]
        rows = np.flatnonzero(opened.is_open & which).tolist()
        for key in zip(opened.users[rows].tolist(), opened.at_ms[rows].tolist(), strict=True):
            self._places.pop(key, None)
        if rows:
            self._close(number, rows)

    def _close(self, number: int, rows: list[int]) -> None:
        """Close questions of a block."""
        opened = self._open[number]
        opened.is_open[rows] = False
        if opened.is_open.any():
            self._partly.add(number)
        else:
            self._drop(number)

    def _drop(self, number: int) -> None:
        del self._open[number]
        self._changed[f"{KEY}{number}"] = None

    def take(self) -> dict[str, Block | None]:
        """Return what changed since the last call; None = gone."""
        for number in self._partly & self._open.keys():
            self._changed[f"{KEY}{number}"] = left(self._open[number])
        changed, self._changed, self._partly = self._changed, {}, set()
        return changed

    def load(self, blocks: Mapping[str, Block]) -> None:
        """Go on with the blocks of earlier records."""
        for key in sorted(blocks, key=lambda key: int(key.removeprefix(KEY))):
            number = int(key.removeprefix(KEY))
            self._add(number, OpenBlock(blocks[key]))
            self._next = max(self._next, number + 1)


def _matured(opened: OpenBlock, rows: list[int], outcomes: Outcomes, answers: list[int]) -> Matured:
    return Matured(
        users=opened.users[rows],
        opened_at_ms=opened.at_ms[rows],
        churned=outcomes.churned[answers],
        weight=outcomes.weight[answers],
        rows=opened.rows[rows],
        said=opened.said[rows],
        raw=opened.raw[rows],
        candidate=opened.candidate[rows],
        models={name: said[rows] for name, said in opened.models.items()},
        heads=None if opened.heads is None else opened.heads[rows],
    )


def _taken(matured: Matured, rows: NDArray[np.intp]) -> Matured:
    """Return rows of what has matured."""
    models = {name: said[rows] for name, said in matured.models.items()}
    heads = None if matured.heads is None else matured.heads[rows]
    rest = {name: getattr(matured, name)[rows] for name in COLUMNS}
    return Matured(**rest, models=models, heads=heads)


def joined(parts: list[Matured]) -> Matured | None:
    """Return parts as one; a model that said nothing in one of them has NaN there."""
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    names = list(dict.fromkeys(name for part in parts for name in part.models))
    nothing = [np.full(len(part.users), np.nan) for part in parts]
    heads = [part.heads for part in parts if part.heads is not None]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Matured(
        **columns,
        models={
            name: np.concatenate(
                [part.models.get(name, nan) for part, nan in zip(parts, nothing, strict=True)]
            )
            for name in names
        },
        heads=np.concatenate(heads) if len(heads) == len(parts) else None,
    )
