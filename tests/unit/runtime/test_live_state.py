"""What is looked for in the topics of a running service."""

import pytest

from streams.core.messages import Decision, begin_of
from winback_sender.contract.messages import to_json


@pytest.mark.parametrize("user_id", ["ada", 'a"\\b', "用户", "a\x01"])
def test_a_decision_is_told_from_what_else_is_said_of_users(user_id: str) -> None:
    made = Decision(
        user_id=user_id, case_id="c", step=1, verdict="send", reason="send", channel="sms",
        trigger="risk", probability=0.5, propensity=0.9, model_version="m", rules_hash="r",
        decided_at="2017-01-01T00:00:00.000Z",
    )  # fmt: skip
    assert to_json(made).startswith(begin_of("decision", user_id))
