"""Making hostile bytes out of good ones: by tokens, so that most of them get past the first check.

A tongue says what its tokens are and which of them are evil. What is made depends on the seed of
the generator alone, so a seed replays.
"""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

MAX_BYTES: Final = 65_536
"""Up to here a decoder has ten milliseconds."""
ATTACK_SHARE: Final = 0.002
"""Of whole documents that are an attack: they are long, and there are few of them."""
BIG_SHARE: Final = 0.004
"""Of evil tokens that are long."""
RAW_SHARE: Final = 0.12
"""Of samples of which single bytes are changed as well, whatever their tokens are."""
POOL_MAX: Final = 400
KEEP_BYTES: Final = 8_192
"""Of a sample that becomes a seed: what is long is made anew, not bred."""
INTERESTING: Final = tuple(
    bytes.fromhex(each)
    for each in (
        "00", "ff", "7f", "80", "0a", "22", "5c", "7b", "5b", "c0af", "eda080", "f4908080",
        "efbbbf", "e280ae", "e2808b", "ffffffff0f", "ffffffffffffffffff01", "80808080808080808000",
        "fffffffffe",
        "00000000", "ffffffff", "7fffffff", "80000000", "000000000000f07f", "000000000000f8ff",
    )
)  # fmt: skip
"""Bytes that mean something in one encoding or another: overlong and lone, NaN, endless numbers."""


class Tongue(NamedTuple):
    """How the inputs of a decoder are written.

    Attributes:
        token: What a token is; all of a text is tokens.
        evil: Tokens, each as small as it can be.
        big: Tokens that take long if anything does.
        attacks: Whole documents.
    """

    token: re.Pattern[bytes]
    evil: tuple[bytes, ...]
    big: tuple[bytes, ...] = ()
    attacks: tuple[bytes, ...] = ()


class Mutator:
    """Makes samples for one target.

    Args:
        tongue: How they are written.
        seeds: Good and interesting ones; never empty.
        chance: Makes the same samples again from the same seed.
    """

    def __init__(self, tongue: Tongue, seeds: Sequence[bytes], chance: Random) -> None:
        self._tongue, self._chance = tongue, chance
        self._split = tongue.token.findall
        self._pool = [tokens for seed in seeds if (tokens := self._split(seed))]
        self._changes: tuple[Callable[[list[bytes]], None], ...] = (
            self._evil, self._evil, self._evil, self._other, self._twice, self._without,
            self._swapped, self._cut,
        )  # fmt: skip

    def keep(self, sample: bytes) -> None:
        """Take a sample for a seed: it said something new."""
        tokens = self._split(sample)
        if not tokens or len(sample) > KEEP_BYTES:
            return
        if len(self._pool) >= POOL_MAX:
            self._pool[self._chance.randrange(len(self._pool))] = tokens
        else:
            self._pool.append(tokens)

    def make(self) -> bytes:
        """Return the next sample."""
        rand, tongue = self._chance.random, self._tongue
        if tongue.attacks and rand() < ATTACK_SHARE:
            return tongue.attacks[int(rand() * len(tongue.attacks))]
        tokens = self._pool[int(rand() * len(self._pool))].copy()
        again = 0.45
        while tokens:
            self._changes[int(rand() * len(self._changes))](tokens)
            if rand() > again:
                break
        sample = b"".join(tokens)
        return self._raw(sample) if rand() < RAW_SHARE and sample else sample

    def _place(self, tokens: list[bytes]) -> int:
        return int(self._chance.random() * len(tokens))

    def _evil(self, tokens: list[bytes]) -> None:
        rand, tongue = self._chance.random, self._tongue
        among = tongue.big if tongue.big and rand() < BIG_SHARE else tongue.evil
        tokens[self._place(tokens)] = among[int(rand() * len(among))]

    def _other(self, tokens: list[bytes]) -> None:
        other = self._pool[self._place(self._pool)]  # type: ignore[arg-type]
        tokens[self._place(tokens)] = other[self._place(other)]

    def _twice(self, tokens: list[bytes]) -> None:
        start = self._place(tokens)
        part = tokens[start : start + 1 + int(self._chance.random() * 5)]
        where = self._place(tokens)
        tokens[where:where] = part * (1 if self._chance.random() < 0.9 else 20)

    def _without(self, tokens: list[bytes]) -> None:
        start = self._place(tokens)
        del tokens[start : start + 1 + int(self._chance.random() * 4)]

    def _swapped(self, tokens: list[bytes]) -> None:
        one, other = self._place(tokens), self._place(tokens)
        tokens[one], tokens[other] = tokens[other], tokens[one]

    def _cut(self, tokens: list[bytes]) -> None:
        if self._chance.random() < 0.3:
            del tokens[self._place(tokens) :]

    def _raw(self, sample: bytes) -> bytes:
        """Change bytes, whatever they mean."""
        rand = self._chance.random
        made = bytearray(sample)
        for _ in range(1 + int(rand() * 3)):
            place, how = int(rand() * (len(made) + 1)), rand()
            if how < 0.4 and place < len(made):
                made[place] ^= 1 << int(rand() * 8)
            elif how < 0.6:
                made[place:place] = INTERESTING[int(rand() * len(INTERESTING))]
            elif how < 0.8:
                piece = INTERESTING[int(rand() * len(INTERESTING))]
                made[place : place + len(piece)] = piece
            elif how < 0.9:
                del made[place : place + 1 + int(rand() * 6)]
            else:
                del made[place:]
        return bytes(made)


def minimal(sample: bytes, fails: Callable[[bytes], bool], tries: int = 4_000) -> bytes:
    """Return a smaller sample that fails as well: pieces are left out, from halves to bytes.

    Args:
        sample: One that fails.
        fails: Whether another one does, in the same way.
        tries: How often to ask.
    """
    size = len(sample) // 2
    while size and tries > 0:
        place = 0
        while place < len(sample) and tries > 0:
            shorter = sample[:place] + sample[place + size :]
            tries -= 1
            if fails(shorter):
                sample = shorter
            else:
                place += size
        size //= 2
    return sample
