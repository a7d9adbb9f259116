"""Which values of a chunk may have a key twice: asked of all of them at once.

To look at one value costs more than to parse it; to look at thousands together costs little. What
is not doubted is proved to have every name at most once; what is doubted is to be looked at closely
(`streams.intake.wire.twice`).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np

Doubtful = Callable[[Sequence[bytes | None]], list[int]]
"""``doubtful(values)``: places of the values that are to be looked at closely, ascending."""

WORD: Final = 8
"""Bytes of a name that are compared at once, its opening quote among them if there is room."""
SLICE: Final = 1024
"""Values that are looked at together: what they are joined to stays in the cache."""
_START: Final = b" " * WORD
_QUOTE, _COLON, _SPACE = b'": '
_SPACED: Final = re.compile(rb'"\s+:')


def make_doubtful(names: Collection[str], hiding: Collection[str] = ()) -> Doubtful:
    """Return what finds the values in which one of these names may stand twice as a key.

    A value is doubted if one of the names, or another that ends like it, is a key twice anywhere in
    it, if a key is written with an escape, or if something stands between a key and its colon.

    Args:
        names: Of the keys that are read.
        hiding: Those of them that make a value doubted if they stand there once.
    """
    wanted: dict[np.uint64, list[tuple[np.uint64, int]]] = {}
    for name in sorted(names):
        tail = f'"{name}'.encode()[-WORD:]
        unused = 8 * (WORD - len(tail))
        word = np.uint64(int.from_bytes(tail, "little") << unused)
        often = 1 if name in hiding else 2
        wanted.setdefault(np.uint64((1 << 64) - (1 << unused)), []).append((word, often))
    escape = b"\\u00" if all(map(str.isascii, names)) else b"\\u"

    def doubtful(values: Sequence[bytes | None]) -> list[int]:
        found: set[int] = set()
        for start in range(0, len(values), SLICE):
            part = [value or b"" for value in values[start : start + SLICE]]
            found.update(start + place for place in _look(part, wanted, escape))
        return sorted(found)

    return doubtful


def _look(
    values: list[bytes], wanted: Mapping[np.uint64, list[tuple[np.uint64, int]]], escape: bytes
) -> set[int]:
    """Return the places of doubtful values in a slice.

    Args:
        values: Of the slice.
        wanted: Which bytes of a word count, to the words of names; and how often is too often.
        escape: How a key may be written so that its name is not seen.
    """
    joined = _START + b"\n".join(values)
    text = np.frombuffer(joined, np.uint8)
    is_quote, behind = text[:-1] == _QUOTE, text[1:]
    ends = np.flatnonzero(is_quote & (behind == _COLON))
    stops = np.cumsum(np.fromiter(map(len, values), np.intp, len(values)) + 1) + WORD
    found: set[int] = set()
    if len(ends):
        shape = (len(joined) - WORD + 1,)
        tails = np.ndarray(shape, "<u8", joined, strides=(1,))[ends - WORD]
        for mask, words in wanted.items():
            masked = tails & mask
            for word, often in words:
                hits = ends[masked == word]
                if len(hits) >= often:
                    whose = np.searchsorted(stops, hits, side="right")
                    again = whose[1:] == whose[:-1]
                    found.update((whose if often == 1 else whose[1:][again]).tolist())
    if b"\\" in joined:
        found.update(place for place, value in enumerate(values) if escape in value)
    if (is_quote & (behind <= _SPACE)).any():
        found.update(place for place, value in enumerate(values) if _SPACED.search(value))
    return found
