"""Why somebody is alerted, and what changed since the score before."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features import GROUPS, Rhythm
from streams.core.inputs import Cause, WatermarkPassed
from streams.core.partition import Partition
from streams.core.reasons import STAYING, TEXTS, in_words, text_of
from streams.core.scoring import scored_before
from streams.core.state import WIDTH, Column
from streams.core.time import DAY_MS
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day
from winback_sender.contract.messages import TouchRequested

CHECK_DAYS = 1  # H/30


def test_every_group_has_words_for_both_directions() -> None:
    assert set(GROUPS) <= set(TEXTS) & set(STAYING)
    assert text_of("recency", 0.5) == TEXTS["recency"]
    assert text_of("recency", -0.5) == STAYING["recency"]
    assert text_of("base", 0.5) == STAYING["base"]
    for code in GROUPS:
        leaving, staying = TEXTS[code], STAYING[code]
        assert leaving.en != staying.en
        assert leaving.zh != staying.zh


def test_what_speaks_for_staying_is_no_reason_for_a_touch() -> None:
    said = in_words((Cause("silence", 1.23456, 0.5), Cause("value", -2.0, -1.0)))

    assert [(reason.code, reason.weight, reason.change) for reason in said] == [
        ("silence", 1.2346, 0.5),
    ]  # fmt: skip


def touches(partition: Partition) -> list[TouchRequested]:
    records = partition.take().outputs["touches"]
    return [msgspec.json.decode(r.value, type=TouchRequested) for r in records
            if b"touch.requested" in r.value]  # fmt: skip


def test_a_touch_says_what_changed_since_the_check_before() -> None:
    """The told model weighs silence by its days, and a silent user is looked at once a day."""
    partition = Partition(0, RULES, ToldScorer(by_silence))
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(12))])
    (touch, *_) = touches(partition)
    (reason,) = touch.risk.reasons

    assert reason.code == "silence"
    assert reason.weight >= 10
    assert reason.change == CHECK_DAYS


def test_of_a_model_that_may_not_alert_only_the_backstop_is_left() -> None:
    scorer = ToldScorer(lambda silence: np.full_like(silence, 0.99))
    scorer.may_alert = False
    partition = Partition(0, RULES, scorer)
    partition.apply([act(day(0)), act(day(1)), WatermarkPassed(day(20))])
    assert partition.take().counts["touches"] == 0

    partition.advance(day(21.5))
    (touch,) = touches(partition)
    assert touch.risk.scored_at.startswith("2017-01-22")


@given(silence=st.floats(0.0, 60.0), phase=st.floats(0.0, 30.0))
def test_the_score_before_is_the_last_check_or_the_activity(silence: float, phase: float) -> None:
    head = np.zeros((1, WIDTH))
    head[0, Rhythm.LAST] = day(0)
    head[0, Column.PHASE] = int(phase * DAY_MS)
    at_ms = np.array([float(int(day(0) + silence * DAY_MS))])
    (before,) = scored_before(head, at_ms, RULES)

    assert before == pytest.approx(max(day(0), at_ms[0] - DAY_MS), abs=DAY_MS)
    assert day(0) <= before <= at_ms[0]
    assert before < at_ms[0] or before == day(0)
    since = before - day(0) - head[0, Column.PHASE]
    assert before == day(0) or since % DAY_MS == 0
