"""The letter to a person: what was decided and why, and nothing that is not theirs."""

import msgspec
import pytest

from streams.core.messages import Decision
from streams.core.partition import Partition
from streams.replay.explain import explained
from streams.replay.for_person import ForPerson, as_letter, for_person
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day
from winback_sender.contract.messages import to_json


def decided(at: str, reason: str, *, verdict: str = "refuse", case_id: str = "c") -> bytes:
    return to_json(
        Decision(
            user_id="ada", case_id=case_id, step=1, verdict=verdict, reason=reason, channel="sms",
            trigger="risk", probability=0.8123, propensity=0.9, model_version="hazard_v1+77",
            rules_hash="abc", decided_at=at, playbook="secret_book", variant="b",
            reasons=("silence", "value"), expected_loss=12_345.0,
        )
    )  # fmt: skip


def told(decisions: list[bytes], until_day: int = 20) -> ForPerson:
    scorer = ToldScorer(by_silence)
    partition = Partition(0, RULES, scorer)
    partition.apply([act(day(0)), act(day(1)), act(day(2))])
    partition.advance(day(until_day))
    value = partition.value("ada")
    assert value is not None
    said = explained("ada", value, day(until_day), scorer, RULES, partition.coverage)
    return for_person(value, said, decisions, RULES, days=30, ask="privacy@example.com")


def test_a_person_is_told_what_was_concluded_what_was_decided_and_what_can_be_asked_for() -> None:
    made = [
        decided("2017-01-12T08:00:00.000Z", "quiet_hours", verdict="defer"),
        decided("2017-01-12T12:00:00.000Z", "send", verdict="send"),
    ]
    letter = as_letter(told(made), "both")

    for words in (
        "we think it likely that you will stop", "较有可能停止使用",
        "you have been away for longer than you usually are", "比您平时的间隔更长",
        "2017-01-12  we decided to contact you, by text message", "我们决定与您联系（短信）",
        "an hour at which we do not disturb", "免打扰时段",
        "You may object", "自动化决策", "within 30 days", "30 天", "privacy@example.com",
    ):  # fmt: skip
        assert words.lower() in letter.lower(), words


def test_nothing_of_ours_and_of_others_is_told() -> None:
    made = [decided("2017-01-12T12:00:00.000Z", reason) for reason in ("capacity", "holdout")]
    letter = as_letter(told(made), "both") + msgspec.json.encode(told(made)).decode()

    for word in (
        "0.81", "hazard", "abc", "secret_book", "12345", "ada", "told_v1", "others", "对照",
        "probability",
    ):  # fmt: skip
        assert word not in letter, word


def test_whoever_came_a_day_ago_is_told_that_nothing_is_expected() -> None:
    letter = as_letter(told([], until_day=3), "en")
    assert "We do not expect that you will stop" in letter
    assert "Because" not in letter
    assert "Nothing: there was no occasion" in letter


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_somebody_unknown_nothing_is_held_and_the_rights_are_told(language: str) -> None:
    nobody = for_person(None, None, [], RULES, days=30)
    letter = as_letter(nobody, "en" if language == "en" else "zh")
    assert ("We hold nothing" if language == "en" else "没有保存") in letter
    assert nobody.rights
    assert not nobody.used


def test_what_is_decided_again_on_the_same_step_is_told_once() -> None:
    made = [decided(f"2017-01-{day_:02}T12:00:00.000Z", "capacity") for day_ in range(1, 20)]
    assert [one.on for one in told(made).contacts] == ["2017-01-19"]
