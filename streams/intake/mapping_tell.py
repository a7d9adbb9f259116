"""Telling the events of a rule: from a fact to a native event."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from streams.core.decoded import RejectReason, Skipped
from streams.core.inputs import SOURCE, ZONE
from streams.core.interpret import NativeEvent
from streams.core.meanings import ACTS, MONEY, Meaning
from streams.core.native import FUTURE_MAX_MS
from streams.core.record_limits import EVENT_ID_MAX
from streams.core.record_limits import PROPERTIES_BYTES_MAX as PROPERTIES_MAX
from streams.core.rules import Rules
from streams.core.sources import CHANGES, LINK_EVENT, MapRule, Source
from streams.core.time import FAR_FUTURE_MS
from streams.intake.fact import Fact
from streams.intake.formats.catalogue import Format
from streams.intake.mapping_ids import OWN, SHORT, demand_id, demand_user
from streams.intake.mapping_money import Purse, make_amount
from streams.intake.mapping_times import make_time
from streams.intake.mapping_values import WrongError, make_pick, shown

LINK: Final = MapRule(events=(LINK_EVENT,), meaning=Meaning.LINK, name=LINK_EVENT)
IGNORED: Final = Skipped("ignored")
NO_TRAITS: Final = Skipped("no_traits")
NO_CHANGE: Final = Skipped("no_change")

_KINDS: Final[dict[str, type]] = {"granted": bool, "is_reachable": bool, "tokens": int}
_OPTIONAL: Final = frozenset({(Meaning.OPT_OUT, "channel"), (Meaning.FEEDBACK, "touch_id")})
"""What may be missing in a record though the rule says where it stands."""

_encode = msgspec.json.Encoder().encode

Tell = Callable[[Fact, str, int, str], NativeEvent | Skipped]
"""``tell(fact, name, timestamp_ms, suffix)``: the event; raises WrongError.

