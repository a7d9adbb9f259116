"""Bytes of which most words are as usual, in few bytes and without loss.

A number whose digits end early (an instant, a count) ends in bytes of nothing, which are left out
as well; what is as usual takes half a byte.
"""

from typing import Final

WORD: Final = 8
_NOTHING: Final = bytes(WORD)
_USUAL, _ZERO = "0", "9"
"""How a word is said that is as usual, and one of nothing that is usually something; a digit in
between is the number of bytes that are kept of it."""


def pack(words: bytes, usual: bytes) -> bytes:
    """Return what `unpack` makes the same words of.

    Args:
        words: Little-endian numbers of 8 bytes.
        usual: As many, as they usually are.
    """
    codes: list[str] = []
    kept: list[bytes] = []
    for at in range(0, len(words), WORD):
        word = words[at : at + WORD]
        if word == usual[at : at + WORD]:
            codes.append(_USUAL)
        else:
            said = word.lstrip(b"\0")
            codes.append(str(len(said)) if said else _ZERO)
            kept.append(said)
    if len(codes) % 2:
        codes.append(_USUAL)
    return bytes.fromhex("".join(codes)) + b"".join(kept)


def unpack(packed: bytes, start: int, usual: bytes) -> tuple[bytes, int]:
    """Return the words that were packed, and where in the bytes they end.

    Args:
        packed: Bytes that hold what `pack` returned.
        start: Where it begins.
        usual: As it was given to `pack`.

    Raises:
        ValueError: `pack` wrote no such bytes.
    """
    count = len(usual) // WORD
    at = start + (count + 1) // 2
    codes, parts = packed[start:at].hex(), []
    for place, code in enumerate(codes[:count]):
        if code == _USUAL:
            parts.append(usual[place * WORD : (place + 1) * WORD])
        elif code == _ZERO:
            parts.append(_NOTHING)
        else:
            size = int(code)
            parts.append(_NOTHING[size:] + packed[at : at + size])
            at += size
    words = b"".join(parts)
    if len(words) != len(usual) or at > len(packed):
        raise ValueError("packed bytes that end too soon")
    return words, at
