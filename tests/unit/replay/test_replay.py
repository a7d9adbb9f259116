"""Replay: however the log is cut, the same; and what it says of itself."""

from pathlib import Path

import msgspec
import pytest

from models.bgnbd import BgNbdScorer
from models.catalogue import CHAMPION
from models.snapshot import sign
from streams.core.inputs import WatermarkPassed
from streams.core.interpret import NativeEvent as ReadEvent
from streams.core.native import make_decode
from streams.core.outbox import DECISIONS, TOUCHES
from streams.core.rules import Rules
from streams.errors import UserError
from streams.replay.apprentice import Apprentice
from streams.replay.events import NativeEvent, credible, encoded, watermark
from streams.replay.export import exported
from streams.replay.files import EventLog
from streams.replay.instants import instant_ms
from streams.replay.rulebook import rules_at
from streams.replay.run import Replay, Replayed, model_at

NOW_MS = 1_600_000_000_000
KEYS = (b"a key of these tests",)


def open_rules(tmp: Path) -> Rules:
    """Rules under which touches happen: consent granted, a short horizon, alerts from the start."""
    path = tmp / "rules.yaml"
    path.write_text(
        "churn: {horizon: 12d, min_active_days: 3}\n"
        "alert: {examples_min: 0}\n"
        "mode: live\n"
        "channels: {wechat: {reach: any}}\n"
        "contact: {consent_default: granted}\n",
        encoding="utf-8",
    )
    return rules_at(str(path))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return open_rules(tmp_path_factory.mktemp("rules"))


def replayed(
    log: str, rules: Rules, *, block_rows: int = 8_192, learns: bool = False, partitions: int = 4
) -> tuple[Replayed, list[bytes], list[bytes], list[bytes], Replay]:
    scorer = BgNbdScorer(float(rules.churn.horizon_ms))
    run = Replay(rules, scorer, partitions=partitions, now_ms=NOW_MS, learns=learns,
                 keeps=[TOUCHES, DECISIONS])  # fmt: skip
    summary = run.run(EventLog(log, block_rows=block_rows).blocks())
    states = list(exported(run.fleet.values()))
    return summary, states, list(run.records(TOUCHES)), list(run.records(DECISIONS)), run


def test_a_replay_alerts_and_touches(small_log: str, rules: Rules) -> None:
    summary, states, touches, decisions, _ = replayed(small_log, rules)
    assert summary.users == len(states) == 40
    assert summary.touches > 0
    assert summary.alerts >= summary.returns > 0
    assert len(touches) > summary.touches  # cases are closed there, too
    assert decisions
    assert sum(summary.lifecycle.values()) == 40


@pytest.mark.parametrize(("block_rows", "learns"), [(1, False), (7, False), (61, True)])
def test_the_size_of_blocks_changes_nothing(
    short_log: str, rules: Rules, block_rows: int, *, learns: bool
) -> None:
    whole = replayed(short_log, rules, learns=learns)
    cut = replayed(short_log, rules, learns=learns, block_rows=block_rows)
    assert cut[:4] == whole[:4]


def test_the_number_of_partitions_changes_tiers_and_budgets_only(
    small_log: str, rules: Rules
) -> None:
    """They count within a partition, as ranks do; without them nothing else differs."""
    rules = msgspec.structs.replace(rules, tiers=(("all", 1.0),))
    one, seven = (replayed(small_log, rules, partitions=count) for count in (1, 7))
    assert one[:2] == seven[:2]
    assert one[3] == seven[3]
    assert list(map(unranked, one[2])) == list(map(unranked, seven[2]))


def unranked(touch: bytes) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(touch)
    found.pop("priority", None)
    return found


