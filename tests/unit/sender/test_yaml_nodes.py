"""YAML with places, and YAML that is a trap."""

import pytest

from winback_sender.documents.faults import RulesRefused
from winback_sender.documents.yaml_nodes import path_of, read_document


def complaints_of(text: str) -> list[str]:
    with pytest.raises(RulesRefused) as refused:
        read_document(text, "p.yaml")
    return [str(complaint) for complaint in refused.value.complaints]


def test_a_variable_in_braces_is_to_be_put_in_quotes() -> None:
    with pytest.raises(RulesRefused, match="in quotes"):
        read_document("a:\n  {text: 您好${name}}\n", "a.yaml")


def test_every_part_has_its_place() -> None:
    document = read_document("a:\n  b: [x, {c: 1}]\n  d: &e {f: 2}\ng: *e\n", "p.yaml")
    assert document.place(("a", "b")) == (2, 3), "a list is found by its name"
    assert document.place(("a", "b", 0)) == (2, 7)
    assert document.place(("a", "b", 1, "c")) == (2, 14)
    assert document.place(("a", "b", 1, "c"), is_of_name=True) == (2, 11)
    assert document.place(("a", "b", 7)) == (2, 3), "the last part that there is"
    assert document.place(("g", "f")) == (3, 13), "an alias lies where it was written"
    assert document.place(()) == document.place(("x",)) == (1, 1)
    assert path_of("$.a.b[1].c") == ("a", "b", 1, "c")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: &x\n  b: [*x]\n", "p.yaml:1:4: an alias (*name) refers to what it is part of"),
        ("&x [*x]", "p.yaml:1:1: an alias (*name) refers to what it is part of"),
        ("[" * 5_000, "brackets in brackets, too deep"),
        ("x: 2017-13-45", "not YAML: month must be in 1..12"),
        ("a: b: c", "p.yaml:1:5: not YAML"),
        ("x" * 1_000_001, "1,000,001 characters are too many"),
        ("\x00", "not YAML"),
    ],
)
def test_yaml_that_is_a_trap_is_refused(text: str, complaint: str) -> None:
    assert complaint in complaints_of(text)[0]


def test_aliases_that_stand_for_billions_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "its aliases (*name) stand for too much" in complaints_of("\n".join(lines))[0]
