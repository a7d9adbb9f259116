"""Which values of a chunk may have a key twice: asked of all of them at once.

To look at one value costs more than to parse it; to look at thousands together costs little. What
is not doubted is proved to have every name at most once; what is doubted is to be looked at closely
(`streams.intake.wire.twice`).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubtful = Callable[[Sequence[bytes | None]], list[int]]
"""``doubtful(values)``: places of the values that are to be looked at closely, ascending."""

Places = NDArray[np.intp]
Bytes = NDArray[np.uint8]
Wanted = Mapping[np.uint64, list[tuple[np.uint64, int]]]

WORD: Final = 8
"""Bytes of a name that are compared at once, its opening quote among them if there is room."""
SLICE_BYTES: Final = 80_000
"""Of values that are looked at together: they stay in the cache, and what is worked out of them is
so small that the allocator does not give it back to the system each time."""
_START: Final = b" " * WORD
_QUOTE, _COLON, _SPACE, _LIST, _OPEN, _BAR, _CLOSE = b'": [{|}'
_PLACE_BITS: Final = 40
_ENDS_KEY: Final = ~np.isin(np.arange(256), list(b":,[{ \t\r\n\\"))
"""Bytes that only stand before a quote if it ends a text."""
_SPACED: Final = re.compile(rb'"\s+:')


def make_doubtful(names: Collection[str], hiding: Collection[str] = ()) -> Doubtful:
    """Return what finds the values in which one of these names may stand twice as a key.

    A value is doubted if one of the names, or another that ends like it, is a key of one object
    twice, or anywhere twice where it is not clear at once what the objects are; if a key is written
    with an escape; or if something stands between a key and its colon.

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
        texts = [value or b"" for value in values]
        sizes = np.fromiter(map(len, texts), np.intp, len(texts)) + 1
        step = max(1, SLICE_BYTES * len(texts) // max(1, int(sizes.sum())))
        for start in range(0, len(texts), step):
            stops = np.cumsum(sizes[start : start + step]) + WORD
            places = _look(texts[start : start + step], stops, wanted, escape)
            found.update(start + place for place in places)
        return sorted(found)

    return doubtful


_ROOM: Final = np.empty((2, 2 * SLICE_BYTES), np.bool_)


def _room(size: int) -> NDArray[np.bool_]:
    """Return room for two answers to every byte; it holds whatever it held before.

    That it is there already saves a third: the allocator asks the system for so much each time. So
    only one thread of a process may look; a worker reads in one.
    """
    return (_ROOM if size <= _ROOM.shape[1] else np.empty((2, size), np.bool_))[:, :size]


def _look(values: list[bytes], stops: Places, wanted: Wanted, escape: bytes) -> set[int]:
    """Return the places of doubtful values in a slice.

    Args:
        values: Of the slice.
        stops: Where each ends among all of them.
        wanted: Which bytes of a word count, to the words of names; and how often is too often.
        escape: How a key may be written so that its name is not seen.
    """
    joined = _START + b"\n".join(values)
    text = np.frombuffer(joined, np.uint8)
    behind, (is_quote, is_that) = text[1:], _room(len(text) - 1)
    np.equal(text[:-1], _QUOTE, out=is_quote)
    np.equal(behind, _COLON, out=is_that)
    is_that &= is_quote
    ends = np.flatnonzero(is_that)
    np.less_equal(behind, _SPACE, out=is_that)
    is_that &= is_quote
    may_be_spaced = is_that.any()
    found: set[int] = set()
    twice: list[Places] = []
    if len(ends):
        shape = (len(joined) - WORD + 1,)
        tails = np.ndarray(shape, "<u8", joined, strides=(1,))[ends - WORD]
        for mask, words in wanted.items():
            masked = tails & mask
            for word, often in words:
                hits = ends[masked == word]
                if len(hits) < often:
                    continue
                whose = np.searchsorted(stops, hits, side="right")
                if often == 1:
                    found.update(whose.tolist())
                elif (again := whose[1:] == whose[:-1]).any():
                    is_one = np.concatenate((again, [False])) | np.concatenate(([False], again))
                    twice.append(hits[is_one])
    if twice:
        found |= _in_one_object(text, twice, stops)
    if b"\\" in joined:
        found.update(place for place, value in enumerate(values) if escape in value)
    if may_be_spaced:
        found.update(place for place, value in enumerate(values) if _SPACED.search(value))
    return found


def _in_one_object(text: Bytes, twice: list[Places], stops: Places) -> set[int]:
    """Return the places of values in which a key may stand in one object twice.

    Args:
        text: Values, one behind the other.
        twice: Of each name where it stands in values that have it more than once.
        stops: Where each value ends.
    """
    from_open, is_near = _room(len(text))
    np.subtract(text, _OPEN, out=from_open.view(np.uint8))
    np.less_equal(from_open.view(np.uint8), _CLOSE - _OPEN, out=is_near)
    braces = np.flatnonzero(is_near)
    braces = braces[text[braces] != _BAR]
    is_open = text[braces] == _OPEN
    depths, opens = np.cumsum(np.where(is_open, 1, -1)), braces[is_open]
    behind = np.concatenate(([0], depths))
    whose = np.searchsorted(stops, opens, side="right")
    starts = np.concatenate(([WORD], stops[:-1]))
    # A brace in a text would be taken for one of an object: none may be doubtful, and as many
    # objects must end as begin.
    is_clear = _is_behind_key(text, opens) | (opens == starts[whose])
    unclear = np.bincount(whose[~is_clear], minlength=len(stops)) > 0
    unclear |= np.diff(behind[np.searchsorted(braces, stops)], prepend=0) != 0
    begins = np.sort((depths[is_open] << _PLACE_BITS) + opens)
    found: set[int] = set()
    for hits in twice:
        if unclear.any():
            owners = np.searchsorted(stops, hits, side="right")
            found.update(owners[unclear[owners]].tolist())
        depth = behind[np.searchsorted(braces, hits)]
        objects = np.searchsorted(begins, (depth << _PLACE_BITS) + hits)
        again = np.bincount(objects) > 1
        if again.any():
            found.update(np.searchsorted(stops, hits[again[objects]], side="right").tolist())
    return found


def _is_behind_key(text: Bytes, opens: Places) -> NDArray[np.bool_]:
    """Return which braces surely begin an object: those behind a key, or in a list behind one.

    A quote begins a text only behind a colon, a comma, a bracket or a blank; any other that is
    followed by a colon ends a key.
    """
    places = opens - (text[opens - 1] == _SPACE)
    places -= text[places - 1] == _LIST
    places -= text[places - 1] == _SPACE
    is_colon, is_quote = text[places - 1] == _COLON, text[places - 2] == _QUOTE
    is_key: NDArray[np.bool_] = is_colon & is_quote & _ENDS_KEY[text[places - 3]]
    return is_key
