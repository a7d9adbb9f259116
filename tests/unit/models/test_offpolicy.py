"""What another policy would have brought: stories, laws, and small worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.decisions.offpolicy import NAMES, errors, lived
from models.bandit import Book, Tally
from models.episodes import Episodes, only
from models.feature_list import WIDTH
from models.offpolicy import Logged, estimates, evaluate
from models.policy import Policy, PolicyLearner

HOLDOUT = 0.1


def episodes(count: int, seed: int = 0, playbook: str = "care") -> Episodes:
    """Return episodes of variants a and b, used alike: a wins back .2, b .4, nothing .1."""
    rng = np.random.default_rng(seed)
    treated, second = rng.random(count) >= HOLDOUT, rng.random(count) < 0.5
    chance = np.where(treated, np.where(second, 0.4, 0.2), 0.1)
    at_ms = np.arange(count) * 1_000.0
    returned = rng.random(count) < chance
    of_variant = np.where(treated, 0.5, 1.0)
    return Episodes(
        exposed_at_ms=at_ms, matured_at_ms=at_ms, treated=treated, returned=returned,
        value_change=returned * 100.0, propensity=np.where(treated, 0.9, 0.1) * of_variant,
        playbooks=(playbook,) * count, variants=tuple(np.where(second, "b", "a").tolist()),
        channels=("sms",) * count, rows=rng.normal(size=(count, WIDTH)).astype(np.float32),
        variant_propensity=of_variant,
    )  # fmt: skip


def policy_that_likes_b() -> Policy:
    tally = Tally(Book("care"))
    for place in range(2_000):
        tally.add("a", float(place % 10 < 2), 0.0)
        tally.add("b", float(place % 10 < 4), 0.0)
    return Policy(books=(tally.book(),))


def test_a_policy_that_uses_what_works_would_have_brought_more() -> None:
    found = evaluate(episodes(6_000), policy_that_likes_b())
    assert found is not None
    truth = 0.1 * HOLDOUT + 0.9 * (0.975 * 0.4 + 0.025 * 0.2)
    assert found.doubly_robust.value == pytest.approx(truth, abs=3 * found.doubly_robust.error)
    assert found.logged.value == pytest.approx(0.28, abs=0.02)
    assert found.gain.value > 3 * found.gain.error
    assert found.episodes == 6_000
    assert 2_000 < found.effective < 6_000


def test_it_may_be_asked_for_value() -> None:
    found = evaluate(episodes(2_000), policy_that_likes_b(), reward="value")
    assert found is not None
    assert found.doubly_robust.value == pytest.approx(36.5, abs=4.0)


def test_playbooks_that_the_policy_does_not_know_are_left_out() -> None:
    assert evaluate(episodes(200, playbook="other"), policy_that_likes_b()) is None
    assert evaluate(episodes(200), Policy()) is None


def test_the_policy_that_was_in_force_brings_what_was_brought() -> None:
    world = lived(np.random.default_rng(3), 4_000)
    count = len(world.logged.reward)
    same = np.zeros((count, world.target.shape[1]))
    same[np.arange(count), world.logged.chosen] = world.logged.propensity
    found = estimates(world.logged, same)
    assert found.ips.value == pytest.approx(found.logged.value)
    assert found.snips.value == pytest.approx(found.logged.value)
    assert found.effective == pytest.approx(count)


def test_a_wrong_model_of_the_outcome_is_put_right_by_the_propensities() -> None:
    """The features say nothing, the reward is a matter of the choice and of luck."""
    rng = np.random.default_rng(4)
    chosen = (rng.random(20_000) < 0.2).astype(np.intp)
    reward = np.where(chosen == 1, 5.0, 1.0) + rng.normal(size=20_000)
    logged = Logged(rng.normal(size=(20_000, 3)), chosen, np.where(chosen == 1, 0.2, 0.8), reward)
    found = estimates(logged, np.tile((0.0, 1.0), (20_000, 1)))
    for each in (found.ips, found.snips, found.doubly_robust):
        assert each.value == pytest.approx(5.0, abs=4 * each.error)
    assert found.doubly_robust.error < found.ips.error / 3


@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(0.1, 1e3))
def test_rewards_in_another_currency_change_nothing_but_the_unit(
    seed: int, shift: float, scale: float
) -> None:
    world = lived(np.random.default_rng(seed), 200)
    plain = estimates(world.logged, world.target)
    other = estimates(
        world.logged._replace(reward=shift + scale * world.logged.reward), world.target
    )
    for name in ("snips", "doubly_robust"):
        before, after = getattr(plain, name), getattr(other, name)
        assert after.value == pytest.approx(
            shift + scale * before.value, rel=1e-3, abs=1e-3 * scale
        )


def test_small_worlds_are_close_to_the_truth() -> None:
    off, held = errors(30, touches=4_000)
    means = dict(zip(NAMES, off.mean(axis=0).tolist(), strict=True))
    assert means["doubly_robust"] < 0.09
    assert means["doubly_robust"] < means["ips"]
    assert means["doubly_robust"] < means["logged"]
    assert held.mean(axis=0)[NAMES.index("doubly_robust")] > 0.8


def test_the_gate_is_part_of_what_is_asked() -> None:
    """Contact drives everybody away; a policy that has learned it brings what nothing brings."""
    rng = np.random.default_rng(6)
    harmful = episodes(6_000, seed=6)
    returned = rng.random(6_000) < np.where(harmful.treated, 0.1, 0.5)
    harmful = harmful._replace(returned=returned)
    learner = PolicyLearner()
    learner.learn(only(harmful, np.arange(3_000)))
    later, policy = only(harmful, np.arange(3_000, 6_000)), learner.policy()
    gated, open_ = evaluate(later, policy), evaluate(later, policy, errors=None)
    assert gated is not None
    assert open_ is not None
    assert gated.doubly_robust.value > 0.4
    assert open_.doubly_robust.value < 0.2
