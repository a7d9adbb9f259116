"""The proposal: format, places, and rules for the events, from a sample of a topic."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from streams.core.contact_file import ContactFile
from streams.core.decoded import Rejected, Skipped
from streams.core.rules_schema import MoneyFile
from streams.core.sources import CHANGES, LINK_EVENT, Encoding, Form, Source
from streams.errors import UserError
from streams.intake.foreign import Foreign
from streams.intake.formats.catalogue import format_of
from streams.intake.wire.json_values import json_parse_as
from streams.replay.propose.events import VERBS, Events, Setting, acts_found, rows_found
from streams.replay.propose.fields import Fields
from streams.replay.propose.forms import EVIDENCE, FormGuess, Seen, bodies, guessed, seen
from streams.replay.propose.guesses import (
    Guess,
    anonymous_guess,
    event_guess,
    has,
    id_guess,
    named,
    time_guess,
    user_guess,
)
from streams.replay.propose.lexicon import ID, ID_ENDS, PAID_AT, USER, plain

SETTING: Final = Setting(MoneyFile().currency, ContactFile().zone)
"""What holds where the sample says nothing."""
ONE_EVENT: Final = "record"
"""What an event is called where no field names it."""
HAPPENED: Final = dict(PAID_AT)
"""The names that columns have, in records that are no rows of a database."""
PLACES: Final = ("event", "user", "anonymous", "id", "time")


class Proposal(NamedTuple):
    """What is proposed for a topic.

    Attributes:
        topic: Its name.
        form: Its format.
        why: What speaks for it.
        places: Where ids, names and times stand, where the format does not say it.
        events: What the events mean.
        records: In the sample.
        encoding: How they are written.
    """

    topic: str
    form: FormGuess
    why: str
    places: dict[str, Guess]
    events: Events
    records: int
    encoding: Encoding = Encoding.JSON


def proposed(sample: Sequence[Foreign], topic: str, label: str) -> Proposal:
    """Return a proposal for the records of a topic.

    Args:
        sample: Some of them.
        topic: Its name.
        label: Where the sample is from, for messages.

    Raises:
        UserError: Nothing can be seen in the records.
    """
    records = [seen(record.value, record.headers) for record in sample]
    _demand_objects(records, sample, label)
    form = guessed(records)
    why = f"{form.records:,} of {form.of:,} records have {EVIDENCE[form.form]}"
    if form.form is Form.JSON:
        why = f"{form.records:,} of {form.of:,} records follow {EVIDENCE[form.form]}"
    if form.form is Form.WINBACK:
        return Proposal(topic, form, why, {}, Events([], Counter(), {}, Counter()), len(sample))
    own = [record for record in records if record.body is not None]
    places = _places(form.form, own)
    by_name = _by_name(form.form, zip(sample, records, strict=True), places)
    find = rows_found if form.form in CHANGES else acts_found
    return Proposal(topic, form, why, places, find(by_name, SETTING), len(sample))


def _demand_objects(records: list[Seen], sample: Sequence[Foreign], label: str) -> None:
    if any(record.body is not None for record in records):
        return
    first = next((r for r in sample if r.value is not None), None)
    said = "all of them are tombstones" if first is None else (
        f"the first is at {first.place}: {(first.value or b'')[:60]!r}"
    )  # fmt: skip
    raise UserError(f"{label}: no value is a JSON object; {said}", "is it the right file?")


def _places(form: Form, records: list[Seen]) -> dict[str, Guess]:
    """Return where things stand that the format leaves open."""
    fields = Fields()
    all_bodies = [body for record in records for body in bodies(form, record)]
    for body in all_bodies:
        fields.see(body)
    found: dict[str, Guess | None] = {}
    if form is Form.JSON:
        time = time_guess(fields, SETTING.zone) or time_guess(fields, SETTING.zone, HAPPENED)
        found = {
            "event": event_guess(fields) or Guess(ONE_EVENT, "NO field names it: one for all"),
            "user": user_guess(fields, 0.02), "anonymous": anonymous_guess(fields),
            "id": id_guess(fields, _distinct(fields, all_bodies)) or _poor_id(fields, all_bodies),
            "time": time or Guess("$.time", "NO field looks like an instant: name it"),
        }  # fmt: skip
        if found["user"] is None and found["anonymous"] is None:
            found["user"] = Guess("$.user_id", "NO field looks like the id of a user: name it")
    elif form is Form.CLOUDEVENTS:
        in_data = Fields()
        in_data.records = fields.records
        in_data.by_path = {
            path: field for path, field in fields.by_path.items() if path.startswith("$.data.")
        }
        subjects = fields.by_path.get("$.subject")
        user = user_guess(in_data)
        if user is not None and (subjects is None or subjects.count < fields.records):
            found["user"] = user
    return {name: found[name] for name in PLACES if found.get(name)}  # type: ignore[misc]  # None is left out


def _distinct(fields: Fields, all_bodies: list[dict[str, Any]]) -> dict[str, int]:
    """Return the number of different values of every field at the top that may be an id."""
    found = {}
    for field in fields.common(1.0):
        steps = field.path.split(".")[1:]
        if plain(field.name) in ID or plain(field.name).endswith(ID_ENDS):
            values = {msgspec.json.encode(_at(body, steps)) for body in all_bodies}
            found[field.path] = len(values)
    return found


def _at(body: Any, steps: list[str]) -> Any:
    for step in steps:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _poor_id(fields: Fields, all_bodies: list[dict[str, Any]]) -> Guess:
    """Return the best of the fields that are no idempotency key."""
    distinct = _distinct(fields, all_bodies)
    users = {field.path for field in named(fields, USER, 0.0)}
    best = max((path for path in distinct if path not in users), key=distinct.get, default=None)  # type: ignore[arg-type]  # all are there
    if best is None:
        return Guess("$.id", "NO field looks like an id of the event: name one that is unique")
    why = (
        f"{has(fields.by_path[best], fields)}, ONLY {distinct[best]:,} different values: equal ids"
    )
    return Guess(best, f"{why} count once")


def _by_name(
    form: Form, records: Iterable[tuple[Foreign, Seen]], places: dict[str, Guess]
) -> dict[str, Fields]:
    """Return the fields of each event, or of each table."""
    by_name: dict[str, Fields] = {}
    for name, body in _named_bodies(form, records, places):
        stem, dot, verb = name.rpartition(".")
        group = stem if form in CHANGES and dot and verb in VERBS else name
        if group not in by_name:
            by_name[group] = Fields()
        by_name[group].see(body)
    return dict(sorted(by_name.items(), key=lambda item: -item[1].records))


def _named_bodies(
    form: Form, records: Iterable[tuple[Foreign, Seen]], places: dict[str, Guess]
) -> Iterable[tuple[str, dict[str, Any]]]:
    if form is Form.JSON:
        said = str(places["event"].said)
        steps = said.split(".")[1:]
        for _, record in records:
            for body in bodies(form, record):
                name = _at(body, steps) if said.startswith("$.") else said
                if isinstance(name, str) and name:
                    yield name, body
        return
    source = Source(topic="sample", form=form)
    read = format_of(form).make_read(source, (), json_parse_as)
    for foreign, record in records:
        facts = read(foreign.key, foreign.value, foreign.timestamp_ms, foreign.headers)
        if isinstance(facts, Rejected | Skipped):
            continue
        told = list(bodies(form, record))
        for place, fact in enumerate(fact for fact in facts if fact.name != LINK_EVENT):
            yield fact.name, told[place] if len(told) > place else told[0]
