"""Traces of an id: found however it is written, and not in ids of others."""

import base64
import gzip
import json
import sqlite3
import struct
import tracemalloc
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.core.erasures import Erasure
from streams.core.ids import FormerKey, Ids
from streams.core.kinship import STUB_PREFIX, Stub
from streams.core.rules_file import parse_rules
from streams.core.state import blank, encode
from streams.runtime.erasure.files import BLOCK, FileSearch
from streams.runtime.erasure.people import known_in, person_of
from streams.runtime.erasure.sweep import by_pseudonym, whose
from streams.runtime.erasure.topics import Searched, _gone_ms
from streams.runtime.erasure.traces import RAW_SHORTEST, Tracker
from streams.runtime.erasure.wish import event_name, event_of
from streams.runtime.retention import CHECKS_MS, DAY_MS, ErasedBy
from winback_sender.contract.messages import cloud_event

IDS = ["ada-4711", "用户八十八", "a b+c/d@x.com", 'q"uo\\te\x01', "13800138000", "ab"]
user_ids = st.text(min_size=1, max_size=30).filter(lambda text: "\ud800" not in text)


def is_word(text: str) -> bool:
    """Whether it can be written, and is no short number: those are looked for where ids stand."""
    try:
        plain = text.encode()
    except UnicodeEncodeError:
        return False
    return not (plain.isdigit() and len(plain) < RAW_SHORTEST)


def search_for(user_id: str) -> FileSearch:
    return FileSearch(
        Tracker([user_id]),
        Tracker([user_id], is_raw=True),
        Tracker([user_id], is_raw=True, is_list=True),
    )


@given(user_ids.filter(is_word), st.binary(max_size=20), st.binary(max_size=20))
def test_an_id_is_found_in_every_form_in_which_it_may_stand(
    user_id: str, before: bytes, after: bytes
) -> None:
    tracker, plain = Tracker([user_id]), user_id.encode()
    written = [
        plain,
        b'{"user_id":"%s"}' % json.dumps(user_id)[1:-1].encode(),
        msgspec.json.encode({"user_id": user_id}),
        msgspec.msgpack.encode(["x", user_id, 65]),
        b"?u=" + quote(user_id).encode() + b"&",
        b"?u=" + quote(user_id, safe="").encode(),
        b"?u=" + quote_plus(user_id, safe="").encode(),
    ]
    if len(plain) >= 8:  # Shorter ones stand in any text by chance.
        written += [plain.hex().encode(), plain.hex().upper().encode()]
        written += [base64.b64encode(before + plain + after)]
        written += [base64.urlsafe_b64encode(before + plain + after)]
    for data in written:
        assert tracker.find(data), data


@pytest.mark.parametrize(
    ("user_id", "data"),
    [
        ("ada", b"canada"), ("ada", b"adapter"), ("4711", b"147110"), ("4711", b"1496271180000"),
        ("ada-4711", b"ada-471"), ("ada-4711", b"ada-47112"),
    ],
)  # fmt: skip
def test_another_id_is_not_taken_for_it(user_id: str, data: bytes) -> None:
    assert Tracker([user_id]).find(data) == {}


@pytest.mark.parametrize("user_id", ["7", "17", "900", "44711"])
def test_a_short_number_is_found_where_ids_stand_and_nowhere_else(user_id: str) -> None:
    tracker, plain = Tracker([user_id]), user_id.encode()
    for data in (
        plain,
        plain + b"\0{}\0ce_id\0x",
        b"k\0{}\0ce_subject\0" + plain,
        b"k\0{}\0ce_subject\0" + plain + b"\0ce_id\0x",
        msgspec.json.encode({"user_id": user_id}),
        msgspec.json.encode({"value": json.dumps({"members": ["a", user_id]})}),
        b'{"customer_id": ' + plain + b"}",
        b'{"userNo":' + plain + b",",
    ):
        assert tracker.find(data), data
    for data in (
        b"2026-11-17T07:17:07 " + plain,
        b'{"amount":' + plain + b"}",
        b'{"at":[3,' + plain + b",2]}",
        b'{"' + plain + b'":1}',
        b"user-activity 0 " + plain + b"\n",
        b"k\0{}\0attempt\0" + plain,
        b'"user_id":"x' + plain + b'"',
        b'"user_id":' + plain + b"1",
    ):
        assert tracker.find(data) == {}, data


