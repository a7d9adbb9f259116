"""The plan of the topics: what is created, changed, left and refused."""

from typing import Any

import pytest

from streams.runtime.retention import AHEAD, AHEAD_MS, ERASED_WITHIN_MS, ErasedBy
from streams.runtime.topic_admin import apply_plan
from streams.runtime.topics import (
    Action,
    Actual,
    Step,
    Topic,
    bound_ms,
    plan,
    quorum_configs,
    topics,
)
from streams.settings import Settings

SETTINGS = Settings(partitions=4)
CATALOGUE = topics(SETTINGS)


def as_wanted(topic: Topic) -> Actual:
    return Actual(topic.partitions, dict(topic.configs))


def step_of(name: str, actual: Actual | None) -> Step:
    there = {topic.name: as_wanted(topic) for topic in CATALOGUE}
    there.pop(name)
    if actual is not None:
        there[name] = actual
    steps = {step.topic.name: step for step in plan(CATALOGUE, there)}
    others = {step.action for other, step in steps.items() if other != name}
    assert others == {Action.KEEP}
    return steps[name]


def test_on_an_empty_kafka_everything_is_created() -> None:
    steps = plan(CATALOGUE, {})
    assert {step.action for step in steps} == {Action.CREATE}
    assert [step.topic.name for step in steps] == [
        "user-activity", "win-back-feedback", "win-back", "win-back-decisions", "winback-journal",
        "winback-identity",
        "winback-users-changelog", "churn-examples", "churn-models", "winback-control",
        "winback-dead-letters",
    ]  # fmt: skip


def test_what_was_applied_needs_nothing_more() -> None:
    there = {topic.name: as_wanted(topic) for topic in CATALOGUE}
    assert {step.action for step in plan(CATALOGUE, there)} == {Action.KEEP}


CO_PARTITIONED = [topic.name for topic in CATALOGUE if topic.is_exact and topic.partitions == 4]


def test_the_state_lives_beside_the_activity() -> None:
    assert set(CO_PARTITIONED) == {
        "user-activity", "win-back-feedback", "win-back", "win-back-decisions", "winback-journal",
        "winback-identity",
        "winback-users-changelog",
    }  # fmt: skip


@pytest.mark.parametrize("name", CO_PARTITIONED)
@pytest.mark.parametrize(("count", "says"), [(3, "growing it would move"), (5, "taken away")])
def test_another_partition_count_is_refused(name: str, count: int, says: str) -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    step = step_of(name, Actual(count, wanted.configs))
    assert step.action is Action.REFUSE
    assert says in step.reason
    assert f"WINBACK_PARTITIONS={count}" in step.reason


@pytest.mark.parametrize("name", ["churn-examples", "churn-models"])
def test_learning_has_one_order(name: str) -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    assert "must have 1" in step_of(name, Actual(2, wanted.configs)).reason


@pytest.mark.parametrize("name", ["winback-users-changelog", "churn-models"])
@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_state_without_compaction_is_refused(name: str, policy: str) -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    configs = {**wanted.configs, "cleanup.policy": policy}
    step = step_of(name, Actual(wanted.partitions, configs))
    assert step.action is Action.REFUSE
    assert "must be compacted" in step.reason


@pytest.mark.parametrize("name", ["user-activity", "win-back", "churn-examples"])
def test_a_log_with_compaction_is_refused(name: str) -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    configs = {"cleanup.policy": "compact,delete"}
    assert "is compacted" in step_of(name, Actual(wanted.partitions, configs)).reason


def test_a_changelog_that_compacts_too_late_is_put_right() -> None:
    name = SETTINGS.topic_users_changelog
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    configs = {**wanted.configs, "segment.ms": "604800000", "retention.ms": "1"}
    step = step_of(name, Actual(4, configs))
    assert (step.action, dict(step.changes)) == (Action.CHANGE, {"segment.ms": "600000"})


def test_the_operators_own_retention_is_left_alone() -> None:
    configs = {"cleanup.policy": "delete", "retention.ms": "3600000"}
    assert step_of("win-back-decisions", Actual(4, configs)).action is Action.KEEP


def test_dead_letters_may_grow_and_may_be_larger() -> None:
    configs = {"cleanup.policy": "delete"}
    grown = step_of("winback-dead-letters", Actual(1, configs))
    assert (grown.action, grown.partitions) == (Action.CHANGE, 4)
    assert step_of("winback-dead-letters", Actual(9, configs)).action is Action.KEEP


