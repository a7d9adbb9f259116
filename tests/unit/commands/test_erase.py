"""``winback erase`` asks before it erases, and says what is missing."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from streams.commands import erase as command
from streams.commands.erase import _word, erase
from streams.commands.erased import _lines
from streams.errors import UserError
from streams.runtime.erasure.people import Person
from streams.runtime.erasure.places import UNSEEN, Place, Tally
from streams.runtime.erasure.topics import to_search
from streams.runtime.topics import topics
from streams.settings import Settings


def said(*words: str, typed: str = "") -> Result:
    return CliRunner(env={"WINBACK_KAFKA_BOOTSTRAP": "127.0.0.1:1"}).invoke(
        erase, words, input=typed, standalone_mode=False
    )


@pytest.mark.parametrize("words", [(), ("ada", "--sweep")])
def test_users_or_a_sweep_are_named_and_not_both(words: tuple[str, ...]) -> None:
    error = said(*words).exception
    assert isinstance(error, UserError)
    assert "whom?" in str(error)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    error = said("--file", str(tmp_path / "none.txt")).exception
    assert isinstance(error, UserError)
    assert "cannot be read" in str(error)


def test_nobody_is_erased_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def people(*_: object) -> list[Person]:
        return [Person("ada", ("ada", "cookie"), is_known=True)]

    monkeypatch.setattr(command, "_people", people)
    done = said("ada")
    assert "ada, also known as cookie" in done.output
    assert isinstance(done.exception, UserError)
    assert "--yes" in done.exception.hint


def test_a_dry_run_says_who_and_erases_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def people(*_: object) -> list[Person]:
        return [Person("eve", ("eve",), is_known=False)]

    monkeypatch.setattr(command, "_people", people)
    done = said("eve", "--dry-run")
    assert done.exception is None
    assert "the service has no state of this user" in done.output


def test_the_proof_says_where_something_is_left_and_until_when() -> None:
    left, clean = Tally(), Tally()
    left.see(100)
    left.note({"utf-8": 2}, 1_500_000_000_000, 1_500_086_400_000)
    clean.see(7)
    places = [left.place("topic", "user-activity", owner="company"), clean.place("file", "/data")]
    text = "\n".join(_lines(places, 2, ("ada",)))
    assert "found in 1 record (2 utf-8) of company" in text
    assert "gone by 2017-07-15T02:40:00.000Z" in text
    assert "7 B searched, nothing found" in text
    assert "2 traces found" in text
    assert "nothing is found" in "\n".join(_lines(places[1:], 0, ("ada", "cookie")))
    assert "by chance" in text
    assert "by chance" not in "\n".join(_lines(places, 2, ("long-enough",)))


def test_a_topic_that_was_not_looked_through_is_named_and_the_proof_is_none() -> None:
    """A wrong name, or a user of Kafka who may not see it: both look as if there were nothing."""
    names = [topic.name for topic in topics(Settings())]
    seen = [name for name in names if name != "winback-dead-letters"]
    client = SimpleNamespace(
        list_topics=lambda: seen,
        describe_configs=lambda *_, **__: {"topic": {name: {} for name in seen}},
    )
    there, unseen = to_search(client, Settings(), (), ["shop.order"])
    assert [one.name for one in there] == seen
    assert unseen == ["winback-dead-letters", "shop.order"]

    text = "\n".join(_lines([Place(kind=UNSEEN, name="shop.order")], 0, ("ada",)))
    assert "? shop.order is not there, or this user of Kafka may not see it" in text
    assert "nothing is found, but not everything was looked through" in text


@pytest.mark.parametrize("user_id", ["", "x" * 257, "a\0b", "\udcff"])
def test_an_id_that_the_service_would_put_aside_is_refused_before_anything_is_written(
    user_id: str,
) -> None:
    error = said(user_id, "--yes").exception
    assert isinstance(error, UserError)
    assert "can be nobody's id" in str(error)
    assert "nobody was erased" in error.hint


@pytest.mark.parametrize(
    "user_id", ["ada", "张三丰", "o'brien\"; drop", "line\nbreak", "\x1b[31m red\\'é", "\u202eevil"]
)
def test_an_id_is_told_as_a_word_that_can_be_typed_and_harms_no_terminal(user_id: str) -> None:
    word = _word(user_id)
    assert word.isprintable()
    typed = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True
    ).stdout
    assert typed.decode() == user_id
