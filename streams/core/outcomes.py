"""Questions over the whole horizon: what is asked of a user now, and what became of it H later.

At every fourth grid instant a user is asked about: the *opening* holds the numbers of that instant,
and the *outcome* one horizon later, at the user's next such instant, says whether there was an
activity in between. Every model of the catalogue is graded on the two; no state is kept for them,
for the numbers of the user tell at the end whether there can have been a question.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import Rhythm, features_hash
from streams.core.coverage import Coverage
from streams.core.rules import Rules
from streams.core.state import WIDTH
from streams.core.state import Column as Head
from streams.core.teaching import Forgotten, OpeningBlock, OutcomeBlock
from streams.core.treatment import F32, F64, Flags, Treatment

U64 = NDArray[np.uint64]
Column = NDArray[Any]

OPENINGS_MAX: Final = 560_000 // (8 * WIDTH)
OUTCOMES_MAX: Final = 560_000 // 29
"""Rows in a record: 560 KB, well below what a broker takes by default (1 MB)."""
TOKEN_BYTES: Final = 8


class _Openings(NamedTuple):
    users: U64
    at_ms: F64
    heads: F64


class _Outcomes(NamedTuple):
    users: U64
    opened_ms: F64
    churned: Flags
    weight: F32


class OutcomeCollector:
    """Makes openings and outcomes of one partition and keeps them until they are taken."""

    def __init__(self, rules: Rules, coverage: Coverage, *, is_shadow: bool) -> None:
        """Make one.

        Args:
            rules: The business rules.
            coverage: What the source missed: it answers no question.
            is_shadow: Nobody was really touched, so everybody counts.
        """
        self._is_shadow = is_shadow
        self.adopt(rules)
        self._coverage = coverage
        self._openings: list[_Openings] = []
        self._outcomes: list[_Outcomes] = []
        self._forgotten: list[bytes] = []

    def adopt(self, rules: Rules) -> None:
        """Go by changed rules from now on."""
        self._rules = rules
        self._treatment = Treatment(rules, is_shadow=self._is_shadow)

    def ask(self, user_ids: Sequence[str], heads: F64, at_ms: F64) -> None:
        """Answer the questions that were opened one horizon ago, and open those of now.

        Args:
            user_ids: Users at an instant at which they are asked about.
            heads: Shape (users, WIDTH), before anything that happens at that instant.
            at_ms: Shape (users,).
        """
        settled = heads[:, Rhythm.ACTIVE_DAYS] >= self._rules.churn.min_active_days
        if not settled.any():
            return
        users = asked = self._tokens(user_ids, at_ms)
        if self._rules.ids.former:
            asked = self._tokens(user_ids, at_ms - self._rules.churn.horizon_ms)
        self._answer(asked, heads, at_ms, settled)
        is_free, _ = self._treatment.weighed(heads, at_ms)
        heads = self._coverage.moved(heads, at_ms)
        silence = at_ms - heads[:, Rhythm.LAST]
        opens = settled & is_free & (silence < self._rules.churn.horizon_ms)
        opens &= self._was_there(heads, at_ms)
        if opens.any():
            asked_about = heads[opens]
            asked_about[:, Head.BID] = 0.0  # Means nothing here, and lags behind within a stride.
            self._openings.append(_Openings(users[opens], at_ms[opens], asked_about))

    def _tokens(self, user_ids: Sequence[str], asked_ms: F64) -> U64:
        """Return what users were called when they were asked: a new key renames no question."""
        token, pairs = self._rules.ids.token, zip(user_ids, asked_ms.tolist(), strict=True)
        return np.frombuffer(b"".join([token(user_id, at) for user_id, at in pairs]), "<u8")

    def _answer(self, users: U64, heads: F64, at_ms: F64, settled: Flags) -> None:
        churn = self._rules.churn
        opened = at_ms - churn.horizon_ms
        last = self._coverage.last(heads, opened)
        is_free, weight = self._treatment.weighed(heads, opened)
        was_there = self._was_there(self._coverage.moved(heads, opened), opened)
        answers = settled & is_free & was_there & (opened - last < churn.horizon_ms)
        answers &= self._coverage.is_seen(heads, opened, at_ms)
        if answers.any():
            self._outcomes.append(
                _Outcomes(
                    users[answers], opened[answers], (last < opened)[answers], weight[answers]
                )
            )

    def _was_there(self, heads: F64, at_ms: F64) -> Flags:
        """Return for whom a grid instant is not the first one.

        A user's first grid instant completes nothing, so no timer fires there; but one does at the
        first that is live behind a gap, and it is the first all the same.
        """
        was_there: Flags = heads[:, Rhythm.FIRST] <= at_ms - self._rules.churn.period_ms
        return was_there

    def forget(self, user_id: str) -> None:
        """Let the learner forget what was asked about a user."""
        self._forgotten += self._rules.ids.tokens(user_id)

    def take(self) -> tuple[list[OpeningBlock], list[OutcomeBlock], list[Forgotten]]:
        """Return what was made since the last call, in blocks that fit into a record."""
        openings, outcomes = self._openings, self._outcomes
        forgotten = b"".join(self._forgotten)
        self._openings, self._outcomes, self._forgotten = [], [], []
        return (
            [
                self._opening_block(_Openings(*(column[cut] for column in columns)))
                for columns in _joined(openings)
                for cut in _cuts(len(columns[0]), OPENINGS_MAX)
            ],
            [
                self._outcome_block(_Outcomes(*(column[cut] for column in columns)))
                for columns in _joined(outcomes)
                for cut in _cuts(len(columns[0]), OUTCOMES_MAX)
            ],
            [Forgotten(len(forgotten) // TOKEN_BYTES, forgotten)] if forgotten else [],
        )

    def _opening_block(self, openings: _Openings) -> OpeningBlock:
        return OpeningBlock(
            features_hash=features_hash(),
            rules_hash=self._rules.hash,
            horizon_ms=self._rules.churn.horizon_ms,
            count=len(openings.users),
            users=openings.users.astype("<u8").tobytes(),
            at_ms=openings.at_ms.astype("<f8").tobytes(),
            heads=openings.heads.astype("<f8").tobytes(),
        )

    def _outcome_block(self, outcomes: _Outcomes) -> OutcomeBlock:
        horizon_ms = self._rules.churn.horizon_ms
        return OutcomeBlock(
            features_hash=features_hash(),
            rules_hash=self._rules.hash,
            horizon_ms=horizon_ms,
            count=len(outcomes.users),
            users=outcomes.users.astype("<u8").tobytes(),
            opened_at_ms=outcomes.opened_ms.astype("<f8").tobytes(),
            matured_at_ms=(outcomes.opened_ms + horizon_ms).astype("<f8").tobytes(),
            churned=outcomes.churned.astype("u1").tobytes(),
            weight=outcomes.weight.astype("<f4").tobytes(),
        )


def _joined(parts: Sequence[tuple[Column, ...]]) -> list[list[Column]]:
    """Return the columns of all parts, joined; nothing where there is no part."""
    return [[np.concatenate(column) for column in zip(*parts, strict=True)]] if parts else []


def _cuts(rows: int, most: int) -> list[slice]:
    return [slice(at, at + most) for at in range(0, rows, most)]
