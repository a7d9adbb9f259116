"""Which values of a chunk may have a key twice: asked of all of them at once.

To look at one value costs more than to parse it; to look at thousands together costs little. What
is not doubted is proved to have every name at most once; what is doubted is to be looked at closely
(`streams.intake.wire.twice`).
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np

Doubtful = Callable[[Sequence[bytes | None]], list[int]]
"""``doubtful(values)``: places of the values that are to be looked at closely, ascending."""

WORD: Final = 8
"""Bytes of a name that are compared at once, its opening quote among them if there is room."""
SLICE: Final = 256
"""Values that are looked at together: what they are joined to stays in the cache."""
_START: Final = b" " * WORD
_QUOTE, _COLON, _SPACE, _BACKSLASH = b'": \\'
_SPACED: Final = re.compile(rb'"\s+:')


def make_doubtful(names: Collection[str]) -> Doubtful:
    """Return what finds the values in which one of these names may stand twice as a key.

    A value is doubted if one of the names, or another that ends like it, is a key twice anywhere in
    it, if a key is written with an escape, or if something stands between a key and its colon.
    """
    tails = [(f'"{name}').encode()[-WORD:] for name in sorted(names)]
    words = [int.from_bytes(tail, "little") << 8 * (WORD - len(tail)) for tail in tails]
    masks = [(1 << 64) - (1 << 8 * (WORD - len(tail))) for tail in tails]
    wanted = [(np.uint64(mask), np.uint64(word)) for mask, word in zip(masks, words, strict=True)]

    escape = b"\\u00" if all(map(str.isascii, names)) else b"\\u"

    def doubtful(values: Sequence[bytes | None]) -> list[int]:
        found: set[int] = set()
        for start in range(0, len(values), SLICE):
            part = [value or b"" for value in values[start : start + SLICE]]
            found.update(start + place for place in _look(part, wanted, escape))
        return sorted(found)

    return doubtful


def _look(
    values: list[bytes], wanted: list[tuple[np.uint64, np.uint64]], escape: bytes
) -> set[int]:
    """Return the places of doubtful values in a slice."""
    joined = _START + b"\n".join(values)
    text = np.frombuffer(joined, np.uint8)
    is_quote, behind = text[:-1] == _QUOTE, text[1:]
    ends = np.flatnonzero(is_quote & (behind == _COLON))
    stops = np.cumsum(np.fromiter(map(len, values), np.intp, len(values)) + 1) + WORD
    found: set[int] = set()
    if len(ends):
        shape = (len(joined) - WORD + 1,)
        tails = np.ndarray(shape, "<u8", joined, strides=(1,))[ends - WORD]
        for mask, word in wanted:
            hits = ends[(tails & mask) == word]
            if len(hits) > 1:
                whose = np.searchsorted(stops, hits, side="right")
                found.update(whose[1:][whose[1:] == whose[:-1]].tolist())
    if (text == _BACKSLASH).any():
        found.update(place for place, value in enumerate(values) if escape in value)
    if (is_quote & (behind <= _SPACE)).any():
        found.update(place for place, value in enumerate(values) if _SPACED.search(value))
    return found
