"""A bootstrap that is broken off comes to the same as one that never stopped."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from models.bgnbd import BgNbdScorer
from streams.core.partition_record import PARTITION_KEY, PAST_KEY, StateMismatchError
from streams.core.rules import Rules
from streams.core.state import decode
from streams.errors import UserError
from streams.replay.blocks import Block
from streams.replay.bootstrap import Bootstrap, Note, Piece, begun, noted
from streams.replay.files import EventLog
from streams.replay.rulebook import rules_at

LOG = Path(__file__).parents[3] / "data" / "cdnow.csv.gz"
ROWS, EVERY, NOW_MS, PARTITIONS = 5_000, 1_200, 1_700_000_000_000, 3
KEYS = (b"a key of sixteen bytes",)
RULES_YAML = "churn: {horizon: 12d, min_active_days: 2}\nmode: live\n"


class KilledError(Exception):
    """The process is gone."""


class Topics:
    """What is durable; after so many pieces the process is killed, before the next one counts."""

    def __init__(self, pieces: float = float("inf")) -> None:
        self.states: dict[int, dict[bytes, bytes]] = {number: {} for number in range(PARTITIONS)}
        self.models: dict[bytes, bytes] = {}
        self.left = pieces

    def keep(self, piece: Piece) -> None:
        if not self.left:
            raise KilledError
        self.left -= 1
        for number, changes in piece.changelog.items():
            put(self.states[number], changes)
        put(self.models, piece.models)

    def found(self) -> dict[int, dict[bytes, bytes]]:
        return {
            number: {key: value for key, value in content.items() if key != PAST_KEY}
            for number, content in self.states.items()
        }


def put(content: dict[bytes, bytes], changes: "dict[bytes, bytes | None]") -> None:
    for key, value in changes.items():
        if value is None:
            content.pop(key, None)
        else:
            content[key] = value


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The first rows of a real log."""
    path = tmp_path_factory.mktemp("past") / "log.csv"
    with gzip.open(LOG, "rt", encoding="utf-8") as file:
        path.write_text("".join(line for line, _ in zip(file, range(ROWS + 1), strict=False)))
    return str(path)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES_YAML)
    return rules_at(str(path))


def blocks(log: str) -> Iterator[Block]:
    return EventLog(log, block_rows=1_000).blocks()


def bootstrap(rules: Rules, note: Note, topics: Topics, *, learns: bool) -> Bootstrap:
    return Bootstrap(
        rules, BgNbdScorer(float(rules.churn.horizon_ms)), note, KEYS, partitions=PARTITIONS,
        app_id="a", learns=learns, keep=topics.keep, every=EVERY,
    )  # fmt: skip


def ended(run: Bootstrap, log: str) -> None:
    run.run(blocks(log))
    run.end({number: {"in": 7} for number in range(PARTITIONS)}, {"examples": 0})


@pytest.mark.parametrize("learns", [True, False])
def test_killed_and_resumed_equals_uninterrupted(log: str, rules: Rules, *, learns: bool) -> None:
    """Whatever piece was the last: states, partition records and models, byte for byte."""
    note = Note(history="h", now_ms=NOW_MS)
    whole = Topics()
    ended(bootstrap(rules, note, whole, learns=learns), log)
    assert all(content[PARTITION_KEY] for content in whole.states.values())
    assert sum(map(len, whole.states.values())) > 500
    assert bool(whole.models) == learns
    topics = Topics()
    topics.keep(begun(note, PARTITIONS))
    topics.left = 2
    with pytest.raises(KilledError):
        ended(bootstrap(rules, note, topics, learns=learns), log)
    found = noted(topics.states, "h")
    assert found is not None
    assert found.counts["accepted"] >= 2 * EVERY
    again = bootstrap(rules, found, topics, learns=learns)
    again.resume(topics.found(), topics.models)
    topics.left = float("inf")
    ended(again, log)
    assert topics.states == whole.states
    assert topics.models == whole.models
    assert again.fleet.counts["accepted"] == ROWS


def test_nobody_is_treated_in_the_past(log: str, rules: Rules) -> None:
    """The rules say live; there are cases, and no touch and no exposure."""
    topics = Topics()
    run = bootstrap(rules, Note(history="h", now_ms=NOW_MS), topics, learns=False)
    ended(run, log)
    users = [
        decode(value).profile
        for content in topics.states.values() for key, value in content.items()
        if key[:1] != b"\0"
    ]  # fmt: skip
    cases = [profile.case for profile in users if profile.case is not None]
    assert cases or run.fleet.counts["closed_lapsed"] or run.fleet.counts["closed_returned"]
    assert not any(case.touches for case in cases)
    assert not any(profile.exposure for profile in users)
    assert not run.fleet.counts["touches"]


def test_half_a_past_is_no_state(log: str, rules: Rules) -> None:
    """A worker that comes in the middle does not begin, and another history does not go on."""
    note, topics = Note(history="h", now_ms=NOW_MS), Topics(1)
    with pytest.raises(KilledError):
        ended(bootstrap(rules, note, topics, learns=False), log)
    partition = bootstrap(rules, note, topics, learns=False).fleet.partitions[0]
    with pytest.raises(StateMismatchError, match="has not ended"):
        partition.restore(topics.states[0])
    with pytest.raises(UserError, match="another history"):
        noted(topics.states, "other")
    assert noted({0: {}}, "h") is None
    assert msgspec.json.decode(topics.states[0][PAST_KEY], type=Note).from_row > 1
