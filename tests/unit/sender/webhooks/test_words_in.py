"""What a receiver says of touches."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.adapter import Heard, Request
from winback_sender.contract.words import Status
from winback_sender.receipt import Receipt
from winback_sender.webhooks.signatures import Signer
from winback_sender.webhooks.words_in import WORDS_MAX, answer_words, read_words

NOW_MS = 1_790_000_000_000
SIGNER = Signer("whsec_" + base64.b64encode(bytes(32)).decode(), "S")


def call(body: bytes, method: str = "POST", at_ms: int = NOW_MS) -> Request:
    return Request(method, {}, SIGNER.headers("w1", at_ms // 1_000, body), body)


def read(*words: Any) -> tuple[list[Heard], list[Any]]:
    return read_words(json.dumps(list(words)).encode(), NOW_MS)


def test_a_word_is_taken() -> None:
    word = {
        "touch_id": "t1", "status": "failed", "outcome": "hard", "reason": "21610",
        "provider_ref": "m-17", "at": NOW_MS - 5_000, "new_field": 1,
    }  # fmt: skip

    answer = answer_words(SIGNER, call(json.dumps(word).encode()), lambda: NOW_MS)

    assert (answer.status, json.loads(answer.body)) == (200, {"taken": 1, "faults": []})
    receipt = Receipt(Status.FAILED, "hard", "21610", "m-17")
    assert list(answer.heard) == [Heard(receipt, NOW_MS - 5_000, "t1", "m-17")]


def test_an_event_carries_words_too() -> None:
    event = {"specversion": "1.0", "data": [{"touch_id": "t1", "status": "delivered"}]}

    heard, faults = read_words(json.dumps(event).encode(), NOW_MS)

    assert (heard, faults) == ([Heard(Receipt(Status.DELIVERED), 0, "t1")], [])


def test_an_opt_out_may_name_an_address_instead_of_a_touch() -> None:
    heard, _ = read({"status": "opted_out", "address": "138 0013 8000"})

    assert heard == [Heard(Receipt(Status.OPTED_OUT), address="+8613800138000")]


def test_instants_are_written_in_either_way() -> None:
    heard, faults = read(
        {"touch_id": "t1", "status": "sent", "at": "2026-09-21T22:13:20+08:00"},
        {"touch_id": "t1", "status": "sent", "at": NOW_MS},
        {"touch_id": "t1", "status": "sent"},
    )

    assert [word.at_ms for word in heard] == [NOW_MS, NOW_MS, 0]
    assert faults == []


def test_of_a_list_the_good_words_count_and_the_others_are_told() -> None:
    words = [
        {"touch_id": "t1", "status": "delivered"},
        {"touch_id": "t2", "status": "arrived"},
        {"touch_id": "t3", "status": "handled", "outcome": "chatted"},
        {"touch_id": "t4", "status": "handled", "outcome": "promised"},
    ]

    answer = answer_words(SIGNER, call(json.dumps(words).encode()), lambda: NOW_MS)

    told = json.loads(answer.body)
    assert [word.touch_id for word in answer.heard] == ["t1", "t4"]
    assert (answer.status, told["taken"]) == (200, 2)
    assert [fault["word"] for fault in told["faults"]] == [1, 2]
    assert "reached, promised, refused, no_answer, busy, wrong_number" in told["faults"][1]["what"]


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ({"touch_id": "t1"}, "status"),
        ({"touch_id": "t1", "status": "arrived"}, "arrived"),
        ({"touch_id": 7, "status": "sent"}, "touch_id"),
        ({"touch_id": "t" * 129, "status": "sent"}, "touch_id"),
        ({"status": "sent"}, "all empty"),
        ({"touch_id": "t1", "status": "failed"}, "outcome of failed must be one of hard"),
        ({"touch_id": "t1", "status": "sent", "at": "2026-09-21T22:13:20"}, "no zone"),
        ({"touch_id": "t1", "status": "sent", "at": "yesterday"}, "at"),
        ({"touch_id": "t1", "status": "sent", "at": NOW_MS // 1_000}, "no instant"),
        ({"touch_id": "t1", "status": "sent", "at": NOW_MS * 1_000}, "no instant"),
        ("t1", "object"),
        (None, "object"),
    ],
)
def test_what_is_no_word_is_told(word: Any, what: str) -> None:
    heard, faults = read(word)

    assert heard == []
    assert what in faults[0].what


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"<html>", b"[" * 100_000, b"null", b"1"])
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    answer = answer_words(SIGNER, call(body), lambda: NOW_MS)

    assert (answer.status, answer.heard) == (400, ())


def test_too_many_words_are_refused_at_once() -> None:
    heard, faults = read(*[{"touch_id": "t", "status": "sent"}] * (WORDS_MAX + 1))

    assert (heard, faults[0].what) == ([], "more than 1000 words")


def test_an_empty_list_is_in_order() -> None:
    assert answer_words(SIGNER, call(b"[]"), lambda: NOW_MS).status == 200


def test_who_has_not_signed_is_not_heard() -> None:
    body = b'{"touch_id": "t1", "status": "opted_out"}'
    forged = call(body)._replace(headers={})
    changed = call(body)._replace(body=body.replace(b"t1", b"t2"))
    old = call(body, at_ms=NOW_MS - 301_000)

    for request in (forged, changed, old):
        answer = answer_words(SIGNER, request, lambda: NOW_MS)
        assert (answer.status, answer.heard) == (401, ())
    assert answer_words(SIGNER, call(body, "GET"), lambda: NOW_MS).status == 405


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("status"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["status", "touch_id", "at", "outcome", "data", "specversion", "x"]),
        inner, max_size=5,
    ),
    max_leaves=12,
))  # fmt: skip
def test_no_json_whatever_ends_the_sender(given_json: Any) -> None:
    heard, faults = read_words(json.dumps(given_json).encode(), NOW_MS)

    assert all(isinstance(word.receipt.status, Status) for word in heard)
    assert heard or faults or given_json == [] or given_json.get("data") == []
