"""A deployment of its own for every story."""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.integration.sender.deployment import Deployment

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Deploy:
    """Return a maker of deployments, each with topics that no other run has."""
    digest = blake2b(f"{tmp_path}{request.node.nodeid}".encode(), digest_size=6).hexdigest()

    def make(**settings: str) -> Deployment:
        return Deployment(f"s{digest}", kafka, tmp_path, **settings)

    return make
