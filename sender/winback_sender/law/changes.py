"""What an operator changes in the law: single rules, each with a reason, from YAML."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from winback_sender.documents.faults import Fault, Path, meant, refused
from winback_sender.documents.strict import converted
from winback_sender.documents.yaml_nodes import Document, read_document
from winback_sender.law.hours import is_zone, opens_daily, rules_of
from winback_sender.law.kinds import KINDS, OPEN_KINDS, kind_of
from winback_sender.law.rules import COUNTRIES, Change, Law, Rule, Source
from winback_sender.law.shipped import SHIPPED

Text = Annotated[str, Meta(min_length=1, max_length=2_000)]

CHANNELS: Final = ("sms", "call", "wechat", "wecom", "email", "push", "webhook")


class ChangeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A changed rule; ``lifted`` takes it out of force."""

    rule: Annotated[Text, Meta(description="Its id, as `winback templates law` prints it.")]
    reason: Annotated[Text, Meta(description="Why; it is printed with the rule.")]
    by: Annotated[Text, Meta(description="Who changed it.")]
    since: Annotated[date, Meta(description="From which day on, YYYY-MM-DD.")]
    value: Annotated[Any, Meta(description="What it says from now on.")] = None
    lifted: Annotated[bool, Meta(description="It does not hold here.")] = False


class ChangesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of changes."""

    changes: list[ChangeFile]
    version: Annotated[int, Meta(ge=1, le=1, description="Of the format.")] = 1


def changed_law(text: str, name: str) -> Law:
    """Return the law as it is shipped with the changes of a file.

    Args:
        text: Of the file, YAML.
        name: Of the file.

    Raises:
        RulesRefused: With everything that is wrong in it.
    """
    document = read_document(text, name)
    _, faults = converted(document.data, ChangesFile)
    made = dict(SHIPPED.rules)
    seen: set[str] = set()
    sound = _sound(document.data)
    for place, change in sound.items():
        path: Path = ("changes", place)
        faults += _faults(change, path)
        if change.rule in seen:
            faults.append(Fault((*path, "rule"), f"{change.rule!r} is there twice"))
        seen.add(change.rule)
        if change.lifted:
            made.pop(change.rule, None)
        else:
            made[change.rule] = _applied(change, path, document)
    if not faults:
        faults += _never_open(Law(made.values()), sound)
    if faults:
        raise refused([document.complaint(fault) for fault in faults])
    return Law(made.values())


def _sound(data: Any) -> dict[int, ChangeFile]:
    """Return place and content of each change that can be read: one fault does not hide another."""
    changes = data.get("changes") if isinstance(data, dict) else None
    items = changes if isinstance(changes, list) else []
    read = {place: converted(item, ChangeFile)[0] for place, item in enumerate(items)}
    return {place: change for place, change in read.items() if change is not None}


def _faults(change: ChangeFile, path: Path) -> Iterator[Fault]:
    of, _, rest = change.rule.partition(".")
    kind = kind_of(rest)
    if change.rule not in SHIPPED.rules and (of not in SHIPPED.names or kind is None):
        yield Fault((*path, "rule"), f"rule {change.rule!r} is unknown", _hint(of, rest))
        return
    if change.lifted and change.rule not in SHIPPED.rules:
        yield Fault((*path, "rule"), f"there is no rule {change.rule!r} that could be lifted")
    if change.lifted == (change.value is not None):
        said = "both a value and lifted" if change.lifted else "neither a value nor lifted: true"
        yield Fault(path, f"{said}: give one of them")
    elif not change.lifted and kind is not None:
        _, wrong = converted(change.value, kind.of, (*path, "value"))
        yield from wrong
        if rest == "zone" and not is_zone(str(change.value)):
            yield Fault((*path, "value"), f"there is no time zone {change.value!r}")


def _hint(of: str, rest: str) -> str:
    if of not in SHIPPED.names:
        return meant(of, SHIPPED.names)
    kinds = (*KINDS, *(f"{name}.…" for name in OPEN_KINDS))
    return meant(rest, kinds)


def _applied(change: ChangeFile, path: Path, document: Document) -> Rule:
    of, _, rest = change.rule.partition(".")
    kind, earlier = kind_of(rest), SHIPPED.rules.get(change.rule)
    value = change.value
    if kind is not None:
        read, wrong = converted(value, kind.of)
        value = value if wrong else read
    line, _ = document.place((*path, "rule"))
    place, day = f"{document.name}:{line}", change.since.isoformat()
    word = Change(change.reason, change.by, day, place, None if earlier is None else earlier.value)
    if earlier is None:
        return Rule(of, rest, value, Source(place, day, day), change=word)
    return msgspec.structs.replace(earlier, value=value, verified=True, change=word)


def _never_open(law: Law, changes: dict[int, ChangeFile]) -> Iterator[Fault]:
    """Yield the changes after which some channel has no hour left."""
    zones = ("", *(country.zones[0] for country in COUNTRIES.values()))
    for provider, channel, zone in product(law.names, CHANNELS, zones):
        rules = rules_of(provider, channel, zone, law)
        if opens_daily(tuple(str(rule.value) for rule in rules)):
            continue
        ids = {rule.id for rule in rules}
        for place, change in changes.items():
            if change.rule in ids:
                what = f"with {', '.join(sorted(ids - {change.rule}))} it leaves no hour of a day"
                yield Fault(("changes", place, "value"), what)
        return
