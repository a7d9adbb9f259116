"""Settings of a struct: what is wrong with one is said, also of a secret in a file."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from winback_sender.errors import UserError
from winback_sender.settings_catalogue import load, says


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with a secret."""

    secret: Annotated[str, says("A secret.", is_secret=True)]


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("open sesame\n", encoding="utf-8")

    assert load(Settings, {"X_SECRET_FILE": str(path)}, "X_").secret == "open sesame"


def test_a_file_that_is_no_text_is_said_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"sesame\xff")

    with pytest.raises(UserError, match="X_SECRET_FILE: not UTF-8") as refused:
        load(Settings, {"X_SECRET_FILE": str(path)}, "X_")
    assert "sesame" not in refused.value.message


def test_a_file_that_is_away_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="X_SECRET_FILE: No such file"):
        load(Settings, {"X_SECRET_FILE": str(tmp_path / "none")}, "X_")


def test_an_empty_file_is_no_secret_and_no_default_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("\n")
    with pytest.raises(UserError, match="X_SECRET_FILE: the file is empty"):
        load(Settings, {"X_SECRET_FILE": str(path)}, "X_")


def test_a_secret_that_is_set_twice_is_refused_and_not_told(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("open sesame")
    with pytest.raises(UserError, match="X_SECRET_FILE: X_SECRET is set as well") as refused:
        load(Settings, {"X_SECRET_FILE": str(path), "X_SECRET": "hocus pocus"}, "X_")
    assert "pocus" not in str(refused.value)
    assert "sesame" not in str(refused.value)
