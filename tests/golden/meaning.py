"""What the state of a user means, in words and numbers that do not know the layout."""

import math
from typing import Any

import msgspec
import numpy as np

from models.features import FEATURES, Rhythm
from streams.core.state import Column, UserState


def meaning_of(state: UserState) -> dict[str, Any]:
    """Return every number by the name of its column, the rest by the names of its fields."""
    frozen = np.frombuffer(state.frozen, "<f4").tolist()
    return {
        "numbers": {
            column.name.lower(): _number(state[column])
            for column in (*Rhythm, *Column)
            if state[column]
        },
        "ring": state.ring.hex().lstrip("0"),
        "frozen": {
            feature.name: round(value, 6)
            for feature, value in zip(FEATURES, frozen, strict=False)
            if value
        },
        "profile": _named(state.profile),
    }


def _number(number: float) -> float | str:
    return number if math.isfinite(number) else "never"


def _named(value: Any) -> Any:
    """Return structs as objects that leave out what is at its default."""
    if isinstance(value, msgspec.Struct):
        defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
        return {
            name: _named(getattr(value, name))
            for name in value.__struct_fields__
            if getattr(value, name) != defaults[name] and getattr(value, name) not in ({}, (), "")
        }
    if isinstance(value, dict):
        return {key: _named(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_named(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value
