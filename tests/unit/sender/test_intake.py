"""What is read: touches, revocations, and what cannot be used."""

from collections.abc import Sequence

import msgspec
import pytest

from streams.core.time import HOUR_MS, iso
from tests.unit.sender.letters import START_MS, letters, revoked, touch
from tests.unit.sender.stand import LiveClock, MakeStand
from winback_sender.contract.messages import CaseClosed, UserErased, cloud_event, to_json
from winback_sender.contract.words import Status, Why
from winback_sender.engine.endings import unsent
from winback_sender.engine.inbox import Letter, Unread, letter
from winback_sender.engine.journal_rows import Intent
from winback_sender.receipt import Receipt

DELIVERED = Receipt(Status.DELIVERED)


def version(major: str) -> list[tuple[str, bytes]]:
    return [("ce_dataschema", f"urn:winback:touch.requested:{major}".encode())]


def test_a_touch_read_is_the_touch_written() -> None:
    written = touch("t1")
    headers = cloud_event("touch.requested", "t1", "/winback", iso(START_MS), "ada")
    value = to_json(written)

    read = letter(2, 7, value, headers, timestamp_ms=1, key=b"ada")
    assert read == (2, 7, START_MS, written, b"ada", value, 1)


def test_fields_that_are_new_to_us_do_no_harm() -> None:
    value = msgspec.json.encode(msgspec.json.decode(to_json(touch("t1"))) | {"new": 1})
    assert letter(0, 0, value, version("1"), START_MS).message == touch("t1")


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"{", b"\xff", b'{"touch_id": "t1"}', b"[]", b'{"type": 7}',
        b'{"type": "touch.revoked", "more": ' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_at_all_is_a_dead_letter(value: bytes | None) -> None:
    read = letter(0, 0, value, [("ce_time", b"soon")], START_MS)
    assert isinstance(read.message, Unread)
    assert read.message[:1] + read.message[2:] == (Why.NOT_READABLE, "", "", "", "")
    assert read.at_ms == START_MS


def test_a_kind_that_is_new_to_us_is_passed_over() -> None:
    assert letter(0, 0, b'{"type": "touch.postponed"}', version("9"), START_MS).message is None


def test_a_closed_case_is_read() -> None:
    closed = CaseClosed("c", "ada", "returned", 1, is_held_out=False, opened_at="", closed_at="")
    assert letter(0, 0, to_json(closed), [], START_MS).message == closed


@pytest.mark.parametrize("stated", ["2", "0", "x", "12345"])
def test_a_version_that_is_new_to_us_is_named_with_its_touch(stated: str) -> None:
    value = b'{"type":"touch.requested","touch_id":"t1","user_id":"ada","channel":"sms","v":{}}'
    unread = letter(0, 0, value, version(stated), START_MS).message
    assert isinstance(unread, Unread)
    assert (unread.reason, *unread[2:]) == (
        Why.UNKNOWN_VERSION, "touch.requested", "t1", "ada", "sms",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"not_before": "tomorrow"}, {"expires_at": "2017-03-01T09:00:00"}, {"step": "one"},
        {"params": {"name": 5}},
    ],
)  # fmt: skip
def test_a_touch_with_a_fault_ends_with_a_reason(make: MakeStand, wrong: dict[str, object]) -> None:
    stand = make()
    value = msgspec.json.encode(msgspec.json.decode(to_json(touch("t1"))) | wrong)
    assert stand.said([letter(0, 0, value, [], START_MS)]) == [("t1", unsent(Why.NOT_READABLE))]
    assert stand.sent == []


def test_an_id_that_no_journal_can_hold_is_a_dead_letter_alone(make: MakeStand) -> None:
    stand = make()
    stand.read([letter(0, 0, to_json(touch("t1\0")), [], START_MS)])
    assert (len(stand.letters()), stand.reports(), stand.sent) == (1, [], [])


def unreadable(**known: str) -> Letter:
    unread = Unread(Why.UNKNOWN_VERSION, "version 2", **known)
    return letters(unread)[0]._replace(value=b"{}", key=b"ada")


def test_a_touch_of_a_newer_contract_fails_and_is_a_dead_letter(make: MakeStand) -> None:
    stand = make()
    named = {"kind": "touch.requested", "touch_id": "t1", "user_id": "ada", "channel": "sms"}
    stand.read([unreadable(**named)])
    (dead,) = stand.letters()
    assert (dead.key, dead.value) == (b"ada", b"{}")
    assert dict(dead.headers)["__connect.errors.exception.class.name"] == b"unknown_version"
    assert [report.receipt for report in stand.reports()] == [unsent(Why.UNKNOWN_VERSION)]


