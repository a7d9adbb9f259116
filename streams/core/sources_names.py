"""The names that rules of a topic give to its events, and what these mean from then on."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.core.interpret import COVERAGE_EVENT
from streams.core.meanings import Meaning
from streams.core.native import WATERMARK_EVENT
from streams.core.sources import LINK_EVENT
from streams.core.sources_schema import MapFile
from streams.core.sources_values import Values
from winback_sender.documents.faults import Path

_RESERVED: Final = frozenset({COVERAGE_EVENT, WATERMARK_EVENT, LINK_EVENT})


class Told(NamedTuple):
    """What the rules say apart from their inputs, as far as these build on it.

    Attributes:
        meanings: Event name to what it means, as ``events`` and ``churn.activity`` say.
        names: Meaning to the names of its events, as ``events`` says; the first is the usual one.
        is_other_activity: Whether an event that is not named is an activity.
        lateness_ms: Of our own topic.
    """

    meanings: Mapping[str, Meaning]
    names: Mapping[Meaning, list[str]]
    is_other_activity: bool
    lateness_ms: int


class Names:
    """Gathers the names that rules give, and refuses a second meaning of one.

    Attributes:
        added: Meanings of names that the rules did not know before.
    """

    def __init__(self, told: Told, values: Values) -> None:
        """Args: ``told``: what the rules say besides; ``values``: where faults are gathered."""
        self.told, self.values = told, values
        self.added: dict[str, Meaning] = {}
        self._named: dict[str, tuple[Meaning, int]] = {}

    def name(self, said: MapFile, events: tuple[str, ...], path: Path) -> str:
        """Return the name of the native event, and note what it means."""
        meaning, told, at = said.meaning, self.told, (*path, "name")
        if meaning is Meaning.IGNORED:
            if said.name:
                self.values.wrong(at, "what is ignored has no name", is_of_name=True)
            return ""
        name = said.name
        if not name and meaning is not Meaning.ACTIVITY:
            name = COVERAGE_EVENT if meaning is Meaning.COVERAGE else ""
            name = next(iter(told.names.get(meaning, [])), name)
            if not name:
                what = f"`events` has no name for {meaning}, so the rule must give one: name"
                self.values.wrong(path, what)
        for each in [name] if name else events if meaning is Meaning.ACTIVITY else ():
            self._means(each, meaning, at if said.name else path)
        return name

    def _means(self, name: str, meaning: Meaning, path: Path) -> None:
        line = self.values.line(path)
        before, where = self._named.setdefault(name, (meaning, line))
        is_own = {COVERAGE_EVENT: Meaning.COVERAGE, LINK_EVENT: Meaning.LINK}.get(name) is meaning
        known = self.told.meanings.get(name, Meaning.ACTIVITY)
        if name in _RESERVED and not is_own:
            self.values.wrong(path, f"the name {name!r} is ours", "give the rule another: name")
        elif before is not meaning:
            what = f"event {name!r} has two meanings: {before} (line {where}) and {meaning}"
            self.values.wrong(path, what, "give one of the rules another: name")
        elif known not in {Meaning.ACTIVITY, meaning}:
            what = f"event {name!r} has two meanings: {known} (events) and {meaning}"
            self.values.wrong(path, what, "give the rule another: name")
        elif name != COVERAGE_EVENT and not (
            meaning is Meaning.ACTIVITY and self.told.is_other_activity
        ):
            self.added[name] = meaning
