"""A state file is whole, or it is none."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.stored import Stored
from streams.runtime.state_format import (
    USERS_MAX,
    BrokenFileError,
    Head,
    Reading,
    frame,
    payloads,
)
from streams.runtime.state_intake import rest_of

HEAD = Head(topic="users", topic_id="7", partition=3, offset=12, made_ms=1)
OURS = {b"\0partition": b"{}", b"\0erased/x": b"1 2"}


def written(stored: Stored) -> bytes:
    return b"".join(frame(payload) + payload for payload in payloads(HEAD, stored))


def read(data: bytes) -> tuple[Head, dict[bytes, bytes], dict[str, bytes]]:
    reading = Reading(io.BytesIO(data))
    stored = asyncio.run(rest_of(reading, at_once))
    users = {
        user_id: value
        for user_ids, values in stored.parts
        for user_id, value in zip(user_ids, values, strict=True)
    }
    records = {**stored.ours, **{user_id.encode(): value for user_id, value in users.items()}}
    assert dict(Reading(io.BytesIO(data)).records()) == records
    return reading.head, dict(stored.ours), users


async def at_once(do: Callable[..., Any], *given: Any) -> Any:
    return do(*given)


FILE = written(Stored(OURS, [(["ada", "", "李雷"], [b"a" * 300, b"", b"b"]), (["bo"], [b"\0"])]))
USERS = {"ada": b"a" * 300, "李雷": b"b", "bo": b"\0"}


def test_what_was_written_is_read_without_rows_that_are_nobodys() -> None:
    assert read(FILE) == (HEAD, OURS, USERS)


def test_many_users_are_many_frames() -> None:
    names = [f"u{number}" for number in range(2 * USERS_MAX + 1)]
    values = [name.encode() for name in names]
    _, _, users = read(written(Stored({}, [(names, values)])))
    assert list(users.items()) == list(zip(names, values, strict=True))


@settings(max_examples=300)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_byte_that_is_another_is_noticed(at: int, other: int) -> None:
    data = FILE[:at] + bytes([FILE[at] ^ other]) + FILE[at + 1 :]
    with pytest.raises(BrokenFileError):
        read(data)


@given(st.integers(0, len(FILE) - 1))
def test_half_a_file_is_none(size: int) -> None:
    with pytest.raises(BrokenFileError):
        read(FILE[:size])


def test_a_file_that_lacks_a_frame_is_none() -> None:
    frames = [
        frame(payload) + payload
        for payload in payloads(HEAD, Stored({}, [(["ada"], [b"1"]), (["bo"], [b"2"])]))
    ]
    del frames[2]
    with pytest.raises(BrokenFileError, match="1 users, and says 2"):
        read(b"".join(frames))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_other_file_is_none(data: bytes) -> None:
    with pytest.raises(BrokenFileError):
        read(data)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"format":2,"topic":"t","topic_id":"","partition":0,"offset":0,"made_ms":0}', "format"),
        (b"{}", "head"),
        (b"[", "head"),
    ],
)
def test_a_head_that_is_another_is_said(payload: bytes, said: str) -> None:
    with pytest.raises(BrokenFileError, match=said):
        Reading(io.BytesIO(frame(payload) + payload))


@pytest.mark.parametrize("payload", [b"\x92\x91\xa1a\x90", b"\x92\x90\x91\xc4\x01a", b"\xc0"])
def test_a_frame_that_holds_something_else_is_said(payload: bytes) -> None:
    whole = list(payloads(HEAD, Stored({}, [])))[:2]
    data = b"".join(frame(each) + each for each in (*whole, payload))
    with pytest.raises(BrokenFileError):
        read(data)
