"""Decoding other people's topics: a record is read, told in our own terms, and understood.

The router takes what was told, and writes it as native events; a pipeline that reads the topic
itself goes on to the inputs. Tools ask what became of every event, and by which rule.
"""

from collections.abc import Callable
from typing import Final

from streams.core.decoded import (
    Decode,
    Decoded,
    Headers,
    Rejected,
    RejectReason,
    Several,
    Skipped,
    inputs_of,
)
from streams.core.interpret import Interpret, NativeEvent, make_interpret
from streams.core.record_limits import FOREIGN_BYTES_MAX
from streams.core.rules import Rules
from streams.core.sources import Form, Source
from streams.intake.fact import Fact, Facts, ParseAs, Read
from streams.intake.formats.catalogue import format_of
from streams.intake.mapping import Chooser, make_chooser, make_name
from streams.intake.mapping_values import WrongError
from streams.intake.native_topic import make_native_examine, make_native_tell
from streams.intake.told import ACCEPTED, REJECTED, SKIPPED, Examine, Examined, Tell, Told

__all__ = [
    "Examine", "Examined", "Tell", "Told", "make_examine", "make_source_decode", "make_tell",
]  # fmt: skip


TOO_LARGE: Final = Rejected(
    RejectReason.TOO_LARGE, f"the value has more than {FOREIGN_BYTES_MAX} B - at `$`"
)
_LINK_SUFFIX: Final = ":link"


def make_tell(source: Source, rules: Rules, parse_as: ParseAs) -> Tell:
    """Return what tells the records of a topic as native events."""
    if Form.WINBACK in {source.form, source.inner}:
        return make_native_tell(source, rules, parse_as)
    read, name_of, chooser = _parts(source, rules, parse_as)
    told = _make_told(name_of, chooser, _make_demand_meant(rules))

    def tell(key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers) -> Told:
        if value is not None and len(value) > FOREIGN_BYTES_MAX:
            return TOO_LARGE
        facts = read(key, value, timestamp_ms, headers)
        return told(facts, timestamp_ms) if isinstance(facts, tuple) else facts

    return tell


def _make_told(
    name_of: Callable[[Fact], str] | None,
    chooser: Chooser,
    demand_meant: Callable[[NativeEvent, int], None],
) -> Callable[[Facts, int], Told]:
    """Return ``told(facts, timestamp_ms)``: what a record's facts are told as, or why they are not.

    One that is rejected rejects them all.
    """
    one = _make_one(name_of, chooser, demand_meant)

    def told(facts: Facts, timestamp_ms: int) -> Told:
        try:
            if len(facts) == 1:
                event = one(facts[0], timestamp_ms, "")
                return (event,) if isinstance(event, NativeEvent) else event
            parts = [one(fact, timestamp_ms, _LINK_SUFFIX) for fact in facts]
        except WrongError as error:
            return Rejected(error.reason, str(error))
        events = tuple(part for part in parts if isinstance(part, NativeEvent))
        return events or next(part for part in parts if isinstance(part, Skipped))

    return told


def _make_one(
    name_of: Callable[[Fact], str] | None,
    chooser: Chooser,
    demand_meant: Callable[[NativeEvent, int], None],
) -> Callable[[Fact, int, str], NativeEvent | Skipped]:
    """Return ``one(fact, timestamp_ms, suffix)``: what is told of one fact; raises WrongError."""
    drops, choose = chooser

    def one(fact: Fact, timestamp_ms: int, suffix: str) -> NativeEvent | Skipped:
        name = fact.name if name_of is None else name_of(fact)
        for test, skipped, _ in drops:
            if test(fact):
                return skipped
        plan = choose(fact, name)
        if isinstance(plan, Skipped):
            return plan
        event = plan.tell(fact, name, timestamp_ms, suffix)
        if plan.is_rare and isinstance(event, NativeEvent):
            demand_meant(event, plan.rule.line)
        return event

    return one


