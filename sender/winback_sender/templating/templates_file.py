"""Reading a file of templates: all that is wrong is said at once, each with line and column."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from winback_sender.contract.words import Why
from winback_sender.documents.faults import Complaint, Fault, meant, refused
from winback_sender.documents.strict import converted
from winback_sender.documents.yaml_nodes import Document, read_document
from winback_sender.law.template_rules import VARIABLE
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.templating.templates_schema import ANY, PROVIDERS, EntryFile, TemplatesFile

_NOTHING: Final = EntryFile()


class TemplatesReading(NamedTuple):
    """What a file of templates says.

    Attributes:
        document: The file.
        file: Its content; empty where it cannot be understood.
        complaints: All that is wrong.
    """

    document: Document
    file: TemplatesFile
    complaints: tuple[Complaint, ...]

    def entry(self, provider: str, key: str) -> ProviderTemplate | None:
        """Return what stands for a key at a provider, or None where nothing does."""
        entries = self.file.templates.get(key)
        own = None if entries is None else entries.get(provider)
        shared = None if entries is None else entries.get(ANY)
        if own is None and shared is None:
            return None
        return _merged(own or _NOTHING, shared or _NOTHING, provider)

    @property
    def named(self) -> tuple[str, ...]:
        """Providers that have an entry of their own."""
        found = {name for entries in self.file.templates.values() for name in entries}
        return tuple(sorted(found - {ANY}))

    def place(self, key: str, provider: str, field: str) -> tuple[int, int]:
        """Return line and column of a field, where it is written: at the provider or at `any`."""
        entries = self.file.templates.get(key, {})
        for name in (provider, ANY):
            entry = entries.get(name)
            if entry is not None and getattr(entry, field, None):
                return self.document.place(("templates", key, name, field))
        return self.document.place(("templates", key, provider))


def read_templates(text: str, name: str) -> TemplatesReading:
    """Read a file of templates; what is wrong is among the complaints.

    Raises:
        RulesRefused: It is no YAML.
    """
    document = read_document(text, name)
    file, faults = converted(document.data, TemplatesFile)
    file = file or _what_is_sound(document.data)
    faults += list(_faults(file))
    complaints = tuple(sorted({document.complaint(fault) for fault in faults}))
    return TemplatesReading(document, file, complaints)


def sound_templates(text: str, name: str) -> TemplatesReading:
    """Read a file of templates that has to be usable.

    Raises:
        RulesRefused: With everything that is wrong in it.
    """
    reading = read_templates(text, name)
    if reading.complaints:
        raise refused(reading.complaints)
    return reading


def variables_of(template: ProviderTemplate) -> dict[str, str]:
    """Return the provider's name of each variable to the touch's param; positions from 1."""
    if isinstance(template.params, Mapping):
        return dict(template.params)
    if template.params:
        return {str(place): name for place, name in enumerate(template.params, 1)}
    return {name: name for name in dict.fromkeys(VARIABLE.findall(template.text))}


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with values in the place of ``${name}``.

    Raises:
        NotSentError: One is missing.
    """
    try:
        return VARIABLE.sub(lambda found: values[found[1]], text)
    except KeyError:
        raise NotSentError(Why.BAD_VARIABLES) from None


def _what_is_sound(data: Any) -> TemplatesFile:
    """Return the entries that can be read, so that one fault does not hide another."""
    templates = data.get("templates") if isinstance(data, dict) else None
    sound: dict[str, dict[str, EntryFile]] = {}
    for key, entries in templates.items() if isinstance(templates, dict) else ():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            read, _ = converted(entry, EntryFile)
            if read is not None:
                sound.setdefault(str(key), {})[str(name)] = read
    named = data.get("providers", []) if isinstance(data, dict) else []
    own = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return TemplatesFile(templates=sound, providers=own)


def _faults(file: TemplatesFile) -> Iterator[Fault]:
    known = (ANY, *PROVIDERS, *file.providers)
    for key, entries in file.templates.items():
        shared = entries.get(ANY, _NOTHING)
        for name, entry in entries.items():
            path = ("templates", key, name)
            if name not in known:
                hint = meant(name, known) + "; one of your own goes into `providers`"
                yield Fault(path, f"provider {name!r} is unknown", hint, is_of_name=True)
            yield from _of_variables(_merged(entry, shared, name), path)


def _of_variables(template: ProviderTemplate, path: tuple[str, ...]) -> Iterator[Fault]:
    """Yield where the variables of the text and the params do not fit together."""
    found = list(dict.fromkeys(VARIABLE.findall(template.text)))
    if "" in found:
        yield Fault((*path, "text"), "a variable without a name: write it as in ${name}")
    if not template.params or not template.text:
        return
    named = set(variables_of(template).values())
    for name in sorted(named.difference(found)):
        hint = meant(name, found, says_all=False)
        yield Fault((*path, "params"), f"the text has no variable {name!r}", hint)
    for name in found:
        if name and name not in named:
            yield Fault((*path, "params"), f"the text needs the variable {name!r}", "add it")


def _merged(own: EntryFile, shared: EntryFile, provider: str) -> ProviderTemplate:
    params = own.params or shared.params or []
    return ProviderTemplate(
        id=own.id or shared.id or "",
        sign=own.sign or shared.sign or "",
        params=dict(params) if isinstance(params, dict) else tuple(params),
        text=own.text or shared.text or "",
        url=own.url or shared.url or "",
        extra=shared.extra | own.extra,
        kind=own.kind or shared.kind or "",
        provider=provider,
    )
