"""When two spellings of an address are one: a reply comes in the provider's, the book has ours."""

from winback_sender.addresses.phone import normalise
from winback_sender.receipt import NotSentError


def canonical(address: str) -> str:
    """Return the one spelling of a phone number or an e-mail address; anything else as it is.

    The part before the @ of an e-mail is for its host to tell apart; no large host does.
    """
    try:
        return normalise(address)
    except NotSentError:
        text = address.strip()
        return text.lower() if "@" in text else text
