"""The commands of dead letters: what they say, and how they end."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from streams.cli import winback
from streams.core.rules_file import parse_rules
from streams.errors import Exit, UserError
from streams.intake.foreign import Foreign
from streams.replay.letters import Judge
from streams.replay.origins import Understanding
from streams.runtime import dead_letter_desk, whereabouts
from streams.runtime.dead_letter_desk import Closed, Desk
from streams.runtime.dead_letter_sends import Decide
from streams.runtime.letters import TEXT_MAX, Opened, Place, Word, read_record
from streams.settings import Settings
from winback_sender.cluster import Cluster
from winback_sender.contract.dead_letters import dead_letter

AT_MS = 1_700_000_000_000
UNDERSTOOD = b'{"event_id":"e","user_id":"ada","event":"view","event_time":%d}' % AT_MS


class Drawer(Desk):
    """A desk without Kafka."""

    letters: ClassVar[list[Foreign]]
    too_large: ClassVar[frozenset[int]] = frozenset()

    def _read(self) -> Iterator[Opened | Word]:
        yield from filter(None, map(read_record, self.letters))

    async def close_letters(
        self, places: Iterable[Place], what: str, decide: Decide, *, by: str, reason: str = ""
    ) -> Closed:
        """Do to all of them what is decided."""
        closed = Closed([], [])
        for each in self.opened(places):
            if each.letter.place.offset in self.too_large:
                closed.too_large.append(each.letter.place)
            elif decide(each) is not None:
                closed.words.append(Word(str(each.letter.place), what, "now", by, reason))
        return closed


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> type[Drawer]:
    class Ours(Drawer): ...

    Ours.letters = [aside(1, UNDERSTOOD), aside(2, b"{")]
    monkeypatch.setattr(dead_letter_desk, "Desk", Ours)
    monkeypatch.setattr(whereabouts, "resolve_cluster", lambda *_, **__: Cluster.plain("x:9"))
    return Ours


def aside(offset: int, value: bytes, topic: str = "user-activity") -> Foreign:
    made = dead_letter(
        "not_decodable", "", topic=topic, partition=0, offset=offset, key=b"ada", value=value,
        timestamp_ms=AT_MS,
    )  # fmt: skip
    return Foreign("letters", made.key, made.value or b"", AT_MS, tuple(made.headers))


def run(*words: str) -> Result:
    return CliRunner().invoke(winback, ["dead-letters", *words], standalone_mode=False)


@pytest.mark.parametrize("command", [["list"], ["replay", "--yes"]])
def test_a_reason_that_there_is_not_is_refused_with_the_closest_one(
    command: list[str], drawer: type[Drawer]
) -> None:
    assert drawer
    error = run(*command, "--reason", "bad_amout").exception
    assert isinstance(error, UserError)
    assert error.exit_code == Exit.USAGE
    assert "'bad_amout'" in error.message
    assert error.hint.startswith("bad_amount? there are: bad_amount, bad_currency")
    assert "not_readable" in error.hint, "of the senders"


def test_all_that_was_sent_by_force_is_success(drawer: type[Drawer]) -> None:
    assert drawer
    found = run("replay", "--force", "--yes", "--json")
    facts = json.loads(found.stdout)
    assert (facts["replayed"], facts["refused"], found.return_value) == (2, 0, Exit.OK)
    found = run("replay", "--yes", "--json")
    facts = json.loads(found.stdout)
    assert (facts["replayed"], facts["refused"], found.return_value) == (1, 1, Exit.FAILED)


def test_what_cannot_be_forced_stays_open_and_is_no_success(drawer: type[Drawer]) -> None:
    drawer.letters = [aside(1, UNDERSTOOD, "nobody-knows")]
    assert run("replay", "--force", "--yes").return_value == Exit.FAILED


def test_what_is_too_large_is_told_and_counted(drawer: type[Drawer]) -> None:
    drawer.too_large = frozenset({2})
    found = run("replay", "--force", "--yes")
    assert found.return_value == Exit.FAILED
    assert "1 letter replayed" in found.stdout
    assert "1 letter not sent" in found.stderr
    assert "  user-activity/0/2\n" in found.stderr
    facts = json.loads(run("replay", "--force", "--yes", "--json").stdout)
    assert facts["too_large"] == ["user-activity/0/2"]


def test_a_reason_to_discard_is_of_bounded_length(drawer: type[Drawer]) -> None:
    assert drawer
    error = run("discard", "--everything", "--yes", "--because", "x" * (TEXT_MAX + 1)).exception
    assert isinstance(error, UserError)
    assert run("discard", "--everything", "--yes", "--because", "x" * TEXT_MAX).return_value == 0


def test_a_plan_and_a_list_of_hostile_letters_are_lines_that_can_be_seen(
    drawer: type[Drawer],
) -> None:
    drawer.letters = [aside(1, b"{", topic="shop\x1b[2J\u202e\nforged")]
    for words in (["list"], ["replay", "--dry-run"], ["discard", "--everything", "--dry-run"]):
        said = run(*words, *(["--because", "x"] if words[0] == "discard" else [])).stdout
        assert all(line.isprintable() for line in said.split("\n")), said
        assert "\nforged" not in said


def test_the_judge_takes_what_the_letter_is() -> None:
    """The stories above stand on a letter that is understood by now, and one that is not."""
    judge: Any = Judge(Understanding(parse_rules(""), "rules", Settings()), Settings())
    found = [read_record(aside(1, value)) for value in (UNDERSTOOD, b"{")]
    assert [judge.judge(each).outcome for each in found] == ["understood", "rejected"]
