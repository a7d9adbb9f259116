"""The engines of the two roles, without Kafka."""

import json

import msgspec
import pytest

from models.bgnbd import BgNbdScorer
from streams.core.controls import MODE, ON, STOP
from streams.core.inputs import Directive
from streams.core.partition import Partition
from streams.core.partition_record import PARTITION_KEY
from streams.core.rules_file import parse_rules
from streams.errors import UserError
from streams.intake.wire.schemas import Schemas
from streams.runtime.columns import Chunk
from streams.runtime.dead_letters import Notices
from streams.runtime.engine_topics import streams_of
from streams.runtime.in_force import Board, InForce, decoders_of
from streams.runtime.journal import MODEL as USING
from streams.runtime.journal import TICK
from streams.runtime.learner import LearnerEngine
from streams.runtime.metrics import Metrics
from streams.runtime.pipeline import PipelineEngine
from streams.runtime.producer import Commit
from streams.runtime.ticks import Tick
from tests.unit.core.lessons import lessons_of
from tests.unit.core.stories import ToldScorer, by_silence
from tests.unit.runtime.teaching import DAY_MS, NOW_MS, RULES, SETTINGS, chunk


def event(user: str, number: int, at_ms: int = NOW_MS - DAY_MS) -> tuple[bytes, bytes]:
    body = {"event_id": f"{user}-{number}", "user_id": user, "event": "view", "event_time": at_ms}
    return user.encode(), json.dumps(body).encode()


def a_board() -> Board:
    scorer = BgNbdScorer(RULES.churn.horizon_ms)
    return Board(
        InForce(RULES, "v1", decoders_of(SETTINGS, RULES, Schemas()), scorer), lambda: None
    )


def pipeline(notices: Notices | None = None, board: Board | None = None) -> PipelineEngine:
    board = board or a_board()
    core = Partition(0, RULES, board.now.scorer)
    notices = notices or Notices(SETTINGS.topic_dead_letters)
    return PipelineEngine(core, lambda: board.now, streams_of(SETTINGS), Metrics(), notices)


def drive(engine: PipelineEngine | LearnerEngine, piece: Chunk) -> None:
    """Do what a lane does."""
    engine.apply(piece)
    engine.applied[piece.topic] = piece.columns.next_offset


def test_the_first_dead_letter_of_each_reason_is_said_once_a_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notices = Notices("winback-dead-letters")
    for _ in range(2):
        engine = pipeline(notices)
        bad = [(b"ada", b"no json"), (b"ada", b"nor this"), (b"secret", event("ada", 1)[1])]
        drive(engine, chunk("user-activity", 5, bad))
        assert len(engine.take().outputs["winback-dead-letters"]) == 3
    said = [vars(record)["facts"] for record in caplog.records if record.msg == "dead_letter"]

    assert [(facts["reason"], facts["offset"]) for facts in said] == [
        ("not_decodable", 5), ("key_mismatch", 7),
    ]  # fmt: skip
    assert all("winback-dead-letters" in facts["next"] for facts in said)
    assert "malformed" in said[0]["detail"]
    assert "secret" not in str(said)


def test_a_state_of_other_rules_is_the_operators_to_mend() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    records = {key: value for key, value in engine.take().changelog if value}
    other = parse_rules("churn: {horizon: 9d}")
    core = Partition(0, other, BgNbdScorer(other.churn.horizon_ms))
    in_force = InForce(other, "v2", {}, core.scorer)
    heir = PipelineEngine(core, lambda: in_force, streams_of(SETTINGS), Metrics(), Notices("dead"))
    with pytest.raises(UserError, match="made with rules") as refused:
        heir.restore(records)
    assert "churn.horizon '30d', now '9d'" in str(refused.value)
    assert "winback state migrate --rules" in refused.value.hint
    assert refused.value.exit_code == 1


