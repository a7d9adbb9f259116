"""Files of playbooks: what they mean, and complaints that say where, what and what was meant."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.core.playbook import Playbook
from streams.core.playbooks_compile import Known
from streams.core.playbooks_file import playbooks_of, playbooks_source
from streams.core.time import DAY_MS, HOUR_MS
from winback_sender.documents.faults import RulesRefused

STEP = "{channel: sms, template_key: hi}"


def books_of(text: str, known: Known = Known()) -> tuple[Playbook, ...]:  # noqa: B008  # immutable
    return playbooks_of([playbooks_source(text, "p.yaml")], known)


def complaints_of(text: str) -> list[str]:
    with pytest.raises(RulesRefused) as refused:
        books_of(text)
    assert str(refused.value) == "\n".join(map(str, refused.value.complaints))
    return [str(complaint) for complaint in refused.value.complaints]


def test_a_bare_list_and_a_whole_file_mean_the_same() -> None:
    bare = books_of(f"- name: a\n  steps: [{STEP}]")
    assert bare == books_of(f"version: 1\nplaybooks:\n- name: a\n  steps: [{STEP}]")
    assert [variant.name for variant in bare[0].variants] == ["a"]
    assert bare[0].exits == ("returned", "converted", "replied", "handled", "complaint")


def test_everything_that_a_playbook_says_arrives() -> None:
    (book,) = books_of(f"""
- name: care
  match: {{tiers: [top], stages: [lapsed], reasons: [silence], quadrants: [ordinary_calm]}}
  exit: [replied]
  expires: 10d
  close_after: 2d
  release: 0.25
  choose: bandit
  ab: {{from: 2026-12-01T00:00:00Z, lasts: 12h}}
  variants:
  - {{name: x, share: 0.25, steps: [{STEP}]}}
  - name: y
    share: 0.75
    steps:
    - {{channel: call, template_key: a, expires: 1h, offer: {{kind: coupon}}, on_full: skip}}
    - {{channel: sms, template_key: b, wait: 3d, instead: true, params: {{n: v}}}}
