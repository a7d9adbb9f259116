"""YAML with places: the data of a document, and the line and column of every part of it."""

import re
from typing import Any, Final, NamedTuple, NoReturn

import yaml

from winback_sender.documents.faults import Complaint, Fault, Path, RulesRefused, refused

TEXT_MAX: Final = 1_000_000
"""Characters of a document; a thousand playbooks are fewer."""

NODES_MAX: Final = 200_000
"""Nodes of a document with every alias written out; few lines of aliases can stand for billions."""

_UNCONSTRUCTED: Final = (ValueError, OverflowError, LookupError, AttributeError, TypeError)
"""What PyYAML lets through: a date that there is not, an endless number, ``!!bool`` of nothing."""

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")


class Document(NamedTuple):
    """A document that could be read.

    Attributes:
        name: Of the file.
        data: Its content.
        node: Its nodes, which know their places; None = it is empty.
    """

    name: str
    data: Any
    node: Any  # YAML nodes are untyped

    def place(self, path: Path, *, is_of_name: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of what a path leads to, or of the last part there is.

        A scalar stands where it is written; a list or a mapping is found by its name.
        """
        node, mark = self.node, None if self.node is None else self.node.start_mark
        for number, part in enumerate(path):
            is_last = number == len(path) - 1
            if isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in node.value if pair[0].value == str(part)]
                if not pairs:
                    break
                key, node = pairs[-1]
                is_told_by_name = not isinstance(node, yaml.ScalarNode) or (is_of_name and is_last)
                mark = (key if is_told_by_name else node).start_mark
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    break
                node = node.value[part]
                mark = node.start_mark
            else:
                break
        return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)

    def complaint(self, fault: Fault) -> Complaint:
        """Return a fault with its place."""
        place = self.place(fault.path, is_of_name=fault.is_of_name)
        return Complaint(self.name, *place, fault.what, fault.hint)


def path_of(text: str) -> Path:
    """Return the path that is written as in ``$.playbooks[0].steps``."""
    parts = _STEP.finditer(text)
    return tuple(int(part[2]) if part[2] else part[1] for part in parts if part[1] or part[2])


def read_document(text: str, name: str) -> Document:
    """Return a YAML document.

    Args:
        text: Of the file.
        name: Of the file, for complaints.

    Raises:
        RulesRefused: It is no YAML, has a name twice, contains itself, or is too large.
    """
    if len(text) > TEXT_MAX:
        _refuse(name, f"{len(text):,} characters are too many: at most {TEXT_MAX:,}")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _check(node, name)
        data = None if node is None else loader.construct_document(node)
    except RulesRefused:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        what = f"not YAML: {getattr(error, 'problem', None) or error}"
        _refuse(name, what, *place, hint=_quotes(text, place[0]))
    except RecursionError:
        _refuse(name, "not YAML: brackets in brackets, too deep")
    except _UNCONSTRUCTED as error:
        _refuse(name, f"not YAML: {str(error) or type(error).__name__}")
    return Document(name, data, node)


def _refuse(name: str, what: str, line: int = 1, column: int = 1, *, hint: str = "") -> NoReturn:
    raise refused([Complaint(name, line, column, what, hint)])


def _quotes(text: str, line: int) -> str:
    """Return what to do about a variable in braces that YAML takes for a mapping."""
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    return "put a text that has ${…} in quotes" if "${" in written else ""


def _check(root: Any, name: str) -> None:
    """Refuse a document that contains itself, is too large written out, or has a name twice."""
    complaints: list[Complaint] = []
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: Any) -> int:
        key = id(node)
        if key in above:
            mark = node.start_mark
            what = "an alias (*name) refers to what it is part of: that never ends"
            _refuse(name, what, mark.line + 1, mark.column + 1)
        if key not in sizes:
            above.add(key)
            sizes[key] = 1 + sum(size(part) for part in _parts(node, name, complaints))
            above.discard(key)
        return sizes[key]

    if root is not None and size(root) > NODES_MAX:
        what = "its aliases (*name) stand for too much: "
        _refuse(name, f"{what}{size(root):,} values, at most {NODES_MAX:,}")
    if complaints:
        raise refused(complaints)


def _parts(node: Any, name: str, complaints: list[Complaint]) -> list[Any]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
            mark = key.start_mark
            what = f"{key.value!r} is there twice"
            complaints.append(Complaint(name, mark.line + 1, mark.column + 1, what))
        seen.add(str(key.value))
    return [part for pair in node.value for part in pair]
