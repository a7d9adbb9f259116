"""What holds of every code, every reply and every rolling day."""

import unicodedata
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.adapters import aliyun_codes, tencent_codes
from winback_sender.adapters.replies import at_ms_of, status_of
from winback_sender.adapters.verdicts import Say, conclude, verdict
from winback_sender.contract.words import Status
from winback_sender.receipt import NotSentError
from winback_sender.standins.limits import Rolling
from winback_sender.standins.sms_rules import wrong_value

tables = pytest.mark.parametrize(
    ("codes", "prefixes"),
    [
        (aliyun_codes.CODES, aliyun_codes.PREFIXES),
        (tencent_codes.CODES, tencent_codes.PREFIXES),
    ],
    ids=["aliyun", "tencent"],
)


@tables
@given(code=st.text(max_size=40))
def test_a_code_that_nobody_has_seen_never_makes_a_touch_go_again(
    codes: dict[str, object], prefixes: tuple[tuple[str, object], ...], code: str
) -> None:
    """Only a code, or a first word, that stands in the documents says that nothing was sent."""
    found = verdict(code, codes, prefixes)  # type: ignore[arg-type]  # one table or the other

    is_known = code in codes or code.startswith(tuple(first for first, _ in prefixes))
    assert is_known or found.say is Say.UNKNOWN


@tables
def test_every_code_comes_to_an_end_with_its_name(
    codes: dict[str, object], prefixes: tuple[tuple[str, object], ...]
) -> None:
    for code in codes:
        found = verdict(code, codes, prefixes)  # type: ignore[arg-type]  # as above
        try:
            reason = conclude(code, found, "+8613800138000").reason
        except NotSentError as error:
            reason = error.reason if error.retry == (found.after_s > 0) else "said at odds"
        assert reason == code


@given(
    word=st.sampled_from(["R", "T", "TD", "N", "退订", "拒收", "stop"]),
    around=st.text(alphabet=" \t\n　。！!.,“”【】", max_size=5),
    is_wide=st.booleans(),
    is_lower=st.booleans(),
)
def test_an_opt_out_is_one_in_every_case_and_width(
    word: str, around: str, *, is_wide: bool, is_lower: bool
) -> None:
    text = word.lower() if is_lower else word
    if is_wide:
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    assert unicodedata.normalize("NFKC", text).casefold() == word.casefold()

    assert status_of(f"{around}{text}{around}") is Status.OPTED_OUT


@given(st.text())
def test_any_reply_and_any_instant_can_be_read(text: str) -> None:
    assert status_of(text) in {Status.OPTED_OUT, Status.REPLIED}
    assert at_ms_of(text) >= 0


@given(
    st.lists(st.floats(min_value=0, max_value=40), max_size=60), st.floats(min_value=1, max_value=9)
)
def test_a_rolling_day_counts_as_its_slow_twin(steps: list[float], span_s: float) -> None:
    now_s = 0.0
    rolling = Rolling(lambda: now_s)
    seen: deque[float] = deque()
    for step in steps:
        now_s += step / 10
        assert rolling.within("", span_s) == sum(at_s > now_s - span_s for at_s in seen)
        rolling.count("")
        seen.append(now_s)


@given(st.text(alphabet=st.characters(categories=["Lo"]), max_size=35))
def test_no_han_character_is_too_rare(name: str) -> None:
    assert not wrong_value(name, 35)
