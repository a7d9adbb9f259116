"""Effects become records: one stream each, CloudEvents headers, waiting for the next commit."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from streams.core.effects import (
    ClaimId,
    CloseCase,
    Effect,
    ForgetMembers,
    ForgetUser,
    Note,
    RecordDecision,
    RecordEpisode,
    RecordMerge,
    RecordRisk,
    RecordUnaccepted,
    RefuseLink,
    RequestTouch,
    RevokeTouch,
)
from streams.core.identity import Claimed, MemberErased, Message, record_of
from streams.core.messages import BudgetStatus
from streams.core.teaching import LearnerInput
from streams.core.time import iso
from winback_sender.contract.messages import Output, UserErased, cloud_event, to_json

TOUCHES: Final = "touches"
DECISIONS: Final = "decisions"
EXAMPLES: Final = "examples"
IDENTITY: Final = "identity"


class Outbox:
    """Records that are not durable yet, by stream, in the order in which they were asked for."""

    def __init__(self, source: str, *, is_shadow: bool = False) -> None:
        """Make an empty one.

        Args:
            source: The CloudEvents source of everything that goes out.
            is_shadow: Nobody reads how risks move.
        """
        self._source, self._is_shadow = source, is_shadow
        self._records: dict[str, list[Output]] = {}
        self._keyed: dict[str, list[Output]] = {}

    def add(  # noqa: C901, PLR0912, PLR0915  # one branch an effect
        self, effects: Iterable[Effect], counts: Counter[str]
    ) -> None:
        """Turn effects into records and count them."""
        for effect in effects:
            at_iso = iso(effect.at_ms)
            match effect:
                case RequestTouch(touch):
                    self._put(
                        TOUCHES, "touch.requested", touch.touch_id, at_iso, touch.user_id, touch
                    )
                    counts["touches"] += 1
                    counts[f"requested_{touch.channel}"] += 1
                case RevokeTouch(revocation, _, is_foreign):
                    name, user_id = f"{revocation.touch_id}-revoked", revocation.user_id
                    self._put(
                        TOUCHES, "touch.revoked", name, at_iso, user_id, revocation,
                        is_foreign=is_foreign,
                    )  # fmt: skip
                    counts["revocations"] += 1
                case CloseCase(closed, _, is_foreign):
                    name, user_id = f"{closed.case_id}-closed", closed.user_id
                    self._put(
                        TOUCHES, "case.closed", name, at_iso, user_id, closed,
                        is_foreign=is_foreign,
                    )  # fmt: skip
                    counts[f"closed_{closed.outcome}"] += 1
                case RecordDecision(made):
                    name = f"{made.case_id}-{made.step}-{made.decided_at}"
                    self._put(DECISIONS, "decision", name, at_iso, made.user_id, made)
                    counts[f"verdict_{made.reason}"] += 1
                case RecordRisk() if self._is_shadow:
                    continue
                case RecordRisk(changed):
                    name = f"{changed.user_id}-risk-{at_iso}"
                    self._put(DECISIONS, "risk.changed", name, at_iso, changed.user_id, changed)
                case RecordEpisode(episode):
                    name = f"{episode.case_id}-episode"
                    self._put(DECISIONS, "episode", name, at_iso, episode.user_id, episode)
                    counts["episodes"] += 1
                case RecordUnaccepted(given_up):
                    name, user_id = f"{given_up.touch_id}-unaccepted", given_up.user_id
                    self._put(DECISIONS, "touch.unaccepted", name, at_iso, user_id, given_up)
                    counts[f"unaccepted_{given_up.channel}"] += 1
                case ClaimId(other_id, user_id, event_id, at_ms):
                    self.send(Claimed(other_id, event_id, at_ms, user_id))
                    counts["identity_claimed"] += 1
                case RefuseLink(refused, key):
                    name = f"{refused.other_id}-{refused.user_id}-{refused.reason}-{at_iso}"
                    self._put(DECISIONS, "identity.refused", name, at_iso, key, refused)
                    counts[f"identity_{refused.reason}"] += 1
                case RecordMerge(merged):
                    name = f"{merged.other_id}-{merged.user_id}-merged-{at_iso}"
                    self._put(DECISIONS, "identity.merged", name, at_iso, merged.user_id, merged)
                    counts["identity_merged"] += 1
                case ForgetMembers(members, ids, at_ms):
                    for member in members:
                        self.send(MemberErased(member, at_ms, ids))
                case Note(name):
                    counts[name] += 1
                case ForgetUser(user_id, _, is_other_id):
                    name = f"{user_id}-erased-{at_iso}"
                    erased = UserErased(user_id, at_iso)
                    self._put(TOUCHES, "user.erased", name, at_iso, user_id, erased)
                    counts["erased"] += not is_other_id

    def status(self, status: BudgetStatus) -> None:
        """Add how the partition stands with its budget; it is keyed by no user."""
        name = f"budget-{status.partition}-{status.at}"
        headers = cloud_event("budget.status", name, self._source, status.at, str(status.partition))
        self._records.setdefault(DECISIONS, []).append(
            Output(name.encode(), to_json(status), headers)
        )

    def examples(self, block: LearnerInput, partition: int) -> Output:
        """Return the record of a block of examples, openings or outcomes."""
        headers = [
            ("content-type", b"application/vnd.msgpack"),
            ("partition", str(partition).encode()),
        ]
        return Output(None, msgspec.msgpack.encode(block), headers)

    def send(self, message: Message) -> None:
        """Tell the partition of an id something of it."""
        self._keyed.setdefault(IDENTITY, []).append(record_of(message))

    def _put(  # what stands in every record
        self,
        stream: str,
        kind: str,
        name: str,
        at_iso: str,
        user_id: str,
        message: msgspec.Struct,
        *,
        is_foreign: bool = False,
    ) -> None:
        headers = cloud_event(kind, name, self._source, at_iso, user_id)
        # Each record of a decision has a key of its own, or it could not be erased alone.
        key = name if stream == DECISIONS else user_id
        record = Output(key.encode(), to_json(message), headers)
        records = self._keyed if is_foreign else self._records
        records.setdefault(stream, []).append(record)

    def take(self) -> dict[str, list[Output]]:
        """Return the records and forget them."""
        records, self._records = self._records, {}
        return records

    def take_keyed(self, *streams: str) -> dict[str, list[Output]]:
        """Return the records that go to the partition of their key, and forget them.

        Args:
            streams: Of these streams; none named = of all.
        """
        wanted = streams or tuple(self._keyed)
        return {each: self._keyed.pop(each) for each in wanted if each in self._keyed}
