"""Traces of an id in bytes: every way in which it could stand there."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST: Final = 8
"""Characters of base64 or hex that are searched for: fewer stand in any long text by chance."""
RAW_SHORTEST: Final = 6
"""Bytes of an id that is searched for whatever stands around it."""
COUNTED_SHORTEST: Final = 3
"""Digits of an id that is searched for behind a byte that says how many there are."""
_TEXT: Final = rb"0-9A-Za-z"
_DIGITS: Final = rb"0-9"
_MSGPACK_SHORT: Final = 31
_BYTE: Final = 255
_MORE: Final = 128


class Trace(NamedTuple):
    """One way in which an id could stand somewhere; ``pattern`` is a regular expression."""

    encoding: str
    pattern: bytes


class Tracker:
    """Finds ids in bytes.

    Args:
        ids: The ids of a person.
        tokens: What stands for them where only equality matters, as raw bytes.
        is_raw: The bytes are no text: nothing parts an id from its neighbours. One that is shorter
            than `RAW_SHORTEST` would be found anywhere, so it is looked for as in text.
        is_list: The bytes are cells between commas: a short number alone in one may be an id.
    """

    def __init__(
        self,
        ids: Sequence[str],
        tokens: Iterable[bytes] = (),
        *,
        is_raw: bool = False,
        is_list: bool = False,
    ) -> None:
        traces = [trace for user_id in ids for trace in traces_of(user_id, is_list=is_list)]
        if is_raw:
            traces += [Trace("utf-8", p) for each in ids if (p := _raw(each)) is not None]
        traces += [trace for token in tokens for trace in _traces_of_token(token)]
        by_encoding: dict[str, list[bytes]] = {}
        for trace in traces:
            by_encoding.setdefault(trace.encoding, []).append(trace.pattern)
        self._whole = re.compile(b"|".join(trace.pattern for trace in traces))
        self._parts = {
            encoding: re.compile(b"|".join(patterns)) for encoding, patterns in by_encoding.items()
        }

    def find(self, data: bytes | bytearray | memoryview) -> Mapping[str, int]:
        """Return how often an id stands in data, by encoding."""
        if self._whole.search(data) is None:
            return {}
        found = Counter({name: len(part.findall(data)) for name, part in self._parts.items()})
        return {name: count for name, count in found.items() if count}


def traces_of(user_id: str, *, is_list: bool = False) -> list[Trace]:
    """Return every way in which an id could stand somewhere.

    Letters and digits around it make it another id, unless the bytes before it say how long it is.
    A short number is an id only where ids stand, or every 17 of a date would be one.
    """
    plain = user_id.encode()
    if plain.isdigit() and len(plain) < RAW_SHORTEST and not is_list:
        return [Trace("utf-8", _as_number(plain))]
    found = [Trace("utf-8", _as_text(plain))]
    for encoding, text in (
        ("json", json.dumps(user_id)[1:-1].encode()),
        ("json", json.dumps(user_id, ensure_ascii=False)[1:-1].encode()),
        ("json", _upper_escapes(json.dumps(user_id)[1:-1]).encode()),
        ("url", quote(user_id, safe="").encode()),
        ("url", quote_plus(user_id, safe="").encode()),
        ("url", quote(user_id).encode()),
        ("url", quote(user_id, safe="").lower().encode()),
    ):
        if text != plain:
            found.append(Trace(encoding, _as_text(text)))
    found += _encoded(plain)
    return list(dict.fromkeys(found))


def _traces_of_token(token: bytes) -> list[Trace]:
    return [
        Trace("token", re.escape(token)),
        *(Trace("token", trace.pattern) for trace in _encoded(token)),
    ]


def _as_text(text: bytes) -> bytes:
    """Return the pattern of an id between bytes that cannot belong to it, or behind its length."""
    around = _DIGITS if text.isdigit() else _TEXT
    escaped = re.escape(text)
    free = b"(?<![%s])%s(?![%s])" % (around, escaped, around)
    lengths = [head for head in _heads(len(text)) if not re.fullmatch(b"[%s]" % around, head)]
    behind = b"|".join(b"(?<=%s)%s" % (re.escape(head), escaped) for head in lengths)
    return b"(?:%s)" % b"|".join(filter(None, (free, behind)))


def _as_number(digits: bytes) -> bytes:
    """Return the pattern of a short number where ids stand.

    As the key of a record, in ``ce_subject``, as a JSON text, or as a number under a name that
    speaks of an id or a user; behind its length where that is not met by chance.
    """
    ways = [
        rb"\A%s(?=\0|\Z)",
        rb"(?<=\0ce_subject\0)%s(?=\0|\Z)",
        rb'\\?"%s\\?"(?!\s*:)',
        rb'"[^"\\]{0,60}(?:[Ii][Dd]|[Uu]ser)[^"\\]{0,20}\\?"\s*:\s*%s(?![0-9.])',
    ]
    if len(digits) >= COUNTED_SHORTEST:
        ways += [re.escape(head) + b"%s" for head in _heads(len(digits))]
    return b"(?:%s)" % b"|".join(way.replace(b"%s", digits) for way in ways)


def _heads(size: int) -> list[bytes]:
    """Return what stands before a text of a size in msgpack, and in a record of Kafka."""
    heads = [bytes([0xA0 | size])] if size <= _MSGPACK_SHORT else []
    if size <= _BYTE:
        heads.append(b"\xd9%c" % size)
    heads.append(_varint(size << 1))
    return heads


def _varint(number: int) -> bytes:
    made = bytearray()
    while number >= _MORE:
        made.append(number % _MORE | _MORE)
        number >>= 7
    made.append(number)
    return bytes(made)


def _encoded(plain: bytes) -> list[Trace]:
    """Return an id in hex, and in base64 at each of the three places that it can begin at."""
    found = [
        Trace("hex", b"(?<![0-9A-Fa-f])%s(?![0-9A-Fa-f])" % text.encode())
        for text in (plain.hex(), plain.hex().upper())
        if len(text) >= SHORTEST
    ]
    for shift in range(3):
        made = base64.b64encode(bytes(shift) + plain).rstrip(b"=")
        # The first characters hold bits of what stands before, the last of what stands behind.
        start = (0, 2, 3)[shift]
        end = len(made) - (1 if (shift + len(plain)) % 3 else 0)
        kept = made[start:end]
        if len(kept) >= SHORTEST:
            found += [
                Trace("base64", re.escape(kept)),
                Trace("base64", re.escape(kept.translate(bytes.maketrans(b"+/", b"-_")))),
            ]
    return found


def _raw(user_id: str) -> bytes | None:
    plain = user_id.encode()
    return re.escape(plain) if len(plain) >= RAW_SHORTEST else None


def _upper_escapes(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: rf"\u{found[1].upper()}", text)