def test_a_learned_model_is_saved_and_taken_again(
    short_log: str, rules: Rules, tmp_path: Path
) -> None:
    *_, run = replayed(short_log, rules, learns=True)
    assert run.apprentice is not None
    assert run.apprentice.roster.examples > 100
    path = tmp_path / "model.json"
    path.write_bytes(sign(run.apprentice.serving(), KEYS))
    assert model_at(str(path), KEYS, rules).version == run.apprentice.serving().version
    with pytest.raises(UserError, match="refused"):
        model_at(str(path), (b"another key of these tests",), rules)
    with pytest.raises(UserError, match="other_horizon"):
        model_at(str(path), KEYS, rules_at(""))
    with pytest.raises(UserError, match="cannot be read"):
        model_at(str(tmp_path / "none"), KEYS, rules)


def test_examples_of_one_instant_are_learned_in_one_order_however_they_arrive(
    short_log: str, rules: Rules
) -> None:
    run = Replay(rules, BgNbdScorer(float(rules.churn.horizon_ms)), partitions=3, now_ms=NOW_MS,
                 keeps=["examples"])  # fmt: skip
    run.run(EventLog(short_log).blocks())
    records = [r for number in range(3) for r in run._kept["examples", number]]
    forward, backward = Apprentice(rules), Apprentice(rules)
    forward.receive(records)
    backward.receive(records[::-1])
    end_ms = run.fleet.newest_ms or 0
    for at_ms in range(0, end_ms, end_ms // 5):
        forward.learn_before(at_ms)
    forward.learn_before(end_ms)
    backward.learn_before(end_ms)
    assert forward.roster.examples > 0
    assert forward.roster.models[CHAMPION].snapshot() == backward.roster.models[CHAMPION].snapshot()


def test_an_event_from_the_far_future_is_rejected_and_counted(tmp_path: Path, rules: Rules) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,ts,event,amount\nada,2017-01-01T00:00:00Z,buy,1\nada,2999-01-01T00:00:00Z,buy,1\n"
    )
    for learns in (False, True):
        summary = replayed(str(path), rules, learns=learns)[0]
        assert summary.events == 1
        assert summary.rejected == {"future": 1}
        assert summary.last_event_at == "2017-01-01T00:00:00Z"


def test_the_watermark_record_is_one_for_the_service(rules: Rules) -> None:
    key, value = watermark("log.csv", 5)
    assert make_decode(rules)(key, value, NOW_MS) == WatermarkPassed(5)


def test_what_is_encoded_is_decoded(small_log: str, rules: Rules) -> None:
    block = EventLog(small_log).head()
    values = encoded(block)
    assert msgspec.json.decode(values[0])["event_id"] == "small.csv:1"
    decode = make_decode(rules)
    for user_id, at_ms, value in zip(block.user_ids, block.times_ms, values, strict=True):
        signal = decode(user_id.encode(), value, NOW_MS)
        assert (signal.user_id, signal.event_time_ms) == (user_id, at_ms)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("ada,2017-03-01T00:00:00Z,session_probe,", "2017-03-01T00:00:00Z"),  # skipped
        ("ada,2017-03-01T00:00:00Z,purchase,9e15", "2017-03-01T00:00:00Z"),  # rejected
        ("ada,2999-01-01T00:00:00Z,purchase,1", "2017-01-02T00:00:00Z"),  # from the future
    ],
)
def test_a_replay_closes_with_the_instant_that_a_feed_closes_with(
    tmp_path: Path, row: str, expected: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        f"user_id,ts,event,amount\nada,2017-01-02T00:00:00Z,purchase,5\n{row}\n", encoding="utf-8"
    )
    rules = tmp_path / "rules.yaml"
    rules.write_text("churn: {activity: [purchase]}\n", encoding="utf-8")
    run = Replay(rules_at(str(rules)), BgNbdScorer(2.6e9), partitions=3, now_ms=NOW_MS)
    run.run(EventLog(str(path)).blocks())

    until_ms = max(credible(EventLog(str(path)).head().times_ms, NOW_MS))
    assert {part.watermark_ms for part in run.fleet.partitions} == {instant_ms(expected)}
    assert until_ms == instant_ms(expected)


def test_an_event_is_written_with_the_fields_that_are_read() -> None:
    assert {*NativeEvent.__struct_fields__} == {*ReadEvent.__struct_fields__}
