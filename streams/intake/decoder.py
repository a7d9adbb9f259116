"""Decoding other people's topics: a record is read, told in our own terms, and understood.

The router takes what was told, and writes it as native events; a pipeline that reads the topic
itself goes on to the inputs. Tools ask what became of every event, and by which rule.
"""

from collections.abc import Callable
from typing import Final

from streams.core.decoded import (
    NOT_ACTIVITY,
    Decode,
    Decoded,
    Headers,
    Rejected,
    RejectReason,
    Several,
    Skipped,
    inputs_of,
)
from streams.core.inputs import Input
from streams.core.interpret import NativeEvent, make_interpret
from streams.core.rules import Rules
from streams.core.sources import Form, Source
from streams.intake.fact import Fact, Facts, ParseAs, Read
from streams.intake.formats.catalogue import format_of
from streams.intake.mapping import Choose, make_choose, make_name
from streams.intake.mapping_values import WrongError
from streams.intake.native_topic import make_native_examine, make_native_tell
from streams.intake.told import ACCEPTED, REJECTED, SKIPPED, Examine, Examined, Tell, Told

__all__ = [
    "Examine", "Examined", "Tell", "Told", "make_examine", "make_source_decode", "make_tell",
]  # fmt: skip


VALUE_MAX: Final = 1_048_576  # bytes; what a broker takes by default
_LINK_SUFFIX: Final = ":link"


def make_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Tell:
    """Return what tells the records of a topic as native events."""
    if source.form is Form.WINBACK:
        return make_native_tell(rules, parse_as)
    read, name_of, choose = _parts(source, rules, parse_as)
    demand_meant = _make_demand_meant(rules)

    def tell(key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers) -> Told:
        facts = read(key, value, timestamp_ms, headers)
        if isinstance(facts, Rejected | Skipped):
            return facts
        suffix, skipped = "" if len(facts) == 1 else _LINK_SUFFIX, NOT_ACTIVITY
        events: list[NativeEvent] = []
        try:
            for fact in facts:
                name = fact.name if name_of is None else name_of(fact)
                plan = choose(fact, name)
                if isinstance(plan, Skipped):
                    skipped = plan
                    continue
                event = plan.tell(fact, name, timestamp_ms, suffix)
                if isinstance(event, Skipped):
                    skipped = event
                    continue
                if event.properties:
                    demand_meant(event, plan.rule.line)
                events.append(event)
        except WrongError as error:
            return Rejected(error.reason, str(error))
        return tuple(events) or skipped

    return tell


def make_source_decode(source: Source, rules: Rules, parse_as: ParseAs) -> Decode:
    """Return what decodes the records of a topic that is keyed by user."""
    tell, interpret = make_tell(source, rules, parse_as), make_interpret(rules)

    def decode(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers = ()
    ) -> Decoded:
        told = tell(key, value, timestamp_ms, headers)
        if isinstance(told, Rejected | Skipped):
            return told
        inputs: list[Input] = []
        other: Skipped = NOT_ACTIVITY
        for event in told:
            if event.user_id.encode() != key:
                what = f"{key!r} is not the user id {event.user_id!r}; if it need not be one, say "
                return Rejected(RejectReason.KEY_MISMATCH, f"{what}keyed_by: anything")
            decoded = interpret(event, event.event_time)  # type: ignore[arg-type]  # told in ms
            if isinstance(decoded, Rejected):
                return decoded
            if isinstance(decoded, Skipped):
                other = decoded
            else:
                inputs += inputs_of(decoded)
        if len(inputs) == 1:
            return inputs[0]
        return Several(tuple(inputs)) if inputs else other

    return decode


def make_examine(source: Source, rules: Rules, parse_as: ParseAs) -> Examine:
    """Return what says of each event of a record what became of it, and why."""
    if source.form is Form.WINBACK:
        return make_native_examine(rules, parse_as)
    read, name_of, choose = _parts(source, rules, parse_as)
    demand_meant = _make_demand_meant(rules)

    def examined(fact: Fact, timestamp_ms: int, suffix: str) -> Examined:
        name, meaning, line = fact.name, "", 0
        try:
            name = name if name_of is None else name_of(fact)
            plan = choose(fact, name)
            if isinstance(plan, Skipped):
                return Examined(name, SKIPPED, reason=plan.reason)
            line, meaning = plan.rule.line, plan.rule.meaning.value
            event = plan.tell(fact, name, timestamp_ms, suffix)
            if isinstance(event, Skipped):
                return Examined(name, SKIPPED, meaning, event.reason, line=line)
            demand_meant(event, line)
        except WrongError as error:
            where = line or error.line
            return Examined(name, REJECTED, meaning, error.reason, str(error), where)
        return Examined(name, ACCEPTED, meaning, line=line, native=event)

    def examine(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> tuple[Examined, ...]:
        facts = read(key, value, timestamp_ms, headers)
        if isinstance(facts, Rejected):
            return (Examined("", REJECTED, reason=facts.reason, detail=facts.detail),)
        if isinstance(facts, Skipped):
            return (Examined("", SKIPPED, reason=facts.reason),)
        suffix = "" if len(facts) == 1 else _LINK_SUFFIX
        return tuple(examined(fact, timestamp_ms, suffix) for fact in facts)

    return examine


def _parts(
    source: Source, rules: Rules, parse_as: ParseAs
) -> tuple[Read, Callable[[Fact], str] | None, Choose]:
    """Return what reads a record, what names a fact, and what finds its rule."""
    form = format_of(source.form)
    made = form.make_read(source, source.paths, parse_as)
    if source.inner is not Form.JSON:
        form = format_of(source.inner)

    def read(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers, /
    ) -> Facts | Rejected | Skipped:
        if value is not None and len(value) > VALUE_MAX:
            return Rejected(RejectReason.TOO_LARGE, f"the value has more than {VALUE_MAX} B")
        return made(key, value, timestamp_ms, headers)

    return read, make_name(source), make_choose(source, rules, form)


def _make_demand_meant(rules: Rules) -> Callable[[NativeEvent, int], None]:
    """Return what raises WrongError if an event does not say what its meaning asks for."""
    interpret = make_interpret(rules)

    def demand_meant(event: NativeEvent, line: int) -> None:
        decoded = interpret(event, event.event_time)  # type: ignore[arg-type]  # told in ms
        if isinstance(decoded, Rejected):
            what = f"{decoded.detail} (line {line} of the rules)"
            raise WrongError(decoded.reason, what, line)

    return demand_meant
