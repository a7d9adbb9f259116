"""What adapters are made with in stories."""

from collections.abc import Mapping

from winback_sender.contract.words import Why
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.tools import Tools


class Book:
    """Knows the addresses that it is given, by user id."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def resolve(self, user_id: str, channel: str) -> str | None:
        del channel
        return self._addresses.get(user_id)

    def find(self, channel: str, address: str) -> str | None:
        del channel
        return {found: user for user, found in self._addresses.items()}.get(address)

    def close(self) -> None:
        pass


class Templates:
    """Knows the templates that it is given, by template key."""

    def __init__(self, templates: Mapping[str, ProviderTemplate]) -> None:
        self._templates = templates

    def lookup(self, provider: str, template_key: str) -> ProviderTemplate:
        del provider
        if template_key not in self._templates:
            raise NotSentError(Why.NO_TEMPLATE)
        return self._templates[template_key]

    def values(self, template: ProviderTemplate, params: Mapping[str, str]) -> dict[str, str]:
        named = template.params
        if not isinstance(named, dict):
            named = {str(place): name for place, name in enumerate(named, 1)}
        if missing := [name for name in named.values() if name not in params]:
            raise NotSentError(Why.BAD_VARIABLES + f": {missing}")
        return {theirs: params[ours] for theirs, ours in named.items()}


def tools(
    environ: Mapping[str, str],
    addresses: Mapping[str, str] | None = None,
    templates: Mapping[str, ProviderTemplate] | None = None,
) -> Tools:
    """Return tools; ``ada`` has a phone."""
    book = Book({"ada": "138 0013 8000"} if addresses is None else addresses)
    return Tools(book, Templates(templates or {}), environ)
