"""Senders that share one journal on disk, as a sender and its next start do."""

from functools import partial
from pathlib import Path

import pytest

from tests.unit.sender.stand import MakeStand, Stand


@pytest.fixture
def make(tmp_path: Path) -> MakeStand:
    """Return a maker of senders."""
    return partial(Stand, tmp_path)