""")
    assert (book.match.tiers, book.match.stages) == (("top",), ("lapsed",))
    assert (book.match.reasons, book.match.quadrants) == (("silence",), ("ordinary_calm",))
    assert (book.exits, book.expires_ms, book.close_after_ms) == (
        ("replied",),
        10 * DAY_MS,
        2 * DAY_MS,
    )
    assert (book.release, book.choice) == (0.25, "bandit")
    assert book.ab_to_ms - book.ab_from_ms == 12 * HOUR_MS
    call, sms = book.variants[1].steps
    assert (call.expires_ms, call.offer, call.on_full) == (HOUR_MS, {"kind": "coupon"}, "skip")
    assert (sms.wait_ms, sms.is_instead, sms.params) == (3 * DAY_MS, True, {"n": "v"})


def test_variants_without_shares_have_equal_ones() -> None:
    (book,) = books_of(
        "- name: a\n  variants:\n"
        + "".join(f"  - {{name: v{n}, steps: [{STEP}]}}\n" for n in range(4))
    )
    assert [variant.share for variant in book.variants] == [0.25] * 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {name: a, stepss: []}", "p.yaml:1:13: unknown field `stepss`; did you mean 'steps'?"),
        ("- {steps: []}", "p.yaml:1:3: missing required field `name`"),
        ("- {name: a, steps: []}", "p.yaml:1:13: no steps: give at least one"),
        ("- {name: a, variants: []}", "p.yaml:1:13: no variants: give at least one, or steps"),
        ("- {name: a}", "p.yaml:1:3: neither steps nor variants: give one of them"),
        ("[]", "p.yaml:1:1: no playbooks: give at least one"),
        ("", "p.yaml:1:1: playbooks are a list, or a mapping with `playbooks:`"),
        ("playbooks: a.yaml", "p.yaml:1:12: this names files of playbooks and has none itself; g"),
        ("playbooks: {}", "p.yaml:1:1: playbooks are a list: begin each with a dash"),
        ("version: 2\nplaybooks: [{name: a, steps: [S]}]", "p.yaml:1:10: Invalid enum value 2"),
        (
            "- {name: a, steps: [{channel: smss, template_key: x}]}",
            "p.yaml:1:31: channel 'smss' is unknown; did you mean 'sms'?",
        ),
        (
            "- {name: a, match: {stages: [at_rsk]}, steps: [S]}",
            "p.yaml:1:30: 'at_rsk' is unknown; did you mean 'at_risk'?",
        ),
        (
            "- {name: a, match: {triggers: [complain]}, steps: [S]}",
            "p.yaml:1:32: 'complain' is unknown; did you mean 'complaint'?",
        ),
        (
            "- {name: a, match: {reasons: [silents]}, steps: [S]}",
            "p.yaml:1:31: 'silents' is unknown; did you mean 'silence'?",
        ),
        (
            "- {name: a, match: {tiers: [tpo]}, steps: [S]}",
            "p.yaml:1:29: 'tpo' is unknown; did you mean 'top'?",
        ),
        (
            "- {name: a, match: {quadrants: [urgent]}, steps: [S]}",
            "p.yaml:1:33: 'urgent' is unknown; there are: important_urgent, ",
        ),
        ("- {name: a, exit: [back], steps: [S]}", "p.yaml:1:20: 'back' is unknown; there are: ret"),
        (
            "- {name: a, expires: 5d, steps: [S, {channel: sms, template_key: x, wait: 6d}]}",
            "p.yaml:1:106: wait 6d: the journey is over before this step; wait less, or",
        ),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, wait: 6d}]}",
            "p.yaml:1:59: the first step comes with the alert: it neither waits nor stands in",
        ),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, expires: 0s}]}",
            "p.yaml:1:62: '0s' is no time at all",
        ),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, wait: soon}]}",
            "p.yaml:1:59: 'soon' is not a span of time: write a number and a unit",
        ),
        ("- {name: a, expires: 99999d, steps: [S]}", "'99999d' is too long: at most a hundred y"),
        (f"- {{name: a, expires: {'9' * 400}d, steps: [S]}}", "is too long: at most a hundred y"),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, params: {n: " + "x" * 501 + "}}]}",
            "p.yaml:1:65: Expected `str` of length <= 500",
        ),
        (
            "- {name: a, variants: [{name: x, share: 0.4, steps: [S]}]}",
            "p.yaml:1:13: the shares sum to 0.4, not to 1",
        ),
        (
            "- {name: a, variants: [{name: x, share: 1, steps: [S]}, {name: y, steps: [S]}]}",
            "p.yaml:1:13: some variants have a share and some have none",
        ),
        (
            "- {name: a, variants: [{name: x, steps: [S]}, {name: x, steps: [S]}]}",
            ": variant 'x' is there twice",
        ),
        ("- {name: a, choose: bandit, steps: [S]}", "p.yaml:1:21: a bandit chooses among variants"),
        (
            "- {name: a, ab: {from: 2026-12-01}, steps: [S]}",
            "p.yaml:1:13: a comparison (ab) needs two variants",
        ),
        (
            "- {name: a, ab: {from: soon}, variants: [{name: x, steps: [S]}]}",
            "p.yaml:1:24: soon is no instant",
        ),
        ("- {name: a, steps: [S]}\n- {name: a, steps: [S]}", "p.yaml:2:10: playbook 'a' is there"),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, params: {n: 7}}]}",
            "p.yaml:1:65: Expected `str`, got `int`; write it in quotes: '7'",
        ),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, params: {n: '{trait:item}'}}]}",
            "p.yaml:1:65: '{trait:item}': a trait is written with a default",
        ),
        (
            "- {name: a, steps: [{channel: sms, template_key: x, params: {n: '{trait:item|x}'}}]}",
            "p.yaml:1:65: trait 'item' is not kept; add it: traits: [item]",
        ),
        ("traits: [phone]\nplaybooks: [{name: a, steps: [S]}]", "1:10: trait 'phone' is sen"),
        ("- {name: a, steps: [S], steps: [S]}", ": 'steps' is there twice"),
    ],
)  # fmt: skip
def test_a_complaint_names_line_column_fault_and_what_was_meant(text: str, complaint: str) -> None:
    said = complaints_of(text.replace("S]", f"{STEP}]").replace("[S", f"[{STEP}"))
    assert any(complaint in line for line in said), said


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_lines() -> None:
    said = complaints_of("""
