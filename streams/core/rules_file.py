"""Reading rules from YAML: checked as a whole, with the line in every complaint."""

import re
from datetime import time
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from streams.core.ids import Ids
from streams.core.outages import Span, edge_ms
from streams.core.playbook import Match, Playbook, PlaybookStep, Variant
from streams.core.quiet_hours import QuietHours
from streams.core.rules import ACTS, AlertPolicy, Churn, Holdout, Meaning, Rules
from streams.core.rules_schema import (
    DEFAULT_EVENTS,
    DEFAULT_KINDS,
    DEFAULT_PLAYBOOK,
    CoverageFile,
    MoneyFile,
    RulesFile,
)
from streams.core.time import span_ms
from streams.core.told_apart import ToldApartError, kinds_of, traits_of
from streams.core.verdict import CONTACTS_KEPT_MS, Cap, ContactPolicy

UNITS: Final = 120  # H is a multiple, so that H/4, H/30 and 2H/3 are whole milliseconds.
HOLDOUT_LEAST: Final = 0.01  # Its examples weigh 1/share; more than 100 would rule the model.


class RulesRefused(ValueError):  # noqa: N818  # named for what happened, as `Rejected` is
    """The rules cannot be used; the message says where and why."""


def parse_rules(text: str, name: str = "rules", *, id_key: bytes = b"winback") -> Rules:
    """Return the rules of a YAML text.

    Args:
        text: The file's content; empty means all defaults.
        name: Name of the file, for complaints.
        id_key: Secret that the ids are made with, at most 64 bytes.

    Raises:
        RulesRefused: With name, line, what is wrong and what would be right.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        message = f"{where}: not YAML: {getattr(error, 'problem', None) or error}"
        raise RulesRefused(message) from None
    try:
        file = msgspec.convert(data, RulesFile)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        message = f"{name}:{_line(node, path.strip('`'))}: {what}{f' (at {path})' if path else ''}"
        raise RulesRefused(message) from None
    return _compile(file, name, node, id_key)


def horizon_override(rules: Rules, horizon_ms: int) -> Rules:
    """Return rules with another horizon and the spans that follow from it by default."""
    horizon_ms -= horizon_ms % UNITS
    churn = msgspec.structs.replace(rules.churn, horizon_ms=horizon_ms)
    alert = msgspec.structs.replace(
        rules.alert, cool_down_ms=horizon_ms // 4, backstop_ms=2 * horizon_ms // 3
    )
    return msgspec.structs.replace(rules, churn=churn, alert=alert, carry_over_ms=horizon_ms)


class _Spans:
    """Turns spans, clock times and zones into numbers, with the line of the fault."""

    def __init__(self, name: str, node: yaml.Node | None) -> None:
        self.name, self.node = name, node

    def refuse(self, path: str, what: str) -> RulesRefused:
        return RulesRefused(f"{self.name}:{_line(self.node, path)}: {what} (at {path})")

    def ms(self, path: str, text: str, default_ms: int = 0) -> int:
        if not text:
            return default_ms
        try:
            return span_ms(text)
        except ValueError as error:
            raise self.refuse(path, str(error)) from None

    def clock(self, path: str, text: str) -> time:
        try:
            return time.fromisoformat(text)
        except ValueError:
            raise self.refuse(
                path, f"{text!r} is not a time of day: write it as in 21:00"
            ) from None

    def edge(self, path: str, edge: object) -> float:
        try:
            return edge_ms(edge)
        except ValueError as error:
            raise self.refuse(path, str(error)) from None

    def zone(self, path: str, text: str) -> str:
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError):
            what = f"{text!r} is no IANA time zone: write it as in Asia/Shanghai"
            raise self.refuse(path, what) from None
        return text


def _compile(file: RulesFile, name: str, node: yaml.Node | None, id_key: bytes) -> Rules:
    spans = _Spans(name, node)
    horizon_ms = spans.ms("$.churn.horizon", file.churn.horizon)
    if horizon_ms < span_ms("1h"):
        raise spans.refuse("$.churn.horizon", "the horizon must be at least 1h")
    horizon_ms -= horizon_ms % UNITS
    if 0.0 < file.holdout.share < HOLDOUT_LEAST:
        raise spans.refuse("$.holdout.share", "a holdout is 0 or at least 0.01")
    try:
        kinds = DEFAULT_KINDS if file.kinds is None else kinds_of(file.kinds)
    except ToldApartError as error:
        raise spans.refuse(f"$.kinds[{error.place}]", str(error)) from None
    try:
        traits_told_apart = traits_of(file.traits_told_apart)
    except ToldApartError as error:
        raise spans.refuse(f"$.traits_told_apart[{error.place}]", str(error)) from None
    rules = Rules(
        churn=Churn(horizon_ms, file.churn.min_active_days, kinds),
        meanings=_meanings(file, spans),
        is_other_activity=file.churn.activity == "all",
        currency=file.money.currency,
        minor_units=file.money.minor_units,
        lateness_ms=spans.ms("$.lateness", file.lateness),
        alert=_alert(file, spans, horizon_ms),
        holdout=Holdout(file.holdout.share, file.holdout.salt),
        contact=_contact(file, spans),
        zone=spans.zone("$.contact.zone", file.contact.zone),
        tiers=_tiers(file.money),
        playbooks=_playbooks(file, spans),
        traits=file.traits,
        traits_told_apart=traits_told_apart,
        grid_salt=file.grid_salt,
        carry_over_ms=spans.ms("$.carry_over", file.carry_over, horizon_ms),
        ids=Ids(id_key),
        is_promotion_automatic=file.models.promotion == "automatic",
        outages=_outages(file.coverage, spans),
    )
    for place, kind in enumerate(file.kinds or ()):
        if rules.meaning(kind) not in ACTS:
            what = f"event {kind!r} is no activity, so there is nothing to tell apart"
            raise spans.refuse(f"$.kinds[{place}]", what)
    return rules


def _meanings(file: RulesFile, spans: _Spans) -> dict[str, Meaning]:
    if isinstance(file.churn.activity, str) and file.churn.activity != "all":
        raise spans.refuse("$.churn.activity", 'activity is "all" or a list of event names')
    named = [] if isinstance(file.churn.activity, str) else file.churn.activity
    meanings = dict.fromkeys(named, Meaning.ACTIVITY)
    for meaning, names in (DEFAULT_EVENTS | file.events).items():
        for event in names:
            if meanings.get(event, Meaning.ACTIVITY) not in {Meaning.ACTIVITY, meaning}:
                what = f"event {event!r} has two meanings: {meanings[event]} and {meaning}"
                raise spans.refuse(f"$.events.{meaning}", what)
            meanings[event] = meaning
    return meanings


def _alert(file: RulesFile, spans: _Spans, horizon_ms: int) -> AlertPolicy:
    alert = file.alert
    if not alert.exit <= alert.probability or not alert.elevated <= alert.probability:
        raise spans.refuse("$.alert", "exit and elevated must not be above probability")
    backstop_ms = spans.ms("$.alert.backstop", alert.backstop, 2 * horizon_ms // 3)
    if not 0 < backstop_ms < horizon_ms:
        raise spans.refuse("$.alert.backstop", "the backstop must lie between 0 and the horizon")
    return AlertPolicy(
        probability=alert.probability,
        exit_probability=alert.exit,
        elevated_probability=alert.elevated,
        cool_down_ms=spans.ms("$.alert.cool_down", alert.cool_down, horizon_ms // 4),
        backstop_ms=backstop_ms,
        examples_min=alert.examples_min,
    )


def _contact(file: RulesFile, spans: _Spans) -> ContactPolicy:
    contact = file.contact
    if contact.consent_default not in {"denied", "granted"}:
        what = "consent_default is denied or granted"
        raise spans.refuse("$.contact.consent_default", what)
    caps = []
    for number, cap in enumerate(contact.caps):
        path = f"$.contact.caps[{number}].per"
        per_ms = spans.ms(path, cap.per)
        if not 0 < per_ms <= CONTACTS_KEPT_MS:
            raise spans.refuse(path, "a cap's window is longer than 0 and at most 30d")
        caps.append(Cap(cap.touches, per_ms))
    return ContactPolicy(
        is_consent_assumed=contact.consent_default == "granted",
        caps=tuple(caps),
        quiet=QuietHours(
            spans.clock("$.contact.quiet_hours.start", contact.quiet_hours.start),
            spans.clock("$.contact.quiet_hours.end", contact.quiet_hours.end),
        ),
        stale_after_ms=spans.ms("$.contact.stale_after", contact.stale_after),
        exit_probability=file.alert.exit,
    )


def _tiers(money: MoneyFile) -> tuple[tuple[str, int], ...]:
    tiers = ((name, round(least * money.minor_units)) for name, least in money.tiers.items())
    return tuple(sorted(tiers, key=lambda tier: -tier[1]))


def _outages(coverage: CoverageFile, spans: _Spans) -> tuple[Span, ...]:
    made = []
    for number, outage in enumerate(coverage.outages):
        path = f"$.coverage.outages[{number}]"
        start, end = spans.edge(f"{path}.from", outage.start), spans.edge(f"{path}.to", outage.end)
        if not start < end:
            raise spans.refuse(path, "an outage ends after it begins: from < to")
        made.append((start, end))
    return tuple(made)


def _playbooks(file: RulesFile, spans: _Spans) -> tuple[Playbook, ...]:
    books = [DEFAULT_PLAYBOOK] if file.playbooks is None else file.playbooks
    made = []
    for number, book in enumerate(books):
        path = f"$.playbooks[{number}]"
        steps = tuple(
            PlaybookStep(
                step.channel,
                step.template_key,
                spans.ms(f"{path}.steps[{index}].wait", step.wait),
                spans.ms(f"{path}.steps[{index}].expires", step.expires),
                step.params,
                step.offer,
            )
            for index, step in enumerate(book.steps)
        )
        match = Match(
            tuple(book.match.tiers), tuple(book.match.sources), tuple(book.match.triggers)
        )
        close_after_ms = max(1, spans.ms(f"{path}.close_after", book.close_after))
        variants = (Variant("a", 1.0, steps),)
        made.append(Playbook(book.name, match, variants, book.purpose, close_after_ms))
    return tuple(made)


_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


def _line(node: Any, path: str) -> int:  # YAML nodes are untyped
    """Return the line of the innermost node on a path such as ``$.alert.exit``, 1-based."""
    line = 1
    for match in _STEP.finditer(path):
        name, index = match[1], match[2]
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == name), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif (
            isinstance(node, yaml.SequenceNode)
            and index is not None
            and int(index) < len(node.value)
        ):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
        else:
            return line
    return line
