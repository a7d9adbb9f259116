"""Records of no common format: everything is where the mapping says, in whatever encoding."""

from collections.abc import Collection
from typing import Final

from streams.core.decoded import Headers, Rejected, Skipped
from streams.core.sources import Path, Source
from streams.intake.fact import Fact, Facts, ParseAs, Plain, Read, UnreadableError
from streams.intake.formats.envelope import EMPTY, refused
from streams.intake.shape import struct_of

PLACES: Final[dict[str, str]] = {}
PROFILE: Final[frozenset[str]] = frozenset()


def make_plain(_source: Source, paths: Collection[Path], parse_as: ParseAs) -> Plain:
    """Return the reader of any record: all of them are alike."""
    parse = parse_as(struct_of("Record", {}, paths))
    return lambda _key, value, _timestamp_ms, _headers: Fact("", "", 0, "", "", parse(value))


def make_read(_source: Source, paths: Collection[Path], parse_as: ParseAs) -> Read:
    """Return the reader of records that say one thing each, and say it in their own way."""
    parse = parse_as(struct_of("Record", {}, paths))

    def read(
        _key: bytes | None, value: bytes | None, _timestamp_ms: int, _headers: Headers
    ) -> Facts | Rejected | Skipped:
        if not value:
            return EMPTY
        try:
            record = parse(value)
        except UnreadableError as error:
            return refused(error)
        return (Fact("", "", 0, "", "", record),)

    return read
