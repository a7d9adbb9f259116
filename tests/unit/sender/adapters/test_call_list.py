"""Call lists: from a touch to a file for staff, and from their words to feedback."""

import csv
import io
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.sender.adapters.making import tools
from tests.unit.sender.letters import touch as a_touch
from winback_sender.adapter import Heard, Request, Sent
from winback_sender.adapters import call_list
from winback_sender.adapters.call_list import CallList, make
from winback_sender.adapters.wording import TEMPLATES
from winback_sender.call_lists.tasks import CallTasks
from winback_sender.contract.instants import HOUR_MS
from winback_sender.contract.messages import TouchRequested
from winback_sender.contract.parts import Priority
from winback_sender.contract.words import HARD, Status
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError, Receipt
from winback_sender.settings import SENDER_PREFIX
from winback_sender.standins.webhook import SECRET, WebhookReceiver
from winback_sender.templating.templates import ProviderTemplate
from winback_sender.webhooks.signatures import Signer

P = "WINBACK_SENDER_CALL_LIST_"
NOON_MS = 1_790_049_600_000
"""2026-09-22T04:00Z: noon in Shanghai."""


class Wall:
    """The clock on the wall."""

    at_ms = NOON_MS + 60_000


@pytest.fixture(autouse=True)
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    found = Wall()
    monkeypatch.setattr(call_list, "now_ms", lambda: found.at_ms)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lists"


@pytest.fixture
def lists(folder: Path) -> Iterator[CallList]:
    made = opened(folder)
    yield made
    made.close()


def opened(folder: Path, **more: Any) -> CallList:
    templates = more.pop("templates", {})
    environ = settings(folder) | {f"{P}{name}": text for name, text in more.items()}
    made = make(tools(environ, {"ada": "138 0013 8000", "bob": "010-65529988"}, templates))
    assert isinstance(made, CallList)
    return made


def settings(folder: Path) -> dict[str, str]:
    return {f"{P}FOLDER": str(folder), f"{SENDER_PREFIX}STATE": str(folder.parent)}


def touch(touch_id: str, user_id: str = "ada", lasts_ms: int = 8 * HOUR_MS) -> TouchRequested:
    return a_touch(
        touch_id, user_id, not_before_ms=NOON_MS, expires_ms=NOON_MS + lasts_ms, channel="call"
    )


def with_quadrant(touch: TouchRequested, quadrant: str, rank: float | None) -> TouchRequested:
    return msgspec.structs.replace(touch, priority=Priority(quadrant, rank))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def fill_in(folder: Path, name: str, results: dict[str, str], encoding: str = "gbk") -> None:
    """Do what staff do: open the list, write into the column of results, save, put it back."""
    rows = rows_of(folder / name)
    head = list(rows[0])
    said = next(heading for heading in head if heading.startswith("结果"))
    for row in rows:
        row[said] = results.get(row["编号（勿改）"], "")
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, head)
    writer.writeheader()
    writer.writerows(rows)
    put_back(folder, name, text.getvalue().encode(encoding))


def put_back(folder: Path, name: str, data: bytes, age_s: float = 60.0) -> None:
    path = folder / "returned" / name
    path.write_bytes(data)
    os.utime(path, (time.time() - age_s,) * 2)


