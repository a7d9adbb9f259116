"""A touch as a line of a call list, and a list as a file that Excel opens in Chinese."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from winback_sender.adapters.wording import TEMPLATES
from winback_sender.call_lists.cells import cell, phone_cell
from winback_sender.call_lists.columns import COLUMNS, QUADRANTS, Language
from winback_sender.contract.messages import TouchRequested
from winback_sender.receipt import NotSentError
from winback_sender.templating.templates import TemplateBook
from winback_sender.templating.templates_file import filled

BOM: Final = "\ufeff"
"""Without it Excel takes UTF-8 for the encoding of the machine."""
REASONS_MAX: Final = 3
PROVIDER: Final = "call_list"


def line_of(
    touch: TouchRequested, phone: str, say: str, language: Language, zone: ZoneInfo
) -> list[str]:
    """Return the cells of a touch, in the order of `COLUMNS`.

    Args:
        touch: Who is to be called, and why.
        phone: The number, E.164.
        say: What to say.
        language: Of the words.
        zone: Of the instants.
    """
    quadrant = QUADRANTS.get(touch.priority.quadrant, {})
    offer = "; ".join(f"{name}: {value}" for name, value in touch.offer.items())
    cells = {
        "priority": quadrant.get(language, touch.priority.quadrant),
        "user_id": touch.user_id,
        "tier": touch.user.value_tier,
        "last_active": _local(touch.user.last_active_at, zone)[:10],
        "why": ("；" if language == "zh" else "; ").join(_reasons(touch, language)),
        "say": say,
        "offer": offer,
        "until": _local(touch.expires_at, zone),
        "touch_id": touch.touch_id,
    }
    line = {column: cell(cells.get(column, "")) for column in COLUMNS} | {
        "phone": phone_cell(phone)
    }
    return list(line.values())


def order_of(touch: TouchRequested) -> tuple[int, float, str]:
    """Return what a list is sorted by: quadrant, then expected loss, then what expires first."""
    places = list(QUADRANTS)
    quadrant = touch.priority.quadrant
    place = places.index(quadrant) if quadrant in places else len(places)
    return place, -(touch.priority.rank or 0.0), touch.expires_at


def file_of(lines: Iterable[list[str]], language: Language) -> bytes:
    """Return the bytes of a list."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings[language] for headings in COLUMNS.values())
    writer.writerows(lines)
    return (BOM + text.getvalue()).encode()


def words_of(touch: TouchRequested, book: TemplateBook, language: Language) -> str:
    """Return what staff are to say: the text of the template, else the shipped words of its key.

    Raises:
        NotSentError: The template has variables that the touch lacks.
    """
    try:
        template = book.lookup(PROVIDER, touch.template_key)
    except NotSentError:
        return TEMPLATES.get(touch.template_key, {}).get(language, touch.template_key)
    book.values(template, touch.params)
    return filled(template.text, touch.params)


def _reasons(touch: TouchRequested, language: Language) -> list[str]:
    """Return what speaks for leaving, the strongest first."""
    against = sorted(
        (reason for reason in touch.risk.reasons if reason.weight > 0),
        key=lambda reason: -reason.weight,
    )
    return [getattr(reason.text, language) for reason in against[:REASONS_MAX]]


def _local(at_iso: str, zone: ZoneInfo) -> str:
    """Return an instant as ``2026-11-22 15:04`` in a zone; what is none is shown as it came."""
    try:
        at = datetime.fromisoformat(at_iso)
    except ValueError:
        return at_iso
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
