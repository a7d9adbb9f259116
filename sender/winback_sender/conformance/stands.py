"""The providers a sender can be tested against: their stand-ins, and how a sender finds them."""

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from winback_sender.conformance.letters import TEMPLATE, VARIABLE
from winback_sender.standins.addresses import Knows
from winback_sender.standins.postbox import Postbox
from winback_sender.standins.stand_in import Plan, StandIn


class Addresses(NamedTuple):
    """How a channel's addresses look.

    Attributes:
        of: Number of a user to the address as it should be.
        odd: The same as people write it; None where there is no such way.
        bad: What is no address.
        normal: Any way to write it to the one form by which two are compared.
    """

    of: Callable[[int], str]
    odd: Callable[[int], str] | None
    bad: str
    normal: Callable[[str], str]


class Stand(NamedTuple):
    """A provider.

    Attributes:
        channel: Of the touches that go through it.
        addresses: What it takes.
        make: Returns the stand-in of a plan, who knows whose address is what.
        environ: Variables that lead the sender there; the folder is for files that they name.
    """

    channel: str
    addresses: Addresses
    make: Callable[[Plan, Knows], StandIn]
    environ: Callable[[StandIn, Path], Mapping[str, str]]


def _phone(number: int) -> str:
    return f"138{number:08d}"


def _odd_phone(number: int) -> str:
    phone = _phone(number)
    full_width = "".join(chr(ord("０") + int(digit)) for digit in phone)
    spaced = f" {phone[:3]} {phone[3:7]} {phone[7:]} "
    return (spaced, f"+86{phone}", f"0086-{phone}", full_width, f"+86 {spaced}")[number % 5]


def _digits(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in plain if letter.isdecimal())[-11:]


def _itself(text: str) -> str:
    return text


PHONES: Final = Addresses(_phone, _odd_phone, "12345", _digits)


def _nothing(stand_in: StandIn, folder: Path) -> Mapping[str, str]:
    del stand_in, folder
    return {}


STANDS: Final[dict[str, Stand]] = {
    "postbox": Stand(
        "sms", PHONES, lambda plan, knows: Postbox(plan, knows, {TEMPLATE: (VARIABLE,)}), _nothing
    ),
}
"""Name, as in ``--provider NAME``, to the provider."""
