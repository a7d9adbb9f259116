"""What a record of a topic changes in the read model: plain data, and the statement for each."""

from typing import Final, NamedTuple

from streams.console.tables import OF_DECISIONS, OF_STATE

Value = str | int | float | bytes | None


class Change(NamedTuple):
    """One row to be written.

    Attributes:
        kind: Name of a statement in `STATEMENTS`.
        user_id: Whose it is; empty = nobody's.
        at_ms: When it was said, epoch ms UTC: an erasure after it makes it void.
        row: Values of the statement.
    """

    kind: str
    user_id: str
    at_ms: int
    row: tuple[Value, ...]


class Forget(NamedTuple):
    """Take everything of a user out that was said up to an instant."""

    user_id: str
    at_ms: int


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...], when: str = "") -> str:
    names = (*key, *columns)
    marks = ", ".join("?" * len(names))
    moved = ", ".join(f"{name} = excluded.{name}" for name in columns)
    condition = f" WHERE {when}" if when else ""
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608 (our own names)
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {moved}{condition}"
    )


_OPENED: Final = (
    "user_id", "opened_ms", "trigger", "reason", "source", "tier", "stage", "quadrant", "playbook",
    "variant", "channel", "loss", "probability",
)  # fmt: skip
_ASKED: Final = (
    "user_id", "case_id", "step", "steps", "channel", "template", "params", "offer", "traits",
    "reasons", "asked_ms", "expires_ms", "zone", "playbook", "variant", "tier", "quadrant", "rank",
    "probability", "value_net", "currency", "source", "active_ms",
)  # fmt: skip
_SCORED: Final = tuple(name for name in OF_DECISIONS if name != "probability_before")

STATEMENTS: Final[dict[str, str]] = {
    "user": _upsert("users", ("user_id",), ("name", *OF_STATE)),
    # The newest word counts; a score keeps the one before it, so that a trend can be seen.
    "score": _upsert("users", ("user_id",), ("name", *_SCORED), "excluded.scored_ms >= scored_ms")
    .replace("DO UPDATE SET", "DO UPDATE SET probability_before = CASE WHEN excluded.probability "
             "= probability THEN probability_before ELSE probability END,")
    .replace("reasons = excluded.reasons",
             "reasons = CASE WHEN excluded.reasons = '' THEN reasons ELSE excluded.reasons END"),
    "state": "INSERT INTO states (id, value) SELECT id, ? FROM users WHERE user_id = ? "
             "ON CONFLICT (id) DO UPDATE SET value = excluded.value",
    "state_gone": "DELETE FROM states WHERE id = (SELECT id FROM users WHERE user_id = ?)",
    "decision": _upsert("decisions", ("key",), (
        "user_id", "at_ms", "case_id", "step", "verdict", "reason", "channel", "probability",
        "loss", "playbook", "variant", "reasons", "model", "mode", "touch_id")),
    "decision_gone": "DELETE FROM decisions WHERE key = ?",
    "move_gone": "DELETE FROM moves WHERE key = ?",
    "move": _upsert("moves", ("key",), ("user_id", "at_ms", "band", "before", "probability",
                                        "model")),
    "opened": _upsert("cases", ("case_id",), _OPENED, "cases.opened_ms = 0"),
    "closed": _upsert("cases", ("case_id",), ("user_id", "closed_ms", "outcome", "touches",
                                              "is_held_out")),
    "touch": _upsert("touches", ("touch_id",), _ASKED),
    "revoked": _upsert("touches", ("touch_id",), ("user_id", "revoked_ms", "revoked_for")),
    "given_up": _upsert("touches", ("touch_id",), ("user_id", "given_up_ms")),
    "heard": _upsert("touches", ("touch_id",), ("user_id", "strength", "status", "outcome",
                                                "said_ms"), "excluded.strength > strength"),
    "feedback": _upsert("feedback", ("topic_partition", "offset"), (
        "user_id", "touch_id", "status", "outcome", "reason", "channel", "provider", "at_ms")),
    "sender": "INSERT INTO senders VALUES (?, ?, 1, ?) ON CONFLICT (channel, provider) DO UPDATE "
              "SET words = words + 1, last_ms = max(last_ms, excluded.last_ms)",
    "episode": _upsert("episodes", ("case_id",), ("user_id", "exposed_ms", "matured_ms",
                                                  "is_held_out", "value")),
    "budget": _upsert("budgets", ("day", "class", "partition"), (
        "used", "share", "waiting", "threshold", "is_fused", "at"), "excluded.at >= budgets.at"),
    "order": _upsert("orders", ("key",), ("value", "effective_at", "ordered_at", "ordered_by")),
    "partition": _upsert("partitions", ("partition",), (
        "watermark_ms", "users", "rules_hash", "layout", "committed_ms", "record")),
    "letter": _upsert("letters", ("place",), ("topic", "reason", "detail", "aside_ms", "size",
                                              "is_whole")),
    "letter_word": _upsert("letters", ("place",), ("what", "closed_at", "closed_by")),
    "model": _upsert("models", ("key",), ("at_ms", "value")),
    "broken": "INSERT INTO broken VALUES (?, 1) ON CONFLICT (stream) DO UPDATE "
              "SET records = records + 1",
}  # fmt: skip
"""Kind of a change to its statement."""

NAMED: Final = frozenset({"user", "score"})
"""Kinds whose first value is the user's id and whose second is the name that stands for it."""
