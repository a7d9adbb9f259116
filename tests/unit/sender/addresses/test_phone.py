"""Phone numbers: however a number is written, it is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback_sender.addresses.phone import normalise
from winback_sender.contract.words import HARD, Why
from winback_sender.receipt import NotSentError

MOBILE = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
FULL_WIDTH = str.maketrans("0123456789+()-.", "０１２３４５６７８９＋（）－．")


@st.composite
def spellings(draw: st.DrawFn, number: str) -> str:
    """Write a mainland number as people do."""
    prefix = draw(st.sampled_from(["", "+86", "0086", "86", "(+86)", "+86 ", "（＋86）"]))
    parts = [number[:3], number[3:7], number[7:]]
    gaps = draw(st.lists(st.sampled_from(["", " ", "-", ".", "\u3000", "\u00a0", "–"]),
                         min_size=2, max_size=2))  # fmt: skip
    text = prefix + parts[0] + gaps[0] + parts[1] + gaps[1] + parts[2]
    if draw(st.booleans()):
        text = text.translate(FULL_WIDTH)
    return (
        draw(st.sampled_from(["", " ", "\t", "\u202d"])) + text + draw(st.sampled_from(["", " "]))
    )


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "138.0013.8000",
        "+86 138 0013 8000",
        "+86-13800138000",
        "008613800138000",
        "8613800138000",
        "(+86) 138 0013 8000",
        "＋８６１３８００１３８０００",
        "１３８ ００１３ ８０００",
        "\u202d13800138000\u202c",
    ],
)
def test_spellings_of_one_mobile_number(text: str) -> None:
    assert normalise(text) == "+8613800138000"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+852 5123 4567", "+85251234567"),
        ("00 852 51234567", "+85251234567"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+33 (0)1 23 45 67 89", "+33123456789"),
    ],
)
def test_other_countries_name_themselves(text: str, number: str) -> None:
    assert normalise(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "+",
        "12345",
        "10010",
        "12800138000",
        "1380013800",
        "138001380000",
        "+8612800138000",
        "+86 010 6552 9988",
        "010-65529988",
        "+0123456789",
        "+1234567",
        "+1234567890123456",
        "5551234567",
        "13800138000 转 12",
        "138001380oo",
        "13800138000,13900139000",
        "１３８００１３８０①②",
        "١٣٨٠٠١٣٨٠٠٠",
        "微信号 ada",
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NotSentError) as refused:
        normalise(text)

    assert (refused.value.reason, refused.value.outcome) == (Why.BAD_ADDRESS, HARD)
    assert not refused.value.retry
    assert str(refused.value) == "bad_address"
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ["010-65529988", "+86 10 6552 9988", "（010）6552 9988"])
def test_a_call_may_go_to_a_fixed_line(text: str) -> None:
    assert normalise(text, may_be_landline=True) == "+861065529988"


@given(MOBILE, st.data())
def test_all_spellings_of_a_number_agree(number: str, data: st.DataObject) -> None:
    assert normalise(data.draw(spellings(number))) == f"+86{number}"


@given(st.text(max_size=24) | st.from_regex(r"\+?[0-9 ().-]{6,20}", fullmatch=True))
def test_what_is_accepted_is_of_one_form_and_stays_as_it_is(text: str) -> None:
    for may_be_landline in (False, True):
        try:
            number = normalise(text, may_be_landline=may_be_landline)
        except NotSentError:
            continue
        assert number.isascii()
        assert number[0] == "+"
        assert number[1:].isdigit()
        assert 8 <= len(number) - 1 <= 15
        assert normalise(number, may_be_landline=may_be_landline) == number