def make_source_decode(source: Source, rules: Rules, parse_as: ParseAs) -> Decode:
    """Return what decodes the records of a topic that is keyed by user."""
    tell, understood = make_tell(source, rules, parse_as), _make_understood(make_interpret(rules))

    def decode(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers = ()
    ) -> Decoded:
        return understood(key, tell(key, value, timestamp_ms, headers))

    return decode


def _make_understood(interpret: Interpret) -> Callable[[bytes | None, Told], Decoded]:
    """Return ``understood(key, told)``: the inputs of what was told of the user of the key."""

    def understood(key: bytes | None, told: Told) -> Decoded:
        if not isinstance(told, tuple):
            return told
        for event in told:
            if event.user_id.encode() != key:
                what = f"{key!r} is not the user id {event.user_id!r}; if it need not be one, say "
                return Rejected(RejectReason.KEY_MISMATCH, f"{what}keyed_by: anything")
        parts = [interpret(event, event.event_time) for event in told]  # type: ignore[arg-type]
        rejected = next((part for part in parts if isinstance(part, Rejected)), None)
        inputs = tuple(each for part in parts for each in inputs_of(part))
        if rejected or not inputs:
            return rejected or parts[0]
        return inputs[0] if len(inputs) == 1 else Several(inputs)

    return understood


def make_examine(source: Source, rules: Rules, parse_as: ParseAs) -> Examine:
    """Return what says of each event of a record what became of it, and why."""
    if Form.WINBACK in {source.form, source.inner}:
        return make_native_examine(source, rules, parse_as)
    read, name_of, chooser = _parts(source, rules, parse_as)
    examined = _make_examined(name_of, chooser, _make_demand_meant(rules))

    def examine(
        key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> tuple[Examined, ...]:
        is_huge = value is not None and len(value) > FOREIGN_BYTES_MAX
        facts = TOO_LARGE if is_huge else read(key, value, timestamp_ms, headers)
        if isinstance(facts, Rejected):
            return (Examined("", REJECTED, reason=facts.reason, detail=facts.detail),)
        if isinstance(facts, Skipped):
            return (Examined("", SKIPPED, reason=facts.reason),)
        suffix = "" if len(facts) == 1 else _LINK_SUFFIX
        return tuple(examined(fact, timestamp_ms, suffix) for fact in facts)

    return examine


def _make_examined(
    name_of: Callable[[Fact], str] | None,
    chooser: Chooser,
    demand_meant: Callable[[NativeEvent, int], None],
) -> Callable[[Fact, int, str], Examined]:
    """Return ``examined(fact, timestamp_ms, suffix)``: what became of one fact, and why."""
    drops, choose = chooser

    def examined(fact: Fact, timestamp_ms: int, suffix: str) -> Examined:
        name, meaning, line = fact.name, "", 0
        try:
            name = name if name_of is None else name_of(fact)
            for test, skipped, where in drops:
                if test(fact):
                    return Examined(name, SKIPPED, reason=skipped.reason, line=where)
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

    return examined


def _parts(
    source: Source, rules: Rules, parse_as: ParseAs
) -> tuple[Read, Callable[[Fact], str] | None, Chooser]:
    """Return what reads a record, what names a fact, and what finds its rule."""
    form = format_of(source.form)
    read = form.make_read(source, source.paths, parse_as)
    if source.inner is not Form.JSON:
        form = format_of(source.inner)
    return read, make_name(source), make_chooser(source, rules, form)


def _make_demand_meant(rules: Rules) -> Callable[[NativeEvent, int], None]:
    """Return what raises WrongError if an event does not say what its meaning asks for."""
    interpret = make_interpret(rules)

    def demand_meant(event: NativeEvent, line: int) -> None:
        decoded = interpret(event, event.event_time)  # type: ignore[arg-type]  # told in ms
        if isinstance(decoded, Rejected):
            what = f"{decoded.detail} (line {line} of the rules)"
            raise WrongError(decoded.reason, what, line)

    return demand_meant
