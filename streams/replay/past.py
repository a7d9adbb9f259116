"""A log as the history of users whose rules change: what they did, told to `History`."""

from collections import Counter
from collections.abc import Iterable

from streams.core.decoded import Rejected, Skipped, inputs_of
from streams.core.history import History
from streams.core.rules import Rules
from streams.replay.blocks import Block
from streams.replay.reading import make_read


def tell(history: History, blocks: Iterable[Block], rules: Rules, now_ms: int) -> Counter[str]:
    """Tell a history what a log says; return what was left out, by reason.

    Args:
        history: Takes it.
        blocks: The log, in order of time.
        rules: How it is understood.
        now_ms: Record timestamp that the events are taken to have.
    """
    read, left_out = make_read(rules, now_ms), Counter[str]()
    for block in blocks:
        for decoded in read(block):
            if isinstance(decoded, Rejected | Skipped):
                left_out[str(decoded.reason)] += 1
            for signal in inputs_of(decoded):
                history.add(signal)
    return left_out
