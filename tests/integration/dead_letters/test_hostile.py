"""Honest users notice nothing of a hostile producer, on a real Kafka."""

from pathlib import Path

import pytest

from tests.chaos.hostile import attack
from tests.integration.control.deployment import SORRY, Deployment

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def test_strangers_and_garbage_change_nothing_for_honest_users(kafka: str, tmp_path: Path) -> None:
    deployment = Deployment(kafka, tmp_path, SORRY)
    try:
        found = attack(deployment, 2_000, users_max=200)
    finally:
        deployment.kill()
    assert found.users == 4 * 200
    assert found.skipped > 1_000
    assert found.rejected > 100
