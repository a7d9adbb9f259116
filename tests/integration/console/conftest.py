"""One deployment for all tests of the console; they do not undo what the others did."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deployed import Deployed

from streams.runtime.embedded.fixture import EmbeddedKafka


@pytest.fixture(scope="session")
def deployed(
    embedded_kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    with Deployed(embedded_kafka.bootstrap, tmp_path_factory.mktemp("console")) as found:
        yield found
