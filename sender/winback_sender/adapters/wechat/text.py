"""The text of a message that providers take as it is."""

import re
from collections.abc import Mapping

from winback_sender.contract.words import Why
from winback_sender.law.template_rules import VARIABLE
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import ProviderTemplate


def text_of(
    template: ProviderTemplate, values: Mapping[str, str], params: Mapping[str, str], bytes_max: int
) -> str:
    """Return a template's text with its variables, by the provider's names or the touch's.

    Raises:
        NotSentError: A variable is missing, or the text is empty or too long.
    """
    known = {**params, **values}

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise NotSentError(Why.BAD_VARIABLES)
        return known[found[1]]

    text = VARIABLE.sub(value, template.text)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:  # Half of a character.
        raise NotSentError(Why.BAD_VARIABLES) from error
    if not text.strip() or size > bytes_max:
        raise NotSentError(Why.BAD_VARIABLES)
    return text
