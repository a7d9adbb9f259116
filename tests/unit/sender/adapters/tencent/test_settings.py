"""Settings of the adapter of Tencent Cloud."""

import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.adapters.tencent.stand import World
from winback_sender.adapters import tencent
from winback_sender.errors import UserError


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("endpoint", "ftp://example.com", "ENDPOINT"),
        ("endpoint", "https://example.com/v2?x", "ENDPOINT"),
        ("timeout_s", "0", "TIMEOUT_S"),
        ("per_s", "99999", "PER_S"),
        ("timout_s", "3", "did you mean"),
    ],
)
def test_settings_that_cannot_be(world: World, name: str, value: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        world.make(**{name: value})


def test_settings_that_are_missing() -> None:
    with pytest.raises(UserError, match=r"SECRET_ID.*SECRET_KEY.*SDK_APP_ID is not set"):
        tencent.make(tools({}))
