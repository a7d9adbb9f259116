"""Formats: which module reads what, and what it is called there that a mapping may need.

A module of a format has four names: ``make_read``, ``make_plain``, ``PLACES`` and ``PROFILE``.
"""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Final, NamedTuple, cast

from streams.core.sources import Form, Path, Source
from streams.intake.fact import ParseAs, Plain, Read

MakeRead = Callable[[Source, Collection[Path], ParseAs], Read]
"""``make_read(source, paths, parse_as)``: only what the format needs and the paths lead to is read.

Formats leave out what a record does not say, an id or a time: the mapping may know it better, and
refuses the record if it does not.
"""
MakePlain = Callable[[Source, Collection[Path], ParseAs], Plain]
"""As `MakeRead`, of records that say one usual thing."""


class Format(NamedTuple):
    """What is known of a format.

    Attributes:
        make_read: Makes its reader.
        make_plain: Makes the reader of what nearly all of its records are.
        places: Where it has ``event``, ``id``, ``user``, ``anonymous`` and ``time``, for messages:
            ``{"id": "$.messageId"}``; a place that it does not have is missing.
        profile: Event names that tell of a user, not of an act: no activity unless a rule says so.
    """

    make_read: MakeRead
    make_plain: MakePlain
    places: Mapping[str, str]
    profile: frozenset[str]


MODULES: Final = {
    Form.SEGMENT: "segment",
    Form.SENSORS: "sensors",
    Form.CLOUDEVENTS: "cloudevents",
    Form.DEBEZIUM: "debezium",
    Form.CANAL: "canal",
    Form.JSON: "plain",
}
"""Form to its module in this package; native events need none."""


def format_of(form: Form) -> Format:
    """Return what is known of a format; its module is read when it is asked for."""
    module = import_module(f"{__package__}.{MODULES[form]}")
    places = cast("Mapping[str, str]", module.PLACES)
    return Format(module.make_read, module.make_plain, places, frozenset(module.PROFILE))
