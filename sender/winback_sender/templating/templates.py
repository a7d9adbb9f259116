"""Templates: which template of a provider stands for a template key, and what its variables get."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class ProviderTemplate(msgspec.Struct, frozen=True):
    """A template as one provider has approved it.

    Attributes:
        id: What the provider calls it: ``SMS_123456``, ``1400001``.
        sign: The signature, where the provider has one (``某商城``).
        params: Names of the touch's params in the provider's order; for a provider with named
            variables, its name to the touch's param: ``{"name": "first_name"}``. Empty: the
            variables of the text, by their own names.
        text: The approved text, with ``${name}``, for checks and for channels that send text.
        url: Where a click leads, where the provider has one.
        extra: What else this provider needs.
        kind: ``notice``, ``promotion``, or empty: nobody said.
        provider: Whose it is.
    """

    id: str = ""
    sign: str = ""
    params: tuple[str, ...] | dict[str, str] = ()
    text: str = ""
    url: str = ""
    extra: dict[str, str] = {}
    kind: str = ""
    provider: str = ""


class TemplateBook(Protocol):
    """Looks templates up."""

    def lookup(self, provider: str, template_key: str) -> ProviderTemplate:
        """Return the template of a provider.

        Raises:
            NotSentError: `Why.NO_TEMPLATE`.
        """

    def values(self, template: ProviderTemplate, params: Mapping[str, str]) -> dict[str, str]:
        """Return the provider's variables, by its names (positions ``1``, ``2``, … in order).

        Raises:
            NotSentError: `Why.BAD_VARIABLES`: one is missing, or is not allowed.
        """
