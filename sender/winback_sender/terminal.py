"""What others have written, as a terminal may show it.

An id, a topic's name or a value comes from whoever may write to Kafka. Raw, ESC moves the cursor,
a bidi override turns a line around, and a line break makes up another line.
"""

from typing import Any


def printable(text: str, longest: int | None = None) -> str:
    """Return a text on one line, in which every mark can be seen; what cannot is escaped."""
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)
    if longest is None or len(text) <= longest:
        return text
    return f"{text[: longest - 1]}…"


def json_text(facts: Any) -> str:
    """Return facts as one JSON value that harms no terminal and means the same to a program."""
    import msgspec  # noqa: PLC0415 (quick --help)

    return harmless_json(msgspec.json.encode(facts).decode())


def harmless_json(text: str) -> str:
    """Return one value of JSON that means the same, with what cannot be seen escaped."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else _escaped(mark) for mark in text)


def _escaped(mark: str) -> str:
    units = mark.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
