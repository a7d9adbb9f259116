"""Dead letters as people and programs see them: nobody is named, and no byte harms a terminal."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from streams.core.time import iso
from streams.replay.letters import Judged
from streams.runtime.dead_letter_survey import Survey
from streams.runtime.dead_letters import TOLD
from streams.runtime.letters import Letter, Opened
from winback_sender.terminal import printable

Who = Callable[[bytes | None, int], str]
"""Names the owner of a key at an instant without naming him."""

BYTES_SHOWN: Final = 2_000
DETAIL_SHOWN: Final = 300
KEY_SHOWN: Final = 60
WHO_SHOWN: Final = 12
REASON_SHOWN: Final = 40
HIDDEN: Final = "quotes the record: --show-data"


def shown(survey: Survey, limit: int, *, is_all: bool) -> list[Letter]:
    """Return the newest letters, oldest first."""
    letters = survey.open()
    if is_all:
        letters = sorted(survey.letters.values(), key=lambda one: (one.aside_ms, one.place))
    return letters[-limit:] if limit else []


def row(survey: Survey, letter: Letter, who: Who, *, show_data: bool) -> dict[str, Any]:
    """Return one letter as fields."""
    word = survey.words.get(letter.place)
    key = survey.keys.get(letter.place)
    first_reason, first_at = survey.first(letter)
    return {
        "name": str(letter.place),
        "reason": letter.reason,
        "detail": _detail(letter, show_data=show_data),
        "put_aside": iso(letter.aside_ms),
        "bytes": letter.size,
        "is_whole": letter.is_whole,
        "key": safe(key, KEY_SHOWN) if show_data else None,
        "user": who(key, letter.aside_ms),
        "attempts": survey.attempts(letter.place),
        "first_reason": first_reason,
        "first_put_aside": first_at,
        "state": "open" if word is None else word.what,
        "closed": None if word is None else {"at": word.at, "by": word.by, "reason": word.reason},
    }


def table(survey: Survey, limit: int, who: Who, *, is_all: bool, show_data: bool) -> Iterable[str]:
    """Return the newest letters, a line each."""
    letters = shown(survey, limit, is_all=is_all)
    if not letters:
        return
    width = max(len(str(letter.place)) for letter in letters)
    key_head = "key" if show_data else "who"
    yield f"{'name':{width}}  {'put aside':24}  {'reason':14} {'bytes':>9} {'sent':>4}  {key_head}"
    for letter in letters:
        fields = row(survey, letter, who, show_data=show_data)
        said = fields["key"] if show_data else str(fields["user"])[:WHO_SHOWN]
        state = "" if fields["state"] == "open" else f"  {fields['state']}"
        yield printable(
            f"{letter.place!s:{width}}  {fields['put_aside']:24}  "
            f"{letter.reason[:REASON_SHOWN]:14} {letter.size:>9,} {fields['attempts']:>4}  "
            f"{said or '-'}{state}"
        )


def facts_of(
    opened: Opened, survey: Survey, judged: Judged, who: Who, *, show_data: bool
) -> dict[str, Any]:
    """Return all that is known of one letter."""
    letter = opened.letter
    kept = TOLD if not show_data else None
    now = {"outcome": judged.outcome, "reason": judged.reason or None,
           "detail": judged.detail if kept is None or judged.reason in kept else HIDDEN,
           "sent_as": [send.topic for send in judged.sends]}  # fmt: skip
    headers = {
        printable(name, REASON_SHOWN): safe(value, BYTES_SHOWN) if show_data else f"{len(value)} B"
        for name, value in opened.headers
    }
    return {
        **row(survey, letter, who, show_data=show_data),
        "record_timestamp": iso(letter.record_ms),
        "headers": headers,
        "value": safe(opened.value, BYTES_SHOWN) if show_data else None,
        "now": now if judged.detail else {**now, "detail": ""},
    }


def page(facts: dict[str, Any]) -> Iterable[str]:
    """Return the same for people, a line each."""
    return map(printable, _lines(facts))


def _lines(facts: dict[str, Any]) -> Iterable[str]:
    for name, value in facts.items():
        if name == "now":
            why = " ".join(filter(None, (value["reason"], value["detail"])))
            yield f"{'rules now':17} {value['outcome']}" + (f": {why}" if why else "")
        elif name == "headers":
            for header, said in value.items():
                yield f"{'header':17} {header}: {said}"
        elif name == "value":
            yield f"{name:17} {'hidden: --show-data' if value is None else value}"
        elif value is not None and value != "":
            yield f"{name:17} {value}"


def safe(data: bytes | None, longest: int) -> str:
    """Return bytes as text that a terminal can show, cut; what is no text is escaped."""
    if data is None:
        return ""
    more = f"… ({len(data):,} B)" if len(data) > longest else ""
    text = data[:longest].decode(errors="backslashreplace")
    return printable(text) + more


def _detail(letter: Letter, *, show_data: bool) -> str:
    if show_data or letter.reason in TOLD:
        return printable(letter.detail, DETAIL_SHOWN)
    return HIDDEN if letter.detail else ""
