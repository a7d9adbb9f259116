"""Which dead letters are asked for, which were found, and what became of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import msgspec

from streams.core.time import iso
from streams.errors import UserError
from streams.runtime.letters import TEXT_MAX, Letter, Opened, Place, Word

LETTERS_MAX: Final = 200_000
"""Letters that are looked at together: some 100 MB."""
KEY_BYTES_KEPT: Final = 1_000
"""Of the key of each; no user's id is as long."""


@dataclass(slots=True)
class Wanted:
    """Which letters are asked for; what is empty or None asks for all.

    Attributes:
        places: Names.
        reasons: Reasons.
        topics: Topics that the records stood on.
        partition: Of these.
        since_ms: Put aside at or after, epoch ms UTC.
        until_ms: Put aside before.
        text: Stands in the key or in the value: a user's id, an order's number.
    """

    places: frozenset[Place] = frozenset()
    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    partition: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    text: bytes = b""

    def holds(self, opened: Opened) -> bool:
        """Return whether a letter is asked for."""
        letter = opened.letter
        return (
            (not self.places or letter.place in self.places)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.place.topic in self.topics)
            and (self.partition is None or letter.place.partition == self.partition)
            and (self.since_ms is None or letter.aside_ms >= self.since_ms)
            and (self.until_ms is None or letter.aside_ms < self.until_ms)
            and (not self.text or self.text in (opened.key or b"") or self.text in opened.value)
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing in particular is asked for."""
        return self == Wanted()


@dataclass(slots=True)
class Survey:
    """The letters that were asked for, and what became of them.

    However much stands on the topic, no more is kept than of so many letters: of what people have
    written only a begin, and no word on another letter.

    Attributes:
        letters: By place, in the order in which they were read.
        keys: Keys of their records, or their begin.
        words: What became of these letters, by place.
        sent: Place of a record that was sent again, and is one of these letters, to the word that
            says so.
    """

    letters: dict[Place, Letter] = field(default_factory=dict)
    keys: dict[Place, bytes | None] = field(default_factory=dict)
    words: dict[Place, Word] = field(default_factory=dict)
    sent: dict[Place, Word] = field(default_factory=dict)

    def put(self, opened: Opened) -> None:
        """Take in a letter.

        Raises:
            UserError: There are too many.
        """
        letter, key = opened.letter, opened.key
        if len(letter.detail) > TEXT_MAX:
            letter = msgspec.structs.replace(letter, detail=letter.detail[:TEXT_MAX])
        self.letters[letter.place] = letter
        self.keys[letter.place] = None if key is None else key[:KEY_BYTES_KEPT]
        if len(self.letters) > LETTERS_MAX:
            raise UserError(
                f"there are more than {LETTERS_MAX:,} such letters",
                "ask for fewer: --since, --topic, --reason",
            )

    def close(self, word: Word) -> None:
        """Take in what became of a letter; it follows that letter on its partition."""
        place = Place.named(word.letter)
        if place in self.letters:
            self.words[place] = msgspec.structs.replace(word, to=())

    def trace(self, word: Word) -> None:
        """Take in where a record was sent to, if it is one of these letters by now."""
        for name in word.to:
            place = Place.named(name)
            if place in self.letters:
                self.sent[place] = msgspec.structs.replace(word, to=())

    def open(self) -> list[Letter]:
        """Return the letters of which nothing has become yet, oldest first."""
        found = [letter for place, letter in self.letters.items() if place not in self.words]
        return sorted(found, key=lambda letter: (letter.aside_ms, letter.place))

    def attempts(self, place: Place) -> int:
        """Return how often the record of a letter was sent before."""
        word = self.sent.get(place)
        return 0 if word is None else word.attempt

    def first(self, letter: Letter) -> tuple[str, str]:
        """Return why the record of a letter was put aside at first, and when."""
        word = self.sent.get(letter.place)
        if word is not None and word.first_reason:
            return word.first_reason, word.first_at
        return letter.reason, iso(letter.aside_ms)

    def reasons(self) -> Counter[str]:
        """Return how many letters are open, by reason and topic."""
        return Counter(f"{letter.reason} {letter.place.topic}" for letter in self.open())