def test_three_replicas_want_two_in_sync() -> None:
    assert quorum_configs(1) == {}
    assert quorum_configs(3) == {"min.insync.replicas": "2"}


DAY_MS = 86_400_000


def test_an_erasure_is_complete_within_a_month_on_all_topics_of_ours() -> None:
    bound = bound_ms(CATALOGUE)
    assert bound is not None
    assert 29 * DAY_MS < bound <= ERASED_WITHIN_MS


@pytest.mark.parametrize("name", ["winback-dead-letters", "winback-identity", "win-back"])
def test_what_would_keep_a_person_for_longer_than_a_month_is_put_right(name: str) -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    configs = {**wanted.configs, "retention.ms": str(90 * DAY_MS), "segment.bytes": "1"}
    step = step_of(name, Actual(wanted.partitions, configs))
    assert step.action is Action.CHANGE
    assert dict(step.changes) == {"retention.ms": wanted.configs["retention.ms"]}


def test_what_is_kept_for_ever_is_not_left_so() -> None:
    configs = {"cleanup.policy": "delete", "retention.ms": "-1", "segment.ms": str(DAY_MS)}
    assert step_of("win-back-feedback", Actual(4, configs)).changes


def test_the_companys_own_topics_are_left_alone() -> None:
    configs = {"cleanup.policy": "delete", "retention.ms": "-1"}
    assert step_of("user-activity", Actual(4, configs)).action is Action.KEEP


def test_decisions_that_cannot_be_erased_from_are_refused() -> None:
    """Compacting them now would take all but the last of each user: they had the user's key."""
    configs = {"cleanup.policy": "delete", "retention.ms": str(180 * DAY_MS)}
    step = step_of("win-back-decisions", Actual(4, configs))
    assert step.action is Action.REFUSE
    assert "one by one" in step.reason


def test_decisions_that_are_compacted_late_are_put_right() -> None:
    wanted = next(topic for topic in CATALOGUE if topic.name == "win-back-decisions")
    configs = {**wanted.configs, "max.compaction.lag.ms": str(2**63 - 1)}
    step = step_of("win-back-decisions", Actual(4, configs))
    assert dict(step.changes) == {"max.compaction.lag.ms": str(DAY_MS)}


PERSONAL = [
    topic.name for topic in CATALOGUE if topic.erased_by not in {ErasedBy.NOBODY, ErasedBy.COMPANY}
]


@pytest.mark.parametrize("name", PERSONAL)
def test_nobody_keeps_a_person_for_longer_by_a_date_that_lies_ahead(name: str) -> None:
    """Kafka's retention goes by the dates that producers give: of feedback, anybody's senders."""
    wanted = next(topic for topic in CATALOGUE if topic.name == name)
    assert int(wanted.configs[AHEAD]) == AHEAD_MS
    there = {**wanted.configs, AHEAD: str(2**63 - 1)}
    step = step_of(name, Actual(wanted.partitions, there))
    assert (step.action, dict(step.changes)) == (Action.CHANGE, {AHEAD: str(AHEAD_MS)})


def test_the_bound_of_an_operator_who_wants_less_stays_and_so_does_a_broker_that_knows_none() -> (
    None
):
    wanted = next(topic for topic in CATALOGUE if topic.name == "win-back-feedback")
    older = {key: value for key, value in wanted.configs.items() if key != AHEAD}
    for configs in ({**wanted.configs, AHEAD: "60000"}, older):
        assert step_of("win-back-feedback", Actual(4, configs)).action is Action.KEEP


class OlderKafka:
    """Knows no bound for dates that lie ahead, as Kafka 3.5; remembers what was made."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, str]] = {}

    def create_topics(self, wanted: dict[str, Any], **_: object) -> dict[str, Any]:
        said = []
        for name, options in wanted.items():
            if AHEAD in options["configs"]:
                message = f"Unknown topic config name: {AHEAD}"
                said.append({"name": name, "error_code": 40, "error_message": message})
            else:
                self.made[name] = options["configs"]
                said.append({"name": name, "error_code": 0, "error_message": None})
        return {"topics": said}

    def wait_for_topics(self, names: list[str], **_: object) -> None:
        assert set(names) == set(self.made)


def test_an_older_kafka_gets_its_topics_without_the_bound() -> None:
    older = OlderKafka()
    apply_plan(older, plan(CATALOGUE, {}), replication=1)
    for topic in CATALOGUE:
        made = {
            **older.made[topic.name],
            **({AHEAD: str(AHEAD_MS)} if AHEAD in topic.configs else {}),
        }
        assert made == dict(topic.configs)
