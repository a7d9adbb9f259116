"""The policy of contacts as a record: learned in order, signed, restored, and never half used."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.episodes import Episodes, only
from models.feature_list import WIDTH
from models.policy import Policy, PolicyLearner, check
from models.snapshot import Refusal, SnapshotRefused, load, sign
from models.uplift import UNKNOWN

KEYS = (b"secret",)


def episodes(count: int, seed: int = 0) -> Episodes:
    """Return episodes of two playbooks with two variants each; b is the better one."""
    rng = np.random.default_rng(seed)
    treated, second = rng.random(count) < 0.9, rng.random(count) < 0.5
    returned = rng.random(count) < np.where(treated & second, 0.5, 0.2)
    at_ms = np.arange(count) * 1_000.0
    of_variant = np.where(treated, 0.5, 1.0)
    return Episodes(
        exposed_at_ms=at_ms, matured_at_ms=at_ms, treated=treated, returned=returned,
        value_change=returned * rng.lognormal(7.0, 1.0, count),
        propensity=np.where(treated, 0.9, 0.1) * of_variant,
        playbooks=tuple(np.where(rng.random(count) < 0.8, "care", "call").tolist()),
        variants=tuple(np.where(second, "b", "a").tolist()), channels=("sms",) * count,
        rows=rng.normal(size=(count, WIDTH)).astype(np.float32), variant_propensity=of_variant,
    )  # fmt: skip


def learned(*parts: Episodes) -> PolicyLearner:
    learner = PolicyLearner("rules")
    for part in parts:
        learner.learn(part)
    return learner


def cut(whole: Episodes, places: list[int]) -> list[Episodes]:
    count = len(whole.treated)
    ends = sorted({0, count, *(place for place in places if place < count)})
    return [only(whole, np.arange(begin, end)) for begin, end in pairwise(ends)]


def test_before_the_first_episode_nothing_is_known() -> None:
    policy = PolicyLearner().policy()
    assert policy.episodes == 0
    assert policy.odds("care", ("a", "b")) == ()
    mean, error = policy.lift(np.zeros((2, WIDTH), np.float32))
    assert mean.tolist() == [0.0, 0.0]
    assert error.tolist() == [UNKNOWN, UNKNOWN]


def test_what_worked_is_used_more_often_in_the_playbook_where_it_worked() -> None:
    policy = learned(episodes(1_500)).policy()
    assert policy.odds("care", ("a", "b"))[1] > 0.9
    assert policy.odds("care", ("b", "a"))[0] > 0.9
    assert policy.odds("other", ("a", "b")) == ()


def test_who_was_held_out_says_nothing_of_variants() -> None:
    whole = episodes(800)
    only_treated = only(whole, np.flatnonzero(whole.treated))
    assert learned(whole).policy().books == learned(only_treated).policy().books


def test_a_policy_travels_signed() -> None:
    policy = learned(episodes(300)).policy()
    record = sign(policy, KEYS)
    assert load(record, KEYS, Policy) == policy
    assert len(record) < 60_000
    with pytest.raises(SnapshotRefused) as refused:
        load(record.replace(b"care", b"carf"), KEYS, Policy)
    assert refused.value.reason == Refusal.BAD_SIGNATURE


@settings(max_examples=25)
@given(st.lists(st.integers(0, 250), max_size=6), st.integers(0, 250))
def test_blocks_and_restarts_change_nothing_to_the_last_bit(places: list[int], stop: int) -> None:
    whole = episodes(250)
    first, rest = (only(whole, np.arange(*ends)) for ends in ((0, stop), (stop, 250)))
    before = learned(*cut(first, places))
    after = PolicyLearner("rules")
    after.restore(load(sign(before.policy(), KEYS), KEYS, Policy))
    after.learn(rest)
    assert after.policy() == learned(whole).policy()


def test_equal_states_have_equal_versions_and_others_others() -> None:
    first, second = learned(episodes(50)).policy(), learned(episodes(50, seed=1)).policy()
    assert first.version == learned(episodes(50)).policy().version
    assert first.version != second.version
    assert first.version.startswith("policy.50.")


def test_a_policy_of_other_features_or_rules_is_refused() -> None:
    policy = learned(episodes(20)).policy()
    check(policy, rules_hash="rules")
    check(policy)
    for broken, rules_hash, reason in (
        (msgspec.structs.replace(policy, features_hash="x"), "", Refusal.OTHER_FEATURES),
        (policy, "other", Refusal.OTHER_RULES),
    ):
        with pytest.raises(SnapshotRefused) as refused:
            check(broken, rules_hash=rules_hash)
        assert refused.value.reason == reason
    with pytest.raises(SnapshotRefused):
        PolicyLearner("other").restore(policy)


@pytest.mark.parametrize(
    "broken",
    [
        {"pairs": (1.0, 2.0)},
        {"block": (0.0,)},
        {"totals": (1.0,)},
        {"variants": ("a", "a")},
        {"pairs": (-1.0, 0.0, 0.0, -1.0)},
    ],
)
def test_a_book_that_is_not_whole_is_refused(broken: dict[str, object]) -> None:
    policy = learned(episodes(60)).policy()
    books = (msgspec.structs.replace(policy.books[0], **broken),)
    with pytest.raises(SnapshotRefused) as refused:
        check(msgspec.structs.replace(policy, books=books))
    assert refused.value.reason == Refusal.BROKEN_NUMBERS


def test_who_follows_a_policy_needs_no_river() -> None:
    code = (
        "import sys, numpy as np; from models.policy import Policy; "
        "Policy().lift(np.zeros((1, 40), np.float32)); sys.exit('river' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
