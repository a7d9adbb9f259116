"""One line an event, whatever stands in a fact."""

import logging

import pytest

from winback_sender.logs import LineFormatter


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x1b[2Kb", "a\u2028b", "a\tb", "a\x85b", ""])
def test_a_fact_makes_no_second_line_and_no_mischief(value: str) -> None:
    """A provider's code may be anything: it must not look like a line of ours."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "said", None, None)
    record.facts = {"reason": value}
    line = LineFormatter().format(record)

    assert line.isprintable()
    assert line.splitlines() == [line]


def test_a_plain_fact_stands_as_it_is() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said", None, None)
    record.facts = {"reason": "会员", "count": 7}

    assert LineFormatter().format(record).endswith("INFO said reason=会员 count=7")
