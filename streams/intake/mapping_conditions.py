"""Conditions of a mapping: questions to a record, which it answers with yes or no."""

from collections.abc import Callable
from typing import Any

from streams.core.decoded import RejectReason
from streams.core.sources import Condition, Op, Question, Scalar
from streams.intake.fact import MADE, Fact
from streams.intake.mapping_values import wrong
from streams.intake.shape import getter

Test = Callable[[Fact], bool]
_BEFORE = frozenset({Op.WAS, Op.WAS_NOT})
_NO_BEFORE = (
    "the source does not tell what the record was before the change (in PostgreSQL: ALTER TABLE … "
    "REPLICA IDENTITY FULL)"
)


def make_tests(condition: Condition) -> tuple[Test, ...]:
    """Return the tests of a condition; all of them must hold."""
    return tuple(_test(condition, question) for question in condition.questions)


def _test(condition: Condition, question: Question) -> Test:
    path, line, op, answers = condition.path, condition.line, question.op, question.answers
    if op in _BEFORE:
        get, wants = getter(path[1:]), op is Op.WAS

        def was(fact: Fact) -> bool:
            before = fact.before
            if before is None and not fact.name.endswith(MADE):
                raise wrong(RejectReason.BAD_PROPERTY, _NO_BEFORE, path, line)
            return _is_one(None if before is None else get(before), answers) is wants

        return was
    get = getter(path)
    if op is Op.IS_SET:
        return lambda fact: (get(fact.body) is not None) is answers[0]
    if op is Op.CONTAINS:
        return lambda fact: _contains(get(fact.body), answers)
    wants = op is Op.IS
    return lambda fact: _is_one(get(fact.body), answers) is wants


def _is_one(value: Any, answers: tuple[Scalar, ...]) -> bool:
    """Return whether a value is one of the answers; true is not 1."""
    if value.__class__ is str:
        return value in answers
    return any(
        value == answer and (value.__class__ is bool) is (answer.__class__ is bool)
        for answer in answers
    )


def _contains(value: Any, answers: tuple[Scalar, ...]) -> bool:
    if isinstance(value, str):
        text = value.casefold()
        return any(isinstance(part, str) and part.casefold() in text for part in answers)
    return isinstance(value, list) and any(_is_one(item, answers) for item in value)
