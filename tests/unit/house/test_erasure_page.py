"""The page about erasure says what the catalogue says."""

from pathlib import Path

from streams.core.erasures import ASKS_FOR_MS, REFUSED_FOR_MS
from streams.runtime.erasure.page import with_table
from streams.runtime.retention import DAY_MS, ERASED_WITHIN_MS, in_words
from streams.runtime.topics import bound_ms, topics
from streams.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs/erasure.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_catalogue() -> None:
    assert with_table(PAGE, Settings()) == PAGE, "`make docs` writes it"


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    bound = in_words(bound_ms(topics(Settings()))).replace(" d", " days")
    assert f"complete within {bound}" in PAGE
    assert f"the limit is {ERASED_WITHIN_MS // DAY_MS} days" in PAGE
    assert f"at least {REFUSED_FOR_MS // DAY_MS} days" in PAGE
    assert f"So for {ASKS_FOR_MS // (365 * DAY_MS)} years" in PAGE
    assert f"stay for {Settings().decisions_kept_days} days" in PAGE
