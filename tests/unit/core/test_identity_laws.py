"""Laws of the messages about ids: cuts change nothing, and what is not ours is refused."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.decoded import Rejected, RejectReason
from streams.core.harvest import Harvest
from streams.core.identity import (
    FORWARDED,
    Claimed,
    Disowned,
    Forwarded,
    HandedOver,
    MemberErased,
    Message,
    decode_identity,
    forwarded,
    record_of,
)
from streams.core.inputs import (
    Acted,
    ConsentChanged,
    Erased,
    FeedbackReceived,
    Input,
    Linked,
    ObservationPaused,
    OptedOut,
    ReachChanged,
    TraitsSet,
    ValueCorrected,
)
from streams.core.links import LinkRefusal
from streams.core.outages import NEVER
from streams.core.outbox import IDENTITY
from streams.core.partition import Partition
from streams.core.state import encode
from tests.unit.core.kin import link, told
from tests.unit.core.stories import RULES, ToldScorer, act, by_silence, day, run, tell

SIGNALS: list[Input] = [
    Acted("a", "e", 5, 1.5, 3, 1, is_risky=True, trigger="refund"),
    ConsentChanged("a", 5, "sms", is_granted=True),
    Erased("a", 5),
    FeedbackReceived("a", 5, "t", "failed", "hard", "sms"),
    Linked("a", "e", 5, "b"),
    ObservationPaused("a", 5, 1.0, NEVER),
    OptedOut("a", 5, "sms"),
    ReachChanged("a", "e", 5, "wechat", tokens=2),
    TraitsSet("a", 5, "Asia/Shanghai", "search", {"plan": "pro"}),
    ValueCorrected("a", "e", 5, -3),
]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_an_input_that_is_sent_on_says_the_same_of_another_id(signal: Input) -> None:
    message = forwarded(signal, "ada", ("a",), 7)
    record = record_of(message)
    heard = decode_identity(record.key, record.value, 0)

    assert record.key == b"ada"
    assert isinstance(heard, Forwarded)
    assert heard.signal() == msgspec.structs.replace(signal, user_id="ada")


def test_every_input_about_one_user_can_be_sent_on() -> None:
    assert {type(signal) for signal in SIGNALS} == {*FORWARDED.values()}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"ada", None, RejectReason.EMPTY),
        (None, b"{}", RejectReason.EMPTY),
        (b"ada", b"{}", RejectReason.NOT_DECODABLE),
        (b"ada", b"\xff\xff", RejectReason.NOT_DECODABLE),
        (b"bo", record_of(Claimed("ada", "e", 1, "bo")).value, RejectReason.KEY_MISMATCH),
        (b"a", record_of(Forwarded("a", 1, "Wish", msgspec.Raw(b"\xc0"))).value,
         RejectReason.UNKNOWN_VERSION),
    ],
)  # fmt: skip
def test_what_is_no_message_of_ours_is_refused(
    key: bytes | None, value: bytes | None, reason: RejectReason
) -> None:
    heard = decode_identity(key, value, 0)

    assert isinstance(heard, Rejected)
    assert heard.reason is reason


# -- cuts

IDS = ["a", "b", "c", "d"]
ids = st.sampled_from(IDS)
hours = st.integers(0, 24 * 30)
STATE = encode(tell(RULES, act(day(0), "x"), act(day(1), "x"), act(day(3), "x")).state)

messages = st.one_of(
    st.builds(lambda i, j, h: Claimed(i, f"l{h}", day(0, h), f"{j}'"), ids, ids, hours),
    st.builds(lambda i, j, h: HandedOver(i, f"l{h}", day(0, h), f"{j}-x", STATE), ids, ids, hours),
    st.builds(lambda i, h: forwarded(act(day(0, h), "x"), i, ("x",), day(0, h)), ids, hours),
    st.builds(lambda i, h: forwarded(Erased("x", day(0, h)), i, ("x",), day(0, h)), ids, hours),
    st.builds(lambda i, h: MemberErased(i, day(0, h), ("z", f"{i}'")), ids, hours),
)
inputs = st.one_of(
    st.builds(lambda i, h: act(day(0, h), i), ids, hours),
    st.builds(lambda i, j, h: link(day(0, h), i, f"{j}-c"), ids, ids, hours),
    st.builds(lambda i, h: Erased(i, day(0, h)), ids, hours),
)
cuts = st.lists(st.integers(1, 4), max_size=30)


def fresh() -> Partition:
    return Partition(0, RULES, ToldScorer(by_silence, RULES.churn.horizon_ms))


def seen(harvests: list[Harvest]) -> Counter[tuple[str, bytes | None, bytes]]:
    """Return everything that left the partition but examples, whatever the commits."""
    return Counter(
        (stream, record.key, record.value)
        for harvest in harvests
        for records in (harvest.outputs, harvest.keyed)
        for stream, written in records.items()
        for record in written
        if stream != "examples"
    )


@settings(max_examples=60)
@given(
    st.lists(messages, max_size=8), st.lists(inputs, max_size=25), st.lists(messages, max_size=12),
    cuts,
)  # fmt: skip
def test_cuts_change_nothing(
    before: list[Message], history: list[Input], after: list[Message], chunks: list[int]
) -> None:
    """Ids are given up, go on being used, and come back; in one chunk or in many."""
    history = sorted(history, key=lambda signal: signal.event_time_ms)
    outcomes = []
    for sizes in ([], chunks):
        partition, harvests = fresh(), list[Harvest]()
        for part in (before, history, after):
            if part is history:
                harvests += run(partition, history, sizes)
                continue
            start = 0
            for size in (*sizes, len(part)):
                partition.relate(part[start : start + size])
                harvests.append(partition.take())
                start += size
        outcomes.append((dict(partition.values()), seen(harvests), partition.watermark_ms))

    assert outcomes[0] == outcomes[1]


@settings(max_examples=60)
@given(st.lists(messages, max_size=12), st.integers(0, 11))
def test_a_message_that_comes_twice_changes_nothing(said: list[Message], place: int) -> None:
    """Within what the memory of event ids holds; by their offsets they come once anyway."""
    said = [each for each in said if not isinstance(each, MemberErased)]
    twice = [*said[: place + 1], *said[place : place + 1], *said[place + 1 :]]
    once, again = fresh(), fresh()
    once.relate(said)
    again.relate(twice)
    sent = [
        {
            (record.key, record.value)
            for record in partition.take().keyed.get(IDENTITY, ())
            if not isinstance(told(record), Disowned)  # Said again of an id that was erased since.
        }
        for partition in (once, again)
    ]

    assert dict(once.values()) == dict(again.values())
    assert sent[0] == sent[1]


def test_every_refusal_stands_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()

    for reason in LinkRefusal:
        assert f"| `{reason}` |" in page, reason


def test_what_was_sent_on_has_no_arrival_of_the_chunk_before_it() -> None:
    """How many records that chunk had is nobody's business here."""
    partition = Partition(0, RULES, ToldScorer(by_silence))
    partition.apply([act(day(0), "ada"), act(day(1), "ada")], "", [day(0), day(1)])
    partition.relate(
        [forwarded(act(day(2, hour), "b"), "ada", ("b",), day(2)) for hour in (1, 2, 3)]
    )
    assert partition.watermark_ms == day(1)
    assert partition.take().counts["accepted"] == 5
