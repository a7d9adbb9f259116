"""Native events of a chunk read at once: what is plain by the kernel, the rest one by one."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streams.core.decoded import NOT_ACTIVITY, Decode
from streams.core.inputs import Acted
from streams.core.interpret import kinds_of
from streams.core.meanings import ACTS, Meaning
from streams.core.rhythm_rows import Acts, columns_of
from streams.core.rules import Rules
from streams.core.signals import Signals
from streams.core.time import FAR_FUTURE_MS
from streams.kernel.library import ACT, ASK, IGNORED, Kernel, Plans

ReadChunk = Callable[[Sequence[bytes | None], Sequence[bytes | None], Sequence[int]], Signals]
"""``read(keys, values, timestamps_ms)`` of a chunk."""

_KINDS: Final = dict.fromkeys(ACTS, ACT) | {Meaning.IGNORED: IGNORED}


def make_read(rules: Rules, careful: Decode, quick: Decode, kernel: Kernel) -> ReadChunk:
    """Return what reads the records of ``user-activity`` a chunk at a time.

    Args:
        rules: The business rules.
        careful: Reads what is not plain.
        quick: Reads what is, if it is to be an object.
        kernel: Reads the rest.
    """
    known, others = kinds_of(rules)
    kinds = [*known.values(), others]
    plans = Plans(
        [name.encode() for name in known],
        [_KINDS.get(kind.meaning, ASK) for kind in kinds],
        [float(kind.sign) for kind in kinds],
        float(rules.minor_units), FAR_FUTURE_MS, rules.currency.encode(),
    )  # fmt: skip
    slots = np.array([kind.slot for kind in kinds], np.int8)
    risky = np.array([kind.is_risky for kind in kinds])

    def read(
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps_ms: Sequence[int],
    ) -> Signals:
        stamps_ms = np.array(timestamps_ms, np.int64)
        names, texts = _there(keys), _there(values)
        told = kernel.read(plans, names, texts, stamps_ms)
        is_act = told.kind == ACT
        acts = Acts(
            told.at_ms, np.log1p(told.amount), told.money, slots[told.plan], risky[told.plan],
            told.id_word,
        )  # fmt: skip
        user_ids = _user_ids(names, is_act)
        odd: dict[int, Any] = {}
        for place in np.flatnonzero(~is_act).tolist():
            if told.kind[place] == IGNORED:
                odd[place] = NOT_ACTIVITY
                continue
            found = careful(keys[place], values[place], timestamps_ms[place])
            user_ids[place] = getattr(found, "user_id", "")
            if isinstance(found, Acted):
                is_act[place] = True
                at_ms = np.array([found.event_time_ms], np.float64)
                columns: tuple[tuple[Any, Any], ...] = tuple(
                    zip(acts, columns_of([found], at_ms), strict=True)
                )
                for column, alone in columns:
                    column[place] = alone[0]
            else:
                odd[place] = found
                acts.at_ms[place] = getattr(found, "event_time_ms", 0)

        def make(place: int) -> Acted:
            made = quick(keys[place], values[place], timestamps_ms[place])
            assert isinstance(made, Acted)
            return made

        return Signals(acts, is_act, user_ids, odd, make)

    return read


def _there(texts: Sequence[bytes | None]) -> Sequence[bytes]:
    """Return texts with nothing for what is not there."""
    return [text or b"" for text in texts] if None in texts else texts  # type: ignore[return-value]  # no None is among them


def _user_ids(keys: Sequence[bytes], is_act: NDArray[np.bool_]) -> list[str]:
    """Return the user ids of activities: they are the keys; empty for everything else."""
    if is_act.all():  # No null character is in them.
        return b"\0".join(keys).decode().split("\0") if keys else []
    known = zip(keys, is_act.tolist(), strict=True)
    return [key.decode() if is_known else "" for key, is_known in known]
