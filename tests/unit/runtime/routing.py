"""What the stories of the router are told with: a topic of lines, and its engine."""

from streams.core.decoded import Headers, Rejected, RejectReason, Skipped
from streams.core.interpret import NativeEvent
from streams.core.sources import Form, Source
from streams.intake.bulk import Bulk
from streams.intake.told import Told
from streams.runtime.columns import Chunk, Columns
from streams.runtime.dead_letters import DeadLetters, Notices
from streams.runtime.metrics import Metrics
from streams.runtime.producer import Commit
from streams.runtime.routed_record import Envelope
from streams.runtime.router import RouterEngine, Targets
from winback_sender.contract.messages import Output

TOPIC = "app.orders"
MINUTE_MS = 60_000
NOW_MS = 1_700_000_000_000
SOURCE = Source(topic=TOPIC, form=Form.JSON, lateness_ms=MINUTE_MS, idle_after_ms=5 * MINUTE_MS)
TARGETS = Targets("user-activity", "winback-dead-letters")


def tell(_key: bytes | None, value: bytes | None, _timestamp_ms: int, _headers: Headers) -> Told:
    """``user time id[,user time id …]``; ``?`` cannot be understood, ``-`` means nothing."""
    if value in {None, b"?"}:
        return Rejected(RejectReason.NOT_DECODABLE, "no line")
    if value == b"-":
        return Skipped("dropped_test")
    assert value is not None
    events = []
    for said in value.decode().split(","):
        user, at_ms, number = said.split()
        events.append(NativeEvent(user if user[0] == "$" else "paid", int(at_ms), number, user))
    return tuple(events)


class Watch:
    """A wall clock that the test moves."""

    def __init__(self) -> None:
        self.at_ms = NOW_MS

    def __call__(self) -> int:
        return self.at_ms


def engine(
    watch: Watch | None = None,
    *,
    source: Source = SOURCE,
    metrics: Metrics | None = None,
    is_ticked: bool = True,
) -> RouterEngine:
    metrics = metrics or Metrics()
    letters = DeadLetters(Notices(TARGETS.dead_letters), metrics)
    envelope = Envelope(TOPIC, 2, "shop")
    return RouterEngine(
        source, envelope, lambda: Bulk(tell), TARGETS, letters, metrics, watch or Watch(),
        is_ticked=is_ticked,
    )  # fmt: skip


def chunk(first: int, *values: bytes | None, written_ms: int = NOW_MS) -> Chunk:
    end = first + len(values)
    columns = Columns(
        first, end, [None] * len(values), list(values), list(range(first, end)),
        [written_ms] * len(values),
    )  # fmt: skip
    return Chunk(TOPIC, 2, columns, 1)


def drive(driven: RouterEngine, piece: Chunk) -> None:
    """Do what a lane does."""
    driven.apply(piece)
    driven.applied[TOPIC] = piece.columns.next_offset


def line(user: str, number: int, at_ms: int = NOW_MS) -> bytes:
    return f"{user} {at_ms} e{number}".encode()


def events_of(commit: Commit) -> list[Output]:
    return list(commit.keyed.get(TARGETS.activity, ()))


def told_of(commit: Commit) -> list[Output]:
    return list(commit.everywhere.get(TARGETS.activity, ()))


def ids_of(commit: Commit) -> list[str]:
    return [dict(output.headers)["ce_id"].decode() for output in events_of(commit)]
