"""One secured world for all tests here."""

from collections.abc import Iterator

import pytest

from tests.security import scenario
from tests.security.world import World, secured_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which every role has done its work; the broker runs."""
    with secured_world(tmp_path_factory.mktemp("secured")) as made:
        scenario.run(made)
        yield made
