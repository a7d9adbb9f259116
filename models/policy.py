"""What was learned of contacts: which variant to use how often, and whom a contact moves.

The learner publishes it as a signed record; every worker follows. Chance stays a salted hash of the
user, the policy says its odds, so a decision can be replayed and its probability is on record.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from models import bandit, uplift
from models.bandit import Book, Reward, Tally
from models.features import features_hash
from models.snapshot import FORMAT, Refusal, SnapshotRefused
from models.uplift import Uplift, UpliftLearner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.episodes import Episodes
    from models.features import F64

POLICY: Final = "policy"
"""Key of the record."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is known of contacts; learning goes on from it.

    Signed and loaded as other records are (``snapshot.sign``, ``snapshot.load``), then ``check``.

    Attributes:
        version: Name of this state, unique per content.
        episodes: Episodes learned.
        books: What the variants of each playbook brought, in the order of their names.
        uplift: The model of the effect; None while nothing is learned.
        reward: What the odds of variants aim at.
        rules_hash: Of the rules that the features follow; empty = nobody asked.
        features_hash: Hash of the feature list.
    """

    version: str = "policy.0"
    episodes: int = 0
    books: tuple[Book, ...] = ()
    uplift: Uplift | None = None
    reward: Reward = "returned"
    rules_hash: str = ""
    features_hash: str = msgspec.field(default_factory=features_hash)
    format: int = FORMAT

    def odds(self, playbook: str, variants: tuple[str, ...]) -> tuple[float, ...]:
        """Return how often each variant should be used, adding up to 1; empty = nothing known.

        Args:
            playbook: Name.
            variants: Names to choose among; one never seen is believed to be like the others.
        """
        for book in self.books:
            if book.name == playbook:
                return bandit.odds(book, variants, self.reward)
        return ()

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        """Return by how much a contact moves P(return): mean and standard error, each (n,).

        A row's answer depends on no other row, to the last bit.

        Args:
            rows: Shape (n, 40): features of users.
        """
        if self.uplift is None:
            return uplift.unknown(len(rows))
        return uplift.gauge(self.uplift).lift(rows)


def check(policy: Policy, *, rules_hash: str = "") -> None:
    """Refuse what was learned from other features or rules, or is not whole.

    Raises:
        SnapshotRefused: With the reason. An empty hash of rules, on either side, is not compared.
    """
    if policy.features_hash != features_hash():
        raise SnapshotRefused(Refusal.OTHER_FEATURES, policy.features_hash)
    if rules_hash and policy.rules_hash and policy.rules_hash != rules_hash:
        raise SnapshotRefused(Refusal.OTHER_RULES, policy.rules_hash)
    for book in policy.books:
        bandit.check(book)
    if policy.uplift is not None:
        uplift.check(policy.uplift)


class PolicyLearner:
    """Learns the policy from episodes, one after the other, in the order of the topic.

    How they are cut into blocks changes nothing, to the last bit.

    Args:
        rules_hash: Of the rules that the features follow.
        reward: What the odds of variants aim at.
    """

    def __init__(self, rules_hash: str = "", reward: Reward = "returned") -> None:
        self.episodes = 0
        self._rules_hash, self._reward = rules_hash, reward
        self._tallies: dict[str, Tally] = {}
        self._uplift = UpliftLearner()

    def learn(self, episodes: Episodes) -> None:
        """Learn episodes: variants from those who were treated, the effect from both arms."""
        arm_odds = episodes.treat_propensity.tolist()
        returned, value = episodes.returned.tolist(), episodes.value_change.tolist()
        for place, treated in enumerate(episodes.treated.tolist()):
            came = float(returned[place])
            self._uplift.learn(episodes.rows[place], came, float(treated), arm_odds[place])
            if treated:
                name = episodes.playbooks[place]
                tally = self._tallies.setdefault(name, Tally(Book(name)))
                tally.add(episodes.variants[place], came, value[place])
        self.episodes += len(returned)

    def policy(self) -> Policy:
        """Return the whole state; equal states have equal versions."""
        policy = Policy(
            episodes=self.episodes,
            books=tuple(self._tallies[name].book() for name in sorted(self._tallies)),
            uplift=self._uplift.state() if self.episodes else None,
            reward=self._reward,
            rules_hash=self._rules_hash,
        )
        digest = hashlib.sha256(msgspec.json.encode(policy)).hexdigest()[:8]
        return msgspec.structs.replace(policy, version=f"{POLICY}.{self.episodes}.{digest}")

    def restore(self, policy: Policy) -> None:
        """Go on from a policy.

        Raises:
            SnapshotRefused: It is of other features or rules, or not whole.
        """
        check(policy, rules_hash=self._rules_hash)
        self.episodes = policy.episodes
        self._tallies = {book.name: Tally(book) for book in policy.books}
        if policy.uplift is not None:
            self._uplift.restore(policy.uplift)
