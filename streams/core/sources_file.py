"""Reading ``inputs:`` of a rules file: topics of other people, compiled into plain data.

The name of a native event carries its meaning, so the names that rules give are meanings of the
rules as well: what the router has written is understood without the mapping.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import yaml

from streams.core.inputs import SOURCE, ZONE
from streams.core.meanings import ACTS, MONEY, Meaning
from streams.core.sensitive import sensitive_category
from streams.core.sources import (
    CHANGES,
    Drop,
    Form,
    MapRule,
    Pick,
    Sign,
    Source,
    Unit,
    When,
)
from streams.core.sources_names import Names, Told
from streams.core.sources_needs import needs
from streams.core.sources_schema import MapFile, SourceFile
from streams.core.sources_schema import Pick as Said
from streams.core.sources_values import ANY, FLAG, TEXT, WHOLE, Kinds, Values, loose_words
from streams.core.time import DAY_MS, SECOND_MS
from winback_sender.documents.faults import Fault, Path
from winback_sender.documents.yaml_nodes import Document

_MONEY: Final = ("amount", "currency")
SAYS: Final[dict[Meaning, dict[str, Kinds]]] = {
    Meaning.CONSENT: {"channel": TEXT, "granted": FLAG},
    Meaning.OPT_OUT: {"channel": TEXT},
    Meaning.TRAITS: {"traits": ANY},
    Meaning.REACH: {
        "channel": TEXT, "tokens": WHOLE, "open_for": TEXT, "open_until": TEXT,
        "is_reachable": FLAG,
    },
    Meaning.COVERAGE: {"from": TEXT, "to": TEXT},
    Meaning.LINK: {"anonymous": TEXT},
    Meaning.FEEDBACK: {"touch_id": TEXT, "status": TEXT, "outcome": TEXT, "channel": TEXT},
    **dict.fromkeys((*ACTS, Meaning.CORRECTION), dict.fromkeys(_MONEY, TEXT)),
}  # fmt: skip
"""Meaning to the fields that belong to it, with the kind of value of each."""

NEEDED: Final[dict[Meaning, tuple[str, ...]]] = {
    Meaning.CONSENT: ("channel", "granted"),
    Meaning.TRAITS: ("traits",),
    Meaning.REACH: ("channel",),
    Meaning.COVERAGE: ("to",),
    Meaning.FEEDBACK: ("status",),
    Meaning.CORRECTION: ("amount",),
}
_FIELDS: Final = tuple(dict.fromkeys(name for fields in SAYS.values() for name in fields))
_TOPIC_LETTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)
_TOPIC_MAX: Final = 249
_TAKEN_BACK: Final = frozenset({Meaning.REFUND, Meaning.CANCELLATION})
_IDLE_LEAST_MS: Final = SECOND_MS


class Inputs(NamedTuple):
    """What ``inputs`` of the rules come to.

    Attributes:
        sources: The topics.
        meanings: Those of the rules, and of the names that the mappings give.
        traits: Names of the traits that the mappings tell.
        faults: What is wrong; with any the rest must not be used.
    """

    sources: tuple[Source, ...]
    meanings: dict[str, Meaning]
    traits: tuple[str, ...]
    faults: list[Fault]


def inputs_of(files: Mapping[str, SourceFile], told: Told, document: Document) -> Inputs:
    """Return the topics of a rules file, compiled, and everything that is wrong with them."""
    compiler = _Compiler(told, document)
    sources = tuple(compiler.source(topic, file) for topic, file in files.items())
    root = document.node.value if isinstance(document.node, yaml.MappingNode) else ()
    for key, part in root:
        compiler.values.faults += loose_words(part, ("inputs",)) if key.value == "inputs" else ()
    return Inputs(
        sources,
        dict(told.meanings) | compiler.names.added,
        tuple(compiler.traits),
        compiler.values.faults,
    )


class _Compiler:
    """Compiles the topics of one rules file."""

    def __init__(self, told: Told, document: Document) -> None:
        self.told, self.values = told, Values(document)
        self.names = Names(told, self.values)
        self.traits: dict[str, None] = {}

    def source(self, topic: str, file: SourceFile) -> Source:
        path, values = ("inputs", topic), self.values
        if len(topic) > _TOPIC_MAX or not set(topic) <= _TOPIC_LETTERS or topic in {"", ".", ".."}:
            values.wrong(path, f"{topic!r} is no name of a Kafka topic", is_of_name=True)
        if file.others == "activity" and not self.told.is_other_activity:
            what = "churn.activity names the activities, so others are none"
            values.wrong((*path, "others"), what, "name them in map, as: activity")
        is_change = file.format in CHANGES
        source = Source(
            topic=topic,
            form=file.format,
            inner=Form(file.inner),
            encoding=file.encoding,
            keyed_by=file.keyed_by,
            lateness_ms=values.ms(file.lateness, (*path, "lateness"), self.told.lateness_ms),
            idle_after_ms=values.ms(file.idle_after, (*path, "idle_after")),
            event=values.pick(file.event, (*path, "event")),
            user=values.pick(file.user, (*path, "user")),
            anonymous=values.pick(file.anonymous, (*path, "anonymous")),
            id=values.pick(file.id, (*path, "id")),
            time=values.when(file.time, (*path, "time")),
            drop=tuple(
                Drop(
                    condition=values.condition(said, (*path, "drop", n), is_change=is_change),
                    reason=said.reason,
                )
                for n, said in enumerate(file.drop)
            ),
            rules=tuple(
                self.rule(said, (*path, "map", n), is_change=is_change)
                for n, said in enumerate(file.map)
            ),
            is_other_activity=file.others == "activity" or (file.others is None and not is_change),
            line=values.line(path),
        )
        if source.idle_after_ms < _IDLE_LEAST_MS:
            values.wrong((*path, "idle_after"), "a topic is idle after 1s at the earliest")
        self._days(source, path)
        self._unreached(source, path)
        values.faults += needs(source, file, path)
        return source

    def rule(self, said: MapFile, path: Path, *, is_change: bool) -> MapRule:
        values, meaning = self.values, said.meaning
        events = tuple([said.event] if isinstance(said.event, str) else said.event)
        allowed = SAYS.get(meaning, {})
        for field in _FIELDS:
            is_said = _said(said, field) is not None
            if is_said and field not in allowed:
                what = f"{field} says nothing of {meaning}"
                hint = f"it may have: {', '.join(allowed)}" if allowed else "leave it out"
                values.wrong((*path, field), what, hint, is_of_name=True)
            elif not is_said and field in NEEDED.get(meaning, ()):
                values.wrong(path, f"{meaning} needs `{field}`")
        if said.id is not None and said.once_per is not None:
            values.wrong((*path, "once_per"), "id and once_per both make the id: give one")
        amount = values.amount(said.amount, (*path, "amount"))
        if amount and amount.sign is not Sign.POSITIVE and meaning not in _TAKEN_BACK:
            values.wrong((*path, "amount", "sign"), "a sign is for refund and cancellation")
        if amount and amount.default is not None and amount.default < 0 and meaning in _POSITIVE:
            values.wrong((*path, "amount"), f"the amount of a {meaning} is not negative")
        currency = values.pick(said.currency, (*path, "currency"))
        if currency and not amount:
            values.wrong((*path, "currency"), "a currency without an amount")
        name = self.names.name(said, events, path)
        return MapRule(
            events=events,
            meaning=meaning,
            name=name,
            when=tuple(
                values.condition(part, (*path, "when", n), is_change=is_change)
                for n, part in enumerate(said.when)
            ),
            user=values.pick(said.user, (*path, "user")),
            time=values.when(said.time, (*path, "time")),
            id=values.pick(said.id, (*path, "id")),
            once_per=values.pick(said.once_per, (*path, "once_per")),
            amount=amount,
            currency=currency,
            says=dict(self._says(said, allowed, path)),
            line=values.line(path),
        )

    def _says(
        self, said: MapFile, allowed: Mapping[str, Kinds], path: Path
    ) -> Iterator[tuple[str, Pick]]:
        """Yield the properties that the native event will have."""
        for field, kinds in allowed.items():
            if field in _MONEY:
                continue
            if field == "traits":
                for name, trait in (said.traits or {}).items():
                    yield from self._trait(name, trait, (*path, "traits", name))
                continue
            pick = self.values.pick(_said(said, field), (*path, field), kinds)
            if pick:
                yield ("anonymous_id" if field == "anonymous" else field), pick

    def _trait(self, name: str, said: Said, path: Path) -> Iterator[tuple[str, Pick]]:
        category = sensitive_category(name)
        if category:
            what = f"trait {name!r} is sensitive personal information ({category}): it is not used"
            self.values.wrong(path, what, is_of_name=True)
        if name not in {ZONE, SOURCE}:  # Those are kept anyhow.
            self.traits[name] = None
        pick = self.values.pick(said, path, ANY)
        if pick:
            yield name, pick

    def _days(self, source: Source, path: Path) -> None:
        """Refuse a source that knows days alone and does not wait for one."""
        places: list[tuple[When | None, Path]] = [(source.time, (*path, "time"))]
        places += [(rule.time, (*path, "map", n, "time")) for n, rule in enumerate(source.rules)]
        for time, at in places:
            if time and time.unit is Unit.DAY and source.lateness_ms < DAY_MS:
                what = "a time that is known by the day comes up to a day late"
                self.values.wrong((*at, "unit"), what, "give the topic `lateness: 1d` or more")

    def _unreached(self, source: Source, path: Path) -> None:
        """Refuse a rule that an earlier one without a condition leaves nothing."""
        taken: dict[str, int] = {}
        for n, rule in enumerate(source.rules):
            names = [name for name in rule.events if name in taken]
            if names:
                what = f"never reached for {names[0]!r}: line {taken[names[0]]} takes all of it"
                hint = "put the rule with `when` first"
                self.values.wrong((*path, "map", n, "event"), what, hint)
            if not rule.when:
                taken |= {name: rule.line for name in rule.events if name not in taken}


_POSITIVE: Final = frozenset({meaning for meaning in MONEY if meaning is not Meaning.CORRECTION})


def _said(file: MapFile, field: str) -> Any:  # of the field's type
    """Return what a rule says under a name as it is written in the file."""
    return getattr(file, {"from": "from_"}.get(field, field))
