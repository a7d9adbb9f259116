"""What the providers of its channels would have against the playbooks and templates of a file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from streams.core.playbook import TRAIT
from streams.core.playbooks_file import Reading, Use
from winback_sender.documents.faults import Path
from winback_sender.law.rules import CARRIES, Law
from winback_sender.law.shipped import SHIPPED
from winback_sender.law.template_rules import Objection, Template, objections, tag_objections


class Finding(NamedTuple):
    """An objection and its place.

    Attributes:
        provider: Whose it is.
        template: Key of the template.
        level: ``error``, or ``warning``: the rule could not be confirmed.
        what: The objection.
        file: Of the template.
        line: Of the template, from 1.
        column: Of its text, from 1.
        rule: Id of the rule that says so; empty = no rule of law, but common sense.
        source: Where the rule is written.
        published: Of which day its page is, empty = the page does not say.
        hint: What to do about it.
    """

    provider: str
    template: str
    level: str
    what: str
    file: str
    line: int
    column: int
    rule: str = ""
    source: str = ""
    published: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        said = f"{place}: {self.level}: {self.template} at {self.provider}: {self.what}"
        said = f"{said}; {self.hint}" if self.hint else said
        if not self.rule:
            return said
        dated = f", {self.published}" if self.published else ""
        return f"{said} [{self.rule}, {self.source}{dated}]"


def finding_of(
    objection: Objection, provider: str, template: str, file: str, place: tuple[int, int]
) -> Finding:
    """Return an objection at its place."""
    source = objection.rule.source
    return Finding(
        provider, template, objection.level, objection.what, file, *place,
        objection.rule.id, source.url, source.published, objection.hint,
    )  # fmt: skip


def checked_providers(reading: Reading, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the providers whose rules the templates of a file must keep: of channels in use.

    Args:
        reading: The playbooks.
        wanted: Of these alone; none: of those that the file names, or of all.
    """
    channels = {use.step.channel for use in reading.uses}
    named = wanted or (CARRIES if reading.head.providers is None else reading.head.providers)
    return tuple(name for name in named if CARRIES.get(name) in channels)


def findings(reading: Reading, law: Law = SHIPPED, wanted: Sequence[str] = ()) -> list[Finding]:
    """Return what providers object to, each once, in the order of the file."""
    providers = checked_providers(reading, wanted)
    found = dict.fromkeys(_findings(reading, law, providers))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def shown(use: Use) -> dict[str, str]:
    """Return the params of a step as a user sees them of whom no trait is known."""
    params = use.step.params
    return {name: TRAIT.sub(lambda place: place[2], text) for name, text in params.items()}


def _findings(reading: Reading, law: Law, providers: Iterable[str]) -> Iterator[Finding]:
    templates = reading.head.templates or {}
    document, base = reading.source.document, reading.source.base
    for use in reading.uses:
        key = use.step.template_key
        own = [name for name in providers if CARRIES[name] == use.step.channel]
        for name in own:
            yield from _of_tags(reading, use, name, law)
        if key not in templates:
            continue
        place = document.place((*base, "templates", key, "text"))
        template = Template(templates[key].text, templates[key].kind)
        for name in own:
            for objection in objections(template, name, shown(use), law):
                yield finding_of(objection, name, key, document.name, place)


def _of_tags(reading: Reading, use: Use, provider: str, law: Law) -> Iterator[Finding]:
    """Yield categories that the offer of a step, or the purpose of its playbook, belongs to."""
    document, key = reading.source.document, use.step.template_key
    path: Path = (*use.path, "offer")
    for objection in tag_objections(provider, use.step.offer.values(), law):
        yield finding_of(objection, provider, key, document.name, document.place(path))
    for objection in tag_objections(provider, [use.purpose], law):
        yield finding_of(objection, provider, key, document.name, document.place(use.path))