def test_what_the_core_refuses_is_a_dead_letter_from_where_it_stands() -> None:
    """Among records that are no input at all, too."""
    engine = pipeline()
    old_ms = NOW_MS - 3 * RULES.churn.limit_ms
    records = [event("ada", 1), (b"bob", b"no json"), event("cy", 1, old_ms), event("ada", 2)]
    drive(engine, chunk("user-activity", 5, records))
    letters = [dict(each.headers) for each in engine.take().outputs["winback-dead-letters"]]
    assert [
        (said["__connect.errors.exception.class.name"], said["__connect.errors.offset"])
        for said in letters
    ] == [(b"not_decodable", b"6"), (b"too_old", b"7")]
    assert engine.core.users == 1


def journal(commit: Commit) -> list[list[object]]:
    (entry,) = commit.outputs["winback-journal"]
    assert entry.value is not None
    inputs: list[list[object]] = json.loads(entry.value)["inputs"]
    return inputs


def test_a_commit_holds_states_partition_record_and_journal() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1), event("bob", 1)]))
    commit = engine.take()
    assert {key for key, _ in commit.changelog} == {b"ada", b"bob", PARTITION_KEY}
    assert journal(commit) == [["user-activity", 0, 2]]
    assert not engine.take()


def test_the_journal_keeps_the_order_of_inputs_ticks_and_models() -> None:
    board = a_board()
    engine = pipeline(board=board)
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    drive(engine, chunk("user-activity", 1, [event("ada", 2)]))
    assert engine.tick(Tick(NOW_MS), 2 * DAY_MS)
    assert engine.tick(Tick(NOW_MS + 1000), 2 * DAY_MS)
    board.change(scorer=BgNbdScorer(RULES.churn.horizon_ms))
    drive(engine, chunk("user-activity", 2, [event("ada", 3)]))
    ticks = [[TICK, at_ms, at_ms] for at_ms in (NOW_MS, NOW_MS + 1000)]
    assert journal(engine.take()) == [
        ["user-activity", 0, 2], *ticks, [f"{USING}bgnbd_v1", 0, 0], ["user-activity", 2, 3],
    ]  # fmt: skip


def test_an_order_is_taken_before_the_next_chunk_and_stays_after_a_restart() -> None:
    board = a_board()
    engine = pipeline(board=board)
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    engine.take()
    before_ms = engine.core.watermark_ms
    order = Directive(MODE, "observe", before_ms + 1000, 7)
    board.change(orders=(order, Directive(STOP, ON, before_ms + 1000, 8)))
    drive(engine, chunk("user-activity", 1, [event("ada", 2)]))
    drive(engine, chunk("user-activity", 2, [event("ada", 3)]))
    commit = engine.take()
    assert journal(commit) == [
        ["$control mode=observe", before_ms + 1000, 7], ["$control stop=on", before_ms, 8],
        ["user-activity", 1, 3],
    ]  # fmt: skip
    heir = pipeline(board=board)
    heir.restore({key: value for key, value in commit.changelog if value})
    assert heir.core.controls.is_stopped(NOW_MS)
    heir.refresh()
    assert not heir.take(), "it knows all that"
    board.change(orders=(order,))
    heir.refresh()
    assert not heir.core.controls.is_stopped(NOW_MS)
    assert journal(heir.take())[3:] == [["$control stop=off", before_ms, 8]]


def test_a_lane_that_is_restored_says_by_what_it_goes() -> None:
    """The learner has put another model in force while nobody had the partition."""
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    kept = {key: value for key, value in engine.take().changelog if value}
    board = a_board()
    board.change(scorer=ToldScorer(by_silence), rules_version="v2")
    heir = pipeline(board=board)
    heir.restore(kept)
    assert not heir.take(), "that alone is no news"
    drive(heir, chunk("user-activity", 1, [event("ada", 2)]))
    assert journal(heir.take()) == [
        ["$rules v2", 0, 0], ["$model told_v1", 0, 0], ["$policy ", 0, 0], ["user-activity", 1, 2],
    ]  # fmt: skip


