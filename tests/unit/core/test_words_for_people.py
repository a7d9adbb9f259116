"""What people are told: something for every reason, in both languages, and none of our words."""

import re

import pytest

from models.features import GROUPS
from streams.core.channels import CATALOGUE
from streams.core.rulings import Ruling
from streams.core.step import BANDS
from streams.core.words_for_people import (
    BECAUSE,
    CHANNELS,
    CONCLUDED,
    DECIDED,
    RIGHTS,
    USED,
)

OURS = re.compile(
    r"model|threshold|score|probab|playbook|holdout|case|churn|risk|budget|tier|uplift|variant"
    r"|模型|阈值|概率|对照组|召回|流失|评分|预算",
    re.IGNORECASE,
)
TEXTS = [
    *BECAUSE.values(),
    *DECIDED.values(),
    *CONCLUDED.values(),
    *CHANNELS.values(),
    *USED,
    *RIGHTS,
]


def test_every_reason_ruling_band_and_channel_has_words_for_the_person() -> None:
    assert set(BECAUSE) == {*GROUPS}
    assert set(DECIDED) == {*Ruling}
    assert set(CONCLUDED) == {*BANDS, "unknown"}
    assert set(CHANNELS) == {*CATALOGUE}


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.en[:40])
def test_both_languages_say_something_and_nothing_of_ours(text: object) -> None:
    en, zh = getattr(text, "en", ""), getattr(text, "zh", "")
    assert en
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert not re.search(r"[\u4e00-\u9fff]", en)
    assert OURS.search(en) is None
    assert OURS.search(zh) is None