def test_a_short_number_is_found_in_tables_and_lists(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_bytes(b"at,user\n2026-11-01,17\n")
    (tmp_path / "checkpoint").write_bytes(b"0\nuser-activity 0 17\n")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as table:
        table.execute("CREATE TABLE touches (user TEXT, attempts INTEGER)")
        table.execute("INSERT INTO touches VALUES ('17', 3), ('18', 17)")
        table.commit()
    found = {Path(p.name).name: p.records for p in search_for("17").places(tmp_path) if p.records}
    assert found == {"calls.csv": 1, "journal.sqlite": 1}


def test_what_stands_for_a_user_among_examples_is_found_raw_and_packed() -> None:
    token = Ids(b"key").token("ada", 0)
    tracker = Tracker(["ada"], [token])
    users = b"12345678" + token + b"12345678"
    assert tracker.find(users) == {"token": 1}
    assert tracker.find(base64.b64encode(b"x" + users)) == {"token": 1}


def test_files_are_looked_through_as_text_as_tables_packed_and_raw(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"user=ada-4711 did")
    with gzip.open(tmp_path / "events.csv.gz", "wb") as file:
        file.write(b"ada-4711,1\n")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as table:
        table.execute("CREATE TABLE touches (id TEXT, user TEXT, channel TEXT)")
        table.execute("INSERT INTO touches VALUES ('known', 'ada-4711', 'sms')")
        table.commit()
    (tmp_path / "clean.bin").write_bytes(bytes(9_000_000))
    (tmp_path / "border.bin").write_bytes(bytes((1 << 22) - 4) + b"ada-4711")
    search = search_for("ada-4711")
    places = {Path(place.name).name: place for place in search.places(tmp_path)}

    assert set(places) == {
        "log.txt", "events.csv.gz", "journal.sqlite", "border.bin", tmp_path.name
    }  # fmt: skip
    assert places["journal.sqlite"].kind == "table"
    assert places[tmp_path.name].searched > 9_000_000
    assert places[tmp_path.name].traces == 0


def test_what_is_broken_is_looked_through_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "torn.gz").write_bytes(gzip.compress(bytes(9_000))[:20] + b"ada-4711")
    (tmp_path / "no.gz").write_bytes(b"\x1f\x8bada-4711")
    (tmp_path / "broken.sqlite").write_bytes(b"SQLite format 3\0" + bytes(99) + b"ada-4711")
    search = search_for("ada-4711")
    found = {Path(place.name).name for place in search.places(tmp_path) if place.records}
    assert found == {"torn.gz", "no.gz", "broken.sqlite"}


def a_segment(path: Path, *values: bytes, codec: int = 0) -> None:
    """Write a segment of Kafka, a batch for every value."""
    with path.open("wb") as file:
        for offset, value in enumerate(values):
            batch = DefaultRecordBatchBuilder(
                magic=2, compression_type=codec, is_transactional=0, producer_id=-1,
                producer_epoch=-1, base_sequence=-1, batch_size=2**24,
            )  # fmt: skip
            batch.append(0, 1_700_000_000_000, b"key", value, [])
            made = bytearray(batch.build())
            made[:8] = offset.to_bytes(8)
            file.write(made)


@pytest.mark.parametrize("codec", [0, 1])
def test_a_segment_is_not_held_in_memory(tmp_path: Path, codec: int) -> None:
    """Ten megabytes of batches: one at a time is looked at, and the last is found."""
    noise = [b"\0" * 250_000] * 40
    a_segment(tmp_path / "00000000000000000000.log", *noise, b"user=ada-4711 did", codec=codec)
    tracemalloc.start()
    found = [each for each in search_for("ada-4711").places(tmp_path) if each.records]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (place,) = found
    assert (place.kind, place.records) == ("segment", 1)
    assert place.newest_at == "2023-11-14T22:13:20.000Z"
    assert peak < 6_000_000


def test_what_is_no_whole_batch_of_a_segment_is_looked_through_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000000.log"
    a_segment(path, b"user=ada-4711 did", b"broken user=ada-4711", b"user=ada-4711 did")
    data = bytearray(path.read_bytes())
    data[data.index(b"broken") - 4] ^= 0xFF  # the length of the value
    begun = struct.pack(">qi", 3, 1 << 24)
    path.write_bytes(data + begun + bytes(BLOCK - len(begun) - 4) + b"ada-4711")
    (place,) = (each for each in search_for("ada-4711").places(tmp_path) if each.records)
    assert place.kind == "segment"
    assert place.records == 4
    assert place.traces == 4, "also the one across the border of two blocks"


