"""Examples of public specifications, what we make of them, and the tables that say so.

The examples are of our own hand: the same fields and kinds of values as in the specification, and
what decides as it stands there. ``python -m tests.unit.intake.spec`` writes the tables anew.
"""

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path as File
from typing import Any, Final, NamedTuple

from msgspec.structs import astuple

from streams.core.decoded import Headers, Rejected, Skipped
from streams.core.sources import Form, Path, Source
from streams.core.time import iso
from streams.intake.fact import Facts
from streams.intake.formats.catalogue import format_of
from streams.intake.wire.json_values import json_parse_as

RECORD_MS: Final = 1_800_000_000_000
"""When all records were written that do not say: after all of their events."""
PAGES: Final = {"segment": "segment.md", "sensors": "sensors.md", "cloudevents": "cloudevents.md"}
DOCS: Final = File(__file__).parents[3] / "docs" / "formats"
BEGIN: Final = "<!-- examples: written by python -m tests.unit.intake.spec -->\n"
DIGEST: Final = re.compile("[0-9a-f]{32}")
"""Of the bytes of a record, where nothing better is known."""
END: Final = "<!-- end of examples -->\n"

Told = Facts | Rejected | Skipped


class Example(NamedTuple):
    """One example of a specification.

    Attributes:
        title: What it is called there, or shows.
        address: Of the page.
        value: Of the record, as JSON.
        told: What it is understood as, in the words of `said`.
        headers: Of the record.
        paths: That a mapping reads.
    """

    title: str
    address: str
    value: str
    told: str
    headers: Headers = ()
    paths: tuple[Path, ...] = ()


def read(form: Form, value: bytes | None, **other: Any) -> Told:
    """Return what a record says by its format.

    Args:
        form: The format.
        value: Of the record.
        other: ``paths``, ``headers``, ``at_ms`` of the record, and fields of its `Source`.
    """
    paths, headers = other.pop("paths", ()), other.pop("headers", ())
    at_ms = other.pop("at_ms", RECORD_MS)
    source = Source(topic="t", form=form, **other)
    return format_of(form).make_read(source, paths, json_parse_as)(None, value, at_ms, headers)


def said(told: Told) -> str:
    """Return in words what a record was understood as."""
    if isinstance(told, Rejected):
        return f"refused, {told.reason}: {told.detail}"
    if isinstance(told, Skipped):
        return f"skipped: {told.reason}"
    return "; ".join(_fact(*astuple(fact)[:5]) for fact in told)


def _fact(name: str, event_id: str, at_ms: int, user_id: str, anonymous_id: str) -> str:
    who = " and ".join(
        f"{kind} `{text}`"
        for kind, text in (("user", user_id), ("anonymous", anonymous_id))
        if text
    )
    at = f" at {iso(at_ms).replace('.000Z', 'Z')}" if at_ms else ", no time"
    known = f", id `{DIGEST.sub('digest', event_id)}`" if event_id else ", no id"
    return f"`{name}` of {who or 'nobody'}{at}{known}"


def table(examples: Sequence[Example]) -> str:
    """Return the table of a page."""
    rows = (
        f"| [{example.title}]({example.address}) | {example.told.replace('|', chr(92) + '|')} |\n"
        for example in examples
    )
    return "| example | understood as |\n|---|---|\n" + "".join(rows)


def parts(page: str) -> tuple[str, str, str]:
    """Return a page before, in and after its table."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before, inside, after


def main() -> None:
    """Write the tables into the pages."""
    for name, file in PAGES.items():
        examples = import_module(f"tests.unit.intake.spec_{name}").EXAMPLES
        page = DOCS / file
        before, _, after = parts(page.read_text(encoding="utf-8"))
        page.write_text(f"{before}{BEGIN}{table(examples)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
