"""Where the demo plays: room is asked for before anything is started."""

from collections import namedtuple
from pathlib import Path

import pytest

from streams.demo import stage
from streams.demo.stage import Stage
from streams.errors import UserError

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 (as shutil has it)


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(stage.shutil, "disk_usage", lambda _: Usage(1 << 30, 0, 3 << 20))

    with pytest.raises(UserError, match=r"needs 500 MB in .*, where 3 are free"):
        Stage(Path("rules.yaml"), {}, lambda *_: None)

    assert not list(tmp_path.iterdir())
