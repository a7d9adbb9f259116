"""What was asked is answered once, in order, also over a restart; and records stay few."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import RHYTHM_WIDTH, WIDTH
from models.open_block import Block
from models.questions import BLOCK_ROWS, SMALL_MAX, Matured, Openings, Outcomes, Questions, joined

HORIZON_MS: Final = 1_000


def ask(
    of: Questions, users: list[int], at_ms: float = 0.0, models: tuple[str, ...] = ("a",)
) -> None:
    """Ask about users; every number about a user is made of its name."""
    ids = np.array(users, float)
    rows = np.repeat(ids[:, None], WIDTH, axis=1).astype(np.float32)
    heads = np.repeat(ids[:, None], RHYTHM_WIDTH, axis=1)
    openings = Openings(np.array(users, np.uint64), np.full(len(users), at_ms), heads)
    of.ask(openings, rows, (ids + 0.1, ids + 0.2, ids + 0.3), dict.fromkeys(models, ids + 0.4))


def answers(users: list[int], at_ms: float = 0.0) -> Outcomes:
    ids = np.array(users, np.uint64)
    opened = np.full(len(users), at_ms)
    weight = np.arange(len(users)).astype(np.float32)
    return Outcomes(ids, opened, opened + HORIZON_MS, ids % np.uint64(2) == 0, weight)


def whole(found: Matured | None, users: list[int], *, has_heads: bool = True) -> None:
    """Assert that exactly these users are answered, in this order, with what was said of them."""
    assert found is not None
    ids = np.array(users, float)

    assert found.users.tolist() == users
    assert found.churned.tolist() == [user % 2 == 0 for user in users]
    assert (found.said - ids).tolist() == pytest.approx([0.1] * len(users))
    assert (found.raw - ids).tolist() == pytest.approx([0.2] * len(users))
    assert (found.candidate - ids).tolist() == pytest.approx([0.3] * len(users))
    assert (found.models["a"] - ids).tolist() == pytest.approx([0.4] * len(users))
    assert (found.rows == ids[:, None]).all()
    assert found.rows.shape == (len(users), WIDTH)
    if has_heads:
        assert found.heads is not None
        assert (found.heads == ids[:, None]).all()


def kept(of: Questions, records: dict[str, bytes]) -> None:
    """Bring records up to date, as a compacted topic does."""
    for key, block in of.take().items():
        if block is None:
            records.pop(key, None)
        else:
            records[key] = msgspec.json.encode(block)


def restarted(records: dict[str, bytes]) -> Questions:
    found = Questions(HORIZON_MS)
    found.load({key: msgspec.json.decode(data, type=Block) for key, data in records.items()})
    return found


def test_an_answer_brings_back_what_was_said() -> None:
    questions = Questions(HORIZON_MS, keeps_heads=True)
    ask(questions, [3, 1, 2])

    whole(questions.answer(answers([2, 3])), [2, 3])
    whole(questions.answer(answers([1])), [1])
    assert len(questions) == 0


def test_an_answer_counts_once_and_only_for_its_question() -> None:
    questions = Questions(HORIZON_MS, keeps_heads=True)
    ask(questions, [1, 2], 0.0)
    ask(questions, [1], 500.0)

    assert questions.answer(answers([3])) is None
    assert questions.answer(answers([1], 1.0)) is None
    whole(questions.answer(answers([2, 1, 1, 7])), [2, 1])
    assert questions.answer(answers([1, 2])) is None
    whole(questions.answer(answers([1], 500.0)), [1])


@given(st.lists(st.integers(1, 80), unique=True, min_size=1), st.integers(1, 70), st.randoms())
def test_answers_come_in_their_own_order_however_it_was_asked(
    users: list[int], cut: int, chance: st.randoms
) -> None:
    questions = Questions(HORIZON_MS, keeps_heads=True)
    for start in range(0, len(users), cut):
        ask(questions, users[start : start + cut])
    wanted = list(users)
    chance.shuffle(wanted)

    assert len(questions) == len(users)
    whole(questions.answer(answers(wanted)), wanted)
    assert len(questions) == 0


def test_a_newcomer_among_the_models_said_nothing_before() -> None:
    questions = Questions(HORIZON_MS)
    ask(questions, [1])
    ask(questions, [2], models=("a", "guest"))
    found = questions.answer(answers([1, 2]))

    assert found is not None
    assert np.isnan(found.models["guest"]).tolist() == [True, False]
    assert found.heads is None


def test_what_nobody_answers_is_forgotten_after_its_time() -> None:
    questions, records = Questions(HORIZON_MS), {}
    for number in range(10):
        ask(questions, [number + 1], number * 100.0)
    kept(questions, records)
    questions.forget_before(1_500.0)
    assert len(questions) == 10
    questions.forget_before(1_850.0)
    kept(questions, records)

    assert len(questions) == len(records) == 6
    assert questions.answer(answers([1])) is None


def test_also_those_that_are_kept_together_with_newer_ones_are_forgotten() -> None:
    questions, records = Questions(HORIZON_MS), {}
    for user in range(1, 101):
        ask(questions, [user], user * 10.0)
    questions.forget_before(1_500.0 + 500.0)
    kept(questions, records)

    assert len(questions) == len(restarted(records)) == 51
    whole(restarted(records).answer(answers([51], 510.0)), [51], has_heads=False)


def test_questions_that_come_alone_do_not_stay_alone() -> None:
    """Live, a block of one for each would cost five times the memory, and a record each."""
    questions, records, most = Questions(HORIZON_MS), {}, 0
    for user in range(1, 2_001):
        ask(questions, [user])
        if user % 7 == 0:
            kept(questions, records)
            most = max(most, len(records))
    kept(questions, records)
    rows = [len(msgspec.json.decode(data, type=Block).users) // 8 for data in records.values()]

    assert most < 2 * SMALL_MAX + 2_000 // (BLOCK_ROWS // SMALL_MAX)
    assert sum(rows) == 2_000
    assert max(rows) <= BLOCK_ROWS
    found = restarted(records).answer(answers(list(range(1, 2_001))))
    whole(found, list(range(1, 2_001)), has_heads=False)


def test_a_large_block_is_cut_to_fit_into_records() -> None:
    questions, records = Questions(HORIZON_MS), {}
    ask(questions, list(range(1, 2 * BLOCK_ROWS + 11)))
    kept(questions, records)

    assert len(records) == 3
    assert max(map(len, records.values())) < 1_000_000


@given(
    st.lists(
        st.tuples(st.sampled_from(("ask", "answer", "keep", "restart")), st.integers(1, 40)),
        max_size=40,
    )
)
def test_a_restart_forgets_nothing_and_answers_nothing_twice(
    story: list[tuple[str, int]],
) -> None:
    """Whatever happens between two records is done again after a restart, as offsets say."""
    questions, records, open_, next_ = Questions(HORIZON_MS), {}, [], 1
    for what, size in story:
        if what == "ask":
            users = list(range(next_, next_ + size))
            next_ += size
            ask(questions, users)
            open_ += users
        elif what == "answer" and open_:
            users, open_ = open_[:size], open_[size:]
            whole(questions.answer(answers(users)), users, has_heads=False)
        elif what == "keep":
            kept(questions, records)
        elif what == "restart":
            kept(questions, records)
            questions = restarted(records)
        assert len(questions) == len(open_)
    if open_:
        whole(questions.answer(answers(open_)), open_, has_heads=False)


def test_parts_are_joined_in_order() -> None:
    questions = Questions(HORIZON_MS, keeps_heads=True)
    ask(questions, [1, 2, 3])
    parts = [questions.answer(answers([user])) for user in (2, 3)]
    assert all(part is not None for part in parts)

    whole(joined([part for part in parts if part is not None]), [2, 3])
    assert joined([]) is None


@given(st.lists(st.integers(1, 30), unique=True, min_size=1), st.sets(st.integers(1, 30)))
def test_of_a_forgotten_user_nothing_is_kept_in_memory_or_in_records(
    users: list[int], forgotten: set[int]
) -> None:
    """Whether the others are answered before or after a restart, they are as they were."""
    of, records = Questions(HORIZON_MS), dict[str, bytes]()
    ask(of, users)
    kept(of, records)
    of.forget(np.array(sorted(forgotten), np.uint64))
    kept(of, records)

    left = [user for user in users if user not in forgotten]
    blocks = [msgspec.json.decode(data, type=Block) for data in records.values()]
    held = {user for block in blocks for user in np.frombuffer(block.users, "<u8").tolist()}
    assert held == set(left)
    for each in (of, restarted(records)):
        assert len(each) == len(left)
        found = each.answer(answers(users))
        assert (found is None) == (not left)
        if left:
            whole(found, left, has_heads=False)
