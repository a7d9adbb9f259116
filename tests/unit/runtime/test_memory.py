"""What lies free between what is in use goes back to the system."""

import ctypes
from pathlib import Path

import pytest

from streams.runtime.memory import give_back, in_use_bytes


def resident_kb() -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0])


def test_pages_between_what_is_kept_are_given_back() -> None:
    kept = [bytes(20_000) for _ in range(4_000)]  # 80 MB, of which every hundredth stays
    kept = kept[::100]
    before_kb = resident_kb()

    assert give_back()
    assert before_kb - resident_kb() > 40_000
    assert len(kept) == 40


def test_in_use_is_what_is_kept_large_or_small() -> None:
    before = in_use_bytes()
    large = [bytes(100_000) for _ in range(200)]  # 20 MB
    small = [object() for _ in range(100_000)]  # 1.6 MB, said to be 8
    within = in_use_bytes()
    sizes = len(large), len(small)
    del large, small
    after = in_use_bytes()

    assert before is not None
    assert within is not None
    assert after is not None
    assert 25e6 < within - before < 32e6
    assert abs(after - before) < 2e6
    assert sizes == (200, 100_000)


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())

    assert not give_back()
    assert in_use_bytes() is None
