"""The examples of public specifications are understood, skipped or refused as the pages say."""

import re
from importlib import import_module

import pytest

from streams.core.rules_file import parse_rules
from streams.core.sources import Form
from tests.unit.intake import spec

CASES = [
    pytest.param(name, example, id=f"{name}: {example.title}")
    for name in spec.PAGES
    for example in import_module(f"tests.unit.intake.spec_{name}").EXAMPLES
]


@pytest.mark.parametrize(("name", "example"), CASES)
def test_an_example_is_understood_as_its_page_says(name: str, example: spec.Example) -> None:
    value = example.value.encode()

    told = spec.read(Form(name), value, headers=example.headers, paths=example.paths)

    assert spec.said(told) == example.told


@pytest.mark.parametrize("name", spec.PAGES)
def test_a_page_lists_the_examples(name: str) -> None:
    """``python -m tests.unit.intake.spec`` writes it."""
    page = (spec.DOCS / spec.PAGES[name]).read_text(encoding="utf-8")
    examples = import_module(f"tests.unit.intake.spec_{name}").EXAMPLES

    assert spec.parts(page)[1] == spec.table(examples)


@pytest.mark.parametrize("page", ["segment", "sensors", "cloudevents", "json"])
def test_the_rules_of_a_page_are_rules(page: str) -> None:
    text = (spec.DOCS / f"{page}.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)

    assert examples
    for example in examples:
        assert parse_rules(example).sources
