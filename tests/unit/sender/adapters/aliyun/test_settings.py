"""Settings of the adapter of Aliyun."""

from pathlib import Path

import pytest

from tests.unit.sender.adapters.aliyun.stand import World, environ
from tests.unit.sender.adapters.making import tools
from winback_sender.adapters import aliyun
from winback_sender.contract.words import Status
from winback_sender.errors import UserError
from winback_sender.standins.aliyun import SECRET


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
    with pytest.raises(UserError, match=r"ACCESS_KEY_ID is not set.*ACCESS_KEY_SECRET is not set"):
        aliyun.make(tools({}))


def test_a_secret_in_a_file(tmp_path: Path, world: World) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    given = environ(world.provider.url)
    del given[f"{aliyun.PREFIX}ACCESS_KEY_SECRET"]
    given[f"{aliyun.PREFIX}ACCESS_KEY_SECRET_FILE"] = str(tmp_path / "key")
    world.adapter = aliyun.make(tools(given, world.addresses, world.templates))

    assert world.deliver().status is Status.ACCEPTED
