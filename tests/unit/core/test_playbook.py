"""Playbooks at work: traits in params, a step in place of another, versions."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.core.playbook import (
    Match,
    Playbook,
    PlaybookStep,
    Variant,
    fill,
    following,
    pick_variant,
    with_version,
)
from streams.core.sensitive import SAID_CHARS_MAX

COURSE = {"course": "《{trait:last_course|您的课程}》"}


def step(channel: str = "sms", *, is_instead: bool = False) -> PlaybookStep:
    return PlaybookStep(channel, "hi", 0, 1, is_instead=is_instead)


def book(*shares: float) -> Playbook:
    variants = tuple(Variant(f"v{n}", share, (step(),)) for n, share in enumerate(shares))
    return Playbook("care", Match(), variants, "member_care", 1)


def test_a_trait_takes_its_place_and_the_default_stands_where_there_is_none() -> None:
    assert fill(COURSE, {"last_course": "几何"}) == {"course": "《几何》"}
    assert fill(COURSE, {}) == fill(COURSE, {"last_course": " "}) == {"course": "《您的课程》"}
    assert fill({"plain": "{x}", "a": "1"}, {"x": "y"}) == {"plain": "{x}", "a": "1"}


def test_what_must_not_be_said_to_a_user_is_not_said() -> None:
    """A trait comes from somebody's form: a link, a number, a template's sign leak or trick."""
    for told in (
        "http://a.cn", "www.a.cn", "ada@a.cn", "138 0013 8000", "110101199003070011", "【假】",
        "${name}", "{trait:x|y}", "很" * (SAID_CHARS_MAX + 1), "a\nb",
    ):  # fmt: skip
        assert fill(COURSE, {"last_course": told}) == {"course": "《您的课程》"}, told


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=30)), st.text(max_size=40))
def test_filling_never_leaves_a_place_open(traits: dict[str, str], told: str) -> None:
    filled = fill(COURSE, traits | {"last_course": told})["course"]
    assert "{trait:" not in filled
    assert len(filled) <= SAID_CHARS_MAX + 2


def test_a_step_that_stands_in_is_passed_over_when_the_one_before_was_sent() -> None:
    steps = (step("wechat"), step(is_instead=True), step("push", is_instead=True), step("call"))

    assert following(steps, 0, was_sent=True) == 3
    assert following(steps, 0, was_sent=False) == 1
    assert following(steps, 1, was_sent=False) == 2
    assert following(steps, 3, was_sent=True) == len(steps)


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5), st.text(min_size=1, max_size=9))
def test_a_variant_is_chosen_with_the_probability_that_is_put_on_record(
    weights: list[float], user_id: str
) -> None:
    shares = [weight / sum(weights) for weight in weights]
    variant, propensity = pick_variant(book(*shares), user_id, 0)
    assert propensity == variant.share


def test_in_a_comparison_and_under_a_policy_the_odds_are_others() -> None:
    compared = msgspec.structs.replace(book(0.9, 0.1), ab_from_ms=100, ab_to_ms=200)
    assert pick_variant(compared, "ada", 150)[1] == 0.5
    assert pick_variant(compared, "ada", 200)[1] != 0.5
    learned = msgspec.structs.replace(book(0.9, 0.1), choice="bandit")
    assert pick_variant(learned, "ada", 0, (0.0, 1.0)) == (learned.variants[1], 1.0)


def test_the_version_follows_the_content_and_nothing_else() -> None:
    first, again = with_version(book(1.0)), with_version(with_version(book(1.0)))
    assert first.version == again.version
    assert len(first.version) == 16
    other = msgspec.structs.replace(first, purpose="service")
    assert with_version(other).version != first.version
