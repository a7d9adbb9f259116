"""Dead letters as people see them: nobody is named, and no byte harms a terminal."""

from collections.abc import Sequence

import pytest

from streams.commands.dead_letters_page import facts_of, page, row, safe, table
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.intake.foreign import Foreign
from streams.replay.letters import Judge, Judged
from streams.replay.origins import Understanding
from streams.runtime.dead_letter_survey import Survey
from streams.runtime.letters import WORD, Opened, Place, Word, read_record, word_output
from streams.settings import Settings
from winback_sender.contract.dead_letters import VALUE_BYTES_MAX, dead_letter
from winback_sender.terminal import json_text

AT_MS = 1_700_000_000_000
SECRET = "13800138000"
EVIL = f"\x1b[31m\u202e{SECRET}\0".encode()


def record(
    value: bytes = EVIL, own: Sequence[tuple[str, bytes]] = (), topic: str = "user-activity",
    reason: str = "bad_amount",
) -> Foreign:  # fmt: skip
    letter = dead_letter(
        reason, f"{SECRET} is no amount", topic=topic, partition=2, offset=7, key=SECRET.encode(),
        value=value, timestamp_ms=AT_MS,
    )  # fmt: skip
    assert letter.value is not None
    return Foreign(
        "letters", letter.key, letter.value, AT_MS + 5, (*own, *letter.headers), 1, "somewhere"
    )


def opened(value: bytes = EVIL, **more: object) -> Opened:
    found = read_record(record(value, **more))  # type: ignore[arg-type]  # as record() takes them
    assert isinstance(found, Opened)
    return found


def who(key: bytes | None, _at_ms: int) -> str:
    return "pseudonym" if key else ""


def survey(letter: Opened) -> Survey:
    place = letter.letter.place
    return Survey({place: letter.letter}, {place: letter.key})


def test_a_letter_is_read_by_its_last_headers_whatever_the_record_carried_itself() -> None:
    """A producer may claim to be a letter, or a word on somebody else's."""
    forged = Word("user-activity/2/7", "discarded", "now", "nobody")
    own = [("__connect.errors.topic", b"elsewhere"), (WORD, b"discarded")]
    found = read_record(record(word_output(forged).value or b"", own))

    assert isinstance(found, Opened)
    assert found.letter.place == Place("user-activity", 2, 7)
    assert list(found.headers) == own


def test_a_word_says_what_became_of_a_letter_and_anything_else_is_nothing() -> None:
    word = Word("user-activity/2/7", "replayed", "now", "me", to=("user-activity/2/9",))
    said = word_output(word)
    assert read_record(Foreign("letters", said.key, said.value, 1, tuple(said.headers))) == word
    assert read_record(Foreign("letters", b"x", b"{", 1, ((WORD, b"x"),))) is None
    assert read_record(Foreign("letters", b"x", b"x")) is None
    for name in ("", "a/b/c", "topic/1", "topic/1/-2"):
        with pytest.raises(UserError):
            Place.named(name)


def test_nobody_is_named_unless_somebody_asks() -> None:
    letter = opened()
    judged = Judge(Understanding(parse_rules(""), "rules", Settings()), Settings()).judge(letter)
    shown = [
        *table(survey(letter), 5, who, is_all=False, show_data=False),
        *page(facts_of(letter, survey(letter), judged, who, show_data=False)),
    ]
    assert "pseudonym" in str(shown)
    assert SECRET not in str(shown)
    asked = facts_of(letter, survey(letter), judged, who, show_data=True)
    assert SECRET in str(asked)
    assert SECRET in row(survey(letter), letter.letter, who, show_data=True)["key"]


def test_no_byte_of_a_letter_reaches_a_terminal_as_it_is() -> None:
    for text in (safe(EVIL, 99), safe(b"\xff\xfe", 9), safe("\u2028\u202e".encode(), 9)):
        assert text.isprintable(), text
    assert safe(b"x" * 10_000, 100) == f"{'x' * 100}… (10,000 B)"


def test_whatever_a_letter_says_of_itself_is_seen_and_not_obeyed() -> None:
    """Reason, topic and names of headers are written by whoever may write letters."""
    evil = EVIL.decode()
    letter = opened(own=[(evil, EVIL)], topic=f"shop{evil}", reason=f"bad{evil}\nforged")
    judged = Judged("rejected", f"bad{evil}", f"no{evil}")
    facts = facts_of(letter, survey(letter), judged, who, show_data=True)
    lines = [*page(facts), *table(survey(letter), 5, who, is_all=True, show_data=True)]
    assert all(line.isprintable() for line in lines), lines
    assert json_text(facts).isprintable()


def test_what_cannot_be_sent_says_why() -> None:
    judge = Judge(Understanding(parse_rules(""), "rules", Settings()), Settings())
    cut = opened(b"x" * (VALUE_BYTES_MAX + 1))
    assert (judge.judge(cut).outcome, judge.judge(cut).reason) == ("stuck", "cut")
    for topic in ("win-back", "winback-identity", "nobody-knows"):
        judged = judge.judge(opened(topic=topic))
        assert judged.outcome == "stuck", topic
        assert judged.detail
        assert not judged.forced


def test_what_was_refused_for_its_time_is_refused_again() -> None:
    judge = Judge(Understanding(parse_rules(""), "rules", Settings()), Settings())
    value = b'{"event_id":"e","user_id":"%b","event":"view","event_time":%d}'
    late = opened(value % (SECRET.encode(), AT_MS), reason="too_old")
    assert judge.judge(late).outcome == "rejected"
    assert len(judge.judge(late).forced) == 1
    mended = opened(value % (SECRET.encode(), AT_MS), reason="not_decodable")
    assert judge.judge(mended).outcome == "understood"
