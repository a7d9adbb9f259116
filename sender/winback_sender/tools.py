"""What an adapter is made with."""

from collections.abc import Mapping
from typing import NamedTuple

from winback_sender.addresses.book import AddressBook
from winback_sender.templating.templates import TemplateBook


class Tools(NamedTuple):
    """What an adapter is made with.

    Attributes:
        addresses: Knows the contact addresses.
        templates: Knows the providers' templates.
        environ: The environment: the adapter's own settings and secrets are in it.
    """

    addresses: AddressBook
    templates: TemplateBook
    environ: Mapping[str, str]
