"""The address book in a CSV file."""

import logging
import os
import time
from pathlib import Path

import pytest

from winback_sender.addresses.csv import CsvAddresses, Fault
from winback_sender.errors import UserError
from winback_sender.receipt import NotSentError

GOOD = (
    "user_id,channel,address\n900,sms,138 0013 8000\n900,email,Ada@Example.com\n901,wechat,oX1-a\n"
)


def write(path: Path, text: str, encoding: str = "utf-8", *, age_s: float = 60.0) -> Path:
    """Write a file that has been lying there for a while."""
    new = path.with_suffix(".new")
    new.write_bytes(text.encode(encoding))
    os.utime(new, (time.time() - age_s,) * 2)
    new.replace(path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "book.csv", GOOD)


def test_it_knows_whom_the_file_knows(file: Path) -> None:
    book = CsvAddresses(file)

    assert book.resolve("900", "sms") == "138 0013 8000"
    assert book.resolve("901", "wechat") == "oX1-a"
    assert book.resolve("901", "sms") is None
    assert book.resolve("", "") is None
    assert book.faults == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_mark_of_excel_and_other_columns_do_no_harm(tmp_path: Path, encoding: str) -> None:
    text = "姓名,address,user_id,channel\n李雷, 13800138000 ,会员900,sms\n\n"

    book = CsvAddresses(write(tmp_path / "b.csv", text, encoding))

    assert book.resolve("会员900", "sms") == "13800138000"


def test_gbk_is_read_when_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "b.csv", "user_id,channel,address\n会员900,sms,1\n", "gbk")

    with pytest.raises(UserError, match="is not UTF-8, line 2") as refused:
        CsvAddresses(path)
    assert "WINBACK_SENDER_ADDRESSES_ENCODING=gbk" in refused.value.hint
    assert CsvAddresses(path, "gbk").resolve("会员900", "sms") == "1"


def test_a_reply_is_found_by_any_spelling(file: Path) -> None:
    book = CsvAddresses(file)

    assert book.find("sms", "+8613800138000") == "900"
    assert book.find("email", "ada@example.com") == "900"
    assert book.find("wechat", "oX1-a") == "901"
    assert book.find("wechat", "ox1-a") is None
    assert book.find("call", "+8613800138000") is None


def test_an_address_of_two_users_names_neither(tmp_path: Path) -> None:
    text = "user_id,channel,address\n1,sms,13800138000\n2,sms,+86 13800138000\n3,sms,13800138000\n"
    book = CsvAddresses(write(tmp_path / "b.csv", text))

    assert book.find("sms", "13800138000") is None
    assert book.resolve("2", "sms") == "+86 13800138000"


def test_wrong_lines_are_left_out_and_told_by_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = (
        "user_id,channel,address\n900,sms,13800138000\n901,sms\n,sms,13900139000\n"
        '903,"s\nms",13700137000\n904,sms,\n905,sms,1,2\n906,sms,13600136000\n'
    )
    with caplog.at_level(logging.INFO):
        book = CsvAddresses(write(tmp_path / "b.csv", text))

    assert book.faults == [
        Fault(3, "2 columns instead of 3"),
        Fault(4, "user_id is empty"),
        Fault(7, "address is empty"),
        Fault(8, "4 columns instead of 3"),
    ]
    assert [book.resolve(user, "sms") for user in ("900", "901", "906")] == [
        "13800138000", None, "13600136000",
    ]  # fmt: skip
    assert len([r for r in caplog.records if r.message == "address_passed_over"]) == 4
    assert "13900139000" not in str([vars(r) for r in caplog.records])


def test_two_addresses_of_one_user_contradict_each_other(tmp_path: Path) -> None:
    """The newer one may be right, or the line of another customer: nobody gets a stranger's."""
    text = "user_id,channel,address\n1,sms,13800138000\n1,sms,13900139000\n1,sms,13800138000\n"
    book = CsvAddresses(write(tmp_path / "b.csv", text))

    assert book.resolve("1", "sms") is None
    assert [fault.line for fault in book.faults] == [3]
    assert book.find("sms", "13800138000") is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "lacks the column user_id, channel, address in line 1"),
        ("user_id;channel;address\n", "lacks the column"),
        ("user_id,channel\n900,sms\n", "lacks the column address in line 1"),
        ('user_id,channel,address\n900,sms,"138\n', "no CSV, line 2"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        CsvAddresses(write(tmp_path / "b.csv", text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        CsvAddresses(tmp_path / "none.csv")


def test_a_changed_file_is_read_again_as_a_whole(file: Path) -> None:
    book = CsvAddresses(file)

    write(file, "user_id,channel,address\n901,sms,13900139000\n", age_s=30)

    assert book.resolve("900", "sms") is None
    assert book.resolve("901", "sms") == "13900139000"


def test_a_file_that_is_being_written_is_not_taken_yet(file: Path) -> None:
    book = CsvAddresses(file)

    write(file, "user_id,channel,address\n", age_s=0)
    assert book.resolve("900", "sms") == "138 0013 8000"

    os.utime(file, (time.time() - 5,) * 2)
    assert book.resolve("900", "sms") is None


@pytest.mark.parametrize("change", ["broken", "away"])
def test_without_a_readable_file_touches_wait(file: Path, change: str) -> None:
    """It must not look as if nobody had an address, nor may what was removed be used for ever."""
    book = CsvAddresses(file)
    if change == "away":
        file.unlink()
    else:
        write(file, "user_id,channel\n", age_s=30)

    for _ in range(2):
        with pytest.raises(NotSentError) as away:
            book.resolve("900", "sms")
        assert (away.value.retry, away.value.reason) == (True, "addresses_unavailable")
    with pytest.raises(NotSentError):
        book.find("sms", "13800138000")

    write(file, GOOD, age_s=20)
    assert book.resolve("900", "sms") == "138 0013 8000"
