"""State files: what is written when, and what is left alone."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.core.stored import Stored
from streams.core.time import iso
from streams.runtime.erasure.files import FileSearch
from streams.runtime.erasure.traces import Tracker
from streams.runtime.metrics import Metrics
from streams.runtime.recovery import Read
from streams.runtime.state_files import AGE_MAX_MS, StateFiles
from streams.runtime.state_folder import GIVEN_UP_S, DiskFolder, Draft
from streams.runtime.state_format import Head

RENEWED_MS = AGE_MAX_MS // 2
TOPIC = "users"
STORED = Stored({b"\0partition": b"{}"}, [(["ada", "bo"], [b"1", b"2"])])


class Engine:
    """Of a partition with two users."""

    users = 2

    def stored(self) -> Stored:
        return STORED


class IdleLane:
    """A lane of which everything is durable."""

    def __init__(self, durable_to: int = 10) -> None:
        self.engine, self.durable_to = Engine(), durable_to

    async def durable(self, look: Callable[[Any], Any]) -> tuple[Any, int] | None:
        return look(self.engine), self.durable_to


async def at_once(do: Callable[..., Any], *given: Any) -> Any:
    return do(*given)


class Desk:
    """State files in a directory, with a clock and a topic that a test can change."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.path, self.now_ms, self.topic_id = path, 1_000_000_000_000, "id-1"
        self.metrics, self.lanes = Metrics(), {0: IdleLane()}
        given = {"every_s": 600.0, "worth_users": 0, "folder": DiskFolder(path)} | options
        folder = given.pop("folder")
        self.files = StateFiles(
            folder, TOPIC, self._ask, metrics=self.metrics, run=at_once,
            clock=lambda: self.now_ms, **given,
        )  # fmt: skip

    async def _ask(self) -> str:
        return self.topic_id

    async def look(self) -> None:
        """Look once what is due."""
        keeping = asyncio.create_task(self.files.keep(lambda: self.lanes))
        for _ in range(30):
            await asyncio.sleep(0)
        keeping.cancel()

    async def starts(self) -> dict[int, Head]:
        await self.files.identify()
        return {number: start.head for number, start in (await self.files.starts([0])).items()}

    def count(self, result: str) -> float:
        text = self.metrics.page().decode()
        name = f'winback_state_files_total{{result="{result}"}} '
        return float(next((line[len(name) :] for line in text.splitlines()
                           if line.startswith(name)), "0"))  # fmt: skip


def told(story: Callable[[], Any]) -> None:
    asyncio.run(story())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state")


def test_a_partition_at_work_gets_a_file_that_begins_the_next_restore(desk: Desk) -> None:
    async def story() -> None:
        assert await desk.starts() == {}
        await desk.look()
        (start,) = (await desk.files.starts([0])).values()
        assert (start.head.offset, start.head.topic_id) == (10, "id-1")
        assert (dict(start.stored.ours), list(start.stored.parts)) == (
            STORED.ours, [(["ada", "bo"], [b"1", b"2"])],
        )  # fmt: skip
        assert desk.count("written") == 1

    told(story)


