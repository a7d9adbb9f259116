"""Lists that come back from staff, in whatever a spreadsheet has made of them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sender.letters import touch
from winback_sender.call_lists.columns import COLUMNS, OPTED_OUT, RESULTS, result
from winback_sender.call_lists.returned import BYTES_MAX, Returned, ids_in, read_returned
from winback_sender.call_lists.sheet import file_of, line_of
from winback_sender.contract.words import OUTCOMES, Status
from winback_sender.receipt import Receipt

HEAD = "电话,结果（已接通/占线）,备注,编号（勿改）\n"


def read(text: str, encoding: str = "utf-8") -> Returned:
    return read_returned(text.encode(encoding), lambda touch_id: touch_id.startswith("t"))


def handled(outcome: str) -> Receipt:
    return Receipt(Status.HANDLED, outcome)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030"]
)  # fmt: skip
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_way_in_which_a_spreadsheet_saves(encoding: str, separator: str) -> None:
    text = HEAD + "138 0013 8000,已接通,说下周来,t1\n1,无人接听,,t2\n2,,,t3\n3,号码错误,,t4\r\n"

    found = read(text.replace(",", separator), encoding)

    assert found.faults == []
    assert found.results == {
        "t1": handled("reached"), "t2": handled("no_answer"), "t4": handled("wrong_number"),
    }  # fmt: skip


def test_english_words_and_codes_are_read_in_any_order_of_columns() -> None:
    found = read("id,Result,phone\nt1,No Answer,1\n't2,PROMISED,1\nt3,opted-out,\n")

    assert found.faults == []
    assert found.results == {
        "t1": handled("no_answer"), "t2": handled("promised"), "t3": OPTED_OUT,
    }  # fmt: skip


def test_every_outcome_of_the_contract_has_chinese_words() -> None:
    assert {receipt.outcome for receipt in RESULTS.values() if receipt != OPTED_OUT} == set(
        OUTCOMES["handled"]
    )
    for word in COLUMNS["result"]["zh"].partition("（")[2].rstrip("）").split("/"):
        assert result(word) is not None, word
    for word in COLUMNS["result"]["en"].partition("(")[2].rstrip(")").split("/"):
        assert result(word) is not None, word


def test_faults_are_told_by_line_and_column_and_the_rest_counts() -> None:
    found = read(
        HEAD + "1,已接通,,t1\n2,聊了聊,,t2\n3,占线,,\n4,占线,,x9\n5,占线,\n6,拒绝,,t1\n7,拒绝,,t7\n"
    )

    assert found.results == {"t1": handled("reached"), "t7": handled("refused")}
    assert [(fault.line, fault.column) for fault in found.faults] == [
        (3, 2), (4, 4), (5, 4), (6, 4), (7, 2),
    ]  # fmt: skip
    assert str(found.faults[0]).startswith("line 3, column 2: '聊了聊' is no result: 已接通")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "file"),
        (b"PK\x03\x04...", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
        (b"\xff\xff\xff", "neither UTF-8 nor GBK"),
        ("编号,电话\nt1,1\n".encode(), "the column 结果 is missing"),
        (b"x" * (BYTES_MAX + 1), "longer than"),
        (b'id,result\nt1,"' + b"x" * 200_000 + b'"\n', "no CSV"),
    ],
)
def test_a_file_that_is_no_list_is_told(data: bytes, what: str) -> None:
    found = read_returned(data, lambda _: True)

    assert found.results == {}
    assert len(found.faults) == 1
    assert what in str(found.faults[0]) or found.faults[0].line == 1


def test_what_we_write_is_what_we_read() -> None:
    lines = [
        line_of(touch(f"t{n}"), "+8613800138000", '问"好",\n=1', "zh", ZoneInfo("Asia/Shanghai"))
        for n in range(3)
    ]
    data = file_of(lines, "zh")

    assert data.startswith(b"\xef\xbb\xbf")
    assert ids_in(data) == {"t0", "t1", "t2"}
    assert read_returned(data, lambda _: True) == Returned({}, [])


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (HEAD + text).encode()))
def test_no_file_whatever_ends_the_sender(data: bytes) -> None:
    found = read_returned(data, lambda _: True)

    assert set(found.results.values()) <= set(RESULTS.values())
