"""A world with a provider like Tencent Cloud."""

import time
from collections.abc import Iterator

import pytest

from tests.unit.sender.adapters.tencent.stand import (
    KEY,
    TEXTS,
    TWO,
    World,
)
from winback_sender.standins.tencent import Tencent


@pytest.fixture
def world() -> Iterator[World]:
    made = World(now_s=0.0)
    with Tencent(
        templates=TEXTS, signs=frozenset({"某商城"}), now_s=lambda: time.time() + made.now_s
    ) as provider:
        made.provider = provider
        made.addresses = {"ada": "138 0013 8000"}
        made.templates = {KEY: TWO}
        made.params = {"first_name": "王女士", "benefit": "会员礼遇"}
        made.adapter = made.make()
        yield made
        made.adapter.close()
