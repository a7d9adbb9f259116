"""The proof holds only when nothing was lost or doubled."""

from pathlib import Path

import pytest

from streams.core.rules_file import parse_rules
from streams.demo.proof import Account, accounts, prove
from streams.demo.report import lines_of_proof

ADA = Account("ada", 3, "2017-01-01T00:00:00.000Z", "2017-01-09T00:00:00.000Z", 2, 1_250)
BOB = Account("bob", 1, "2017-01-02T00:00:00.000Z", "2017-01-02T00:00:00.000Z", 1, 99)
BOTH = {"ada": ADA, "bob": BOB}


def test_equal_accounts_prove_it() -> None:
    proof = prove(BOTH, dict(BOTH), [1, 1, 1])

    assert proof.holds
    assert (proof.users, proof.events, proof.value_minor) == (2, (4, 4), (1_349, 1_349))


@pytest.mark.parametrize(
    "live",
    [
        {"ada": ADA},  # a user is lost
        BOTH | {"eve": BOB},  # a user is invented
        BOTH | {"bob": Account("bob", 2, BOB.first_event_at, BOB.last_event_at, 1, 99)},
        BOTH | {"bob": Account("bob", 1, BOB.first_event_at, BOB.last_event_at, 1, 98)},
    ],
)
def test_any_difference_is_a_failure(live: dict[str, Account]) -> None:
    proof = prove(live, BOTH, [1])

    assert not proof.holds
    assert proof.differences == 1
    assert lines_of_proof(proof, parse_rules(""), 1, "en")[0].startswith("✗ 1 users differ")


def test_a_touch_that_stands_twice_is_a_failure() -> None:
    proof = prove(BOTH, BOTH, [1, 2])

    assert not proof.holds
    assert lines_of_proof(proof, parse_rules(""), 2, "en")[-1].startswith("✗ 1 touches")


def test_accounts_are_read_from_exports_whatever_else_they_carry(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    path.write_text(
        '{"user_id":"bob","events_applied":1,"first_event_at":"2017-01-02T00:00:00.000Z",'
        '"last_event_at":"2017-01-02T00:00:00.000Z","active_days":1,"value_net_minor":99,'
        '"lifecycle_stage":"new","case":null,"digest":"00"}\n'
    )

    assert accounts(path) == {"bob": BOB}
