"""What another policy would have brought, from what this one did: asked before it is switched on.

Every choice is on record with its probability. So whoever happened to get what the new policy would
have chosen stands for others: IPS weights them, SNIPS divides by the weights it used, and the
doubly robust estimate (the one to believe) starts from a model of the outcome and corrects it by
what the model got wrong; it is right if either the propensities or the model are.

Ask of episodes that the policy has not learned from, or it praises itself.

Source:
    Horvitz & Thompson (1952), JASA 47; Swaminathan & Joachims (2015), "The self-normalized
    estimator for counterfactual learning", NeurIPS; Dudík, Langford & Li (2011), "Doubly robust
    policy evaluation and learning", ICML; Chernozhukov et al. (2018), "Double/debiased machine
    learning", Econometrics Journal 21 (each half is judged by a model of the other).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np

from models import uplift
from models.episodes import only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.bandit import Reward
    from models.episodes import Episodes
    from models.features import F64
    from models.policy import Policy

RIDGE: Final = 10.0
"""Episodes by which the outcome model is pulled to the mean of its arm."""
NOTHING: Final = ""
"""Name of the choice to contact nobody."""


class Estimate(msgspec.Struct, frozen=True):
    """A mean reward per episode and its standard error."""

    value: float
    error: float


class Estimates(msgspec.Struct, frozen=True):
    """What a policy would have brought per episode.

    Attributes:
        episodes: Episodes asked.
        effective: Episodes that they are worth; few of many: the policies differ too much.
        logged: What was brought by what was done.
        ips: Inverse propensity score.
        snips: The same, self-normalised.
        doubly_robust: The one to believe.
        gain: Doubly robust less what was done; their errors are of the same users.
    """

    episodes: int
    effective: float
    logged: Estimate
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    gain: Estimate


class Logged(NamedTuple):
    """What was done and what it brought, each column of shape (n,).

    Attributes:
        rows: Shape (n, features).
        chosen: Number of the choice.
        propensity: Probability with which it was chosen.
        reward: What it brought.
    """

    rows: NDArray[np.floating[Any]]
    chosen: NDArray[np.intp]
    propensity: F64
    reward: F64


def estimates(logged: Logged, target: F64) -> Estimates:
    """Return what a policy would have brought.

    Args:
        logged: What was done.
        target: Shape (n, choices): the probabilities of the policy that is asked about.
    """
    return _summed(_terms(logged, target))


def evaluate(
    episodes: Episodes,
    policy: Policy,
    *,
    reward: Reward = "returned",
    errors: float | None = uplift.HARM_Z,
) -> Estimates | None:
    """Return what a policy would have brought in a deployment; None = it knows nothing of it.

    Playbooks of which it knows nothing are left out: nothing would change there.

    Args:
        episodes: Of both arms, none of which the policy has learned from.
        policy: Which is asked about.
        reward: What counts.
        errors: Standard errors by which the effect must be negative for the gate to refuse
            (`contact.uplift.errors` of the rules); None = without the gate.
    """
    names = np.array(episodes.playbooks, dtype=object)
    parts = []
    for playbook in sorted(set(episodes.playbooks)):
        own = only(episodes, np.flatnonzero(names == playbook))
        treated = zip(own.variants, own.treated.tolist(), strict=True)
        done = [variant if was else NOTHING for variant, was in treated]
        variants = tuple(sorted(set(done) - {NOTHING}))
        odds = policy.odds(playbook, variants)
        if not odds:
            continue
        contact = own.treat_propensity
        if errors is not None:
            refused = uplift.refuses(*policy.lift(own.rows), errors)
            contact = contact * np.where(refused, uplift.EXPLORED, 1.0)
        places = {name: place for place, name in enumerate((NOTHING, *variants))}
        brought = own.returned if reward == "returned" else own.value_change
        logged = Logged(
            own.rows,
            np.array([places[name] for name in done], np.intp),
            own.propensity,
            brought.astype(np.float64),
        )
        target = np.column_stack((1.0 - contact, np.multiply.outer(contact, odds)))
        parts.append(_terms(logged, target))
    return _summed(_Terms(*map(np.concatenate, zip(*parts, strict=True)))) if parts else None


class _Terms(NamedTuple):
    """Of each episode: reward, weight, and what it adds to the doubly robust estimate."""

    reward: F64
    weight: F64
    robust: F64


def _terms(logged: Logged, target: F64) -> _Terms:
    rows = np.arange(len(target))
    weight = target[rows, logged.chosen] / logged.propensity
    expected = _expected(logged, target.shape[1])
    missed = logged.reward - expected[rows, logged.chosen]
    robust = (target * expected).sum(axis=1) + weight * missed
    return _Terms(logged.reward, weight, robust)


def _expected(logged: Logged, choices: int) -> F64:
    """Return the reward to be expected of every choice, (n, choices), by the other half's model."""
    count = len(logged.reward)
    features: F64 = logged.rows.astype(np.float64)
    features -= features.mean(axis=0)
    features /= np.maximum(features.std(axis=0), 1e-6)
    np.clip(features, -5.0, 5.0, out=features)
    columns = np.column_stack((np.ones(count), features))
    half = np.arange(count) % 2
    found = np.empty((count, choices))
    for fold in (0, 1):
        for choice in range(choices):
            learn = (half != fold) & (logged.chosen == choice)
            if not learn.any():
                found[half == fold, choice] = logged.reward.mean()
                continue
            weights = _ridge(columns[learn], logged.reward[learn])
            found[half == fold, choice] = columns[half == fold] @ weights
    return found


def _ridge(columns: F64, reward: F64) -> F64:
    """Return weights of a linear model."""
    penalty = np.full(columns.shape[1], RIDGE)
    penalty[0] = 1e-6  # The mean is not pulled.
    found = np.linalg.solve(columns.T @ columns + np.diag(penalty), columns.T @ reward)
    return found.astype(np.float64, copy=False)


def _summed(terms: _Terms) -> Estimates:
    reward, weight, robust = terms
    total = max(float(weight.sum()), 1e-12)
    normal = float((weight * reward).sum()) / total
    beyond = weight * (reward - normal) * (len(weight) / total)
    return Estimates(
        episodes=len(reward),
        effective=total**2 / max(float((weight**2).sum()), 1e-12),
        logged=_mean(reward),
        ips=_mean(weight * reward),
        snips=Estimate(normal, _mean(beyond).error),
        doubly_robust=_mean(robust),
        gain=_mean(robust - reward),
    )


def _mean(terms: F64) -> Estimate:
    return Estimate(float(terms.mean()), float(terms.std()) / math.sqrt(max(len(terms), 1)))
