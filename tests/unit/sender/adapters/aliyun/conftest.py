"""A world with a provider like Aliyun."""

import time
from collections.abc import Iterator

import pytest

from tests.unit.sender.adapters.aliyun.stand import (
    FIRST,
    KEY,
    TEXTS,
    World,
)
from winback_sender.standins.aliyun import Aliyun


@pytest.fixture
def world() -> Iterator[World]:
    made = World(now_s=0.0)
    with Aliyun(
        templates=TEXTS, signs=frozenset({"某商城"}), now_s=lambda: time.time() + made.now_s
    ) as provider:
        made.provider = provider
        made.addresses = {"ada": "138 0013 8000"}
        made.templates = {KEY: FIRST}
        made.params = {"first_name": "王女士"}
        made.adapter = made.make()
        yield made
        made.adapter.close()
