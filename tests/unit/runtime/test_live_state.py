"""What is looked for in the topics of a running service."""

from streams.core.messages import Decision
from streams.runtime.live_state import DECISION
from winback_sender.contract.messages import to_json


def test_a_decision_is_told_from_what_else_is_said_of_users() -> None:
    made = Decision(
        user_id="ada", case_id="c", step=1, verdict="send", reason="send", channel="sms",
        trigger="risk", probability=0.5, propensity=0.9, model_version="m", rules_hash="r",
        decided_at="2017-01-01T00:00:00.000Z",
    )  # fmt: skip
    assert to_json(made).startswith(DECISION)