def test_changed_rules_come_into_force_between_two_chunks() -> None:
    board = a_board()
    engine = pipeline(board=board)
    drive(engine, chunk("user-activity", 0, [event("ada", 1)]))
    changed = msgspec.structs.replace(RULES, traits=("city",))
    board.change(
        rules=changed, rules_version="v2", decoders=decoders_of(SETTINGS, changed, Schemas())
    )
    drive(engine, chunk("user-activity", 1, [event("ada", 2)]))
    assert engine.core.rules is changed
    commit = engine.take()
    assert journal(commit)[1] == ["$rules v2", 0, 0]
    assert json.loads(commit.outputs["winback-journal"][0].value)["rules_version"] == "v2"


def test_the_length_of_the_strides_changes_nothing() -> None:
    """A long silence at once, or by the hour: the same states and the same records."""
    found = []
    for span_ms in (1000 * DAY_MS, DAY_MS // 24):
        engine = pipeline()
        people = [event(f"user-{n}", day, NOW_MS - (20 - day) * DAY_MS + n)
                  for day in range(10) for n in range(30)]  # fmt: skip
        drive(engine, chunk("user-activity", 0, people))
        strides = 1
        while not engine.tick(Tick(NOW_MS + 90 * DAY_MS), span_ms):
            strides += 1
        commit = engine.take()
        outputs = {topic: sorted(map(repr, rows)) for topic, rows in commit.outputs.items()
                   if topic not in {"winback-journal", "churn-examples"}}  # fmt: skip
        learned = sorted(
            (kind, row)
            for record in commit.outputs["churn-examples"]
            for kind, rows in [lessons_of(record)]
            for row in rows
        )
        found.append((sorted(map(repr, commit.changelog)), outputs, learned))
    assert strides > 90 * 24
    assert found[0] == found[1]
    assert found[0][1]["win-back-decisions"]


def test_a_record_that_is_no_event_becomes_a_dead_letter_and_the_rest_goes_on() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 40, [event("ada", 1), (b"x", b"{oops"), event("ada", 2)]))
    commit = engine.take()
    (letter,) = commit.outputs["winback-dead-letters"]
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"x", b"{oops")
    assert headers["__connect.errors.topic"] == b"user-activity"
    assert headers["__connect.errors.offset"] == b"41"
    assert headers["__connect.errors.exception.class.name"] == b"not_decodable"
    assert b"ada" in dict(commit.changelog)


def test_a_restored_engine_goes_on_where_the_commit_was() -> None:
    engine = pipeline()
    drive(engine, chunk("user-activity", 0, [event("ada", 1), event("bob", 1)]))
    stored = {key: value for key, value in engine.take().changelog if value is not None}
    again = pipeline()
    again.restore(stored)
    assert again.applied == {"user-activity": 2}
    assert again.core.users == 2


def test_another_salt_of_the_holdout_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever compares held out with treated must not mix two draws."""
    board = a_board()
    first = pipeline(board=board)
    drive(first, chunk("user-activity", 0, [event("ada", 1)]))
    records = {key: value or b"" for key, value in first.take().changelog}
    holdout = msgspec.structs.replace(RULES.holdout, salt="another")
    redrawn = msgspec.structs.replace(RULES, holdout=holdout)
    board.change(rules=redrawn)
    first.refresh()
    assert caplog.text.count("holdout_redrawn") == 1
    pipeline(board=a_board()).restore(records)
    assert caplog.text.count("holdout_redrawn") == 1
    heir = PipelineEngine(
        Partition(0, redrawn, board.now.scorer), lambda: board.now, streams_of(SETTINGS),
        Metrics(), Notices(SETTINGS.topic_dead_letters),
    )  # fmt: skip
    heir.restore(records)
    assert caplog.text.count("holdout_redrawn") == 2
