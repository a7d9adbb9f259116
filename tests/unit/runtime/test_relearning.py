"""What survives on the topic of models when the rules define churn otherwise."""

import pytest

from models.roster_records import SERVING
from streams import orders
from streams.core.rules import Rules
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.orders import Action
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.relearning import begun_anew
from tests.unit.runtime.teaching import (
    RULES,
    SETTINGS,
    block,
    episodes,
    feed,
    give,
    order,
    topic_of,
)

NEW = parse_rules("churn: {horizon: 9d}")
KEYS = SETTINGS.model_keys


def learner(rules: Rules = RULES) -> LearnerEngine:
    return LearnerEngine(SETTINGS, rules, Metrics())


@pytest.fixture(scope="module")
def topic() -> dict[bytes, bytes]:
    taught = learner()
    feed(taught, [block(40, 1), episodes(60, 2)])
    give(taught, order(Action.ROLLBACK))
    return topic_of(taught)


def carried(topic: dict[bytes, bytes], rules: Rules = NEW) -> dict[bytes, bytes]:
    new = {**topic, **dict(begun_anew(topic, rules.hash, KEYS))}
    return {key: value for key, value in new.items() if value is not None}


def test_a_learner_of_other_rules_is_told_what_to_do_and_begins_behind_it(
    topic: dict[bytes, bytes],
) -> None:
    with pytest.raises(UserError, match="other_horizon") as refused:
        learner(NEW).restore(topic)
    assert "winback state migrate" in refused.value.hint

    heir = learner(NEW)
    heir.restore(carried(topic))
    assert heir.roster.examples == 0
    assert heir.applied == {}
    assert SERVING.encode() not in carried(topic)


def test_what_is_known_of_contacts_stays_but_for_what_rests_on_features(
    topic: dict[bytes, bytes],
) -> None:
    before, heir = learner(), learner(NEW)
    before.restore(topic)
    heir.restore(carried(topic))
    was, now = before.policy.policy(), heir.policy.policy()

    assert now.episodes == was.episodes == 60
    assert now.books == was.books != ()
    assert was.uplift is not None
    assert now.rules_hash == NEW.hash


def test_an_order_that_was_carried_out_is_not_carried_out_again(
    topic: dict[bytes, bytes],
) -> None:
    key = orders.KEY.encode()
    assert carried(topic)[key] == topic[key]


def test_it_is_done_once_and_only_where_something_was_learned(topic: dict[bytes, bytes]) -> None:
    assert begun_anew(carried(topic), NEW.hash, KEYS) == []
    assert begun_anew(topic, RULES.hash, KEYS) == []
    assert begun_anew({}, NEW.hash, KEYS) == []


def test_models_that_were_signed_with_another_key_are_not_thrown_away(
    topic: dict[bytes, bytes],
) -> None:
    with pytest.raises(UserError, match="bad_signature") as refused:
        begun_anew(topic, NEW.hash, (b"another key",))
    assert "WINBACK_MODEL_KEY" in refused.value.hint
