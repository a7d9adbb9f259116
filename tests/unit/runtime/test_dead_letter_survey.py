"""However much stands on the topic of dead letters, little of it is kept, and all of it is told."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.foreign import Foreign
from streams.runtime import dead_letter_desk, dead_letter_sends
from streams.runtime.dead_letter_desk import Desk
from streams.runtime.dead_letter_sends import RECORD_BYTES_MAX, Batch, Send, Sizes
from streams.runtime.dead_letter_survey import KEY_BYTES_KEPT, Wanted
from streams.runtime.letters import TEXT_MAX, Letter, Opened, Place, Word, read_record, word_output
from winback_sender.cluster import Cluster
from winback_sender.contract.dead_letters import dead_letter
from winback_sender.contract.messages import Output

AT_MS = 1_700_000_000_000
LONG = "x" * 100_000


def letter(offset: int, key: bytes = b"ada", value: bytes = b"{", detail: str = "") -> Foreign:
    made = dead_letter(
        "not_decodable", detail, topic="shop", partition=0, offset=offset, key=key, value=value,
        timestamp_ms=AT_MS,
    )  # fmt: skip
    return Foreign("letters", made.key, made.value, AT_MS, tuple(made.headers))


def word(offset: int, *to: str, text: str = "") -> Foreign:
    said = word_output(
        Word(f"shop/0/{offset}", "replayed", "now", text, text, to, 3, f"first{text}", text)
    )
    return Foreign("letters", said.key, said.value, AT_MS, tuple(said.headers))


@pytest.fixture
def desk() -> Desk:
    return Desk(Cluster.plain("nowhere:9"), "letters", "shop")


def lay(monkeypatch: pytest.MonkeyPatch, *records: Foreign) -> None:
    """Let these stand on the topic."""

    class Sample:
        def __init__(self, *_: object) -> None: ...

        def __enter__(self) -> Iterable[Foreign]:
            return iter(records)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(dead_letter_desk, "TopicSample", Sample)


def test_words_on_letters_that_nobody_asked_for_are_not_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [word(offset, f"activity/0/{offset}", text=LONG) for offset in range(50)]
    lay(monkeypatch, *others, letter(100), word(100, "activity/0/7"), letter(101))
    found = desk.survey(Wanted())
    assert found.words.keys() == {Place("shop", 0, 100)}
    assert not found.sent
    assert [each.place.offset for each in found.open()] == [101]


def test_of_what_somebody_has_written_a_begin_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [f"activity/0/{number}" for number in range(1_000)]
    lay(
        monkeypatch, letter(1, LONG.encode(), detail=LONG),
        word(1, *places, text=LONG),
    )  # fmt: skip
    found = desk.survey(Wanted())
    kept = msgspec.json.encode([[*found.letters.values()], [*found.words.values()]])
    assert len(kept) < 10 * TEXT_MAX
    assert {len(key or b"") for key in found.keys.values()} == {KEY_BYTES_KEPT}


def test_a_record_that_was_sent_remembers_its_first_letter_wherever_the_word_stands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partitions of the topic are read in any order."""
    again, before = letter(9), word(1, "shop/0/9")
    for records in ([again, letter(1), before], [letter(1), before, again]):
        lay(monkeypatch, *records)
        found = desk.survey(Wanted())
        assert found.attempts(Place("shop", 0, 9)) == 3
        assert found.first(found.letters[Place("shop", 0, 9)])[0] == "first"
        assert found.attempts(Place("shop", 0, 1)) == 0


def test_a_word_that_names_no_place_is_no_word() -> None:
    assert read_record(word(1, "nowhere")) is None


# -- what is too large


def opened(offset: int) -> Opened:
    found = read_record(letter(offset))
    assert isinstance(found, Opened)
    return found


def sent(size: int, topic: str = "activity") -> tuple[Send, ...]:
    return (Send(topic, 0, Output(b"ada", b"x" * size, []), AT_MS),)


def place(offset: int) -> Place:
    return Place("shop", 0, offset)


def written(sizes: list[int], taken_max: int, learned: Sizes) -> tuple[list[int], list[Place], int]:
    """Write letters to a broker that takes records of a size; return what, what not, how often."""
    done: list[int] = []
    rounds = 0
    while True:
        rounds += 1
        too_large: list[Place] = []
        letters = [opened(number) for number in range(len(sizes)) if number not in done]
        for batch in learned.batches(
            letters, lambda each: sent(sizes[each.letter.place.offset]), too_large
        ):
            if any(send.size(at.place) > taken_max for at, sends in batch for send in sends):
                learned.refuse(batch)
                break
            done += [each.place.offset for each, _ in batch]
        else:
            return sorted(done), too_large, rounds


@given(
    sizes=st.lists(st.integers(1, 4_000), max_size=20), taken_max=st.integers(100, 5_000),
    at_once=st.integers(1, 6),
)  # fmt: skip
def test_all_that_fits_is_written_once_and_the_rest_is_named(
    sizes: list[int], taken_max: int, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dead_letter_sends, "BATCH_LETTERS", at_once)
        done, too_large, rounds = written(sizes, taken_max, Sizes())
    fits = [n for n, size in enumerate(sizes) if sent(size)[0].size(place(n)) <= taken_max]
    assert done == fits
    assert {each.offset for each in too_large} == set(range(len(sizes))) - set(fits)
    assert rounds <= 2 * len(sizes) + 1


def test_what_no_client_sends_is_not_tried() -> None:
    done, too_large, rounds = written([10, RECORD_BYTES_MAX, 10], 2 * RECORD_BYTES_MAX, Sizes())
    assert (done, too_large, rounds) == ([0, 2], [place(1)], 1)


def test_a_size_that_one_topic_refuses_is_no_matter_to_another() -> None:
    sizes = Sizes()
    one: Letter = opened(1).letter
    batch: Batch = [(one, sent(500))]
    sizes.refuse(batch)
    assert not sizes.has_room(one, sent(500))
    assert sizes.has_room(one, sent(400))
    assert sizes.has_room(one, sent(500, "other"))
