"""Blocks of the topic of examples, as columns that the roster of models takes."""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.episodes import Episodes
from models.features import FEATURES, features_hash
from models.questions import Examples, Forget, Openings, Outcomes
from streams.core.state import WIDTH
from streams.core.teaching import (
    EpisodeBlock,
    ExampleBlock,
    Forgotten,
    LearnerInput,
    ModelOrder,
    OpeningBlock,
    OutcomeBlock,
)

F64 = NDArray[np.float64]

INSTANT_MAX_MS: Final = 2.0**53
"""Whole milliseconds are exact in a float64 up to here."""

Lesson = Examples | Openings | Outcomes | Episodes | Forget
Block = ExampleBlock | OpeningBlock | OutcomeBlock | EpisodeBlock | Forgotten


class BadLessonError(ValueError):
    """A block is not whole; the message says what is wrong with it."""


class OtherRulesError(ValueError):
    """A block was made with other features or rules."""


def input_of(value: bytes) -> LearnerInput:
    """Return what a record of the topic holds.

    Raises:
        BadLessonError: It cannot be decoded.
    """
    try:
        found: LearnerInput = msgspec.msgpack.decode(value, type=LearnerInput)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadLessonError(str(error)) from error
    return found


def block_of(value: bytes) -> Block:
    """Return the block that a record of the topic holds.

    Raises:
        BadLessonError: It cannot be decoded, or is an operator's order.
    """
    found = input_of(value)
    if isinstance(found, ModelOrder):
        raise BadLessonError("an order teaches nothing")
    return found


def lesson_of(block: Block, rules_hash: str) -> Lesson:
    """Return the columns of a block, as views of its bytes.

    Raises:
        BadLessonError: A column has not as many rows as the block says, or an instant is none.
        OtherRulesError: It was made with other features or rules.
    """
    if isinstance(block, Forgotten):  # Whatever the rules are.
        return Forget(_column(block.users, "<u8", block.count, "users"))
    if (block.features_hash, block.rules_hash) != (features_hash(), rules_hash):
        raise OtherRulesError("it was made with other features or rules")
    match block:
        case ExampleBlock():
            return Examples(
                _instants(block.opened_at_ms, block.count, "opened_at_ms"),
                _instants(block.matured_at_ms, block.count, "matured_at_ms"),
                _column(block.active, "u1", block.count, "active") != 0,
                _column(block.weight, "<f4", block.count, "weight"),
                _table(block.rows, "<f4", (block.count, len(FEATURES)), "rows"),
            )
        case OpeningBlock():
            return Openings(
                _column(block.users, "<u8", block.count, "users"),
                _instants(block.at_ms, block.count, "at_ms"),
                _table(block.heads, "<f8", (block.count, WIDTH), "heads"),
            )
        case OutcomeBlock():
            return Outcomes(
                _column(block.users, "<u8", block.count, "users"),
                _instants(block.opened_at_ms, block.count, "opened_at_ms"),
                _instants(block.matured_at_ms, block.count, "matured_at_ms"),
                _column(block.churned, "u1", block.count, "churned") != 0,
                _column(block.weight, "<f4", block.count, "weight"),
            )
        case EpisodeBlock():
            return _episodes(block)


def _episodes(block: EpisodeBlock) -> Episodes:
    names = (block.playbooks, block.variants, block.channels)
    if any(len(column) != block.count for column in names):
        raise BadLessonError(f"a column of names has not {block.count} entries")
    propensity = _probabilities(block.propensity, block.count, "propensity")
    of_variant = _probabilities(block.variant_propensity, block.count, "variant_propensity")
    return Episodes(
        _instants(block.exposed_at_ms, block.count, "exposed_at_ms"),
        _instants(block.matured_at_ms, block.count, "matured_at_ms"),
        _column(block.treated, "u1", block.count, "treated") != 0,
        _column(block.returned, "u1", block.count, "returned") != 0,
        _column(block.value_change, "<f8", block.count, "value_change"),
        propensity,
        *names,
        _table(block.rows, "<f4", (block.count, len(FEATURES)), "rows"),
        of_variant,
    )


def _probabilities(data: bytes, count: int, name: str) -> F64:
    found: F64 = _column(data, "<f8", count, name)
    if not ((found > 0.0) & (found <= 1.0)).all():
        raise BadLessonError(f"{name} holds what is no probability")
    return found


def _table(data: bytes, kind: str, shape: tuple[int, int], name: str) -> NDArray[Any]:
    """Return a column of rows, shape (count, width)."""
    return _column(data, kind, shape[0] * shape[1], name).reshape(shape)


def _column(data: bytes, kind: str, count: int, name: str) -> NDArray[Any]:
    size = np.dtype(kind).itemsize
    if len(data) != size * count:
        raise BadLessonError(f"{name} has {len(data)} B, {count} numbers of {size} B were said")
    return np.frombuffer(data, kind)


def _instants(data: bytes, count: int, name: str) -> F64:
    at_ms: F64 = _column(data, "<f8", count, name)
    if not ((at_ms >= 0) & (at_ms <= INSTANT_MAX_MS)).all():
        raise BadLessonError(f"{name} holds what is no instant")
    return at_ms
