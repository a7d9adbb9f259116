"""What a topic of a format must say of itself, and what it cannot."""

from collections.abc import Iterator
from typing import Final

from streams.core.meanings import Meaning
from streams.core.sources import CHANGES, Encoding, Form, MapRule, Source
from streams.core.sources_schema import SourceFile
from winback_sender.documents.faults import Fault, Path

SNAPSHOT: Final = ".read"
"""How events are called that tell of a row as a snapshot found it."""
_OVERRIDES: Final = ("event", "user", "anonymous", "id", "time", "drop", "map", "others")


def needs(source: Source, file: SourceFile, path: Path) -> Iterator[Fault]:
    """Yield what is missing or out of place for the format of a topic."""
    if source.inner is not Form.JSON and source.form is not Form.CLOUDEVENTS:
        yield Fault((*path, "inner"), "only cloudevents has something inside", is_of_name=True)
    if source.form is Form.WINBACK or source.inner is Form.WINBACK:
        for field in _OVERRIDES:
            if getattr(file, field) not in (None, []):
                what = f"native events say all of it themselves: {field} has no place here"
                yield Fault((*path, field), what, is_of_name=True)
        return
    if source.form is Form.JSON:
        if source.event is None:
            what = "json has no event names of its own: say where they stand, or one for all: event"
            yield Fault(path, what)
        yield from _each(source, path, "id", "no idempotency key")
        yield from _each(source, path, "time", "no time")
    if source.form is Form.JSON or source.form in CHANGES:
        yield from _each(source, path, "user", "no user id")
    if source.form in CHANGES:
        yield from _changes(source, path)
    if not source.rules and not source.is_other_activity:
        yield Fault(path, "nothing of this topic would be understood: give it a map")


def _changes(source: Source, path: Path) -> Iterator[Fault]:
    """Yield what is wrong with a topic of changes: rows of a snapshot must be given a time."""
    if source.form is Form.CANAL and source.encoding is not Encoding.JSON:
        yield Fault((*path, "encoding"), "only JSON messages of Canal are read")
    for n, rule in enumerate(source.rules):
        has_time = source.time is not None or rule.time is not None
        names = [name for name in rule.events if name.endswith(SNAPSHOT)]
        if names and not has_time and rule.meaning is not Meaning.IGNORED:
            what = f"{names[0]}: rows that a snapshot read have no time of their own: say time"
            yield Fault((*path, "map", n), what, "or leave it out of event")


def _each(source: Source, path: Path, field: str, what: str) -> Iterator[Fault]:
    """Yield what neither the topic nor a rule of it says."""
    if getattr(source, field) is not None or (field == "user" and source.anonymous is not None):
        return
    said = f"{source.form} has {what} of its own: say where it stands: {field}"
    if source.is_other_activity:
        yield Fault(path, said)
        return
    for n, rule in enumerate(source.rules):
        if rule.meaning is not Meaning.IGNORED and not _says(rule, field):
            yield Fault((*path, "map", n), said)


def _says(rule: MapRule, field: str) -> bool:
    if field == "id" and rule.once_per is not None:
        return True
    return getattr(rule, field) is not None
