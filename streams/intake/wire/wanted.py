"""What is read of a value, by the type that it is read into."""

from typing import Final

from msgspec import inspect

ALL: Final = inspect.AnyType()
"""Of what is read: whatever there is."""
SCALARS: Final = {
    inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.NoneType,
}  # fmt: skip


def struct_in(shape: inspect.Type) -> inspect.StructType | None:
    """Return the struct that a type is, or may be besides others; None = it is none."""
    for part in shape.types if isinstance(shape, inspect.UnionType) else (shape,):
        if isinstance(part, inspect.StructType):
            return part
    return None


def is_open(shape: inspect.Type) -> bool:
    """Whether a type takes whatever is read: then its objects are made at once, unchecked."""
    match shape:
        case inspect.StructType(tag=None, array_like=False):
            return all(field.default is None and is_open(field.type) for field in shape.fields)
        case inspect.UnionType():
            inner = [part for part in shape.types if type(part) not in SCALARS]
            return set(map(type, shape.types)) >= SCALARS and all(map(is_open, inner))
        case inspect.ListType():
            return is_open(shape.item_type)
        case inspect.DictType():
            return is_open(shape.value_type)
        case _:
            return isinstance(shape, inspect.AnyType)


def fields_of(shape: inspect.Type) -> dict[str, inspect.Type] | None:
    """Return the fields that are read of an object; None = all of them."""
    kind = struct_in(shape)
    return None if kind is None else {field.encode_name: field.type for field in kind.fields}


def item_of(shape: inspect.Type, kind: type) -> inspect.Type:
    """Return what is read of the items of a list or a mapping."""
    for part in shape.types if isinstance(shape, inspect.UnionType) else (shape,):
        if isinstance(part, inspect.ListType) and kind is inspect.ListType:
            return part.item_type
        if isinstance(part, inspect.DictType) and kind is inspect.DictType:
            return part.value_type
    return ALL
