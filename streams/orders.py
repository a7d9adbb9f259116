"""What operators order of the models: signed words on the topic of examples, and what came of them.

The learner carries them out in the order of the topic, between the blocks that it learns; so an
order takes effect exactly once, and a replay of the topic comes to the same models.
"""

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from models.catalogue import GUEST
from models.snapshot import FORMAT, Keys, Snapshot
from streams.core.teaching import ModelOrder
from streams.core.time import HOUR_MS, iso

KEY: Final = "orders"
"""Key of the record, on the topic of models, of what came of the newest orders."""
KEPT: Final = 20
"""Orders of which is told what came of them."""
STALE_AFTER_MS: Final = HOUR_MS
"""An order that reaches the topic so long after it was given is not what its giver wants now."""
BODY_MAX: Final = 900_000
"""Bytes of a model that fit into a record."""


class Action(StrEnum):
    """What can be ordered."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    ADD = "add"


class Handled(msgspec.Struct, frozen=True):
    """What came of an order."""

    mac: str
    action: str
    name: str
    ordered_at: str
    is_done: bool
    said: str


class Orders(msgspec.Struct, frozen=True):
    """The newest orders, oldest first.

    Attributes:
        last_ms: Instant of the newest one; an older one is a repetition.
        handled: What came of them.
    """

    last_ms: int = 0
    handled: tuple[Handled, ...] = ()
    format: int = FORMAT


def ordered(action: str, name: str, body: str, *, at_ms: int, keys: Keys) -> ModelOrder:
    """Return a signed order, given at an instant of the wall clock."""
    order = ModelOrder(str(action), name, body, iso(at_ms), "")
    return msgspec.structs.replace(order, mac=_mac(order, keys[0]))


def is_signed(order: ModelOrder, keys: Keys) -> bool:
    """Return whether an order was given by somebody who has a key, and is as it was given."""
    said = order.mac.encode()
    return any(hmac.compare_digest(said, _mac(order, key).encode()) for key in keys)


def given_ms(order: ModelOrder) -> int:
    """Return when an order was given, epoch ms UTC.

    Raises:
        ValueError: It says no instant.
    """
    return round(datetime.fromisoformat(order.ordered_at).timestamp() * 1000)


def guest(name: str, trees: str, horizon_ms: int) -> Snapshot:
    """Return the snapshot of a booster that somebody fitted to our examples.

    Args:
        name: It begins with ``guest_``; that is added where it is missing.
        trees: What ``Booster.model_to_string`` wrote.
        horizon_ms: H of the rules.
    """
    name = name if name.startswith(GUEST) else f"{GUEST}{name}"
    digest = hashlib.sha256(trees.encode()).hexdigest()[:8]
    return Snapshot(
        name=name,
        version=f"{name}.{digest}",
        horizon_ms=horizon_ms,
        examples=_fitted_to(trees),
        trees=trees,
    )


def _fitted_to(trees: str) -> int:
    """Return how many examples a booster was fitted to: those in the leaves of its first tree."""
    line = next((line for line in trees.splitlines() if line.startswith("leaf_count=")), "")
    counts = line.partition("=")[2].split()
    return sum(int(count) for count in counts if count.isdigit())


def _mac(order: ModelOrder, key: bytes) -> str:
    said = (ModelOrder.__struct_config__.tag, order.action, order.name, order.body)
    text = msgspec.json.encode((*said, order.ordered_at))
    return hmac.new(key, text, hashlib.sha256).hexdigest()
