"""Blocks of open questions: as columns in memory, and as records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.feature_list import WIDTH
from models.snapshot import FORMAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.features import F64


class Block(msgspec.Struct):
    """Questions that were opened together, as columns of little-endian numbers."""

    users: bytes
    at_ms: bytes
    rows: bytes
    said: bytes
    raw: bytes
    candidate: bytes
    models: dict[str, bytes]
    format: int = FORMAT


class OpenBlock:
    """A block in memory.

    Attributes:
        heads: Shape (n, >= RHYTHM_WIDTH): states of the users, if they are kept.
        is_open: Shape (n,): which of the questions are not answered yet.
    """

    def __init__(self, block: Block, heads: F64 | None = None) -> None:
        self.heads = heads
        self.users = np.frombuffer(block.users, "<u8")
        self.at_ms = np.frombuffer(block.at_ms, "<f8")
        self.rows = np.frombuffer(block.rows, "<f4").reshape(-1, WIDTH)
        self.said = np.frombuffer(block.said, "<f8")
        self.raw = np.frombuffer(block.raw, "<f8")
        self.candidate = np.frombuffer(block.candidate, "<f8")
        self.models = {name: np.frombuffer(v, "<f8") for name, v in block.models.items()}
        self.is_open = np.ones(len(self.users), np.bool_)

    def __len__(self) -> int:
        """Return how many questions there are, answered or not."""
        return len(self.users)


def left(opened: OpenBlock) -> Block:
    """Return what of a block is open."""
    return _block([opened])


def gathered(blocks: Sequence[OpenBlock]) -> tuple[Block, OpenBlock]:
    """Return what of blocks is open, as one."""
    block = _block(blocks)
    heads = [opened.heads[opened.is_open] for opened in blocks if opened.heads is not None]
    return block, OpenBlock(block, np.concatenate(heads) if len(heads) == len(blocks) else None)


def _block(blocks: Sequence[OpenBlock]) -> Block:
    """Return what of blocks is open; a model that said nothing in one of them has NaN there."""

    def column(name: str) -> bytes:
        return b"".join([getattr(opened, name)[opened.is_open].tobytes() for opened in blocks])

    names = dict.fromkeys(name for opened in blocks for name in opened.models)
    return Block(
        users=column("users"),
        at_ms=column("at_ms"),
        rows=column("rows"),
        said=column("said"),
        raw=column("raw"),
        candidate=column("candidate"),
        models={name: b"".join([_said(opened, name) for opened in blocks]) for name in names},
    )


def _said(opened: OpenBlock, name: str) -> bytes:
    said = opened.models.get(name)
    found = np.full(len(opened), np.nan) if said is None else said
    return found[opened.is_open].astype("<f8").tobytes()
