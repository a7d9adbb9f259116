"""The topic of examples, learned again: what the models say is what the learner had said."""

import numpy as np
import pytest

from models.catalogue import CATALOGUE
from models.features import features
from models.questions import Examples, Matured, joined
from streams.lessons import block_of, lesson_of
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.relearned import Relearned, guests_on
from streams.runtime.topic_reader import Found
from tests.unit.runtime.past_topic import HORIZON_MS, rules, taught, with_orders
from tests.unit.runtime.teaching import (
    NOW_MS,
    SETTINGS,
    TOPIC,
    block,
    feed,
    topic_of,
)


def records(values: tuple[bytes, ...]) -> list[Found]:
    return [Found(TOPIC, 0, offset, NOW_MS, value) for offset, value in enumerate(values)]


def relearned(
    values: tuple[bytes, ...], *, is_whole: bool = True, asks: bool = True
) -> tuple[Relearned, list[Examples | Matured]]:
    again = Relearned(SETTINGS, rules(), is_whole=is_whole, asks=asks)
    return again, list(again.pieces(records(values)))


def matured_of(pieces: list[Examples | Matured]) -> Matured:
    found = joined([piece for piece in pieces if isinstance(piece, Matured)])
    assert found is not None
    return found


def answers_of(matured: Matured) -> dict[tuple[int, float], bool]:
    asked = zip(matured.users.tolist(), matured.opened_at_ms.tolist(), strict=True)
    return dict(zip(asked, matured.churned.tolist(), strict=True))


def test_what_is_said_is_what_the_learner_had_said_through_a_restart() -> None:
    values = with_orders(taught())
    learner = LearnerEngine(SETTINGS, rules(), Metrics())
    half = len(values) // 3
    feed(learner, values[:half])
    kept = topic_of(learner)
    learner = LearnerEngine(SETTINGS, rules(), Metrics())
    learner.restore(kept)
    said: dict[tuple[int, float], float] = {}
    for value in values[half:]:
        feed(learner, [value])
        kept = topic_of(learner, kept)
        for opened in learner.roster.questions._open.values():
            asked = zip(opened.users.tolist(), opened.at_ms.tolist(), opened.said, strict=True)
            said |= {(user, at_ms): p for user, at_ms, p in asked}

    again, pieces = relearned(values)
    matured = matured_of(pieces)
    asked = zip(matured.users.tolist(), matured.opened_at_ms.tolist(), strict=True)
    found = dict(zip(asked, matured.said.tolist(), strict=True))
    common = said.keys() & found.keys()
    assert len(common) > 50
    assert {key: said[key] for key in common} == {key: found[key] for key in common}
    assert "guest_mine" in matured.models
    models = learner.roster.models
    assert again.versions == {name: model.snapshot().version for name, model in models.items()}
    assert learner.roster.champion == "guest_mine"


def test_examples_are_those_of_the_topic_in_its_order() -> None:
    _, pieces = relearned(taught(), asks=False)
    assert all(isinstance(piece, Examples) for piece in pieces)
    lessons = [lesson_of(block_of(value), rules().hash) for value in taught()]
    wanted = [lesson for lesson in lessons if isinstance(lesson, Examples)]
    rows = np.concatenate([piece.rows for piece in pieces if isinstance(piece, Examples)])
    assert rows.tobytes() == np.concatenate([lesson.rows for lesson in wanted]).tobytes()


def test_without_the_beginning_nothing_is_said_and_only_whole_questions_are_answered() -> None:
    whole = matured_of(relearned(taught())[1])
    late = taught()[len(taught()) // 2 :]
    again, pieces = relearned(late, is_whole=False)
    matured = matured_of(pieces)

    assert 0 < len(matured.users) < len(whole.users)
    assert again.versions == {}
    assert matured.models == {}
    assert np.isnan(matured.said).all()
    assert matured.heads is not None
    rows = features(matured.heads, matured.opened_at_ms, float(HORIZON_MS))
    assert np.array_equal(matured.rows, rows.astype(np.float32))
    answers, late_answers = answers_of(whole), answers_of(matured)
    common = answers.keys() & late_answers.keys()
    assert len(common) > 50
    assert {key: answers[key] for key in common} == {key: late_answers[key] for key in common}


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_broken_or_of_other_rules_is_counted_and_left(*, is_whole: bool) -> None:
    values = (*taught()[:8], b"no block", block(5, 1), *taught()[8:])
    again, pieces = relearned(values, is_whole=is_whole)
    clean = relearned(taught(), is_whole=is_whole)[1]
    assert again.refused == 2
    assert np.array_equal(matured_of(pieces).users, matured_of(clean).users)
    assert np.array_equal(matured_of(pieces).said, matured_of(clean).said, equal_nan=True)


def test_guests_are_found_on_the_topic() -> None:
    assert guests_on(records((b"no block", *with_orders(taught())))) == ("guest_mine",)
    assert guests_on(records(taught())) == ()
    assert set(matured_of(relearned(taught())[1]).models) <= set(CATALOGUE)
