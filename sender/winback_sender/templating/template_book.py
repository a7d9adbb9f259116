"""The templates of a file, looked up while touches are sent; a saved file is taken over at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from winback_sender.contract.words import Why
from winback_sender.documents.faults import RulesRefused
from winback_sender.errors import UserError
from winback_sender.law.rules import Law
from winback_sender.law.shipped import SHIPPED
from winback_sender.law.template_rules import value_objections
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.templating.templates_file import TemplatesReading, sound_templates, variables_of

log = get_logger(__name__)

Mark = tuple[int, int, int]


class _Taken(NamedTuple):
    """A file as it was read, and what was looked up in it; replaced as one, for all threads."""

    reading: TemplatesReading
    found: dict[tuple[str, str], ProviderTemplate]


class FileTemplates:
    """A `TemplateBook` of a YAML file.

    A file that cannot be used is refused with its faults, when the sender starts; while it runs,
    the templates stay as they were and the log says so.
    """

    def __init__(self, path: Path | str, law: Law = SHIPPED) -> None:
        """Read a file.

        Raises:
            UserError: It cannot be read, or not be used.
        """
        self._path, self._law = Path(path), law
        self._mark = self._look()
        self._taken = _Taken(self._read(), {})

    def lookup(self, provider: str, template_key: str) -> ProviderTemplate:
        """Return the template of a provider.

        Raises:
            NotSentError: There is none, or it has not all that the provider needs.
        """
        self._follow()
        taken, place = self._taken, (provider, template_key)
        template = taken.found.get(place) or self._usable(taken.reading, *place)
        if template is None:
            raise NotSentError(Why.NO_TEMPLATE)
        taken.found[place] = template
        return template

    def values(self, template: ProviderTemplate, params: Mapping[str, str]) -> dict[str, str]:
        """Return the provider's variables, by its names or positions, in its order.

        Raises:
            NotSentError: One is missing or empty, or the provider would not take it.
        """
        return checked_values(template, params, self._law)

    def kind(self, provider: str, template_key: str) -> str:
        """Return the kind of a template: ``notice``, ``promotion``, or nothing if unsaid."""
        try:
            return self.lookup(provider, template_key).kind
        except NotSentError:
            return ""

    def _usable(
        self, reading: TemplatesReading, provider: str, key: str
    ) -> ProviderTemplate | None:
        template = reading.entry(provider, key)
        needs = self._law.value(provider, "needs", ())
        if template is None or not all(getattr(template, field) for field in needs):
            return None
        return template

    def _look(self) -> Mark | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _follow(self) -> None:
        """Take a changed file over."""
        mark = self._look()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            reading = self._read()
        except UserError as error:
            path, why = str(self._path), error.message
            log.error("templates_refused", path=path, why=why)  # noqa: TRY400  # no stack trace
            return
        self._taken = _Taken(reading, {})
        log.info("templates_taken", path=str(self._path), keys=len(reading.file.templates))

    def _read(self) -> TemplatesReading:
        try:
            text = self._path.read_text(encoding="utf-8")
            return sound_templates(text, str(self._path))
        except (OSError, UnicodeDecodeError) as error:
            what = f"the templates {self._path} cannot be read: {error}"
            raise UserError(what, "check that the file is there, and UTF-8") from None
        except RulesRefused as refusal:
            raise UserError(str(refusal), "winback templates lint says more") from None


class NoTemplates:
    """A `TemplateBook` without any: for adapters that make their own words of a touch."""

    def lookup(self, provider: str, template_key: str) -> ProviderTemplate:
        """Raise `NotSentError`."""
        del provider, template_key
        raise NotSentError(Why.NO_TEMPLATE)

    def values(self, template: ProviderTemplate, params: Mapping[str, str]) -> dict[str, str]:
        """Return the provider's variables, as `FileTemplates` does."""
        return checked_values(template, params, SHIPPED)

    def kind(self, provider: str, template_key: str) -> str:
        """Return nothing: nobody said."""
        del provider, template_key
        return ""


def checked_values(
    template: ProviderTemplate, params: Mapping[str, str], law: Law
) -> dict[str, str]:
    """Return the values of a template's variables, as its provider takes them.

    Raises:
        NotSentError: `Why.BAD_VARIABLES`. Rules that could not be confirmed are passed over.
    """
    values = {}
    for name, param in variables_of(template).items():
        value = params.get(param, "")
        if not value.strip():
            raise NotSentError(Why.BAD_VARIABLES)
        values[name] = value
    for objection in value_objections(template.provider, values, law):
        if objection.level == "error":
            raise NotSentError(Why.BAD_VARIABLES)
    return values
