"""The address of a touch, or the reason why there is none."""

from winback_sender.addresses.book import AddressBook
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError


def address_for(touch: TouchRequested, book: AddressBook) -> str:
    """Return where a touch goes.

    Raises:
        NotSentError: There is no address, or the book cannot answer now.
    """
    address = book.resolve(touch.user_id, touch.channel)
    if address is None:
        raise NotSentError(Why.NO_ADDRESS, HARD)
    return address
