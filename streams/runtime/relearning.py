"""What of the topic of models survives when the rules define churn otherwise."""

from collections.abc import Mapping

import msgspec

from models.policy import POLICY, Policy, PolicyLearner
from models.roster_records import ROSTER, Kept, kind_of
from models.snapshot import Keys, SnapshotRefused, load, sign
from models.standing import REPORT
from streams.errors import Exit, UserError


def begun_anew(
    records: Mapping[bytes, bytes], rules_hash: str, keys: Keys
) -> list[tuple[bytes, bytes | None]]:
    """Return what is to be written so that a learner of other rules begins; nothing if it may.

    The models and all that they were asked go, for their features mean something else now. The
    books on variants stay: what came of contacts does not depend on features. The model of uplift
    goes.

    Args:
        records: The content of the topic of models.
        rules_hash: Of the new rules.
        keys: That models may be signed with.

    Raises:
        UserError: What lies there cannot be read: another key, or a newer version.
    """
    try:
        kept = records.get(ROSTER.encode())
        if kept is None or load(kept, keys, Kept).rules_hash == rules_hash:
            return []
        found = records.get(POLICY.encode())
        policy = None if found is None else load(found, keys, Policy)
    except SnapshotRefused as refused:
        raise UserError(
            f"the models cannot be read: {refused}",
            "Give the WINBACK_MODEL_KEY that they were signed with.",
            Exit.FAILED,
        ) from refused
    names = [key.decode() for key in records]
    gone = [name for name in names if kind_of(name) is not None or name == REPORT]
    changed: list[tuple[bytes, bytes | None]] = [
        (name.encode(), None) for name in gone if name not in {POLICY, ROSTER}
    ]
    if policy is not None:
        learner = PolicyLearner(rules_hash, policy.reward)
        learner.restore(msgspec.structs.replace(policy, rules_hash=rules_hash, uplift=None))
        changed.append((POLICY.encode(), sign(learner.policy(), keys)))
    return [*changed, (ROSTER.encode(), None)]
