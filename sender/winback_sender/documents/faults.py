"""What is wrong with a file that people write: where, what, and what may have been meant."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple

Path = tuple[str | int, ...]
"""Where a value stands in a document: names of fields and places in lists, outermost first."""


WORD_MAX: Final = 100
"""Characters of a word that may have been meant otherwise; to compare longer ones takes long."""


class Fault(NamedTuple):
    """Something wrong at a place of a document.

    Attributes:
        path: Of the value.
        what: What is wrong, with the value in question.
        hint: What would be right, empty = that is said already.
        is_of_name: The name of the field is wrong, not its value.
    """

    path: Path
    what: str
    hint: str = ""
    is_of_name: bool = False


class Complaint(NamedTuple):
    """A fault as it is told: line and column count from 1."""

    file: str
    line: int
    column: int
    what: str
    hint: str = ""

    def __str__(self) -> str:
        said = f"{self.file}:{self.line}:{self.column}: {self.what}"
        return f"{said}; {self.hint}" if self.hint else said


class RulesRefused(ValueError):  # noqa: N818  # named for what happened, as `Rejected` is
    """Rules or playbooks cannot be used; the message says where and why, a line each.

    Attributes:
        complaints: All that is wrong, as far as it is known apart from each other.
    """

    def __init__(self, message: str, complaints: Iterable[Complaint] = ()) -> None:
        super().__init__(message)
        self.complaints = tuple(complaints)


def refused(complaints: Sequence[Complaint]) -> RulesRefused:
    """Return the exception that says all complaints, in the order of the files' lines."""
    ordered = sorted(set(complaints))
    return RulesRefused("\n".join(map(str, ordered)), ordered)


def meant(word: object, known: Iterable[str], *, says_all: bool = True) -> str:
    """Return a suggestion: the nearest of the known words, or all of them when none is near.

    Args:
        word: What was written.
        known: What may be written.
        says_all: Whether to name all words when none is near.
    """
    words, written = list(known), str(word)
    near = get_close_matches(written, words, n=1) if len(written) <= WORD_MAX else []
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are: {', '.join(words)}" if says_all and words else ""