def test_a_list_is_a_file_that_excel_opens_in_chinese(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    assert lists.deliver(touch("t1")) == Receipt(Status.ACCEPTED, address="+8613800138000")
    assert list(lists.collect()) == []
    assert list(folder.glob("*.csv")) == []

    wall.at_ms += 15 * 60_000
    assert list(lists.collect()) == []

    (path,) = folder.glob("*.csv")
    assert path.name == "calls-2026-09-22-1215.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    (row,) = rows_of(path)
    assert row == {
        "优先级": "2 重要不紧急",
        "电话": "138 0013 8000",
        "会员号": "ada",
        "会员等级": "high",
        "最近活跃": "2017-02-20",
        "流失原因": "沉默较久",
        "话术": TEMPLATES["member_care_greeting"]["zh"],
        "优惠": "",
        "最迟拨打": "2026-09-22 20:00",
        "结果（已接通/答应回来/拒绝/无人接听/占线/号码错误/不再联系）": "",
        "备注": "",
        "编号（勿改）": "t1",
    }


def test_the_list_is_in_the_order_in_which_to_call(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    for number, (quadrant, rank) in enumerate([
        ("ordinary_calm", 0.99), ("important_calm", 0.5), ("important_urgent", None),
        ("important_urgent", 0.9), ("unheard_of", 0.1),
    ]):  # fmt: skip
        lists.deliver(with_quadrant(touch(f"t{number}"), quadrant, rank))
    wall.at_ms += HOUR_MS
    lists.collect()

    (path,) = folder.glob("*.csv")
    assert [row["编号（勿改）"] for row in rows_of(path)] == ["t3", "t2", "t1", "t0", "t4"]


def test_what_users_call_themselves_is_no_formula(folder: Path, wall: Wall) -> None:
    templates = {"member_care_greeting": ProviderTemplate(text="=${x}", params=("x",))}
    lists = opened(folder, templates=templates)
    evil = msgspec.structs.replace(
        touch("t1"), params={"x": "HYPERLINK(A1)"}, offer={"@SUM": "1\r\n=2"}
    )
    lists.deliver(evil)
    wall.at_ms += HOUR_MS
    lists.collect()
    lists.close()

    (path,) = folder.glob("*.csv")
    (row,) = rows_of(path)
    assert (row["话术"], row["优惠"]) == ("'=HYPERLINK(A1)", "'@SUM: 1 =2")
    assert len(path.read_bytes().splitlines()) == 2


def test_a_list_in_english(folder: Path, wall: Wall) -> None:
    lists = opened(folder, LANGUAGE="en", TIMEZONE="Europe/Berlin", EVERY_MIN="60")
    lists.deliver(touch("t1", "bob"))
    wall.at_ms += HOUR_MS
    lists.collect()
    lists.close()

    (row,) = rows_of(folder / "calls-2026-09-22-0700.csv")
    assert (row["why at risk"], row["phone"]) == ("silent for long", "010 65529988")
    assert row["call before"] == "2026-09-22 14:00"


def test_what_staff_write_comes_back(lists: CallList, folder: Path, wall: Wall) -> None:
    """Excel saves in GBK; some lines are left for the afternoon."""
    for number in range(3):
        lists.deliver(touch(f"t{number}"))
    wall.at_ms += HOUR_MS
    lists.collect()
    fill_in(folder, "calls-2026-09-22-1215.csv", {"t0": "答应回来", "t2": "不再联系"})

    heard = list(lists.collect())

    assert [(word.touch_id, *word.receipt[:2]) for word in heard] == [
        ("t0", Status.HANDLED, "promised"), ("t2", Status.OPTED_OUT, ""),
    ]  # fmt: skip
    assert abs(heard[0].at_ms - (time.time() - 60) * 1_000) < 5_000
    assert [path.name for path in (folder / "returned").iterdir()] == [
        "calls-2026-09-22-1215.csv"
    ], "it stays until its words are on disk"
    assert list(lists.collect()) == []
    assert (folder / "done" / "calls-2026-09-22-1215.csv").exists()

    fill_in(folder, "calls-2026-09-22-1215.csv", {"t1": "无人接听"})
    assert [word.receipt.outcome for word in lists.collect()] == ["no_answer"]
    lists.collect()
    assert len(list((folder / "done").iterdir())) == 2


def test_of_a_faulty_file_the_good_lines_count_and_the_others_are_explained(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    for number in range(2):
        lists.deliver(touch(f"t{number}"))
    wall.at_ms += HOUR_MS
    lists.collect()
    fill_in(folder, "calls-2026-09-22-1215.csv", {"t0": "聊得很好", "t1": "占线"})

    assert [word.touch_id for word in lists.collect()] == ["t1"]
    lists.collect()

    names = sorted(path.name for path in (folder / "faulty").iterdir())
    assert names == ["calls-2026-09-22-1215.csv", "calls-2026-09-22-1215.csv.faults.txt"]
    told = (folder / "faulty" / names[1]).read_text(encoding="utf-8-sig")
    assert told.startswith("line 2, column 10: '聊得很好' is no result")


@pytest.mark.parametrize("name", ["~$list.csv", ".list.csv", "photo.jpg", "fresh.csv"])
def test_other_files_and_unfinished_ones_are_left_alone(
    lists: CallList, folder: Path, name: str
) -> None:
    put_back(folder, name, b"x", age_s=0 if name == "fresh.csv" else 60)

    for _ in range(2):
        assert list(lists.collect()) == []
    assert (folder / "returned" / name).exists()


def test_a_workbook_is_told_to_be_saved_as_csv(lists: CallList, folder: Path) -> None:
    put_back(folder, "名单.xlsx", b"PK\x03\x04")
    lists.collect()
    lists.collect()

    told = (folder / "faulty" / "名单.xlsx.faults.txt").read_text(encoding="utf-8-sig")
    assert "save it as CSV" in told


def test_after_a_crash_it_knows_whether_a_touch_is_on_a_list(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    lists.deliver(touch("t1"))
    lists.deliver(touch("late", lasts_ms=5 * 60_000))
    lists.close()
    again = opened(folder)
    wall.at_ms += HOUR_MS
    heard = list(again.collect())

    expired = Receipt(Status.FAILED, "unsent", "expired")
    assert heard == [Heard(expired, touch_id="late")]
    assert list(again.collect()) == []
    unknown = Receipt(Status.UNKNOWN, "", "interrupted")
    asked = [again.ask(Sent(one, "ada", "call", "", 0, unknown)) for one in ("t1", "late", "t2")]
    assert asked == [
        Receipt(Status.ACCEPTED), expired, Receipt(Status.FAILED, "unsent", "interrupted"),
    ]  # fmt: skip
    again.close()


def test_what_is_taken_back_before_the_list_is_written_is_not_on_it(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    lists.is_revoked = {"t1"}.__contains__
    lists.deliver(touch("t1"))
    lists.deliver(touch("t2"))
    wall.at_ms += HOUR_MS

    revoked = Receipt(Status.FAILED, "unsent", "revoked")
    assert list(lists.collect()) == [Heard(revoked, touch_id="t1")]
    (path,) = folder.glob("*.csv")
    assert [row["编号（勿改）"] for row in rows_of(path)] == ["t2"]


def test_a_crash_after_the_file_was_written_writes_no_second_one(
    lists: CallList, folder: Path, wall: Wall
) -> None:
    """Staff may have taken the list to `returned` before the sender is there again."""
    lists.deliver(touch("t1"))
    wall.at_ms += HOUR_MS
    lists.collect()
    (folder / "calls-2026-09-22-1215.csv").replace(
        folder / "returned" / "calls-2026-09-22-1215.csv"
    )
    with sqlite3.connect(folder.parent / "winback-call_list.sqlite") as memory:
        memory.execute("DELETE FROM lists")
        memory.execute("UPDATE calls SET state = 'waiting', line = '[]'")
    memory.close()
    lists.collect()

    assert list(folder.glob("*.csv")) == []
    assert lists.ask(Sent("t1", "ada", "call", "", 0, Receipt(Status.UNKNOWN))) == Receipt(
        Status.ACCEPTED
    )


def test_a_share_that_is_away_makes_lists_wait(lists: CallList, folder: Path, wall: Wall) -> None:
    lists.deliver(touch("t1"))
    wall.at_ms += HOUR_MS
    (folder / "returned").rmdir()
    (folder / ".calls-2026-09-22-1215.csv.part").mkdir()

    assert list(lists.collect()) == []
    (folder / ".calls-2026-09-22-1215.csv.part").rmdir()
    (folder / "returned").mkdir()
    lists.collect()

    assert len(list(folder.glob("*.csv"))) == 1


@pytest.mark.parametrize(("user_id", "reason"), [("nobody", "no_address"), ("eve", "bad_address")])
def test_without_a_number_there_is_no_call(folder: Path, user_id: str, reason: str) -> None:
    made = make(tools(settings(folder), {"eve": "12345"}))

    with pytest.raises(NotSentError) as refused:
        made.deliver(touch("t1", user_id))
    assert (refused.value.reason, refused.value.outcome) == (reason, HARD)
    made.close()


def test_a_variable_that_is_missing_is_told(folder: Path) -> None:
    templates = {"member_care_greeting": ProviderTemplate(text="${name}", params=("name",))}
    lists = opened(folder, templates=templates)

    with pytest.raises(NotSentError, match="bad_variables"):
        lists.deliver(touch("t1"))
    lists.close()


def test_results_may_be_posted_if_they_are_signed(folder: Path) -> None:
    lists = opened(folder, SECRET=SECRET)
    (route,) = lists.routes()
    body = b'{"touch_id": "t1", "status": "handled", "outcome": "refused"}'
    headers = Signer(SECRET, "S").headers("w1", int(time.time()), body)

    answer = route.handle(Request("POST", {}, headers, body))

    assert route.path == "/callbacks/call_list"
    assert [word.receipt.outcome for word in answer.heard] == ["refused"]
    assert route.handle(Request("POST", {}, {}, body)).status == 401
    assert opened(folder).routes() == ()
    lists.close()


def test_tasks_go_to_a_system_of_the_company() -> None:
    with WebhookReceiver() as receiver:
        tasks = make(tools({f"{P}ENDPOINT": receiver.endpoint, f"{P}SECRET": SECRET}))
        assert isinstance(tasks, CallTasks)

        receipt = tasks.deliver(touch("t1"))

        assert receipt == Receipt(Status.ACCEPTED, ref="m-1", address="+8613800138000")
        assert receiver.calls[0].address == "+8613800138000"
        assert [route.path for route in tasks.routes()] == ["/callbacks/call_list"]
        tasks.close()


@pytest.mark.parametrize(
    ("environ", "what"),
    [
        ({}, "FOLDER is not set"),
        ({f"{P}ENDPOINT": "https://x"}, "SECRET is not set"),
        ({f"{P}FOLDER": "{}", f"{P}TIMEZONE": "Mars/Base"}, "no such zone"),
        ({f"{P}FOLDER": "/dev/null/x"}, "cannot be used"),
        ({f"{P}FOLDER": "{}", f"{SENDER_PREFIX}STATE": "/dev/null/x"}, "cannot be used"),
        ({f"{P}EVERY_MIN": "0"}, "from 1 to 60"),
    ],
)
def test_wrong_settings_are_told(folder: Path, environ: dict[str, str], what: str) -> None:
    given = {name: text.replace("{}", str(folder)) for name, text in environ.items()}
    with pytest.raises(UserError, match=what):
        make(tools({f"{SENDER_PREFIX}STATE": str(folder.parent)} | given))


def test_the_memory_lies_with_the_journal(folder: Path, tmp_path: Path) -> None:
    """The folder is a share more often than not, where SQLite cannot lock."""
    make(tools(settings(folder))).close()

    assert (tmp_path / "winback-call_list.sqlite").exists()
    assert not list(folder.glob("*.sqlite*"))
