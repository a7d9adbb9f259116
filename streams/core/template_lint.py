"""What the providers of its channels would have against the templates of a file."""

from collections.abc import Iterator
from typing import NamedTuple

from streams.core.playbook import TRAIT
from streams.core.playbooks_file import Reading
from winback_sender.documents.faults import Fault
from winback_sender.law.template_rules import PROVIDERS, Objection, Template, objections


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
    """

    provider: str
    template: str
    level: str
    what: str
    file: str
    line: int
    column: int

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.level}: {self.template} at {self.provider}: {self.what}"


def checked_providers(reading: Reading) -> tuple[str, ...]:
    """Return the providers whose rules the templates of a file must keep: of channels in use."""
    channels = {use.step.channel for use in reading.uses}
    wanted = PROVIDERS if reading.head.providers is None else reading.head.providers
    return tuple(name for name in wanted if PROVIDERS[name].channel in channels)


def findings(reading: Reading) -> list[Finding]:
    """Return what providers object to, each once, in the order of the file."""
    found = dict.fromkeys(_findings(reading))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _findings(reading: Reading) -> Iterator[Finding]:
    templates = reading.head.templates or {}
    document, base = reading.source.document, reading.source.base
    for use in reading.uses:
        key = use.step.template_key
        if key not in templates:
            continue
        fault = Fault((*base, "templates", key, "text"), "")
        place = document.place(fault.path)
        template = Template(templates[key].text, templates[key].kind)
        for provider, objection in _objections(
            reading, use.step.channel, template, _shown(use.step.params)
        ):
            yield Finding(provider, key, *objection, document.name, *place)


def _objections(
    reading: Reading, channel: str, template: Template, values: dict[str, str]
) -> Iterator[tuple[str, Objection]]:
    for name in checked_providers(reading):
        if PROVIDERS[name].channel == channel:
            for objection in objections(template, PROVIDERS[name], values):
                yield name, objection


def _shown(params: dict[str, str]) -> dict[str, str]:
    """Return params as a user sees them of whom no trait is known."""
    return {name: TRAIT.sub(lambda place: place[2], text) for name, text in params.items()}
