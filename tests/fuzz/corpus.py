"""The corpus: samples that were hard once, or say much; a file of lines for each target.

A sample is written with Python's escapes, so that a line can be read; one of many equal parts as
``%<times>*<part>``, and pieces are joined by tabs.
"""

import re
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).with_name("corpus")
_RUN: Final = re.compile(rb"(?s)(.{1,12}?)\1{30,}")


def read(name: str) -> list[bytes]:
    """Return the samples of a target; none = it has none."""
    path = CORPUS / f"{name}.txt"
    if not path.exists():
        return []
    lines = path.read_text(encoding="ascii").splitlines()
    return [parsed(line) for line in lines if line and not line.startswith("# ")]


def keep(name: str, sample: bytes, why: str) -> None:
    """Add a sample to the corpus, unless it is there."""
    if sample in read(name):
        return
    CORPUS.mkdir(exist_ok=True)
    with (CORPUS / f"{name}.txt").open("a", encoding="ascii") as file:
        file.write(f"# {' '.join(why.split())[:140].encode('ascii', 'replace').decode()}\n")
        file.write(written(sample) + "\n")


def written(sample: bytes) -> str:
    """Return a sample as a line."""
    pieces, place = [], 0
    for found in _RUN.finditer(sample):
        if found.start() > place:
            pieces.append(_escaped(sample[place : found.start()]))
        times = (found.end() - found.start()) // len(found[1])
        pieces.append(f"%{times}*{_escaped(found[1])}")
        place = found.end()
    if place < len(sample) or not pieces:
        pieces.append(_escaped(sample[place:]))
    return "\t".join(pieces)


def parsed(line: str) -> bytes:
    """Return the sample of a line."""
    return b"".join(map(_piece, line.split("\t")))


def _piece(text: str) -> bytes:
    if text.startswith("%"):
        times, _, part = text[1:].partition("*")
        return int(times) * _plain(part)
    return _plain(text)


def _plain(text: str) -> bytes:
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def _escaped(part: bytes) -> str:
    text = part.decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"\\x{ord(text[0]):02x}{text[1:]}" if text[:1] in ("%", "#") else text