def test_nobody_else_may_read_it(desk: Desk) -> None:
    async def story() -> None:
        desk.path.mkdir(mode=0o755)
        await desk.starts()
        await desk.look()
        (file,) = desk.path.iterdir()
        assert stat.S_IMODE(desk.path.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    told(story)


def test_it_is_written_anew_when_enough_has_changed_or_it_is_old(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        desk.now_ms += 599_000
        desk.lanes[0].durable_to += 100
        await desk.look()
        assert desk.count("written") == 1
        desk.now_ms += 1_000
        await desk.look()
        assert desk.count("written") == 2
        desk.now_ms += RENEWED_MS
        await desk.look()  # Nothing has changed.
        assert desk.count("written") == 2
        desk.now_ms += 1
        await desk.look()
        assert desk.count("written") == 3

    told(story)


def test_few_users_get_no_file(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path, worth_users=3)
        await desk.starts()
        await desk.look()
        await desk.files.leave({0: (Engine(), 10)})
        assert DiskFolder(tmp_path).names() == []

    told(story)


def test_without_the_id_of_the_topic_nothing_is_written_or_read(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        desk.topic_id = ""
        assert await desk.starts() == {}
        desk.lanes[0].durable_to += 100
        desk.now_ms += RENEWED_MS + 1
        await desk.look()
        assert desk.count("written") == 1

    told(story)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("topic", "made anew"),
        ("age", "too old"),
        ("future", "future"),
        ("torn", "ends early"),
        ("partition", "another partition"),
        ("unreadable", "Is a directory"),
    ],
)
def test_what_does_not_fit_is_left_alone_with_a_word(
    desk: Desk, change: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        file = desk.path / "0.state"
        if change == "topic":
            desk.topic_id = "id-2"
        elif change == "torn":
            os.truncate(file, 40)
        elif change == "partition":
            await desk.files.leave({1: (Engine(), 10)})
            (desk.path / "1.state").rename(file)
        elif change == "unreadable":
            file.unlink()
            file.mkdir()
        else:
            desk.now_ms += AGE_MAX_MS + 1 if change == "age" else -1
        assert await desk.starts() == {}
        assert reason in vars(caplog.records[-1])["facts"]["reason"]
        assert desk.count("ignored") == 1

    told(story)


def test_what_was_read_behind_it_may_know_better_how_old_it_is(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        head = (await desk.starts())[0]
        later_ms = desk.now_ms + AGE_MAX_MS + 1
        assert not desk.files.misfit(head, Read({0: {}}, {0: 12}, {0: desk.now_ms}, set()))
        assert "too old" in desk.files.misfit(head, Read({0: {}}, {0: 12}, {0: later_ms}, set()))
        assert "reach" in desk.files.misfit(head, Read({}, {}, {0: 0}, {0}))

    told(story)


def test_who_leaves_writes_what_has_changed_since(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        await desk.files.leave({0: (Engine(), 10), 1: (Engine(), 7)})
        await desk.files.leave({0: (Engine(), 11)})
        assert desk.count("written") == 3
        assert (await desk.starts())[0].offset == 11

    told(story)


class FullDraft:
    """A file on a disk that is full."""

    def write(self, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    def finish(self) -> None: ...

    def drop(self) -> None: ...


class FullFolder(DiskFolder):
    """A disk that is full."""

    def draft(self, _name: str) -> Draft:
        return FullDraft()


def test_a_full_disk_is_said_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        desk = Desk(tmp_path, folder=FullFolder(tmp_path))
        await desk.starts()
        await desk.look()
        await desk.look()  # Not at once again.
        assert desk.count("failed") == 1
        desk.now_ms += RENEWED_MS + 1
        await desk.look()
        assert desk.count("failed") == 2
        assert caplog.text.count("state_file_failed") == 1

    told(story)


def test_half_a_file_is_never_seen_and_does_not_stay(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    draft = folder.draft("0.state")
    draft.write(b"half")
    assert folder.names() == []
    draft.drop()
    assert list(tmp_path.iterdir()) == []
    folder.draft("0.state").write(b"half")
    (left,) = tmp_path.iterdir()
    folder.clear()
    assert left.exists()  # Somebody may be at it.
    os.utime(left, (left.stat().st_mtime - GIVEN_UP_S - 1,) * 2)
    folder.clear()
    assert not left.exists()


def test_old_files_of_whomever_are_taken_away(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()
        (desk.path / "9.state").write_bytes(b"no state")
        desk.lanes.clear()
        desk.now_ms += AGE_MAX_MS
        await desk.look()
        assert [path.name for path in desk.path.iterdir()] == ["0.state"]
        desk.now_ms += 1
        await desk.look()
        assert list(desk.path.iterdir()) == []

    told(story)


def test_a_file_is_put_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder = DiskFolder(tmp_path)
    for data in (b"one", b"two"):
        draft = folder.draft("0.state")
        draft.write(data)
        draft.finish()
        draft.drop()
    with folder.read("0.state") as file:
        assert file.read() == b"two"
    folder.remove("0.state")
    folder.remove("0.state")
    assert folder.names() == []


def search_for(user_id: str) -> FileSearch:
    return FileSearch(
        Tracker([user_id]),
        Tracker([user_id], is_raw=True),
        Tracker([user_id], is_raw=True, is_list=True),
    )


def test_whoever_stands_in_a_file_is_found_there_with_the_day_on_which_it_goes(desk: Desk) -> None:
    async def story() -> None:
        await desk.starts()
        await desk.look()

    told(story)
    for user_id, count in (("ada", 1), ("adam", 0)):
        places = [place for place in search_for(user_id).places(desk.path) if place.records]
        assert len(places) == count
    (place,) = (place for place in search_for("ada").places(desk.path) if place.records)
    assert (place.kind, place.records) == ("state file", 1)
    assert place.gone_by == iso(desk.now_ms + AGE_MAX_MS)
    file = desk.path / "0.state"
    file.write_bytes(file.read_bytes()[:-3])  # Torn: bytes, as any file.
    assert any(place.records for place in search_for("partition").places(desk.path))