traits: [religion]
playbooks:
- name: a
  match: {stages: [at_rsk]}
  steps:
  - {channel: smss, template_key: x, wait: soon}
- name: a
  variants: []
- name: b
  stepss: []
""")
    places = [line.split(": ")[0] for line in said]
    assert places == ["p.yaml:2:10", "p.yaml:5:20", "p.yaml:7:15", "p.yaml:7:44",
                      "p.yaml:8:9", "p.yaml:9:3", "p.yaml:11:3"]  # fmt: skip


def test_a_field_of_the_wrong_type_hides_nothing_else() -> None:
    said = complaints_of("""
templates: {hi: {text: "${n}"}}
playbooks:
- name: a
  match: {tiers: [gold]}
  colour: red
  steps:
  - {channel: smss, template_key: hi, wait: 0, params: {n: 7}}
""")
    assert [line.split(";")[0] for line in said] == [
        "p.yaml:5:19: 'gold' is unknown",
        "p.yaml:6:3: unknown field `colour`",
        "p.yaml:8:15: channel 'smss' is unknown",
        "p.yaml:8:45: Expected `str`, got `int`",
        "p.yaml:8:60: Expected `str`, got `int`",
    ]
    assert said[3].endswith("write a number and a unit, as in 90s, 15m, 12h, 30d")
    assert said[4].endswith("write it in quotes: '7'")


def test_the_templates_of_a_file_hold_its_steps_to_account() -> None:
    templates = 'templates: {hi: {text: "您好 ${course}"}}\n'
    said = complaints_of(
        templates + "playbooks:\n- name: a\n  steps:\n"
        "  - {channel: sms, template_key: hii}\n"
        "  - {channel: sms, template_key: hi}\n"
        "  - {channel: sms, template_key: hi, params: {course: x, curse: y}}\n"
    )
    assert said == [
        "p.yaml:5:34: template 'hii' is not among the templates of this file; did you mean 'hi'?",
        "p.yaml:6:5: template 'hi' needs the variable 'course'; add course: … to params",
        "p.yaml:7:58: template 'hi' has no variable 'curse'; did you mean 'course'?",
    ]


def test_a_mapping_that_is_merged_in_has_its_own_places() -> None:
    said = complaints_of(
        "- {name: a, steps: [&s {channel: smss, template_key: x}]}\n"
        "- {name: b, steps: [{<<: *s, template_key: y, wait: soon}]}\n"
    )
    assert [line.split(": ")[0] for line in said] == ["p.yaml:1:34", "p.yaml:2:53"]


def test_an_alias_that_is_no_trap_is_welcome() -> None:
    (one, two) = books_of(f"- {{name: a, steps: &s [{STEP}]}}\n- {{name: b, steps: *s}}")
    assert one.variants == two.variants


words = st.sampled_from(
    ["name", "steps", "variants", "match", "channel", "template_key", "wait", "sms", "3d", "ab",
     "share", "tiers", "traits", "playbooks", "templates", "text", "{trait:a|b}", "${x}", ""]
)  # fmt: skip
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(words, parts, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_whatever_stands_in_a_file_is_a_playbook_or_a_complaint_with_its_place(
    tree: object,
) -> None:
    books: tuple[Playbook, ...] = ()
    places: list[tuple[int, int]] = []
    try:
        books = books_of(yaml.safe_dump(tree, allow_unicode=True))
    except RulesRefused as refused:
        places = [(complaint.line, complaint.column) for complaint in refused.complaints]
    assert bool(books) != bool(places)
    assert all(line >= 1 and column >= 1 for line, column in places)
