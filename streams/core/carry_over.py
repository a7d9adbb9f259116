"""Users carried over to rules that define churn otherwise.

What is promised to people does not depend on that: consent, opt-outs, erasures, caps, exposures,
open cases with their ids and deadlines, the net value, links of ids. It is carried over as it is.
What is *learned* of a user does: it is what a log says under the new rules (`History`), or, without
one, what the facts leave: the first and the last activity, and how many days were active.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
import numpy as np

from models.features import Rhythm
from streams.core.coverage import Coverage
from streams.core.definition import definition_of
from streams.core.erasures import ERASED_PREFIX
from streams.core.history import History
from streams.core.inputs import SOURCE, ZONE
from streams.core.kinship import STUB_PREFIX
from streams.core.lifecycle import Sign, Stage, move
from streams.core.messages import PartitionRecord
from streams.core.migrations.chain import brought_up
from streams.core.outages import NEVER
from streams.core.partition_record import OURS, PARTITION_KEY
from streams.core.rhythm import make_fold
from streams.core.rules import Rules
from streams.core.state import (
    CASE_WAITS,
    DIGEST_BYTES,
    LIVE,
    LIVE_WIDTH,
    RING_END,
    RING_START,
    Column,
    UserState,
    blank,
    decode,
    encode,
)
from streams.core.step import staged
from streams.core.told_apart import retold
from streams.core.versions import LAYOUT

FACTS: Final = (
    Rhythm.FIRST, Rhythm.ACTIVE_DAYS, Rhythm.DAY_EVENTS, Rhythm.DAY_LOG_MEAN, Column.EVENTS,
    Column.VALUE_DECAYED,
)  # fmt: skip
"""What of the activities is true whatever a horizon is."""
CALM: Final = False
MINOR_UNITS: Final = "money.minor_units"
OUT: Final = frozenset({Stage.LAPSED, Stage.GONE})
_BLANK: Final = encode(blank(0.0))


class CarriedOver(NamedTuple):
    """The content of a changelog under the new rules.

    Attributes:
        changelog: Key and value of what is to be written.
        counts: users; rebuilt (by the history) and anew (by the facts); shortened (rebuilt by a
            history that begins later than they did); cases, exposures, erased and stubs (carried
            over); lapsed and back (users whom the new horizon makes so).
    """

    changelog: list[tuple[bytes, bytes]]
    counts: Counter[str]


class CannotCarryError(Exception):
    """The state cannot be carried over; the message says why."""


def carried_over(
    records: Mapping[bytes, bytes],
    rules: Rules,
    history: History | None = None,
    made_with: Mapping[str, str] | None = None,
) -> CarriedOver:
    """Return what is to be written so that a partition goes on under other rules.

    Args:
        records: The content of its changelog, by whichever version.
        rules: The new rules.
        history: What users did, under the new rules.
        made_with: `definition_of` the old rules, where the state does not say it itself.

    Returns:
        Nothing, if it was made with these rules already.

    Raises:
        CannotCarryError: Nobody knows what its money is counted in.
        StateMismatchError: A newer version wrote it.
    """
    records = brought_up(records).records
    raw = records.get(PARTITION_KEY)
    if raw is None:
        return CarriedOver([], Counter())
    record = msgspec.json.decode(raw, type=PartitionRecord)
    if record.rules_hash == rules.hash:
        return CarriedOver([], Counter())
    scribe = _Scribe(record, rules, history, record.definition or made_with or {})
    changelog = [
        (key, value if key.startswith(OURS) else scribe.user(key.decode(), value))
        for key, value in records.items()
        if key != PARTITION_KEY
    ]
    for name, begin in (("erased", ERASED_PREFIX), ("stubs", STUB_PREFIX)):
        scribe.counts[name] = sum(key.startswith(begin) for key in records)
    changelog.append((PARTITION_KEY, msgspec.json.encode(scribe.record())))
    return CarriedOver(changelog, scribe.counts)


class _Scribe:
    """Writes the users of one partition anew."""

    def __init__(
        self,
        record: PartitionRecord,
        rules: Rules,
        history: History | None,
        made_with: Mapping[str, str],
    ) -> None:
        if MINOR_UNITS not in made_with:
            raise CannotCarryError(
                "the state does not say what its money is counted in, for an older version has "
                "written it"
            )
        self.counts: Counter[str] = Counter()
        self._record, self._rules, self._history = record, rules, history
        self._scale = rules.minor_units / int(made_with[MINOR_UNITS])
        told_apart = definition_of(rules)["traits_told_apart"]
        self._keeps_traits = made_with.get("traits_told_apart") == told_apart
        self._fold = make_fold(rules.churn)
        self._coverage = Coverage(rules.outages)
        self._coverage.announce(
            {start: NEVER if end is None else end for start, end in record.outages}
        )

    def record(self) -> PartitionRecord:
        """Return the partition record under the new rules."""
        record, scale = self._record, self._scale
        gate = record.gate
        if gate is not None and scale != 1.0:
            gate = msgspec.structs.replace(
                gate,
                tier_edges=tuple(edge * scale for edge in gate.tier_edges),
                loss_edges=tuple(edge * scale for edge in gate.loss_edges),
                threshold=gate.threshold * scale,
            )
        return msgspec.structs.replace(
            record, rules_hash=self._rules.hash, layout=LAYOUT,
            definition=definition_of(self._rules), gate=gate,
        )  # fmt: skip

    def user(self, user_id: str, value: bytes) -> bytes:
        """Return the state of a user under the new rules."""
        was = decode(value)
        self.counts["users"] += 1
        self.counts["cases"] += was.profile.case is not None
        self.counts["exposures"] += was.profile.exposure is not None
        live, ring = self._lived(user_id, was)
        head = [*live, *was.head[LIVE_WIDTH:]]
        head[Column.VALUE_NET] = was[Column.VALUE_NET] * self._scale
        head[Column.FROZEN_AT] = 0.0
        head[Column.PHASE] = self._rules.phase_ms(user_id)
        head[Rhythm.TRAITS], head[Rhythm.TRAITS_AT] = self._traits(user_id, was)
        profile, exposure = was.profile, was.profile.exposure
        if exposure is not None:  # It is answered and reported; nothing is taught by it any more.
            exposure = msgspec.structs.replace(
                exposure, features=b"", value_net=exposure.value_net * self._scale
            )
            profile = msgspec.structs.replace(profile, exposure=exposure)
        return encode(self._staged(UserState(tuple(head), ring, b"", profile)))

    def _lived(self, user_id: str, was: UserState) -> tuple[list[float], bytes]:
        """Return the numbers that activity has written, and the ring."""
        history = self._history
        if history is not None and user_id in history.seen:
            self.counts["rebuilt"] += 1
            value = history.values.get(user_id)
            if value is not None:
                live = list(LIVE.unpack_from(value))
                if was[Column.EVENTS] and live[Rhythm.FIRST] > was[Rhythm.FIRST]:
                    self.counts["shortened"] += 1
                return live, _ring(was.ring, value[RING_START:RING_END])
            if not _is_owed(was):
                return list(blank(0.0).head[:LIVE_WIDTH]), was.ring
        elif was[Column.EVENTS]:
            self.counts["anew"] += 1
        if not was[Column.EVENTS]:
            return list(was.head[:LIVE_WIDTH]), was.ring
        once = self._fold(
            _BLANK,
            was[Rhythm.LAST],
            0.0,
            0,
            -1,
            CALM,
            was.ring[-DIGEST_BYTES:],
            0.0,
            b"",
        )
        live = list(LIVE.unpack_from(once))
        for column in FACTS:
            live[column] = was[column]
        live[Column.VALUE_DECAYED] *= self._scale
        return live, was.ring

    def _traits(self, user_id: str, was: UserState) -> tuple[float, float]:
        """Return which of the traits told apart a user has."""
        if self._keeps_traits:
            return was[Rhythm.TRAITS], was[Rhythm.TRAITS_AT]
        profile = was.profile
        told = profile.traits | {ZONE: profile.zone, SOURCE: profile.source}
        if self._history is not None:
            told |= self._history.told.get(user_id, {})
        found = retold(blank(0.0).head, told, self._rules.traits_told_apart, 0, 0)
        return (0.0, 0.0) if found is None else (float(int(found[0]) & 31), 0.0)

    def _staged(self, state: UserState) -> UserState:
        """Return a state in the stage that its silence has come to under the new rules."""
        stage, profile = state.profile.stage, state.profile
        silence_ms = self._silence_ms(state)
        is_settled = state[Rhythm.ACTIVE_DAYS] >= self._rules.churn.min_active_days
        if silence_ms >= self._rules.churn.limit_ms:
            stage = move(stage, Sign.SILENT_LIMIT)
        elif silence_ms >= self._rules.churn.horizon_ms:
            stage = Stage.LAPSED if stage is Stage.GONE else move(stage, Sign.SILENT_HORIZON)
        elif stage in OUT:
            stage = Stage.ACTIVE if is_settled else Stage.NEW
        is_out, was_out = stage in OUT, profile.stage in OUT
        self.counts["lapsed"] += is_out and not was_out
        self.counts["back"] += was_out and not is_out
        bid = state[Column.BID]
        if silence_ms >= self._rules.churn.horizon_ms and bid < CASE_WAITS:
            bid = 0.0
        return staged(state, stage, self._rules, BID=bid)

    def _silence_ms(self, state: UserState) -> float:
        """Return how long a user has been silent, without what the source missed."""
        if not state[Column.EVENTS]:
            return 0.0
        heads = np.array([state.head])
        self._coverage.look_for_pauses(heads)
        now = np.array([max(float(self._record.watermark_ms), state[Rhythm.LAST])])
        lost = self._coverage.lost(heads, heads[:, Rhythm.LAST], now)
        return float((now - heads[:, Rhythm.LAST] - lost)[0])


def _ring(was: bytes, rebuilt: bytes) -> bytes:
    """Return the newest ids of events that either knows; the history knows their order."""
    one, other = (
        [ring[at : at + DIGEST_BYTES] for at in range(0, len(ring), DIGEST_BYTES)]
        for ring in (was, rebuilt)
    )
    known = [each for each in other if any(each)]
    return b"".join([*(each for each in one if each not in known), *known][-len(one) :])


def _is_owed(state: UserState) -> bool:
    """Return whether something is still due of a user, which takes a last activity."""
    profile = state.profile
    return bool(profile.case or profile.exposure or profile.left)