The suffix is for the id of a link whose record says more than that, and only where the rules name
the place of the id: formats see to theirs.
"""

Ids = Callable[[Fact, str, int, str], tuple[int, str, str]]
"""``ids(fact, event, timestamp_ms, suffix)``: instant, event id, user id; raises WrongError."""


class Teller:
    """Compiles what tells the events of a rule."""

    def __init__(self, source: Source, rules: Rules, form: Format) -> None:
        self.source, self.rules, self.form = source, rules, form
        self.user = make_pick(source.user, is_needed=False) if source.user else None
        self.anonymous = make_pick(source.anonymous, is_needed=False) if source.anonymous else None

    def of(self, rule: MapRule) -> Tell:
        """Return what tells the events of a rule."""
        if rule.meaning is Meaning.IGNORED:
            return lambda _fact, _name, _timestamp_ms, _suffix: IGNORED
        if rule.meaning in ACTS or rule.meaning is Meaning.CORRECTION:
            return self._act(rule)
        return self._rare(rule)

    def _act(self, rule: MapRule) -> Tell:
        """Return what tells an event that is all there with an amount."""
        given, currency = rule.name, self.rules.currency
        ids = self._ids(rule)
        if rule.amount is None:

            def tell(fact: Fact, name: str, timestamp_ms: int, suffix: str) -> NativeEvent:
                event = given or name
                at_ms, event_id, user_id = ids(fact, event, timestamp_ms, suffix)
                return NativeEvent(event, at_ms, event_id, user_id)

            return tell
        is_signed = rule.meaning is Meaning.CORRECTION
        purse = Purse(self.rules, rule.meaning in MONEY, is_signed)
        amount_of = make_amount(rule.amount, rule.currency, purse)

        is_change = bool(rule.amount.less)

        def tell_amount(
            fact: Fact, name: str, timestamp_ms: int, suffix: str
        ) -> NativeEvent | Skipped:
            event = given or name
            at_ms, event_id, user_id = ids(fact, event, timestamp_ms, suffix)
            amount = amount_of(fact.body)
            if amount is None:
                return NativeEvent(event, at_ms, event_id, user_id)
            if is_change and not amount:
                return NO_CHANGE
            return NativeEvent(event, at_ms, event_id, user_id, amount, currency)

        return tell_amount

    def _rare(self, rule: MapRule) -> Tell:
        """Return what tells an event that says something in its properties."""
        given, ids, says = rule.name, self._ids(rule), self._says(rule)
        is_traits = rule.meaning is Meaning.TRAITS

        def tell(fact: Fact, name: str, timestamp_ms: int, suffix: str) -> NativeEvent | Skipped:
            said = says(fact)
            if is_traits and not said:
                return NO_TRAITS
            properties = msgspec.Raw(_encode(said))
            if len(properties) > PROPERTIES_MAX:
                what = f"what is said comes to more than {PROPERTIES_MAX} B"
                raise WrongError(RejectReason.TOO_LARGE, what)
            event = given or name
            at_ms, event_id, user_id = ids(fact, event, timestamp_ms, suffix)
            return NativeEvent(event, at_ms, event_id, user_id, properties=properties)

        return tell

    def _says(self, rule: MapRule) -> Callable[[Fact], dict[str, Any]]:
        """Return what reads the properties of a native event."""
        if rule.meaning is Meaning.TRAITS:
            return self._traits(rule)
        readers = {
            name: make_pick(
                pick, _KINDS.get(name, str), is_needed=(rule.meaning, name) not in _OPTIONAL
            )
            for name, pick in rule.says.items()
        }
        if rule.meaning is Meaning.LINK and "anonymous_id" not in readers:
            own = self.anonymous
            return lambda fact: {
                "anonymous_id": fact.anonymous_id if own is None else own(fact.body)
            }

        def says(fact: Fact) -> dict[str, Any]:
            said = {name: read(fact.body) for name, read in readers.items()}
            return {name: value for name, value in said.items() if value is not None}

        return says

    def _traits(self, rule: MapRule) -> Callable[[Fact], dict[str, Any]]:
        """Return what reads traits: those that are told; in a row of a table all of them are."""
        readers = {
            name: make_pick(pick, object, is_needed=False) for name, pick in rule.says.items()
        }
        is_whole = self.source.form in CHANGES

        def says(fact: Fact) -> dict[str, Any]:
            said = {name: read(fact.body) for name, read in readers.items()}
            return {
                name: value
                for name, value in said.items()
                if value is not None or (is_whole and name not in {ZONE, SOURCE})
            }

        return says

    def _ids(self, rule: MapRule) -> Ids:  # with what it makes
        """Return what reads when an event happened, its idempotency key, and whose it is."""
        source, is_link = self.source, rule.meaning is Meaning.LINK
        when, pick = rule.time or source.time, rule.once_per or rule.id or source.id
        time_of = make_time(when) if when else None
        id_of = make_pick(pick, reason=RejectReason.NO_ID) if pick else None
        user_of = make_pick(rule.user, reason=RejectReason.NO_ID) if rule.user else self.user
        anonymous_of = self.anonymous
        no_time, no_id = self._missing("time"), self._missing("id")
        no_user = self._missing("user", "anonymous")
        is_once, has_suffix = rule.once_per is not None, rule is LINK

        def ids(  # one branch a place where something may stand
            fact: Fact, event: str, timestamp_ms: int, suffix: str
        ) -> tuple[int, str, str]:
            body, event_id, user_id = fact.body, fact.event_id, fact.user_id
            at_ms = fact.at_ms if time_of is None else time_of(body)
            if not 0 < at_ms <= timestamp_ms + FUTURE_MAX_MS or at_ms > FAR_FUTURE_MS:
                raise _untimely(at_ms, timestamp_ms, no_time)
            if id_of is not None:
                event_id = id_of(body)
                if is_once:
                    event_id = f"{event}:{event_id}"
                elif has_suffix:
                    event_id += suffix
            if not event_id or len(event_id) > EVENT_ID_MAX:
                demand_id(event_id, no_id)
            if user_of is not None:
                user_id = user_of(body)
            if not user_id and not is_link:
                user_id = fact.anonymous_id if anonymous_of is None else anonymous_of(body)
            if not user_id or len(user_id) > SHORT or user_id[0] == OWN or "\0" in user_id:
                demand_user(user_id, no_user)
            return at_ms, event_id, user_id

        return ids

    def _missing(self, *fields: str) -> str:
        """Return what is said of a record in which nothing stands in some places."""
        places = [self.form.places[field] for field in fields if field in self.form.places]
        where = f" - at `{' or '.join(places)}`" if places else ""
        return f"the record has no {fields[0]}, and the rules name no other place{where}"


def _untimely(at_ms: int, timestamp_ms: int, missing: str) -> WrongError:
    """Return why an event cannot have happened then."""
    if at_ms > 0:
        what = f"event time {shown(at_ms)}, record timestamp {timestamp_ms}"
        return WrongError(RejectReason.FUTURE, what)
    what = f"event time {shown(at_ms)} is before 1970" if at_ms else missing
    return WrongError(RejectReason.BAD_TIME, what)
