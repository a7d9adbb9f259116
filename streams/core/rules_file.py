"""Reading rules from YAML: checked as a whole, with line and column in every complaint."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.core.budget_file import alert_of, budget_of, tiers_of
from streams.core.contact_file import contact_of
from streams.core.ids import Ids
from streams.core.meanings import ACTS, Meaning
from streams.core.outages import Span, edge_ms
from streams.core.playbooks_compile import sensitive_fault
from streams.core.playbooks_file import (
    Source,
    default_playbooks,
    known_of,
    playbooks_of,
    playbooks_source,
    rules_with,
)
from streams.core.rules import Churn, Holdout, Rules
from streams.core.rules_schema import (
    DEFAULT_EVENTS,
    DEFAULT_KINDS,
    CoverageFile,
    RulesFile,
)
from streams.core.sources_file import Inputs, inputs_of
from streams.core.sources_names import Told
from streams.core.sources_values import rate_faults, rates_of
from streams.core.time import span_ms
from streams.core.told_apart import ToldApartError, kinds_of, traits_of
from winback_sender.documents.faults import Fault, RulesRefused, refused
from winback_sender.documents.strict import converted
from winback_sender.documents.yaml_nodes import Document, path_of, read_document

UNITS: Final = 120  # H is a multiple, so that H/4, H/30 and 2H/3 are whole milliseconds.
TRAITS_MAX: Final = 32
HOLDOUT_LEAST: Final = 0.01  # Its examples weigh 1/share; more than 100 would rule the model.


def parse_rules(
    text: str,
    name: str = "rules",
    *,
    ids: Ids = Ids(b"winback"),  # noqa: B008 (frozen: nobody can change it)
    files: Mapping[str, str] | None = None,
) -> Rules:
    """Return the rules of a YAML text.

    Args:
        text: The file's content; empty means all defaults.
        name: Name of the file, for complaints.
        ids: Make the ids.
        files: Path, as the rules write it, to the text of each file of playbooks.

    Raises:
        RulesRefused: With name, line, column, what is wrong and what would be right.
    """
    document = read_document(text, name)
    data = {} if document.data is None else document.data
    file, faults = converted(data, RulesFile)
    faults += [
        fault
        for place, trait in enumerate(file.traits if file else ())
        for fault in sensitive_fault(trait, ("traits", place))
    ]
    if file is None or faults:
        raise refused([document.complaint(fault) for fault in faults])
    rules = _compile(file, _Spans(document), ids)
    if file.playbooks is None:
        return msgspec.structs.replace(rules, playbooks=default_playbooks())
    sources = _sources(file.playbooks, document, files or {})
    return rules_with(rules, playbooks_of(sources, known_of(rules)))


def playbook_paths(text: str, name: str = "rules") -> tuple[str, ...]:
    """Return the files of playbooks that rules name, as they write them; none if they name none.

    Raises:
        RulesRefused: The rules are no YAML.
    """
    data = read_document(text, name).data
    return _paths(data.get("playbooks")) if isinstance(data, dict) else ()


def _paths(said: object) -> tuple[str, ...]:
    names = said if isinstance(said, list) else [said]
    paths = tuple(name for name in names if isinstance(name, str))
    return paths if len(paths) == len(names) else ()


def _sources(said: object, document: Document, files: Mapping[str, str]) -> Iterator[Source]:
    """Yield where the playbooks are: in the rules themselves, or in the files that they name."""
    if not _paths(said):
        yield Source(document, said, ("playbooks",))
    for place, path in enumerate(_paths(said)):
        if path not in files:
            what = f"the playbooks {path!r} cannot be read; paths are relative to this file"
            at = ("playbooks",) if isinstance(said, str) else ("playbooks", place)
            raise refused([document.complaint(Fault(at, what))])
        yield playbooks_source(files[path], path)


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

    def __init__(self, document: Document) -> None:
        self.document = document

    def refuse(self, path: str, what: str) -> RulesRefused:
        return refused([self.document.complaint(Fault(path_of(path), what))])

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


def _compile(file: RulesFile, spans: _Spans, ids: Ids) -> Rules:
    """Return rules without playbooks."""
    horizon_ms = spans.ms("$.churn.horizon", file.churn.horizon)
    if horizon_ms < span_ms("1h"):
        raise spans.refuse("$.churn.horizon", "the horizon must be at least 1h")
    horizon_ms -= horizon_ms % UNITS
    if 0.0 < file.holdout.share < HOLDOUT_LEAST:
        raise spans.refuse("$.holdout.share", "a holdout is 0 or at least 0.01")
    if file.holdout.share == 1.0:
        raise spans.refuse("$.holdout.share", "a holdout of 1 leaves nobody to contact: below 1")
    try:
        kinds = DEFAULT_KINDS if file.kinds is None else kinds_of(file.kinds)
    except ToldApartError as error:
        raise spans.refuse(f"$.kinds[{error.place}]", str(error)) from None
    try:
        traits_told_apart = traits_of(file.traits_told_apart)
    except ToldApartError as error:
        raise spans.refuse(f"$.traits_told_apart[{error.place}]", str(error)) from None
    zone = spans.zone("$.contact.zone", file.contact.zone)
    has_budget = file.budget.touches_per_day is not None or file.budget.calls_per_day is not None
    alert = alert_of(file.alert, spans, horizon_ms, has_budget=has_budget)
    contact = contact_of(
        file.contact,
        file.channels,
        spans,
        minor_units=file.money.minor_units,
        exit_probability=alert.exit_probability,
    )
    lateness_ms = spans.ms("$.lateness", file.lateness)
    inputs = _inputs(file, spans, lateness_ms)
    rules = Rules(
        churn=Churn(horizon_ms, file.churn.min_active_days, kinds),
        meanings=inputs.meanings,
        is_other_activity=file.churn.activity == "all",
        currency=file.money.currency,
        minor_units=file.money.minor_units,
        lateness_ms=lateness_ms,
        alert=alert,
        mode=file.mode,
        budget=budget_of(file.budget, spans, zone, contact.quiet),
        stake_least=file.money.stake_least * file.money.minor_units,
        holdout=Holdout(
            file.holdout.share,
            file.holdout.salt,
            spans.ms("$.holdout.window", file.holdout.window, horizon_ms),
        ),
        contact=contact,
        explore_share=file.contact.uplift.explore,
        zone=zone,
        tiers=tiers_of(file.money, spans),
        playbooks=(),
        traits=tuple(dict.fromkeys((*file.traits, *inputs.traits))),
        traits_told_apart=traits_told_apart,
        grid_salt=file.grid_salt,
        carry_over_ms=spans.ms("$.carry_over", file.carry_over, horizon_ms),
        ids=ids,
        is_promotion_automatic=file.models.promotion == "automatic",
        outages=_outages(file.coverage, spans),
        sources=inputs.sources,
        rates=rates_of(file.money.rates),
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


def _inputs(file: RulesFile, spans: _Spans, lateness_ms: int) -> Inputs:
    """Return the topics of other people's formats, and what their names mean."""
    told = Told(
        _meanings(file, spans),
        DEFAULT_EVENTS | file.events,
        file.churn.activity == "all",
        lateness_ms,
    )
    inputs = inputs_of(file.inputs, told, spans.document)
    faults = [*inputs.faults, *rate_faults(file.money.rates, file.money.currency)]
    if len(inputs.traits) + len(file.traits) > TRAITS_MAX:
        faults.append(
            Fault(("traits",), f"at most {TRAITS_MAX} traits, those of `inputs` included")
        )
    if faults:
        raise refused([spans.document.complaint(fault) for fault in faults])
    return inputs


def _outages(coverage: CoverageFile, spans: _Spans) -> tuple[Span, ...]:
    made = []
    for number, outage in enumerate(coverage.outages):
        path = f"$.coverage.outages[{number}]"
        start, end = spans.edge(f"{path}.from", outage.start), spans.edge(f"{path}.to", outage.end)
        if not start < end:
            raise spans.refuse(path, "an outage ends after it begins: from < to")
        made.append((start, end))
    return tuple(made)
