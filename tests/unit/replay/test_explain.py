"""An explanation adds up, says which way each group points, and what moved it."""

import itertools

import msgspec
import numpy as np
import pytest

from models.bgnbd import BgNbdScorer
from models.questions import Examples
from models.roster import Roster
from streams.core.coverage import Coverage
from streams.core.rules_file import parse_rules
from streams.core.scoring import Scorer
from streams.core.state import decode, encode
from streams.replay.explain import explained
from streams.replay.explain_words import in_words
from streams.replay.files import EventLog
from streams.replay.fleet import Fleet
from winback_sender.terminal import json_text

RULES = parse_rules("churn: {horizon: 12d, min_active_days: 3}\nalert: {examples_min: 100}\n")
H_MS = RULES.churn.horizon_ms
DAY_MS = 86_400_000


def learned(examples: int) -> Scorer:
    """Return what a roster puts in force after so many examples."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(examples, 40)).astype(np.float32)
    roster = Roster(H_MS, examples_min=RULES.alert.examples_min)
    matured = np.arange(examples, dtype=np.float64) * 60_000
    active = rows[:, 0] + random.normal(size=examples) > 0
    ones = np.ones(examples, np.float32)
    roster.receive(examples=Examples(matured - H_MS / 4, matured, active, ones, rows))
    roster.catch_up()
    return roster.scorer()


SCORERS = {"prior": BgNbdScorer(H_MS), "blended": learned(250), "learned": learned(900)}


@pytest.fixture(scope="module")
def states(small_log: str) -> dict[str, bytes]:
    fleet = Fleet(RULES, BgNbdScorer(H_MS), partitions=1, now_ms=1_600_000_000_000)
    for block in EventLog(small_log).blocks():
        fleet.apply(fleet.accept(block), 0, len(block.rows))
    return dict(fleet.values())


@pytest.mark.parametrize("name", SCORERS)
def test_the_reasons_and_the_base_add_up_to_the_log_odds(
    name: str, states: dict[str, bytes]
) -> None:
    scorer = SCORERS[name]
    for user, value in itertools.islice(states.items(), 10):
        state = decode(value)
        at_ms = int(state.head[1]) + 3 * DAY_MS
        found = explained(user, value, at_ms, scorer, RULES, Coverage())
        hazard = scorer.hazard(np.array([state.head]), np.array([float(at_ms)]))[0]

        assert found.log_odds == pytest.approx(np.log1p(-hazard) - np.log(hazard), abs=1e-6)
        assert found.reasons[-1].code == "base"
        for why in found.reasons:
            assert why.direction == ("leaving" if why.weight >= 0 else "staying")


def test_what_changed_is_the_difference_of_two_explanations(states: dict[str, bytes]) -> None:
    scorer = SCORERS["learned"]
    user, value = next(iter(states.items()))
    last_ms = int(decode(value).head[1])
    now = explained(user, value, last_ms + 3 * DAY_MS, scorer, RULES, Coverage())
    assert now.compared_with is not None
    then_ms = int(np.datetime64(now.compared_with.removesuffix("Z"), "ms").astype(int))
    before = explained(user, value, then_ms, scorer, RULES, Coverage())
    then = {why.code: why.weight for why in before.reasons}

    assert last_ms <= then_ms < last_ms + 3 * DAY_MS
    for why in now.reasons:
        assert why.change == pytest.approx(why.weight - then[why.code], abs=1e-3)
    assert any(why.change for why in now.reasons)


def test_right_after_an_activity_there_is_nothing_to_compare_with(
    states: dict[str, bytes],
) -> None:
    user, value = next(iter(states.items()))
    found = explained(
        user, value, int(decode(value).head[1]), SCORERS["learned"], RULES, Coverage()
    )

    assert found.compared_with is None
    assert {why.change for why in found.reasons} == {None}
    assert "(" not in in_words(found, "en").splitlines()[-2]


def test_words_fit_the_direction(states: dict[str, bytes]) -> None:
    user, value = next(iter(states.items()))
    at_ms = int(decode(value).head[1]) + 9 * DAY_MS
    found = explained(user, value, at_ms, SCORERS["prior"], RULES, Coverage())
    silence = next(why for why in found.reasons if why.code == "silence")
    text = in_words(found, "en")

    assert silence.weight > 0
    assert "silent for longer than usual" in text
    assert f"change since {found.compared_with}" in text
    assert "silent no longer than usual" not in text
    assert "倾向流失" in in_words(found, "zh")


def test_an_outage_is_no_silence(states: dict[str, bytes]) -> None:
    user, value = next(iter(states.items()))
    last_ms = int(decode(value).head[1])
    gap = Coverage(((last_ms + DAY_MS, last_ms + 3 * DAY_MS),))
    with_gap = explained(user, value, last_ms + 5 * DAY_MS, SCORERS["prior"], RULES, gap)
    without = explained(user, value, last_ms + 3 * DAY_MS, SCORERS["prior"], RULES, Coverage())

    assert with_gap.silence_days == without.silence_days == 3
    assert with_gap.this_silence_reaches_horizon == without.this_silence_reaches_horizon


def test_who_opted_out_or_waits_for_a_place_is_told_so(states: dict[str, bytes]) -> None:
    user, value = next(iter(states.items()))
    state = decode(value)
    silent_ms = int(state.head[1]) + H_MS - DAY_MS
    scorer = SCORERS["learned"]
    gone = state.having(msgspec.structs.replace(state.profile, case=None, is_suppressed=True))
    found = explained(user, encode(gone), silent_ms, scorer, RULES, Coverage())
    assert found.contact.en == "the user opted out of all contact"
    assert found.contact.zh == "用户已全部退订"

    open_to_all = msgspec.structs.replace(state.profile, case=None)
    waits = state.having(open_to_all, BID=0.8, CASE_AT=0.0, CLOSED_AT=0.0, ACTIVE_DAYS=9.0)
    rules = msgspec.structs.replace(
        RULES, alert=msgspec.structs.replace(RULES.alert, probability=0.0)
    )
    found = explained(user, encode(waits), silent_ms, scorer, rules, Coverage())
    assert found.contact.en.startswith("waits for a place in the budget")


def test_an_id_that_plays_with_the_terminal_is_escaped(states: dict[str, bytes]) -> None:
    evil, value = "ada\x1b[2J\u202e\nforged", next(iter(states.values()))
    at_ms = int(decode(value).head[1]) + DAY_MS
    found = explained(evil, value, at_ms, SCORERS["prior"], RULES, Coverage())
    lines = in_words(found, "en").split("\n")
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith(r"ada\x1b[2J\u202e\nforged at ")
    assert json_text(found).isprintable()