def test_a_refusal_that_was_cut_off_is_said_at_the_next_start(make: MakeStand) -> None:
    """Killed after the intent of an end without a call: no provider can have had it."""
    killed = make()
    killed.journal.begin([Intent("t1", "ada", "sms", "", START_MS, START_MS)])
    named = {"kind": "touch.requested", "touch_id": "t1", "user_id": "ada", "channel": "sms"}
    assert make().said([unreadable(**named)]) == [("t1", unsent(Why.UNKNOWN_VERSION))]


def test_a_touch_that_an_older_sender_had_under_way_is_not_called_unsent(make: MakeStand) -> None:
    killed = make(clock=LiveClock())
    killed.read(letters(touch("t1")))
    killed.desk.begin(1, 0.0)
    named = {"kind": "touch.requested", "touch_id": "t1", "user_id": "ada", "channel": "sms"}
    assert make().said([unreadable(**named)]) == []


def test_a_dead_letter_is_done_when_kafka_has_it(make: MakeStand) -> None:
    stand = make()
    stand.read([unreadable()])
    assert (stand.done(), len(stand.letters())) == (0, 1)
    stand.tell()
    assert stand.done() == 1


def test_a_touch_that_was_sent_under_a_newer_version_keeps_its_end(make: MakeStand) -> None:
    """After a step back to an older sender, what the newer one did stands in the journal."""
    make().said(letters(touch("t1")))
    named = {"kind": "touch.requested", "touch_id": "t1", "user_id": "ada", "channel": "sms"}
    assert make().said([unreadable(**named)]) == [("t1", DELIVERED)]


def test_a_revocation_of_a_newer_contract_stops_the_touch_all_the_same(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    newer = unreadable(kind="touch.revoked", touch_id="t1")._replace(offset=1)
    assert stand.said([*letters(touch("t1")), newer]) == [("t1", unsent(Why.REVOKED))]


def test_touches_of_other_channels_are_other_senders_affair(make: MakeStand) -> None:
    stand = make()
    named = {"kind": "touch.requested", "touch_id": "t2", "user_id": "ada", "channel": "wechat"}
    stand.read([*letters(touch("t1", channel="wechat")), unreadable(**named)._replace(offset=1)])
    assert (stand.letters(), stand.reports(), stand.done()) == ([], [], 2)


def test_a_sender_that_stands_alone_refuses_unknown_channels(make: MakeStand) -> None:
    stand = make(refuses_others=True)
    stand.read(letters(touch("t1", channel="pigeon")))
    assert len(stand.letters()) == 1
    assert [report.receipt for report in stand.reports()] == [unsent(Why.UNKNOWN_CHANNEL)]


def test_what_finds_no_room_is_read_again(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    tray = stand.assign()
    batch = letters(*(touch(f"t{number}", f"user-{number}") for number in range(20)))
    stand.intake.window_bytes = 12_000
    stand.read(batch)
    kept = len(tray)
    assert 2 < kept < 10
    assert tray.dropped_from == kept

    sent = 0
    while sent < 20:
        assert not stand.intake.room(tray) or tray.bytes < 6_000
        stand.work()
        stand.tell()
        assert len(stand.sent) > sent
        sent = len(stand.sent)
        assert stand.done() == sent
        if tray.dropped_from is not None:
            assert stand.intake.room(tray)
            start = tray.dropped_from
            tray.rewind()
            tray.is_open = True
            stand.read(batch[start:])
    assert stand.sent == [f"t{number}" for number in range(20)]


def test_a_revocation_of_what_found_no_room_is_remembered(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    tray = stand.assign()
    stand.intake.window_bytes = 100
    batch = letters(touch("t1"), revoked("t1"))
    stand.read(batch)
    assert len(tray) == 0

    stand.intake.window_bytes = 1_000_000
    tray.rewind()
    tray.is_open = True
    assert stand.said(batch) == [("t1", unsent(Why.REVOKED))]


def test_who_is_erased_leaves_the_journal(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    gone = msgspec.structs.replace(revoked("t2"), reason="erased")
    later = touch("t2", not_before_ms=START_MS + HOUR_MS)
    batch = letters(touch("t1"), later, gone)
    stand.read(batch[:2])
    stand.work()
    stand.read(batch[2:])
    stand.work()
    told: Sequence[str] = [one.report.user_id for one in stand.endings.outbox if one.report]
    stand.tell()
    assert list(told) == ["ada", "ada"]
    assert {entry and entry.user_id for entry in map(stand.journal.entry, ("t1", "t2"))} == {""}


def test_who_is_erased_while_nothing_is_out_leaves_the_journal_too(make: MakeStand) -> None:
    stand = make(clock=LiveClock())
    batch = letters(touch("t1"), UserErased("ada", iso(START_MS)))
    stand.read(batch[:1])
    stand.work()
    stand.tell()
    stand.read(batch[1:])
    entry = stand.journal.entry("t1")
    assert entry is not None
    assert entry.user_id == ""
