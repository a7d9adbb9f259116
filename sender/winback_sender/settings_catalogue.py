"""Settings as a catalogue: a struct whose fields are variables of the environment.

Name, type, bounds, default, unit and meaning of a setting stand in one place, its field; what is
read, complained of and printed follows from there. A secret may also stand in a file:
``NAME_FILE=path`` instead of ``NAME``.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from winback_sender.errors import UserError

PREFIX: Final = "WINBACK_"
FILE: Final = "_FILE"

S = TypeVar("S", bound=msgspec.Struct)


def says(meaning: str, unit: str = "", *, is_secret: bool = False) -> Meta:
    """Return what a field says of itself."""
    return Meta(description=meaning, extra={"unit": unit, "is_secret": is_secret})


class Entry(NamedTuple):
    """One line of the catalogue."""

    variable: str
    field: str
    type: str
    default: str
    unit: str
    meaning: str
    is_secret: bool


def catalogue(kind: type[msgspec.Struct], prefix: str = PREFIX) -> Iterator[Entry]:
    """Yield every setting of a struct in the order of its fields."""
    for field in msgspec.structs.fields(kind):
        metas = [meta for meta in field.type.__metadata__ if isinstance(meta, Meta)]
        said = metas[-1]  # by says
        assert said.extra is not None
        yield Entry(
            variable=prefix + field.name.upper(),
            field=field.name,
            type=_type_text(field.type.__origin__, metas),
            default="" if field.default is msgspec.NODEFAULT else str(field.default),
            unit=said.extra["unit"],
            meaning=said.description or "",
            is_secret=said.extra["is_secret"],
        )


def load(kind: type[S], environ: Mapping[str, str], prefix: str = PREFIX) -> S:
    """Return the settings of an environment; an empty variable counts as not set.

    Variables with the prefix that are no settings of the struct are left alone: `unknown` finds
    them.

    Raises:
        UserError: A value cannot be, or one is missing; all faults are named at once.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
    values: dict[str, Any] = {}
    faults = []
    for entry in catalogue(kind, prefix):
        try:
            text = _text(entry, environ)
        except OSError as error:
            faults.append(f"{entry.variable}{FILE}: {error.strerror}: {error.filename}")
            continue
        except UnicodeDecodeError:
            faults.append(f"{entry.variable}{FILE}: not UTF-8")
            continue
        except ValueError as error:
            faults.append(f"{entry.variable}{FILE}: {error}")
            continue
        if not text:
            if entry.field in needed:
                faults.append(f"{entry.variable} is not set: {entry.meaning.rstrip('.')}")
            continue
        try:
            values[entry.field] = msgspec.convert(text, types[entry.field], strict=False)
        except (msgspec.ValidationError, UnicodeEncodeError):
            # What stands before an @ in an address may be a password.
            shown = "(hidden)" if entry.is_secret or "@" in text else repr(text)
            faults.append(f"{entry.variable} = {shown}, but it must be {entry.type}")
    if faults:
        settings = "winback settings" if prefix == PREFIX else "winback sender settings"
        raise UserError("; ".join(faults), f"`{settings}` prints all settings")
    return kind(**values)


def shown(settings: msgspec.Struct, prefix: str = PREFIX) -> str:
    """Return settings as ``repr`` does, but no secret."""
    values = (
        f"{entry.field}={'(hidden)' if entry.is_secret else repr(getattr(settings, entry.field))}"
        for entry in catalogue(type(settings), prefix)
    )
    return f"{type(settings).__name__}({', '.join(values)})"


def source_of(entry: Entry, environ: Mapping[str, str]) -> str:
    """Return where the value of a setting comes from: the environment, a file, or the default."""
    if environ.get(entry.variable, "").strip():
        return "environment"
    path = environ.get(entry.variable + FILE, "").strip() if entry.is_secret else ""
    return f"file {path}" if path else "default"


def unknown(environ: Mapping[str, str], known: list[str], prefix: str = PREFIX) -> list[str]:
    """Return a complaint of every variable with the prefix that nothing reads."""
    return [
        f"unknown setting {variable}{_nearest(variable, known)}"
        for variable in sorted(environ)
        if variable.startswith(prefix) and environ[variable].strip() and variable not in known
    ]


def table(entries: Iterator[Entry]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for entry in entries:
        default = f"`{entry.default}`" if entry.default else "(empty)"
        unit = f" ({entry.unit})" if entry.unit else ""
        lines.append(f"| `{entry.variable}` | {entry.type}{unit} | {default} | {entry.meaning} |")
    return lines


def _text(entry: Entry, environ: Mapping[str, str]) -> str:
    """Return what a variable says, or the file that it names.

    Raises:
        OSError: The file cannot be read.
        UnicodeDecodeError: It holds no text.
        ValueError: It holds nothing (a default in its place would be no secret), or both are set.
    """
    text = environ.get(entry.variable, "").strip()
    path = environ.get(entry.variable + FILE, "").strip() if entry.is_secret else ""
    if not path:
        return text
    if text:
        raise ValueError(f"{entry.variable} is set as well: which of them?")
    held = Path(path).expanduser().read_text(encoding="utf-8").strip()
    if not held:
        raise ValueError(f"the file is empty: {path}")
    return held


def _type_text(origin: Any, metas: list[Meta]) -> str:
    for meta in metas:
        if meta.title is not None:
            return meta.title
        if meta.ge is not None and meta.le is not None:
            kind = "a whole number" if origin is int else "a number"
            return f"{kind} from {meta.ge:g} to {meta.le:g}"
    if get_origin(origin) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(origin))
    return "text"


def _nearest(variable: str, known: list[str]) -> str:
    near = difflib.get_close_matches(variable, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
