"""Telling the events of a rule: from a fact to a native event."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from streams.core.decoded import RejectReason, Skipped
from streams.core.inputs import SOURCE, ZONE
from streams.core.interpret import NativeEvent
from streams.core.meanings import ACTS, MONEY, Meaning
from streams.core.native import FUTURE_MAX_MS
from streams.core.rules import Rules
from streams.core.sources import CHANGES, LINK_EVENT, MapRule, Pick, Source
from streams.core.time import FAR_FUTURE_MS
from streams.intake.fact import Fact
from streams.intake.formats.catalogue import Format
from streams.intake.mapping_ids import EVENT_ID_MAX, demand_short, demand_user
from streams.intake.mapping_money import Purse, make_amount
from streams.intake.mapping_times import make_time
from streams.intake.mapping_values import Reader, WrongError, make_pick

PROPERTIES_MAX: Final = 32_768  # bytes; what the router writes must fit into a native event
LINK: Final = MapRule(events=(LINK_EVENT,), meaning=Meaning.LINK, name=LINK_EVENT)
IGNORED: Final = Skipped("ignored")
NO_TRAITS: Final = Skipped("no_traits")

_KINDS: Final[dict[str, type]] = {"granted": bool, "is_reachable": bool, "tokens": int}
_OPTIONAL: Final = frozenset({(Meaning.OPT_OUT, "channel"), (Meaning.FEEDBACK, "touch_id")})
"""What may be missing in a record though the rule says where it stands."""

_encode = msgspec.json.Encoder().encode

Tell = Callable[[Fact, str, int, str], NativeEvent | Skipped]
"""``tell(fact, name, timestamp_ms, suffix)``: the event; raises WrongError.

The suffix is for the id of a link whose record says more than that, and only where the rules name
the place of the id: formats see to theirs.
"""


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
        """Return what tells an event that is all there with an amount: the hot path."""
        given, currency = rule.name, self.rules.currency
        user_of, id_of, time_of = self._user(rule), self._id(rule), self._time(rule)
        if rule.amount is None:

            def tell(fact: Fact, name: str, timestamp_ms: int, suffix: str) -> NativeEvent:
                event = given or name
                ids = time_of(fact, timestamp_ms), id_of(fact, event, suffix), user_of(fact)
                return NativeEvent(event, *ids)

            return tell
        is_signed = rule.meaning is Meaning.CORRECTION
        purse = Purse(self.rules, rule.meaning in MONEY, is_signed)
        amount_of = make_amount(rule.amount, rule.currency, purse)

        def tell_amount(fact: Fact, name: str, timestamp_ms: int, suffix: str) -> NativeEvent:
            event = given or name
            ids = time_of(fact, timestamp_ms), id_of(fact, event, suffix), user_of(fact)
            amount = amount_of(fact.body)
            return NativeEvent(event, *ids, amount, None if amount is None else currency)

        return tell_amount

    def _rare(self, rule: MapRule) -> Tell:
        """Return what tells an event that says something in its properties."""
        given = rule.name
        user_of, id_of, time_of = self._user(rule), self._id(rule), self._time(rule)
        says = self._says(rule)
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
            ids = time_of(fact, timestamp_ms), id_of(fact, event, suffix), user_of(fact)
            return NativeEvent(event, *ids, properties=properties)

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

    def _user(self, rule: MapRule) -> Callable[[Fact], str]:
        """Return what reads whose event it is: the known id, or else that of the device."""
        missing = self._missing("user", "anonymous")
        user, anonymous = self.user, self.anonymous
        is_link = rule.meaning is Meaning.LINK
        if rule.user:
            own = make_pick(rule.user, reason=RejectReason.NO_ID)
            return lambda fact: demand_user(own(fact.body), missing)
        if is_link:
            return lambda fact: demand_user(
                fact.user_id if user is None else user(fact.body), missing
            )
        if user is None and anonymous is None:
            return lambda fact: demand_user(fact.user_id or fact.anonymous_id, missing)

        def user_of(fact: Fact) -> str:
            known = fact.user_id if user is None else user(fact.body)
            if not known:
                known = fact.anonymous_id if anonymous is None else anonymous(fact.body)
            return demand_user(known, missing)

        return user_of

    def _id(self, rule: MapRule) -> Callable[[Fact, str, str], str]:
        """Return what reads the idempotency key of an event."""
        if rule.once_per:
            once = make_pick(rule.once_per, reason=RejectReason.NO_ID)
            return lambda fact, event, _suffix: demand_short(f"{event}:{once(fact.body)}")
        pick: Pick | None = rule.id or self.source.id
        if pick:
            read: Reader = make_pick(pick, reason=RejectReason.NO_ID)
            if rule is LINK:
                return lambda fact, _event, suffix: demand_short(read(fact.body) + suffix)
            return lambda fact, _event, _suffix: demand_short(read(fact.body))
        missing = self._missing("id")

        def id_of(fact: Fact, _event: str, _suffix: str) -> str:
            event_id = fact.event_id
            if not event_id:
                raise WrongError(RejectReason.NO_ID, missing)
            return event_id if len(event_id) <= EVENT_ID_MAX else demand_short(event_id)

        return id_of

    def _time(self, rule: MapRule) -> Callable[[Fact, int], int]:
        """Return what reads when it happened; it is neither long ago nor to come."""
        when = rule.time or self.source.time
        read = make_time(when) if when else None
        missing = self._missing("time")

        def time_of(fact: Fact, timestamp_ms: int) -> int:
            at_ms = fact.at_ms if read is None else read(fact.body)
            if 0 < at_ms <= timestamp_ms + FUTURE_MAX_MS and at_ms <= FAR_FUTURE_MS:
                return at_ms
            if at_ms > 0:
                what = f"event time {at_ms}, record timestamp {timestamp_ms}"
                raise WrongError(RejectReason.FUTURE, what)
            what = missing if read is None and at_ms == 0 else f"event time {at_ms} is before 1970"
            raise WrongError(RejectReason.BAD_TIME, what)

        return time_of

    def _missing(self, *fields: str) -> str:
        """Return what is said of a record in which nothing stands in some places."""
        places = [self.form.places[field] for field in fields if field in self.form.places]
        where = f" - at `{' or '.join(places)}`" if places else ""
        return f"the record has no {fields[0]}, and the rules name no other place{where}"