def test_what_was_deleted_from_a_table_is_found_in_its_bytes(tmp_path: Path) -> None:
    """The cells of a row have nothing between them."""
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as table:
        table.execute("PRAGMA secure_delete = OFF")
        table.execute("CREATE TABLE touches (id TEXT, user TEXT, channel TEXT)")
        table.execute("INSERT INTO touches VALUES ('known', 'ada-4711', 'sms')")
        table.commit()
        table.execute("DELETE FROM touches")
        table.commit()
    search = search_for("ada-4711")
    assert sum(place.traces for place in search.places(path)) > 0


# -- who is one person


def state(*members: str) -> bytes:
    made = blank(0.0)
    profile = msgspec.structs.replace(made.profile, members=dict.fromkeys(members, 1))
    return encode(made.having(profile))


def stub(into: str) -> bytes:
    return msgspec.msgpack.encode(Stub(into, 1))


def test_all_ids_that_lead_to_a_person_are_found_whichever_is_asked_for() -> None:
    known = known_in([
        {b"ada": state("c1", "bos"), b"bo": state(), STUB_PREFIX + b"c2": stub("c1")},
        {STUB_PREFIX + b"c1": stub("ada"), STUB_PREFIX + b"bos": stub("bo")},
    ])  # fmt: skip
    for asked in ("ada", "c1", "c2"):
        assert set(person_of(asked, known).ids) == {"ada", "c1", "c2"}, asked
        assert person_of(asked, known).is_known
    assert set(person_of("bo", known).ids) == {"bo", "bos"}, "a refused link is nobody's second id"


def test_a_claim_that_is_on_its_way_counts_and_somebody_unknown_is_alone() -> None:
    known = known_in([{b"ada": state("new")}])
    assert person_of("ada", known).ids == ("ada", "new")
    assert person_of("eve", known) == person_of("eve", known_in([]))
    assert person_of("eve", known).ids == ("eve",)
    assert not person_of("eve", known).is_known


def test_a_ring_of_stubs_ends() -> None:
    known = known_in([{STUB_PREFIX + b"a": stub("b"), STUB_PREFIX + b"b": stub("a")}])
    assert set(person_of("a", known).ids) >= {"a", "b"}


# -- whose a decision is


def test_a_decision_belongs_to_all_whom_it_names() -> None:
    headers = cloud_event("identity.merged", "n", "/w", "2017-01-01T00:00:00.000Z", "ada")
    assert whose(b'{"user_id":"ada","other_id":"cookie"}', headers) == {"ada", "cookie"}


def test_how_a_budget_stands_is_nobodys_whatever_the_partition_is_called() -> None:
    headers = cloud_event("budget.status", "n", "/w", "2017-01-01T00:00:00.000Z", "3")
    assert whose(b'{"partition":3}', headers) == set()


def test_the_erased_are_told_by_their_pseudonyms_and_who_came_later_is_somebody_else() -> None:
    ids = Ids(b"new", (FormerKey(b"old", 50),))
    is_erased = by_pseudonym(ids, {ids.pseudonym("ada", 0): Erasure(1_000, 2_000)})
    assert is_erased("ada", 999)
    assert not is_erased("ada", 1_000), "the id was free again"
    assert not is_erased("bo", 0)


# -- the wish, and when it is fulfilled


def test_the_wish_is_an_event_of_the_rules_with_the_same_id_every_time() -> None:
    rules = parse_rules("events: {erasure: [forget_me]}\n")
    name, ids = event_name(rules), Ids(b"key")
    first, again = (msgspec.json.decode(event_of("ada", name, ids, at)) for at in (1, 2))
    assert first["event"] == "forget_me"
    assert first["event_id"] == again["event_id"]
    assert "ada" not in first["event_id"]


def test_when_a_record_will_be_gone_is_said() -> None:
    aged = Searched("t", ErasedBy.RETENTION,
                    {"retention.ms": str(7 * DAY_MS), "segment.ms": str(DAY_MS)})  # fmt: skip
    assert _gone_ms(aged, 5, 0, (5, 0, False)) == 8 * DAY_MS + CHECKS_MS
    state_topic = Searched("s", ErasedBy.SERVICE, {
        "cleanup.policy": "compact", "max.compaction.lag.ms": "600000",
        "delete.retention.ms": str(DAY_MS),
    })  # fmt: skip
    assert _gone_ms(state_topic, 5, 0, (5, 0, False)) is None, "the last word of a key stays"
    assert _gone_ms(state_topic, 5, 0, (9, 1_000, True)) == 1_000 + 1_200_000 + DAY_MS + CHECKS_MS
