"""Reading playbooks from YAML: all that is wrong is said at once, each with line and column."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from streams.core.playbook import TRAIT, Playbook
from streams.core.playbooks_compile import Known, compiled, sensitive_fault
from streams.core.playbooks_schema import (
    CHANNELS,
    DEFAULT_PLAYBOOK,
    PlaybookFile,
    PlaybooksFile,
    StepFile,
    TemplateFile,
)
from streams.core.rules import Rules
from streams.core.tiers import NO_VALUE
from winback_sender.documents.faults import Complaint, Fault, Path, meant, refused
from winback_sender.documents.strict import converted, part_at, without
from winback_sender.documents.yaml_nodes import Document, read_document
from winback_sender.law.template_rules import Template


class Source(NamedTuple):
    """Where playbooks are written down.

    Attributes:
        document: A file of playbooks, or rules that have them inline.
        data: The part of it that speaks of playbooks.
        base: Where that part stands.
    """

    document: Document
    data: Any
    base: Path = ()


class Use(NamedTuple):
    """A step that uses a template.

    Attributes:
        playbook: Name of its playbook.
        step: As it is written.
        path: Where it stands.
        purpose: Of the playbook.
        variant: Name of its variant, empty when there is one alone.
    """

    playbook: str
    step: StepFile
    path: Path
    purpose: str = ""
    variant: str = ""


class Reading(NamedTuple):
    """What a source says.

    Attributes:
        source: The source.
        head: What it says besides its playbooks.
        playbooks: Those that are sound.
        uses: The steps of those that can be read.
        names: Name and place of every playbook.
        complaints: All that is wrong.
    """

    source: Source
    head: PlaybooksFile
    playbooks: tuple[Playbook, ...]
    uses: tuple[Use, ...]
    names: tuple[tuple[str, Path], ...]
    complaints: tuple[Complaint, ...]


def playbooks_source(text: str, name: str) -> Source:
    """Return a file of playbooks.

    Raises:
        RulesRefused: It is no YAML.
    """
    document = read_document(text, name)
    return Source(document, document.data)


def read_playbooks(source: Source, known: Known) -> Reading:
    """Read one source; what is wrong is among the complaints."""
    head, items, base, faults = _parts(source)
    known = known._replace(traits=(*known.traits, *head.traits))
    books: list[Playbook] = []
    uses: list[Use] = []
    names: list[tuple[str, Path]] = []
    for place, item in enumerate(items):
        path = (*base, place)
        file, wrong = converted(item, PlaybookFile, path)
        if file is None:
            file, _ = converted(without(item, wrong, path), PlaybookFile, path)
        if file is not None:
            book, more = compiled(file, path, known)
            own = list(_uses(file, path))
            wrong += [*_new((*more, *_template_faults(head, own)), wrong, item, path)]
            books += [] if wrong else [book]
            uses += own
            names.append((file.name, path))
        faults += wrong
    if not items and not faults:
        faults.append(Fault(base, "no playbooks: give at least one"))
    complaints = tuple(source.document.complaint(fault) for fault in faults)
    return Reading(source, head, tuple(books), tuple(uses), tuple(names), complaints)


def all_playbooks(readings: Iterable[Reading]) -> tuple[Playbook, ...]:
    """Return the playbooks of all sources, in their order.

    Raises:
        RulesRefused: With everything that is wrong in any of them.
    """
    readings = list(readings)
    complaints = [complaint for reading in readings for complaint in reading.complaints]
    complaints += _doubles(readings)
    if complaints:
        raise refused(complaints)
    return tuple(book for reading in readings for book in reading.playbooks)


def playbooks_of(sources: Iterable[Source], known: Known) -> tuple[Playbook, ...]:
    """Return the playbooks of all sources, in their order.

    Raises:
        RulesRefused: With everything that is wrong in any of them.
    """
    return all_playbooks(read_playbooks(source, known) for source in sources)


def default_playbooks() -> tuple[Playbook, ...]:
    """Return what is done where the rules name no playbook."""
    data = [msgspec.to_builtins(DEFAULT_PLAYBOOK)]
    return playbooks_of([Source(Document("default", data, None), data)], Known())


def known_of(rules: Rules) -> Known:
    """Return what the playbooks of a deployment may name."""
    channels = dict.fromkeys((*CHANNELS, *rules.contact.channels))
    return Known((*rules.tier_names, NO_VALUE), tuple(channels), rules.traits)


def rules_with(rules: Rules, playbooks: tuple[Playbook, ...]) -> Rules:
    """Return rules with other playbooks, which keep the traits that these use."""
    used = (
        trait.strip()
        for book in playbooks
        for variant in book.variants
        for step in variant.steps
        for text in step.params.values()
        for trait, _ in TRAIT.findall(text)
    )
    traits = tuple(dict.fromkeys((*rules.traits, *used)))
    return msgspec.structs.replace(rules, playbooks=playbooks, traits=traits)


def _parts(source: Source) -> tuple[PlaybooksFile, list[Any], Path, list[Fault]]:
    """Return what a source says besides playbooks, the playbooks, their place, and faults."""
    empty = PlaybooksFile(playbooks=[])
    data, base = source.data, source.base
    if isinstance(data, list):
        return empty, data, base, []
    if not isinstance(data, dict):
        what = "playbooks are a list, or a mapping with `playbooks:`"
        return empty, [], base, [Fault(base, what)]
    items, faults = data.get("playbooks", []), []
    if isinstance(items, str) or (items and isinstance(items, list) and isinstance(items[0], str)):
        what = "this names files of playbooks and has none itself"
        return empty, [], base, [Fault((*base, "playbooks"), what, "give those files")]
    if not isinstance(items, list):
        faults.append(Fault((*base, "playbooks"), "playbooks are a list: begin each with a dash"))
        items = []
    rest = data | {"playbooks": []} if "playbooks" in data else data
    found, wrong = converted(rest, PlaybooksFile, base)
    faults += wrong
    head = found or empty
    for place, trait in enumerate(head.traits):
        faults += sensitive_fault(trait, (*base, "traits", place))
    for key, template in (head.templates or {}).items():
        if "" in _variables(template):
            what = "a variable without a name: write it as in ${name}"
            faults.append(Fault((*base, "templates", key, "text"), what))
    return head, items, (*base, "playbooks"), faults


def _variables(template: TemplateFile) -> tuple[str, ...]:
    return Template(template.text, template.kind).variables


def _new(
    found: Iterable[Fault], earlier: Sequence[Fault], item: object, path: Path
) -> Iterable[Fault]:
    """Return the faults that do not follow from earlier ones.

    What was taken away is not missing, nor what stands beside a field that is unknown: it was
    meant.
    """
    taken = [fault.path for fault in earlier]
    beside = {fault.path[:-1] for fault in earlier if fault.is_of_name}
    for fault in found:
        is_written = part_at(item, fault.path[len(path) :]) is not None
        is_meant = fault.path[:-1] in beside and not is_written
        if not is_meant and not any(way[: len(fault.path)] == fault.path for way in taken):
            yield fault


def _uses(file: PlaybookFile, path: Path) -> Iterable[Use]:
    for place, step in enumerate(file.steps or ()):
        yield Use(file.name, step, (*path, "steps", place), file.purpose)
    for number, variant in enumerate(file.variants or ()):
        for place, step in enumerate(variant.steps):
            where = (*path, "variants", number, "steps", place)
            yield Use(file.name, step, where, file.purpose, variant.name)


def _template_faults(head: PlaybooksFile, uses: Sequence[Use]) -> Iterable[Fault]:
    """Yield the steps whose template is not there, or does not fit what the step gives it."""
    for _, step, path, _, _ in uses if head.templates is not None else ():
        key = step.template_key
        assert head.templates is not None
        if key not in head.templates:
            what = f"template {key!r} is not among the templates of this file"
            yield Fault((*path, "template_key"), what, meant(key, head.templates, says_all=False))
            continue
        variables = _variables(head.templates[key])
        for name in variables:
            if name not in step.params:
                what = f"template {key!r} needs the variable {name!r}"
                yield Fault((*path, "params"), what, f"add {name}: … to params")
        for name in step.params:
            if name not in variables:
                what = f"template {key!r} has no variable {name!r}"
                hint = meant(name, variables, says_all=False)
                yield Fault((*path, "params", name), what, hint, is_of_name=True)


def _doubles(readings: Sequence[Reading]) -> Iterable[Complaint]:
    counts = Counter[str]()
    for reading in readings:
        for name, path in reading.names:
            if counts[name]:
                what = f"playbook {name!r} is there twice; reports go by the name"
                yield reading.source.document.complaint(Fault((*path, "name"), what))
            counts[name] += 1
