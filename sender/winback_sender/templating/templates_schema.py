"""The file of templates as it is written, with what editors show of it."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from winback_sender.documents.strict import Version
from winback_sender.law.rules import CARRIES, FREE

ANY: Final = "any"
"""Instead of a provider: what holds for all that do not say it themselves."""

PROVIDERS: Final = (*CARRIES, *FREE)
"""Names of providers that are known; a file may declare more of its own."""

Key = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(min_length=1, max_length=2_000)]


class EntryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template as one provider has approved it; what is left out is taken from `any`."""

    id: Annotated[Key | None, Meta(description="What the provider calls it: SMS_123456.")] = None
    sign: Annotated[Key | None, Meta(description="The signature, without 【】.")] = None
    params: Annotated[
        list[str] | dict[str, str] | None,
        Meta(
            description="The touch's params in the provider's order; or the provider's variable "
            "to the touch's param. None: the variables of the text, by their own names."
        ),
    ] = None
    text: Annotated[Line | None, Meta(description="As approved; variables are ${name}.")] = None
    kind: Annotated[
        Literal["notice", "promotion"] | None,
        Meta(description="A promotion advertises; not said, a touch counts as marketing."),
    ] = None
    url: Annotated[Line | None, Meta(description="Where a click leads.")] = None
    extra: Annotated[
        dict[str, str], Meta(description="What else this provider needs; see its page.")
    ] = {}


class TemplatesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Template key to provider to the template that stands for it."""

    templates: dict[Key, dict[str, EntryFile]]
    version: Version = 1
    providers: Annotated[
        list[Key], Meta(description="Names of providers of your own, besides those known.")
    ] = []


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    made = msgspec.json.schema(TemplatesFile)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "winback templates"
    of_key = made["$defs"]["TemplatesFile"]["properties"]["templates"]["additionalProperties"]
    of_key["properties"] = {name: {"$ref": "#/$defs/EntryFile"} for name in (ANY, *PROVIDERS)}
    return made


def page() -> str:
    """Return the JSON Schema as it is stored."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
