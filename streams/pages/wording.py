"""Texts in two languages."""

from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Text(NamedTuple):
    """A text in two languages; the names in braces are filled in."""

    en: str
    zh: str

    def say(self, language: Language, **facts: object) -> str:
        """Return the text with its facts."""
        text: str = getattr(self, language)
        return text.format(**facts)
